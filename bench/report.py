#!/usr/bin/env python3
"""Table and figures from the benchmark's results.

    report.py build/bench/results.json    writes table.md, and where matplotlib is installed peers.svg, scaling.svg and both as .png, beside it
"""
import json
import pathlib
import statistics
import sys

TITLES = {"peers": "Sequential MNIST: a training iteration", "long": "10,000 steps: a training iteration", "inference": "Inference of one sequence, step by step",
          "speech": "Phones frame by frame: a training iteration, of which TIMIT has 115.5 in an epoch"}
AXES = {"steps": "steps", "neurons": "neurons", "batch": "batch", "connectivity": "connected fraction", "rate": "firing rate (Hz)", "threads": "threads"}
REFERENCES = ("lsnn, fully connected", "lsnn, 12 %, DEEP R", "lsnn", "lsnn, 2 x 400 neurons")


def measured(row, key):
    """Median of the rounds, and the smallest and largest single value; None if there is none."""
    runs = [run for run in row["runs"] if key in run and "failed" not in run]
    if not runs:
        return None
    single = [value for run in runs for value in run.get("all_seconds", [run[key]])]
    return statistics.median(run[key] for run in runs), min(single), max(single)


def digits(value):
    """Three digits that count."""
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def table(part, results):
    """Lines of Markdown."""
    key, unit, scale = ("step_seconds", "us a step", 1e6) if part == "inference" else ("iteration_seconds", "s an iteration", 1)
    rows, work = results["rows"], results["work"]
    lines = [f"## {TITLES[part]}", "", ", ".join(f"{name} {value}" for name, value in work.items() if name != "connectivity"), ""]
    ours = {row["name"]: measured(row, key) for row in rows if row["name"] in REFERENCES}
    ratios = [name for name, value in ours.items() if value]
    head = ["program", unit, "min..max", *(f"times {name}" for name in ratios), "forward, s", "peak memory", "rate, Hz", "model, against lsnn's"]
    lines += ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 2) + " --- |"]
    order = sorted(rows, key=lambda row: (measured(row, key) or (float("inf"),))[0])
    for row in order:
        value, last = measured(row, key), row["runs"][-1]
        name = row["name"] + (f" ({row['variant']})" if row["variant"] and row["variant"] not in row["name"].lower().replace(" ", "") else "")
        if value is None:
            lines.append(f"| {name} | {last['failed']} |" + " |" * (len(head) - 3) + f" {row['model']} |")
            continue
        cells = [digits(scale * value[0]), f"{digits(scale * value[1])}..{digits(scale * value[2])}"]
        cells += [f"{value[0] / ours[name][0]:.1f}" for name in ratios]
        forward = [run["forward_seconds"] for run in row["runs"] if "forward_seconds" in run]
        memory = max((run.get("peak_bytes", 0) for run in row["runs"]), default=0)
        rates = [run["rate_hz"] for run in row["runs"] if run.get("rate_hz")]
        cells += [digits(statistics.median(forward)) if forward else "", f"{memory / 1e6:.0f} MB" if memory and part != "inference" else "",
                  digits(statistics.median(rates)) if rates else "", row["model"]]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    once = [f"{row['name']} ({row['variant']}) {row.get('failed') or digits(scale * row[key])}" for row in results["once"] if "failed" in row or key in row]
    if once:
        lines += ["", f"Variants, once each before the rounds ({unit}): " + "; ".join(once) + "."]
    return lines + [""]


def versions(results):
    found = {}
    for part in TITLES:
        for row in results.get(part, {}).get("rows", []):
            for run in row["runs"]:
                found.update(run.get("versions", {}))
    return found


