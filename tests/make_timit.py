#!/usr/bin/env python3
"""Writes a miniature of TIMIT in its published layout, with tones in place of speech: NIST SPHERE files, .PHN, .TXT, .WRD; a few of its speakers.

usage: make_timit.py FOLDER [--lower]      --lower: names in lower case, as some copies have them
The same bytes each time.
"""

import math
import pathlib
import random
import struct
import sys

RATE = 16000
# Each phone is two tones; closures and pauses are near silence.
TONES = {
    "aa": (700, 1200), "iy": (300, 2300), "uw": (350, 900), "eh": (550, 1800), "er": (500, 1400), "m": (250, 1000), "n": (260, 1500), "l": (380, 1050),
    "s": (4500, 5500), "sh": (2500, 3500), "f": (1500, 6500), "zh": (2400, 250), "ix": (420, 2000), "q": (110, 150), "dx": (1800, 2600),
}
QUIET = {"h#": 2, "pau": 3, "tcl": 4, "kcl": 5, "t": 200, "k": 150}
SPEAKERS = {
    "TRAIN": {"DR1": ["FCJF0", "MCPM0"], "DR4": ["FALR0", "MAEB0"], "DR8": ["MBCG0"]},
    "TEST": {"DR1": ["FAKS0", "FELC0", "MDAB0", "MSJS1"], "DR5": ["MRJM4", "FNLP0"]},  # two for development, three of the core test, one of neither
}
SENTENCES = ["SA1", "SA2", "SI1027", "SX37", "SX127"]


def sphere(samples, name):
    low, high = min(samples), max(samples)
    lines = ["NIST_1A", "   1024", "database_id -s5 TIMIT", "database_version -s3 1.0", f"utterance_id -s{len(name)} {name}", "channel_count -i 1",
             f"sample_count -i {len(samples)}", f"sample_rate -i {RATE}", f"sample_min -i {low}", f"sample_max -i {high}", "sample_n_bytes -i 2",
             "sample_byte_format -s2 01", "sample_sig_bits -i 16", "end_head", ""]
    return "\n".join(lines).encode().ljust(1024) + struct.pack(f"<{len(samples)}h", *samples)


def sentence(name):
    draw = random.Random(name)
    phones = ["h#"] + draw.choices(list(TONES) + ["tcl", "t", "kcl", "k", "pau"], k=draw.randint(4, 8)) + ["h#"]
    samples, labels, words = [], [], []
    pitch = draw.uniform(0.93, 1.07)
    for phone in phones:
        begin = len(samples)
        for k in range(draw.randint(640, 1600)):
            noise = draw.gauss(0, QUIET.get(phone, 20))
            tone = sum(1500 * math.sin(2 * math.pi * hz * pitch * k / RATE) for hz in TONES.get(phone, ()))
            samples.append(round(tone + noise))
        labels.append(f"{begin} {len(samples)} {phone}\n")
        words.append(f"{begin} {len(samples)} word\n")
    samples += [0] * draw.randint(0, 100)  # the last label may end a little before the recording
    return samples, "".join(labels), "".join(words[1:-1])


def main():
    case = str.lower if "--lower" in sys.argv else str
    folder = pathlib.Path(sys.argv[1])
    for part, regions in SPEAKERS.items():
        for region, speakers in regions.items():
            for speaker in speakers:
                place = folder / case(part) / case(region) / case(speaker)
                place.mkdir(parents=True)
                for name in SENTENCES:
                    samples, labels, words = sentence(f"{speaker}/{name}")
                    (place / case(name + ".WAV")).write_bytes(sphere(samples, f"{speaker[1:].lower()}_{name.lower()}"))
                    (place / case(name + ".PHN")).write_text(labels)
                    (place / case(name + ".WRD")).write_text(words)
                    (place / case(name + ".TXT")).write_text(f"0 {len(samples)} Tones.\n")
    (folder / case("README.DOC")).write_text("A miniature of TIMIT's layout, made of tones.\n")


main()
