#!/usr/bin/env bash
# The trainings whose results README claims, held against their bands: a line PASS or FAIL for each. Needs LSNN (the tool); MNIST in LSNN_TEST_MNIST is optional.
set -euo pipefail
lsnn=${LSNN:-build/release/lsnn}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# claim NAME "JQ CONDITION ON THE RESULT" ARGUMENTS OF lsnn train
claim() {
    local name=$1 condition=$2 result
    shift 2
    result=$("$lsnn" train "$@" --json --quiet --out "$folder/$name" 2>"$folder/errors") || { echo "FAIL $name: $(head -1 "$folder/errors")"; return; }
    if jq -e "$condition" <<<"$result" >/dev/null; then
        echo "PASS $name: $(jq -r '"\(.score_name) \(.score), \(.seconds) s"' <<<"$result")"
    else
        echo "FAIL $name: $(jq -r '"\(.score_name) \(.score), \(.seconds) s"' <<<"$result"), should be $condition"
    fi
}

for seed in 1 2 3 4 5 6 7; do
    claim "digits-$seed" '.score >= 0.9' digits --seed $seed
done
for seed in 1 2 3 4 5; do
    claim "store-recall-$seed" '.score < 0.05' store-recall --seed $seed
done
for seed in 1 2 3 4 5; do
    claim "store-recall-deepr-$seed" '.score < 0.05' store-recall-deepr --seed $seed
done
if [ -n "${LSNN_TEST_MNIST-}" ]; then
    ln -s "$(realpath "$LSNN_TEST_MNIST")" "$folder/mnist"
    claim smnist-deepr '.score >= 0.7' smnist-deepr --data "$folder" --seed 1 --set train.iterations=500
    claim smnist '.score >= 0.6' smnist --data "$folder" --seed 1 --set train.iterations=1000 --set train.valid_every=100
else
    echo 'SKIP smnist: LSNN_TEST_MNIST names no folder with MNIST'
fi
