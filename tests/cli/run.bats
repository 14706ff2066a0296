# Commands at work, on a network that is trained within a second.
# shellcheck disable=SC2154 # helper.bash sets trained and tiny

setup_file() {
    load helper
    train_tiny
}

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR" || return
}

# Sends the signal to a training of "a run" once it is under way; it has to end with exit code 130.
interrupt_when_started() {
    for _ in $(seq 100); do
        [ -s 'a run/settings.yaml' ] && break
        sleep 0.05
    done
    sleep 1
    kill "-$2" "$1"
    code=0
    wait "$1" || code=$?
    [ "$code" = 130 ]
}

@test "list names the experiments, also as JSON" {
    check 0 list
    grep -Eq '^digits +[^ ]' out
    grep -Eq '^smnist ' out
    grep -Eq '^store-recall ' out
    check 0 list --json
    [ "$(wc -l <out)" = 1 ]
    jq -e '[.experiments[] | select(.name == "digits" and (.summary | length) > 0)] | length == 1' out
}

@test "data list says where each data set is, or would go" {
    check 0 data list --data "$PWD/here"
    grep -q '^mnist ' out
    says out "$PWD/here/mnist"
    check 0 data list --data "$PWD/here" --json
    jq -e --arg path "$PWD/here/mnist" '.data_sets[] | select(.name == "mnist") | .present == false and .path == $path' out
}

@test "show says where each setting comes from, and what the network needs" {
    check 0 show digits --set net.beta=1.25
    grep -Eq '^net\.beta +1\.25 .*--set$' out
    grep -Eq '^net\.gamma +[0-9.]+ .*(default|file)$' out
    grep -Eq '^train\.iterations +[0-9]+ +iterations +' out
    grep -Eq '^memory +[0-9.]+ [kMG]B' out
    check 0 show digits --set net.n_lif=8 --set net.n_adaptive=4 --set net.bias=true --json
    jq -e '.experiment == "digits" and .settings["net.n_lif"] == (.settings["net.n_lif"] | .value = "8" | .origin = "--set")' out
    jq -e '.needs | .n_rec == 12 and .n_lif == 8 and .n_adaptive == 4 and .n_synapses_out == 12 * .n_out and .memory_bytes > 0' out
    jq -e '.needs | .n_params == .n_synapses_in + .n_synapses_rec + .n_synapses_out + .n_out' out
}

@test "show works without the data, and says why the needs are not known" {
    check 0 show smnist --data "$PWD/nothing" # whose shape is known
    grep -Eq '^synapses ' out
    check 0 show own-data
    grep -Eq '^net\.beta ' out
    says out 'not known'
    check 0 show own-data --json
    jq -e '.needs == null and (.needs_error | length) > 0 and .settings.seed.value != null' out
}

@test "show of a run and of a model" {
    for source in "$trained" "$trained/best.safetensors"; do
        check 0 show "$source"
        grep -Eq '^net\.n_lif +8 .*run$' out
    done
    check 5 show "$PWD/no-such-run/"
    one_error_line
}

@test "train ends with one JSON object, and prints plain progress without a terminal" {
    check 0 train digits "${tiny[@]}" --seed 5 --out run --json
    [ "$(wc -l <out)" = 1 ]
    jq -e '.experiment == "digits" and .seed == 5 and .split == "test" and .n > 0 and .loss > 0 and .score_name == "accuracy" and
           .score >= 0 and .score <= 1 and .rate_hz >= 0 and .iterations == 3 and .seconds >= 0 and .run == "run" and .threads == 1 and
           .was_finished == false' out
    lacks err "$(printf '\r')"
    lacks err "$(printf '\033')"
    [ "$(wc -L <err)" -lt 100 ]
    for file in settings.yaml metrics.jsonl best.safetensors last.safetensors; do
        [ -s "run/$file" ]
    done
    jq -e . run/metrics.jsonl >/dev/null
}

@test "train without --json: the score in percent, the run folder, and what to try next" {
    says "$BATS_FILE_TMPDIR/train.out" 'test accuracy '
    says "$BATS_FILE_TMPDIR/train.out" ' %, n '
    says "$BATS_FILE_TMPDIR/train.out" 'run trained'
    [ "$(wc -l <"$BATS_FILE_TMPDIR/train.out")" = 1 ]
    [ ! -s "$BATS_FILE_TMPDIR/train.err" ] # --quiet
    check 0 train digits "${tiny[@]}" --seed 6
    says out 'run runs/digits-seed6'
    says err 'plot runs/digits-seed6 --out '
    [ -s runs/digits-seed6/best.safetensors ]
}

