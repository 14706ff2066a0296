#!/usr/bin/env python3
"""Golden outputs and gradients of dense networks, in float64, by PyTorch's own nn.LSTM and nn.RNN and autograd: tests/golden/dense_*.safetensors.

Weights and inputs are float32 numbers, so that the engine starts from exactly the same. Layout: w [gates * n_units][n_units + n_in + 1], the gates in
the order input, forget, new, output; w_out [n_out][n_units + 1]; the last column is the bias."""

from pathlib import Path

import numpy as np
import torch
from write_safetensors import write_safetensors

N_IN, N_UNITS, N_OUT, N_BATCH, N_STEPS = 3, 21, 4, 37, 29
START, STOP = [4, 15, 27], [9, 16, 29]


def numbers(generator, *shape, scale=1.0):
    return torch.from_numpy((generator.standard_normal(shape) * scale).astype("float32").astype("float64"))


def make(kind, seed):
    generator = np.random.default_rng(seed)
    gates = 4 if kind == "lstm" else 1
    w = numbers(generator, gates * N_UNITS, N_UNITS + N_IN + 1, scale=0.3)
    w_out = numbers(generator, N_OUT, N_UNITS + 1, scale=0.4)
    x = numbers(generator, N_STEPS, N_BATCH, N_IN)
    classes = torch.from_numpy(generator.integers(-1, N_OUT, (len(START), N_BATCH)))

    layer = (torch.nn.LSTM if kind == "lstm" else torch.nn.RNN)(N_IN, N_UNITS).double()
    readout = torch.nn.Linear(N_UNITS, N_OUT).double()
    with torch.no_grad():
        layer.weight_hh_l0.copy_(w[:, :N_UNITS])
        layer.weight_ih_l0.copy_(w[:, N_UNITS:-1])
        layer.bias_ih_l0.copy_(w[:, -1])
        layer.bias_hh_l0.zero_()
        readout.weight.copy_(w_out[:, :-1])
        readout.bias.copy_(w_out[:, -1])
    y = readout(layer(x)[0])
    output = torch.stack([y[first:last].mean(0) for first, last in zip(START, STOP)])
    counted = classes >= 0
    loss = torch.nn.functional.cross_entropy(output[counted], classes[counted])
    loss.backward()
    d_w = torch.cat([layer.weight_hh_l0.grad, layer.weight_ih_l0.grad, layer.bias_ih_l0.grad[:, None]], 1)
    d_w_out = torch.cat([readout.weight.grad, readout.bias.grad[:, None]], 1)
    arrays = {
        "w": w, "w_out": w_out, "input": x, "output": output.detach(), "loss": loss.detach()[None], "d_w": d_w, "d_w_out": d_w_out,
    }
    arrays = {name: array.numpy() for name, array in arrays.items()}
    for name in ("w", "w_out", "input"):
        arrays[name] = arrays[name].astype("float32")
    arrays["class"] = classes.numpy().astype("int32")
    arrays["window_start"], arrays["window_stop"] = np.array(START, "int32"), np.array(STOP, "int32")
    folder = Path(__file__).resolve().parent.parent / "golden"
    write_safetensors(folder / f"dense_{kind}.safetensors", arrays, {"kind": kind})


if __name__ == "__main__":
    make("lstm", 1)
    make("rnn", 2)
