# shellcheck shell=bash
# shellcheck disable=SC2154 # what scripts/bench sets
# Tables of scripts/bench: overhead, losses.

# recover_options: how this mpirun is told that it does not end a job whose ranks are lost.
recover_options() {
    case $(mpirun --version | head -n 1) in
    *' 4.'*) echo --enable-recovery ;;
    *) echo --with-ft ulfm ;;
    esac
}

# touch_memory MIB: as much as a run takes is touched and freed, so that runs find memory alike: that of a virtual machine is
# its host's until then, and goes back some seconds after it was freed.
touch_memory() { python3 -c "b'x' * ($1 << 20)"; }

# overhead_run MODE JOB INPUT OUTPUT LOG: with nothing that is only for bad days, with an event log, and with all of it.
overhead_run() {
    local mode=$1 job=$2 input=$3 out=$4 log=$5 options=(--overwrite --barks-workers 1) recover
    read -r -a recover <<<"$(recover_options)"
    case $mode in
    bare) measure bare mpirun -np 3 --oversubscribe "$job" "$input" "$out.bare" "${options[@]}" --barks-recovery off ;;
    logged) measure logged mpirun -np 3 --oversubscribe "$job" "$input" "$out.logged" "${options[@]}" \
        --barks-recovery off --barks-event-log "$log" ;;
    all) measure all mpirun "${recover[@]}" -np 3 --oversubscribe "$job" "$input" "$out.all" "${options[@]}" \
        --barks-recovery on --barks-event-log "$log" ;;
    empty) measure empty mpirun -np 3 --oversubscribe "$tools/empty_mpi" ;;
    esac
}

