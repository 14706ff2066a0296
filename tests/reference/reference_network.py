"""The network, step by step in float64, for PyTorch's autograd: slow, plain, and sharing nothing with the C engine.

Written from the model's equations alone. Index order is that of the golden files: [step][sample][neuron], weights [receiver][sender].
"""

from dataclasses import dataclass

import torch


class Spike(torch.autograd.Function):
    """Step function of s; its pseudo-derivative is gamma max(0, 1 - |s|), and 0 while refractory."""

    @staticmethod
    def forward(context, s, refractory, gamma):
        context.psi = gamma * torch.clamp(1 - s.abs(), min=0) * ~refractory
        return ((s > 0) & ~refractory).to(s.dtype)

    @staticmethod
    def backward(context, d_z):
        return d_z * context.psi, None, None


@dataclass
class Trace:
    """Every step of a run: lists of [B][n] tensors. `x` and `z` start with the steps before the run, `start` many."""

    start: int
    x: list
    z: list
    v: list
    b: list
    threshold: list
    s: list
    refractory: list
    p: list
    y: list


def currents_by_delay(weight, delay, history, t, first_delay, last_delay):
    """sum over d of W[delay == d] history(t - d)."""
    return sum(history[t - d] @ (weight * (delay == d)).T for d in range(first_delay, last_delay + 1))


def simulate(net, inputs, noise_eps=None, before=None):
    """Runs `inputs` [T][B][n_in] from rest, or from where the trace `before` ended (its values are constants then)."""
    n_batch = inputs.shape[1]
    alpha, rho = torch.exp(-net.dt / net.tau_m), torch.exp(-net.dt / net.tau_a)
    kappa = torch.exp(-net.dt / net.tau_out) if net.tau_out > 0 else torch.zeros((), dtype=torch.float64)
    start = max(net.n_delay, net.n_ref, 1)
    silence = torch.zeros(n_batch, net.n_rec, dtype=torch.float64)
    no_input = torch.zeros(n_batch, net.n_in, dtype=torch.float64)
    v = b = p = silence
    x, z = [no_input] * start, [silence] * start
    if before is not None:
        v, b, p = (values[-1].detach() for values in (before.v, before.b, before.p))
        x, z = before.x[-start:], [spikes.detach() for spikes in before.z[-start:]]
    trace = Trace(start, list(x) + list(inputs), list(z), [], [], [], [], [], [], [])
    for t in range(start, start + inputs.shape[0]):
        z_last = trace.z[t - 1]
        b = rho * b + (1 - rho) * z_last
        threshold = net.v_th + net.beta * b
        current = currents_by_delay(net.w_in, net.delay_in, trace.x, t, 0, net.n_delay - 1)
        current = current + currents_by_delay(net.w_rec, net.delay_rec, trace.z, t, 1, net.n_delay)
        if noise_eps is not None:
            current = current + net.noise_size * noise_eps[t - start]
        reset = threshold * z_last
        v = alpha * v + (1 - alpha) * net.r_m * current - (reset.detach() if net.detach_reset else reset)
        s = (v - threshold) / (threshold if net.normalise == "threshold" else net.v_th)
        refractory = sum(trace.z[t - d] for d in range(1, net.n_ref + 1)) + silence > 0
        z_now = Spike.apply(s, refractory, net.gamma)
        p = kappa * p + (1 - kappa) * z_now
        y = p @ net.w_out.T + net.b_out
        for name, value in dict(v=v, b=b, threshold=threshold, s=s, refractory=refractory, z=z_now, p=p, y=y).items():
            getattr(trace, name).append(value)
    return trace


def window_means(trace, start, stop):
    """Outputs [W][B][n_out]: means of y over steps start..stop-1."""
    y = torch.stack(trace.y)
    return torch.stack([y[first:last].mean(0) for first, last in zip(start, stop)])


def cross_entropy(output, classes):
    """Mean over the (window, sample) pairs with a class >= 0."""
    counted = classes >= 0
    return torch.nn.functional.cross_entropy(output[counted], classes[counted])


def squared_error(output, target):
    """Mean over windows, samples and outputs."""
    return ((output - target) ** 2).mean()


def rate_loss(net, trace):
    """rate_strength sum_j (f_j - f_target)^2, rates in spikes a millisecond over batch and time."""
    rate = torch.stack(trace.z[trace.start:]).mean((0, 1)) / net.dt
    return net.rate_strength * ((rate - net.rate_target_hz / 1000) ** 2).sum()
