# scripts/setup.sh in a world of stubs: nothing is installed, and what would be is written down.
# shellcheck disable=SC2016 # the stubs expand their own variables

setup() {
    : "${LSNN_SOURCE:?the folder of the source}"
    export TREE=$BATS_TEST_TMPDIR/tree BIN=$BATS_TEST_TMPDIR/bin LOG=$BATS_TEST_TMPDIR/log
    export HAVE=$BATS_TEST_TMPDIR/have # packages that are installed, one a line
    export LSNN_OS_RELEASE=$BATS_TEST_TMPDIR/os-release
    mkdir -p "$TREE/scripts" "$BIN"
    cp "$LSNN_SOURCE/scripts/setup.sh" "$TREE/scripts/"
    touch "$LOG"
    printf '%s\n' gcc libc6-dev cmake ninja-build pkg-config libyaml-dev libjansson-dev libcurl4-openssl-dev libssl-dev zlib1g-dev \
        libcairo2-dev libopenblas-dev libsndfile1-dev libkissfft-dev libarchive-dev librandom123-dev >"$HAVE"
    echo 'ID=debian' >"$LSNN_OS_RELEASE"
    for tool in bash env awk sed sort tr dirname grep cat rm mkdir touch; do
        ln -s "$(command -v "$tool")" "$BIN/$tool"
    done
    stub id 'echo "${WHO:-0}"'
    stub apt-cache '[ "$2" != libclang-rt-dev ] || [ -z "${NO_RT-}" ]'
    stub dpkg-query 'while read -r p; do case " $* " in *" $p "*) echo "installed $p" ;; esac; done <"$HAVE"'
    stub apt-get 'echo "apt-get ${*#-o}" >>"$LOG"
case " $* " in
    *" install "*) [ -z "${BROKEN-}" ] || exit 100
        for p in "$@"; do case $p in [a-z]*) echo "$p" >>"$HAVE" ;; esac; done ;;
esac'
}

stub() { # stub NAME SCRIPT
    printf '#!/bin/bash\n%s\n' "$2" >"$BIN/$1"
    chmod +x "$BIN/$1"
}

set_up() {
    PATH=$BIN run bash "$TREE/scripts/setup.sh" "$@"
    echo "status $status, output: $output, log: $(cat "$LOG")"
}

@test "with everything there, nothing is installed and nothing said" {
    set_up build
    [ "$status" = 0 ]
    [ -z "$output" ]
    [ ! -s "$LOG" ]
}

@test "what is missing is installed, and only that; a second call does nothing" {
    sed -i '/libyaml-dev/d; /librandom123-dev/d' "$HAVE"
    set_up build
    [ "$status" = 0 ]
    grep -q 'update' "$LOG"
    [ "$(grep -c ' install ' "$LOG")" = 1 ]
    grep -qE -- '--no-install-recommends libyaml-dev librandom123-dev$|--no-install-recommends librandom123-dev libyaml-dev$' "$LOG"
    : >"$LOG"
    set_up build
    [ "$status" = 0 ]
    [ ! -s "$LOG" ]
}

@test "a tool on the path counts, wherever it came from" {
    sed -i '/cmake/d; /ninja-build/d' "$HAVE"
    stub cmake :
    stub ninja :
    set_up build
    [ "$status" = 0 ]
    [ ! -s "$LOG" ]
}

@test "Ubuntu and Debian's other children are served too" {
    sed -i '/jansson/d' "$HAVE"
    printf 'ID=mint\nID_LIKE="ubuntu debian"\n' >"$LSNN_OS_RELEASE"
    set_up build
    [ "$status" = 0 ]
    grep -q 'libjansson-dev' "$LOG"
}

@test "elsewhere: goes on when all is there, else names the packages" {
    echo 'ID=fedora' >"$LSNN_OS_RELEASE"
    set_up build
    [ "$status" = 0 ]
    sed -i '/libcairo2-dev/d' "$HAVE"
    set_up build
    [ "$status" = 1 ]
    [[ $output == *"missing: libcairo2-dev "* ]]
    [[ $output == *"libcurl4-openssl-dev"*"module libcurl"* ]]
    [ ! -s "$LOG" ]
}

@test "--check installs nothing" {
    sed -i '/libssl-dev/d' "$HAVE"
    set_up --check build
    [ "$status" = 1 ]
    [[ $output == *"make setup"* ]]
    [ ! -s "$LOG" ]
}

@test "not root: through sudo, and a clear word where there is none" {
    sed -i '/libssl-dev/d' "$HAVE"
    export WHO=1000
    set_up build
    [ "$status" = 1 ]
    [[ $output == *"no sudo; let an administrator run: apt-get install libssl-dev"* ]]
    [ ! -s "$LOG" ]
    stub sudo 'echo "sudo $1" >>"$LOG"; [ "$1" != -n ] || shift; exec "$@"'
    set_up build
    [ "$status" = 0 ]
    grep -q '^sudo' "$LOG"
    grep -q 'install .*libssl-dev' "$LOG"
}

@test "a failing apt-get ends with the names, exit code 1" {
    sed -i '/libssl-dev/d' "$HAVE"
    export BROKEN=1
    set_up build
    [ "$status" = 1 ]
    [[ $output == *"could not install: libssl-dev"* ]]
}

@test "a package that this release does not know doesn't keep the others from being installed" {
    printf '%s\n' libcmocka-dev bats jq man-db clang-format python3 python3-venv libespeak-ng-dev wamerican >>"$HAVE"
    export NO_RT=1
    set_up --check long
    [ "$status" = 1 ]
    stub python3 'exit 1' # no package index either
    set_up long
    [ "$status" = 1 ]
    grep -qE 'install .*clang gcc-aarch64-linux-gnu qemu-user valgrind' "$LOG"
    [[ $output == *"missing: libclang-rt-dev"* ]]
}

@test "without a package index the set-up goes on, and says what is left out" {
    printf '%s\n' libcmocka-dev bats jq man-db clang-format python3 python3-venv libespeak-ng-dev wamerican >>"$HAVE"
    stub python3 'exit 1'
    set_up test
    [ "$status" = 0 ]
    [[ $output == *"can't get numpy safetensors"* ]]
    [ ! -e "$TREE/build/venv/ready" ]
}

@test "the long tests get a browser where there is one, and go on without" {
    printf '%s\n' libcmocka-dev bats jq man-db clang-format python3 python3-venv clang libclang-rt-dev valgrind gcc-aarch64-linux-gnu qemu-user libespeak-ng-dev wamerican >>"$HAVE"
    stub python3 'exit 1'
    set_up long
    [ "$status" = 0 ]
    [ "$(grep -c ' install ' "$LOG")" = 1 ]
    grep -q 'install .* chromium$' "$LOG"
    stub apt-cache 'exit 1'
    : >"$LOG"
    set_up long
    [ "$status" = 0 ]
    [[ $output == *"can't get chromium"* ]]
    [ ! -s "$LOG" ]
    stub chromium :
    set_up long
    [[ $output != *chromium* ]]
    set_up test
    [[ $output != *chromium* ]]
}

@test "an unknown word is refused" {
    set_up everything
    [ "$status" = 2 ]
}
