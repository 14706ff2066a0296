"""Makes tests/golden/speech_*.safetensors: sounds, and their features by the package python_speech_features (PyPI, MIT), which is independent of the C code.

Needs python_speech_features, NumPy and SciPy. The same numbers each time."""

import pathlib

import numpy as np
import python_speech_features as psf

from write_safetensors import write_safetensors

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"


def made_up_voice(rate, seconds, seed):
    """A buzz with gliding pitch through four gliding resonances, then hiss; a stretch of silence in between. 16-bit samples."""
    random = np.random.default_rng(seed)
    n = int(rate * seconds)
    time = np.arange(n) / rate
    phase = np.cumsum(110 + 30 * np.sin(2 * np.pi * 1.3 * time)) / rate
    source = np.diff(np.floor(phase), prepend=0.0) + 0.003 * random.standard_normal(n)
    voice = source
    for centre, swing, width in ((600, 200, 80), (1500, 500, 100), (2600, 300, 150), (3400, 100, 200)):
        frequency = np.minimum(centre + swing * np.sin(2 * np.pi * 1.7 * time + centre), 0.45 * rate)
        radius = np.exp(-np.pi * width / rate)
        out = np.zeros(n + 2)
        for k in range(n):
            out[k + 2] = voice[k] + 2 * radius * np.cos(2 * np.pi * frequency[k] / rate) * out[k + 1] - radius**2 * out[k]
        voice = out[2:]
    voice *= 9000 / np.abs(voice).max()
    hiss = n * 2 // 3
    voice[hiss:] = 700 * np.diff(random.standard_normal(n - hiss + 1))
    voice[n // 2 : n // 2 + rate // 10] = 0
    return np.round(voice).astype("i4")


def differences(features, width):
    first = psf.delta(features, width)
    return np.hstack([features, first, psf.delta(first, width)])


def make(name, rate, seconds, seed, n_fft, mel, **options):
    sound = made_up_voice(rate, seconds, seed)
    common = dict(samplerate=rate, nfft=n_fft, winfunc=np.hamming if options["hamming"] else lambda n: np.ones(n), nfilt=options["n_filters"],
                  winlen=options["window_ms"] / 1000, winstep=options["hop_ms"] / 1000, lowfreq=options["low_hz"], highfreq=options["high_hz"] or None,
                  preemph=options["preemphasis"])
    if mel:
        power, energy = psf.fbank(sound.astype("f8"), **common)
        features = np.log(np.hstack([power, energy[:, None]] if options["energy"] else power))
    else:
        features = psf.mfcc(sound.astype("f8"), numcep=options["n_coefficients"], ceplifter=options["lifter"],
                            appendEnergy=options["energy"], **common)
    metadata = {key: str(int(value) if isinstance(value, bool) else value) for key, value in options.items()}
    metadata |= {"rate": str(rate), "mel": str(int(mel))}
    write_safetensors(GOLDEN / f"speech_{name}.safetensors", {"sound": sound, "features": differences(features, options["width"])}, metadata)
    print(f"{name}: {len(sound)} samples, {features.shape[0]} frames of {features.shape[1]}")


DEFAULTS = dict(hamming=True, energy=True, window_ms=25, hop_ms=10, low_hz=0, high_hz=0, preemphasis=0.97, n_filters=26, n_coefficients=13, lifter=22, width=2)

make("mfcc", 16000, 0.6, 1, 512, False, **DEFAULTS)
make("mel", 16000, 0.45, 2, 512, True, **DEFAULTS | dict(n_filters=40))
make("telephone", 8000, 0.5, 3, 256, False, **DEFAULTS | dict(hamming=False, energy=False, n_filters=20, n_coefficients=12, lifter=0, low_hz=100, high_hz=3500,
                                                               preemphasis=0.9, hop_ms=8, width=3))
