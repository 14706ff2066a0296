#!/usr/bin/env bash
# The law of the house: a file in src/ includes only its own room and rooms above it; cli/ sees the public header and its own, examples/ the
# public header alone; file names are unique in src/.    tests/check_rooms.sh [--self-test | FOLDER]
set -euo pipefail
rooms=(base machine config data speech net dense learn rl model tasks run l2l bench figure study)

declare -A place # a room's number from the top
for k in "${!rooms[@]}"; do
    place[${rooms[k]}]=$k
done

includes() { # includes FILE -> "line name" of every #include "name"
    sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]+)".*/\1/;t print;b;:print;=;p' "$1" | paste -d' ' - -
}

check() { # check FOLDER: prints what breaks the law; status 1 if anything does
    local root=$1 file line name room other bad=0
    complain() {
        echo "$1"
        bad=1
    }
    while IFS= read -r file; do
        room=${file#"$root"/src/}
        room=${room%%/*}
        if [ -z "${place[$room]-}" ]; then
            complain "$file: '$room' is not a room; the rooms are ${rooms[*]}"
            continue
        fi
        while read -r line name; do
            other=${name%%/*}
            if [ "$name" = lsnn.h ] || [ -f "${file%/*}/$name" ]; then
                continue
            elif [ -z "${place[$other]-}" ] || [ ! -f "$root/src/$name" ]; then
                complain "$file:$line: \"$name\" is not a file of src/ (write room/name.h)"
            elif [ "${place[$other]}" -gt "${place[$room]}" ]; then
                complain "$file:$line: $room includes \"$name\", but $other stands below it (${rooms[*]})"
            fi
        done < <(includes "$file")
    done < <(find "$root/src" -name '*.[ch]' | sort)

    while IFS= read -r file; do
        while read -r line name; do
            if [ "$name" = lsnn.h ] || { [[ $file == "$root"/cli/* ]] && [[ $name != */* ]] && [ -f "$root/cli/$name" ]; }; then
                continue
            fi
            complain "$file:$line: includes \"$name\"; here only lsnn.h is to be seen"
        done < <(includes "$file")
    done < <(find "$root/cli" "$root/examples" -name '*.[ch]' 2>/dev/null | sort)

    while IFS= read -r name; do
        complain "$name: more than one file of this name in src/"
    done < <(find "$root/src" -name '*.[ch]' -printf '%f\n' | sort | uniq -d)
    return "$bad"
}

self_test() {
    local folder
    folder=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$folder'" EXIT
    expect() { # expect WANTED-STATUS NAME [TEXT]
        local status=0 output
        output=$(check "$folder") || status=$?
        if [ "$status" = "$1" ] && [[ $output == *"${3-}"* ]]; then
            echo "PASS $2"
        else
            echo "FAIL $2: status $status, output: $output"
        fi
    }
    mkdir -p "$folder"/src/{base,net,run} "$folder"/cli "$folder"/examples
    printf '#include "lsnn.h"\n' | tee "$folder/src/base/text.h" "$folder/examples/one.c" >/dev/null
    printf '#include "net/net.h"\n#include <math.h>\n#include "base/text.h"\n' >"$folder/src/net/net.c"
    printf '#include "base/text.h"\n' >"$folder/src/net/net.h"
    printf '#include "table.h"\n#include "lsnn.h"\n' >"$folder/cli/main.c"
    touch "$folder/cli/table.h"
    expect 0 'a house in order'
    printf '\n #  include "net/net.h" /* upwards */\n' >"$folder/src/base/text.c"
    expect 1 'a room above includes one below' 'src/base/text.c:2: base includes "net/net.h"'
    printf '#include "run/none.h"\n' >"$folder/src/base/text.c"
    expect 1 'a file that is not there' '"run/none.h" is not a file of src/'
    rm "$folder/src/base/text.c"
    touch "$folder/src/run/net.h"
    expect 1 'the same name twice' 'net.h: more than one file'
    rm "$folder/src/run/net.h"
    printf '#include "base/text.h"\n' >"$folder/cli/main.c"
    expect 1 'the tool looks inside' 'cli/main.c:1: includes "base/text.h"'
    printf '#include "lsnn.h"\n' >"$folder/cli/main.c"
    printf '#include "net/net.h"\n' >"$folder/examples/one.c"
    expect 1 'an example looks inside' 'examples/one.c:1'
    printf '#include "lsnn.h"\n' >"$folder/examples/one.c"
    mkdir "$folder/src/cellar"
    touch "$folder/src/cellar/wine.c"
    expect 1 'a room that nobody knows' "'cellar' is not a room"
}

cd "$(dirname "$0")/.."
case ${1-} in
    --self-test) self_test ;;
    *) check "${1-.}" ;;
esac
