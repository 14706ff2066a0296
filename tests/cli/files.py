#!/usr/bin/env python3
"""Makes small files for the tests of the command line, damages files, and tells what is in them. Needs nothing but Python itself."""

import gzip
import hashlib
import json
import re
import struct
import sys
from pathlib import Path

TYPES = {"<f4": "f", "<f8": "d", "|u1": "B", "<i4": "i", "<i8": "q"}
NO_CHECKSUM = "0" * 64


def idx(shape, content):
    """An IDX file of bytes."""
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + bytes(content)


def mnist(folder, n=20):
    """mnist FOLDER [N]: the four files, N made-up images in each pair; those of the test are not compressed."""
    folder, n = Path(folder), int(n)
    folder.mkdir(parents=True, exist_ok=True)
    pixels = bytes((i * i // 7 + 31 * (i // 784)) % 256 for i in range(n * 784))
    labels = bytes(i % 10 for i in range(n))
    for name, content in ("images-idx3-ubyte", idx([n, 28, 28], pixels)), ("labels-idx1-ubyte", idx([n], labels)):
        (folder / f"train-{name}.gz").write_bytes(gzip.compress(content, mtime=0))
        (folder / f"t10k-{name}").write_bytes(content)


def write_idx(path, *shape):
    """idx FILE LENGTH...: an IDX file of ones, of this shape."""
    shape = [int(length) for length in shape]
    size = 1
    for length in shape:
        size *= length
    Path(path).write_bytes(idx(shape, b"\1" * size))


def npy(path, kind, shape, *values):
    """npy FILE TYPE SHAPE VALUE...: a NumPy array ("<f4" 6x5x3 0 1 nan); the values are repeated as often as it takes."""
    shape = [int(length) for length in shape.split("x")]
    size = 1
    for length in shape:
        size *= length
    numbers = [float(v) if TYPES[kind] in "fd" else int(v) for v in values]
    header = str({"descr": kind, "fortran_order": False, "shape": tuple(shape)})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = struct.pack(f"<{size}{TYPES[kind]}", *(numbers[i % len(numbers)] for i in range(size)))
    Path(path).write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data)


def cut(path, n):
    """cut FILE N: leaves the first N bytes, or all but the last -N."""
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: int(n)])


def flip(path, place):
    """flip FILE PLACE: flips a bit of the byte at PLACE; negative: counted from the end; 0.5: in the middle."""
    content = bytearray(Path(path).read_bytes())
    place = int(float(place) * len(content)) if "." in place else int(place)
    content[place] ^= 0x10
    Path(path).write_bytes(content)


def flips(path, n):
    """flips FILE N: makes FILE.0.flipped ... FILE.N-1.flipped, each with a bit flipped at another place, evenly over the file."""
    content = Path(path).read_bytes()
    for i in range(int(n)):
        damaged = bytearray(content)
        damaged[i * len(content) // int(n)] ^= 1 << i % 8
        Path(f"{path}.{i}.flipped").write_bytes(damaged)


def ungzip(path):
    """ungzip FILE.gz: puts the plain file in its place."""
    Path(path).with_suffix("").write_bytes(gzip.decompress(Path(path).read_bytes()))
    Path(path).unlink()


def bomb(path, megabytes):
    """bomb FILE.gz MEGABYTES: so many zeros, compressed."""
    with gzip.open(path, "wb") as file:
        for _ in range(int(megabytes)):
            file.write(bytes(1 << 20))


def read_safetensors(path):
    content = Path(path).read_bytes()
    (n_header,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + n_header]), bytearray(content[8 + n_header :])


def write_safetensors(path, header, data):
    """With the right checksum, so that only the checks behind it can find what is wrong."""
    metadata = header.get("__metadata__", {})
    signed = "checksum" in metadata
    if signed:
        metadata["checksum"] = NO_CHECKSUM
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    content = struct.pack("<Q", len(text)) + text + bytes(data)
    if signed:
        content = content.replace(NO_CHECKSUM.encode(), hashlib.sha256(content).hexdigest().encode(), 1)
    Path(path).write_bytes(content)


def edit(path, *changes):
    """edit FILE PLACE=VALUE...: changes the header of a safetensors file, and signs it again. PLACE: keys between '/', "__metadata__/kind";
    VALUE: JSON, or nothing, to remove it."""
    header, data = read_safetensors(path)
    for change in changes:
        place, value = change.split("=", 1)
        *folders, last = place.split("/")
        inside = header
        for folder in folders:
            inside = inside[int(folder)] if isinstance(inside, list) else inside[folder]
        if isinstance(inside, list):
            inside[int(last)] = json.loads(value)
        elif value:
            inside[last] = json.loads(value)
        else:
            del inside[last]
    write_safetensors(path, header, data)


def network(path, key, value):
    """network FILE KEY VALUE: changes the description of the network in a model, and signs it again."""
    header, data = read_safetensors(path)
    description = json.loads(header["__metadata__"]["network"])
    description[key] = json.loads(value)
    header["__metadata__"]["network"] = json.dumps(description)
    write_safetensors(path, header, data)


def settings(path, old, new):
    """settings FILE OLD NEW: replaces a text (a regular expression) in the settings of a model, and signs it again."""
    header, data = read_safetensors(path)
    text, n = re.subn(old, new, header["__metadata__"]["settings"], flags=re.MULTILINE)
    assert n == 1
    header["__metadata__"]["settings"] = text
    write_safetensors(path, header, data)


def number(path, name, index, value):
    """number FILE TENSOR INDEX VALUE: changes one number of a tensor, and signs the file again."""
    header, data = read_safetensors(path)
    code = {"F32": "f", "F64": "d", "U8": "B", "I8": "b", "U16": "H", "I32": "i", "I64": "q", "U64": "Q"}[header[name]["dtype"]]
    place = header[name]["data_offsets"][0] + int(index) * struct.calcsize(code)
    struct.pack_into("<" + code, data, place, float(value) if code in "fd" else int(value))
    write_safetensors(path, header, data)


def tensors(path):
    """tensors FILE: a checksum of each tensor. Left out is what tells how long the training took: its seconds, and the bytes of the metrics, which
    hold seconds too."""
    header, data = read_safetensors(path)
    for name in sorted(header):
        if name != "__metadata__":
            begin, end = header[name]["data_offsets"]
            content = bytes(data[begin:end])
            if name == "train.real":
                content = content[:8] + content[16:]
            elif name == "train.whole":
                content = content[:8] + content[16:]
            print(name, header[name]["dtype"], header[name]["shape"], hashlib.sha256(content).hexdigest())


if __name__ == "__main__":
    commands = {"idx": write_idx}
    for function in mnist, npy, cut, flip, flips, ungzip, bomb, edit, network, settings, number, tensors:
        commands[function.__name__] = function
    commands[sys.argv[1]](*sys.argv[2:])
