# Bad input of every kind: each gives one clear line and its exit code, within seconds, and no file suffers.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a shell of its own; helper.bash sets LSNN and tiny

tiny_pixels=(--set train.iterations=2 --set train.batch=8 --set net.n_lif=5 --set net.n_adaptive=5 --set image.n_valid=5 --threads 1)
tiny_recall=(--set train.iterations=4 --set train.batch=4 --set train.checkpoint_every=2 --set train.test_batches=1
    --set train.valid_batches=1 --set store-recall.n_symbols=3 --set store-recall.symbol_ms=20 --threads 1)

setup_file() {
    load helper
    train_tiny || return
    files mnist data/mnist
    "$LSNN" train smnist "${tiny_pixels[@]}" --data data --out pixels --quiet >log 2>&1 || return
    "$LSNN" train store-recall "${tiny_recall[@]}" --out recall --quiet >log 2>&1 || return
    "$LSNN" probe trained --out probe.safetensors >log 2>&1
}

setup() {
    load helper
    # A sanitizer shall answer a huge request as malloc does, and a tool that is built with one takes its time.
    export ASAN_OPTIONS=${ASAN_OPTIONS-}:allocator_may_return_null=1
    echo 'leak:libfontconfig' >"$BATS_FILE_TMPDIR/suppressions" # what it keeps until the end
    export LSAN_OPTIONS=suppressions=$BATS_FILE_TMPDIR/suppressions:print_suppressions=0
    made=$BATS_FILE_TMPDIR
    cd "$BATS_TEST_TMPDIR" || return
}

# files COMMAND...: makes or damages a file, see files.py.
files() {
    python3 "$BATS_TEST_DIRNAME/files.py" "$@"
}

# Every file and folder below the current one, with checksums, but for the tool's own output and the empty lock of a run.
inventory() {
    local own=(-mindepth 1 ! -path ./out ! -path ./err ! -path ./before ! -path ./after ! -name lock)
    { find . "${own[@]}" -type f -exec sha256sum -- {} + 2>&1; find . "${own[@]}" ! -type f; } | LC_ALL=C sort
}

# refused CODE TEXT WORD...: the tool, called with these words, ends with this exit code and one line that holds the text, says nothing
# on stdout, is quick, and leaves every file and folder as it was. The array `front` may hold a command to run it by.
front=()
refused() {
    local expected=$1 text=$2 found=0
    shift 2
    inventory >before
    timeout -k 1 "${LSNN_TEST_SECONDS:-10}" "${front[@]}" "$LSNN" "$@" >out 2>err </dev/null || found=$?
    inventory >after
    [ -z "${SHOW_ERRORS-}" ] || sed "s/^/$found  /" err >>"$SHOW_ERRORS" # to read all messages at once
    if [ "$found" != "$expected" ]; then
        echo "lsnn $*: exit code $found, not $expected"
        cat out err
        return 1
    fi
    if [ "$(wc -l <err)" != 1 ] || [[ $(<err) != 'lsnn: '* ]] || [ -s out ]; then
        echo "lsnn $*: not one line of failure"
        cat out err
        return 1
    fi
    says err "$text" || return
    cmp -s before after || {
        echo "lsnn $*: files have changed:"
        diff before after | cut -c 1-200 | head -n 10
        return 1
    }
}

# ---------------------------------------------------------------------------------------------------------------- MNIST --

copy_mnist() {
    cp -r "$made/data" data
    images=data/mnist/train-images-idx3-ubyte
    labels=data/mnist/train-labels-idx1-ubyte
}

# refused_mnist CODE TEXT: training on ./data, and evaluating a network that was trained on better data.
refused_mnist() {
    refused "$1" "$2" train smnist "${tiny_pixels[@]}" --data data --out run
    refused "$1" "$2" eval "$made/pixels" --data data
}

@test "mnist: no files" {
    refused_mnist 5 'lsnn data get mnist'
}

@test "mnist: one file is missing" {
    copy_mnist
    rm $labels.gz
    refused_mnist 5 'train-labels-idx1-ubyte'
}

@test "mnist: compressed images, cut short" {
    copy_mnist
    files cut $images.gz 9000
    refused_mnist 4 "$images.gz: the gzip data are cut short"
}

@test "mnist: compressed images, cut within the gzip header" {
    copy_mnist
    files cut $images.gz 5
    refused_mnist 4 "$images.gz"
}

@test "mnist: compressed images, a bit flipped at five places" {
    for place in 0.1 0.3 0.6 0.9 -5; do # the last: in the checksum of gzip
        copy_mnist
        files flip $images.gz $place
        refused_mnist 4 "$images.gz"
        rm -r data
    done
}

@test "mnist: compressed images, followed by something else" {
    copy_mnist
    echo more >>$images.gz
    refused_mnist 4 "$images.gz"
}

@test "mnist: a test set that is cut short" {
    copy_mnist
    files cut data/mnist/t10k-images-idx3-ubyte 15000
    refused_mnist 4 't10k-images-idx3-ubyte: holds 14984 bytes of data, its shape needs 15680'
}

@test "mnist: images with a byte too many" {
    copy_mnist
    files ungzip $images.gz
    printf x >>$images
    refused_mnist 4 "$images"
}

@test "mnist: a bit flipped in each byte of the header" {
    copy_mnist
    files ungzip $images.gz
    cp $images whole
    for place in 0 1 2 3 4 5 6 7 11 15; do
        cp whole $images
        files flip $images $place
        refused 4 "$images" eval "$made/pixels" --data data
    done
}

@test "mnist: an empty file, one of three bytes, and a header alone" {
    copy_mnist
    files ungzip $images.gz
    for n in 0 3 16; do
        files cut $images $n
        refused_mnist 4 "$images"
    done
}

@test "mnist: labels where images should be" {
    copy_mnist
    cp $labels.gz $images.gz
    refused_mnist 4 'magic number'
}

@test "mnist: images of another size" {
    copy_mnist
    rm $images.gz
    files idx $images 20 27 28
    refused_mnist 4 '27 x 28'
}

@test "mnist: more images than labels" {
    copy_mnist
    rm $labels.gz
    files idx $labels 19
    refused_mnist 4 '19 labels'
}

@test "mnist: a label that is no digit" {
    copy_mnist
    files ungzip $labels.gz
    printf '\012' | dd of=$labels bs=1 seek=13 conv=notrunc status=none
    refused_mnist 4 "$labels: label 5 is 10"
}

@test "mnist: folders where the files should be" {
    copy_mnist
    rm $images.gz
    mkdir $images $images.gz
    refused_mnist 5 'train-images-idx3-ubyte'
}

