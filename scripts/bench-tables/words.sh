# shellcheck shell=bash
# shellcheck disable=SC2154 # what scripts/bench sets
# Tables of scripts/bench: wordcount, wordcount2g.

# text_file BYTES [VOCABULARY]: its path, made once.
text_file() {
    input_file "words-$1${2:+-vocabulary$2}-seed1.txt" gen_words "$1" 1 ${2:+"$2"}
}

# check_counts WHO TOTAL DISTINCT: lines `word,count` on stdin must have the bound's sums.
check_counts() {
    awk -F, -v who="$1" -v total="$2" -v distinct="$3" '
        { sum += $NF }
        END {
            if (sum == total && NR == distinct)
                exit 0
            printf "scripts/bench: %s counted %.0f words, %d distinct; the bound %.0f and %d\n",
                who, sum, NR, total, distinct > "/dev/stderr"
            exit 1
        }'
}

duckdb_count() { # TEXT OUT
    duckdb -c "SET threads = 2; COPY (SELECT word, count(*) AS count FROM (SELECT
        unnest(string_split_regex(line, '[ \t\n\v\f\r]+')) AS word FROM read_csv('$1', header = false,
        columns = {'line': 'VARCHAR'}, delim = '\0', quote = '', escape = '')) WHERE word <> ''
        GROUP BY word) TO '$2' (HEADER)"
}

# count_table LABEL TEXT: the bound, one process, three, DuckDB.
count_table() {
    local label=$1 text=$2 job=$jobs/wordcount out=$work/out run total distinct
    need "$job" "there is no word count job to measure"
    cat "$text" >/dev/null # a warm cache
    for ((run = 1; run <= runs; run++)); do
        measure bound "$tools/wordcount_bound" "$text" "$out.bound" 2
        read -r total distinct < <(awk '{ print $4, $6 }' "$work/bound.log")
        measure plain "$job" "$text" "$out.plain" --overwrite --barks-workers 2
        measure ranks mpirun -np 3 --oversubscribe "$job" "$text" "$out.ranks" --overwrite \
            --barks-workers 1
        measure empty mpirun -np 3 --oversubscribe "$tools/empty_mpi"
        if command -v duckdb >/dev/null; then
            export -f duckdb_count
            measure duckdb bash -c 'duckdb_count "$@"' duckdb_count "$text" "$out.duckdb"
        fi
        if [ "$run" = 1 ]; then
            cat "$out".bound.[01] | check_counts bound "$total" "$distinct"
            tail -q -n +2 "$out".plain/part-*.csv | check_counts barks "$total" "$distinct"
            tail -q -n +2 "$out".ranks/part-*.csv | check_counts "barks -np 3" "$total" "$distinct"
            [ ! -e "$out.duckdb" ] || tail -n +2 "$out.duckdb" | check_counts DuckDB "$total" "$distinct"
        fi
    done
    echo
    echo "### $label: $total words, $distinct distinct; median of $runs"
    echo
    table_head
    row "bound, 2 threads" bound bound
    row "barks, one process, 2 workers" bound plain
    row "barks, mpirun -np 3, net of an empty program" bound ranks empty
    row "an empty MPI program, mpirun -np 3" bound empty
    [ ! -s "$work/duckdb.cost" ] || row "DuckDB, 2 threads" bound duckdb
    rm -rf "$out".*
}

bench_wordcount() {
    local piece out=$work/out
    count_table "wordcount of $text_bytes of Zipf text" "$(text_file "$text_bytes")"
    piece=$(text_file 64M)
    cat "$piece" >/dev/null
    measure bound64 "$tools/wordcount_bound" "$piece" "$out.bound" 2
    # shellcheck disable=SC2016 # the inner shell expands them
    measure coreutils env LC_ALL=C bash -o pipefail -c \
        'tr -s " \t\n\v\f\r" "\n" <"$1" | sort --parallel=2 | uniq -c >"$2"' - "$piece" "$out.coreutils"
    row "64 MiB: bound, 2 threads" bound64 bound64
    row "64 MiB: tr, sort, uniq -c" bound64 coreutils
}

# Of a vocabulary of 48 million, 23 million words occur: its tables are larger than any cache.
bench_wordcount2g() {
    count_table "wordcount of $wide_text_bytes with many distinct words" "$(text_file "$wide_text_bytes" "$vocabulary")"
}
