"""A safetensors writer, so that making golden files needs nothing but NumPy."""

import json
import struct

import numpy as np

TYPE_NAMES = {np.dtype("float64"): "F64", np.dtype("float32"): "F32", np.dtype("int32"): "I32", np.dtype("uint8"): "U8"}


def write_safetensors(path, arrays, metadata):
    """Writes {name: array} and {text: text}; wide types come first, so that each array is aligned to its own size."""
    header, data = {"__metadata__": metadata}, bytearray()
    for name, array in sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        begin = len(data)
        data += np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        header[name] = {"dtype": TYPE_NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
