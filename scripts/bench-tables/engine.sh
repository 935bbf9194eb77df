# shellcheck shell=bash
# shellcheck disable=SC2154 # what scripts/bench sets
# Tables of scripts/bench: startup, actions, exchange.

bench_startup() {
    local job=$jobs/wordcount text out=$work/out run short_cpu long_cpu
    need "$job" "there is no word count job to measure"
    need "$tools/idle_bench" "there is no idle job to measure"
    text=$(text_file 1k)
    for ((run = 1; run <= runs; run++)); do
        measure start_empty mpirun -np 3 --oversubscribe "$tools/empty_mpi"
        measure start_ranks mpirun -np 3 --oversubscribe "$job" "$text" "$out.ranks" --overwrite
        measure start_plain "$job" "$text" "$out.plain" --overwrite
    done
    # Idle from 1 s to 6 s after the start: what starting and ending cost is in both and goes out.
    measure idle_short mpirun -np 3 --oversubscribe "$tools/idle_bench" 1
    measure idle_long mpirun -np 3 --oversubscribe "$tools/idle_bench" 6
    short_cpu=$(field idle_short cpu)
    long_cpu=$(field idle_long cpu)

    echo
    echo "### startup: word count of 1 KB, median of $runs"
    echo
    table_head
    row "an empty MPI program, mpirun -np 3" start_empty start_empty
    row "barks, mpirun -np 3" start_empty start_ranks
    row "barks, mpirun -np 3, net of the empty program" start_empty start_ranks start_empty
    row "barks, one process" start_empty start_plain
    echo
    awk -v long="$long_cpu" -v short="$short_cpu" -v machine="$machine" 'BEGIN {
        printf "An idle job of 3 processes uses %.2f %% of a core for each (%s).\n",
            (long - short) / 5 / 3 * 100, machine }'
}

# action_figure NAME FIELD: the median of what rdd_bench printed for FIELD.
action_figure() {
    awk -v name="$2" '{ for (i = 1; i < NF; i += 2) if ($i == name) print $(i + 1) }' \
        "$work/$1.figures" | median
}

action_row() { # LABEL NAME
    printf '| %-45s | %12.0f | %9.3f | %9.3f | %s |\n' "$1" \
        "$(action_figure "$2" partitions_per_second)" "$(action_figure "$2" small_action_ms)" \
        "$(action_figure "$2" cached_action_ms)" "$machine"
}

bench_actions() {
    local run name
    need "$tools/rdd_bench" "there is no job of small actions to measure"
    for ((run = 1; run <= runs; run++)); do
        measure actions_plain "$tools/rdd_bench" --barks-quiet
        measure actions_local "$tools/rdd_bench" --barks-quiet --barks-local 2
        measure actions_ranks mpirun -np 3 --oversubscribe "$tools/rdd_bench" --barks-quiet
        for name in actions_plain actions_local actions_ranks; do
            cat "$work/$name.log" >>"$work/$name.figures"
        done
    done
    echo
    echo "### actions: count of 100,000 partitions, of 1,000 rows in 16, and of these cached; median of $runs"
    echo
    printf '| %-45s | partitions/s | small ms  | cached ms | machine |\n' ""
    printf '|---|---|---|---|---|\n'
    action_row "barks, one process" actions_plain
    action_row "barks, two executors in one process" actions_local
    action_row "barks, mpirun -np 3" actions_ranks
}

# best NAME: the best rate over all runs, from lines with `best_gbs X`.
best() {
    awk '{ for (i = 1; i < NF; i++) if ($i == "best_gbs") print $(i + 1) }' "$work/$1.rates" |
        sort -g | tail -n 1
}

bench_exchange() {
    local bytes=$((1 << 20)) nap_us=50 ranks run
    need "$tools/exchange_bench" "there is no exchange benchmark of barks to measure"
    echo
    echo "### exchange: rounds of $bytes bytes to each peer, naps up to $nap_us us, best of $runs runs"
    echo
    printf '| %-45s | GB/s    | ratio | machine |\n' ""
    printf '|---|---|---|---|\n'
    for ranks in 2 3; do
        rm -f "$work"/exchange_*.rates
        for ((run = 1; run <= runs; run++)); do
            measure exchange_bound mpirun -np "$ranks" --oversubscribe \
                "$tools/exchange_bound" -b "$bytes" -n "$nap_us"
            # One rank more, the driver, which takes no part.
            measure exchange_bench mpirun -np $((ranks + 1)) --oversubscribe \
                "$tools/exchange_bench" -b "$bytes" -n "$nap_us"
            for program in exchange_bound exchange_bench; do
                cat "$work/$program.log" >>"$work/$program.rates"
            done
        done
        rate_row "bare loop, $ranks ranks" "$(best exchange_bound)" 1
        rate_row "barks, $ranks executors and a driver" "$(best exchange_bench)" \
            "$(awk -v a="$(best exchange_bench)" -v b="$(best exchange_bound)" 'BEGIN { print a / b }')"
    done
}
