# The example programs do what they say; their own output is what is checked. They take a few seconds each on two idle cores.

bats_require_minimum_version 1.5.0

setup() {
    : "${LSNN_SOURCE:=$BATS_TEST_DIRNAME/../..}"
    : "${LSNN_BUILD:=build/release}"
    SOURCE=$(cd "$LSNN_SOURCE" && pwd) # a path also after cd
    EXAMPLES=$(cd "$LSNN_SOURCE" && cd "$LSNN_BUILD/examples" && pwd)
    cd "$BATS_TEST_TMPDIR" || return
    unset LSNN_ISA
}

# number WORD: the number behind the last WORD in the output of `run`.
number() {
    # shellcheck disable=SC2154 # set by run
    sed -nE "s/.*$1 +([-0-9.]+).*/\1/p" <<<"$output" | tail -1
}

# holds 'A' '<' 'B': compares two numbers, and shows them if that is false. What is not a number is never right.
holds() {
    if ! awk -v a="$1" -v b="$3" "BEGIN { exit !(a ~ /^-?[0-9.]+$/ && b ~ /^-?[0-9.]+$/ && a + 0 $2 b + 0) }"; then
        echo "not $1 $2 $3; the output was:"
        echo "$output"
        return 1
    fi
}

@test "simulate: spikes, a raised threshold, and the same bits both ways" {
    run "$EXAMPLES/simulate"
    [ "$status" = 0 ]
    [[ $output == *"step by step and as a whole: the same bits"* ]]
    [ "$(grep -cE '^(LIF|adaptive) +[0-9]+  [.|]{110}$' <<<"$output")" = 12 ]
    [ "$(grep -E '^(LIF|adaptive)' <<<"$output" | tr -dc '|' | wc -c)" -gt 30 ]
    holds "$(number 'mean rate')" '>' 10
    holds "$(number ' to')" '>' "$(number 'rose from')"
}

@test "train_arrays: from chance to over 90 % in seconds, and a network in a file" {
    SECONDS=0
    run "$EXAMPLES/train_arrays" cues.safetensors
    [ "$status" = 0 ]
    [ "$SECONDS" -lt "${LSNN_EXAMPLE_SECONDS:-20}" ]
    holds "$(sed -nE 's/^iteration +0 .*accuracy +([0-9.]+) .*/\1/p' <<<"$output")" '<' 60
    holds "$(number '^accuracy')" '>' 90
    [ -s cues.safetensors ]
}

@test "train_arrays: a network that can't be saved is an error in one line" {
    run --separate-stderr "$EXAMPLES/train_arrays" /no/such/folder/cues.safetensors
    [ "$status" = 5 ]
    # shellcheck disable=SC2154 # set by run
    [[ $stderr == "train_arrays: "*cues.safetensors* ]]
    [ "$(wc -l <<<"$stderr")" = 1 ]
}

@test "own_loop: the error falls to a hundredth, and the wave is drawn" {
    SECONDS=0
    run "$EXAMPLES/own_loop"
    [ "$status" = 0 ]
    [ "$SECONDS" -lt "${LSNN_EXAMPLE_SECONDS:-20}" ]
    holds "$(sed -nE 's/^iteration +0 .*error ([0-9.]+) .*/\1/p' <<<"$output")" '>' 0.3
    holds "$(number 'mean squared error')" '<' 0.02
    [ "$(grep -c ' ms .*\*$' <<<"$output")" = 25 ]
}

@test "own_family: a line that was never seen is learned from 15 points, with weights that stay as they are" {
    SECONDS=0
    run "$EXAMPLES/own_family" "$SOURCE/examples/own_family.yaml" lines
    [ "$status" = 0 ]
    [ "$SECONDS" -lt "${LSNN_EXAMPLE_SECONDS:-20}" ]
    curve() { sed -nE "s/^$1 .* first example ([0-9.]+), at the last ([0-9.]+)/\\$2/p" <<<"$output"; }
    holds "$(curve network 1)" '>' 0.06
    holds "$(curve network 2)" '<' 0.025
    holds "$(curve network 2)" '<' "$(curve 'running mean' 2)"
    holds "$(curve 'linear fit' 2)" '<' 0.0001
    [ -s lines/best.safetensors ]
}

@test "own_family: an experiment of another task is an error in one line" {
    run --separate-stderr "$EXAMPLES/own_family" "$SOURCE/experiments/store-recall.yaml" lines
    [ "$status" = 2 ]
    [[ $stderr == "own_family: "*l2l-own* ]]
    [ "$(wc -l <<<"$stderr")" = 1 ]
    [ ! -e lines ]
}

@test "own_environment: food is found in a corridor that was never seen, and more often than by chance" {
    SECONDS=0
    run "$EXAMPLES/own_environment" "$SOURCE/examples/own_environment.yaml" corridors
    [ "$status" = 0 ]
    [ "$SECONDS" -lt "${LSNN_EXAMPLE_SECONDS:-20}" ]
    holds "$(sed -nE 's/.*corridors: ([0-9.]+) meals.*/\1/p' <<<"$output")" '>' 12
    holds "$(sed -nE 's/.*to the next ([0-9.]+)/\1/p' <<<"$output")" '<' "$(sed -nE 's/.*to the first ([0-9.]+),.*/\1/p' <<<"$output")"
    [ -s corridors/best.safetensors ]
}

@test "own_environment: an experiment of another task is an error in one line" {
    run --separate-stderr "$EXAMPLES/own_environment" "$SOURCE/experiments/store-recall.yaml" corridors
    [ "$status" = 2 ]
    [[ $stderr == "own_environment: "*rl-own* ]]
    [ "$(wc -l <<<"$stderr")" = 1 ]
    [ ! -e corridors ]
}

@test "the examples give the same text with every vector unit and number of threads" {
    local name
    for name in simulate own_loop; do
        run "$EXAMPLES/$name"
        [ "$status" = 0 ]
        sed 1d <<<"$output" >as-it-comes # the first line of simulate names both
        LSNN_ISA=generic run taskset -c "$(taskset -pc $$ | sed -E 's/.*: ([0-9]+).*/\1/')" "$EXAMPLES/$name"
        [ "$status" = 0 ]
        sed 1d <<<"$output" | diff as-it-comes -
    done
}
