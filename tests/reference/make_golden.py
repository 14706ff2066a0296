#!/usr/bin/env python3
"""Makes tests/golden/*.safetensors: small networks with their float64 spikes, outputs, losses and gradients. See README.md.

    python3 tests/reference/make_golden.py        needs PyTorch (1.13 or later) and NumPy
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from reference_backward import explicit_gradients
from reference_network import cross_entropy, rate_loss, simulate, squared_error, window_means
from write_safetensors import write_safetensors

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
LEAST_S = 1e-4  # float32 flips no spike that is this far from its threshold
SCALARS = ("dt", "tau_out", "r_m", "v_th", "gamma", "rate_strength", "rate_target_hz")


@dataclass
class Case:
    """What is peculiar to one golden file. A (low, high) pair is drawn uniformly, neuron by neuron."""

    name: str
    seed: int
    gain: float  # size of the input weights, in thresholds
    n_in: int = 4
    n_rec: int = 6
    n_out: int = 3
    n_steps: int = 40
    n_batch: int = 3
    n_first: int = 0  # steps of the sequence before, whose state is carried over
    dt: float = 1.0
    tau_m: tuple = (20, 20)
    tau_a: tuple = (100, 100)
    beta: tuple = (0, 0)
    n_lif: int = 0  # this many neurons, anywhere, get beta 0
    tau_out: float = 20.0
    r_m: float = 1.0
    v_th: float = 0.01
    gamma: float = 0.3
    n_ref: int = 0
    n_delay: int = 1
    normalise: str = "threshold"
    detach_reset: bool = False
    bias: bool = False
    currents: bool = False
    connectivity: float = 1.0
    noise: tuple = None  # (low, high) of the noise sizes, in thresholds
    squared: bool = False
    uncounted: float = 0.0  # fraction of samples without a class
    rate_strength: float = 0.0
    rate_target_hz: float = 0.0
    windows: list = field(default_factory=lambda: [(0, 40)])


GAPS_AND_SINGLE_STEPS = [(0, 7), (10, 18), (21, 22), (22, 23), (26, 32)] + [(t, t + 1) for t in range(36, 40)]

CASES = [
    Case("lif_plain", 3, 2.0),
    Case("delays", 11, 3.0, n_delay=5, windows=[(10, 40)]),
    Case("refractory", 29, 3.0, n_ref=3, n_delay=2, bias=True),
    Case("adaptive_mixed", 37, 3.0, n_rec=8, n_lif=3, beta=(0.3, 1.8), tau_m=(10, 30), tau_a=(30, 300), n_ref=1, bias=True),
    Case("baseline", 49, 3.0, n_lif=2, beta=(0.5, 1.8), v_th=0.03, normalise="baseline", gamma=0.4, n_ref=1, n_delay=2),
    Case("detached", 55, 3.0, n_lif=2, beta=(0.5, 1.8), v_th=0.6, detach_reset=True, n_ref=1, n_delay=2),
    Case("detached_baseline", 63, 4.0, n_lif=2, beta=(0.5, 1.8), normalise="baseline", detach_reset=True, r_m=2.0, n_delay=2),
    Case("currents", 77, 2.5, currents=True, n_lif=3, beta=(0.5, 1.8), n_ref=2, n_delay=4, tau_out=3.0, bias=True),
    Case("rate", 87, 3.0, n_lif=3, beta=(0.5, 1.8), n_ref=2, n_delay=3, bias=True, rate_strength=30.0, rate_target_hz=10.0),
    Case("carried", 98, 4.0, n_first=24, n_lif=3, beta=(0.5, 1.8), n_ref=4, n_delay=5, bias=True, rate_strength=2.0, rate_target_hz=20.0),
    Case("windows", 108, 2.0, dt=2.0, squared=True, n_lif=3, beta=(0.5, 1.8), n_ref=1, n_delay=2, bias=True, rate_strength=5.0,
         rate_target_hz=20.0, windows=GAPS_AND_SINGLE_STEPS),
    Case("everything", 113, 4.0, n_in=6, n_rec=10, n_first=5, n_steps=44, n_lif=5, beta=(0.5, 1.8), tau_m=(15, 30), tau_a=(20, 500), n_ref=2,
         n_delay=8, bias=True, connectivity=0.5, uncounted=0.3, rate_strength=10.0, rate_target_hz=10.0,
         windows=[(0, 5), (9, 20), (20, 30), (33, 34), (40, 44)]),
    Case("everything_currents", 125, 2.0, n_in=5, n_rec=7, n_batch=4, n_first=20, currents=True, dt=0.5, squared=True, normalise="baseline",
         detach_reset=True, n_lif=4, beta=(1.0, 4.0), tau_m=(10, 30), tau_a=(20, 300), r_m=1.5, v_th=0.25, gamma=0.5, n_ref=3, n_delay=4,
         bias=True, connectivity=0.6, tau_out=0.0, rate_strength=3.0, rate_target_hz=30.0, windows=[(2, 9), (9, 25), (30, 40)]),
    Case("noise", 135, 3.0, n_lif=3, beta=(0.5, 1.8), n_ref=2, n_delay=3, bias=True, noise=(0.5, 1.5)),
]


def float32(values):
    """As float64, what the float32 engine can hold."""
    return torch.tensor(np.asarray(values, dtype=np.float32), dtype=torch.float64)


def draw(case):
    """The case's network and its data, every number representable in float32."""
    random = np.random.Generator(np.random.PCG64(case.seed))
    n_in, n_rec, n_out, n_steps, n_batch = case.n_in, case.n_rec, case.n_out, case.n_steps, case.n_batch

    def mask(*shape):
        return torch.tensor(random.random(shape) < case.connectivity)

    def per_neuron(low, high):
        return float32(random.uniform(low, high, n_rec))

    def input_of(length):
        shape = (length, n_batch, n_in)
        return float32(random.normal(0.5, 1, shape) if case.currents else random.random(shape) < 0.25)

    net = SimpleNamespace(**{name: float32(getattr(case, name)) for name in SCALARS})
    net.n_in, net.n_rec, net.n_out, net.n_ref, net.n_delay = n_in, n_rec, n_out, case.n_ref, case.n_delay
    net.normalise, net.detach_reset = case.normalise, case.detach_reset
    net.tau_m, net.tau_a, net.beta = per_neuron(*case.tau_m), per_neuron(*case.tau_a), per_neuron(*case.beta)
    net.beta[random.permutation(n_rec)[: case.n_lif]] = 0
    net.delay_in = torch.tensor(random.integers(0, case.n_delay, (n_rec, n_in)))
    net.delay_rec = torch.tensor(random.integers(1, case.n_delay + 1, (n_rec, n_rec)))
    net.mask_in, net.mask_rec, net.mask_out = mask(n_rec, n_in), mask(n_rec, n_rec), mask(n_out, n_rec)
    net.mask_rec.fill_diagonal_(False)
    unit = case.v_th / case.r_m
    net.w_in = float32(unit * case.gain * (1 + random.normal(size=(n_rec, n_in)))) * net.mask_in
    net.w_rec = float32(unit * 1.5 * random.normal(size=(n_rec, n_rec))) * net.mask_rec
    net.w_out = float32(random.normal(size=(n_out, n_rec))) * net.mask_out
    net.b_out = float32(0.3 * random.normal(size=n_out) * case.bias)
    net.noise_size = None if case.noise is None else float32(unit * random.uniform(*case.noise, n_rec))

    data = SimpleNamespace(input=input_of(n_steps), first_input=input_of(case.n_first) if case.n_first else None)
    data.noise_eps = None if case.noise is None else float32(random.normal(size=(n_steps, n_batch, n_rec)))
    data.start, data.stop = zip(*case.windows)
    shape = (len(case.windows), n_batch)
    data.target = float32(random.normal(size=shape + (n_out,)))
    data.classes = torch.tensor(random.integers(0, n_out, shape))
    data.classes[torch.tensor(random.random(shape) < case.uncounted)] = -1
    return net, data


