#!/usr/bin/env python3
"""Times a training iteration of the fully connected sequential-MNIST network in PyTorch (1.13 or later, CPU, float32).

A peer for `lsnn bench`: the same model (LIF and adaptive neurons, refractory time, gradient through the reset), size, loss, rate regularisation
and Adam, and a fixed random delay for every synapse: 0 to D-1 steps from inputs, 1 to D between neurons (--delays D). Input spikes are drawn at
random: the products take the same time for any.

Two variants. `sequence` is the fast one: an autograd Function for the whole sequence, its forward and backward equations run by hand, in place
on preallocated arrays. Senders are kept as [step][sender][sample], so that the last D steps are contiguous: the current of a step is one product
with a matrix that has each weight in its delay's slot. From D = 7 that matrix is sparse (CSR), which takes a fifth off the iteration with 10
delays; the weight gradient is a dense product. `loop` is what one writes without deriving the gradient: autograd through the loop over steps,
with a Function for the spike. Seconds of processor time an iteration on one core: 1.5 (sequence, D = 1), 7.3 (sequence, D = 10), 16 (loop, D = 10;
with about 6.5 GB of memory). --check compares the gradients of both with the plain equations.

Two things decide whether the comparison is fair. The BLAS: most of the time is matrix products, and Debian's reference BLAS, which PyTorch uses
if no other is installed, is over twenty times slower (install libopenblas0-openmp; the pthread build fights PyTorch's own threads). And a quiet
machine: PyTorch's threads wait for each other at every step, so that another program on a core costs far more than its share.
"""

import argparse
import json
import math
import statistics
import sys
import time
import timeit
import warnings

import torch

N_IN, N_LIF, N_ADAPTIVE, N_OUT, N_REF, N_CUE, N_READ = 80, 120, 100, 10, 5, 56, 28
N_REC, N_SENDERS = N_LIF + N_ADAPTIVE, N_IN + N_LIF + N_ADAPTIVE
V_TH, BETA, GAMMA = 0.01, 1.8, 0.3
ALPHA, RHO, KAPPA = math.exp(-1 / 20), math.exp(-1 / 700), math.exp(-1 / 20)
SPARSE_FROM = 7  # delays from which a product with a sparse matrix is faster than one that is dense with zeros


def by_slot(w, delay, n_delays, sparse=False):
    """Weights [n][senders] with delays 1..D as a matrix [n][D * senders]: each weight in slot D - delay, zeros elsewhere."""
    slots = w.new_zeros(len(w), n_delays, w.shape[1]).scatter(1, (n_delays - delay)[:, None], w[:, None]).flatten(1)
    return slots.to_sparse_csr() if sparse else slots


def neuron_step(current, v, a, z, wait, z_new, threshold, slope, v_scaled):
    """One step of the neurons, in place: turns `current`, the scaled input current, into the new voltage. v and z are voltage and spikes before
    the step, a = beta b that of the adaptive neurons, `wait` the refractory steps left. Sets z_new, threshold A, slope = -psi/(gamma A), and v/A
    of the adaptive neurons."""
    a.mul_(RHO).add_(z[N_LIF:], alpha=(1 - RHO) * BETA)
    torch.add(a, V_TH, out=threshold[N_LIF:])
    current.add_(v, alpha=ALPHA).addcmul_(threshold, z, value=-1)
    ratio = current / threshold
    ratio.masked_fill_(wait > 0, -1)  # while refractory: no spike, and a slope of 0
    v_scaled.copy_(ratio[N_LIF:])
    torch.gt(ratio, 1, out=z_new)
    wait.sub_(1).clamp_(min=0).add_(z_new, alpha=N_REF)
    torch.sub(ratio, 1, out=slope).abs_().sub_(1).clamp_(max=0).div_(threshold)


def neuron_step_backward(d_z, d_v, d_a, z, slope, v_scaled):
    """Turns d_v and d_a of the step's results, in place, into d_v of its voltage and d_a of its threshold; d_z is the whole gradient of
    its spikes."""
    d_spike = d_z * slope
    d_v.add_(d_spike, alpha=-GAMMA)
    d_a.addcmul_(d_spike[N_LIF:], v_scaled, value=GAMMA).addcmul_(d_v[N_LIF:], z[N_LIF:], value=-1)


