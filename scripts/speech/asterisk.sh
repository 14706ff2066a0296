#!/usr/bin/env bash
# Makes a corpus of a human voice in TIMIT's layout: Allison Smith's recordings for the telephone exchange Asterisk (CC BY-SA 3.0), with phones that pocketsphinx aligns to
# what is said.
#   scripts/speech/asterisk.sh FOLDER [TEXTS [SOUNDS]]
# TEXTS is core-sounds-en.txt, plain or by gzip, lines of "name: what is said"; if it is not named, that of the package asterisk-core-sounds-en.
# SOUNDS is the folder of the recordings at 16 kHz, where the package asterisk-core-sounds-en-g722 puts them if it is not named.
# Needs Debian's packages asterisk-core-sounds-en-g722, libpocketsphinx-dev, libsphinxbase-dev, pocketsphinx-en-us, libspandsp-dev and python3. The same bytes each time.
# Then: lsnn train timit --set data.path=FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
model=/usr/share/pocketsphinx/model/en-us

if [ $# -lt 1 ] || [ $# -gt 3 ]; then
    echo 'usage: asterisk.sh FOLDER [TEXTS [SOUNDS]]' >&2
    exit 2
fi
folder=$1 texts=${2:-/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz} sounds=${3:-/usr/share/asterisk/sounds/en_US_f_Allison}
if [ -e "$folder" ]; then
    echo "asterisk.sh: $folder is there already; name another folder" >&2
    exit 1
fi
if [ ! -r "$texts" ]; then
    echo "asterisk.sh: can't read $texts; apt-get install asterisk-core-sounds-en-g722, or, where packages come without their documents, name the file" >&2
    exit 1
fi
if [ ! -f "$sounds/hello-world.g722" ]; then
    echo "asterisk.sh: there is no hello-world.g722 in $sounds (apt-get install asterisk-core-sounds-en-g722)" >&2
    exit 1
fi
if ! pkg-config --exists pocketsphinx sphinxbase || [ ! -d "$model/en-us" ] || ! echo '#include <spandsp/telephony.h>' | gcc -E - >/dev/null 2>&1; then
    echo 'asterisk.sh: missing: apt-get install gcc pkg-config libpocketsphinx-dev libsphinxbase-dev pocketsphinx-en-us libspandsp-dev' >&2
    exit 1
fi

program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
# shellcheck disable=SC2046 # flags
gcc -std=gnu17 -O2 "$here/align.c" -o "$program/align" $(pkg-config --cflags --libs pocketsphinx sphinxbase) -lspandsp
python3 "$here/asterisk.py" "$folder" "$texts" "$sounds" "$model" "$program/align"
