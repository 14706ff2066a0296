#!/usr/bin/env python3
"""Makes a small data set in NumPy and saves it in the two ways that lsnn's task `arrays` reads: safetensors and .npy.

In each sequence one of four groups of inputs fires for 50 ms; then everybody is nearly silent, and over the last 50 ms the network is to
say which group it was. Replace the arrays by your own data, and you have an experiment without a line of C.

    python3 -m venv venv && venv/bin/pip install numpy safetensors
    venv/bin/python examples/own_data.py [FOLDER]
"""
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

N_SAMPLES, N_STEPS, N_CLASSES, N_GROUP = 600, 200, 4, 5  # a step is 1 ms
CUE_MS, CUE_HZ, NOISE_HZ = 50, 100, 2


def make_data(seed=0):
    random = np.random.default_rng(seed)
    targets = random.integers(N_CLASSES, size=N_SAMPLES)  # [n_samples]: a class for each sequence
    rate_hz = np.full((N_SAMPLES, N_STEPS, N_CLASSES, N_GROUP), NOISE_HZ)
    rate_hz[np.arange(N_SAMPLES), :CUE_MS, targets] = CUE_HZ
    spikes = random.random(rate_hz.shape) < rate_hz / 1000
    inputs = spikes.reshape(N_SAMPLES, N_STEPS, N_CLASSES * N_GROUP).astype(np.uint8)  # [n_samples][n_steps][n_in]: 0 or 1
    return inputs, targets


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    inputs, targets = make_data()
    save_file({"inputs": inputs, "targets": targets}, folder / "own_data.safetensors")
    np.save(folder / "own_inputs.npy", inputs)
    np.save(folder / "own_targets.npy", targets)
    print(f"""inputs  {list(inputs.shape)}, spikes, 0 or 1
targets {list(targets.shape)}, classes 0..{N_CLASSES - 1}

Train on them (paths are relative to the current folder):
  lsnn train own-data --set arrays.file={folder / "own_data.safetensors"}
or, from the .npy files:
  lsnn train own-data --set arrays.inputs={folder / "own_inputs.npy"} --set arrays.targets={folder / "own_targets.npy"}
For data of your own, copy experiments/own-data.yaml and change it; `lsnn show own-data` lists every setting.""")


if __name__ == "__main__":
    main()