class Sequence(torch.autograd.Function):
    """(x [T][n_in][B], w [n_rec][n_in + n_rec], delay likewise in 1..D, an input's counted from the step before, D)
    -> (readout trace, mean over the last steps [n_rec][B]; mean rate [n_rec])."""

    @staticmethod
    def forward(context, x, w, delay, n_delays):
        n_steps, _, n_batch = x.shape
        senders = x.new_zeros(n_steps + n_delays, N_SENDERS, n_batch)  # step t receives rows t to t + D - 1
        senders[n_delays - 1 : -1, :N_IN] = x
        z_all = senders[n_delays - 1 :, N_IN:]  # z_all[t] is the spikes before step t
        w_slots = by_slot(w * (1 - ALPHA), delay, n_delays, sparse=n_delays >= SPARSE_FROM)
        slope_all = x.new_zeros(n_steps + n_delays, N_REC, n_batch)  # its last D rows: zeros for the way back
        a_all, v_scaled_all = x.new_empty(2, n_steps, N_ADAPTIVE, n_batch).unbind()
        v, current, wait, p, trace = x.new_zeros(5, N_REC, n_batch).unbind()
        a, threshold = x.new_zeros(N_ADAPTIVE, n_batch), x.new_full((N_REC, n_batch), V_TH)
        for t in range(n_steps):
            torch.addmm(current, w_slots, senders[t : t + n_delays].view(-1, n_batch), beta=0, out=current)
            neuron_step(current, v, a, z_all[t], wait, z_all[t + 1], threshold, slope_all[t], v_scaled_all[t])
            v, current = current, v
            a_all[t] = a
            p.lerp_(z_all[t + 1], 1 - KAPPA)
            if t >= n_steps - N_READ:
                trace.add_(p, alpha=1 / N_READ)
        context.save_for_backward(w, delay, senders, slope_all, a_all, v_scaled_all)
        return trace, z_all[1:].mean((0, 2))

    @staticmethod
    def backward(context, d_trace, d_rate):
        w, delay, senders, slope_all, a_all, v_scaled_all = context.saved_tensors
        n_steps, _, n_batch = a_all.shape
        n_delays = len(senders) - n_steps
        z_all = senders[n_delays - 1 :, N_IN:]
        w_rec, slot = w[:, N_IN:].t() * (1 - ALPHA), delay[:, N_IN:].t() - 1  # here the next step is in slot 0
        w_back = by_slot(w_rec, n_delays - slot, n_delays, sparse=n_delays >= SPARSE_FROM)
        d_w = w.new_zeros(N_REC, n_delays * N_SENDERS)
        d_v_all = slope_all  # step by step, d_v takes the place of the slope
        d_z, d_p, d_v = w.new_zeros(3, N_REC, n_batch).unbind()
        d_a, threshold = w.new_zeros(N_ADAPTIVE, n_batch), w.new_full((N_REC, n_batch), V_TH)
        d_rate = (d_rate / (n_steps * n_batch))[:, None]
        for t in reversed(range(n_steps)):
            if t >= n_steps - N_READ:
                d_p.add_(d_trace, alpha=1 / N_READ)
            torch.addmm(d_z, w_back, d_v_all[t + 1 : t + 1 + n_delays].view(-1, n_batch), beta=0, out=d_z)
            d_z.add_(d_rate).add_(d_p, alpha=1 - KAPPA).addcmul_(threshold, d_v, value=-1)  # d_v, d_a, threshold are still those of step t + 1
            d_z[N_LIF:].add_(d_a, alpha=(1 - RHO) * BETA)
            d_p.mul_(KAPPA)
            neuron_step_backward(d_z, d_v.mul_(ALPHA), d_a.mul_(RHO), z_all[t], slope_all[t], v_scaled_all[t])
            torch.add(a_all[t], V_TH, out=threshold[N_LIF:])
            d_v_all[t] = d_v
            d_w.addmm_(d_v, senders[t : t + n_delays].view(-1, n_batch).t())
        d_w = d_w.view(N_REC, n_delays, N_SENDERS).gather(1, (n_delays - delay)[:, None])[:, 0]
        return None, d_w * (1 - ALPHA), None, None


class Spike(torch.autograd.Function):
    """v/A -> spikes, with the triangular pseudo-derivative."""

    @staticmethod
    def forward(context, ratio):
        context.save_for_backward(ratio)
        return (ratio > 1).to(ratio.dtype)

    @staticmethod
    def backward(context, d_z):
        (ratio,) = context.saved_tensors
        return d_z * (1 - (ratio - 1).abs()).clamp_(min=0) * GAMMA


def unrolled(x, current_of):
    """Autograd through the loop over steps. current_of(t, spikes) is the current of step t, where spikes[t] are those before step t."""
    n_steps, _, n_batch = x.shape
    v, wait, p, trace, silence = x.new_zeros(5, N_REC, n_batch).unbind()
    a, lif_threshold, spikes = x.new_zeros(N_ADAPTIVE, n_batch), x.new_full((N_LIF, n_batch), V_TH), [silence]
    for t in range(n_steps):
        a = torch.add(RHO * a, spikes[t][N_LIF:], alpha=(1 - RHO) * BETA)
        threshold = torch.cat((lif_threshold, a + V_TH))
        v = torch.addcmul(torch.add(current_of(t, spikes), v, alpha=ALPHA), threshold, spikes[t], value=-1)
        spikes.append(Spike.apply((v / threshold).masked_fill(wait > 0, -1)))
        wait = torch.add((wait - 1).clamp_(min=0), spikes[-1].detach(), alpha=N_REF)
        p = torch.lerp(p, spikes[-1], 1 - KAPPA)
        if t >= n_steps - N_READ:
            trace = torch.add(trace, p, alpha=1 / N_READ)
    return trace, torch.stack(spikes[1:]).mean((0, 2))


