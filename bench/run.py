#!/usr/bin/env python3
"""Times the same work in lsnn and in other programs, in alternation, and writes build/bench/: results.json, table.md, figures.

docs/benchmark.md says what is timed, how, and how to read it. Parts: check (lsnn's gradients against those of the same model in JAX and PyTorch;
without it nothing is timed), peers (sequential MNIST), long (10,000 steps), inference (step by step), scaling (curves), speech (an epoch of a corpus as
large as TIMIT), report (table and figures from the results so far). Results of parts that are not run are kept.
"""
import argparse
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import environments
import noise

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "build/bench"
PARTS = ("check", "peers", "long", "inference", "scaling", "speech", "report")
TOLERANCE = 1e-4  # of the largest entry of each gradient array
ITERATION_LIMIT, PROGRAM_LIMIT = 120, 400  # seconds; the second holds for a whole program, with its compilation and warm-up

NO_DELAYS, NO_REFRACTORY = "no delays", "no refractory time"
# name, environment, program, variants (the fastest one counts), the model's shortcomings against lsnn's
PEERS = [
    ("PyTorch, by hand", "torch", "torch_loop.py", ("compiled", "sequence", "loop"), "same model"),
    ("JAX scan", "jax", "jax_scan.py", ("each", "gather", "autodiff"), "same model"),
    ("norse LSNNRecurrent", "torch", "libraries.py", ("norse",), f"{NO_DELAYS}, {NO_REFRACTORY}, all neurons adaptive, no gradient through reset and adaptation"),
    ("snnTorch RLeaky", "torch", "libraries.py", ("snntorch",), f"{NO_DELAYS}, {NO_REFRACTORY}, no adaptation"),
    ("Sinabs ALIFRecurrent", "torch", "libraries.py", ("frames", "sinabs"), f"{NO_DELAYS}, {NO_REFRACTORY}, all neurons adaptive"),
    ("Spyx RLIF", "jax", "spyx_layers.py", ("rlif",), f"{NO_DELAYS}, {NO_REFRACTORY}, no adaptation"),
    ("Spyx ALIF + feedback", "jax", "spyx_layers.py", ("alif",), f"{NO_DELAYS}, {NO_REFRACTORY}, all neurons adaptive"),
    ("PyTorch LSTM-128", "torch", "libraries.py", ("lstm",), "not spiking: 128 LSTM units"),
]
LIBRARY = {"norse": "norse", "snntorch": "snntorch", "sinabs": "sinabs", "frames": "sinabs", "rlif": "spyx", "alif": "spyx"}

SMNIST = {"batch": 256, "steps": 840, "inputs": 80, "neurons": 220, "delays": 10, "connectivity": 1, "rate": 10}
LONG = {"batch": 10, "steps": 10000, "inputs": 300, "neurons": 300, "delays": 10, "connectivity": 1, "rate": 10}
STEP = {**SMNIST, "batch": 1}
SPEECH = {"speakers": 462, "sentences": 8, "seconds": 3, "batch": 32, "iterations": 39}  # TIMIT's 3,696 training sentences, a third of an epoch each round
CHECKS = [{"batch": 8, "steps": 120}, {"batch": 8, "steps": 120, "connectivity": 0.12}, {"batch": 8, "steps": 120, "delays": 1}]
CURVES = {
    "steps": (105, 210, 420, 840, 1680, 3360, 6720),
    "neurons": (55, 110, 220, 440, 880),
    "batch": (8, 16, 32, 64, 128, 256, 512),
    "connectivity": (0.03, 0.06, 0.12, 0.25, 0.5, 1),
    "rate": (1, 3, 10, 30, 100),
    "threads": tuple(sorted({1, 2, *(1 << k for k in range(2, 8) if 1 << k <= len(os.sched_getaffinity(0)))})),
}
PEER_POINTS = {"steps": (210, 840), "neurons": (110, 440), "batch": (32, 256), "threads": (1, 2)}
QUICK = {
    "smnist": {"batch": 16, "steps": 60}, "long": {"batch": 4, "steps": 200}, "step": {"steps": 100},
    "curves": {"steps": (30, 60), "neurons": (55, 220), "batch": (8, 16), "connectivity": (0.12, 1), "rate": (3, 10), "threads": (1, 2)},
    "points": {"steps": (30, 60)},
    "speech": {"speakers": 8, "seconds": 1, "iterations": 2},
}


def say(text):
    print(text, file=sys.stderr, flush=True)


