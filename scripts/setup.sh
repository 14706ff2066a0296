#!/usr/bin/env bash
# Finds what building (and testing) lsnn needs, and installs what is missing, and only that, on Debian and Ubuntu.
#   scripts/setup.sh [--check] SET...      SET: build, test (includes build), bench (includes build), long (includes test)
# --check installs nothing. Elsewhere the script names the packages. Exit code 1 if something is missing in the end.
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian's package, and what shows that it (or another package's equal) is there: a command, a pkg-config module, or a header.
build_needs='
gcc                   command gcc
libc6-dev             header stdio.h
cmake                 command cmake
ninja-build           command ninja
pkg-config            command pkg-config
libyaml-dev           module yaml-0.1
libjansson-dev        module jansson
libcurl4-openssl-dev  module libcurl
libssl-dev            module libcrypto
zlib1g-dev            module zlib
libcairo2-dev         module cairo
libopenblas-dev       module openblas
libsndfile1-dev       module sndfile
libkissfft-dev        module kissfft-float
libarchive-dev        module libarchive
librandom123-dev      header Random123/philox.h
'
test_needs='
libcmocka-dev         module cmocka
bats                  command bats
jq                    command jq
man-db                command man
clang-format          command clang-format
python3               command python3
python3-venv          python ensurepip
libespeak-ng-dev      module espeak-ng
wamerican             file /usr/share/dict/american-english
'
long_needs="
clang                 command clang
libclang-rt-dev       clang-file libclang_rt.asan-$HOSTTYPE.a
valgrind              command valgrind
gcc-aarch64-linux-gnu command aarch64-linux-gnu-gcc
qemu-user             command qemu-aarch64
"
bench_needs='
g++                   command g++
python3-dev           command python3-config
python3-venv          python ensurepip
'
python_needs='numpy safetensors'
os_release=${LSNN_OS_RELEASE:-/etc/os-release} # another file in the test of this script

is_there() { # is_there KIND NAME
    case $1 in
        command) command -v "$2" >/dev/null ;;
        module) command -v pkg-config >/dev/null && pkg-config --exists "$2" ;;
        header) command -v gcc >/dev/null && echo "#include <$2>" | gcc -E -xc - >/dev/null 2>&1 ;;
        file) [ -f "$2" ] ;;
        python) command -v python3 >/dev/null && python3 -c "import $2" 2>/dev/null ;;
        clang-file) command -v clang >/dev/null && [ -f "$(clang -print-file-name="$2")" ] ;;
    esac
}

installed_packages() { # of the packages named, those that dpkg has
    command -v dpkg-query >/dev/null || return 0
    # shellcheck disable=SC2016 # dpkg-query's own variables
    dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true
}

find_missing() { # sets `missing` to the packages of $needs that are not there in any form
    local names package kind name installed
    missing=()
    names=$(awk 'NF { print $1 }' <<<"$needs")
    # shellcheck disable=SC2086 # one word a package
    installed=" $(installed_packages $names | tr '\n' ' ')"
    while read -r package kind name; do
        if [ -n "$package" ] && [[ $installed != *" $package "* ]] && ! is_there "$kind" "$name"; then
            missing+=("$package")
        fi
    done <<<"$needs"
}

is_debian() {
    [ -r "$os_release" ] && (
        ID='' ID_LIKE=''
        # shellcheck disable=SC1090 # a file of assignments
        . "$os_release"
        [[ " $ID $ID_LIKE " == *" debian "* || $ID == ubuntu ]]
    ) && command -v apt-get >/dev/null
}

apt() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        as_root=(sudo)
        [ -t 0 ] || as_root=(sudo -n) # no terminal to ask for a password
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

install_missing() {
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        echo "setup: not root and no sudo; let an administrator run: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    echo "setup: installing ${missing[*]}" >&2
    if ! apt update -qq >&2; then
        echo "setup: apt-get update failed (see above); going on with the lists that are there" >&2
    fi
    local package known=()
    for package in "${missing[@]}"; do # a release may lack one, and bring its content in another
        apt-cache show "$package" >/dev/null 2>&1 && known+=("$package")
    done
    if [ ${#known[@]} = 0 ] || ! apt install -y -qq --no-install-recommends "${known[@]}" >&2; then
        echo "setup: apt-get could not install: ${missing[*]}" >&2
        exit 1
    fi
}

# The public Python packages that the tests read our files with live in build/venv. Without them those tests are skipped, and say so.
set_up_python() {
    [ -f build/venv/ready ] && [ -x build/venv/bin/python ] && return
    echo "setup: $python_needs into build/venv" >&2
    # shellcheck disable=SC2086 # one word a package
    if python3 -m venv --clear build/venv >&2 &&
        build/venv/bin/pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 $python_needs >&2; then
        touch build/venv/ready
    else
        echo "setup: can't get $python_needs (no package index in reach?); the tests that use them will be skipped" >&2
    fi
}

# A browser for the test of the page that plays an agent's episode. Without one that test is skipped, and says so.
set_up_browser() {
    command -v chromium >/dev/null && return
    if is_debian && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; } && apt-cache show chromium >/dev/null 2>&1; then
        echo 'setup: installing chromium' >&2
        apt install -y -qq --no-install-recommends chromium >&2 && return
    fi
    echo "setup: can't get chromium; the test that uses a browser will be skipped" >&2
}

check_only=false
needs=''
wants_python=false
wants_browser=false
for argument in "$@"; do
    case $argument in
        --check) check_only=true ;;
        build) needs+=$build_needs ;;
        test) needs+=$build_needs$test_needs wants_python=true ;;
        bench) needs+=$build_needs$bench_needs ;;
        long) needs+=$build_needs$test_needs$long_needs wants_python=true wants_browser=true ;;
        *)
            echo "setup: '$argument' is not one of --check, build, test, bench, long" >&2
            exit 2
            ;;
    esac
done
needs=$(sort -u <<<"$needs")

find_missing
if [ ${#missing[@]} != 0 ] && ! $check_only && is_debian; then
    install_missing
    hash -r
    find_missing
fi
if [ ${#missing[@]} != 0 ]; then
    echo "setup: missing: ${missing[*]} (names of Debian's packages)" >&2
    if is_debian; then
        echo "setup: run \`make setup\`, or: apt-get install ${missing[*]}" >&2
    else
        echo "setup: install what gives these on your system, then call again; all that is needed:" >&2
        awk 'NF { printf "  %-22s %s %s\n", $1, $2, $3 }' <<<"$needs" >&2
    fi
    exit 1
fi
if $wants_python && ! $check_only; then
    set_up_python
fi
if $wants_browser && ! $check_only; then
    set_up_browser
fi
