# lsnn bench, on works that take milliseconds.

small=(--set batch=4 --set steps=50)

setup() {
    load helper
    cd "$BATS_TEST_TMPDIR" || return
}

@test "a work of one's own: every number is there, and they fit each other" {
    for connectivity in 1 0.12; do
        check 0 bench "${small[@]}" --set connectivity=$connectivity --json --threads 1
        [ "$(wc -l <out)" = 1 ]
        jq -e 'keys == ["custom", "isa", "threads", "version"] and .threads == 1' out
        jq -e '.custom | [.iteration_seconds, .forward_seconds, .backward_seconds, .seconds_min, .seconds_max, .step_seconds, .neuron_step_seconds,
            .memory_bytes, .rate_hz, .n_synapses, .flops, .bytes, .peak_flops, .peak_bytes, .arithmetic_limit_seconds, .memory_limit_seconds,
            .of_limit] | length == 17 and all(type == "number" and . > 0)' out
        jq -e '.custom | .n_batch == 4 and .n_steps == 50 and .n_in == 80 and .n_rec == 220' out
        jq -e '.custom | .seconds_min <= .iteration_seconds and .iteration_seconds <= .seconds_max and .of_limit < 1.1' out
        jq -e '.custom | .forward_seconds < .seconds_max and .backward_seconds < .seconds_max' out
        jq -e '.custom | (.step_seconds * 50 / .iteration_seconds - 1 | fabs) < 1e-6' out
        jq -e '.custom | ((.neuron_step_seconds * 50 * 4 * 220) / .iteration_seconds - 1 | fabs) < 1e-6' out
    done
    jq -e '.custom.n_synapses == 8184' out # int(0.12 * 220 * (80 + 220 + 10)), without a synapse of a neuron to itself
}

@test "forward alone, as a table" {
    check 0 bench "${small[@]}" --set training=false --set inputs=10 --set neurons=30 --set delays=3
    grep -Eq '^custom +[0-9.]+ +[0-9.]+ +0 ' out
    says out 'batch 4, 50 steps, 10 inputs, 30 neurons'
    says out 'Gflop/s'
}

@test "the network fires at the rate that was asked for" {
    for work in '5 1' '40 1' '10 0.12'; do
        read -r rate connectivity <<<"$work"
        check 0 bench --set batch=32 --set steps=200 --set rate="$rate" --set connectivity="$connectivity" --json
        jq -e --argjson rate "$rate" '.custom.rate_hz / $rate | . > 0.9 and . < 1.1' out
    done
}

@test "an LSTM is timed by the same works" {
    check 0 bench --set batch=16 --set steps=50 --set neurons=32 --set lstm=true --json
    jq -e '.custom | .n_synapses == 4 * 32 * (80 + 32) + 10 * 32 and .rate_hz == null and .backward_seconds > 0 and .flops > 0 and .memory_bytes > 0' out
    check 0 bench --set batch=16 --set steps=50 --set neurons=32 --set lstm=true --set training=false
    grep -Eq '^custom .* - ' out
    for other in connectivity=0.5 stepwise=true; do
        check 2 bench --set lstm=true --set training=false --set $other --json
        one_error_line
    done
    check 2 bench --set lstm=true --write work.safetensors
    one_error_line
}

@test "keys and values that don't fit are refused, and the allowed ones named" {
    for bad in bach=3 batch.size=3 =3 ''; do
        check 2 bench --set "$bad"
        one_error_line
        for key in batch steps inputs neurons delays connectivity rate lstm training stepwise; do
            says err "$key"
        done
    done
    for bad in batch batch= batch=0 batch=-1 batch=1.5 batch=many batch=99999999999999999999 steps=9 inputs=3 neurons=1 neurons=16385 delays=0 delays=257 \
        connectivity=0 connectivity=1.01 rate=0 rate=151 rate=nan rate=0x10 training=yes training=; do
        check 2 bench --set "$bad"
        one_error_line
        says err "${bad%%=*} is '"
    done
    check 2 bench --set training=yes
    says err 'true or false'
    check 2 bench --set batch=0
    says err 'from 1 to 65536'
}

