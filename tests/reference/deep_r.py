#!/usr/bin/env python3
"""DEEP R with Adam on a network of eight possible synapses, in float64: the numbers of `hand_computed_example` in tests/test_rewire.c.

Written from the equations of docs/model.md alone, one synapse at a time. Which synapses wake is drawn by the C engine; here, as there, those that wake
at step n are given a gradient at step n + 1, or none. Needs nothing but Python itself."""

from dataclasses import dataclass
from math import sqrt

RATE, L1 = 0.1, 0.5
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
NEWBORN = 1e-12


@dataclass
class Synapse:
    sign: int
    theta: float  # 0: dormant
    m: float = 0
    v: float = 0
    age: int = 0


def step(s, gradient):
    """Adam with the bias correction counted from waking, then L1; what gets to 0 is dormant. gradient: of the weight."""
    s.age += 1
    s.m = BETA1 * s.m + (1 - BETA1) * gradient
    s.v = BETA2 * s.v + (1 - BETA2) * gradient**2
    w = s.sign * s.theta - RATE * (s.m / (1 - BETA1**s.age)) / (sqrt(s.v / (1 - BETA2**s.age)) + EPSILON)
    s.theta = max(0, s.sign * w)
    if s.theta > 0:
        s.theta = max(0, s.theta - RATE * L1)
    if s.theta == 0:
        s.m = s.v = s.age = 0


def main():
    synapses = {
        "w_in[0][0]": Synapse(+1, 0.4),
        "w_in[0][1]": Synapse(-1, 0.2),
        "w_in[1][0]": Synapse(+1, 0.08),
        "w_rec[0][1]": Synapse(+1, 0.12),
        "w_out[0][0]": Synapse(-1, 0.3),
        "w_out[0][1]": Synapse(+1, 0.04),
    }
    gradients = [
        {"w_in[0][0]": 1, "w_in[0][1]": -1, "w_in[1][0]": 1, "w_out[0][0]": 2},
        {"two that woke at 1": -1},  # times their sign: it makes them grow
        {},
    ]
    for n, gradient in enumerate(gradients, 1):
        for name, s in synapses.items():
            step(s, gradient.get(name, 0))
        print(f"step {n}")
        for name, s in synapses.items():
            print(f"    {name:20} w {s.sign * s.theta:+.7f}  m {s.m:+.7f}  v {s.v:.10f}  age {s.age}")
        n_dead = sum(s.theta == 0 for s in synapses.values())
        synapses = {name: s for name, s in synapses.items() if s.theta > 0}
        if n_dead > 0:
            number = ("no", "one", "two", "three")[n_dead]
            synapses[f"{number} that woke at {n}"] = Synapse(+1, NEWBORN)


if __name__ == "__main__":
    main()
