"""JAX: the exact model, as a scan over steps (jit, float32, all cores).

Three variants. `autodiff` is what one writes first: JAX differentiates the scan, and only the spike has a derivative of its own. It is also what lsnn's
gradients are compared with. `gather` and `each` have the reverse scan written out, so that it keeps three numbers a neuron and step, and sums the
weights' gradient up in place. They hold the spikes of inputs and neurons as [step][sender][sample], so that the last D steps lie side by side: in
`gather`, the current of a step is one product with a matrix that has each weight in its delay's slot and zeros elsewhere; in `each`, D products.
"""
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from work import Timer, Work, arguments  # noqa: E402

VARIANTS = ("gather", "each", "autodiff")


class Model:
    """The network of a work file in JAX. parameters: w_in, w_rec, w_out, b_out as lsnn has them."""

    def __init__(self, work, variant, dtype="float32"):
        import jax
        import jax.numpy as jnp

        self.jax, self.jnp, self.work, self.variant, self.dtype = jax, jnp, work, variant, dtype
        array = lambda values: jnp.asarray(values, dtype)
        self.parameters = {name: array(getattr(work, name)) for name in ("w_in", "w_rec", "w_out", "b_out")}
        decay = lambda tau: jnp.exp(-work.dt / array(tau))[:, None]
        self.alpha, self.rho, self.beta = decay(work.tau_m), decay(work.tau_a), array(work.beta)[:, None]
        self.gain = (1 - self.alpha) * work.r_m
        self.n_senders = work.n_in + work.n_rec
        # Delays of all senders counted from the newest spikes before the step: 1 .. D. 0: no connection.
        self.delay = jnp.concatenate((jnp.asarray(work.delay_in) + 1, jnp.maximum(jnp.asarray(work.delay_rec), 0)), 1)
        self.window = array(work.window_weights())
        self.simulate = self.by_autodiff if variant == "autodiff" else self.by_hand()

        @jax.custom_jvp
        def spike(s, ready):
            return (s > 0).astype(s.dtype) * ready

        @spike.defjvp
        def spike_jvp(primals, tangents):
            return spike(*primals), self.pseudo(*primals) * tangents[0]

        self.spike = spike

    def pseudo(self, s, ready):
        return self.work.gamma * self.jnp.maximum(0, 1 - self.jnp.abs(s)) * ready

    def rest(self, n_batch):
        """v, b, z, refractory steps left: [n_rec][n_batch]."""
        return (self.jnp.zeros((self.work.n_rec, n_batch), self.dtype),) * 4

    def neurons(self, cells, current):
        """One step of the neurons. Returns the new cells, and s, threshold, ready."""
        jnp = self.jnp
        v, b, z, wait = cells
        b = self.rho * b + (1 - self.rho) * z
        threshold = self.work.v_th + self.beta * b
        v = self.alpha * v + self.gain * current - threshold * z
        s, ready = (v - threshold) / threshold, (wait <= 0).astype(v.dtype)
        z = self.spike(s, ready)
        wait = self.jax.lax.stop_gradient(jnp.where(z > 0, float(self.work.n_ref), jnp.maximum(wait - 1, 0)).astype(v.dtype))
        return (v, b, z, wait), (s, threshold, ready)

    def slots(self, w, slot_of):
        """[D][rows][columns]: each weight in its slot, zeros elsewhere."""
        return self.jnp.stack([self.jnp.where(slot_of == k, w, 0) for k in range(self.work.n_delays)])

    def product(self, w, window):
        """sum over slots of w[k] window[k]; w as arrange() makes it."""
        if self.variant == "each":
            return sum(w[k] @ window[k] for k in range(len(window)))
        return w @ window.reshape(-1, window.shape[-1])

    def arrange(self, slots):
        return slots if self.variant == "each" else slots.transpose(1, 0, 2).reshape(slots.shape[1], -1)

    def forward_weights(self, w):
        """The oldest spikes are in slot 0."""
        return self.arrange(self.slots(w, self.work.n_delays - self.delay))

    def by_autodiff(self, w, x):
        """w [n_rec][n_in + n_rec], x [n_steps][n_in][n_batch] -> spikes [n_steps][n_rec][n_batch]."""
        jnp, lax, work = self.jnp, self.jax.lax, self.work
        weights = self.forward_weights(w)

        def step(state, x_now):
            cells, recent = state
            recent = jnp.concatenate((recent[1:], jnp.concatenate((x_now, cells[2]))[None]))
            cells, _ = self.neurons(cells, self.product(weights, recent))
            return (cells, recent), cells[2]

        nothing = jnp.zeros((work.n_delays, self.n_senders, x.shape[2]), self.dtype)
        return lax.scan(step, (self.rest(x.shape[2]), nothing), x)[1]

    def by_hand(self):
        """The same function, with its reverse written out."""
        jax, jnp, lax, work = self.jax, self.jnp, self.jax.lax, self.work
        n_delays, n_in = work.n_delays, work.n_in

        def run(w, x):
            n_steps, _, n_batch = x.shape
            weights = self.forward_weights(w)
            senders = jnp.zeros((n_steps + n_delays, self.n_senders, n_batch), self.dtype)
            senders = senders.at[n_delays - 1 : -1, :n_in].set(x)

            def step(state, t):
                cells, senders = state
                window = lax.dynamic_slice_in_dim(senders, t, n_delays)
                cells, (s, threshold, ready) = self.neurons(cells, self.product(weights, window))
                senders = lax.dynamic_update_slice(senders, cells[2][None], (t + n_delays, n_in, 0))
                return (cells, senders), (self.pseudo(s, ready) / threshold, threshold, s + 1)

            (_, senders), kept = lax.scan(step, (self.rest(n_batch), senders), jnp.arange(n_steps))
            return senders[n_delays:, n_in:], (w, senders, kept)

        def reverse(saved, d_spikes):
            w, senders, (slope_all, threshold_all, v_scaled_all) = saved
            n_steps, n_rec, n_batch = d_spikes.shape
            back = self.arrange(self.slots(w[:, n_in:], self.delay[:, n_in:] - 1).transpose(0, 2, 1))  # the next step is in slot 0

            def step(state, of_step):
                d_v, d_b, threshold_next, d_current_all, d_w = state
                t, d_z, slope, threshold, v_scaled = of_step
                d_z = d_z + self.product(back, lax.dynamic_slice_in_dim(d_current_all, t + 1, n_delays))
                d_z = d_z + (1 - self.rho) * d_b - threshold_next * d_v
                d_s = d_z * slope
                d_v = self.alpha * d_v + d_s
                window = lax.dynamic_slice_in_dim(senders, t, n_delays)
                d_b = self.rho * d_b - self.beta * (d_s * v_scaled + d_v * window[-1, n_in:])
                d_current = self.gain * d_v
                d_current_all = lax.dynamic_update_slice_in_dim(d_current_all, d_current[None], t, 0)
                if self.variant == "each":
                    d_w = d_w + jnp.stack([window[k] @ d_current.T for k in range(n_delays)])
                else:
                    d_w = d_w + window.reshape(-1, n_batch) @ d_current.T
                return (d_v, d_b, threshold, d_current_all, d_w), None

            nothing = jnp.zeros((n_rec, n_batch), self.dtype)
            shape = (n_delays, self.n_senders, n_rec) if self.variant == "each" else (n_delays * self.n_senders, n_rec)
            state = (nothing, nothing, nothing, jnp.zeros((n_steps + n_delays, n_rec, n_batch), self.dtype), jnp.zeros(shape, self.dtype))
            d_w = lax.scan(step, state, (jnp.arange(n_steps), d_spikes, slope_all, threshold_all, v_scaled_all), reverse=True)[0][4]
            d_w = d_w.reshape(n_delays, self.n_senders, n_rec).transpose(0, 2, 1)
            return sum(jnp.where(self.delay == n_delays - k, d_w[k], 0) for k in range(n_delays)), None

        simulate = jax.custom_vjp(lambda w, x: run(w, x)[0])
        simulate.defvjp(run, reverse)
        return simulate

    def loss(self, parameters, x, label):
        """x [n_steps][n_in][n_batch] -> loss, (its two terms, output [n_batch][n_out], rate in Hz)."""
        jax, jnp, work = self.jax, self.jnp, self.work
        spikes = self.simulate(jnp.concatenate((parameters["w_in"], parameters["w_rec"]), 1), x)
        trace = jnp.tensordot(self.window, spikes, 1)
        output = (parameters["w_out"] @ trace).T + parameters["b_out"]
        cross_entropy = -jnp.take_along_axis(jax.nn.log_softmax(output), label[:, None], 1).mean()
        rate = spikes.mean((0, 2)) / work.dt
        rate_loss = work.rate_strength * jnp.sum((rate - work.rate_target_hz / 1000) ** 2)
        return cross_entropy + rate_loss, (cross_entropy, rate_loss, output, 1000 * rate.mean())

    def inputs(self):
        return self.jnp.asarray(self.work.input.transpose(0, 2, 1), self.dtype), self.jnp.asarray(self.work.label)


