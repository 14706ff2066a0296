"""PyTorch: the exact model, by hand (CPU, float32).

`sequence` is the careful one: an autograd Function for the whole sequence, its forward and backward equations run in place on preallocated arrays.
Senders are kept as [step][sender][sample], so that the last D steps are contiguous: the current of a step is one product with a matrix that has each
weight in its delay's slot. From D = 7 that matrix is sparse (CSR), which is faster than a dense one with zeros; the weight gradient is a dense
product. `compiled` is the same with the neurons' steps compiled by torch.compile. `loop` is what one writes without deriving the gradient: autograd
through the loop over steps, with a Function for the spike.

One precaution: PyTorch spends most of the time in matrix products, and Debian's reference BLAS, which Debian's PyTorch uses if no other is
installed, is over twenty times slower than libopenblas0-openmp.
"""
import json
import math
import warnings

import torch
from torch_common import loss_of, start, time_steps, time_training

VARIANTS = ("sequence", "compiled", "loop")
SPARSE_FROM = 7  # delays from which a product with a sparse matrix is faster than one that is dense with zeros


class Constants:
    """The network's constants. Neurons n_lif and up are adaptive."""

    def __init__(self, work):
        self.n_in, self.n_rec, self.n_delays = work.n_in, work.n_rec, work.n_delays
        self.n_lif, self.beta = int((work.beta == 0).sum()), float(work.beta.max())
        tau_a = float(work.tau_a[-1])
        one_value = (work.beta[self.n_lif :] == self.beta).all() and (work.tau_m == work.tau_m[0]).all() and (work.tau_a[self.n_lif :] == tau_a).all()
        assert one_value and work.beta[: self.n_lif].sum() == 0, "this program wants LIF neurons first, and one tau_m, tau_a and beta"
        self.alpha, self.rho, self.kappa = (math.exp(-work.dt / tau) for tau in (float(work.tau_m[0]), tau_a, work.tau_out))
        self.gain, self.v_th, self.gamma, self.n_ref = (1 - self.alpha) * work.r_m, work.v_th, work.gamma, work.n_ref
        self.window = torch.as_tensor(work.window_weights()).float()
        self.step, self.step_backward = neuron_step, neuron_step_backward


def by_slot(w, slot, n_delays):
    """Weights [n][senders] as a matrix [n][D * senders]: each weight in its slot 0..D-1, zeros elsewhere and where there is no connection."""
    slots = w.new_zeros(len(w), n_delays, w.shape[1]).scatter(1, slot.clamp(0, n_delays - 1)[:, None], w[:, None]).flatten(1)
    return slots.to_sparse_csr() if n_delays >= SPARSE_FROM else slots


def neuron_step(c, current, v, a, z, wait, z_new, threshold, slope, v_scaled):
    """One step of the neurons, in place: turns `current` into the new voltage. v and z are voltage and spikes before the step, a = beta b that of
    the adaptive neurons, `wait` the refractory steps left. Sets z_new, threshold A, slope = -psi/(gamma A), and v/A of the adaptive neurons."""
    a.mul_(c.rho).add_(z[c.n_lif :], alpha=(1 - c.rho) * c.beta)
    torch.add(a, c.v_th, out=threshold[c.n_lif :])
    current.add_(v, alpha=c.alpha).addcmul_(threshold, z, value=-1)
    ratio = current / threshold
    ratio.masked_fill_(wait > 0, -1)  # while refractory: no spike, and a slope of 0
    v_scaled.copy_(ratio[c.n_lif :])
    torch.gt(ratio, 1, out=z_new)
    wait.sub_(1).clamp_(min=0).add_(z_new, alpha=c.n_ref)
    torch.sub(ratio, 1, out=slope).abs_().sub_(1).clamp_(max=0).div_(threshold)


def neuron_step_backward(c, d_z, d_v, d_a, z, slope, v_scaled):
    """Turns d_v and d_a of the step after, in place, into d_v of the voltage and d_a of the threshold; d_z is the whole gradient of the spikes."""
    d_spike = d_z * slope
    d_v.mul_(c.alpha).add_(d_spike, alpha=-c.gamma)
    d_a.mul_(c.rho).addcmul_(d_spike[c.n_lif :], v_scaled, value=c.gamma).addcmul_(d_v[c.n_lif :], z[c.n_lif :], value=-1)


