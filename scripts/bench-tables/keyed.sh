# shellcheck shell=bash
# shellcheck disable=SC2154 # what scripts/bench sets
# Tables of scripts/bench: groupby, join, joinfilter, skew. Rows of two integers, key and value: binary for the bounds, barks's
# own batches for barks, a table for DuckDB.

# table_input NAME ARGUMENT...: makes NAME.bin and NAME.batches by gen_table once.
table_input() {
    local name=$1 csv
    shift
    input_file "$name.bin" gen_table "$@" --binary >/dev/null
    if [ ! -e "$data/$name.batches/_SUCCESS" ]; then
        csv=$(input_file "$name.csv" gen_table "$@")
        measure import "$tools/table_bench" import "$csv" "$data/$name.batches"
        rm -f "$csv"
    fi
    cat "$data/$name.bin" "$data/$name.batches"/part-* >/dev/null # a warm cache
}

# duckdb_table NAME: a table of data/NAME.bin in the database of this run.
duckdb_table() {
    [ ! -s "$work/duckdb.$1.csv" ] || return 0
    python3 -c 'import struct, sys
print("key,value")
for row in struct.iter_unpack("<qq", sys.stdin.buffer.read()): print(*row, sep=",")' \
        <"$data/$1.bin" >"$work/duckdb.$1.csv"
    duckdb "$work/duckdb" -c "CREATE TABLE \"$1\" AS FROM read_csv('$work/duckdb.$1.csv', columns =
        {'key': 'BIGINT', 'value': 'BIGINT'})" || fail "DuckDB does not take $1"
}

duckdb_run() { # DATABASE QUERY OUT
    duckdb "$1" -c "SET threads = 2; COPY ($2) TO '$3' (FORMAT parquet, COMPRESSION uncompressed)"
}

# check_log NAME FIELD WANTED: what a bound says of its result.
check_log() {
    local got
    got=$(awk -v name="$2" '{ for (i = 1; i < NF; i++) if ($i == name) print $(i + 1) }' "$work/$1.log")
    [ "$got" = "$3" ] || fail "$1 has $got $2, not $3"
}

# keyed_rows ROWS LABEL-END: the rows of the table, with millions of rows a second and core.
keyed_rows() {
    local rows=$1 what=$2 name label
    for name in bound barks ${have_duckdb:+duckdb}; do
        case $name in
        bound) label="bound, 2 threads" ;;
        barks) label="barks, one process, 2 workers" ;;
        duckdb) label="DuckDB, 2 threads" ;;
        esac
        row "$what: $label" "bound_$key" "${name}_$key"
        rates+=("$(awk -v rows="$rows" -v s="$(seconds wall "${name}_$key" | median)" -v c="$(seconds cpu \
            "${name}_$key" | median)" -v what="$what: ${label%%,*}" 'BEGIN {
            printf "%s %.1f (%.1f by CPU)", what, rows / s / 2e6, rows / c / 1e6 }')")
    done
}

print_rates() {
    printf '\nMillions of rows a second and core, file to file: '
    printf '%s; ' "${rates[@]}" | sed 's/; $/.\n/'
}

have_duckdb=$(command -v duckdb || true) # it may be missing: its rows are then left out

bench_groupby() {
    local out=$work/out run key keys name rows=$table_rows rates=()
    need "$tools/table_bench" "there is no job to measure"
    export -f duckdb_run
    echo
    echo "### groupby: sum and count by an integer key, $rows rows; median of $runs"
    echo
    table_head
    for keys in 100 $((rows / 100)) "$rows"; do
        key=$keys name=table-$rows-$keys-seed1
        table_input "$name" "$rows" "$keys" 1
        [ -z "$have_duckdb" ] || duckdb_table "$name"
        for ((run = 1; run <= runs; run++)); do
            measure "bound_$key" "$tools/groupby_bound" "$data/$name.bin" "$out.bound" 2
            measure "barks_$key" "$tools/table_bench" group "$data/$name.batches" "$out.barks" --barks-workers 2
            [ -z "$have_duckdb" ] || measure "duckdb_$key" bash -c 'duckdb_run "$@"' duckdb_run "$work/duckdb" \
                "SELECT key, sum(value), count(*) FROM \"$name\" GROUP BY key" "$out.duckdb"
            check_log "bound_$key" groups "$keys"
        done
        check_result groups "$out.barks" "rows $keys count $rows"
        keyed_rows "$rows" "$keys keys"
        rm -rf "$out".*
    done
    print_rates
}