def adam(jnp, parameters, moments, gradients, step, rate=0.01):
    """(parameters, moments, gradients) as dictionaries -> (parameters, moments)."""

    def update(p, m, v, g):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        return p - rate * (m / (1 - 0.9**step)) / (jnp.sqrt(v / (1 - 0.999**step)) + 1e-8), (m, v)

    new = {name: update(parameters[name], *moments[name], gradients[name]) for name in parameters}
    return {name: pair[0] for name, pair in new.items()}, {name: pair[1] for name, pair in new.items()}


def time_training(model, timer, n):
    jax, jnp = model.jax, model.jnp
    x, label = model.inputs()

    @jax.jit
    def iteration(parameters, moments, step, x):
        (loss, aux), gradients = jax.value_and_grad(model.loss, has_aux=True)(parameters, x, label)
        return *adam(jnp, parameters, moments, gradients, step), loss, aux[3]

    state = [model.parameters, {name: (jnp.zeros_like(p),) * 2 for name, p in model.parameters.items()}, 0]

    def timed():
        state[2] += 1
        state[0], state[1], loss, rate = jax.block_until_ready(iteration(*state[:2], float(state[2]), x))
        return None, loss, rate

    timer.train(timed, n)
    forward = jax.jit(lambda parameters, x: model.loss(parameters, x, label)[0])
    jax.block_until_ready(forward(state[0], x))
    began = time.perf_counter()
    jax.block_until_ready(forward(state[0], x))
    timer.result["forward_seconds"] = time.perf_counter() - began


