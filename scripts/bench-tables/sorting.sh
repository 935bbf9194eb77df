# shellcheck shell=bash
# shellcheck disable=SC2154 # what scripts/bench sets
# Tables of scripts/bench: terasort, terasort40, terasort_tenth.

# same_bytes WHO FILE... -- FILE...: the files before -- and those after it hold the same bytes.
same_bytes() {
    local who=$1 left=()
    shift
    while [ "$1" != -- ]; do
        left+=("$1")
        shift
    done
    shift
    cmp -s <(cat "${left[@]}") <(cat "$@") || fail "$who has other records than the bound"
}

duckdb_sort() { # LINES OUT
    duckdb -c "SET threads = 2; COPY (SELECT line FROM read_csv('$1', header = false, columns =
        {'line': 'VARCHAR'}, delim = '\0', quote = '', escape = '') ORDER BY line) TO '$2'
        (HEADER false, QUOTE '')"
}

# sort_table RECORDS RUNS: the bound, one process and three; minima, since a sort is mostly memory traffic and
# a neighbour makes it much slower, never faster.
sort_table() {
    local records=$1 runs=$2 job=$jobs/terasort out=$work/out input run
    need "$job" "there is no sorting job to measure"
    input=$(input_file "records-$records-seed1.bin" gen_records "$records" 1)
    cat "$input" >/dev/null # a warm cache
    for ((run = 1; run <= runs; run++)); do
        measure bound "$tools/terasort_bound" "$input" "$out.bound" 2
        measure plain "$job" "$input" "$out.plain" --overwrite --barks-workers 2
        measure ranks mpirun -np 3 --oversubscribe "$job" "$input" "$out.ranks" --overwrite \
            --barks-workers 1
        measure empty mpirun -np 3 --oversubscribe "$tools/empty_mpi"
        if [ "$run" = 1 ]; then
            same_bytes barks "$out".bound.[01] -- "$out".plain/part-*.bin
            same_bytes "barks -np 3" "$out".bound.[01] -- "$out".ranks/part-*.bin
        fi
    done
    echo
    echo "### terasort: $records records of 100 bytes, file to file; minima of $runs"
    echo
    table_head
    best_row "bound, 2 threads" bound bound
    best_row "barks, one process, 2 workers" bound plain
    best_row "barks, mpirun -np 3, net of an empty program" bound ranks empty
    rm -rf "$out".*
}

# peer_sort RECORDS: the same records as lines, for those who sort lines; each once.
peer_sort() {
    local records=$1 out=$work/out lines
    lines=$(input_file "lines-$records-seed1.txt" gen_records "$records" 1 --text)
    cat "$lines" >/dev/null
    measure lines "$jobs/terasort" "$lines" "$out.lines" --lines --overwrite --barks-workers 2
    measure gnu env LC_ALL=C sort --parallel=2 -S 50% -o "$out.gnu" "$lines"
    same_bytes "barks --lines" "$out.gnu" -- "$out".lines/part-*.txt
    if command -v duckdb >/dev/null; then
        export -f duckdb_sort
        measure duckdb bash -c 'duckdb_sort "$@"' duckdb_sort "$lines" "$out.duckdb"
    fi
    row "as lines: barks, one process, 2 workers" lines lines
    row "as lines: GNU sort, 2 threads" lines gnu
    [ ! -s "$work/duckdb.cost" ] || row "as lines: DuckDB, 2 threads" lines duckdb
    rm -rf "$out".*
}

bench_terasort() {
    sort_table "$sort_records" $((runs + 2))
    peer_sort "$sort_records"
}

bench_terasort40() { sort_table $((4 * sort_records)) $((runs + 2)); }

bench_terasort_tenth() {
    local job=$jobs/terasort out=$work/out input run budget
    input=$(input_file "records-$sort_records-seed1.bin" gen_records "$sort_records" 1)
    budget=$((sort_records * 100 / 10 > least_budget ? sort_records * 100 / 10 : least_budget))
    cat "$input" >/dev/null
    for ((run = 1; run <= runs; run++)); do
        measure whole "$job" "$input" "$out.whole" --overwrite --barks-workers 2
        attempt tenth "$job" "$input" "$out.tenth" --overwrite --barks-workers 2 \
            --barks-memory "$budget" || break
        [ "$run" != 1 ] || same_bytes "a tenth" "$out".whole/part-*.bin -- "$out".tenth/part-*.bin
    done
    echo
    echo "### terasort with a budget of a tenth of its input: $sort_records records; median of $runs"
    echo
    table_head
    row "barks, 2 workers, memory for all" whole whole
    attempt_row "barks, 2 workers, $((budget >> 20)) MiB" whole tenth
    rm -rf "$out".*
}
