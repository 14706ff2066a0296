# Learning to learn functions, with networks and episodes that take a second.

setup_file() {
    load helper
    cd "$BATS_FILE_TMPDIR" || return
    for family in teacher sinusoid; do
        "$LSNN" train l2l-$family --set net.n_lif=10 --set net.n_adaptive=10 --set l2l.n_examples=30 --set l2l.n_code=30 --set train.iterations=4 \
            --set train.valid_batches=2 --set train.test_batches=3 --threads 1 --out $family --quiet --json >$family.json 2>err || return
    done
}

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR" || return
}

@test "the experiments are those of the protocol" {
    check 0 show l2l-teacher --json
    jq -e '.needs | .n_in == 300 and .n_lif == 180 and .n_adaptive == 120 and .n_out == 1 and .n_steps == 10000 and .n_batch == 10' out
    jq -e '.needs.memory_bytes < 2e9' out
    jq -e '.settings | .["net.tau_a"].value == "1..1000" and .["train.iterations"].value == "5000" and (has("l2l.amplitude") | not)' out
    check 0 show l2l-sinusoid --json
    jq -e '.needs | .n_in == 200 and .n_lif == 60 and .n_adaptive == 40 and .n_out == 1 and .n_steps == 10000' out
    jq -e '.settings | .["l2l.amplitude"].value == "0.1..5" and (has("l2l.n_hidden") | not)' out
    check 0 list
    grep -q '^l2l-teacher ' out
    grep -q '^l2l-sinusoid ' out
}

@test "eval gives the error with its interval, the same on any number of threads" {
    for family in teacher sinusoid; do
        run=$BATS_FILE_TMPDIR/$family
        jq -e '.n == 900 and .score > 0 and .score_interval > 0 and .score_interval < .score' "$run.json"
        check 0 eval "$run" --threads 2 --json
        [ "$(jq -c '[.score, .score_interval]' out)" = "$(jq -c '[.score, .score_interval]' "$run.json")" ]
        check 0 eval "$run" --seed 9 --json
        [ "$(jq .score out)" != "$(jq .score "$run.json")" ]
        check 0 eval "$run" --split valid
        grep -Eq '^valid mean squared error [0-9.e-]+ \+- [0-9.e-]+, n 900,' out
    done
}

@test "eval --references: eight curves, and the network's is its score" {
    run=$BATS_FILE_TMPDIR/teacher
    check 0 eval "$run" --references --threads 2 --json
    cp out two
    [ "$(wc -l <out)" = 1 ]
    jq -e '.split == "test" and (.curves | length) == 8 and .curves[0].name == "network"' out
    jq -e --argjson score "$(jq .score "$run.json")" '.curves[0].mean | . - $score | fabs < 1e-6 * $score' out
    jq -e '.curves | map(select(.first == 0)) | length == 5 and all((.error | length) == 30 and (.interval | length) == 30)' out
    jq -e '.curves | map(select(.first == 27)) | length == 3 and all(.name | startswith("ridge"))' out
    jq -e '.curves | map({(.name): .mean}) | add | .["linear fit"] < .["running mean"] and .["running mean"] < .["last target"]' out
    check 0 eval "$run" --references --threads 1 --json
    cmp out two
    check 0 eval "$run" --references
    grep -q '^30 episodes' out
    grep -Eq '^linear fit +[0-9.e-]+ \+- ' out
}

@test "eval --references of another task is refused" {
    # shellcheck disable=SC2154 # helper.bash sets it
    [ -d "$trained" ] || train_tiny
    cd "$BATS_TEST_TMPDIR"
    check 2 eval "$trained" --references
    one_error_line
    says err 'l2l-*'
}

@test "probe and plot show an episode" {
    run=$BATS_FILE_TMPDIR/sinusoid
    check 0 probe "$run" --sample 2 --out episode.safetensors
    [ -s episode.safetensors ]
    check 0 plot episode.safetensors --out episode.svg
    [ -s episode.svg ]
}

@test "plot --first shows the start of an episode" {
    run=$BATS_FILE_TMPDIR/sinusoid
    check 0 plot "$run" --first 100 --sample 1 --out start.svg
    says start.svg 'the first 100 of 600 ms'
    check 0 probe "$run" --out episode.safetensors
    check 0 plot episode.safetensors --first 300 --out start.png
    [ -s start.png ]
    check 0 plot episode.safetensors --first 0 --out all.svg
    lacks all.svg 'the first'
}

