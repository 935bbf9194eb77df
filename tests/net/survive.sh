#!/bin/sh
# Executors die under MPI, and the rest goes on: survive.sh MPIRUN PROGRAM RANKS TRANSPORT RUNS.
# TRANSPORT: memory, where every run must survive; tcp, where Open MPI 4.1 cannot always go on with the
# living (it tries to connect to the dead again): such runs are counted, some must survive, and wrong bytes
# are a failure. With ULFM (Open MPI 5) every run must survive over both.
set -u
mpirun=$1 program=$2 ranks=$3 transport=$4 runs=$5
seed=${BARKS_TEST_SEED:-$(date +%s)}
recover=--enable-recovery may_abort=$([ "$transport" = memory ] || echo yes)
case $("$mpirun" --version | head -n 1) in
*' 4.'*) ;;
*) recover='--with-ft ulfm' may_abort= ;;
esac
options=
[ "$transport" = memory ] || options='--mca btl tcp,self'
aborted=0 survived=0
while [ "$runs" -gt 0 ]; do
    # shellcheck disable=SC2086 # words on purpose
    said=$(timeout -k 5 60 "$mpirun" $recover $options --oversubscribe -np "$ranks" "$program" "$seed" $((seed % 4 + 1)) 2>&1)
    line=$(echo "$said" | grep -e '^survived' -e WRONG | head -n 1)
    echo "seed $seed, $ranks ranks, $transport: ${line:-aborted}"
    case $line in
    survived*) survived=$((survived + 1)) ;;
    '')
        [ -n "$may_abort" ] || { echo "$said"; echo "replay with BARKS_TEST_SEED=$seed"; exit 1; }
        aborted=$((aborted + 1)) ;;
    *) echo "$said"; echo "replay with BARKS_TEST_SEED=$seed"; exit 1 ;;
    esac
    seed=$((seed + 1)) runs=$((runs - 1))
done
echo "aborted: $aborted"
[ "$survived" -gt 0 ]
