"""Lays a voice's recorded prompts out as a corpus in TIMIT's layout, with phones that were aligned to their texts: see asterisk.sh.

usage: asterisk.py FOLDER TEXTS SOUNDS MODEL ALIGN
  TEXTS   lines of "name: what is said", by gzip if its name ends in .gz
  SOUNDS  folder of name.g722
  MODEL   folder of pocketsphinx's English model and dictionary
  ALIGN   the program of align.c
"""

import gzip
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import wave

RATE, HOP = 16000, 160
FIRST_CENTRE = 205  # of pocketsphinx's frame 0, which is 410 samples long
SPEAKER = "FALL0"
PAUSE = 25  # frames of silence at which a prompt is cut into sentences
SHORTEST, LONGEST = 50, 600  # frames of a sentence; a longer one is cut at its longest pause, if it has any
DEVELOPMENT, TEST = 0.1, 0.2  # parts of the texts
WORST = 0.05  # of the sentences, those that fit their text worst are left out
ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SIGNS = {"#": "pound", "*": "star", "&": "and", "%": "percent", "@": "at"}


def read_dictionary(path):
    """{word: [pronunciation, ...]}, each a text of phones."""
    words = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, phones = line.split(" ", 1)
        words.setdefault(re.sub(r"\(\d+\)$", "", word), []).append(phones.strip())
    return words


