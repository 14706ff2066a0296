"""Libraries on PyTorch, each as its documentation recommends, and PyTorch's own LSTM.

A library's recurrent layer gets the same input spikes; the readout is the same leaky trace, averaged over the same window, and the loss and the
optimiser are the same. The layers' models are smaller than lsnn's: bench/run.py's table says by what. Weights are scaled until the neurons fire at
about the rate that is asked for, which does not change what dense products cost.
"""
import math
from importlib.metadata import version

import torch
from torch_common import start, time_steps, time_training


class Layer(torch.nn.Module):
    """A recurrent layer between a scale for its input and a readout."""

    def __init__(self, work, n_rec):
        super().__init__()
        self.readout = torch.nn.Linear(n_rec, work.n_out)
        self.window = torch.as_tensor(work.window_weights()).float()
        self.kappa = math.exp(-work.dt / work.tau_out)

    def read(self, spikes):
        """[n_steps][n_batch][n_rec] -> output, rate."""
        return self.readout(torch.tensordot(self.window, spikes, 1)), spikes.mean((0, 1))

    def trace(self, trace, z):
        return torch.lerp(z, trace, self.kappa)


class Norse(Layer):
    """LSNNRecurrent: LIF neurons with synaptic currents and adaptive thresholds; it loops over the sequence itself."""

    def __init__(self, work):
        from norse.torch.functional.lsnn import LSNNParameters
        from norse.torch.module.lsnn import LSNNRecurrent

        super().__init__(work, work.n_rec)
        constants = {"tau_syn_inv": 1 / 5e-3, "tau_mem_inv": 1 / 20e-3, "tau_adapt_inv": 1 / 700e-3, "v_th": 0.1}
        self.layer = LSNNRecurrent(work.n_in, work.n_rec, LSNNParameters(**{k: torch.as_tensor(v) for k, v in constants.items()}))

    def forward(self, x):
        return self.read(self.layer(x)[0])

    def first(self):
        return None, torch.zeros(1, self.readout.in_features)

    def step(self, x, state):
        spikes, cells = self.layer(x[None], state[0])
        trace = self.trace(state[1], spikes[0])
        self.readout(trace)
        return cells, trace


class SnnTorch(Layer):
    """RLeaky: a LIF neuron with all-to-all feedback through a linear layer; the loop over steps is the user's."""

    def __init__(self, work):
        import snntorch

        super().__init__(work, work.n_rec)
        self.input = torch.nn.Linear(work.n_in, work.n_rec, bias=False)
        self.layer = snntorch.RLeaky(beta=math.exp(-1 / 20), linear_features=work.n_rec, threshold=1.5)

    def forward(self, x):
        spikes, (z, v) = [], self.layer.reset_mem()
        current = self.input(x)  # of all steps: one product
        for now in current:
            z, v = self.layer(now, z, v)
            spikes.append(z)
        return self.read(torch.stack(spikes))

    def first(self):
        return (*self.layer.reset_mem(), torch.zeros(1, self.readout.in_features))

    def step(self, x, state):
        z, v = self.layer(self.input(x), *state[:2])
        trace = self.trace(state[2], z)
        self.readout(trace)
        return z, v, trace


class Sinabs(Layer):
    """ALIFRecurrent: adaptive thresholds, feedback through a linear layer; it loops over the sequence itself."""

    def __init__(self, work):
        from sinabs.layers import ALIFRecurrent

        super().__init__(work, work.n_rec)
        self.input = torch.nn.Linear(work.n_in, work.n_rec, bias=False)
        feedback = torch.nn.Linear(work.n_rec, work.n_rec, bias=False)
        self.layer = ALIFRecurrent(20.0, 700.0, rec_connect=feedback, spike_threshold=torch.tensor(0.08))

    def forward(self, x):
        self.layer.reset_states()
        return self.read(self.layer(self.input(x).transpose(0, 1)).transpose(0, 1))

    def first(self):
        self.layer.reset_states()
        return torch.zeros(1, self.readout.in_features)

    def step(self, x, trace):  # the layer keeps its state, but forgets its feedback between calls: the cost is the same, the spikes are not
        trace = self.trace(trace, self.layer(self.input(x)[:, None])[:, 0])
        self.readout(trace)
        return trace


class Frames:
    """A sequence [n_steps][n_batch][n] that can be read as sequence[:, t] only."""

    def __init__(self, sequence):
        self.frames, self.device = sequence.unbind(0), sequence.device
        self.shape = (sequence.shape[1], sequence.shape[0], sequence.shape[2])

    def __getitem__(self, index):
        return self.frames[index[1]]


class SinabsFrames(Sinabs):
    """The layer reads its input as input[:, t], for which autograd adds a gradient as large as the whole input at every step: time that grows with the
    square of the steps. Given the frames one by one, the same layer does not."""

    def forward(self, x):
        self.layer.reset_states()
        return self.read(self.layer(Frames(self.input(x))).transpose(0, 1))


class Lstm(Layer):
    """torch.nn.LSTM with 128 units, whose loop over steps is PyTorch's own C++; no spikes. The readout sees the mean over the window."""

    def __init__(self, work):
        super().__init__(work, 128)
        self.layer = torch.nn.LSTM(work.n_in, 128)
        self.window = torch.zeros(work.n_steps)
        self.window[work.start : work.stop] = 1 / (work.stop - work.start)

    def forward(self, x):
        return self.read(self.layer(x)[0])[0], None

    def first(self):
        return (torch.zeros(1, 1, 128), torch.zeros(1, 1, 128))

    def step(self, x, state):
        y, state = self.layer(x[None], state)
        self.readout(y[0])
        return state


LAYERS = {"norse": Norse, "snntorch": SnnTorch, "sinabs": Sinabs, "frames": SinabsFrames, "lstm": Lstm}


def main():
    args, work, timer = start(tuple(LAYERS))
    if args.variant != "lstm":
        name = "sinabs" if args.variant == "frames" else args.variant
        timer.result["versions"][name] = version(name)
    layer = LAYERS[args.variant](work)
    if args.task == "train":
        x = torch.as_tensor(work.input.copy()).float()
        time_training(timer, work, layer.parameters(), lambda: layer(x), args.iterations)
    else:
        time_steps(timer, work, layer.first(), layer.step, args.iterations)
    timer.print(variant=args.variant)


if __name__ == "__main__":
    main()