# check_result WHAT BATCHES FIGURES
check_result() {
    local figures
    figures=$("$tools/table_bench" "check-$1" "$2" --barks-quiet) || fail "$2 cannot be read"
    [ "$figures" = "$3" ] || fail "barks's result has $figures; it should have $3"
}

bench_join() {
    local out=$work/out run key=join left right rows=$table_rows rates=()
    left=table-$rows-$rows-seed1 right=table-$rows-$rows-seed2
    table_input "$left" "$rows" "$rows" 1
    table_input "$right" "$rows" "$rows" 2
    export -f duckdb_run
    for name in "$left" "$right"; do
        [ -z "$have_duckdb" ] || duckdb_table "$name"
    done
    for ((run = 1; run <= runs; run++)); do
        measure bound_join "$tools/join_bound" "$data/$left.bin" "$data/$right.bin" "$out.bound" 2
        measure barks_join "$tools/table_bench" join "$data/$left.batches" "$data/$right.batches" \
            "$out.barks" --barks-workers 2
        [ -z "$have_duckdb" ] || measure duckdb_join bash -c 'duckdb_run "$@"' duckdb_run "$work/duckdb" \
            "SELECT l.key, l.value, r.value FROM \"$left\" l JOIN \"$right\" r ON l.key = r.key" "$out.duckdb"
        check_log bound_join joined "$rows"
    done
    check_result joined "$out.barks" "rows $rows"
    echo
    echo "### join: $rows rows with $rows rows, a partner for each; median of $runs"
    echo
    table_head
    keyed_rows $((2 * rows)) join
    print_rates
    rm -rf "$out".*
}

# filter_pair LABEL OPERATION LEFT RIGHT ROWS: all rows sent and then those that may have a partner, in turns.
filter_pair() {
    local label=$1 operation=$2 left=$data/$3.batches right=$data/$4.batches rows=$5 run name out=$work/out
    rm -f "$work/all.cost" "$work/few.cost"
    for ((run = 1; run <= runs; run++)); do
        for name in all few; do
            measure "$name" "$tools/table_bench" "$operation" "$left" "$right" "$out.$name" --barks-local 2 \
                --barks-workers 1 --barks-broadcast-join-bytes 0 \
                --barks-join-filter "$([ "$name" = all ] && echo off || echo auto)"
            [ -z "$rows" ] || check_result joined "$out.$name" "rows $rows"
            sed -n 's/.*shuffled \([^,]*\),.*/\1/p' "$work/$name.log" >"$work/$name.sent"
        done
    done
    row "$label, off: $(cat "$work/all.sent") sent" all all
    row "$label, auto: $(cat "$work/few.sent") sent" all few
    rm -rf "$out".*
}

# Of the first, one row in 100 has a partner; of the second and third all have; of the third the sides are even.
bench_joinfilter() {
    local rows=$table_rows few=$((table_rows / 100)) tenth=$((table_rows / 10))
    table_input "table-$rows-$rows-seed1" "$rows" "$rows" 1
    table_input "table-$rows-$rows-seed2" "$rows" "$rows" 2
    table_input "table-$few-$few-seed2" "$few" "$few" 2
    table_input "table-$rows-$tenth-seed1" "$rows" "$tenth" 1
    table_input "table-$tenth-$tenth-seed2" "$tenth" "$tenth" 2
    echo
    echo "### joinfilter: $rows rows joined by two executors of one worker, join_filter off and auto; median of $runs"
    echo
    table_head
    filter_pair "with $few, 1 % match" sparse "table-$rows-$rows-seed1" "table-$few-$few-seed2" "$few"
    filter_pair "with $tenth, all match" join "table-$rows-$tenth-seed1" "table-$tenth-$tenth-seed2" "$rows"
    filter_pair "with $rows, all match" join "table-$rows-$rows-seed1" "table-$rows-$rows-seed2" "$rows"
}

