# Loaded by the tests of the command line. LSNN: the tool. Every test works in a folder of its own.
# shellcheck shell=bash
LSNN=$(command -v "${LSNN:-lsnn}") # a path also after cd
case $LSNN in
/*) ;;
*) LSNN=$PWD/$LSNN ;;
esac
unset LSNN_DATA LSNN_DATA_URL LSNN_ISA NO_COLOR

# A network that is trained within a second.
# shellcheck disable=SC2034 # used by the tests
tiny=(--set train.iterations=3 --set train.batch=16 --set net.n_lif=8 --set net.n_adaptive=8 --threads 1)

# Trains it once for all tests of a file: "$trained" is the run folder.
train_tiny() {
    cd "$BATS_FILE_TMPDIR" || return
    "$LSNN" train digits "${tiny[@]}" --out trained --quiet >train.out 2>train.err
}
# shellcheck disable=SC2034 # used by the tests
trained=${BATS_FILE_TMPDIR-}/trained

# check STATUS COMMAND...: runs the tool with stdout to the file out and stderr to the file err.
check() {
    local expected=$1 found=0
    shift
    "$LSNN" "$@" >out 2>err </dev/null || found=$?
    if [ "$found" != "$expected" ]; then
        echo "lsnn $*: exit code $found, not $expected"
        cat out err
        return 1
    fi
}

# says FILE TEXT: does the file hold the text?
says() {
    grep -qF -- "$2" "$1" || {
        echo "no '$2' in $1:"
        cat "$1"
        return 1
    }
}

# lacks FILE TEXT: the opposite.
lacks() {
    if grep -qF -- "$2" "$1"; then
        echo "there is a '$2' in $1"
        return 1
    fi
}

# A failure is one line on stderr, begins with "lsnn: ", and leaves stdout empty.
one_error_line() {
    [ "$(wc -l <err)" = 1 ] && says err 'lsnn: ' && [ ! -s out ]
}
