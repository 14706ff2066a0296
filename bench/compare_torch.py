#!/usr/bin/env python3
"""Times whole training iterations of the fully connected sequential-MNIST network in lsnn and in PyTorch, in alternation, and prints the ratio.

    python3 bench/compare_torch.py [--lsnn build/release/lsnn] [--python python3] [--rounds 5] [--threads 2]

`python` is one that has PyTorch (Debian: python3-torch and libopenblas0-openmp). bench/torch_smnist.py says what the PyTorch program does, and
why that variant: it is the same network with delay 1 only, where lsnn has delays of 1 to 10 steps.
"""
import argparse
import json
import pathlib
import statistics
import subprocess

here = pathlib.Path(__file__).parent
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--lsnn", default=str(here.parent / "build/release/lsnn"))
parser.add_argument("--python", default="python3")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()


def run(command):
    """The JSON object that a program prints last."""
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return json.loads(lines[lines.index("{"):])


pairs = []
for round_number in range(options.rounds):
    ours = run([options.lsnn, "bench", "--json", "--threads", str(options.threads)])["smnist_dense"]["iteration_seconds"]
    torch = run([options.python, str(here / "torch_smnist.py"), "--json", "--iterations", "3", "--threads", str(options.threads)])
    theirs = torch["iteration_seconds"]
    pairs.append((ours, theirs))
    print(f"round {round_number + 1}: lsnn {ours:.3f} s, PyTorch {torch['torch']} {theirs:.3f} s, ratio {theirs / ours:.2f}", flush=True)

print(f"median of {len(pairs)}: lsnn {statistics.median(a for a, _ in pairs):.3f} s, PyTorch {statistics.median(b for _, b in pairs):.3f} s, "
      f"ratio {statistics.median(b / a for a, b in pairs):.2f} ({options.threads} threads)")
