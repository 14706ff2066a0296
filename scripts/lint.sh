#!/usr/bin/env bash
# What can be found without running anything: the order of the rooms, the layout, the shell scripts, and the compiler's warnings as errors.
set -euo pipefail
cd "$(dirname "$0")/.."

tests/check_rooms.sh
scripts/format.sh --check || [ $? = 77 ]
if command -v shellcheck >/dev/null; then
    shellcheck scripts/*.sh scripts/*/*.sh tests/*.sh .ci/run
    for file in tests/*/*.bats; do
        shellcheck --shell=bats "$file"
    done
else
    echo 'shellcheck is not here; the scripts were not checked' >&2
fi
for compiler in gcc clang; do
    if command -v "$compiler" >/dev/null; then
        cmake -S . -B "build/lint-$compiler" -G Ninja -DCMAKE_C_COMPILER="$compiler" -DLSNN_WERROR=ON -DLSNN_TESTS=ON >/dev/null
        cmake --build "build/lint-$compiler"
    fi
done
