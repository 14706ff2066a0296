# What is said about the tool, and about a command line that it does not understand.

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR" || return
}

@test "help begins with an example and names every command and exit code" {
    check 0 help
    [ ! -s err ]
    says out 'lsnn train digits'
    for command in list train eval show probe plot data bench help version; do
        grep -q "^  $command " out
    done
    for code in 0 2 3 4 5 6 7 8 9 130; do
        grep -Eq "^  $code +[a-z]" out
    done
    lacks out document
    [ "$(wc -L <out)" -le 110 ]
}

@test "help of a command three ways, each with its flags" {
    check 0 help train
    cp out first
    check 0 train --help
    cmp first out
    check 0 --help train
    cmp first out
    for flag in --set --seed --threads --out --data --resume --json --quiet; do
        says out "$flag"
    done
}

@test "every command has help with an example" {
    for command in list train eval show probe plot data bench help; do
        check 0 help "$command"
        says out "  lsnn $command"
    done
}

@test "without a command: help on stderr, exit code 2" {
    check 2
    [ ! -s out ]
    says err 'lsnn train digits'
}

@test "version" {
    check 0 version
    [[ $(cat out) =~ ^lsnn\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    cp out first
    check 0 --version
    cmp first out
}

@test "an unknown command is answered with the nearest" {
    check 2 trian digits
    one_error_line
    says err "'trian'"
    says err 'nearest is train'
    check 2 help plto
    says err 'nearest is plot'
}

@test "an unknown flag is answered with the nearest" {
    check 2 train digits --thread 2
    one_error_line
    says err "'--thread'"
    says err 'nearest is --threads'
    check 2 eval somewhere --splitt=test
    says err "'--splitt'"
    says err 'nearest is --split'
    check 2 train digits -x
    one_error_line
    check 2 --unknown
    one_error_line
}

@test "an unknown setting, and an unknown experiment, are answered with the nearest" {
    check 3 train digits --set net.bta=1
    one_error_line
    says err 'net.beta'
    check 3 show digist
    one_error_line
    says err 'digits'
    check 3 train digits --set net.beta
    one_error_line
    [ ! -e runs ]
}

@test "numbers are checked" {
    for bad in '' 1025 -1 1.5 two 0x10 99999999999999999999; do
        check 2 train digits "--threads=$bad"
        one_error_line
    done
    check 2 train digits --seed 4611686018427387905
    one_error_line
    check 0 show digits --set seed=4611686018427387904
}

@test "flags need their values, switches take none, and operands are counted" {
    check 2 train digits --set
    one_error_line
    check 2 train digits --out --json
    one_error_line
    says err '--out needs'
    check 2 train digits --json=yes
    one_error_line
    check 2 train
    one_error_line
    check 2 train digits smnist
    one_error_line
    says err "'smnist'"
    check 2 probe somewhere
    one_error_line
    says err '--out'
    check 2 eval somewhere --split half
    one_error_line
    says err 'train|valid|test'
    check 2 data fetch mnist
    one_error_line
    check 2 data get
    one_error_line
    check 2 data get no-such-data
    one_error_line
    check 2 plot somewhere --out figure.gif
    one_error_line
}

@test "flags stand anywhere, with a blank or with =, and -- ends them" {
    check 0 show digits --set net.beta=1.5 --set=seed=7
    cp out first
    check 0 --set=net.beta=1.5 --set seed=7 show digits
    cmp first out
    check 0 show --set net.beta=1.5 --set seed=7 -- digits
    cmp first out
    check 2 show digits -- --json
    says err "'--json'"
}

@test "a full disk and a closed pipe are failures" {
    [ -e /dev/full ] || skip 'no /dev/full'
    for words in help version list 'show digits' 'list --json'; do
        code=0
        # shellcheck disable=SC2086 # several words
        "$LSNN" $words >/dev/full 2>err || code=$?
        [ "$code" = 5 ]
        says err 'lsnn: '
    done
    code=0
    "$LSNN" help >&- 2>err || code=$?
    [ "$code" = 5 ]
    mkfifo pipe
    (exec 3<pipe; sleep 0.1) & # opens it and goes away without reading
    code=0
    (sleep 0.5; exec "$LSNN" help) >pipe 2>err || code=$?
    [ "$code" = 5 ]
    says err 'lsnn: '
}

@test "colours on a terminal only, and not with NO_COLOR" {
    command -v script >/dev/null || skip 'no script(1)'
    escape=$(printf '\033')
    TERM=xterm script -qec "'$LSNN' help" /dev/null </dev/null >coloured
    says coloured "${escape}["
    TERM=xterm NO_COLOR=1 script -qec "'$LSNN' help" /dev/null </dev/null >plain
    lacks plain "$escape"
    check 0 help
    lacks out "$escape"
}

@test "the man pages render without a warning" {
    command -v man >/dev/null || skip 'no man'
    check 0 document man pages
    [ ! -s out ]
    for command in '' -list -train -eval -show -probe -plot -data -bench -help -version; do
        LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings=w -l "pages/lsnn$command.1" >page 2>warnings
        [ ! -s warnings ]
        [ "$(wc -l <page)" -gt 10 ]
    done
    LC_ALL=C.UTF-8 MANWIDTH=80 man -l pages/lsnn-train.1 | col -b >page
    says page '--resume'
    says page '--set KEY=VALUE'
    check 5 document man /dev/null/pages
    one_error_line
}

@test "the bash completion knows commands, flags, words, experiments and settings" {
    check 0 document completion
    PATH=$(dirname "$LSNN"):$PATH bash -u -c '
        source ./out
        complete_words() { # LAST WORD is being typed
            COMP_WORDS=(lsnn "$@") COMP_CWORD=$# COMPREPLY=()
            COMP_WORDS[0]=$0
            _lsnn
            printf "%s " "${COMPREPLY[@]}"
            echo
        }
        complete_words tr
        complete_words train digits --re
        complete_words eval run --split te
        complete_words eval run --split = v
        complete_words train dig
        complete_words show digits --set net.bet
        complete_words data g
        complete_words reproduce navi
        complete -p lsnn' "$LSNN" >found
    diff - found <<'END'
train 
--resume 
test 
valid 
digits 
net.beta= 
get 
navigation 
complete -F _lsnn lsnn
END
}

@test "the table of settings has every setting of every task once" {
    check 0 document settings
    [ "$(grep -c '^| net.beta |' out)" = 1 ]
    grep -q '^| net.beta | 1.8 |.*| all |$' out
    grep -q '^| train.iterations | [0-9]* |.*| iterations |.*| all |$' out
    grep -q '^| arrays.inputs |.*| arrays |$' out
    awk -F'|' '{print $2}' out | sort | uniq -d >twice
    [ ! -s twice ]
}