@test "a finished run that is resumed says so and does nothing" {
    cp -r "$trained" run
    sha256sum run/*.safetensors run/metrics.jsonl >before
    check 0 train digits "${tiny[@]}" --out run --resume
    says err 'finished'
    sha256sum --quiet -c before
    check 0 train digits "${tiny[@]}" --out run --resume --json
    jq -e '.was_finished and .iterations == 3' out
}

@test "a rewired run that is resumed ends in the same bits, and show counts its synapses" {
    for kind in rewire.gradients=connected rewire.gradients=all rewire.soft=true; do
        rewired=("${tiny[@]}" --set train.iterations=8 --set train.checkpoint_every=3 --set train.valid_every=1
            --set train.lr_schedule=constant --set rewire.connectivity=0.3 --set rewire.l1=1 --set rewire.temperature=0.01 --set net.n_delay=4 --set "$kind")
        check 0 train digits "${rewired[@]}" --out whole
        check 0 train digits "${rewired[@]}" --set train.iterations=5 --out parts
        jq -c 'del(.seconds)' parts/metrics.jsonl >first
        check 0 train digits "${rewired[@]}" --out parts --resume
        cmp whole/last.safetensors parts/last.safetensors
        diff <(jq -c 'del(.seconds)' whole/metrics.jsonl) <(jq -c 'del(.seconds)' parts/metrics.jsonl)
        head -n 5 whole/metrics.jsonl | jq -c 'del(.seconds)' | cmp - first
        jq -es 'length == 8 and (map(.died.w_in + .died.w_rec + .died.w_out) | add) > 10' whole/metrics.jsonl >/dev/null
        jq -s '[last.live, (map(.born.w_rec) | add), (map(.died.w_rec) | add)]' whole/metrics.jsonl >counts
        for source in whole whole/last.safetensors; do
            check 0 show $source --json
            jq '[(.synapses | map_values(.live)), .synapses.w_rec.born, .synapses.w_rec.died]' out | diff - counts
            jq -e '.synapses.w_rec.possible == 240' out
            check 0 show $source
            grep -Eq "^w_rec +$(jq '.[0].w_rec' counts) of 240 possible synapses live \([0-9.]+ %\), $(jq '.[1]' counts) were born" out
        done
        [ $kind = rewire.soft=true ] || jq -es 'map(.live | add) | unique | length == 1' whole/metrics.jsonl
        check 0 eval whole
        rm -r whole parts
    done
    check 0 show "$trained" --json
    jq -e '.synapses == null' out
    check 0 show digits --set rewire.connectivity=0.3 --json
    jq -e '.synapses == null and
           (.needs | (.n_synapses_in + .n_synapses_rec + .n_synapses_out) / (.n_rec * (.n_in + .n_rec + .n_out)) <= 0.3)' out
}

@test "a run is not overwritten" {
    cp -r "$trained" run
    sha256sum run/*.safetensors run/metrics.jsonl >before
    code=0
    "$LSNN" train digits "${tiny[@]}" --out run >out 2>err || code=$?
    [ "$code" != 0 ]
    one_error_line
    says err 'resume'
    sha256sum --quiet -c before
}

@test "Ctrl-C saves and prints the command that goes on" {
    # A shell starts background jobs with SIGINT ignored, and the tool respects that.
    env --default-signal=INT "$LSNN" train digits "${tiny[@]}" --set train.iterations=1000000 --out "a run" >out 2>err &
    interrupt_when_started "$!" INT
    [ ! -s out ]
    says err 'saved; go on with: '
    says err " train digits --set train.iterations=3 "
    says err "--threads 1 --resume --out 'a run'"
    [ -s 'a run/checkpoint.safetensors' ]
    command=$(sed -n 's/^saved; go on with: //p' err)
    eval "$command >out 2>err &"
    interrupt_when_started "$!" TERM
    says err "$command"
}

@test "on a terminal the progress is one line that fits" {
    command -v script >/dev/null || skip 'no script(1)'
    TERM=xterm script -qec "stty cols 60; '$LSNN' train digits ${tiny[*]} --out run" /dev/null </dev/null >typed
    tr '\r' '\n' <typed | sed 's/\x1b\[[0-9;]*[mK]//g' | grep -a '^ *[0-9]*% ' >lines
    [ "$(LC_ALL=C.UTF-8 wc -L <lines)" -lt 60 ]
    grep -q '^100% ' lines
    grep -q 'loss ' lines
    TERM=xterm script -qec "'$LSNN' train digits ${tiny[*]} --out quiet --quiet" /dev/null </dev/null >typed
    lacks typed '% '
}

@test "a result that can't be written is a failure" {
    [ -e /dev/full ] || skip 'no /dev/full'
    for json in '' --json; do
        code=0
        # shellcheck disable=SC2086 # may be empty
        "$LSNN" eval "$trained" $json >/dev/full 2>err || code=$?
        [ "$code" = 5 ]
        says err 'lsnn: '
    done
}

@test "eval of a run and of its best model agree" {
    check 0 eval "$trained" --json
    jq -e '.split == "test" and .experiment == "digits" and .n > 0 and .score >= 0' out
    jq -S 'del(.run, .seconds)' out >first
    check 0 eval "$trained/best.safetensors" --threads 2 --json
    jq -S 'del(.run, .seconds)' out | sed 's/"threads": 2/"threads": 1/' >second
    sed -i 's/"threads": [0-9]*/"threads": 1/' first
    diff first second
    check 0 eval "$trained" --split valid
    grep -Eq '^valid accuracy [0-9.]+ %, n [0-9]+, loss ' out
    check 5 eval no-such-run
    one_error_line
}

