# Tables and sweeps: several runs, and what they come to.

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR" || return
    quick=(--set train.iterations=3 --set train.batch=16 --set net.n_lif=8 --set net.n_adaptive=8)
    cat >two.yaml <<END
title: Two networks
rows:
  small:
    label: Eight and eight
    experiment: digits
    seeds: [1, 2]
    paper: {mean: 0.9}
  lif:
    label: Without adaptation
    experiment: digits
    set: [net.beta=0]
END
}

@test "reproduce without a name lists the tables that ship" {
    check 0 reproduce
    grep -Eq '^smnist +Sequential MNIST' out
    check 0 reproduce --json
    jq -e '[.tables[] | select(.name == "store-recall")] | length == 1' out
}

@test "reproduce trains every row and seed, keeps records and networks, and writes the page" {
    check 0 reproduce ./two.yaml "${quick[@]}" --out study --quiet
    says out 'study/README.md'
    grep -Eq '^Eight and eight .*standard deviation.*2 runs; paper 90' out
    [ "$(ls study/records)" = "$(printf '%s\n' lif-seed1.json small-seed1.json small-seed2.json)" ]
    jq -e '.changes == "--set net.n_lif=8 --set net.n_adaptive=8 --set net.beta=0 --set train.iterations=3 --set train.batch=16"' \
        study/records/lif-seed1.json
    jq -e '.operations > 0 and .spikes > 0 and .processor != "" and (.validations.score | length) == 1' study/records/small-seed2.json
    says study/README.md '| Without adaptation |'
    says study/README.md '](scores.svg)'
    says study/README.md '](sample.svg)'
    says study/README.md '](connections.svg)'
    best=$(jq -s 'max_by(.best_valid_score).seed' study/records/small-seed*.json)
    cmp "study/runs/small-seed$best/best.safetensors" study/models/small.safetensors || # a tie: either is right
        jq -se '.[0].best_valid_score == .[1].best_valid_score' study/records/small-seed*.json
    check 0 eval study/models/small.safetensors --json
    jq -e '.spikes > 0 and .operations > 0' out
}

@test "reproduce again does nothing new, and with fewer rows or other seeds only those" {
    check 0 reproduce ./two.yaml "${quick[@]}" --rows lif --out study --quiet
    [ "$(ls study/records)" = lif-seed1.json ]
    says study/README.md 'not run'
    touch -d 2001-01-01 study/runs/lif-seed1/best.safetensors
    check 0 reproduce ./two.yaml "${quick[@]}" --rows lif,small --seeds 1..1 --out study --quiet --json
    jq -e '[.rows[].runs] == [1, 1] and .page == "study/README.md"' out
    [ "$(stat -c %Y study/runs/lif-seed1/best.safetensors)" -lt 1000000000 ]
}

@test "a mean is over runs of the same settings" {
    check 0 reproduce ./two.yaml "${quick[@]}" --rows lif --seeds 1 --out study --quiet
    check 2 reproduce ./two.yaml "${quick[@]}" --rows lif --seeds 2 --set net.gamma=0.5 --out study --quiet
    one_error_line
    says err 'row lif, seed 1, that was made with other settings'
    [ ! -e study/runs/lif-seed2 ]
    check 0 reproduce ./two.yaml "${quick[@]}" --rows lif --seeds 2 --out study --quiet
    says out '2 runs'
    check 0 sweep digits --over net.beta=0.5 "${quick[@]}" --out swept --quiet
    check 2 sweep digits --over net.gamma=0.5 --seeds 2 "${quick[@]}" --out swept --quiet
    says err 'made with other settings'
    check 2 sweep digits --over net.beta=0,1 --set net.beta=3 --out none
    says err 'the sweep is over it'
    check 2 sweep digits --over seed=1,2 --out none
    says err '--seeds'
    [ ! -e none ]
}

@test "the commands on a page can be pasted" {
    mkdir "my files"
    cp "$LSNN_SOURCE/experiments/digits.yaml" "my files/it's mine.yaml"
    echo "rows: {a: {experiment: \"my files/it's mine.yaml\"}}" >"my files/plan.yaml"
    check 0 reproduce "my files/plan.yaml" "${quick[@]}" --out study --quiet
    says study/README.md "\`lsnn reproduce 'my files/plan.yaml'\`"
    # shellcheck disable=SC2016
    command=$(grep -o '`lsnn train [^`]*`' study/README.md | tr -d '`')
    lsnn() { "$LSNN" "$@"; }
    eval "$command --out again --quiet --json" >out 2>err </dev/null
    jq -se '(.[0].score - .[1].score) | fabs < 1e-6' out study/records/a-seed1.json
}