def time_steps(model, timer, n):
    """Step by step: a step's input spikes go in, the class scores come out."""
    jax, jnp, work = model.jax, model.jnp, model.work
    kappa = jnp.exp(-work.dt / work.tau_out) if work.tau_out > 0 else 0.0
    parameters = model.parameters
    weights = model.forward_weights(jnp.concatenate((parameters["w_in"], parameters["w_rec"]), 1))

    @jax.jit
    def one(cells, recent, trace, x):
        recent = jnp.concatenate((recent[1:], jnp.concatenate((x.astype(model.dtype)[:, None], cells[2]))[None]))
        cells, _ = model.neurons(cells, model.product(weights, recent))
        trace = kappa * trace + (1 - kappa) * cells[2]
        return cells, recent, trace, (parameters["w_out"] @ trace)[:, 0] + parameters["b_out"]

    frames = list(work.input[:, 0])

    def sequence():
        cells, recent = model.rest(1), jnp.zeros((work.n_delays, model.n_senders, 1), model.dtype)
        trace = cells[0]
        for x in frames:
            cells, recent, trace, y = one(cells, recent, trace, x)
            jax.block_until_ready(y)

    timer.step(sequence, work.n_steps, n)


def check(model):
    """The differences from lsnn's loss (without the rate's), output and gradients."""
    x, label = model.inputs()
    (_, aux), gradients = model.jax.jit(model.jax.value_and_grad(model.loss, has_aux=True))(model.parameters, x, label)
    return {"difference": model.work.compare(aux[0], aux[2], gradients), "rate_hz": float(aux[3])}


def main():
    args = arguments(VARIANTS)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])  # XLA makes a thread for each core that it may use
    import jax

    if args.task == "check":  # in double precision: what is left is lsnn's own rounding
        jax.config.update("jax_enable_x64", True)
        print(json.dumps(check(Model(Work(args.work), args.variant, "float64"))))
        return
    timer = Timer(jax=jax.__version__)
    model = Model(Work(args.work), args.variant)
    (time_training if args.task == "train" else time_steps)(model, timer, args.iterations)
    timer.print(variant=args.variant)


if __name__ == "__main__":
    main()