@test "plot --learning and --beliefs" {
    for family in teacher sinusoid; do
        run=$BATS_FILE_TMPDIR/$family
        check 0 plot "$run" --learning --out learning.svg --threads 1
        says learning.svg '>online backprop<'
        check 0 plot "$run" --beliefs --out one.svg --threads 1
        check 0 plot "$run" --beliefs --out two.svg --threads 2
        cmp one.svg two.svg
        check 0 plot "$run" --beliefs --sample 4 --out two.svg
        ! cmp -s one.svg two.svg
        for ending in png pdf; do
            check 0 plot "$run" --beliefs --out "beliefs.$ending"
            [ -s "beliefs.$ending" ]
        done
    done
    check 2 plot "$run" --beliefs --learning --out figure.svg
    one_error_line
    # shellcheck disable=SC2154 # helper.bash sets it
    [ -d "$trained" ] || train_tiny
    cd "$BATS_TEST_TMPDIR"
    for figure in learning beliefs; do
        check 2 plot "$trained" --$figure --out figure.svg
        one_error_line
        says err 'l2l-*'
    done
    [ ! -e figure.svg ]
}

@test "reproduce: curves, beliefs and differences, and the page again from them alone" {
    quick=(--set net.n_lif=8 --set net.n_adaptive=8 --set l2l.n_examples=30 --set l2l.n_code=20 --set train.iterations=2 --set train.valid_batches=1
        --set train.batch=10 --set train.test_batches=2 --seeds 1 --threads 1 --quiet)
    check 0 reproduce l2l "${quick[@]}" --out all
    [ "$(grep -c README.md out)" = 2 ]
    declare -A rows=([teacher]=5 [sinusoid]=6)
    for family in teacher sinusoid; do
        folder=all/l2l-$family
        says out "$folder/README.md"
        [ "$(find $folder/records -name '*.curves.json' | wc -l)" = "${rows[$family]}" ]
        jq -e '.curves | length == 8 and (.[0].episode_error | length) == 20' $folder/records/l2l-$family-seed1.curves.json
        jq -e '.curves | length == 1' $folder/records/l2l-$family-lif-seed1.curves.json
        [ $family = sinusoid ] || jq -e '.curves | length == 8' $folder/records/l2l-teacher-best-seed1.curves.json # the row that is shown
        jq -e '.beliefs | length == 4' $folder/records/beliefs.json
        for figure in examples beliefs sample scores learning; do
            says $folder/README.md "]($figure.svg)"
        done
        says $folder/sample.svg '>Output<'
        says $folder/README.md '## Beside others, on the same episodes'
        [ "$(grep -Ec "\| LSNN(, best recipe found)? \| 1 \| [+-]" $folder/README.md)" = $((rows[$family] - 1)) ]
        mkdir -p "copy/l2l-$family"
        cp -r $folder/records $folder/sample.svg $folder/connections.svg "copy/l2l-$family"
    done
    check 0 reproduce l2l --report --out copy
    for family in teacher sinusoid; do
        for file in README.md examples.svg beliefs.svg scores.svg; do
            cmp all/l2l-$family/$file copy/l2l-$family/$file
        done
    done
    check 0 reproduce l2l-teacher "${quick[@]}" --out all/l2l-teacher # again: nothing to do
    cmp all/l2l-teacher/README.md copy/l2l-teacher/README.md
    check 2 reproduce l2l --rows l2l-teacher --out other
    one_error_line
    says err 'made of tables'
    [ ! -e other ]
}

@test "curves are those of the network of the record, and of the plan's split" {
    echo 'rows: {a: {experiment: l2l-sinusoid}}' >plan.yaml
    quick=(--set net.n_lif=8 --set net.n_adaptive=8 --set l2l.n_examples=30 --set l2l.n_code=20 --set train.valid_batches=1 --set train.test_batches=1 --threads 1
        --quiet)
    same() { # the curve's mean is the record's score
        jq -se '(.[0].score - (.[1].curves[0].episode_error | add / length)) | fabs < 1e-4' "$1/records/a-seed1.json" "$1/records/a-seed1.curves.json"
    }
    check 0 reproduce ./plan.yaml "${quick[@]}" --set train.iterations=2 --out a
    same a
    cp a/records/a-seed1.curves.json before.json
    check 0 reproduce ./plan.yaml "${quick[@]}" --set train.iterations=40 --out a # goes on
    jq -e '.iterations == 40' a/records/a-seed1.json
    same a
    ! cmp -s before.json a/records/a-seed1.curves.json || return 1
    sed -i '1i score: validation' plan.yaml
    check 0 reproduce ./plan.yaml "${quick[@]}" --set train.iterations=2 --out b
    jq -e '.split == "valid"' b/records/a-seed1.json
    same b
}

@test "a task of a program's own says where its functions are to come from" {
    printf 'task: l2l-own\n' >own.yaml
    check 3 train ./own.yaml --out own
    one_error_line
    says err 'lsnn_run_options.family'
    [ ! -e own ]
    check 3 show ./own.yaml
    says out 'what the network needs is not known'
    grep -q '^l2l.n_examples ' out
}

@test "settings that do not fit are refused" {
    check 3 train l2l-sinusoid --set 'l2l.phase=[1, 2]' --out own
    one_error_line
    says err 'l2l.phase'
    check 3 train l2l-teacher --set l2l.code_width=0 --out own
    says err 'l2l.code_width'
    check 3 train l2l-teacher --set l2l.amplitude=1 --out own
    says err 'l2l.amplitude'
    [ ! -e own ]
}
