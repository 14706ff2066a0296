#!/usr/bin/env bash
# Sets up, builds, and runs the tests; the last line counts them.   scripts/test.sh [--long]
#   V=1                show the output of what passes too
#   LSNN_TEST_FAST=1   leave out the run under AddressSanitizer and UndefinedBehaviorSanitizer
#   LSNN_TEST_MNIST    a folder with the four MNIST files; tests that need them are skipped without
#   LSNN_TEST_FSDD     a folder with recordings.tar.gz of the spoken digits; likewise
#   JOBS               how many programs to run at once (default: one a core)
set -euo pipefail
cd "$(dirname "$0")/.."

long=false
if [ "${1-}" = --long ]; then long=true; fi
if $long; then scripts/setup.sh long; else scripts/setup.sh test; fi

results=build/results # one folder of outputs, and `counts`: a line "passed failed skipped" for every program that has ended
rm -rf "$results"
mkdir -p "$results"
: >"$results/counts"
jobs=${JOBS:-$(nproc)}
unset LSNN_DATA LSNN_DATA_URL # a user's own must not change what the tests find
export LSNN_SOURCE=$PWD LSNN=$PWD/build/release/lsnn
echo leak:libfontconfig >"$results/lsan" # what any program that draws text leaves behind
export LSAN_OPTIONS=suppressions=$PWD/$results/lsan:print_suppressions=0 ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1

# Sums of cmocka's closing lines, of TAP lines, of lines that begin with PASS, FAIL, SKIP; or one for the whole, by its exit code.
count() { # count KIND STATUS FILE -> "passed failed skipped"
    local kind=$1 status=$2 file=$3 passed=0 failed=0 skipped=0
    sum() { grep -oE "$1" "$file" | grep -oE '[0-9]+' | awk '{ n += $1 } END { print n + 0 }'; }
    lines() { grep -cE "$1" "$file" || true; }
    case $kind in
        cmocka)
            passed=$(sum '\[  PASSED  \] [0-9]+ test\(s\)')
            failed=$(sum '\[  FAILED  \] [0-9]+ test\(s\)')
            skipped=$(sum '\[  SKIPPED \] [0-9]+ test\(s\)')
            ;;
        tap)
            failed=$(lines '^not ok ')
            skipped=$(lines '^ok .* # skip')
            passed=$(($(lines '^ok ') - skipped))
            ;;
        lines) passed=$(lines '^PASS') failed=$(lines '^FAIL') skipped=$(lines '^SKIP') ;;
        check) if [ "$status" = 0 ]; then passed=1; elif [ "$status" = 77 ]; then skipped=1 status=0; fi ;;
    esac
    # A crash, a time-out, a sanitizer's report at the end; or nothing that ran at all.
    if [ "$failed" = 0 ] && { [ "$status" != 0 ] || [ $((passed + skipped)) = 0 ]; }; then
        failed=1
    fi
    echo "$passed $failed $skipped"
}

# Runs one program to its end, notes its counts, and prints a line (and its output if it failed).
run() ( # run NAME KIND SECONDS COMMAND...; in a shell of its own, for the trap
    local name=$1 kind=$2 limit=$3 status=0 start=$EPOCHREALTIME seconds log passed failed skipped child
    shift 3
    log=$results/${name//[ \/]/-}.log
    timeout -k 10 "$limit" "$@" </dev/null >"$log" 2>&1 &
    child=$!
    trap 'kill "$child" 2>/dev/null; exit 130' INT TERM
    { wait "$child" || status=$?; } 2>/dev/null # the shell's own word about a crash comes below
    seconds=$(awk "BEGIN { print $EPOCHREALTIME - $start }")
    read -r passed failed skipped <<<"$(count "$kind" "$status" "$log")"
    {
        flock 9
        echo "$passed $failed $skipped" >>"$results/counts"
        echo "${name//[ \/]/-} $seconds" >>"$results/times"
        printf '%-4s %-44s %5.1f s  %3d passed' "$([ "$failed" = 0 ] && echo ok || echo FAIL)" "$name" "$seconds" "$passed"
        [ "$failed" = 0 ] || printf ', %d failed' "$failed"
        [ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
        case $status in
            0) ;;
            124 | 137) printf ' (stopped after %d s)' "$limit" ;;
            *) printf ' (exit code %d)' "$status" ;;
        esac
        printf '\n'
        if [ "$failed" != 0 ] || [ -n "${V-}" ]; then
            sed 's/^/    | /' "$log"
        elif [ "$skipped" != 0 ]; then
            grep -iE '# skip|^SKIP|\[  SKIPPED \] [a-z]|^skipped' "$log" | uniq | sed 's/^/    | /' || true
        fi
    } 9>"$results/lock"
    [ "$failed" = 0 ]
)

