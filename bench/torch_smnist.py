#!/usr/bin/env python3
"""Times a training iteration of the fully connected sequential-MNIST network in PyTorch (1.13 or later, CPU, float32).

A peer for `lsnn bench`: the same model (LIF and adaptive neurons, refractory time, gradient through the reset), size, loss, rate regularisation
and Adam, with delay 1 for every synapse. Input spikes are drawn at random: dense arithmetic takes the same time for any.

How: one autograd Function for the whole sequence. Forward and backward equations run by hand, step by step, in place on preallocated arrays;
the input product and each weight gradient are one matrix product over all steps. Of three variants this is the simplest of the fastest: in
seconds of processor time an iteration on one core, 1.75; with torch.jit.script around the neuron step 1.73 (no real difference: without LLVM
nothing is fused on a CPU); with one autograd Function a neuron step, and autograd through the loop over steps, 2.2.

Two things decide whether the comparison is fair. The BLAS: half of the time is matrix products, and Debian's reference BLAS, which PyTorch uses
if no other is installed, is over twenty times slower (install libopenblas0-openmp; the pthread build fights PyTorch's own threads). And a quiet
machine: PyTorch's threads wait for each other at every step, so that another program on a core costs far more than its share.
"""

import argparse
import json
import math
import statistics
import sys
import time

import torch

N_IN, N_LIF, N_ADAPTIVE, N_OUT, N_REF, N_CUE, N_READ = 80, 120, 100, 10, 5, 56, 28
N_REC, ADAPTIVE = N_LIF + N_ADAPTIVE, slice(N_LIF, None)
V_TH, BETA, GAMMA = 0.01, 1.8, 0.3
ALPHA, RHO, KAPPA = math.exp(-1 / 20), math.exp(-1 / 700), math.exp(-1 / 20)


def neuron_step(current, v, a, z, wait, v_new, z_new, threshold, slope, v_scaled):
    """One step of the neurons, in place. `current` is the scaled input current, a = beta b that of the adaptive neurons, `wait` the
    refractory steps left. Sets v_new, z_new, threshold A, slope = -psi/(gamma A), and v/A of the adaptive neurons; current and v_new
    may be the same array."""
    a.mul_(RHO).add_(z[:, ADAPTIVE], alpha=(1 - RHO) * BETA)
    torch.add(a, V_TH, out=threshold[:, ADAPTIVE])
    torch.add(current, v, alpha=ALPHA, out=v_new).addcmul_(threshold, z, value=-1)
    ratio = v_new / threshold
    ratio.masked_fill_(wait > 0, -1)  # while refractory: no spike, and a slope of 0
    v_scaled.copy_(ratio[:, ADAPTIVE])
    torch.gt(ratio, 1, out=z_new)
    wait.sub_(1).clamp_(min=0).add_(z_new, alpha=N_REF)
    torch.sub(ratio, 1, out=slope).abs_().sub_(1).clamp_(max=0).div_(threshold)


def neuron_step_backward(d_z, d_v, d_a, z, slope, v_scaled):
    """Turns d_v and d_a of the step's results, in place, into d_v of its voltage and d_a of its threshold; d_z is the whole gradient of
    its spikes."""
    d_spike = d_z * slope
    d_v.add_(d_spike, alpha=-GAMMA)
    d_a.addcmul_(d_spike[:, ADAPTIVE], v_scaled, value=GAMMA).addcmul_(d_v[:, ADAPTIVE], z[:, ADAPTIVE], value=-1)


