#!/usr/bin/env bash
# Twenty runs of digits and twenty of store-recall with carried state, killed by SIGKILL at random moments and resumed with other numbers of threads,
# and two runs killed at every place within the writing of files: all end in the bits of the run that was left alone. One line PASS or FAIL for each.
#   tests/long/kill_resume.sh      LSNN: the tool; SEED: repeats the random moments; KEEP=1: leaves the folder of a failure
set -uo pipefail
cd "$(dirname "$0")/../cli" || exit 1
CLI=$PWD
# shellcheck disable=SC1091 # shellcheck checks them by themselves
. "$CLI/helper.bash"
# shellcheck disable=SC1091
. "$CLI/kill.bash"
[ -x "$LSNN" ] || { echo "FAIL no lsnn; set LSNN to it"; exit 1; }
folder=$(mktemp -d)
cd "$folder" || exit 1
failed=0

# verdict NAME CODE: a line, and what was said if it failed.
verdict() {
    if [ "$2" = 0 ]; then
        echo "PASS $1"
    else
        echo "FAIL $1 (SEED=$SEED)"
        sed 's/^/  /' said
        failed=$((failed + 1))
    fi
}

SEED=${SEED:-$((BASHPID % 32768))}
RANDOM=$SEED
echo "SEED=$SEED"
for experiment in digits store-recall; do
    train_alone "$experiment" 1 || { echo "FAIL $experiment alone"; exit 1; }
    for round in $(seq 20); do
        moments=()
        kills=$((1 + round % 4))
        threads=($((1 + round % 3)) $((1 + (round + 1) % 3)) $((1 + (round + 2) % 3)))
        { kill_and_resume "$experiment" killed "$kills" "${threads[@]}" && same_run "$experiment-alone" killed; } >said 2>&1
        verdict "$experiment, round $round: killed after ${moments[*]} microseconds, threads ${threads[*]}" $?
    done
done

export ITERATIONS=12
for experiment in digits store-recall; do
    train_alone "$experiment" 1
    if ! build_die_at >said 2>&1; then
        echo "SKIP $experiment: every place within the writing of files: not with a sanitizer"
        continue
    fi
    code=0
    for ((place = 1; code == 0; place++)); do
        for again in '' $((1 + RANDOM % 40)); do
            # shellcheck disable=SC2086 # may be nothing
            die_and_resume "$experiment" killed "$place" $again >said 2>&1
            code=$?
            [ $code = 0 ] || break 2
            same_run "$experiment-alone" killed >said 2>&1 || { code=1; break 2; }
        done
    done
    [ $code = 2 ] && [ "$place" -gt 40 ] && code=0 # it ended before this place
    verdict "$experiment: killed at each of $((place - 1)) places within the writing of files" $code
done

if [ "$failed" = 0 ] || [ -z "${KEEP-}" ]; then
    cd / && rm -rf "$folder"
else
    echo "see $folder"
fi
[ "$failed" = 0 ]