@test "the best network is that with the best score, and of these with the lowest loss, also after a resume" {
    local quick=(--set train.lr=0.0003 --set train.valid_every=1 --set train.batch=16 --set net.n_lif=20 --set net.n_adaptive=10 --quiet --threads 1)
    check 0 train digits "${quick[@]}" --set train.iterations=25 --out run
    check 0 train digits "${quick[@]}" --set train.iterations=50 --resume --out run
    check 0 eval run --json
    jq -s 'map(select(.valid_loss)) | sort_by(-.score, .valid_loss)[0:2]' run/metrics.jsonl >best
    cat best
    jq -e '.[0].score == .[1].score' best # there is a tie to be broken
    [ "$(jq .iterations out)" = "$(jq '.[0].iteration' best)" ]
}

@test "what eval finds does not depend on the batch, nor on what training changes at random" {
    local batch quick=(--set train.iterations=0 --set net.n_lif=20 --set net.n_adaptive=10 --set image.shift=4 --quiet)
    for batch in 1 7 256; do
        check 0 train digits "${quick[@]}" --set train.batch=$batch --out by-$batch
        check 0 eval by-$batch --split train --json
        jq -c '[.n, .score, (.rate_hz | . * 1e5 | round), (.operations | round)]' out >found-$batch
        cmp found-1 found-$batch
        check 0 train digits "${quick[@]}" --set train.batch=$batch --set net.noise=0.03 --out noisy-$batch
    done
    jq -n --slurpfile a noisy-7/result.json --slurpfile b noisy-256/result.json -e '$a[0].rate_hz / $b[0].rate_hz | . > 0.97 and . < 1.03'
}

@test "probe and plot: SVG, PNG and PDF" {
    check 0 probe "$trained" --sample 3 --out three.safetensors
    [ -s three.safetensors ]
    for source in three.safetensors "$trained" "$trained/best.safetensors"; do
        check 0 plot "$source" --out figure.svg
        head -c 200 figure.svg | grep -q '<svg\|<?xml'
        check 0 plot "$source" --out figure.png
        [ "$(head -c 8 figure.png | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]
        check 0 plot "$source" --out figure.pdf
        [ "$(head -c 5 figure.pdf)" = %PDF- ]
        rm figure.*
        [ "$(ls)" = "$(printf 'err\nout\nthree.safetensors')" ] # no temporary file stays
    done
    check 2 probe "$trained" --sample 99999999 --out no.safetensors
    one_error_line
    [ ! -e no.safetensors ]
}

@test "plot of a training's curves" {
    check 0 plot "$trained" --curves --out first.svg
    check 0 plot "$trained/metrics.jsonl" --out second.svg
    head -c 200 first.svg | grep -q '<svg\|<?xml'
    cmp first.svg second.svg
}

@test "plot of a network's connections" {
    check 0 plot "$trained" --connections --out run.svg
    check 0 plot "$trained/best.safetensors" --connections --out model.svg
    cmp run.svg model.svg
    check 0 plot smnist-deepr --connections --data "$PWD/nothing" --out ships.svg # needs no data
    says ships.svg 'As drawn: 8,184 synapses'
    check 0 plot "$LSNN_SOURCE/models/smnist-deepr.safetensors" --connections --out file.png
    [ "$(od -An -tx1 -N4 file.png | tr -d ' ')" = 89504e47 ]
    check 2 plot "$trained" --connections --curves --out both.svg
    one_error_line
    check 5 plot no-such-run --connections --out none.svg
    one_error_line
    check 5 plot "$trained" --connections --out no-such-folder/none.svg
    one_error_line
    [ "$(ls)" = "$(printf 'err\nfile.png\nmodel.svg\nout\nrun.svg\nships.svg')" ]
}

@test "plot failures leave nothing behind" {
    check 5 plot no-such-run --out figure.svg
    one_error_line
    check 5 plot "$trained" --out no-such-folder/figure.svg
    one_error_line
    echo damaged >damaged.safetensors
    check 4 plot damaged.safetensors --out figure.svg
    one_error_line
    check 2 plot "$trained" --curves --set image.pixel_ms=2 --out figure.svg # of a sample; the figure shows none
    one_error_line
    says err '--curves'
    [ "$(ls)" = "$(printf 'damaged.safetensors\nerr\nout')" ]
}
