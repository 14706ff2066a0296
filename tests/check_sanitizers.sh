#!/usr/bin/env bash
# Are the sanitizers' symbols in what a build made? Without this a lost flag would look like a clean run.
#   tests/check_sanitizers.sh BUILD SYMBOL...
set -euo pipefail
build=$1
shift
status=0
for file in "$build/liblsnn.so" "$build/lsnn"; do
    for symbol in "$@"; do
        if ! nm "$file" | grep "$symbol" >/dev/null; then
            echo "$file: no $symbol"
            status=1
        fi
    done
done
exit "$status"
