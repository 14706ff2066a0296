"""The Python environments of the benchmark, below build/bench-venv: `jax` and `torch`, since each of the two wants a NumPy of its own choice."""
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "build/bench-venv"
PYTHON = "/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists() else sys.executable  # Debian's PyTorch belongs to this one
GIGABYTE = 1 << 30

# What is installed, one `pip install` a line; the second field says which peers are absent if it fails.
JAX = [(["jax[cpu]==0.10.2", "matplotlib==3.11.2"], ["jax"]), (["jax[cpu]==0.10.2", "spyx==1.0.0"], ["spyx"])]
TORCH = [(["torch==2.15.0", "numpy==2.4.6"], ["torch"])]
TORCH_LIBRARIES = [
    (["norse==1.1.0", "torch==2.15.0"], ["norse"]),
    (["snntorch==1.0.0", "torch==2.15.0"], ["snntorch"]),
    (["sinabs==3.1.3", "torch==2.15.0"], ["sinabs"]),
]
# With Debian's PyTorch 1.13: the newest that can do with it, without what they would pull in.
DEBIAN_LIBRARIES = [
    (["--no-deps", "norse==1.0.0", "nir==1.0.4", "nirtorch==1.0"], ["norse"]),
    (["--no-deps", "snntorch==1.0.0"], ["snntorch"]),
    (["--no-deps", "sinabs==3.1.3", "nir==1.0.4", "nirtorch==1.0", "pbr", "samna"], ["sinabs"]),
]
IMPORTS = {"torch": "torch", "jax": "jax", "norse": "norse.torch", "snntorch": "snntorch", "sinabs": "sinabs.layers", "spyx": "spyx"}


def run(command):
    """"" or the last line that says why not."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
    return "" if done.returncode == 0 else next((line for line in reversed(lines) if "rror" in line), lines[-1])[:300]


def create(folder, steps, system=False):
    """Makes an environment and installs into it. Returns {peer: reason} for what is absent."""
    absent = {}
    why = run([PYTHON, "-m", "venv", *(["--system-site-packages"] if system else []), str(folder)])
    for packages, peers in steps:
        print(f"installing {', '.join(word for word in packages if word[0] != '-')}", file=sys.stderr, flush=True)
        failed = why or run([str(folder / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages])
        for peer in peers:
            failed = failed or run([str(folder / "bin/python"), "-c", f"import {IMPORTS[peer]}"])
            if failed:
                absent[peer] = failed
        if failed and peers[0] in ("torch", "jax"):
            break
    return absent


def prepare(torch="auto"):
    """Makes what is not there yet. torch: pypi, debian, or auto (Debian's only if PyPI's can't be had, or would leave no room on the disk).
    Returns {"python": {"jax": path, "torch": path}, "absent": {peer: reason}}."""
    ready = ROOT / f"ready-{torch}.json"
    wanted = json.dumps([JAX, TORCH, TORCH_LIBRARIES, DEBIAN_LIBRARIES])
    if ready.exists():
        state = json.loads(ready.read_text())
        if state["wanted"] == wanted:
            return state
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir(parents=True)
    absent = create(ROOT / "jax", JAX)
    if "jax" in absent:
        absent["spyx"] = absent["jax"]
    reason = "not asked for"
    if torch != "debian":
        room = shutil.disk_usage(ROOT).free
        reason = "" if room > 12 * GIGABYTE else f"needs 12 GB of room, {room / GIGABYTE:.0f} are free"
        if not reason:
            of_torch = create(ROOT / "torch", TORCH + TORCH_LIBRARIES)
            reason = of_torch.get("torch", "")
    if reason and torch != "pypi":
        print(f"PyTorch of PyPI: {reason}; Debian's serves, if it is installed (python3-torch, libopenblas0-openmp)", file=sys.stderr)
        shutil.rmtree(ROOT / "torch", ignore_errors=True)
        of_torch = create(ROOT / "torch", [(["pip"], ["torch"])] + DEBIAN_LIBRARIES, system=True) if run([PYTHON, "-c", "import torch"]) == "" else {"torch": reason}
    if "torch" in of_torch:
        of_torch.update({peer: of_torch["torch"] for peer in ("norse", "snntorch", "sinabs")})
    state = {"wanted": wanted, "python": {name: str(ROOT / name / "bin/python") for name in ("jax", "torch")}, "absent": {**absent, **of_torch}}
    ready.write_text(json.dumps(state))
    return state


if __name__ == "__main__":
    print(json.dumps(prepare(*sys.argv[1:2]), indent=2))
