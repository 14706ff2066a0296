# Sequences of different lengths, and networks that see them from both ends, from the command line.

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR" || return
    # 40 sequences of up to 12 steps of 3 inputs, of which one is on: which, is asked at each step.
    python3 - <<'END'
import struct


def npy(path, kind, shape, numbers):
    header = str({"descr": "<" + {"f": "f4", "i": "i4"}[kind], "fortran_order": False, "shape": shape})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = struct.pack(f"<{len(numbers)}{kind}", *numbers)
    open(path, "wb").write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data)


which = [[(n * 5 + t // 2 * (n + 1)) % 3 for t in range(12)] for n in range(40)]
lengths = [4 + 2 * (n % 5) for n in range(40)]
npy("inputs.npy", "f", (40, 12, 3), [float(i == k) for row in which for k in row for i in range(3)])
npy("targets.npy", "i", (40, 12), [k for row in which for k in row])
npy("lengths.npy", "i", (40,), lengths)
END
    cat >ends.yaml <<'END'
task: arrays
arrays: {inputs: inputs.npy, targets: targets.npy, lengths: lengths.npy, kind: class-per-step, input: currents}
net: {n_lif: 20, n_adaptive: 20, n_delay: 1, n_ref: 1, tau_out: 3, tau_m: 5, bidirectional: true}
loss: {rate_strength: 0, l2: 1e-5}
train: {batch: 16, iterations: 250, valid_every: 10, lr: 0.02, lr_warmup: 5, patience: 50}
END
}

@test "a spiking network in both directions learns, is resumed, scored, shown and drawn" {
    check 0 train ends.yaml --set rewire.connectivity=0.5 --threads 2 --out run --quiet --json
    jq -e '.score > 0.8 and .n > 30 and .n < 96 and .rate_hz > 1' out
    score=$(jq .score out)
    check 0 eval run --json
    [ "$(jq .score out)" = "$score" ]
    jq -es 'all(.l2_loss > 0)' run/metrics.jsonl
    check 0 show run
    says out '80 recurrent (40 LIF, 40 adaptive) in two networks'
    says out 'possible synapses live'
    jq -e '.kind == "lsnn" and .n_possible == 2 * 40 * (3 + 39 + 3)' run/result.json
    check 0 probe run --sample 2 --out probe.safetensors
    for figure in "probe.safetensors" "run --curves" "run --connections"; do
        # shellcheck disable=SC2086 # the run and its flag
        check 0 plot $figure --out figure.svg
        [ -s figure.svg ]
        rm figure.svg
    done
}

@test "so does an LSTM" {
    sed -i '/^net:/d; /^loss:/d' ends.yaml
    echo 'net: {kind: lstm, n_units: 20, bidirectional: true}' >>ends.yaml
    check 0 train ends.yaml --threads 2 --out run --quiet --json
    jq -e '.score > 0.8 and .rate_hz == null' out
    check 0 show run
    says out '40 LSTM units in two networks'
}