def compiled_steps(c):
    """The same two as values -> values, each of which torch.compile makes into a loop or two over the neurons."""

    @torch.compile(dynamic=False)
    def forward(current, v, a, z, wait):
        a = c.rho * a + (1 - c.rho) * c.beta * z[c.n_lif :]
        threshold = torch.cat((torch.full_like(z[: c.n_lif], c.v_th), a + c.v_th))
        v = current + c.alpha * v - threshold * z
        ratio = torch.where(wait > 0, -1.0, v / threshold)
        z = (ratio > 1).to(v.dtype)
        wait = (wait - 1).clamp(min=0) + c.n_ref * z
        return v, a, z, wait, threshold, ((ratio - 1).abs() - 1).clamp(max=0) / threshold, ratio[c.n_lif :]

    @torch.compile(dynamic=False)
    def backward(d_z, d_v, d_a, z, slope, v_scaled):
        d_spike = d_z * slope
        d_v = c.alpha * d_v - c.gamma * d_spike
        return d_v, c.rho * d_a + c.gamma * d_spike[c.n_lif :] * v_scaled - d_v[c.n_lif :] * z[c.n_lif :]

    def step(_, current, v, a, z, wait, z_new, threshold, slope, v_scaled):
        for target, value in zip((current, a, z_new, wait, threshold, slope, v_scaled), forward(current, v, a, z, wait)):
            target.copy_(value)

    def step_backward(_, d_z, d_v, d_a, z, slope, v_scaled):
        for target, value in zip((d_v, d_a), backward(d_z, d_v, d_a, z, slope, v_scaled)):
            target.copy_(value)

    return step, step_backward


class Sequence(torch.autograd.Function):
    """(x [T][n_in][B], w [n_rec][n_in + n_rec], delay likewise in 1..D, an input's counted from the step before, constants)
    -> (readout trace, mean over the window [n_rec][B]; mean rate [n_rec])."""

    @staticmethod
    def forward(context, x, w, delay, c):
        n_steps, _, n_batch = x.shape
        n_delays, n_adaptive = c.n_delays, c.n_rec - c.n_lif
        senders = x.new_zeros(n_steps + n_delays, c.n_in + c.n_rec, n_batch)  # step t receives rows t to t + D - 1
        senders[n_delays - 1 : -1, : c.n_in] = x
        z_all = senders[n_delays - 1 :, c.n_in :]  # z_all[t] is the spikes before step t
        w_slots = by_slot(w * c.gain, n_delays - delay, n_delays)
        slope_all = x.new_zeros(n_steps + n_delays, c.n_rec, n_batch)  # its last D rows: zeros for the way back
        a_all, v_scaled_all = x.new_empty(2, n_steps, n_adaptive, n_batch).unbind()
        v, current, wait, trace = x.new_zeros(4, c.n_rec, n_batch).unbind()
        a, threshold = x.new_zeros(n_adaptive, n_batch), x.new_full((c.n_rec, n_batch), c.v_th)
        for t in range(n_steps):
            torch.addmm(current, w_slots, senders[t : t + n_delays].view(-1, n_batch), beta=0, out=current)
            c.step(c, current, v, a, z_all[t], wait, z_all[t + 1], threshold, slope_all[t], v_scaled_all[t])
            v, current = current, v
            a_all[t] = a
            trace.add_(z_all[t + 1], alpha=float(c.window[t]))
        context.save_for_backward(w, delay, senders, slope_all, a_all, v_scaled_all)
        context.constants = c
        return trace, z_all[1:].mean((0, 2))

    @staticmethod
    def backward(context, d_trace, d_rate):
        w, delay, senders, slope_all, a_all, v_scaled_all = context.saved_tensors
        c = context.constants
        n_steps, _, n_batch = a_all.shape
        n_delays = c.n_delays
        z_all = senders[n_delays - 1 :, c.n_in :]
        w_back = by_slot(w[:, c.n_in :].t() * c.gain, delay[:, c.n_in :].t() - 1, n_delays)  # here the next step is in slot 0
        d_w = w.new_zeros(c.n_rec, n_delays * (c.n_in + c.n_rec))
        d_v_all = slope_all  # step by step, d_v takes the place of the slope
        d_z, d_v = w.new_zeros(2, c.n_rec, n_batch).unbind()
        d_a, threshold = w.new_zeros(c.n_rec - c.n_lif, n_batch), w.new_full((c.n_rec, n_batch), c.v_th)
        d_rate = (d_rate / (n_steps * n_batch))[:, None]
        for t in reversed(range(n_steps)):
            torch.addmm(d_z, w_back, d_v_all[t + 1 : t + 1 + n_delays].view(-1, n_batch), beta=0, out=d_z)
            d_z.add_(d_rate).add_(d_trace, alpha=float(c.window[t])).addcmul_(threshold, d_v, value=-1)  # threshold, d_v, d_a are still those of t + 1
            d_z[c.n_lif :].add_(d_a, alpha=(1 - c.rho) * c.beta)
            c.step_backward(c, d_z, d_v, d_a, z_all[t], slope_all[t], v_scaled_all[t])
            torch.add(a_all[t], c.v_th, out=threshold[c.n_lif :])
            d_v_all[t] = d_v
            d_w.addmm_(d_v, senders[t : t + n_delays].view(-1, n_batch).t())
        d_w = d_w.view(c.n_rec, n_delays, -1).gather(1, (n_delays - delay).clamp(max=n_delays - 1)[:, None])[:, 0]
        return None, d_w * (delay > 0) * c.gain, None, None


class Spike(torch.autograd.Function):
    """v/A -> spikes, with the triangular pseudo-derivative."""

    @staticmethod
    def forward(context, ratio, gamma):
        context.save_for_backward(ratio)
        context.gamma = gamma
        return (ratio > 1).to(ratio.dtype)

    @staticmethod
    def backward(context, d_z):
        (ratio,) = context.saved_tensors
        return d_z * (1 - (ratio - 1).abs()).clamp_(min=0) * context.gamma, None