def execute(command, threads, limit=PROGRAM_LIMIT, folder=None):
    """Runs a program on the first `threads` cores. Returns the JSON object that it prints last, with its peak memory; or {"failed": why}."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": str(threads), "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}

    def confine():
        os.sched_setaffinity(0, cores)
        pathlib.Path("/proc/self/oom_score_adj").write_text("900")  # if memory runs out, this program goes, and no other

    late = []
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        began = time.monotonic()
        try:
            program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, preexec_fn=confine, start_new_session=True,
                                       env={**os.environ, **quiet})
        except (OSError, subprocess.SubprocessError) as error:
            return {"failed": str(error)}

        def stop():
            late.append(True)
            os.killpg(program.pid, signal.SIGKILL)

        alarm = threading.Timer(limit, stop)
        alarm.start()
        try:
            _, status, usage = os.wait4(program.pid, 0)
        except BaseException:  # the user stops the benchmark
            os.killpg(program.pid, signal.SIGKILL)
            raise
        finally:
            alarm.cancel()
        program.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        lines = [line for line in out.read().splitlines() if line.startswith("{")]
        said = errors.read().strip().splitlines()
    if late:
        return {"failed": f"not done after {limit} s"}
    if program.returncode == -signal.SIGKILL:
        return {"failed": "out of memory"}
    if program.returncode or not lines and "--write" not in command:
        return {"failed": f"exit code {program.returncode}: {said[-1] if said else 'no message'}"[:300]}
    return {**(json.loads(lines[-1]) if lines else {}), "peak_bytes": usage.ru_maxrss * 1024, "wall_seconds": time.monotonic() - began}


def set_flags(settings):
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


class Bench:
    def __init__(self, options):
        self.options, self.quick = options, options.quick
        state = environments.prepare(options.torch)
        self.python, self.absent = state["python"], state["absent"]
        OUT.mkdir(parents=True, exist_ok=True)
        self.path = OUT / ("quick.json" if self.quick else "results.json")
        kept = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.results = {**kept, "machine": machine(), "threads": options.threads, "absent": self.absent, "quick": self.quick, "limit": ITERATION_LIMIT}
        self.rounds = 1 if self.quick else options.rounds
        self.written = {}

    def save(self):
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(self.results, indent=1))
        temporary.replace(self.path)

    def lsnn(self, work, threads=None, training=True):
        """One row of lsnn."""
        threads = threads or self.options.threads
        settings = {**SMNIST, **work, "training": "true" if training else "false"}
        result = execute([self.options.lsnn, "bench", "--json", "--threads", str(threads), *set_flags(settings)], threads)
        return result if "failed" in result else {**result["custom"], "peak_bytes": result["peak_bytes"], "versions": {"lsnn": result["version"], "isa": result["isa"]}}

    def write(self, work):
        """The work file of these settings."""
        settings = {**SMNIST, **work}
        name = "-".join(f"{key}{value}" for key, value in settings.items())
        path = OUT / f"work-{name}.safetensors"
        if name not in self.written:
            result = execute([self.options.lsnn, "bench", *set_flags(settings), "--write", str(path)], self.options.threads)
            if "failed" in result:
                sys.exit(f"bench: lsnn can't write the work {settings}: {result['failed']}")
            self.written[name] = path
        return path

    def forget_work(self):
        for path in self.written.values():
            path.unlink(missing_ok=True)
        self.written = {}

    def peer(self, peer, variant, work, task="train", iterations=2, threads=None):
        """One measurement of a peer."""
        _, environment, program, _, _ = peer
        missing = self.absent.get(environment) or self.absent.get(LIBRARY.get(variant, ""))
        if missing:
            return {"failed": f"absent: {missing}"}
        threads = threads or self.options.threads
        command = [self.python[environment], str(HERE / "peers" / program), "--work", str(self.write(work)), "--task", task, "--variant", variant]
        result = execute([*command, "--threads", str(threads), "--iterations", str(iterations)], threads)
        if result.get("iteration_seconds", 0) > ITERATION_LIMIT:
            return {**result, "failed": f"{result['iteration_seconds']:.0f} s an iteration"}
        return result

    def check(self):
        """Loss, output and gradients of lsnn against the same model in JAX (double precision) and PyTorch, on small networks. Exits if they differ."""
        rows, wrong = [], []
        for work in CHECKS[: 1 if self.quick else None]:
            for peer in PEERS[:2]:
                for variant in peer[3][: None if work is CHECKS[0] and not self.options.first else 1]:
                    result = self.peer(peer, variant, work, "check")
                    rows.append({"work": work, "peer": peer[0], "variant": variant, **result})
                    if result.get("failed", "").startswith("absent"):
                        continue
                    worst = max(result.get("difference", {"": float("inf")}).values())
                    say(f"check {work}, {peer[0]} ({variant}): {result.get('failed') or f'largest difference {worst:.1e}'}")
                    if not (worst <= TOLERANCE and result.get("rate_hz", 0) > 0):
                        wrong.append(rows[-1])
        self.results["check"] = rows
        self.save()
        self.forget_work()
        if wrong or not any("difference" in row for row in rows):
            sys.exit(f"bench: lsnn and another program with the same model do not agree; nothing is timed. {json.dumps(wrong)}")

    def compare(self, part, work, task="train", iterations=2):
        """Rounds over all programs, each once a round. Of a peer's variants, a first run of each picks the one that goes into the rounds."""
        chosen, once = [], []
        for peer in PEERS:
            tries = {}
            for variant in peer[3] if len(peer[3]) > 1 and not self.options.first else ():
                tries[variant] = result = self.peer(peer, variant, work, task, 1)
                once.append({"name": peer[0], "variant": variant, **result})
                say(f"{part}: {peer[0]} ({variant}), once: {brief(result)}")
            seconds = lambda variant: tries.get(variant, {}).get("step_seconds" if task == "step" else "iteration_seconds", float("inf"))
            chosen.append((peer, min(tries or peer[3], key=seconds)))
        rows = {}

        def add(name, variant, model, result):
            row = rows.setdefault(name, {"name": name, "variant": variant, "model": model, "runs": []})
            row["runs"].append(result)
            say(f"{part}, round {number + 1} of {self.rounds}: {name}: {brief(result)}")

        for number in range(self.rounds):
            if task == "step":
                add("lsnn", "", "", self.lsnn_step())
            else:
                add("lsnn, fully connected", "", "", self.lsnn(work))
                add("lsnn, 12 %, DEEP R", "", "12 % of the connections, rewired in each iteration", self.lsnn({**work, "connectivity": 0.12}))
                if part == "peers":
                    add("lsnn, LSTM-128", "", "not spiking: 128 LSTM units", self.lsnn({**work, "neurons": 128, "lstm": "true"}))
            for peer, variant in chosen:
                before = rows.get(peer[0], {"runs": [{}]})["runs"][-1]
                if "failed" in before:  # what is absent, too slow or too large is so in every round
                    continue
                add(peer[0], variant, peer[4], self.peer(peer, variant, work, task, iterations))
            self.results[part] = {"work": {**SMNIST, **work}, "rows": list(rows.values()), "once": once}
            self.save()
        self.forget_work()

    def lsnn_step(self):
        sets = set_flags({"batch": 1, "training": "false", "stepwise": "true"})
        result = execute([self.options.lsnn, "bench", "--json", *sets, "--threads", str(self.options.threads)], self.options.threads)
        return result if "failed" in result else {**result["custom"], "versions": {"lsnn": result["version"], "isa": result["isa"]}}

    def scaling(self):
        curves = QUICK["curves"] if self.quick else CURVES
        points = QUICK["points"] if self.quick else PEER_POINTS
        base = {**SMNIST, **(QUICK["smnist"] if self.quick else {})}
        picked = {row["name"]: row["variant"] for row in self.results.get("peers", {}).get("rows", [])}
        self.results["scaling"] = {"base": base, "curves": {}}
        for key, values in curves.items():
            lines = self.results["scaling"]["curves"][key] = {}

            def measure(name, value, run):
                threads = value if key == "threads" else self.options.threads
                result = run({**base, **({} if key == "threads" else {key: value})}, threads)
                lines.setdefault(name, []).append({"x": value, **result})
                say(f"scaling, {key} {value}: {name}: {brief(result)}")

            for value in values:
                measure("lsnn, fully connected" if key != "connectivity" else "lsnn", value, lambda work, threads: self.lsnn(work, threads))
                if key != "connectivity":
                    measure("lsnn, 12 %, DEEP R", value, lambda work, threads: self.lsnn({**work, "connectivity": 0.12}, threads))
            for value in points.get(key, ()):
                for peer in PEERS[:2]:
                    variant = picked.get(peer[0], peer[3][0])
                    measure(f"{peer[0]} ({variant})", value, lambda work, threads: self.peer(peer, variant, work, "train", 1, threads))
            self.save()
            self.forget_work()

    def speech(self):
        """Phones frame by frame: the experiments timit and timit-lstm as `lsnn train` runs them, and PyTorch's LSTM of the same size, on sentences of equal length."""
        work = {**SPEECH, **(QUICK["speech"] if self.quick else {})}
        lstm = "not spiking: 200 LSTM units in each direction, a step a frame"
        programs = [
            ("lsnn, 2 x 400 neurons", "20 % of the connections, rewired in each iteration; five steps a frame", lambda: self.train_speech("timit", corpus, work)),
            ("lsnn, LSTM 2 x 200", lstm, lambda: self.train_speech("timit-lstm", corpus, work)),
            ("PyTorch LSTM 2 x 200", lstm, lambda: self.phones_lstm(work)),
        ]
        rows = [{"name": name, "variant": "", "model": model, "runs": []} for name, model, _ in programs]
        with tempfile.TemporaryDirectory(dir=OUT, prefix="speech-") as folder:
            corpus = pathlib.Path(folder)
            noise.write(corpus, work["speakers"], work["sentences"], work["seconds"])
            for number in range(self.rounds):
                for row, (name, _, run) in zip(rows, programs):
                    row["runs"].append(run())
                    say(f"speech, round {number + 1} of {self.rounds}: {name}: {brief(row['runs'][-1])}")
        self.results["speech"] = {"work": work, "rows": rows, "once": []}
        self.save()

    def train_speech(self, experiment, corpus, work):
        """One row of lsnn: the times between the lines of the training's record. The first iteration, before which the corpus is read, warms up."""
        settings = {"data.path": corpus, "train.batch": work["batch"], "train.iterations": work["iterations"] + 1, "train.valid_every": work["iterations"] + 1}
        with tempfile.TemporaryDirectory(dir=OUT, prefix="speech-run-") as folder:
            command = [self.options.lsnn, "train", experiment, "--json", "--quiet", "--no-test", "--threads", str(self.options.threads), "--out", f"{folder}/run",
                       *set_flags(settings)]
            result = execute(command, self.options.threads)
            if "failed" in result:
                return result
            record = [json.loads(line) for line in pathlib.Path(folder, "run/metrics.jsonl").read_text().splitlines()]
        seconds = [after["seconds"] - before["seconds"] for before, after in zip(record, record[1:])]
        return {"iteration_seconds": statistics.median(seconds), "all_seconds": seconds, "peak_bytes": result["peak_bytes"], "rate_hz": result.get("rate_hz"),
                "versions": {"lsnn": result["version"]}}

    def phones_lstm(self, work):
        if "torch" in self.absent:
            return {"failed": f"absent: {self.absent['torch']}"}
        sizes = ["--batch", str(work["batch"]), "--frames", str(100 * work["seconds"]), "--iterations", str(work["iterations"])]
        return execute([self.python["torch"], str(HERE / "peers/phones_lstm.py"), "--threads", str(self.options.threads), *sizes], self.options.threads)

    def report(self):
        python = self.python["jax"] if "jax" not in self.absent else sys.executable
        if subprocess.run([python, str(HERE / "report.py"), str(self.path)]).returncode:
            sys.exit("bench: the report could not be written")