class Sequence(torch.autograd.Function):
    """(x [T][B][n_in], W_in, W_rec) -> (readout trace, mean over the last steps [B][n_rec]; mean rate [n_rec])."""

    @staticmethod
    def forward(context, x, w_in, w_rec):
        n_steps, n_batch, _ = x.shape
        v_all = torch.mm(x.view(-1, N_IN), w_in.t() * (1 - ALPHA)).view(n_steps, n_batch, N_REC)
        w = (w_rec * (1 - ALPHA)).t().contiguous()
        slope_all = torch.empty_like(v_all)
        z_all = torch.zeros(n_steps + 1, n_batch, N_REC)  # z_all[t] is the spikes before step t
        a_all, v_scaled_all = torch.empty(2, n_steps, n_batch, N_ADAPTIVE).unbind()
        v, wait, p, trace = torch.zeros(4, n_batch, N_REC).unbind()
        a, threshold = torch.zeros(n_batch, N_ADAPTIVE), torch.full((n_batch, N_REC), V_TH)
        for t in range(n_steps):
            v_all[t].addmm_(z_all[t], w)
            neuron_step(v_all[t], v, a, z_all[t], wait, v_all[t], z_all[t + 1], threshold, slope_all[t], v_scaled_all[t])
            v = v_all[t]
            a_all[t] = a
            p.lerp_(z_all[t + 1], 1 - KAPPA)
            if t >= n_steps - N_READ:
                trace.add_(p, alpha=1 / N_READ)
        context.save_for_backward(x, w_rec, z_all, slope_all, a_all, v_scaled_all)
        return trace, z_all[1:].mean((0, 1))

    @staticmethod
    def backward(context, d_trace, d_rate):
        x, w_rec, z_all, slope_all, a_all, v_scaled_all = context.saved_tensors
        n_steps, n_batch, _ = x.shape
        w = w_rec * (1 - ALPHA)
        d_v_all = slope_all  # step by step, d_v takes the place of the slope
        d_z, d_p, d_v = torch.zeros(3, n_batch, N_REC).unbind()
        d_a, threshold = torch.zeros(n_batch, N_ADAPTIVE), torch.full((n_batch, N_REC), V_TH)
        d_rate = (d_rate / (n_steps * n_batch)).expand(n_batch, N_REC)
        for t in reversed(range(n_steps)):
            if t >= n_steps - N_READ:
                d_p.add_(d_trace, alpha=1 / N_READ)
            torch.add(d_rate, d_p, alpha=1 - KAPPA, out=d_z)
            d_p.mul_(KAPPA)
            d_z.addmm_(d_v, w).addcmul_(threshold, d_v, value=-1)  # d_v, d_a, threshold are still those of step t + 1
            d_z[:, ADAPTIVE].add_(d_a, alpha=(1 - RHO) * BETA)
            neuron_step_backward(d_z, d_v.mul_(ALPHA), d_a.mul_(RHO), z_all[t], slope_all[t], v_scaled_all[t])
            torch.add(a_all[t], V_TH, out=threshold[:, ADAPTIVE])
            d_v_all[t] = d_v
        d_current = d_v_all.view(-1, N_REC).t()
        d_w_in, d_w_rec = (torch.mm(d_current, senders.flatten(0, 1)) * (1 - ALPHA) for senders in (x, z_all[:-1]))
        return None, d_w_in, d_w_rec


def matmul_gflops():
    """What PyTorch's BLAS does: best of three."""
    a, best = torch.randn(1024, 1024), math.inf
    for _ in range(3):
        start = time.perf_counter()
        torch.mm(a, a)
        best = min(best, time.perf_counter() - start)
    return 2 * 1.024**3 / best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("batch", 256), ("steps", 840), ("iterations", 3), ("threads", 2), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rate", type=float, default=0.03, help="fraction of input spikes")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    gflops = matmul_gflops()
    if gflops < 20 * args.threads:
        print(f"matrix products run at {gflops:.0f} GFLOP/s: if PyTorch uses the reference BLAS, install libopenblas0-openmp", file=sys.stderr)

    x = (torch.rand(args.steps, args.batch, N_IN) < args.rate).float()
    x[:, :, -1] = 0
    x[-N_CUE:, :, -1] = 1
    label = torch.randint(N_OUT, (args.batch,))
    w_in = torch.nn.Parameter(torch.randn(N_REC, N_IN) / N_IN**0.5)
    w_rec = torch.nn.Parameter((torch.randn(N_REC, N_REC) / N_REC**0.5).fill_diagonal_(0))
    w_rec.register_hook(lambda gradient: gradient.fill_diagonal_(0))
    readout = torch.nn.Linear(N_REC, N_OUT)
    adam = torch.optim.Adam([w_in, w_rec, *readout.parameters()], lr=0.01)

    seconds = []
    for _ in range(1 + args.iterations):  # the first warms up
        start = time.perf_counter()
        adam.zero_grad()
        trace, rate = Sequence.apply(x, w_in, w_rec)
        loss = torch.nn.functional.cross_entropy(readout(trace), label) + 0.1 * ((rate - 0.01) ** 2).sum()
        loss.backward()
        adam.step()
        seconds.append(time.perf_counter() - start)
    result = {"batch": args.batch, "steps": args.steps, "threads": args.threads, "torch": torch.__version__,
              "matmul_gflops": round(gflops, 1), "rate_hz": round(1000 * rate.mean().item(), 2), "loss": round(loss.item(), 4),
              "iteration_seconds": round(statistics.median(seconds[1:]), 4), "all_seconds": [round(value, 4) for value in seconds]}
    if args.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:<18}{value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
