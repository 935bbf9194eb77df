# shellcheck shell=bash
# shellcheck disable=SC2154 # what scripts/bench sets
# A table of scripts/bench: pagerank.

# check_ranks WHO FILE...: lines `page,rank`, with or without a header, have the bound's sums.
check_ranks() {
    local who=$1
    shift
    cat "$@" | awk -F, -v who="$who" -v bound="$(cat "$work/ranks.bound")" '
        $1 == "page" { next }
        { pages++; ranks += $2; squares += $2 * $2 }
        END {
            split(bound, want, " ")
            if (want[1] == "") { print pages, ranks, squares; exit 0 }
            near = 1e-9 * want[2]
            if (pages == want[1] && (ranks - want[2]) ^ 2 < near ^ 2 &&
                (squares / want[3] - 1) ^ 2 < 1e-18)
                exit 0
            printf "scripts/bench: %s has %d pages, ranks %.9f, squares %.9f; the bound %s\n",
                who, pages, ranks, squares, bound > "/dev/stderr"
            exit 1
        }' OFMT='%.15g' CONVFMT='%.15g'
}

# per_round NAME NAME1: the median of what a round costs, between runs of 10 rounds and of one.
per_round() {
    paste <(field "$1" wall) <(field "$2" wall) | awk '{ print ($1 - $2) / 9 }' | median
}

bench_pagerank() {
    local job=$jobs/pagerank out=$work/out input run bound_round
    need "$job" "there is no ranking job to measure"
    input=$(input_file "rmat-$graph_scale-16-seed1.csv" gen_graph "$graph_scale" 16 1)
    cat "$input" >/dev/null
    for ((run = 1; run <= runs; run++)); do
        measure bound "$tools/pagerank_bound" "$input" "$out.bound" 10 2
        cat "$work/bound.log" >>"$work/bound.figures"
        measure ranked "$job" "$input" "$out.ranked" 10 --unsorted --overwrite --barks-workers 2
        measure once "$job" "$input" "$out.once" 1 --unsorted --overwrite --barks-workers 2
        if [ "$run" = 1 ]; then
            : >"$work/ranks.bound"
            check_ranks bound "$out".bound.[01] >"$work/ranks.bound.new"
            mv "$work/ranks.bound.new" "$work/ranks.bound"
            check_ranks barks "$out".ranked/part-*.csv
        fi
    done
    bound_round=$(figure bound rank | awk '{ print $1 / 10 }')
    echo
    echo "### pagerank: R-MAT of scale $graph_scale, 16 edges a vertex, as text, 10 rounds; median of $runs"
    echo
    table_head
    row "bound, 2 threads" bound bound
    row "barks, one process, 2 workers" bound ranked
    row "barks, one round" bound once
    echo
    awk -v bound="$bound_round" -v barks="$(per_round ranked once)" 'BEGIN {
        printf "A round without reading: bound %.3f s, barks %.3f s, ratio %.2f.\n", bound, barks, barks / bound }'
    rm -rf "$out".*
}
