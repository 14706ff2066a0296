"""A corpus in TIMIT's layout that says nothing: each phone is a tone and noise of its own, for a tenth of a second. For timing; its size is what counts."""
import math
import random
import wave

RATE, LENGTH = 16000, 1600  # samples a second, and of a phone
PHONES = ("aa", "ae", "ah", "ao", "b", "ch", "d", "dh", "eh", "f", "g", "hh", "ih", "iy", "k", "l", "m", "n", "p", "r", "s", "t", "uw", "v", "w", "z", "h#")


def write(folder, n_speakers, n_sentences, seconds):
    """n_speakers with n_sentences each for training, and two more for validation and test."""
    draw = random.Random(1)
    sounds = {}
    for phone in PHONES:
        pitch = 2 * math.pi * draw.uniform(200, 4000) / RATE
        samples = (int(6000 * math.sin(pitch * t) + draw.gauss(0, 2000)) for t in range(LENGTH))
        sounds[phone] = b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)
    for k in range(n_speakers + 2):
        speaker = folder / ("TEST" if k > n_speakers else "TRAIN") / "DR1" / f"S{k:04}"
        speaker.mkdir(parents=True)
        for sentence in range(n_sentences):
            phones = draw.choices(PHONES, k=seconds * RATE // LENGTH)
            with wave.open(str(speaker / f"N{sentence}.WAV"), "wb") as sound:
                sound.setnchannels(1)
                sound.setsampwidth(2)
                sound.setframerate(RATE)
                sound.writeframes(b"".join(sounds[phone] for phone in phones))
            labels = (f"{n * LENGTH} {(n + 1) * LENGTH} {phone}\n" for n, phone in enumerate(phones))
            (speaker / f"N{sentence}.PHN").write_text("".join(labels))
    (folder / "development.txt").write_text(f"S{n_speakers:04}\n")
