#!/bin/bash
#SBATCH --job-name=days
#SBATCH --array=1-31%4
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=30
#SBATCH --output=days-%A_%a.out
# A job for each day of a month, four at a time: sbatch array.sh ./wordcount /shared/logs /shared/counts
job=$1 input=$2 output=$3
day=$(printf '%02d' "$SLURM_ARRAY_TASK_ID")
exec mpirun -np $((SLURM_NTASKS + 1)) --bind-to none --oversubscribe "$job" "$input/day-$day.txt" "$output/$day"