start() { # run, in the background, at most $jobs at once
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
        wait -n || true
    done
    run "$@" &
}

finish() {
    wait || true
    local passed failed skipped
    read -r passed failed skipped <<<"$(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$results/counts")"
    printf '%d passed, %d failed' "$passed" "$failed"
    [ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
    printf '\n'
    [ "$failed" = 0 ] || exit 1
    exit 0
}
trap 'trap - INT TERM; kill $(jobs -rp) 2>/dev/null; wait; exit 130' INT TERM

build() { # build NAME CMAKE-OPTION...
    local name=$1
    shift
    # shellcheck disable=SC2016 # expanded by the inner shell
    run "build $name" check 1800 bash -c 'folder=$1; shift
        cmake -S . -B "$folder" -G Ninja -DLSNN_TESTS=ON -DLSNN_WERROR=ON "$@" && cmake --build "$folder" -- -k 0' build "build/$name" "$@"
}

run_programs() { # run_programs BUILD [COMMAND-IN-FRONT...]
    local name=$1 program
    shift
    for program in build/"$name"/tests/test_*; do
        # A program whose source is gone is left over from an earlier build.
        if [ -x "$program" ] && [ -f "tests/$(basename "$program").c" ]; then
            start "$name $(basename "$program")" cmocka "${LSNN_TEST_TIMEOUT:-300}" "$@" "$program"
        fi
    done
}

run_bats() { # run_bats NAME FILE...
    local name=$1 file
    shift
    for file in "$@"; do
        [ -f "$file" ] && start "$name ${file#tests/}" tap 1200 bats --tap "$file"
    done
    return 0
}

# Numbers that are read before they are written are valgrind's alone to find. It is slow, and knows no AVX-512: the quick programs, portable kernels.
run_valgrind() {
    local name seconds
    while read -r name seconds; do
        if [[ $name == release-* ]] && [ "${seconds%.*}" -lt 2 ]; then
            LSNN_ISA=generic start "valgrind ${name#release-}" cmocka 1800 \
                valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "build/release/tests/${name#release-}"
        fi
    done <"$results/times"
    wait || true
}

start 'check format' check 60 scripts/format.sh --check
start 'check rooms' check 60 tests/check_rooms.sh
start 'check rooms: itself' lines 60 tests/check_rooms.sh --self-test
wait || true
build release || finish
run_programs release
run_bats bats tests/*/*.bats
wait || true
if [ -z "${LSNN_TEST_FAST-}" ] || $long; then
    if build asan -DLSNN_SANITIZE=address,undefined; then
        run 'check sanitizers' check 60 tests/check_sanitizers.sh build/asan __asan_init __ubsan_handle || true
        run_programs asan
    fi
fi
if $long; then
    wait || true
    (export LSNN=$PWD/build/asan/lsnn && run_bats asan tests/cli/*.bats && wait) || true
    build clang -DCMAKE_C_COMPILER=clang && run_programs clang
    wait || true
    build clang-asan -DCMAKE_C_COMPILER=clang -DLSNN_SANITIZE=address,undefined && run_programs clang-asan
    wait || true
    # The ThreadSanitizer of gcc 12 can't live with all of Linux's address randomisation; some containers forbid to turn it off.
    fixed_addresses=()
    if setarch -R true 2>/dev/null; then fixed_addresses=(setarch -R); fi
    if build tsan -DLSNN_SANITIZE=thread; then
        run 'check sanitizers (thread)' check 60 tests/check_sanitizers.sh build/tsan __tsan_init || true
        run_programs tsan "${fixed_addresses[@]}"
    fi
    wait || true
    run_valgrind
    for script in tests/long/*.sh; do
        [ ! -f "$script" ] || run "long $(basename "$script")" lines 7200 bash "$script" || true
    done
fi
finish
