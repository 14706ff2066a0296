# The LSTM and the RNN behind the same door: a network that is trained within a second or two.

setup_file() {
    load helper
    cd "$BATS_FILE_TMPDIR" || return
    local last=(--set image.coding=pixels --set image.cue_ms=0 --set image.readout_ms=1 --set net.n_units=32 --set train.clip=1)
    for kind in lstm rnn; do
        "$LSNN" train digits --set net.kind=$kind "${last[@]}" --set train.iterations=150 --set train.batch=40 --set train.valid_every=50 \
            --set train.lr="$([ "$kind" = lstm ] && echo 0.01 || echo 0.003)" --threads 2 --out $kind --quiet --json >$kind.json 2>err || return
    done
}

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR" || return
    small=(--set net.n_units=16 --set train.batch=40 --set train.lr=0.01 --set train.valid_every=10) # after the kind, which knows net.n_units
}

@test "show counts the paper's LSTM: 67,850 parameters, and leaves out what has spikes" {
    check 0 show smnist-lstm --data "$PWD/nothing" --json
    jq -e '.needs | .kind == "lstm" and .n_in == 1 and .n_rec == 128 and .n_params == 67850 and .n_steps == 784 and .n_synapses_rec == 65536' out
    jq -e '.settings | has("net.n_units") and (has("net.tau_m") or has("rewire.l1") or has("loss.rate_target") | not)' out
    check 0 show smnist-rnn --data "$PWD/nothing"
    says out '128 tanh units'
    says out '17930'
    lacks out 'synapses'
    check 0 show smnist-deepr-2ms --data "$PWD/nothing" --json
    jq -e '.needs | .kind == "lsnn" and .n_steps == 1680' out
    check 0 show smnist-deepr-700 --data "$PWD/nothing" --json
    jq -e '.needs | .n_lif == 350 and .n_adaptive == 350' out
    check 0 show smnist-lif --data "$PWD/nothing" --json
    jq -e '.settings["net.beta"].value == "0"' out
}

@test "train learns something, writes everything, and eval finds the same score" {
    for kind in lstm rnn; do
        run=$BATS_FILE_TMPDIR/$kind
        jq -e '.iterations == 150 and .rate_hz == null and .score > 0.15 and .n == 300' "$run.json"
        jq -e '.rate_hz == null and .isa != null' "$run/result.json"
        [ "$(wc -l <"$run/metrics.jsonl")" = 150 ]
        jq -es '(.[0:10] | map(.loss) | add) > (.[140:150] | map(.loss) | add) and all(.gradient_norm > 0 and .rate_hz == null)' "$run/metrics.jsonl"
        check 0 eval "$run" --json
        [ "$(jq .score out)" = "$(jq .score "$run.json")" ]
        check 0 eval "$run/last.safetensors" --split valid
        says out 'valid accuracy'
        lacks out 'Hz'
        check 0 plot "$run" --curves --out curves.svg
        [ -s curves.svg ]
        check 2 plot "$run" --connections --out connections.svg
        says err "$kind"
        one_error_line
        [ ! -e connections.svg ]
    done
}

@test "a run that is resumed ends in the same bits, with carried state too, on any number of threads" {
    for kind in lstm rnn; do
        for carry in false true; do
            settings=(--set "net.kind=$kind" "${small[@]}" --set "train.carry_state=$carry" --set train.clip=0.5 --set train.valid_every=1 --set train.lr_schedule=constant)
            name=$kind-$carry
            check 0 train digits "${settings[@]}" --set train.iterations=12 --threads 1 --out "$name-whole"
            check 0 train digits "${settings[@]}" --set train.iterations=5 --threads 2 --out "$name-parts"
            check 0 train digits "${settings[@]}" --set train.iterations=12 --threads 2 --out "$name-parts" --resume
            cmp "$name-whole/last.safetensors" "$name-parts/last.safetensors"
            for part in whole parts; do
                jq -c 'del(.seconds)' "$name-$part/metrics.jsonl" >"$name-$part.metrics"
            done
            cmp "$name-whole.metrics" "$name-parts.metrics"
        done
    done
    run cmp -s lstm-false-whole/last.safetensors lstm-true-whole/last.safetensors
    [ "$status" = 1 ]
}

@test "clipping matters only to gradients that are longer" {
    check 0 train digits --set net.kind=rnn "${small[@]}" --set train.iterations=4 --out free
    check 0 train digits --set net.kind=rnn "${small[@]}" --set train.iterations=4 --set train.clip=1e6 --out loose
    check 0 train digits --set net.kind=rnn "${small[@]}" --set train.iterations=4 --set train.clip=1e-9 --set train.epsilon=1e-3 --out tight
    jq -c 'del(.seconds)' free/metrics.jsonl >a
    jq -c 'del(.seconds)' loose/metrics.jsonl >b
    cmp a b
    run cmp -s free/last.safetensors tight/last.safetensors
    [ "$status" = 1 ]
}

@test "every task takes an LSTM" {
    check 0 train store-recall --set net.kind=lstm --set net.n_units=8 --set train.iterations=2 --set train.batch=4 --set train.valid_batches=1 \
        --set train.test_batches=1 --set store-recall.symbol_ms=5 --out recall --json
    jq -e '.score_name == "recall error" and .rate_hz == null' out
    check 0 train digits --set net.kind=lstm "${small[@]}" --set image.coding=pixels --set image.cue_ms=0 --set image.readout_ms=1 --set train.iterations=2 --out pixels
    check 0 train digits --set image.coding=pixels --set train.iterations=2 --set train.batch=16 --set net.n_lif=4 --set net.n_adaptive=4 --out currents
    lacks err 'lsnn:'
}

@test "probe says that there are no spikes; damaged and foreign models are refused" {
    check 2 probe "$BATS_FILE_TMPDIR/lstm" --out probe.safetensors
    one_error_line
    says err 'no spikes'
    cp -r "$BATS_FILE_TMPDIR/lstm" run
    sed -i 's/kind: lstm/kind: rnn/; /forget_bias/d' run/settings.yaml
    check 4 eval run
    one_error_line
    sed -i 's/kind: rnn/kind: lsnn/; /n_units/d' run/settings.yaml
    check 4 eval run
    one_error_line
    head -c 3000 "$BATS_FILE_TMPDIR/lstm/best.safetensors" >cut.safetensors
    check 4 eval cut.safetensors
    one_error_line
}

@test "settings that do not fit the kind are refused" {
    check 3 train smnist-lstm --set net.tau_m=30 --out run
    says err 'net.kind is lstm'
    check 3 train smnist --set net.n_units=30 --out run
    says err 'net.kind is lsnn'
    check 3 train smnist-lstm --set net.n_units=0 --out run
    check 3 train digits --set image.coding=pixels --set image.readout_ms=1000 --out run
    says err 'image.readout_ms'
    check 3 train digits --set image.cue_ms=0 --out run
    says err 'image.readout_ms'
    [ ! -e run ]
}
