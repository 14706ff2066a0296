#!/usr/bin/env bash
# Makes a corpus of spoken sentences in TIMIT's layout, by the synthesiser espeak-ng, which knows when each phone begins.
#   scripts/speech/espeak.sh FOLDER [--snr DB] [--seed N] [--train N] [--valid N] [--test N]
# Needs Debian's packages libespeak-ng-dev, espeak-ng-data, libsndfile1-dev and wamerican (a list of words). The same arguments give the same bytes,
# with the same version of espeak-ng. Then: lsnn train timit --set data.path=FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
words=${LSNN_WORDS:-/usr/share/dict/american-english}

usage() {
    echo 'usage: espeak.sh FOLDER [--snr DB] [--seed N] [--train N] [--valid N] [--test N]' >&2
    exit 2
}

folder='' snr=10 seed=1 train=600 valid=100 test=200
while [ $# != 0 ]; do
    case $1 in
        --snr | --seed | --train | --valid | --test)
            [[ ${2-} =~ ^-?[0-9]+(\.[0-9]+)?$ ]] || usage
            printf -v "${1#--}" %s "$2"
            shift 2
            ;;
        -*) usage ;;
        *)
            [ -z "$folder" ] || usage
            folder=$1
            shift
            ;;
    esac
done
[ -n "$folder" ] || usage
if [ -e "$folder" ]; then
    echo "espeak.sh: $folder is there already; name another folder" >&2
    exit 1
fi
if ! pkg-config --exists espeak-ng sndfile || [ ! -r "$words" ]; then
    echo 'espeak.sh: missing: apt-get install gcc pkg-config libespeak-ng-dev espeak-ng-data libsndfile1-dev wamerican' >&2
    exit 1
fi

program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
# shellcheck disable=SC2046 # flags
gcc -std=c17 -D_GNU_SOURCE -O2 -ffp-contract=off "$here/speak.c" -o "$program/speak" $(pkg-config --cflags --libs espeak-ng sndfile) -lm
"$program/speak" "$folder" "$words" "$seed" "$snr" "$train" "$valid" "$test"