def parameters(case):
    """Names of what is trained, with the mask of each."""
    masks = {"w_in": "mask_in", "w_rec": "mask_rec", "w_out": "mask_out"}
    return masks | ({"b_out": None} if case.bias else {}) | ({"noise_size": None} if case.noise else {})


def run(case):
    """Simulates and differentiates; returns the network, the data and the results."""
    net, data = draw(case)
    for name in parameters(case):
        getattr(net, name).requires_grad_()
    before = None if data.first_input is None else simulate(net, data.first_input)
    trace = simulate(net, data.input, data.noise_eps, before)
    output = window_means(trace, data.start, data.stop)
    output.retain_grad()
    loss = squared_error(output, data.target) if case.squared else cross_entropy(output, data.classes)
    rate = rate_loss(net, trace)
    (loss + rate).backward()

    gradient = {}
    for name, mask in parameters(case).items():
        gradient[name] = getattr(net, name).grad.numpy()
        if mask is not None:
            gradient[name] = gradient[name] * getattr(net, mask).numpy()
    explicit = explicit_gradients(net, trace, output.grad.numpy(), data.start, data.stop, data.noise_eps)
    difference = max(np.abs(explicit[name] - value).max() / np.abs(value).max() for name, value in gradient.items())
    s = torch.stack(trace.s + (before.s if before else [])).detach()
    psi = (1 - torch.stack(trace.s).abs() > 0) & ~torch.stack(trace.refractory)
    results = SimpleNamespace(trace=trace, output=output, loss=loss, rate_loss=rate, gradient=gradient, difference=difference,
                              least_s=s.abs().min().item(), z=torch.stack(trace.z[trace.start:]), psi_share=psi.double().mean().item())
    return net, data, results


