# A training that is killed at any moment and resumed ends in the same bits as one that was left alone.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own
# shellcheck disable=SC2034,SC2154 # kill.bash uses CLI, and sets words

load_all() {
    load helper
    load kill
    CLI=$BATS_TEST_DIRNAME
}

setup_file() {
    load_all
    cd "$BATS_FILE_TMPDIR" || return
    train_alone digits 1
}

setup() {
    load_all
    cd "$BATS_TEST_TMPDIR" || return
    cp -r "$BATS_FILE_TMPDIR"/digits* .
    RANDOM=${SEED:=$((BASHPID % 32768))}
    echo "SEED=$SEED" # shown where a test fails; set it to repeat the same moments
}

@test "killed at random: once" {
    kill_and_resume digits killed 1 1
    same_run digits-alone killed
}

@test "killed at random: four times, with other numbers of threads each time" {
    kill_and_resume digits killed 4 1 2 3
    same_run digits-alone killed
}

@test "killed at random: with network state that is carried from sequence to sequence" {
    train_alone store-recall 2
    kill_and_resume store-recall killed 2 2 1
    same_run store-recall-alone killed
}

@test "killed within the writing of files: at every seventh place" {
    build_die_at || skip 'not with a sanitizer'
    export ITERATIONS=12
    train_alone digits 1
    count=0
    for ((place = 1 + RANDOM % 7; ; place += 7)); do
        code=0
        die_and_resume digits killed $place $((RANDOM % 30 + 1)) || code=$?
        [ "$code" != 2 ] || break
        [ "$code" = 0 ]
        same_run digits-alone killed
        count=$((count + 1))
    done
    [ "$count" -ge 8 ] # there are such places at all
}

@test "killed within a line of the metrics" {
    words_of digits
    cp -r digits-alone killed
    rm killed/result.json killed/last.safetensors
    printf '{"iteration": 301, "lo' >>killed/metrics.jsonl
    (begin 1 killed "${words[@]}") 2>err
    same_run digits-alone killed
}

@test "the time that was spent adds up" {
    kill_and_resume digits killed 2 1
    jq -e -s 'map(.seconds) | . == sort' killed/metrics.jsonl
    jq -e '.seconds > 0' killed/result.json
}
