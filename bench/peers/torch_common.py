"""What the PyTorch programs share: loss, optimiser, timing."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import torch  # noqa: E402
from work import Timer, Work, arguments  # noqa: E402, F401


def prepare(threads):
    """Settings of the processor, and the seed."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    torch.set_flush_denormal(True)


def start(variants, **versions):
    """Arguments, work and timer of a program."""
    args = arguments(variants)
    prepare(args.threads)
    timer = Timer(torch=torch.__version__, **versions)
    return args, Work(args.work), timer


def loss_of(work, output, rate, label):
    """rate: spikes a step, of each neuron."""
    return torch.nn.functional.cross_entropy(output, label), work.rate_strength * ((rate / work.dt - work.rate_target_hz / 1000) ** 2).sum()


def time_training(timer, work, parameters, forward, n):
    """forward() -> (output [n_batch][n_out], rate [n_rec] in spikes a step, or None if there are no spikes)."""
    label = torch.as_tensor(work.label).long()
    adam = torch.optim.Adam(parameters, lr=0.01)

    def iteration():
        began = time.perf_counter()
        adam.zero_grad()
        output, rate = forward()
        loss, rate_loss = loss_of(work, output, rate if rate is not None else torch.zeros(1), label)
        seconds = time.perf_counter() - began
        (loss + rate_loss).backward()
        adam.step()
        return seconds, loss.item(), 0.0 if rate is None else 1000 * rate.mean().item() / work.dt

    timer.train(iteration, n)


def time_steps(timer, work, first_state, step, n):
    """step(input [1][n_in], state) -> state."""
    frames = list(torch.as_tensor(work.input[:, :1].copy()).float())

    def sequence():
        state = first_state
        with torch.inference_mode():
            for x in frames:
                state = step(x, state)

    timer.step(sequence, work.n_steps, n)
