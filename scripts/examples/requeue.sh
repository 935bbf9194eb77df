#!/bin/bash
#SBATCH --job-name=long
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --time=4:00:00
#SBATCH --requeue
#SBATCH --signal=B:USR1@300
#SBATCH --open-mode=append
#SBATCH --output=long-%j.out
# A job longer than its time limit, or that has lost an executor, goes back into the queue: sbatch requeue.sh ./wordcount /shared/input /shared/counts

# Slurm before 23.02 does not tell a job when its time is over.
if [ -z "${SLURM_JOB_END_TIME:-}" ]; then
    end=$(squeue -h -j "$SLURM_JOB_ID" -o %e) && end=$(date -d "$end" +%s 2>/dev/null) &&
        export SLURM_JOB_END_TIME=$end
fi
export BARKS_TIME_WARNED=300s

# Slurm warns the script alone ("B:"), which passes it on; and after a signal it has to wait again.
mpirun -np $((SLURM_NTASKS + 1)) --map-by node --bind-to none --oversubscribe "$@" &
job=$!
# shellcheck disable=SC2317 # called by trap
pass_on() {
    again=true
    kill -s "$1" "$job"
}
trap 'pass_on USR1' USR1
trap 'pass_on TERM' TERM
again=true
while $again; do
    again=false
    wait "$job"
    status=$?
done

# 75: out of time; 7, 137, 205: an executor, a process or a host was lost. Twenty times are enough for anything that makes
# progress.
case $status in
75 | 7 | 137 | 205)
    [ "${SLURM_RESTART_COUNT:-0}" -ge 20 ] || { scontrol requeue "$SLURM_JOB_ID" && exit 0; }
    ;;
esac
exit "$status"
