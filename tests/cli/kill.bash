# Loaded by the tests that kill trainings. Needs LSNN, the tool, and CLI, this folder. Works in the current folder.
# shellcheck shell=bash

# words_of EXPERIMENT: the array `words` gets the words that train it for about a second, with much writing of files.
words_of() {
    words=("$1" --quiet --set train.batch=16 --set net.n_lif=10 --set net.n_adaptive=10 --set train.checkpoint_every=3
        --set train.valid_every=7)
    case $1 in
        digits) words+=(--set train.iterations="${ITERATIONS:-300}") ;;
        store-recall) words+=(--set train.iterations="${ITERATIONS:-60}" --set store-recall.n_symbols=4
            --set train.valid_batches=2 --set train.test_batches=2) ;;
    esac
}

# train_alone EXPERIMENT THREADS: a run that is left alone, in EXPERIMENT-alone; EXPERIMENT.time has the microseconds it took.
train_alone() {
    local words start=${EPOCHREALTIME/[.,]/}
    words_of "$1"
    rm -rf "$1-alone"
    "$LSNN" train "${words[@]}" --threads "$2" --out "$1-alone" >"$1.log" 2>&1 || return
    echo $((${EPOCHREALTIME/[.,]/} - start)) >"$1.time"
}

# begin THREADS OUT WORD...: becomes a training that begins, or goes on if there is something to go on with.
begin() {
    local threads=$1 out=$2
    shift 2
    if [ -e "$out/settings.yaml" ]; then
        set -- "$@" --resume
    fi
    exec "$LSNN" train "$@" --threads "$threads" --out "$out"
}

# kill_and_resume EXPERIMENT OUT KILLS THREADS...: trains into OUT, is killed this often at random moments, and goes on each time, with the next
# number of threads. Where the run ends before it could be killed so often, it is made once more.
kill_and_resume() {
    local experiment=$1 out=$2 kills=$3 words time killed=0 wait code child attempt
    shift 3
    local threads=("$@")
    words_of "$experiment"
    time=$(<"$experiment.time")
    for attempt in 1 2 3 4 5 6 7 8; do
        rm -rf "$out"
        for ((killed = 0; killed < kills; killed++)); do
            begin "${threads[killed % ${#threads[@]}]}" "$out" "${words[@]}" >"$out.log" 2>&1 3>&- &
            child=$!
            wait=$(((RANDOM * 32768 + RANDOM) % (time / kills / attempt + 1)))
            sleep "$(printf '%d.%06d' $((wait / 1000000)) $((wait % 1000000)))"
            kill -KILL $child 2>/dev/null || true
            code=0
            { wait $child || code=$?; } 2>/dev/null
            [ "$code" = 137 ] || break
            moments[killed]=$wait
        done
        if [ "$killed" = "$kills" ]; then
            (begin "${threads[killed % ${#threads[@]}]}" "$out" "${words[@]}") >"$out.log" 2>&1 || {
                cat "$out.log"
                return 1
            }
            return 0
        fi
    done
    echo "$experiment: not killed $kills times in $attempt attempts"
    return 1
}

# build_die_at: builds die_at.so here. It can't be preloaded into a tool that has a sanitizer: 1.
build_die_at() {
    ! grep -qE '__(asan|tsan)_init' "$LSNN" && "${CC:-cc}" -D_GNU_SOURCE -shared -fPIC -o die_at.so "$CLI/die_at.c" -ldl
}

# die_and_resume EXPERIMENT OUT PLACE...: trains into OUT, is killed within the file operation of this number, goes on and is killed in the next
# number's, and so on, and goes on. 2: it ended before the first.
die_and_resume() {
    local experiment=$1 out=$2 words code place first=true
    shift 2
    words_of "$experiment"
    rm -rf "$out"
    for place in "$@"; do
        code=0
        { (export DIE_AT=$place LD_PRELOAD=$PWD/die_at.so && begin 1 "$out" "${words[@]}") >"$out.log" 2>&1 || code=$?; } 2>/dev/null
        if $first && [ "$code" = 0 ]; then
            return 2
        fi
        first=false
        [ "$code" = 0 ] || [ "$code" = 137 ] || {
            echo "killed in file operation $place: exit code $code"
            cat "$out.log"
            return 1
        }
    done
    (begin 1 "$out" "${words[@]}") >"$out.log" 2>&1 || {
        cat "$out.log"
        return 1
    }
}

# same_run ONE OTHER: the same bits in the models, the last checkpoint, the metrics and the result, but for the time it took.
same_run() {
    local file differs=false
    for file in best.safetensors last.safetensors settings.yaml; do
        cmp "$1/$file" "$2/$file" || differs=true
    done
    if ! cmp <(python3 "$CLI/files.py" tensors "$1/checkpoint.safetensors") <(python3 "$CLI/files.py" tensors "$2/checkpoint.safetensors"); then
        echo "$1 and $2: the tensors of checkpoint.safetensors differ"
        differs=true
    fi
    diff <(jq -c 'del(.seconds)' "$1/metrics.jsonl") <(jq -c 'del(.seconds)' "$2/metrics.jsonl") | head -n 5
    [ "${PIPESTATUS[0]}" = 0 ] || differs=true
    diff <(jq 'del(.seconds, .threads)' "$1/result.json") <(jq 'del(.seconds, .threads)' "$2/result.json") || differs=true
    if [ $differs = true ]; then
        echo "killed after microseconds: ${moments[*]-}"
        return 1
    fi
}