def loop(x, w, delay, n_delays):
    """The same function as Sequence, by automatic differentiation."""
    n_batch = x.shape[2]
    x_rows = torch.cat((x.new_zeros(n_delays - 1, N_IN, n_batch), x))
    w_in, w_rec = (by_slot(w[:, part] * (1 - ALPHA), delay[:, part], n_delays) for part in (slice(N_IN), slice(N_IN, None)))

    def current_of(t, spikes):
        recent = (spikes[:1] * n_delays + spikes[-n_delays:])[-n_delays:]
        return torch.addmm(torch.mm(w_in, x_rows[t : t + n_delays].view(-1, n_batch)), w_rec, torch.cat(recent))

    return unrolled(x, current_of)


def reference(x, w, delay, n_delays):
    """The same function once more, as the equations have it: one product for each delay."""

    def current_of(t, spikes):
        each = ((w * (delay == t + 1 - s)) @ torch.cat((x[s], spikes[s])) for s in range(max(0, t + 1 - n_delays), t + 1))
        return (1 - ALPHA) * sum(each)

    return unrolled(x, current_of)


VARIANTS = {"sequence": Sequence.apply, "loop": loop}


def make_problem(args):
    """Inputs, labels, weights, delays."""
    x = (torch.rand(args.steps, N_IN, args.batch) < args.rate).to(torch.get_default_dtype())
    x[:, -1] = 0
    x[-N_CUE:, -1] = 1
    w = torch.cat((torch.randn(N_REC, N_IN) / N_IN**0.5, (torch.randn(N_REC, N_REC) / N_REC**0.5).fill_diagonal_(0)), 1)
    return x, torch.randint(N_OUT, (args.batch,)), torch.nn.Parameter(w), torch.randint(1, args.delays + 1, (N_REC, N_SENDERS))


def loss_of(trace, rate, readout, label):
    return torch.nn.functional.cross_entropy(readout(trace.t()), label) + 0.1 * ((rate - 0.01) ** 2).sum()


def check(args):
    """Loss and weight gradient of every variant against `reference`, in double precision on a small problem. Returns the exit status."""
    torch.set_default_dtype(torch.float64)
    args.steps, args.batch, worst = 30, 3, 0
    for args.delays in (1, 4, SPARSE_FROM):
        x, label, w, delay = make_problem(args)
        readout, results = torch.nn.Linear(N_REC, N_OUT), []
        for function in (reference, *VARIANTS.values()):
            trace, rate = function(x, w, delay, args.delays)
            loss = loss_of(trace, rate, readout, label)
            results.append(torch.cat((loss[None], torch.autograd.grad(loss, w)[0].flatten())).detach())
        for name, result in zip(VARIANTS, results[1:]):
            error = ((result - results[0]).abs().max() / results[0][1:].abs().max()).item()
            worst = max(worst, error if rate.mean() > 0 else math.inf)
            print(f"delays {args.delays}, {name}: loss {result[0]:.4f}, greatest error {error:.1e} of the greatest gradient")
    return 0 if worst < 1e-5 else 1


def matmul_gflops():
    """What PyTorch's BLAS does: best of three."""
    a = torch.randn(1024, 1024)
    return 2 * 1.024**3 / min(timeit.repeat(lambda: torch.mm(a, a), number=1, repeat=3))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("batch", 256), ("steps", 840), ("delays", 10), ("iterations", 3), ("threads", 2), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rate", type=float, default=0.03, help="fraction of input spikes")
    parser.add_argument("--variant", choices=VARIANTS, default="sequence")
    parser.add_argument("--check", action="store_true", help="compare gradients on a small problem instead")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    if args.check:
        sys.exit(check(args))
    gflops = matmul_gflops()
    if gflops < 20 * args.threads:
        print(f"matrix products run at {gflops:.0f} GFLOP/s: if PyTorch uses the reference BLAS, install libopenblas0-openmp", file=sys.stderr)

    x, label, w, delay = make_problem(args)
    w.register_hook(lambda gradient: torch.cat((gradient[:, :N_IN], gradient[:, N_IN:].clone().fill_diagonal_(0)), 1))
    readout = torch.nn.Linear(N_REC, N_OUT)
    adam = torch.optim.Adam([w, *readout.parameters()], lr=0.01)

    seconds = []
    for _ in range(1 + args.iterations):  # the first warms up
        start = time.perf_counter()
        adam.zero_grad()
        trace, rate = VARIANTS[args.variant](x, w, delay, args.delays)
        loss = loss_of(trace, rate, readout, label)
        loss.backward()
        adam.step()
        seconds.append(time.perf_counter() - start)
    result = {"variant": args.variant, "delays": args.delays, "batch": args.batch, "steps": args.steps, "threads": args.threads,
              "torch": torch.__version__, "matmul_gflops": round(gflops, 1), "rate_hz": round(1000 * rate.mean().item(), 2),
              "loss": round(loss.item(), 4), "iteration_seconds": round(statistics.median(seconds[1:]), 4),
              "all_seconds": [round(value, 4) for value in seconds]}
    if args.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:<18}{value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