# skew_pair LABEL OPERATION EVEN-INPUTS -- HOT-INPUTS: both in turns, and the row of each.
skew_pair() {
    local label=$1 operation=$2 even=() hot=() run out=$work/out name
    shift 2
    while [ "$1" != -- ]; do
        even+=("$data/$1.batches")
        shift
    done
    shift
    for name in "$@"; do
        hot+=("$data/$name.batches")
    done
    rm -f "$work/even.cost" "$work/hot.cost"
    for ((run = 1; run <= runs; run++)); do
        measure even "$tools/table_bench" "$operation" "${even[@]}" "$out.even" --barks-workers 2
        attempt hot "$tools/table_bench" "$operation" "${hot[@]}" "$out.hot" --barks-workers 2 || break
    done
    row "$label, even keys" even even
    attempt_row "$label, skewed" even hot
    rm -rf "$out".*
}

# Both sides hot: as many pairs as with even keys, since it is these that cost; 90 % of both sides on one key.
bench_skew() {
    local rows=$table_rows keys=$((table_rows / 10)) few=$((table_rows / 1000)) half=$((table_rows / 2))
    table_input "even-$rows-$keys-seed1" "$rows" "$keys" 1
    table_input "hot-$rows-$keys-seed1" "$rows" "$keys" 1 --hot 90
    table_input "even-$keys-$keys-seed2" "$keys" "$keys" 2
    table_input "even-$rows-$rows-seed2" "$rows" "$rows" 2
    table_input "even-$half-$rows-seed5" "$half" "$rows" 5
    table_input "hot-$half-$rows-seed5" "$half" "$rows" 5 --hot 90
    # few rows on each side, 0.9 few * 0.9 few pairs of the hot key; even: 90 rows of each key on each side.
    table_input "hot-$few-$few-seed3" "$few" "$few" 3 --hot 90
    table_input "hot-$few-$few-seed4" "$few" "$few" 4 --hot 90
    local on_key=$((few * 9 / 10)) pairs even_rows even_keys
    pairs=$((on_key * on_key)) even_rows=$((on_key * on_key / 90)) even_keys=$((on_key * on_key / 8100))
    table_input "even-$even_rows-$even_keys-seed3" "$even_rows" "$even_keys" 3
    table_input "even-$even_rows-$even_keys-seed4" "$even_rows" "$even_keys" 4
    echo
    echo "### skew: 90 % of the rows on one key, against even keys; median of $runs"
    echo
    table_head
    skew_pair "sum and count, $rows rows" group "even-$rows-$keys-seed1" -- "hot-$rows-$keys-seed1"
    skew_pair "join, left side" join "even-$rows-$keys-seed1" "even-$keys-$keys-seed2" -- \
        "hot-$rows-$keys-seed1" "even-$keys-$keys-seed2"
    skew_pair "join, right side" join "even-$keys-$keys-seed2" "even-$rows-$keys-seed1" -- \
        "even-$keys-$keys-seed2" "hot-$rows-$keys-seed1"
    # The side with fewer bytes, which is mapped second: 90 % of its rows have the key of one row of the other.
    skew_pair "join, smaller side" join "even-$rows-$rows-seed2" "even-$half-$rows-seed5" -- \
        "even-$rows-$rows-seed2" "hot-$half-$rows-seed5"
    skew_pair "join, both sides, $pairs pairs" pairs "even-$even_rows-$even_keys-seed3" \
        "even-$even_rows-$even_keys-seed4" -- "hot-$few-$few-seed3" "hot-$few-$few-seed4"
    # So many partitions are asked for, so that no key is spread: one of them has nine rows of ten.
    skew_pair "join to 16 partitions, tallied" tally "even-$rows-$keys-seed1" "even-$keys-$keys-seed2" -- \
        "hot-$rows-$keys-seed1" "even-$keys-$keys-seed2"
    BARKS_LARGE_PARTITIONS=whole skew_pair "the same, not shared" tally "even-$rows-$keys-seed1" \
        "even-$keys-$keys-seed2" -- "hot-$rows-$keys-seed1" "even-$keys-$keys-seed2"
}