# overhead_of LABEL JOB INPUT: the modes in turns, each time in another order.
overhead_of() {
    local label=$1 job=$2 input=$3 out=$work/out log=$work/log run turn mode modes=(bare logged all empty)
    need "$job" "there is no such job to measure"
    cat "$input" >/dev/null # a warm cache
    rm -f "$work"/*.cost
    for ((run = 1; run <= runs; run++)); do
        for ((turn = 0; turn < 4; turn++)); do
            touch_memory 2500
            overhead_run "${modes[(run + turn) % 4]}" "$job" "$input" "$out" "$log"
        done
        for mode in logged all; do
            [ "$run" != 1 ] || same_bytes "$label, $mode," "$out".bare/part-* -- "$out.$mode"/part-*
        done
    done
    echo
    echo "### overhead: $label, mpirun -np 3, net of an empty program; median of $runs"
    echo
    table_head
    net_row "no event log, no recovery" bare
    net_row "an event log" logged
    net_row "an event log, recovery (map output retained)" all
    rm -rf "$out".* "$log"
}

# net_row LABEL NAME: beside bare, both without what starting MPI costs.
net_row() {
    local field figures=()
    for field in wall cpu; do
        figures+=("$(seconds "$field" "$2" empty | median)"
            "$(paste <(seconds "$field" "$2" empty) <(seconds "$field" bare empty) | awk '{ print $1 / $2 }' | median)")
    done
    printf '| %-45s | %7.3f | %5.2f | %7.3f | %5.2f | %8s | %s |\n' "$1" "${figures[@]}" "$(peak_mib "$2")" "$machine"
}

bench_overhead() {
    overhead_of "word count of $text_bytes of Zipf text" "$jobs/wordcount" "$(text_file "$text_bytes")"
    overhead_of "terasort of $sort_records records" "$jobs/terasort" \
        "$(input_file "records-$sort_records-seed1.bin" gen_records "$sort_records" 1)"
}

# ---- executors that are lost, or slow ----

# confine RANK MILLICORES: a group of processes that gets so much; prints the file that takes a process in.
confine() {
    local top=/sys/fs/cgroup group
    if [ -d "$top/cpu" ]; then
        group=$top/cpu/barks-bench-$$/$1
        mkdir -p "$group" && echo 100000 >"$group/cpu.cfs_period_us" && echo "${2}00" >"$group/cpu.cfs_quota_us"
    else
        group=$top/barks-bench-$$/$1
        mkdir -p "$top/barks-bench-$$" && echo +cpu >"$top/barks-bench-$$/cgroup.subtree_control" &&
            mkdir -p "$group" && echo "${2}00 100000" >"$group/cpu.max"
    fi 2>/dev/null || return 1
    echo "$group/cgroup.procs"
}

# Of the two layouts one is not there, and where making them failed some of the groups are not.
free_confined() { rmdir /sys/fs/cgroup/{cpu/,}barks-bench-$$/* /sys/fs/cgroup/{cpu/,}barks-bench-$$ 2>/dev/null || true; }

# four JOB ARGUMENT...: as a driver and four executors, each of which has 0.4 of a core and no more, so that a loss is
# a loss. The file pid.RANK tells their processes.
# shellcheck disable=SC2016,SC2317 # the inner shell expands them; measure calls it
four() {
    # shellcheck disable=SC2046 # words on purpose
    mpirun $(recover_options) -np 5 --oversubscribe sh -c '
        rank=$OMPI_COMM_WORLD_RANK
        echo $$ >"$BENCH_GROUPS.$rank" && echo $$ >"$BENCH_WORK/pid.$rank" && exec "$@"' four "$@" \
        --barks-workers 1 --barks-recovery on
}

# four_without SECONDS JOB ARGUMENT...: the same, and executor 2 is killed then.
# shellcheck disable=SC2317 # measure calls it
four_without() {
    local seconds=$1 job
    shift
    rm -f "$BENCH_WORK"/pid.*
    four "$@" &
    job=$!
    sleep "$seconds"
    kill -KILL "$(cat "$BENCH_WORK/pid.2")"
    wait "$job"
}

bench_losses() {
    local job=$jobs/terasort out=$work/out records=$((4 * sort_records)) input run rank half
    need "$job" "there is no sorting job to measure"
    for rank in 0 1 2 3 4; do
        confine "$rank" 400 >"$work/group.$rank" || {
            free_confined
            fail "losses: no groups with a share of a core can be made below /sys/fs/cgroup (this wants root)"
        }
        # The rank's own link to the file that takes it in: its path depends on the kernel.
        ln -s "$(cat "$work/group.$rank")" "$work/groups.$rank"
    done
    export BENCH_GROUPS=$work/groups BENCH_WORK=$work
    export -f four four_without recover_options
    input=$(input_file "records-$records-seed1.bin" gen_records "$records" 1)
    cat "$input" >/dev/null
    for ((run = 1; run <= runs; run++)); do
        touch_memory 10000
        measure quiet bash -c 'four "$@"' four "$job" "$input" "$out.quiet" --overwrite
        half=$(seconds wall quiet | median | awk '{ print $1 / 2 }')
        touch_memory 10000
        measure lost bash -c 'four_without "$@"' four "$half" "$job" "$input" "$out.lost" --overwrite
        grep -q 'executor 2 .*was lost' "$work/lost.log" || fail "executor 2 was not lost: $(cat "$work/lost.log")"
        touch_memory 10000
        BARKS_FAULT='slow:executor=2,factor=5' measure slow bash -c 'four "$@"' four "$job" "$input" \
            "$out.slow" --overwrite
        if [ "$run" = 1 ]; then
            same_bytes "a job that lost an executor" "$out".quiet/part-* -- "$out".lost/part-*
            same_bytes "a job with a slow executor" "$out".quiet/part-* -- "$out".slow/part-*
        fi
    done
    echo
    echo "### losses: terasort of $records records, four executors of 0.4 cores; median of $runs"
    echo
    table_head
    row "all four" quiet quiet
    row "one of them killed after half of that time" quiet lost
    row "one of them five times slower" quiet slow
    rm -rf "$out".*
    free_confined
}
