"""The model's backward equations as a plain loop in NumPy, one synapse at a time: what autograd's gradients are checked against."""

import numpy as np


def explicit_gradients(net, trace, d_output, window_start, window_stop, noise_eps=None):
    """d_output [W][B][n_out] is dL/d(output). Returns {parameter: gradient}; absent connections get 0."""
    def array(values):
        return np.stack([np.asarray(value.detach()) for value in values])

    def number(value):
        return np.asarray(value.detach())

    x, z = array(trace.x), array(trace.z)
    v, threshold, s, refractory, p = (array(values) for values in (trace.v, trace.threshold, trace.s, trace.refractory, trace.p))
    n_steps, n_batch, n_rec = v.shape
    w_rec, w_out, beta, v_th = (number(value) for value in (net.w_rec, net.w_out, net.beta, net.v_th))
    dt = number(net.dt)
    alpha, rho = np.exp(-dt / number(net.tau_m)), np.exp(-dt / number(net.tau_a))
    kappa = np.exp(-dt / number(net.tau_out)) if net.tau_out > 0 else 0.0
    by_threshold, start = net.normalise == "threshold", trace.start

    psi = np.where(refractory, 0.0, number(net.gamma) * np.maximum(0.0, 1 - np.abs(s)))
    g_y = np.zeros((n_steps,) + d_output.shape[1:])
    for w, (first, last) in enumerate(zip(window_start, window_stop)):
        g_y[first:last] += d_output[w] / (last - first)
    rate = z[start:].mean((0, 1)) / dt
    d_rate = 2 * number(net.rate_strength) * (rate - number(net.rate_target_hz) / 1000) / (n_batch * n_steps * dt)

    # One step more than there are steps: everything at the end is 0. A current past the end is 0 too, hence the room of n_delay steps.
    d_i = np.zeros((n_steps + net.n_delay, n_batch, n_rec))
    dp_next = dv_next = db_next = np.zeros((n_batch, n_rec))
    for t in range(n_steps - 1, -1, -1):
        dp = kappa * dp_next + g_y[t] @ w_out
        dz = (1 - kappa) * dp + (1 - rho) * db_next + d_rate
        if not net.detach_reset and t + 1 < n_steps:
            dz = dz - threshold[t + 1] * dv_next
        for j in range(n_rec):
            for i in range(n_rec):
                dz[:, i] += w_rec[j, i] * d_i[t + int(net.delay_rec[j, i]), :, j]
        scale = threshold[t] if by_threshold else v_th
        dv = alpha * dv_next + dz * psi[t] / scale
        d_threshold = -dz * psi[t] * v[t] / threshold[t] ** 2 if by_threshold else -dz * psi[t] / v_th
        if not net.detach_reset:
            d_threshold = d_threshold - dv * z[start + t - 1]
        db = rho * db_next + beta * d_threshold
        d_i[t] = (1 - alpha) * number(net.r_m) * dv
        dp_next, dv_next, db_next = dp, dv, db

    def synapses(senders, delay, mask):
        gradient = np.zeros(mask.shape)
        for j, i in zip(*np.nonzero(number(mask))):
            first = start - int(delay[j, i])
            gradient[j, i] = (d_i[:n_steps, :, j] * senders[first : first + n_steps, :, i]).sum()
        return gradient

    gradients = {
        "w_in": synapses(x, net.delay_in, net.mask_in),
        "w_rec": synapses(z, net.delay_rec, net.mask_rec),
        "w_out": np.einsum("tbk,tbj->kj", g_y, p) * number(net.mask_out),
        "b_out": g_y.sum((0, 1)),
    }
    if noise_eps is not None:
        gradients["noise_size"] = (d_i[:n_steps] * number(noise_eps)).sum((0, 1))
    return gradients