def brief(result):
    if "failed" in result:
        return result["failed"]
    if "iteration_seconds" not in result or result.get("backward_seconds") == 0:
        return f"{1e6 * result['step_seconds']:.1f} us a step"
    return f"{result['iteration_seconds']:.4f} s an iteration, {result['peak_bytes'] / 1e6:.0f} MB"


def machine():
    """What the numbers were measured on."""
    model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")] if os.path.exists("/proc/cpuinfo") else []
    return {"processor": model[0] if model else platform.machine(), "cores": len(os.sched_getaffinity(0)), "system": platform.platform(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "load_at_start": os.getloadavg()[0],
            "date": time.strftime("%Y-%m-%d")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, with commas between them: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: shows that everything works, measures nothing")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--first", action="store_true", help="only the first variant of each program, which was the fastest where this was written")
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))), help="cores for each program (default: 2)")
    parser.add_argument("--lsnn", default=str(HERE.parent / "build/release/lsnn"), help="the lsnn program")
    parser.add_argument("--torch", choices=("auto", "pypi", "debian"), default="auto", help="which PyTorch; auto: PyPI's, else Debian's")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    parts = options.only.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]}; there are {', '.join(PARTS)}")
    bench = Bench(options)
    if bench.results["machine"]["load_at_start"] > 0.5:
        say(f"warning: the machine is busy (load {bench.results['machine']['load_at_start']:.1f}); timings will be too long, those of PyTorch most of all")
    if parts != ["report"]:
        bench.check()
    small = QUICK if options.quick else {}
    if "peers" in parts:
        bench.compare("peers", {**SMNIST, **small.get("smnist", {})})
    if "long" in parts:
        bench.compare("long", {**LONG, **small.get("long", {})}, iterations=1)
    if "inference" in parts:
        bench.compare("inference", {**STEP, **small.get("step", {})}, "step")
    if "scaling" in parts:
        bench.scaling()
    if "speech" in parts:
        bench.speech()
    if "report" in parts:
        bench.report()


if __name__ == "__main__":
    main()
