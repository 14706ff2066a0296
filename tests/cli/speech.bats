# Tasks on speech: a miniature of TIMIT, made of tones, from reading to a trained and resumed network; what is wrong with a corpus; spoken digits.

load helper

# shellcheck disable=SC2034
quick=(--set net.n_lif=16 --set net.n_adaptive=8 --set rewire.connectivity=0 --set train.batch=8 --set train.valid_every=5 --set speech.frame_ms=2 --set train.lr_warmup=10 --set train.lr_schedule=constant --threads 1 --quiet)

setup_file() {
    : "${LSNN_SOURCE:?the folder of the source}"
    cd "$BATS_FILE_TMPDIR" || return
    python3 "$LSNN_SOURCE/tests/make_timit.py" mini
    python3 "$LSNN_SOURCE/tests/make_digits.py" data
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    ln -s "$BATS_FILE_TMPDIR/mini" "$BATS_FILE_TMPDIR/data" .
}

# corpus_copy NAME: one to spoil
corpus_copy() {
    cp -r "$BATS_FILE_TMPDIR/mini" "$1"
}

# refuses WORDS SETTING...: `lsnn train timit` ends with exit code 4 and one line that says so, and leaves nothing behind.
refuses() {
    local words=$1
    shift
    check 4 train timit "${quick[@]}" --out run "$@"
    says err "$words"
    [ "$(grep -vc 'not the whole of TIMIT' err)" = 1 ]
    [ ! -e run ]
}

@test "a network learns the miniature's phones, and is evaluated on every split" {
    check 0 train timit --set data.path=mini "${quick[@]}" --set train.iterations=60 --set train.lr=0.02 --out run --json
    jq -e '.score_name == "frame error" and .split == "test" and .score < 0.8 and .score > 0' out
    says err 'not the whole of TIMIT: 15, 6 and 9 sentences'
    local split
    for split in train valid test; do
        check 0 eval run --split "$split" --json
        jq -e --arg split "$split" '.split == $split and .n > 100' out
    done
}

@test "a sentence is drawn: features, spikes of both directions, and phones beside the true ones" {
    check 0 train timit --set data.path=mini "${quick[@]}" --set train.iterations=2 --out run
    check 0 plot run --sample 1 --out sentence.svg
    says sentence.svg ' frames right'
    says sentence.svg 'Feature'
    says sentence.svg 'from the end'
    says sentence.svg 'Probability of each phone'
    says sentence.svg '>h#</text>'
    says sentence.svg 'Time (ms)'
    check 0 probe run --out one.safetensors
    head -c 20000 one.safetensors | grep -aq '"data.classes": *"aa ae ah'
}

@test "an LSTM learns them too, with mel features and folded phones" {
    check 0 train timit-lstm --set data.path=mini --set net.n_units=16 --set train.lr_warmup=10 --set speech.features=mel --set speech.fold=true \
        --set train.batch=8 --set train.valid_every=20 --set train.iterations=80 --threads 1 --quiet --out run --json
    jq -e '.score < 0.45' out
}

@test "stopped and resumed is the same as never stopped, bit for bit" {
    check 0 train timit --set data.path=mini "${quick[@]}" --set train.iterations=10 --out whole
    check 0 train timit --set data.path=mini "${quick[@]}" --set train.iterations=5 --out parts
    check 0 train timit --set data.path=mini "${quick[@]}" --set train.iterations=10 --out parts --resume
    cmp whole/last.safetensors parts/last.safetensors
}

@test "a model brings the means of its training data: it gives the same score where there are only test sentences" {
    check 0 train timit --set data.path=mini "${quick[@]}" --set train.iterations=5 --out run
    check 0 eval run --json
    local score
    score=$(jq .score out)
    mkdir part
    cp -r mini/TEST part/
    check 0 eval run/best.safetensors --set data.path=part --json
    [ "$(jq .score out)" = "$score" ]
    check 4 eval run/best.safetensors --set data.path=part --split train
    says err 'no samples for the split train'
    rm -r run
    refuses 'no samples for the split train' --set data.path=part
}

@test "a model is not used on data with other classes" {
    check 0 train timit --set data.path=mini "${quick[@]}" --set train.iterations=1 --out run
    corpus_copy other
    cat other/T*/*/*/*.PHN | awk '{ print $3 }' | sort -ru >other/phones.txt
    echo FAKS0 >other/development.txt
    check 4 eval run --set data.path=other
    says err 'outputs'
    (seq 100 "$((160 - $(wc -l <other/phones.txt)))" && cat other/phones.txt) >all && mv all other/phones.txt
    [ "$(wc -l <other/phones.txt)" = 61 ]
    check 4 eval run --set data.path=other
    says err 'was trained on the classes'
}

