#!/bin/bash
#SBATCH --job-name=words
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=2
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --time=2:00:00
#SBATCH --output=words-%j.out
# Four nodes of two NUMA domains, an executor for each: sbatch several-nodes.sh ./wordcount /shared/input /shared/counts

# Ranks are dealt out node by node, and so the driver is one rank more on the first node. mpirun takes the nodes from
# Slurm; barks shares the cores and the memory that Slurm gave out among the executors of a node.
exec mpirun -np $((SLURM_NTASKS + 1)) --map-by node --bind-to none --oversubscribe "$@"
