#!/usr/bin/env bash
# Lays out every C file by .clang-format, or with --check names those that are not. Exit code 77: another clang-format than 14.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=''
for candidate in clang-format-14 clang-format; do
    if command -v "$candidate" >/dev/null && [[ $("$candidate" --version) == *"version 14."* ]]; then
        tool=$candidate
        break
    fi
done
if [ -z "$tool" ]; then # another version lays out some lines differently
    echo 'skipped: clang-format 14 is not here, and other versions differ in places (Debian 12: apt-get install clang-format)' >&2
    exit 77
fi

mapfile -d '' files < <(find include src cli examples tests bench scripts -name '*.[ch]' -print0 2>/dev/null)
if [ "${1-}" != --check ]; then
    "$tool" -i "${files[@]}"
    exit
fi
status=0
for file in "${files[@]}"; do
    if ! "$tool" "$file" | cmp -s - "$file"; then
        echo "$file is not laid out by .clang-format"
        status=1
    fi
done
[ "$status" = 0 ] || echo 'run: make format'
exit "$status"