@test "a corpus of one's own: phones.txt and development.txt" {
    corpus_copy own
    cat own/T*/*/*/*.PHN | awk '{ print $3 }' | sort -u >own/phones.txt
    printf 'FCJF0\nMRJM4\n' >own/development.txt
    check 0 train timit --set data.path=own "${quick[@]}" --set train.iterations=2 --out run --json
    lacks err 'not the whole'
    echo nobody >>own/development.txt
    rm -r run
    refuses "no sentence of the corpus is NOBODY's" --set data.path=own
}

@test "what is wrong with a corpus is said in one line: file, line, what was found, what to do" {
    local sentence=TRAIN/DR1/FCJF0/SX37
    check 5 train timit "${quick[@]}" --set data.path=nowhere --out run
    says err 'nowhere: no such folder; set data.path'
    mkdir empty
    refuses 'has neither TRAIN nor TEST, but nothing' --set data.path=empty
    refuses 'has neither TRAIN nor TEST, but DR1, DR4, DR8' --set data.path=mini/TRAIN
    corpus_copy bad

    spoil() { # spoil ENDING CONTENT WORDS
        printf %b "$2" >"bad/$sentence.$1"
        refuses "$3" --set data.path=bad
        cp "mini/$sentence.$1" "bad/$sentence.$1"
    }
    spoil PHN '' "SX37.PHN: has no labels; the file is empty"
    spoil PHN '0 900 h#\n900 800 sh\n' 'SX37.PHN, line 2: sh ends at sample 800, but begins at 900'
    spoil PHN '0 900 h#\n800 1000 sh\n' 'SX37.PHN, line 2: sh begins at sample 800, within the phone before it'
    spoil PHN '400 900 h#\n0 400 sh\n' 'SX37.PHN, line 2: sh begins at sample 0, the line before it at 400; put the lines in order'
    spoil PHN '0 900 h#\n1000 1200 sh\n' 'SX37.PHN, line 2: sh begins at sample 1000, but the phone before it ends at 900; fill the gap'
    spoil PHN '0 900 schwa\n' "SX37.PHN, line 1: 'schwa' is none of TIMIT's 61 phones"
    spoil PHN '0 900\n' 'SX37.PHN, line 1: is not of the form'
    spoil PHN '0 900000 h#\n' 'SX37.PHN, line 1: h# ends at sample 900000, but the recording at'
    spoil WAV '' 'SX37.WAV: is empty'
    spoil WAV 'Not a sound.\n' 'SX37.WAV: no recording that can be read'
    spoil WAV 'NIST_1A\n   1024\nend_head\n' 'SX37.WAV: '
    head -c 3000 "mini/$sentence.WAV" >"bad/$sentence.WAV"
    refuses 'SX37.WAV: its header says' --set data.path=bad
    sed 's/sample_rate -i 16000/sample_rate -i 11025/' "mini/$sentence.WAV" >"bad/$sentence.WAV"
    refuses 'SX37.WAV: has 11025 samples a second, speech.sample_rate is 16000' --set data.path=bad
    cp "mini/$sentence.WAV" "bad/$sentence.WAV"
    rm "bad/$sentence.PHN"
    refuses 'SX37.WAV: has no labels (SX37.PHN) beside it' --set data.path=bad
    rm "bad/$sentence.WAV"
    check 0 train timit --set data.path=bad "${quick[@]}" --set train.iterations=1 --out run
}

@test "without TIMIT the shape is shown all the same" {
    check 0 show timit --data nowhere
    says out '39 inputs'
    says out '61 outputs'
    check 5 train timit --data nowhere --out run
    says err 'nowhere/timit: no such folder; set data.path'
}

@test "spoken digits: a speaker left out" {
    check 0 train speech-digits --data data --set speech.leave_out=cid --set speech.frame_ms=2 --set net.n_lif=30 --set net.n_adaptive=10 \
        --set train.batch=20 --set train.iterations=60 --set train.lr_warmup=10 --set train.valid_every=20 --threads 1 --quiet --out run --json
    jq -e '.score_name == "accuracy" and .n == 80 and .score > 0.5' out
    check 0 plot run --data data --sample 3 --out digit.svg
    says digit.svg 'speech-digits, test sample 3: true class '
    check 0 train speech-digits-lstm --data data --set speech.leave_out=cid --set net.n_units=16 --set train.batch=20 --set train.iterations=60 --set train.lr_warmup=10 \
        --set train.valid_every=20 --threads 1 --quiet --out lstm --json
    jq -e '.score > 0.5' out
    check 0 eval run --data data --split valid --json
    jq -e '.n == 60' out
    check 3 train speech-digits --data data --set speech.leave_out=eve --out other
    says err 'the speakers are ann, bob, cid'
    check 5 train speech-digits --data nowhere --out other
    says err 'lsnn data get fsdd'
    check 0 show speech-digits --data nowhere
}