@test "the written work does not depend on threads, and is no half file where it can't be written" {
    check 0 bench "${small[@]}" --write one.safetensors --threads 1
    [ "$(cat out)" = one.safetensors ]
    check 0 bench "${small[@]}" --write two.safetensors --threads 2 --json
    [ "$(jq -r .file out)" = two.safetensors ]
    cmp one.safetensors two.safetensors
    check 5 bench "${small[@]}" --write nowhere/one.safetensors
    one_error_line
    check 2 bench --write
    one_error_line
}

# Runs the network once more, step by step, in double precision.
@test "the written work is whole: its loss, output, rate and simplest gradient come out again" {
    python=$LSNN_SOURCE/build/venv/bin/python
    [ -f "$LSNN_SOURCE/build/venv/ready" ] || skip "the Python packages are not in build/venv (no package index in reach)"
    for connectivity in 1 0.12; do
        check 0 bench "${small[@]}" --set inputs=12 --set neurons=40 --set delays=4 --set connectivity=$connectivity --write work.safetensors
        "$python" - work.safetensors $connectivity <<'END'
import sys
import numpy
from safetensors import safe_open

with safe_open(sys.argv[1], framework="numpy") as file:
    meta = file.metadata()
    a = {name: file.get_tensor(name) for name in file.keys()}
print(meta, {name: array.shape for name, array in a.items()})
assert meta["kind"] == "bench"
dt, v_th, r_m, tau_out = (float(meta[key]) for key in ("dt", "v_th", "r_m", "tau_out"))
x, label = a["input"], a["class"]
n_steps, n_batch, n_in = x.shape
assert (n_steps, n_batch, n_in) == (50, 4, 12) and x.dtype == numpy.uint8 and set(numpy.unique(x)) == {0, 1}
assert a["w_rec"].shape == (40, 40) and (a["beta"] > 0).sum() == 18
for name in "w_in", "w_rec":
    absent = a["delay" + name[1:]] < 0
    assert not a[name][absent].any() and not a["gradient." + name][absent].any() and a["gradient." + name][~absent].any()
    assert absent.any() == (name == "w_rec" or sys.argv[2] != "1")
assert not a["gradient.w_out"][a["w_out"] == 0].any()

w_in, w_rec, w_out, b_out, beta = (a[name].astype(float) for name in ("w_in", "w_rec", "w_out", "b_out", "beta"))
alpha, rho, kappa = numpy.exp(-dt / a["tau_m"].astype(float)), numpy.exp(-dt / a["tau_a"].astype(float)), numpy.exp(-dt / tau_out)
v, b, p, wait = (numpy.zeros((n_batch, 40)) for _ in range(4))
z, y = numpy.zeros((n_steps + 1, n_batch, 40)), 0  # z[t + 1]: spikes of step t
for t in range(n_steps):
    current = sum(x[t - d] @ (w_in * (a["delay_in"] == d)).T for d in range(4) if d <= t)
    current = current + sum(z[t - d + 1] @ (w_rec * (a["delay_rec"] == d)).T for d in range(1, 5) if d <= t)
    b = rho * b + (1 - rho) * z[t]
    threshold = v_th + beta * b
    v = alpha * v + (1 - alpha) * r_m * current - threshold * z[t]
    z[t + 1] = (v > threshold) & (wait <= 0)
    wait = numpy.where(z[t + 1] > 0, float(meta["n_ref"]), wait - 1)
    p = kappa * p + (1 - kappa) * z[t + 1]
    if int(meta["window_start"]) <= t < int(meta["window_stop"]):
        y = y + (p @ w_out.T + b_out) / (int(meta["window_stop"]) - int(meta["window_start"]))
rate = z[1:].mean((0, 1)) / dt
assert abs(1000 * rate.mean() / float(meta["rate_hz"]) - 1) < 1e-5, 1000 * rate.mean()
assert abs(y - a["output"]).max() < 1e-5 * abs(y).max(), (y, a["output"])
softmax = numpy.exp(y) / numpy.exp(y).sum(1, keepdims=True)
assert abs(-numpy.log(softmax[range(n_batch), label]).mean() / a["loss"][0] - 1) < 1e-5
rate_loss = float(meta["rate_strength"]) * ((rate - float(meta["rate_target_hz"]) / 1000) ** 2).sum()
assert abs(rate_loss / a["rate_loss"][0] - 1) < 1e-5, rate_loss
softmax[range(n_batch), label] -= 1
assert abs(softmax.mean(0) - a["gradient.b_out"]).max() < 1e-6
END
    done
}
