# shellcheck shell=bash
# shellcheck disable=SC2154 # what scripts/bench sets
# Tables of scripts/bench: startup, actions, exchange, scheduler.

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
    printf '| %-45s | %12.0f | %9.0f | %9.3f | %9.3f | %s |\n' "$1" \
        "$(action_figure "$2" partitions_per_second)" "$(action_figure "$2" tasks_per_second)" \
        "$(action_figure "$2" small_action_ms)" \
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
    echo "### actions: count of 100,000 partitions, in few tasks and in one each, of 1,000 rows in 16, and of these cached; median of $runs"
    echo
    printf '| %-45s | partitions/s | tasks/s   | small ms  | cached ms | machine |\n' ""
    printf '|---|---|---|---|---|---|\n'
    action_row "barks, one process" actions_plain
    action_row "barks, two executors in one process" actions_local
    action_row "barks, mpirun -np 3" actions_ranks
}

bench_scheduler() {
    need "$tools/scheduler_bench" "there is no benchmark of the scheduler"
    echo
    echo "### scheduler: executors that take no time, best of $runs ($machine)"
    echo
    "$tools/scheduler_bench" "$runs"
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

# ---- csv ----

# csv_best NAME FIELD: the best of what all runs printed for FIELD, MB/s.
csv_best() {
    awk -v name="$2" '$1 == name { print $2 }' "$work/$1.rates" | sort -g | tail -n 1
}

csv_row() { # LABEL NAME FIELD
    printf '| %-45s | %7.0f | %5.2f | %s |\n' "$1" "$(csv_best "$2" "$3")" \
        "$(awk -v a="$(csv_best "$2" "$3")" -v b="$(csv_best csv_bound bound)" 'BEGIN { print a / b }')" "$machine"
}

bench_csv() {
    local file=$data/trips-seed1.csv run
    if [ ! -s "$file" ]; then
        "$tools/gen_trips" 500000000 1 >"$file.tmp.$$" || fail "cannot write $file"
        mv "$file.tmp.$$" "$file"
    fi
    for ((run = 1; run <= runs; run++)); do
        measure csv_bound "$tools/csv_bound" "$file"
        measure csv_bench "$tools/csv_bench" "$file"
        [ "$(cut -d' ' -f4- "$work/csv_bound.log")" = "$(head -n 1 "$work/csv_bench.log" | cut -d' ' -f4-)" ] ||
            fail "barks read other rows than the bound"
        cat "$work/csv_bound.log" >>"$work/csv_bound.rates"
        cat "$work/csv_bench.log" >>"$work/csv_bench.rates"
    done
    echo
    echo "### csv: 500 MB of ten columns, types given, one core; best of $runs runs"
    echo
    printf '| %-45s | MB/s    | ratio | machine |\n' ""
    printf '|---|---|---|---|\n'
    csv_row "a loop for these columns over a mapped file" csv_bound bound
    csv_row "barks, defaults: the scan for quotes, the rows" csv_bench defaults
    csv_row "barks, the scan alone" csv_bench scan
    csv_row "barks, the rows alone (.multiline never)" csv_bench rows
}