@test "mnist: fewer images than the validation takes" {
    copy_mnist
    refused 3 'image.n_valid is 20' train smnist "${tiny_pixels[@]}" --set image.n_valid=20 --data data --out run
}

@test "mnist: a download from nowhere, and to where it can't go" {
    export LSNN_DATA_URL=http://127.0.0.1:9
    check 8 data get mnist --data data # which says first what it is about to download
    [ ! -s out ]
    [ "$(grep -c '^lsnn: ' err)" = 1 ]
    says err 'train-labels-idx1-ubyte.gz'
    says err 'by hand into data/mnist'
    touch file
    refused 5 'file/data' data get mnist --data file/data
}

# -------------------------------------------------------------------------------------------------- models and probes --

# refused_model CODE TEXT FILE: nothing takes it.
refused_model() {
    refused "$1" "$2" eval "$3"
    refused "$1" "$2" probe "$3" --out new.safetensors
    refused "$1" "$2" plot "$3" --out figure.svg
}

copy_model() {
    cp "$made/trained/best.safetensors" model.safetensors
}

@test "model: cut short at five places" {
    for n in 0 4 8 1000 -1; do
        copy_model
        files cut model.safetensors $n
        refused_model 4 model.safetensors model.safetensors
    done
}

@test "model: a bit flipped at a hundred places" {
    copy_model
    files flips model.safetensors 100
    for path in *.flipped; do
        code=0
        timeout 10 "$LSNN" eval "$path" >out 2>err </dev/null || code=$?
        [ "$code" = 4 ]
        says err "lsnn: $path: "
        [ ! -s out ]
    done
}

@test "model: a header that is longer than the file, or than the memory" {
    for n in '\377\377\0\0\0\0\0\0' '\377\377\377\377\377\377\377\177' '\377\377\377\377\377\377\377\377'; do
        copy_model
        # shellcheck disable=SC2059 # bytes
        printf "$n" | dd of=model.safetensors conv=notrunc status=none
        refused_model 4 model.safetensors model.safetensors
    done
}

@test "model: other files" {
    echo 'a text' >text.safetensors
    head -c 5000 /dev/urandom >noise.safetensors
    cp "$made/trained/settings.yaml" yaml.safetensors
    head -c 3000 /dev/zero >zeros.safetensors
    for name in text noise yaml zeros; do
        refused_model 4 $name.safetensors $name.safetensors
    done
}

@test "model: a folder, nothing, and a path below a file" {
    mkdir folder.safetensors folder
    touch file
    for path in folder.safetensors folder ./nothing file/model.safetensors; do
        refused 5 "$path" eval "$path"
        refused 5 "$path" probe "$path" --out new.safetensors
        refused 5 "$path" plot "$path" --out figure.svg
        refused 5 "$path" show "$path/"
    done
}

@test "model: an unknown model is no crash, however long its name" {
    refused 5 'nosuch' eval nosuch
    refused 5 'lsnn: ' eval "$(head -c 5000 /dev/zero | tr '\0' x)"
    refused 5 'lsnn: ' eval "/$(head -c 100000 /dev/zero | tr '\0' x)"
}

@test "model: a name with a line break is still one line" {
    refused 5 'two' eval $'two\nlines'
    refused 3 'two' train $'two\nlines'
    refused 2 'two' $'two\nlines'
    refused 3 'two' train digits --set $'two\nlines=1'
}

@test "model: weights that are not a number" {
    for value in nan inf; do
        copy_model
        files number model.safetensors w_rec.value 7 $value
        refused_model 4 'w_rec' model.safetensors
    done
    copy_model
    files number model.safetensors b_out 0 nan
    refused_model 4 'b_out' model.safetensors
    copy_model
    files number model.safetensors tau_m 3 nan
    refused_model 4 'tau_m' model.safetensors
}

@test "model: connections that lead nowhere" {
    copy_model
    files number model.safetensors w_in.receiver 5 16
    refused_model 4 'w_in' model.safetensors
    copy_model
    files number model.safetensors w_rec.delay 5 200
    refused_model 4 'w_rec' model.safetensors
    copy_model
    files number model.safetensors sign_in 0 9
    refused_model 4 'model.safetensors' model.safetensors
}

@test "model: arrays of other shapes and types" {
    copy_model
    files edit model.safetensors 'tau_m/shape=[4,4]'
    refused_model 4 "'tau_m'" model.safetensors
    copy_model
    files edit model.safetensors 'w_out.value/dtype="I32"'
    refused_model 4 "'w_out.value'" model.safetensors
    copy_model
    files edit model.safetensors 'w_out.value/dtype="F99"'
    refused_model 4 'w_out.value' model.safetensors
    copy_model
    files edit model.safetensors 'beta='
    refused_model 4 'model.safetensors' model.safetensors
}

@test "model: arrays that lie outside of the file" {
    for change in 'tau_m/data_offsets=[0,99999999]' 'tau_m/data_offsets=[-64,0]' 'tau_m/shape=[4611686018427387904,4]' 'tau_m/shape=[-16]' \
        'tau_m/shape=[1e3]' 'tau_m/data_offsets=[64]' 'tau_m/shape=[1,1,1,1,1,1,1,1,16]' 'tau_m=7'; do
        copy_model
        files edit model.safetensors "$change"
        refused_model 4 'tau_m' model.safetensors
    done
}

@test "model: a description of the network that can't be" {
    while read -r key value; do
        copy_model
        files network model.safetensors "$key" "$value"
        refused_model 4 'model.safetensors' model.safetensors
    done <<'END'
n_in 0
n_in -1
n_in 35
n_lif 9
n_lif 99999999999999999999
n_adaptive 65535
n_delay 0
n_delay 60000
n_ref 65535
dt 0
dt -1
v_th 1e39
gamma "a text"
bias 1
input "chocolate"
normalise ""
END
}

@test "model: a network that does not fit its task" {
    copy_model
    files settings model.safetensors 'n_thresholds: .*' 'n_thresholds: 5'
    refused_model 4 'the task digits 10 and 10' model.safetensors
    copy_model
    files settings model.safetensors '^net:' 'nett:'
    refused_model 3 'model.safetensors:5: nett' model.safetensors
    copy_model
    files edit model.safetensors '__metadata__/settings='
    refused_model 4 'settings' model.safetensors
    copy_model
    files edit model.safetensors '__metadata__/network='
    refused_model 4 'network' model.safetensors
}

@test "model: a run folder with the model of another task" {
    cp -r "$made/trained" run
    cp "$made/recall/best.safetensors" run/
    refused_model 4 'best.safetensors' run
    rm run/best.safetensors
    refused_model 5 'best.safetensors' run
}

