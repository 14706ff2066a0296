#!/usr/bin/env bash
# Other processors than this one, emulated by qemu: 64-bit x86 without AVX and with AVX2, and 64-bit ARM, for which lsnn and its tests are built here.
# All of them must train to the bits of this machine. One line PASS, FAIL or SKIP for each.
#   tests/long/processors.sh      LSNN: the tool, as built for this machine, its test programs beside it in tests/
# build/arm64-root keeps the arm64 libraries (50 MB of Debian's packages, fetched at the first call); nothing is installed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
lsnn=${LSNN:-$PWD/build/release/lsnn}
root=$PWD/build/arm64-root
arm=$PWD/build/arm64
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unset LSNN_ISA LSNN_DATA LSNN_DATA_URL
failed=0

# verdict NAME CODE: a line, and what was said if it failed.
verdict() {
    if [ "$2" = 0 ]; then
        echo "PASS $1"
    else
        echo "FAIL $1"
        tail -20 "$folder/said" | sed 's/^/  /'
        failed=$((failed + 1))
    fi
}

train() { # train NAME ITERATIONS COMMAND...
    local name=$1 iterations=$2
    shift 2
    timeout 300 "$@" train digits --quiet --threads 2 --set train.iterations="$iterations" --out "$folder/$name" </dev/null >"$folder/said" 2>&1
}

unit_of() { jq -r .isa "$folder/$1/result.json" 2>/dev/null; }

# same NAME OTHER: the same model files; the same losses and rates in the metrics, which are written with 9 digits.
same() {
    local name file
    for file in best.safetensors last.safetensors settings.yaml; do
        cmp "$folder/$1/$file" "$folder/$2/$file" >"$folder/said" 2>&1 || return 1
    done
    for name in "$1" "$2"; do
        jq -cS 'del(.seconds)' "$folder/$name/metrics.jsonl" >"$folder/$name.metrics" || return 1
    done
    cmp "$folder/$1.metrics" "$folder/$2.metrics" >"$folder/said" 2>&1
}

# trains NAME UNIT THIS COMMAND...: on the kernels of UNIT, to the bits of this machine's run THIS, which is called by its number of iterations.
trains() {
    local this_unit code=0
    this_unit=$(unit_of "$3")
    if ! train "$1" "$3" "${@:4}" && grep -q 'which this processor or this build lacks' "$folder/said"; then
        echo "SKIP $1: trains on $2, which is not there"
        return
    fi
    if [ "$(unit_of "$1")" != "$2" ]; then
        echo "it runs on $(unit_of "$1")" >>"$folder/said"
        code=1
    else
        same "$3" "$1" || code=1
    fi
    verdict "$1: trains on $2 to the bits of this machine's $this_unit" $code
}

# programs NAME FOLDER "PROGRAM..." COMMAND...: test programs of a build.
programs() {
    local program
    for program in $3; do
        timeout 300 "${@:4}" "$2/tests/$program" </dev/null >"$folder/said" 2>&1
        verdict "$1: $program" $?
    done
}

# The arm64 files of what lsnn is built with, from Debian's packages, with lists of their own beside the machine's.
fetch_root() {
    [ -f "$root/ready" ] && return
    local state=$root/apt packages file link target
    rm -rf "$root"
    mkdir -p "$state"/{lists,archives}/partial
    : >"$state/status"
    of_arm64() {
        apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= -o Dir::State="$state" \
            -o Dir::State::status="$state/status" -o Dir::Cache="$state" -o Debug::NoLocking=1 "$@" </dev/null
    }
    packages=$(grep -oE '^(lib[a-z0-9.-]+|zlib1g)-dev ' scripts/setup.sh | grep -v clang)
    of_arm64 update
    # shellcheck disable=SC2086 # one word a package
    of_arm64 install -y --download-only --no-install-recommends $packages || return 1
    for file in "$state"/archives/*.deb; do
        dpkg -x "$file" "$root" || return 1
    done
    # Links to /lib/... would lead to this machine's files.
    find "$root" -lname '/*' -printf '%p\t%l\n' | while IFS=$'\t' read -r link target; do
        ln -sfnr "$root$target" "$link"
    done
    # Debian links OpenBLAS where it is looked for only when the package is set up.
    for file in "$root"/usr/lib/aarch64-linux-gnu/openblas-pthread/{libopenblas.so*,pkgconfig/openblas.pc}; do
        target=${file%/openblas-pthread/*}${file##*/openblas-pthread}
        [ -e "$target" ] || ln -sr "$file" "$target"
    done
    rm -rf "$state"
    touch "$root/ready"
}

build_arm64() {
    cmake -S . -B "$arm" -G Ninja --toolchain cmake/aarch64-linux-gnu.cmake -DCMAKE_SYSROOT="$root" -DLSNN_TESTS=ON -DLSNN_WERROR=ON &&
        cmake --build "$arm"
}

[ -x "$lsnn" ] || { echo "FAIL no lsnn; set LSNN to it"; exit 1; }
if [ "$(uname -m)" != x86_64 ]; then
    echo "SKIP other processors: written for a 64-bit x86, this is $(uname -m)"
    exit
fi
for iterations in 3 20; do
    train $iterations $iterations "$lsnn" || { verdict 'this machine: trains' 1; exit 1; }
done
for unit in generic sse2 avx2 avx512; do
    LSNN_ISA=$unit trains "this machine, $unit" $unit 3 "$lsnn"
done

if ! command -v qemu-x86_64 >/dev/null; then
    echo 'SKIP emulated x86: no qemu-x86_64 (Debian: qemu-user)'
else
    # qemu64 has no AVX and no fused multiply-add, for which libm has functions of its own; max is all that qemu knows.
    trains 'x86 without AVX' sse2 3 qemu-x86_64 -cpu qemu64 "$lsnn"
    train refused 1 qemu-x86_64 -cpu qemu64 -E LSNN_ISA=avx2 "$lsnn"
    [ $? = 2 ] && grep -q 'LSNN_ISA is avx2, which this processor' "$folder/said"
    verdict 'x86 without AVX: avx2 is refused with a word' $?
    programs 'x86 without AVX' "$(dirname "$lsnn")" 'test_kernels test_golden' qemu-x86_64 -cpu qemu64
    trains 'x86 of qemu' avx2 3 qemu-x86_64 -cpu max -E LSNN_ISA=avx2 "$lsnn"
    programs 'x86 of qemu' "$(dirname "$lsnn")" 'test_kernels test_golden' qemu-x86_64 -cpu max
fi

if ! command -v qemu-aarch64 >/dev/null || ! command -v aarch64-linux-gnu-gcc >/dev/null; then
    echo 'SKIP arm64: no qemu-aarch64 or no aarch64-linux-gnu-gcc (Debian: qemu-user, gcc-aarch64-linux-gnu)'
elif ! command -v apt-get >/dev/null || ! fetch_root >"$folder/said" 2>&1; then
    echo "SKIP arm64: can't get Debian's arm64 packages: $(grep -m1 '^E:' "$folder/said" || echo 'no apt-get')"
else
    build_arm64 >"$folder/said" 2>&1
    code=$?
    verdict 'arm64: builds' $code
    if [ $code = 0 ]; then
        export QEMU_LD_PREFIX=$root
        trains arm64 neon 20 qemu-aarch64 "$arm/lsnn"
        trains 'arm64, generic' generic 3 qemu-aarch64 -E LSNN_ISA=generic "$arm/lsnn"
        programs arm64 "$arm" "$(basename -s .c tests/test_*.c | tr '\n' ' ')" qemu-aarch64
    fi
fi
[ "$failed" = 0 ]