@test "--report makes page and figures from the records alone, the same bytes" {
    check 0 reproduce ./two.yaml "${quick[@]}" --out study --quiet
    mkdir copy
    cp -r study/records copy
    cp study/sample.svg study/connections.svg copy
    check 0 reproduce ./two.yaml --report --out copy
    for file in README.md scores.svg learning.svg operations.svg; do
        cmp study/$file copy/$file
    done
    [ ! -e copy/runs ]
}

@test "a search leaves the test data alone" {
    sed -i 's/^title:.*/&\nscore: validation/' two.yaml
    check 0 reproduce ./two.yaml "${quick[@]}" --rows lif --out study --quiet
    jq -e '.split == "valid" and .n == 200 and .score == .best_valid_score' study/records/lif-seed1.json
    says study/README.md 'have not seen the test data'
    check 0 train digits "${quick[@]}" --no-test --out run --quiet --json
    jq -e '.split == "valid" and .n == 200' out
}

@test "a table that is stopped goes on with the same command" {
    long=("${quick[@]}" --set train.iterations=100000 --set train.valid_every=50000)
    env --default-signal=INT "$LSNN" reproduce ./two.yaml "${long[@]}" --rows small --seeds 1 --out study --quiet >out 2>err </dev/null &
    for _ in $(seq 200); do
        [ -s study/runs/small-seed1/metrics.jsonl ] && break
        sleep 0.05
    done
    kill -INT $!
    code=0
    wait $! || code=$?
    [ "$code" = 130 ]
    says err 'the same command goes on'
    says study/README.md 'not run'
    [ -s study/runs/small-seed1/checkpoint.safetensors ]
    refused=("${quick[@]}" --set train.lr=0.5)
    check 3 reproduce ./two.yaml "${refused[@]}" --rows small --seeds 1 --out study --quiet # other settings: not the run that was begun
    one_error_line
}

@test "sweep trains each value, and draws scores against them" {
    check 0 sweep digits --over net.beta=0,0.9,1.8 --seeds 1,2 "${quick[@]}" --out swept --quiet
    [ "$(wc -l <out)" = 4 ]
    [ "$(find swept/records -name '*.json' | wc -l)" = 6 ]
    says swept/README.md '](sweep.svg)'
    says swept/README.md '| net.beta | synapses'
    jq -e '.changes | contains("net.beta=0.9")' swept/records/0.9-seed2.json
}

@test "what can't be reproduced or swept is refused before anything is run" {
    refuse() { # refuse STATUS TEXT COMMAND...
        check "$1" "${@:3}"
        one_error_line
        says err "$2"
        [ ! -e study ]
    }
    refuse 2 'did you mean smnist?' reproduce smnits --out study
    refuse 2 "no row 'big'" reproduce ./two.yaml --rows small,big --out study
    refuse 2 "seed 'x'" reproduce ./two.yaml --seeds 1,x --out study
    refuse 3 'row small: ' reproduce ./two.yaml --set net.bta=0 --out study
    refuse 5 'none.yaml' reproduce ./none.yaml --out study
    echo 'rows: {a: {experiment: nothing}}' >bad.yaml
    refuse 3 'row a: no experiment' reproduce ./bad.yaml --out study
    refuse 2 '--over' sweep digits --out study
    refuse 2 'it takes a setting and its values' sweep digits --over net.beta --out study
    refuse 3 'net.bta' sweep digits --over net.bta=1,2 --out study
    refuse 3 'net.beta' sweep digits --over net.beta=1,-2 --out study
    refuse 2 'twice' sweep digits --over net.beta=1,1 --out study
    refuse 5 'mnist' reproduce smnist --rows smnist-lstm --data "$PWD/nothing" --out study --quiet
    refuse 5 'has no folder records/' reproduce smnist --report --out study
}

@test "the published pages are those of their records" { # figures also depend on the fonts that measure their labels
    for folder in "$LSNN_SOURCE"/docs/results/*/; do
        table=$(basename "$folder")
        mkdir "$table"
        cp -r "$folder/records" "$table"
        for figure in sample.svg connections.svg paths.svg agent.html; do # these need the networks
            [ ! -e "$folder/$figure" ] || cp "$folder/$figure" "$table"
        done
        check 0 reproduce "$table" --report --out "$table"
        diff "$folder/README.md" "$table/README.md"
    done
}
