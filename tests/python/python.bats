# The files that lsnn writes, read with the public Python packages (in build/venv, where scripts/setup.sh puts them).

setup_file() {
    : "${LSNN:?the tool to test}" "${LSNN_SOURCE:?the folder of the source}"
    export WORK=$BATS_FILE_TMPDIR PYTHON=$LSNN_SOURCE/build/venv/bin/python CHECK=$LSNN_SOURCE/tests/python/check_safetensors.py
    if [ -f "$LSNN_SOURCE/build/venv/ready" ]; then
        "$LSNN" train digits --set train.iterations=2 --seed 3 --out "$WORK/run" --quiet
        "$LSNN" probe "$WORK/run" --sample 0 --out "$WORK/probe.safetensors"
    fi
}

setup() {
    [ -f "$LSNN_SOURCE/build/venv/ready" ] || skip "the Python packages are not in build/venv (no package index in reach)"
}

@test "models, checkpoint and probe are read by the public safetensors package" {
    run "$PYTHON" "$CHECK" "$WORK"/run/{best,last,checkpoint}.safetensors "$WORK/probe.safetensors"
    echo "$output"
    [ "$status" = 0 ]
    for name in w_in w_rec w_out; do
        [[ $output == *"  $name float32 ["* ]]
    done
}

@test "the metadata hold the settings" {
    "$PYTHON" - "$WORK/run/last.safetensors" <<'END'
import sys
from safetensors import safe_open

with safe_open(sys.argv[1], framework="numpy") as file:
    metadata = file.metadata()
    print(metadata)
    assert len(metadata["checksum"]) == 64
    assert any("digits" in text for text in metadata.values())
END
}

@test "a probe's arrays fit each other: spikes are 0 or 1, and thresholds never lie below the first step's" {
    "$PYTHON" - "$WORK/probe.safetensors" <<'END'
import sys
import numpy
from safetensors.numpy import load_file

probe = load_file(sys.argv[1])
print({name: array.shape for name, array in probe.items()})
z, v, b, threshold = (probe[name] for name in ("z", "v", "b", "threshold"))
assert z.ndim == 2 and z.shape == v.shape == b.shape == threshold.shape
assert set(numpy.unique(z)) <= {0, 1}
assert numpy.all(b >= 0) and numpy.all(threshold[0] > 0) and numpy.all(threshold >= threshold[0] - 1e-6)
assert probe["w_rec"].shape == (z.shape[1], z.shape[1])
END
}

@test "the checker itself sees a number that is not finite, and a cut file" {
    "$PYTHON" -c 'import sys, numpy; from safetensors.numpy import save_file; save_file({"x": numpy.array([1, numpy.nan], "f4")}, sys.argv[1])' "$WORK/nan.safetensors"
    run "$PYTHON" "$CHECK" "$WORK/nan.safetensors"
    [ "$status" != 0 ]
    [[ $output == *"x has numbers that are not finite"* ]]
    head -c 40 "$WORK/nan.safetensors" >"$WORK/cut.safetensors"
    run "$PYTHON" "$CHECK" "$WORK/cut.safetensors"
    [ "$status" != 0 ]
}
