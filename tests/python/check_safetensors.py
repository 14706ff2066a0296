"""Reads safetensors files with the public package, prints what is in them, and fails on an empty one or a number that is not finite.

usage: check_safetensors.py FILE...
"""

import sys

import numpy
from safetensors import safe_open


def check(path):
    faults = []
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
        names = list(file.keys())
        print(f"{path}: {len(names)} tensors; metadata: {', '.join(sorted(metadata)) or 'none'}")
        for name in names:
            array = file.get_tensor(name)
            print(f"  {name} {array.dtype} {list(array.shape)}")
            if array.dtype.kind == "f" and not numpy.isfinite(array).all():
                faults.append(f"{path}: {name} has numbers that are not finite")
    if not names:
        faults.append(f"{path}: no tensors")
    return faults


def main(paths):
    if not paths:
        sys.exit(__doc__)
    faults = [fault for path in paths for fault in check(path)]
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main(sys.argv[1:])