def faults(case, net, results):
    """What makes the case a weak test; a case must have none (another seed or gain then)."""
    found = []
    rate = results.z.mean((0, 1))
    if results.least_s < LEAST_S:
        found.append(f"|s| falls to {results.least_s:.1e}")
    if not 0.05 <= rate.mean() <= 0.15 or rate.min() == 0:
        found.append(f"spikes at {100 * rate.mean():.1f} % of steps, the quietest neuron at {100 * rate.min():.1f} %")
    if results.psi_share < 0.25:
        found.append(f"the pseudo-derivative is above 0 at only {100 * results.psi_share:.0f} % of steps")
    for name, mask in parameters(case).items():
        present = getattr(net, mask).numpy() if mask else np.ones(results.gradient[name].shape, bool)
        if (results.gradient[name][present] == 0).any():
            found.append(f"d_{name} has zeros")
    if results.difference > 1e-12:
        found.append(f"the explicit backward equations differ by {results.difference:.1e}")
    return found


def save(case, net, data, results):
    """Writes the golden file; README.md lists the arrays."""
    trace = results.trace
    arrays = {name: getattr(net, name).detach().numpy().astype(np.float32) for name in ("w_in", "w_rec", "w_out", "tau_m", "tau_a", "beta")}
    arrays |= {name: getattr(net, name).numpy().astype(np.int32) for name in ("delay_in", "delay_rec")}
    arrays |= {name: getattr(net, name).numpy().astype(np.uint8) for name in ("mask_in", "mask_rec", "mask_out")}
    arrays["input"] = data.input.numpy().astype(np.float32)
    if case.bias:
        arrays["b_out"] = net.b_out.detach().numpy().astype(np.float32)
    if case.n_first:
        arrays["first_input"] = data.first_input.numpy().astype(np.float32)
    if case.noise:
        arrays["noise_size"] = net.noise_size.detach().numpy().astype(np.float32)
        arrays["noise_eps"] = data.noise_eps.numpy().astype(np.float32)
    arrays["window_start"], arrays["window_stop"] = np.array(data.start, np.int32), np.array(data.stop, np.int32)
    if case.squared:
        arrays["target"] = data.target.numpy().astype(np.float32)
    else:
        arrays["class"] = data.classes.numpy().astype(np.int32)
    arrays["z"] = results.z.detach().numpy().astype(np.uint8)
    arrays |= {name: torch.stack(getattr(trace, name)).detach().numpy() for name in ("v", "b")}
    arrays |= {name: getattr(results, name).detach().numpy() for name in ("output", "loss", "rate_loss")}
    arrays |= {f"d_{name}": value for name, value in results.gradient.items()}
    arrays |= {name: arrays[name].reshape(1) for name in ("loss", "rate_loss")}

    metadata = {name: str(np.float32(getattr(case, name))) for name in SCALARS}
    metadata |= {name: str(getattr(case, name)) for name in ("n_in", "n_rec", "n_out", "n_ref", "n_delay", "normalise")}
    metadata |= {"T": str(case.n_steps), "B": str(case.n_batch), "loss": "squared" if case.squared else "cross_entropy",
                 "detach_reset": str(int(case.detach_reset)), "bias": str(int(case.bias)),
                 "input_kind": "currents" if case.currents else "spikes"}
    path = GOLDEN / f"{case.name}.safetensors"
    write_safetensors(path, arrays, metadata)
    return path.stat().st_size


def main():
    torch.set_num_threads(1)
    GOLDEN.mkdir(exist_ok=True)
    names = ("w_in", "w_rec", "w_out", "b_out", "noise_size")
    lines, total, failed = [], 0, False
    for case in CASES:
        net, data, results = run(case)
        for fault in faults(case, net, results):
            print(f"{case.name}: {fault}", file=sys.stderr)
            failed = True
        size = save(case, net, data, results)
        total += size
        norms = "".join(f"{np.linalg.norm(results.gradient[name]):>12.3g}" if name in results.gradient else f"{'-':>12}" for name in names)
        lines.append(f"{case.name:<20}{int(results.z.sum()):>7}{100 * results.z.mean():>7.1f}{100 * results.psi_share:>6.0f}"
                     f"{results.least_s:>10.1e}{norms}{results.difference:>10.1e}{size:>8}")
    print(f"{'case':<20}{'spikes':>7}{'rate %':>7}{'psi %':>6}{'min |s|':>10}" + "".join(f"{'|d_' + name + '|':>12}" for name in names)
          + f"{'explicit':>10}{'bytes':>8}")
    print("\n".join(lines))
    print(f"explicit: largest difference of the explicit backward equations, relative to each gradient's largest entry. {total} bytes in all.")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
