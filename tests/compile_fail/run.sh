#!/usr/bin/env bash
# run.sh INCLUDE-FOLDER COMPILER FILE.c...: each file has a mistake in the line that ends with "/* error: words & words */".
# The compiler must refuse it, its first error must point to that line of that file, and must contain the words. A
# file without such a line must compile without a word.
set -u
include=$1 compiler=$2
shift 2
flags=(-std=gnu17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -fsyntax-only -I "$include")
number=0 failed=0
echo "1..$#"
for file; do
    number=$((number + 1))
    wanted=$(grep -n '/\* error: .* \*/' "$file")
    line=${wanted%%:*}
    words=${wanted##*/\* error: }
    words=${words% \*/}
    output=$(LC_ALL=C "$compiler" "${flags[@]}" "$file" 2>&1)
    status=$?
    first=$(grep -m 1 'error:' <<<"$output")
    problem=
    if [ -z "$wanted" ]; then
        [ $status = 0 ] && [ -z "$output" ] || problem="does not compile cleanly"
    elif [ $status = 0 ]; then
        problem="compiles"
    else
        case $first in
        "$file:$line:"*) ;;
        *) problem="the first error is not at line $line" ;;
        esac
        while [ -n "$words" ]; do
            word=${words%% & *}
            [ "$word" = "$words" ] && words= || words=${words#* & }
            case $first in
            *"$word"*) ;;
            *) problem="the first error does not say \"$word\"" ;;
            esac
        done
    fi
    if [ -z "$problem" ]; then
        echo "ok $number - $(basename "$file" .c)"
    else
        failed=$((failed + 1))
        echo "not ok $number - $(basename "$file" .c): $problem"
        head -n 5 <<<"$output" | sed 's/^/# /'
    fi
done
[ $failed = 0 ]