@test "probe: damaged in ten ways" {
    for n in 0 7 100 -1; do
        cp "$made/probe.safetensors" .
        files cut probe.safetensors $n
        refused 4 'probe.safetensors' plot probe.safetensors --out figure.svg
    done
    for place in 3 500 0.4 0.8 -1; do
        cp "$made/probe.safetensors" .
        files flip probe.safetensors $place
        refused 4 'probe.safetensors' plot probe.safetensors --out figure.svg
    done
    head -c 9999 /dev/urandom >probe.safetensors
    refused 4 'probe.safetensors' plot probe.safetensors --out figure.svg
}

@test "probe: content that does not fit together" {
    while IFS='|' read -r text command; do
        cp "$made/probe.safetensors" .
        eval "files $command"
        refused 4 "$text" plot probe.safetensors --out figure.pdf
    done <<'END'
window|number probe.safetensors window_start 0 -5
window|number probe.safetensors window_stop 0 2000000000
class|number probe.safetensors class 0 10
'v'|edit probe.safetensors 'v/shape=[16,144]'
'z'|edit probe.safetensors 'z/dtype="I8"'
probe.safetensors: tensor|edit probe.safetensors 'threshold='
dt|edit probe.safetensors '__metadata__/dt="fast"'
input_kind|edit probe.safetensors '__metadata__/input_kind="noodles"'
END
}

@test "probe: numbers that are not finite are no crash" {
    cp "$made/probe.safetensors" .
    for name in y v threshold b output; do
        files number probe.safetensors $name 3 nan
        files number probe.safetensors $name 4 inf
        files number probe.safetensors $name 5 -3e38
    done
    for ending in svg png pdf; do
        timeout 10 "$LSNN" plot probe.safetensors --out figure.$ending >out 2>err || one_error_line
    done
}

@test "probe: a sample that is not there, or negative" {
    refused 2 'sample 99999; ' probe "$made/trained" --sample 99999 --out new.safetensors
    refused 2 '--sample' probe "$made/trained" --sample -1 --out new.safetensors
    refused 2 '--sample' probe "$made/trained" --sample 99999999999999999999 --out new.safetensors
}

@test "plot: a probe's sample was chosen when it was made" {
    for choice in '--set net.beta=0' '--split valid' '--sample 2'; do
        # shellcheck disable=SC2086 # two words
        refused 4 'probe.safetensors has no network' plot "$made/probe.safetensors" $choice --out figure.svg
    done
}

@test "probe and plot: a result that can't be written" {
    touch file
    mkdir folder.svg folder.safetensors
    for out in file/new nowhere/new /proc/new; do
        refused 5 "$out" probe "$made/trained" --out $out.safetensors
        refused 5 "$out" plot "$made/trained" --out $out.svg
        refused 5 "$out" plot "$made/probe.safetensors" --out $out.png
    done
    refused 5 'folder' probe "$made/trained" --out folder.safetensors
    refused 5 'folder' plot "$made/probe.safetensors" --out folder.svg
}

# -------------------------------------------------------------------------------------------------------------- metrics --

@test "metrics: damaged in many ways" {
    while read -r line; do
        printf '{"iteration": 1, "loss": 1}\n%b\n{"iteration": 3, "loss": 1}\n' "$line" >metrics.jsonl
        refused 4 'metrics.jsonl: line 2' plot metrics.jsonl --out figure.svg
    done <<'END'
nonsense
{"iteration": 2, "loss":
{"iteration": "two", "loss": 1}
{"iteration": 2, "loss": [1]}
{"iteration": 2, "loss": 1}}
[1, 2, 3]
7
\x00\x01\x02\xff\xfe
{"iteration": 1e400}
END
}

@test "metrics: empty, binary, cut, deep, a folder, nothing" {
    : >empty.jsonl
    head -c 5000 /dev/urandom >noise.jsonl
    head -c 50 "$made/trained/metrics.jsonl" >cut.jsonl
    head -c 100000 /dev/zero | tr '\0' '[' >deep.jsonl
    echo '{"iteration": 1}' >bare.jsonl
    for name in empty noise cut deep bare; do
        refused 4 "$name.jsonl" plot $name.jsonl --out figure.svg
    done
    mkdir folder.jsonl
    refused 5 'folder.jsonl' plot folder.jsonl --out figure.svg
    refused 5 'nothing.jsonl' plot nothing.jsonl --out figure.svg
    refused 5 'metrics.jsonl' plot folder.jsonl --curves --out figure.svg
}

# ---------------------------------------------------------------------------------------------------------- experiments --

# refused_yaml CODE TEXT: own.yaml is neither shown nor trained.
refused_yaml() {
    refused "$1" "$2" show own.yaml
    refused "$1" "$2" train own.yaml --out run
}

@test "experiment: unknown ones, with the nearest" {
    refused 3 'digits' train digist
    refused 3 'store-recall' train store-recal
    refused 3 "'lsnn list'" train 'something entirely different'
    refused 3 'lsnn: ' train ''
    refused 5 'nothing.yaml' train nothing.yaml
    refused 5 './digits' train ./digits
}

@test "experiment: unknown keys, with the nearest" {
    printf 'name: own\ntask: digits\nnet:\n  tau_mm: 20\n' >own.yaml
    refused_yaml 3 'did you mean net.tau_m?'
    says err 'own.yaml:4: '
    printf 'name: own\ntask: digits\nnett:\n  tau_m: 20\n' >own.yaml
    refused_yaml 3 'own.yaml:3: '
    printf 'name: own\ntask: digit\n' >own.yaml
    refused_yaml 3 'digits'
    refused 3 'did you mean train.iterations?' train digits --set train.iteration=5
    refused 3 'did you mean train.iterations?' train digits --set iterations=5
}

@test "experiment: a key of another task" {
    printf 'name: own\ntask: digits\nstore-recall:\n  rate: 20\n' >own.yaml
    refused_yaml 3 'store-recall.rate'
    refused 3 'arrays.file' train digits --set arrays.file=x
}

@test "experiment: without a task, a key twice, two documents" {
    printf 'name: own\nnet:\n  tau_m: 20\n' >own.yaml
    refused_yaml 3 'task'
    printf 'name: own\ntask: digits\nnet:\n  tau_m: 20\n  tau_m: 20\n' >own.yaml
    refused_yaml 4 'own.yaml:5: tau_m: given twice'
    printf 'name: own\ntask: digits\n---\ntask: digits\n' >own.yaml
    refused_yaml 4 'second'
}

