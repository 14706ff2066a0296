#!/usr/bin/env python3
"""Times whole training iterations of the fully connected sequential-MNIST network in lsnn and in PyTorch, in alternation, and prints the ratios.

    python3 bench/compare_torch.py [--lsnn build/release/lsnn] [--python python3] [--rounds 3] [--threads 2]

`python` is one that has PyTorch (Debian: python3-torch and libopenblas0-openmp). Two PyTorch programs are timed (bench/torch_smnist.py says what they do,
and why that way): the same network, with delays up to 10 steps; and a smaller one, in which every synapse has a delay of 1.
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
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()


def run(command):
    """The JSON object that a program prints last."""
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return json.loads(lines[lines.index("{"):])


seconds = {"lsnn": [], "PyTorch, same model": [], "PyTorch, delay 1": []}
for round_number in range(options.rounds):
    ours = run([options.lsnn, "bench", "--json", "--threads", str(options.threads)])["smnist_dense"]["iteration_seconds"]
    seconds["lsnn"].append(ours)
    for name, delays in (("PyTorch, same model", 10), ("PyTorch, delay 1", 1)):
        command = [options.python, str(here / "torch_smnist.py"), "--json", "--iterations", "2", "--delays", str(delays)]
        seconds[name].append(run([*command, "--threads", str(options.threads)])["iteration_seconds"])
    print(f"round {round_number + 1}: " + ", ".join(f"{name} {times[-1]:.3f} s" for name, times in seconds.items()), flush=True)

print(f"medians of {options.rounds} rounds, {options.threads} threads:")
for name, times in seconds.items():
    ratio = statistics.median(theirs / ours for theirs, ours in zip(times, seconds["lsnn"]))
    print(f"  {name:<22}{statistics.median(times):8.3f} s   {ratio:6.2f} times lsnn")