def markdown(results):
    machine = results["machine"]
    lines = ["# Benchmark", ""]
    if results["quick"]:
        lines += ["**A quick run: these sizes are too small to measure anything.**", ""]
    lines += [f"{machine['processor']}, {results['threads']} threads for each program, {machine['memory_bytes'] / 1e9:.0f} GB, {machine['system']}, "
              f"{machine['date']}, load {machine['load_at_start']:.1f} at the start.",
              "Versions: " + ", ".join(f"{name} {version}" for name, version in versions(results).items()) + ".",
              *(f"Absent: {name} ({why})." for name, why in results["absent"].items()), ""]
    checks = [row for row in results.get("check", []) if "difference" in row]
    if checks:
        worst = max(max(row["difference"].values()) for row in checks)
        lines += [f"Checked before timing: loss, output and each gradient of lsnn against {len(checks)} runs of the same model in JAX (double precision) and "
                  f"PyTorch; the largest difference is {worst:.1e} of an array's largest entry.", ""]
    for part in TITLES:
        if part in results:
            lines += table(part, results[part])
    for key, curves in results.get("scaling", {}).get("curves", {}).items():
        values = sorted({point["x"] for points in curves.values() for point in points})
        lines += [f"## Seconds an iteration against {AXES[key]}", "", "| program | " + " | ".join(map(str, values)) + " |", "| --- |" + " ---: |" * len(values)]
        for name, points in curves.items():
            at = {point["x"]: digits(point["iteration_seconds"]) if "failed" not in point else point["failed"] for point in points}
            lines.append(f"| {name} | " + " | ".join(at.get(value, "") for value in values) + " |")
        lines.append("")
    return "\n".join(lines)


def figures(results, folder, stem):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plot
    from matplotlib.ticker import LogLocator, NullFormatter

    plot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none", "svg.hashsalt": "lsnn"})

    def write(figure, name):
        for suffix in (".svg", ".png"):
            figure.savefig(folder / f"{stem}{name}{suffix}", dpi=160, bbox_inches="tight")
        plot.close(figure)

    parts = [part for part in TITLES if part in results]
    if parts:
        figure, axes = plot.subplots(len(parts), 1, figsize=(7, 0.6 + 2.9 * len(parts)), squeeze=False, layout="constrained")
        for axis, part in zip(axes[:, 0], parts):
            key, unit, scale = ("step_seconds", "microseconds a step", 1e6) if part == "inference" else ("iteration_seconds", "seconds an iteration", 1)
            rows = [(row["name"], value) for row in results[part]["rows"] if (value := measured(row, key))]
            rows.sort(key=lambda row: -row[1][0])
            for y, (name, (middle, low, high)) in enumerate(rows):
                color = "#c1432e" if name.startswith("lsnn") else "#3b6ea5"
                axis.plot([scale * low, scale * high], [y, y], color=color, linewidth=1.5)
                axis.plot([scale * middle], [y], "o", color=color)
                axis.annotate(digits(scale * middle), (scale * middle, y), textcoords="offset points", xytext=(0, 5), ha="center", fontsize=7.5)
            axis.set(xscale="log", yticks=range(len(rows)), yticklabels=[name for name, _ in rows], xlabel=unit, title=TITLES[part], ylim=(-0.6, len(rows)))
            axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.xaxis.set_major_formatter("{x:g}")
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.grid(axis="x", linewidth=0.3)
        write(figure, "peers")
    curves = results.get("scaling", {}).get("curves", {})
    if curves:
        names = list(dict.fromkeys(name for lines in curves.values() for name in lines))
        style = dict(zip(names, ("C3o-", "C1s-", "C0^--", "C2D--", "C3v-"))) if len(names) <= 5 else {}
        figure, axes = plot.subplots(2, 3, figsize=(10, 6), layout="constrained")
        for axis, (key, lines) in zip(axes.flat, curves.items()):
            for name, points in lines.items():
                good = [(point["x"], point["iteration_seconds"]) for point in points if "failed" not in point]
                if good:
                    axis.plot(*zip(*good), style.get(name, "o-"), label=name, markersize=4)
            ticks = sorted({point["x"] for points in lines.values() for point in points})
            axis.set(xscale="log", yscale="log", xlabel=AXES[key], ylabel="s an iteration")
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=7.5)
            axis.minorticks_off()
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.grid(linewidth=0.3)
        for axis in list(axes.flat)[len(curves):]:
            axis.axis("off")
        handles = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels())}
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False)
        write(figure, "scaling")


def main():
    path = pathlib.Path(sys.argv[1])
    results = json.loads(path.read_text())
    stem = "quick-" if results["quick"] else ""
    (path.parent / f"{stem}table.md").write_text(markdown(results))
    try:
        figures(results, path.parent, stem)
    except ImportError as error:
        print(f"report: no figures, since {error}", file=sys.stderr)
    print(markdown(results))


if __name__ == "__main__":
    main()