def loop(x, w, delay, c):
    """The same function as Sequence, by autograd through the loop over steps."""
    n_steps, _, n_batch = x.shape
    x_rows = torch.cat((x.new_zeros(c.n_delays - 1, c.n_in, n_batch), x))
    w = w * (delay > 0) * c.gain
    w_in, w_rec = (by_dense_slot(w[:, part], c.n_delays - delay[:, part], c.n_delays) for part in (slice(c.n_in), slice(c.n_in, None)))
    v, wait, trace, silence = x.new_zeros(4, c.n_rec, n_batch).unbind()
    a, lif_threshold, spikes = x.new_zeros(c.n_rec - c.n_lif, n_batch), x.new_full((c.n_lif, n_batch), c.v_th), [silence] * c.n_delays
    for t in range(n_steps):
        current = torch.mm(w_in, x_rows[t : t + c.n_delays].view(-1, n_batch)).addmm(w_rec, torch.cat(spikes[-c.n_delays :]))
        a = torch.add(c.rho * a, spikes[-1][c.n_lif :], alpha=(1 - c.rho) * c.beta)
        threshold = torch.cat((lif_threshold, a + c.v_th))
        v = torch.addcmul(torch.add(current, v, alpha=c.alpha), threshold, spikes[-1], value=-1)
        spikes.append(Spike.apply((v / threshold).masked_fill(wait > 0, -1), c.gamma))
        wait = torch.add((wait - 1).clamp_(min=0), spikes[-1].detach(), alpha=c.n_ref)
        trace = torch.add(trace, spikes[-1], alpha=float(c.window[t]))
    return trace, torch.stack(spikes[c.n_delays :]).mean((0, 2))


def by_dense_slot(w, slot, n_delays):
    return w.new_zeros(len(w), n_delays, w.shape[1]).scatter(1, slot.clamp(0, n_delays - 1)[:, None], w[:, None]).flatten(1)


def main():
    args, work, timer = start(VARIANTS)
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
    c = Constants(work)
    if args.variant == "compiled":
        c.step, c.step_backward = compiled_steps(c)
    function = loop if args.variant == "loop" else Sequence.apply
    tensor = lambda array: torch.as_tensor(array.copy())
    w = torch.nn.Parameter(torch.cat((tensor(work.w_in), tensor(work.w_rec)), 1).float())
    delay = torch.cat((tensor(work.delay_in) + 1, tensor(work.delay_rec).clamp(min=0)), 1).long()  # 0: no connection
    readout = torch.nn.Linear(work.n_rec, work.n_out)
    with torch.no_grad():
        readout.weight.copy_(tensor(work.w_out))
        readout.bias.copy_(tensor(work.b_out))
    x = tensor(work.input).permute(0, 2, 1).float().contiguous()

    def forward():
        trace, rate = function(x, w, delay, c)
        return readout(trace.t()), rate

    if args.task == "train":
        time_training(timer, work, [w, *readout.parameters()], forward, args.iterations)
    elif args.task == "step":
        weights = by_slot(w.detach() * c.gain, c.n_delays - delay, c.n_delays)
        time_steps(timer, work, *single_steps(c, weights, readout), args.iterations)
    else:
        output, rate = forward()
        loss, rate_loss = loss_of(work, output, rate, tensor(work.label).long())
        (loss + rate_loss).backward()
        gradients = {"w_in": w.grad[:, : work.n_in], "w_rec": w.grad[:, work.n_in :], "w_out": readout.weight.grad, "b_out": readout.bias.grad}
        print(json.dumps({"difference": work.compare(loss.item(), output.detach(), gradients), "rate_hz": 1000 * rate.mean().item() / work.dt}))
        return
    timer.print(variant=args.variant)


def single_steps(c, weights, readout):
    """First state, and a function that goes one step on."""
    column = lambda n: torch.zeros(n, 1)
    state = {"recent": torch.zeros(c.n_delays, c.n_in + c.n_rec, 1), "p": column(c.n_rec)}
    v, current, wait, slope, z, z_new = (column(c.n_rec) for _ in range(6))
    a, v_scaled, threshold = column(c.n_rec - c.n_lif), column(c.n_rec - c.n_lif), torch.full((c.n_rec, 1), c.v_th)

    def step(x, state):
        nonlocal v, current, z, z_new
        recent = state["recent"]
        recent[:-1] = recent[1:].clone()
        recent[-1, : c.n_in, 0] = x[0]
        recent[-1, c.n_in :] = z
        current = torch.addmm(current, weights, recent.view(-1, 1), beta=0)
        c.step(c, current, v, a, z, wait, z_new, threshold, slope, v_scaled)
        v, current, z, z_new = current, v, z_new, z
        state["p"].lerp_(z, 1 - c.kappa)
        readout(state["p"].t())
        return state

    return state, step


if __name__ == "__main__":
    main()
