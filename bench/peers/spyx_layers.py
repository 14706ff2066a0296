"""Spyx (JAX, Flax NNX): its recurrent LIF layer, and its adaptive LIF neuron with a feedback product around it, for which Spyx has no layer."""
import math
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from work import Timer, Work, arguments  # noqa: E402


def main():
    args = arguments(("rlif", "alif"))
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    from importlib.metadata import version

    import jax
    import jax.numpy as jnp
    import optax
    import spyx
    from flax import nnx

    timer = Timer(jax=jax.__version__, spyx=version("spyx"), flax=version("flax"))
    work = Work(args.work)
    size, rngs = (work.n_rec,), nnx.Rngs(1)

    class Feedback(nnx.Module):
        """Spyx's adaptive neuron, with its spikes of the step before as input."""

        def __init__(self):
            self.neuron = spyx.nn.ALIF(size, math.exp(-1 / 20), math.exp(-1 / 700), 1.5, spyx.axn.triangular(), rngs=rngs)
            self.recurrent = nnx.Linear(*size, *size, use_bias=False, rngs=rngs)

        def __call__(self, x, state):
            cells, z = state
            z, cells = self.neuron(x + self.recurrent(z), cells)
            return z, (cells, z)

        def initial_state(self, n_batch):
            return self.neuron.initial_state(n_batch), jnp.zeros((n_batch, *size))

    class Network(nnx.Module):
        def __init__(self):
            self.input = nnx.Linear(work.n_in, *size, use_bias=False, rngs=rngs)
            recurrent = spyx.nn.RLIF(size, math.exp(-1 / 20), 2.0, spyx.axn.triangular(), rngs=rngs)
            self.layer = Feedback() if args.variant == "alif" else recurrent
            self.readout = nnx.Linear(*size, work.n_out, rngs=rngs)

        def __call__(self, x):
            spikes, _ = spyx.nn.run(self.layer, self.input(x))  # the currents of all steps: one product
            return self.readout(jnp.tensordot(window, spikes, 1)), spikes.mean((0, 1)) / work.dt

    window, model = jnp.asarray(work.window_weights(), "float32"), Network()
    x, label = jnp.asarray(work.input, "float32"), jnp.asarray(work.label)
    optimizer = nnx.Optimizer(model, optax.adam(0.01), wrt=nnx.Param)

    def loss_of(model, x):
        output, rate = model(x)
        loss = optax.softmax_cross_entropy_with_integer_labels(output, label).mean()
        return loss + work.rate_strength * jnp.sum((rate - work.rate_target_hz / 1000) ** 2), 1000 * rate.mean()

    @nnx.jit
    def iteration(model, optimizer, x):
        (loss, rate), gradient = nnx.value_and_grad(loss_of, has_aux=True)(model, x)
        optimizer.update(model, gradient)
        return loss, rate

    def timed():
        return None, *jax.block_until_ready(iteration(model, optimizer, x))

    if args.task == "train":
        timer.train(timed, args.iterations, warm_ups=4)  # types of the optimiser's state settle late: the first three compile
        forward = nnx.jit(lambda model, x: loss_of(model, x)[0])
        jax.block_until_ready(forward(model, x))
        began = time.perf_counter()
        jax.block_until_ready(forward(model, x))
        timer.result["forward_seconds"] = time.perf_counter() - began
    else:
        graph, values = nnx.split(model)
        kappa, frames = math.exp(-work.dt / work.tau_out), list(work.input[:, :1].astype("float32"))

        @jax.jit
        def one(values, state, trace, x):
            model = nnx.merge(graph, values)
            z, state = model.layer(model.input(x), state)
            trace = kappa * trace + (1 - kappa) * z
            return state, trace, model.readout(trace)

        def sequence():
            state, trace = model.layer.initial_state(1), jnp.zeros((1, *size))
            for x in frames:
                state, trace, y = one(values, state, trace, x)
                jax.block_until_ready(y)

        timer.step(sequence, work.n_steps, args.iterations)
    timer.print(variant=args.variant)


if __name__ == "__main__":
    main()