def below_100(n):
    return [ONES[n]] if n < 20 else [TENS[n // 10 - 2]] + ([ONES[n % 10]] if n % 10 else [])


def number(digits):
    """The ways in which a number may be said, each a list of words."""
    n, ways = int(digits), [[ONES[int(digit)] for digit in digits]]
    if n < 100:
        ways.append(below_100(n))
    elif n % 100 == 0 and n < 10000:
        ways.append(below_100(n // 100) + ["hundred"])
    return ways


def grammar_of(text, dictionary):
    """A grammar of the phones that are said, with silence between words if there is any; None if a word is in no dictionary."""
    parts = []
    for token in re.findall(r"[A-Za-z']+|\d+|[#*&%@]", text):
        token = SIGNS.get(token, token)
        if token.isdigit():
            ways = number(token)
        elif token.lower() in dictionary and not (token.isupper() and 1 < len(token) < 5):
            ways = [[token.lower()]]
        elif token.isupper() and all(letter.lower() + "." in dictionary for letter in token):
            ways = [[letter.lower() + "." for letter in token]]
        elif token.lower() in dictionary:
            ways = [[token.lower()]]
        else:
            return None
        said = [" [SIL] ".join("(" + " | ".join(dictionary[word]) + ")" for word in way) for way in ways]
        parts.append("(" + " | ".join(said) + ")")
    return f"#JSGF V1.0; grammar said; public <said> = [SIL] {' [SIL] '.join(parts)} [SIL];" if parts else None


def read_texts(path):
    """{name: text}; what describes a sound in brackets says nothing of the words."""
    texts = {}
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in data.decode("utf-8").splitlines():
        name, colon, text = line.partition(":")
        text = re.sub(r"\[[^]]*\]|\([^)]*\)", " ", text).replace("-", " ").strip()
        if colon and not line.startswith(";") and text:
            texts[name.strip().removesuffix(".wav")] = text
    return texts


def cut(phones, n_frames):
    """The stretches between long pauses, as lists of (phone, begin, end) in frames, from 0.1 s before the first phone to 0.1 s behind the last."""
    ends = [begin for _, begin in phones[1:]] + [n_frames]
    pieces, piece = [], []
    for (phone, begin), end in zip(phones, ends):
        if phone == "SIL" and (end - begin >= PAUSE or not piece or end == n_frames):
            if piece:
                pieces.append(piece + [("SIL", begin, min(end, begin + 10))])
            piece = [("SIL", max(begin, end - 10), end)]
        else:
            piece.append((phone, begin, end))
    if any(phone != "SIL" for phone, _, _ in piece):
        pieces.append(piece)
    pieces = [short for p in pieces for short in shorten(p)]
    return [p for p in pieces if any(phone != "SIL" for phone, _, _ in p) and p[-1][2] - p[0][1] >= SHORTEST]


def shorten(piece):
    pauses = [(end - begin, k) for k, (phone, begin, end) in enumerate(piece) if phone == "SIL" and 0 < k < len(piece) - 1]
    if piece[-1][2] - piece[0][1] <= LONGEST or not pauses:
        return [piece]
    k = max(pauses)[1]
    _, begin, end = piece[k]
    return shorten(piece[:k] + [("SIL", begin, min(end, begin + 10))]) + shorten([("SIL", max(begin, end - 10), end)] + piece[k + 1 :])


def save(place, name, samples, piece):
    def at(frame):  # a frame stands for the 10 ms around its middle
        return frame * HOP + FIRST_CENTRE - HOP // 2

    begin, end = max(at(piece[0][1]), 0), min(at(piece[-1][2]), len(samples) // 2)
    with wave.open(str(place / f"{name}.WAV"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples[2 * begin : 2 * end])
    lines = [f"{max(at(b) - begin, 0)} {min(at(e), end) - begin} {phone.lower()}\n" for phone, b, e in piece]
    (place / f"{name}.PHN").write_text("".join(lines))


def main(folder, texts, sounds, model, program):
    folder, sounds, model = pathlib.Path(folder), pathlib.Path(sounds), pathlib.Path(model)
    dictionary = read_dictionary(model / "cmudict-en-us.dict")
    said = read_texts(pathlib.Path(texts))
    phones = sorted({phone for ways in dictionary.values() for way in ways for phone in way.split()}) + ["SIL"]
    unknown, aligned = [], []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "dictionary").write_text("".join(f"{phone} {phone}\n" for phone in phones))
        tasks, names = [], {}
        for name in sorted(said):
            path, grammar = sounds / f"{name}.g722", grammar_of(said[name], dictionary)
            if grammar is None or not path.exists():
                unknown.append(name)
            else:
                names[str(path)] = name
                tasks.append(f"{path}\t{work / str(len(tasks))}\t{grammar}\n")
        found = subprocess.run([program, model / "en-us", work / "dictionary"], input="".join(tasks), text=True, stdout=subprocess.PIPE, check=True)
        for task, line in zip(tasks, found.stdout.splitlines()):
            path, result, *rest = line.split("\t")
            if result == "none":
                unknown.append(names[path])
                continue
            words = rest[1].split()
            spoken = list(zip(words[::2], map(int, words[1::2])))
            samples = pathlib.Path(task.split("\t")[1]).read_bytes()
            n_frames = len(samples) // 2 // HOP - 1
            for k, piece in enumerate(cut(spoken, n_frames)):
                aligned.append((float(rest[0]), names[path], k, piece, samples))
    aligned.sort(key=lambda a: a[0], reverse=True)
    left_out = int(len(aligned) * WORST)
    aligned = sorted(aligned[: len(aligned) - left_out], key=lambda a: a[1:3])
    groups = sorted({tuple(phone for phone, _, _ in a[3] if phone != "SIL") for a in aligned})  # what is said twice goes to one part
    random.Random(1).shuffle(groups)
    n_test, n_development = round(len(groups) * TEST), round(len(groups) * DEVELOPMENT)
    part_of = {group: "TEST" if k < n_test else "VALID" if k < n_test + n_development else "TRAIN" for k, group in enumerate(groups)}
    counts, seconds, development = {"TRAIN": 0, "VALID": 0, "TEST": 0}, 0, []
    for score, prompt, k, piece, samples in aligned:
        part = part_of[tuple(phone for phone, _, _ in piece if phone != "SIL")]
        place = folder / ("TEST" if part == "TEST" else "TRAIN") / "DR1" / SPEAKER
        place.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9]", "-", prompt).upper() + f"-{k}"
        save(place, name, samples, piece)
        (place / f"{name}.TXT").write_text(f"0 {(piece[-1][2] - piece[0][1]) * HOP} part {k} of: {said[prompt]}\n")
        counts[part] += 1
        seconds += (piece[-1][2] - piece[0][1]) * HOP / RATE
        if part == "VALID":
            development.append(f"{SPEAKER}/{name}\n")
    (folder / "development.txt").write_text("".join(development))
    used = {phone.lower() for a in aligned for phone, _, _ in a[3]}
    (folder / "phones.txt").write_text("".join(f"{phone.lower()}\n" for phone in phones if phone.lower() in used))
    print(f"{counts['TRAIN']}, {counts['VALID']} and {counts['TEST']} sentences, {seconds / 60:.1f} minutes, {len(used)} phones, in {folder}")
    print(f"left out: {left_out} sentences that fit their text worst; {len(unknown)} prompts without a recording, with words that no dictionary has, or that do not fit: "
          + " ".join(unknown))


if __name__ == "__main__":
    main(*sys.argv[1:])
