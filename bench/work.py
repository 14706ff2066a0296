"""The work that every program is given, and how it is timed.

A work file (`lsnn bench --set ... --write FILE`, safetensors) holds input spikes, labels, and the network of lsnn with its gradients. Programs that
have the same model take all of it; the others take the input and the labels.
"""
import argparse
import json
import resource
import statistics
import time

import numpy as np

TOO_LONG = 120  # seconds: an iteration that takes longer is not repeated


class Work:
    """Arrays as attributes (`gradient.w_in` as gradient_w_in); settings of the metadata as numbers."""

    def __init__(self, path):
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            data = file.read()
        for name, entry in header.items():
            if name == "__metadata__":
                self.metadata = {key: number(text) for key, text in entry.items()}
                self.__dict__.update(self.metadata)
            else:
                first, last = entry["data_offsets"]
                kind = {"F64": "<f8", "F32": "<f4", "I32": "<i4", "U8": "u1", "I64": "<i8"}[entry["dtype"]]
                self.__dict__[name.replace(".", "_")] = np.frombuffer(data[first:last], kind).reshape(entry["shape"])
        self.label = getattr(self, "class").astype(np.int32)
        self.n_steps, self.n_batch, self.n_in = self.input.shape
        self.n_rec, self.n_out = len(self.w_rec), len(self.w_out)
        self.n_delays = int(max(1, self.delay_in.max() + 1, self.delay_rec.max()))
        self.start, self.stop = int(self.window_start), int(self.window_stop)

    def window_weights(self):
        """c [n_steps] such that the readout trace's mean over the window is sum_t c(t) z(t)."""
        kappa = np.exp(-self.dt / self.tau_out) if self.tau_out > 0 else 0.0
        c, inside = np.zeros(self.n_steps), 0.0
        for t in reversed(range(self.n_steps)):
            inside = inside * kappa + (self.start <= t < self.stop)
            c[t] = (1 - kappa) * inside / (self.stop - self.start)
        return c


    def compare(self, loss, output, gradients):
        """How far a program's loss, output and gradients (numpy, by name) are from lsnn's, as parts of the largest entry of each."""
        difference = lambda ours, theirs: float(np.abs(ours - np.asarray(theirs)).max() / max(np.abs(ours).max(), 1e-30))
        result = {"output": difference(self.output, output), "loss": difference(self.loss, loss)}
        for name, gradient in gradients.items():
            ours = getattr(self, "gradient_" + name)
            exists = self.w_out != 0 if name == "w_out" else True  # the other matrices have their delays to tell
            result[name] = difference(ours, np.where(exists, gradient, 0))
        return result


def number(text):
    try:
        return float(text)
    except ValueError:
        return text


def arguments(variants=("",)):
    """The command line that every peer has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, help="work file")
    parser.add_argument("--task", choices=("train", "step", "check"), default="train")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--variant", choices=variants, default=variants[0])
    return parser.parse_args()


def peak_memory():
    """Bytes: the most that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Timer:
    """Collects one measurement and prints it."""

    def __init__(self, **versions):
        self.result = {"versions": versions, "memory_before": peak_memory()}

    def train(self, iteration, n, warm_ups=2):
        """iteration() -> (seconds that forward took or None, loss, rate in Hz). `warm_ups` calls come first: they compile, and touch memory."""
        for _ in range(warm_ups):
            start = time.perf_counter()
            outcome = iteration()
            self.result.setdefault("first_seconds", time.perf_counter() - start)
            if self.result["first_seconds"] > TOO_LONG:  # perhaps it compiled for long: the next one decides
                n = 1
                break
        seconds, forward = [], []
        for _ in range(n):
            start = time.perf_counter()
            outcome = iteration()
            seconds.append(time.perf_counter() - start)
            forward.append(outcome[0])
            if seconds[-1] > TOO_LONG:
                break
        self.result.update(iteration_seconds=statistics.median(seconds), all_seconds=seconds, loss=float(outcome[1]), rate_hz=float(outcome[2]))
        if forward[0] is not None:
            self.result["forward_seconds"] = statistics.median(forward)

    def step(self, sequence, n_steps, n):
        """sequence() runs n_steps single steps, each of them a call."""
        sequence()
        seconds = []
        for _ in range(n):
            start = time.perf_counter()
            sequence()
            seconds.append((time.perf_counter() - start) / n_steps)
        self.result.update(step_seconds=statistics.median(seconds), all_seconds=seconds)

    def print(self, **more):
        self.result.update(memory_bytes=peak_memory(), **more)
        print(json.dumps(self.result))
