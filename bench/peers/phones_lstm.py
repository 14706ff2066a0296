"""PyTorch's own LSTM with 200 units in each direction, trained on frames of phones: what one would use in place of `lsnn train timit-lstm`.

Its input is noise: an iteration takes the same time for any numbers. Features of 39 numbers a frame, 61 phones, cross entropy of every frame, clipped gradients, Adam.
"""
import argparse

import torch_common
import torch
from work import Timer

N_FEATURES, N_PHONES, N_UNITS = 39, 61, 200


def main():
    parser = argparse.ArgumentParser()
    for name in ("threads", "batch", "frames", "iterations"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    torch_common.prepare(args.threads)
    timer = Timer(torch=torch.__version__)
    lstm = torch.nn.LSTM(N_FEATURES, N_UNITS, bidirectional=True)
    readout = torch.nn.Linear(2 * N_UNITS, N_PHONES)
    parameters = [*lstm.parameters(), *readout.parameters()]
    adam = torch.optim.Adam(parameters, lr=0.01)
    frames = torch.randn(args.frames, args.batch, N_FEATURES)
    phones = torch.randint(N_PHONES, (args.frames * args.batch,))

    def iteration():
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(readout(lstm(frames)[0]).flatten(0, 1), phones)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1)
        adam.step()
        return None, loss.item(), 0.0

    timer.train(iteration, args.iterations)
    timer.print()


if __name__ == "__main__":
    main()