@test "a damaged archive of digits" {
    mkdir -p broken/fsdd
    head -c 5000 data/fsdd/recordings.tar.gz >broken/fsdd/recordings.tar.gz
    check 4 train speech-digits --data broken --set speech.leave_out=bob --out run
    says err 'recordings.tar.gz: no archive that can be read'
    echo text >broken/fsdd/recordings.tar.gz
    check 4 train speech-digits --data broken --set speech.leave_out=bob --out run
    one_error_line
    tar -czf broken/fsdd/recordings.tar.gz -C mini TEST/README 2>/dev/null || tar -czf broken/fsdd/recordings.tar.gz mini/README.DOC
    check 4 train speech-digits --data broken --set speech.leave_out=bob --out run
    says err 'has no .wav files'
}

@test "reproduce: errors over utterances, paired differences, and the page again from the records alone" {
    cat >three.yaml <<END
title: Three networks
rows:
  lsnn:
    label: LSNN
    experiment: timit
    seeds: [1, 2]
    set: [net.n_lif=14, net.n_adaptive=10, rewire.connectivity=0]
  lif:
    label: LIF
    experiment: timit
    seeds: [1, 2]
    set: [net.n_lif=14, net.n_adaptive=10, rewire.connectivity=0, net.beta=0]
    against: lsnn
  lstm:
    label: LSTM
    experiment: timit-lstm
    set: [net.n_units=9, train.lr_warmup=2]
    against: lsnn
END
    brief=(--set data.path=mini --set speech.frame_ms=1 --set train.iterations=6 --set train.valid_every=3 --set train.batch=8 --threads 1 --quiet)
    check 0 reproduce ./three.yaml "${brief[@]}" --out study
    [ "$(find study/records -name '*.utterances.json' | wc -l)" = 5 ]
    # what is counted utterance by utterance is the score
    jq -e -s '(.[0].utterances[0] | .n == 9 and (.counted | length) == 9) and ((.[0].utterances[0] | (.wrong | add) / (.counted | add)) - .[1].score | fabs < 1e-6)
        and (.[0].utterances[0].counted | add) == .[1].n' study/records/lsnn-seed2{.utterances,}.json
    page=study/README.md
    [ "$(grep -Ec '^\| (LSNN|LIF|LSTM) \| [12] \| 9 \| [0-9]+ \| [0-9.]+ ± [0-9.]+ % \|$' $page)" = 5 ]
    [ "$(grep -Ec '^\| LIF \| LSNN \| (1|2|all) \| [+-][0-9.]+ ± [0-9.]+ \|$' $page)" = 3 ]
    [ "$(grep -Ec '^\| LSTM \| LSNN \| 1 \| [+-][0-9.]+ ± [0-9.]+ \|$' $page)" = 1 ]
    says $page '](sample.svg)'
    mkdir copy
    cp -r study/records study/sample.svg study/connections.svg copy
    check 0 reproduce ./three.yaml --report --out copy
    cmp $page copy/README.md
    sed -i 's/"wrong":\[[0-9.]*,/"wrong":[1e9,/' copy/records/lif-seed1.utterances.json
    check 4 reproduce ./three.yaml --report --out copy
    one_error_line
    says err 'wrong is not as it was written'
}

@test "reproduce: a table with a speaker left out in each row, and the mean over them" {
    cat >folds.yaml <<END
rows:
  ann: {label: "LSTM, ann", group: LSTM, experiment: speech-digits-lstm, set: [speech.leave_out=ann]}
  bob: {label: "LSTM, bob", group: LSTM, experiment: speech-digits-lstm, set: [speech.leave_out=bob]}
  cid: {label: "LSTM, cid", group: LSTM, experiment: speech-digits-lstm, set: [speech.leave_out=cid]}
END
    brief=(--data data --set net.n_units=8 --set train.iterations=4 --set train.batch=20 --set train.lr_warmup=0 --threads 1 --quiet)
    check 0 reproduce ./folds.yaml "${brief[@]}" --out study --rows ann,cid
    local mean
    mean=$(jq -s '[.[].score] | add * 100 / length' study/records/{ann,cid}-seed1.json)
    grep -Fq "| LSTM | 2 of 3 | $(printf %.2f "$mean") ± " study/README.md
    [ "$(grep -Ec '^\| LSTM, (ann|cid) \| 1 \| 80 \| 80 \| ' study/README.md)" = 2 ]
    says study/scores.svg '>LSTM, ann<'
    says study/learning.svg '>LSTM<' # one line for all folds
    [ "$(grep -c '>LSTM, ann<' study/learning.svg)" = 0 ]
}

@test "the tables of speech ship" {
    check 0 reproduce
    local name
    for name in speech speech-timit speech-espeak speech-voice speech-digits; do
        grep -q "^$name " out
    done
    check 5 reproduce speech-timit --data nowhere --out study
    says err 'set data.path'
}
