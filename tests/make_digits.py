#!/usr/bin/env python3
"""Writes FOLDER/fsdd/recordings.tar.gz: made-up spoken digits of three speakers in the layout of the free spoken digit dataset, tones in place of speech.

usage: make_digits.py FOLDER
"""

import io
import math
import pathlib
import random
import struct
import sys
import tarfile
import wave

RATE = 8000


def recording(speaker, digit, number):
    draw = random.Random(f"{speaker} {digit} {number}")
    pitch = {"ann": 1.1, "bob": 0.9, "cid": 1.0}[speaker] * draw.uniform(0.97, 1.03)
    low, high = 300 + 60 * digit, 2600 - 150 * digit
    n = draw.randint(1200, 4000)
    samples = [round(1500 * math.sin(2 * math.pi * pitch * (low if k < n // 2 else high) * k / RATE) + draw.gauss(0, 10)) for k in range(n)]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(struct.pack(f"<{n}h", *samples))
    return file.getvalue()


def main():
    folder = pathlib.Path(sys.argv[1]) / "fsdd"
    folder.mkdir(parents=True)
    with tarfile.open(folder / "recordings.tar.gz", "w:gz") as archive:
        for digit in range(10):
            for speaker in ("cid", "ann", "bob"):
                for number in (0, 1, 10, 11, 12, 4, 5, 6):
                    content = recording(speaker, digit, number)
                    member = tarfile.TarInfo(f"some-folder/recordings/{digit}_{speaker}_{number}.wav")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))


main()