@test "experiment: not YAML, or not settings" {
    while read -r text; do
        printf '%b' "$text" >own.yaml
        refused_yaml 4 'own.yaml'
    done <<'END'

just a text
- task: digits
task: digits\nnet: {n_lif: 5
task: digits\n\tnet: 5
task: "digits
task: digits\n[]: {}
task: digits\n? [net, digits]\n: {a: b}
\x00\x01\x02\x03
\xff\xfe\x41\x00
task: !!binary digits
%YAML 9.9
END
    refused_yaml 4 'own.yaml'
    head -c 4000 /dev/urandom >own.yaml
    refused_yaml 4 'own.yaml'
    rm own.yaml
    mkdir own.yaml
    refused_yaml 5 'own.yaml'
}

@test "experiment: YAML bombs" {
    {
        echo 'task: digits'
        echo 'a0: &a0 [x, x, x, x, x, x, x, x, x]'
        for i in $(seq 12); do
            echo "a$i: &a$i [*a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1))]"
        done
    } >own.yaml
    refused_yaml 4 'own.yaml:2: '
    { echo 'task: digits'; printf 'net: '; head -c 50000 /dev/zero | tr '\0' '['; } >own.yaml
    refused_yaml 4 'own.yaml:2: '
    { echo 'task: digits'; printf 'net: '; head -c 50000 /dev/zero | tr '\0' '{'; } >own.yaml
    refused_yaml 4 'own.yaml:2: '
    { echo 'task: digits'; head -c 30000000 /dev/zero | tr '\0' '#'; } >own.yaml
    refused_yaml 4 'own.yaml'
    { echo 'task: digits'; echo 'net:'; seq -f '  k%g: 1' 20000; } >own.yaml
    refused_yaml 3 'own.yaml:3: '
    printf 'task: digits\nnet: &n\n  tau_m: *n\n' >own.yaml
    refused_yaml 4 'own.yaml:2: '
}

@test "experiment: values that are no numbers" {
    for value in twenty 0x14 nan .nan inf '' '1,5' '1 2' '--1' '[1, 2]' '20ms' 1e 1e999 -1e999 "$(head -c 60000 /dev/zero | tr '\0' 9)"; do
        refused 3 'net.v_th' train digits --set "net.v_th=$value" --out run
    done
    for value in 1.5 1e3 99999999999999999999999 -99999999999999999999999 -1 0x10 '' ; do
        refused 3 'train.batch' train digits --set "train.batch=$value" --out run
    done
}

@test "experiment: numbers out of their range" {
    while IFS="=" read -r key value; do
        refused 3 "$key" train digits --set "$key=$value" --out run
    done <<'END'
seed=-1
seed=4611686018427387905
net.n_lif=-1
net.n_lif=60001
net.dt=0
net.dt=-1
net.tau_m=0
net.tau_m=20..10
net.tau_m=-5..10
net.tau_m=[1, 2]
net.tau_a=[
net.tau_a=[,]
net.beta=[nan]
net.beta=1..
net.v_th=0
net.v_th=1e-46
net.n_delay=0
net.n_delay=257
net.n_ref=-1
net.connectivity=0
net.connectivity=1.1
net.excitatory=2
net.bias=maybe
net.normalise=none
train.iterations=-1
train.iterations=1000000001
train.batch=0
train.lr=0
train.lr=11
train.beta1=1
train.lr_schedule=linear
train.valid_every=0
image.n_thresholds=1
image.cue_ms=0
END
}

@test "experiment: values at odds with one another" {
    refused 3 'net.n_lif' train digits --set net.n_lif=0 --set net.n_adaptive=0 --out run
    refused 3 'image.readout_ms' train digits --set image.readout_ms=100 --out run
    refused 3 'image.n_valid' train digits --set image.n_valid=1600 --set image.n_test=300 --out run
    refused 3 'task' train digits --set task=smnist --out run
}

@test "experiment: more steps than can be counted" {
    while IFS= read -r words; do
        # shellcheck disable=SC2086 # several words
        refused 3 'steps' train $words --set train.batch=1 --set net.n_lif=1 --set net.n_adaptive=0 --threads 1 --out run
    done <<'END'
digits --set net.dt=1e-9
digits --set net.dt=1.490116e-6 --set image.pixel_ms=100 --set image.cue_ms=1 --set image.readout_ms=1
store-recall --set net.dt=1e-9
store-recall --set net.dt=1e-30
END
}

@test "experiment: assignments that are none" {
    for text in 'net.v_th' '=' '=5' 'net.v_th 5' '' '.=1' 'net.=1' '.v_th=1' 'net=1' $'net.v_th\t=x'; do
        refused 3 'lsnn: ' train digits --set "$text" --out run
    done
}

# --------------------------------------------------------------------------------------------------------------- arrays --

# Good arrays: 12 samples of 6 steps of 2 inputs.
make_arrays() {
    files npy inputs.npy '<f4' 12x6x2 0 1 1 0 1
    files npy targets.npy '<i4' 12 0 1 2
    printf 'name: own\ntask: arrays\narrays:\n  inputs: inputs.npy\n  targets: targets.npy\n' >own.yaml
    arrays=(--set net.n_lif=4 --set net.n_adaptive=4 --set train.batch=4 --set train.iterations=3 --threads 1)
}

refused_arrays() {
    local code=$1 text=$2
    shift 2
    refused "$code" "$text" train own.yaml "${arrays[@]}" "$@" --out run
}

@test "arrays: what is refused below is taken as it is" {
    make_arrays
    check 0 train own.yaml "${arrays[@]}" --out run
    check 0 train own.yaml "${arrays[@]}" --set arrays.input=currents --out run2
}

@test "arrays: inputs that are not finite, or no spikes" {
    make_arrays
    for value in nan inf -inf; do
        files npy inputs.npy '<f4' 12x6x2 0 1 0 0 0 0 0 $value 0
        refused_arrays 4 'inputs.npy: number [0, 3, 1] is' --set arrays.input=currents
        refused_arrays 4 'inputs.npy: number [0, 3, 1] is'
    done
    files npy inputs.npy '<f8' 12x6x2 1e39
    refused_arrays 4 'inputs.npy' --set arrays.input=currents
    files npy inputs.npy '<f4' 12x6x2 0.5
    refused_arrays 4 'inputs.npy'
}

@test "arrays: as many targets as samples" {
    make_arrays
    for shape in 11 13 12x6 12x1 1; do
        files npy targets.npy '<i4' $shape 0 1
        refused_arrays 4 'targets.npy: has the shape'
    done
    files npy targets.npy '<f4' 12x5x3 0 1
    refused_arrays 4 'targets.npy: has the shape' --set arrays.kind=values
    files npy targets.npy '<i4' 12x7 0 1
    refused_arrays 4 'targets.npy: has the shape' --set arrays.kind=class-per-step
}

@test "arrays: inputs of another shape" {
    make_arrays
    for shape in 12 12x6 12x6x2x1 0x6x2 12x0x2 12x6x0 2x6x2 1x1x1x1x1x1x1x1x1; do
        files npy inputs.npy '<f4' $shape 0
        refused_arrays 4 'inputs.npy'
    done
}

@test "arrays: classes that can't be" {
    make_arrays
    files npy targets.npy '<i4' 12 0 -1
    refused_arrays 4 'targets.npy: number [1] is -1'
    files npy targets.npy '<f4' 12 0 1.5
    refused_arrays 4 'targets.npy'
    files npy targets.npy '<f4' 12 nan
    refused_arrays 4 'targets.npy'
    files npy targets.npy '<i8' 12 0 4000000000
    refused_arrays 4 'targets.npy'
    files npy targets.npy '<i4' 12 0 1 2
    refused_arrays 4 'targets.npy' --set arrays.n_classes=2
    files npy targets.npy '<i4' 12 0
    refused_arrays 4 'targets.npy'
}

@test "arrays: values that are all left out" {
    make_arrays
    files npy targets.npy '<f4' 12x1 nan
    refused_arrays 4 'targets.npy' --set arrays.kind=values
    files npy targets.npy '<f4' 12x1 inf
    refused_arrays 4 'targets.npy' --set arrays.kind=values
}

@test "arrays: damaged files" {
    make_arrays
    cp inputs.npy whole
    for n in 0 5 9 60 130 -1; do
        cp whole inputs.npy
        files cut inputs.npy $n
        refused_arrays 4 'inputs.npy'
    done
    for place in 0 6 8 20 40; do
        cp whole inputs.npy
        files flip inputs.npy $place
        refused_arrays 4 'inputs.npy'
    done
    head -c 5000 /dev/urandom >inputs.npy
    refused_arrays 4 'inputs.npy'
    for header in "'<c8', 'fortran_order': False, 'shape': (12, 6, 2)" "'<f4', 'fortran_order': True, 'shape': (12, 6, 2)" \
        "'>f4', 'fortran_order': False, 'shape': (12, 6, 2)" "'<f4', 'fortran_order': False, 'shape': (99999999999999999999, 6)" \
        "'<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4, 2)" "'<f4', 'fortran_order': False, 'shape': (-1, 6, 2)"; do
        { printf '\223NUMPY\1\0\200\0'; printf '%-127s\n' "{'descr': $header, }"; head -c 576 /dev/zero; } >inputs.npy
        refused_arrays 4 'inputs.npy'
    done
}

@test "arrays: files that are not there, folders, and names that are not in them" {
    make_arrays
    refused_arrays 5 'nothing.npy' --set arrays.inputs=nothing.npy
    mkdir folder.npy
    refused_arrays 5 'folder.npy' --set arrays.inputs=folder.npy
    refused_arrays 5 'nothing.safetensors' --set arrays.file=nothing.safetensors --set arrays.inputs=inputs
    refused_arrays 3 'arrays.file' --set arrays.inputs=inputs
    refused_arrays 3 'arrays.inputs' --set arrays.inputs=
    cp "$made/probe.safetensors" .
    refused_arrays 4 "'inputs'" --set arrays.file=probe.safetensors --set arrays.inputs=inputs
}

@test "arrays: settings that do not fit the data" {
    make_arrays
    refused_arrays 3 'arrays.readout_ms' --set arrays.readout_ms=7
    refused_arrays 3 'arrays.valid_fraction' --set arrays.valid_fraction=0.6 --set arrays.test_fraction=0.6
    refused_arrays 3 'arrays.n_classes' --set arrays.n_classes=1
}

@test "arrays: lengths that can't be" {
    make_arrays
    files npy lengths.npy '<i4' 12 1 6 3
    check 0 train own.yaml "${arrays[@]}" --set arrays.lengths=lengths.npy --out good
    for value in 0 7 -1; do
        files npy lengths.npy '<i4' 12 6 $value
        refused_arrays 4 "lengths.npy: number [1] is $value; it must be a whole number 1..6" --set arrays.lengths=lengths.npy
    done
    for value in 1.5 nan inf; do
        files npy lengths.npy '<f4' 12 6 $value
        refused_arrays 4 'lengths.npy: number [1] is' --set arrays.lengths=lengths.npy
    done
    for shape in 11 12x1 12x6; do
        files npy lengths.npy '<i4' $shape 6
        refused_arrays 4 'lengths.npy: has the shape' --set arrays.lengths=lengths.npy
    done
    files npy lengths.npy '<i4' 12 6
    refused_arrays 3 'arrays.readout_ms' --set arrays.lengths=lengths.npy --set arrays.readout_ms=3
    refused_arrays 3 'train.carry_state' --set arrays.lengths=lengths.npy --set train.carry_state=true
    refused_arrays 5 'nothing.npy' --set arrays.lengths=nothing.npy
    refused_arrays 3 'train.length_group' --set train.length_group=0
}

@test "networks in both directions where there are none" {
    refused 3 'net.bidirectional: a setting of the tasks' train l2l-teacher --set net.bidirectional=true
    refused 3 'net.bidirectional: a setting of the tasks' train navigation --set net.bidirectional=true
    refused 3 'train.carry_state and net.bidirectional' train store-recall --set net.bidirectional=true
}

@test "arrays: data that were exchanged under a trained network" {
    make_arrays
    check 0 train own.yaml "${arrays[@]}" --out run
    files npy inputs.npy '<f4' 12x6x3 0 1
    refused 4 '2 inputs' eval run
    files npy inputs.npy '<f4' 12x6x2 0 1
    files npy targets.npy '<i4' 12 0 1 2 3
    refused 4 '3 outputs' eval run
}

# ------------------------------------------------------------------------------------------------------------- training --

@test "training: a loss that is not finite" {
    make_arrays
    files npy targets.npy '<f4' 12x1 3e38 -3e38
    code=0
    "$LSNN" train own.yaml "${arrays[@]}" --set arrays.kind=values --quiet --out run >out 2>err || code=$?
    [ "$code" = 6 ]
    one_error_line
    says err 'iteration 1: '
    says err 'inputs and targets' # no learning rate was used yet
    code=0
    "$LSNN" train own.yaml "${arrays[@]}" --set arrays.kind=values --quiet --out run --resume >out 2>err || code=$?
    [ "$code" = 6 ]
    says err 'run has no checkpoint yet'
    says err 'iteration 1: '
}

@test "training: a run that diverges keeps what it had" {
    make_arrays
    files npy inputs.npy '<f4' 12x6x2 3e38
    code=0
    "$LSNN" train own.yaml "${arrays[@]}" --set arrays.input=currents --set net.r_m=1e6 --set train.lr=10 --quiet --out run >out 2>err ||
        code=$?
    [ "$code" = 6 ]
    one_error_line
    says err 'iteration '
}

# ----------------------------------------------------------------------------------------------------------- run folders --

# A run that is not finished, with two checkpoints.
copy_unfinished() {
    cp -r "$made/recall" run
    rm run/result.json run/last.safetensors
}

refused_resume() {
    local code=$1 text=$2
    shift 2
    refused "$code" "$text" train store-recall "${tiny_recall[@]}" "$@" --out run --resume --quiet
}

@test "resume: with other data" {
    make_arrays
    check 0 train own.yaml "${arrays[@]}" --out run
    cp inputs.npy kept.npy
    files npy inputs.npy '<f4' 12x6x2 0 1 1 0 0
    refused 4 'checkpoint.safetensors: the data of the task arrays are not those' train own.yaml "${arrays[@]}" --set train.iterations=4 --out run --resume
    mv kept.npy inputs.npy
    files npy targets.npy '<i4' 12 0 2 1
    refused 4 'checkpoint.safetensors: the data of the task arrays are not those' train own.yaml "${arrays[@]}" --set train.iterations=4 --out run --resume
    files npy targets.npy '<i4' 12 0 1 2
    check 0 train own.yaml "${arrays[@]}" --set train.iterations=4 --out run --resume
    copy_mnist
    check 0 train smnist "${tiny_pixels[@]}" --data data --out pixels
    files ungzip $images.gz # the same images
    check 0 train smnist "${tiny_pixels[@]}" --data data --set train.iterations=3 --out pixels --resume
    files flip $images 500
    refused 4 'checkpoint.safetensors: the data of the task smnist' train smnist "${tiny_pixels[@]}" --data data --set train.iterations=4 --out pixels --resume
}

@test "resume: of nothing" {
    refused_resume 2 'run'
    mkdir run
    refused_resume 2 'run'
    touch file
    refused 2 'file/run' train store-recall "${tiny_recall[@]}" --out file/run --resume
}

@test "resume: with other settings, or of another experiment" {
    copy_unfinished
    refused_resume 3 'net.beta' --set net.beta=1
    refused_resume 3 'seed' --seed 2
    refused 3 'task' train digits "${tiny[@]}" --out run --resume
}

@test "resume: both checkpoints damaged" {
    copy_unfinished
    files flip run/checkpoint.safetensors 0.5
    files cut run/checkpoint.previous.safetensors 5000
    refused_resume 4 'checkpoint.safetensors'
    rm run/checkpoint.previous.safetensors
    refused_resume 4 'checkpoint.safetensors'
    : >run/checkpoint.safetensors
    refused_resume 4 'checkpoint.safetensors'
    head -c 5000 /dev/urandom >run/checkpoint.safetensors
    refused_resume 4 'checkpoint.safetensors'
}

@test "resume: one checkpoint damaged, the one before it will do" {
    for damage in 'flip 0.5' 'flip 100' 'cut 3000' 'cut 0'; do
        copy_unfinished
        # shellcheck disable=SC2086 # two words
        set -- $damage
        files "$1" run/checkpoint.safetensors "$2"
        check 0 train store-recall "${tiny_recall[@]}" --out run --resume
        says err 'checkpoint.safetensors'
        cmp run/last.safetensors "$made/recall/last.safetensors"
        cmp run/best.safetensors "$made/recall/best.safetensors"
        rm -r run
    done
}

@test "resume: checkpoints whose content can't be" {
    while IFS='|' read -r text command; do
        copy_unfinished
        rm run/checkpoint.previous.safetensors
        eval "files $command"
        refused_resume 4 "$text"
        rm -r run
    done <<'END'
checkpoint.safetensors|number run/checkpoint.safetensors train.whole 0 -1
checkpoint.safetensors|number run/checkpoint.safetensors train.whole 1 -1
metrics.jsonl|number run/checkpoint.safetensors train.whole 1 9000000000000000000
'train.whole'|edit run/checkpoint.safetensors 'train.whole/shape=[1,3]'
'train.real'|edit run/checkpoint.safetensors 'train.real/dtype="I64"'
carried.v|edit run/checkpoint.safetensors 'carried.v/shape=[20,4]'
checkpoint.safetensors|number run/checkpoint.safetensors carried.v 3 nan
checkpoint.safetensors|number run/checkpoint.safetensors carried.p 3 inf
checkpoint.safetensors|number run/checkpoint.safetensors adam.m 3 nan
checkpoint.safetensors|number run/checkpoint.safetensors adam.v 3 -1
checkpoint.safetensors|number run/checkpoint.safetensors adam.v 3 inf
checkpoint.safetensors|number run/checkpoint.safetensors adam.age 3 -5
checkpoint.safetensors|number run/checkpoint.safetensors adam.age 0 -2147483648
'adam.age'|edit run/checkpoint.safetensors 'adam.age/dtype="U32"'
checkpoint.safetensors|edit run/checkpoint.safetensors 'adam.age='
checkpoint.safetensors|number run/checkpoint.safetensors train.whole 0 9223372036854775807
checkpoint.safetensors|number run/checkpoint.safetensors w_in.value 3 inf
END
}

@test "resume: checkpoints of a rewired run whose content can't be" {
    for kind in "rewired 3 rewire.temperature=0.001" "rewired_softly 5 rewire.soft=true"; do
        # shellcheck disable=SC2086 # three words
        set -- $kind
        rewired=("${tiny_recall[@]}" --set net.n_delay=3 --set net.excitatory=0.75 --set rewire.connectivity=0.3 --set rewire.l1=0.5
            --set rewire.temperature=0.001 --set "$3")
        "$LSNN" train store-recall "${rewired[@]}" --out "$1" --quiet >log 2>&1
        while IFS='|' read -r text command; do
            if [[ $command == *rewire.theta* ]] && [ "$1" = rewired ]; then
                continue
            fi
            cp -r "$1" run
            rm run/result.json run/last.safetensors run/checkpoint.previous.safetensors
            eval "files $command"
            refused 4 "$text" train store-recall "${rewired[@]}" --out run --resume --quiet
            rm -r run
        done <<'END'
rewire.delay_in[3]|number run/checkpoint.safetensors rewire.delay_in 3 3
rewire.delay_in[3]|number run/checkpoint.safetensors rewire.delay_in 3 -1
rewire.delay_rec[3]|number run/checkpoint.safetensors rewire.delay_rec 3 0
rewire.delay_rec[3]|number run/checkpoint.safetensors rewire.delay_rec 3 4
rewire.delay_rec[3]|number run/checkpoint.safetensors rewire.delay_rec 3 2147483647
rewire.delay_out[3]|number run/checkpoint.safetensors rewire.delay_out 3 1
rewire.sign_in[3]|number run/checkpoint.safetensors rewire.sign_in 3 2
rewire.sign_in[3]|number run/checkpoint.safetensors rewire.sign_in 3 0
rewire.sign_rec[0]|number run/checkpoint.safetensors rewire.sign_rec 0 1
rewire.sign_out[3]|number run/checkpoint.safetensors rewire.sign_out 3 -128
rewire.count_in|number run/checkpoint.safetensors rewire.count_in 0 1
rewire.count_rec|number run/checkpoint.safetensors rewire.count_rec 1 0
rewire.count_out|number run/checkpoint.safetensors rewire.count_out 2 -1
rewire.count_out|number run/checkpoint.safetensors rewire.count_out 3 -1
rewire.count_in|number run/checkpoint.safetensors rewire.count_in 2 9223372036854775807
rewire.count_in|number run/checkpoint.safetensors rewire.count_in 3 9223372036854775807
rewire.step|number run/checkpoint.safetensors rewire.step 0 -1
rewire.step|number run/checkpoint.safetensors rewire.step 0 9223372036854775807
checkpoint.safetensors|edit run/checkpoint.safetensors 'rewire.step='
'rewire.draws'|edit run/checkpoint.safetensors 'rewire.draws/dtype="I64"'
checkpoint.safetensors|edit run/checkpoint.safetensors 'rewire.delay_in='
'rewire.sign_rec'|edit run/checkpoint.safetensors 'rewire.sign_rec/dtype="U8"'
'rewire.count_out'|edit run/checkpoint.safetensors 'rewire.count_out/shape=[2,2]'
w_in|number run/checkpoint.safetensors w_in.delay 0 7
rewire.theta[3]|number run/checkpoint.safetensors rewire.theta 3 nan
rewire.theta[3]|number run/checkpoint.safetensors rewire.theta 3 -inf
checkpoint.safetensors|edit run/checkpoint.safetensors 'rewire.theta='
END
        # under Dale's law a dormant synapse has its sender's sign too
        for cell in 0 1 2 3 4 5; do
            for sign in -1 1; do
                cp -r "$1" run
                rm run/result.json run/last.safetensors run/checkpoint.previous.safetensors
                cp run/checkpoint.safetensors before.safetensors
                files number run/checkpoint.safetensors rewire.sign_in $cell $sign
                if ! cmp -s run/checkpoint.safetensors before.safetensors; then
                    refused 4 "rewire.sign_in[$cell]" train store-recall "${rewired[@]}" --out run --resume --quiet
                fi
                rm -r run before.safetensors
            done
        done
    done
}

@test "resume: a run that was rewired and one that was not" {
    rewired=("${tiny_recall[@]}" --set rewire.connectivity=0.3)
    "$LSNN" train store-recall "${rewired[@]}" --out rewired --quiet >log 2>&1
    cp -r rewired run
    rm run/result.json
    refused 3 'rewire.connectivity' train store-recall "${tiny_recall[@]}" --out run --resume --quiet
    refused 3 'rewire.gradients' train store-recall "${rewired[@]}" --set rewire.gradients=all --out run --resume --quiet
    cp "$made/recall/checkpoint.safetensors" run/checkpoint.safetensors
    refused 4 'run/checkpoint.safetensors' train store-recall "${rewired[@]}" --out run --resume --quiet
}

@test "rewiring: settings that do not fit" {
    refused 3 'rewire.connectivity' train digits "${tiny[@]}" --set rewire.connectivity=1 --out run
    refused 3 'rewire.connectivity' train digits "${tiny[@]}" --set rewire.connectivity=-0.1 --out run
    refused 3 'net.connectivity' train digits "${tiny[@]}" --set rewire.connectivity=0.1 --set net.connectivity=0.5 --out run
    refused 3 'rewire.temperature' train digits "${tiny[@]}" --set rewire.connectivity=0.1 --set rewire.soft=true --out run
    refused 3 'rewire.l1' train digits "${tiny[@]}" --set rewire.connectivity=0.1 --set rewire.l1=-1 --out run
    refused 3 'rewire.gradients' train digits "${tiny[@]}" --set rewire.connectivity=0.1 --set rewire.gradients=some --out run
    refused 3 'net.excitatory' train digits "${tiny[@]}" --set net.init=balanced --out run
    refused 3 'net.init' train digits "${tiny[@]}" --set net.init=other --out run
}

@test "resume: a checkpoint of another network" {
    cp -r "$made/trained" run
    cp "$made/recall/checkpoint.safetensors" run/
    rm run/result.json
    refused 4 'checkpoint.safetensors' train digits "${tiny[@]}" --out run --resume --quiet
}

@test "resume: metrics that were cut" {
    copy_unfinished
    files cut run/metrics.jsonl 100
    refused_resume 4 'metrics.jsonl'
    rm run/metrics.jsonl
    mkdir run/metrics.jsonl
    refused_resume 5 'metrics.jsonl'
}

@test "resume: a damaged result" {
    copy_unfinished
    for text in '' nonsense '[]' '{}' '{"iterations": "many"}'; do
        printf '%s' "$text" >run/result.json
        refused_resume 4 'result.json'
    done
}

@test "resume: damaged settings" {
    copy_unfinished
    sed -i '/n_ref/d' run/settings.yaml
    refused 4 "settings.yaml: net.n_ref is 5, but best.safetensors was trained with 3" eval run
    : >run/settings.yaml
    refused_resume 4 'settings.yaml'
    echo 'task: [' >run/settings.yaml
    refused_resume 4 'settings.yaml'
    printf 'name: x\ntask: store-recall\nnet:\n  betta: 5\n' >run/settings.yaml
    refused_resume 3 'settings.yaml'
    for command in show eval; do
        refused 3 'settings.yaml' $command run/
    done
}

@test "a run folder in use by another process" {
    cp -r "$made/trained" run
    front=(flock run/lock)
    refused 7 'run/lock' train digits "${tiny[@]}" --out run --resume
    refused 7 'run/lock' train digits "${tiny[@]}" --out run
    mkdir new
    front=(flock new/lock)
    refused 7 'new/lock' train digits "${tiny[@]}" --out new
}

@test "a run that is training right now" {
    "$LSNN" train digits "${tiny[@]}" --set train.iterations=1000000 --out run --quiet >first.out 2>first.err 3>&- &
    first=$!
    for _ in $(seq 100); do
        [ ! -s run/metrics.jsonl ] || break
        sleep 0.05
    done
    code=0
    "$LSNN" train digits "${tiny[@]}" --set train.iterations=1000000 --out run --resume >out 2>err || code=$?
    kill -KILL $first
    wait $first || true
    [ "$code" = 7 ]
    one_error_line
}

# ------------------------------------------------------------------------------------------- folders, disks and memory --

@test "a run folder that can't be made" {
    touch file
    for out in file file/run /proc/run /dev/null /dev/null/run "$(head -c 300 /dev/zero | tr '\0' x)" \
        "$(printf 'long/%.0s' $(seq 1000))"; do
        refused 5 'lsnn: ' train digits "${tiny[@]}" --out "$out"
    done
    refused 2 '--out' train digits "${tiny[@]}" --out ''
}

@test "a run folder whose path is long is not cut" {
    out=$(printf 'folder/%.0s' $(seq 145))run # 1018 bytes: too long for the files in it
    refused 5 'longer' train digits "${tiny[@]}" --out "$out"
    out=$(printf 'folder/%.0s' $(seq 200))run
    refused 5 'longer' train digits "${tiny[@]}" --out "$out"
}

# A shell with mounts of its own, which go away with it.
own_mounts() {
    if unshare -m true 2>/dev/null; then
        front=(unshare -m sh -ec "$1"' && shift && exec "$@"' sh "$PWD")
    elif unshare -rm true 2>/dev/null; then
        front=(unshare -rm sh -ec "$1"' && shift && exec "$@"' sh "$PWD")
    else
        skip 'mounts are not allowed here'
    fi
    "${front[@]}" true 2>/dev/null || skip 'mounts are not allowed here'
}

@test "a read-only file system" {
    cp -r "$made/trained" run
    # shellcheck disable=SC2016 # expanded by the inner shell
    own_mounts 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"'
    refused 5 'Read-only' train digits "${tiny[@]}" --out "$PWD/new"
    refused 5 'Read-only' train digits "${tiny[@]}" --set train.iterations=5 --out "$PWD/run" --resume
    refused 5 'Read-only' probe run --out "$PWD/new.safetensors"
    refused 5 'Read-only' plot run --out "$PWD/new.svg"
    refused 5 'Read-only' plot run --curves --out "$PWD/new.svg"
}

@test "a folder without permission" {
    chmod 777 .
    mkdir locked
    chmod 555 locked
    cp -r "$made/trained" run
    chmod -R a=rX run
    if [ "$(id -u)" = 0 ]; then
        front=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        "${front[@]}" test -r run/best.safetensors -a -x "$LSNN" 2>/dev/null || skip 'another user can not get here'
    fi
    refused 5 'locked' train digits "${tiny[@]}" --out locked/run
    refused 5 'locked' probe run --out locked/new.safetensors
    refused 5 'locked' plot run --out locked/new.svg
    refused 5 'run/lock' train digits "${tiny[@]}" --out run --resume
    chmod 0 run/best.safetensors
    refused 5 'run/best.safetensors' eval run
    chmod 755 run locked # so that they can be removed
}

@test "a full disk, and on with the run once there is room" {
    mkdir disk
    longer=(--set train.iterations=300 --set train.checkpoint_every=2 --quiet)
    # shellcheck disable=SC2016 # expanded by the inner shell
    own_mounts 'mount -t tmpfs -o size=100k none "$1/disk"'
    # shellcheck disable=SC2016
    "${front[@]}" bash -c '
        set -eu
        lsnn=$1
        shift
        code=0
        "$lsnn" train "$@" --out disk/run >out 2>err || code=$?
        [ "$code" = 5 ]
        mount -o remount,size=10m disk
        ls disk/run >listing
        "$lsnn" train "$@" --out disk/run --resume >log 2>&1
        cp -r disk/run done' bash "$LSNN" digits "${tiny[@]}" "${longer[@]}"
    one_error_line
    says err 'disk/run/'
    lacks listing tmp
    lacks listing new
    "$LSNN" train digits "${tiny[@]}" "${longer[@]}" --out alone >log
    cmp alone/last.safetensors done/last.safetensors
    cmp alone/best.safetensors done/best.safetensors
    diff <(jq -c 'del(.seconds)' alone/metrics.jsonl) <(jq -c 'del(.seconds)' done/metrics.jsonl)
}

@test "a file that may not grow" {
    for blocks in 0 1 8; do
        rm -rf run
        # Through a pipe, as the limit holds for the file err too.
        {
            code=0
            (ulimit -f $blocks && exec "$LSNN" train digits "${tiny[@]}" --quiet --out run 2>&1 >/dev/null) || code=$?
            echo $code >code
        } | cat >err
        [ "$(cat code)" = 5 ]
        rm code
        : >out
        one_error_line
        says err 'run/'
    done
    cp "$made/trained/best.safetensors" model.safetensors
    (ulimit -f 1 && exec "$LSNN" probe model.safetensors --out model.safetensors 2>&1) | cat >err
    says err 'model.safetensors'
    cmp model.safetensors "$made/trained/best.safetensors" # it was to be replaced, and was not
    [ "$(ls)" = "$(printf 'err\nmodel.safetensors\nout\nrun')" ]
}

@test "a disk that is full from the start" {
    code=0
    "$LSNN" show digits >/dev/full 2>err || code=$?
    [ "$code" = 5 ]
    says err 'No space left'
}

# Less memory than it takes; not with a sanitizer, which takes terabytes of addresses for itself.
little_memory() {
    if grep -qE '__(asan|tsan)_init' "$LSNN"; then
        skip 'not with a sanitizer'
    fi
    # shellcheck disable=SC2016 # expanded by the inner shell
    front=(sh -c 'ulimit -v 400000 && exec "$@"' sh)
}

@test "not enough memory" {
    little_memory
    refused 9 'memory' train digits --set train.batch=65536 --threads 2 --out run
    refused 9 'memory' train digits --set net.n_lif=60000 --threads 2 --out run
    refused 9 'memory' train store-recall --set store-recall.n_symbols=1000 --set store-recall.symbol_ms=10000 --threads 1 --out run
    refused 9 'memory' train store-recall --set store-recall.n_group=1000 --set train.batch=60000 --threads 1 --out run
    refused 9 'memory' train digits --set net.dt=0.0001 --threads 1 --out run
}

@test "kernels that are not there" {
    export LSNN_ISA=vax
    refused 2 'LSNN_ISA' train digits "${tiny[@]}" --out run
}
