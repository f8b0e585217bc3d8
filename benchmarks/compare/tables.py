# SPDX-License-Identifier: Apache-2.0
"""The section of docs/benchmarks.md that run.py writes: Markdown from a run's results."""

import math
import statistics

import work
from peers import BACKENDS, FLOOR, LIBTORCH, OURS

BEGIN = "<!-- compare: begin (benchmarks/compare/run.py writes down to the end mark) -->"
END = "<!-- compare: end -->"
MINE = (OURS, FLOOR, "floor-blocked", "keras-cpp-bf16", *BACKENDS)  # no peers


def number(value):
    """Three digits that mean something."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def mean(values):
    """The geometric mean, of ratios."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def verdict(reached):
    return "" if reached is None else "reached" if reached else "missed"


class Report:
    """Tables from the dictionary that run.py keeps (and writes as JSON)."""

    def __init__(self, results):
        self.results = results
        self.peers = [p for p in results["peers"] if p["missing"] is None]
        self.rivals = [p for p in self.peers if p["name"] not in MINE]

    def ms(self, peer, mode, model, batch):
        cell = self.results["cells"].get(f"{mode} {model} {batch}", {}).get(peer, {})
        return cell.get("ms")

    def best_rival(self, mode, model, batch):
        times = [t for p in self.rivals if (t := self.ms(p["name"], mode, model, batch))]
        return min(times, default=None)

    def ratio(self, other, mode, model, batch):
        ours = self.ms(OURS, mode, model, batch)
        return other / ours if ours and other else None

    def times(self, mode, models):
        shown = [p for p in self.peers if p["name"] not in (OURS, "keras-cpp-bf16")]
        if mode == "infer":
            shown = [p for p in shown if p["name"] not in (FLOOR, "floor-blocked")]
        head = ["", "batch", "keras.cpp", *(p["title"] for p in shown)]
        head += ["best peer / keras.cpp", "LibTorch / keras.cpp"]
        rows = []
        for model in models:
            for batch in work.BATCHES:
                if f"{mode} {model} {batch}" not in self.results["cells"]:
                    continue
                row = [f"`{model}`", batch, self.cell(OURS, mode, model, batch)]
                row += [self.cell(p["name"], mode, model, batch) for p in shown]
                for other in (self.best_rival(mode, model, batch), self.ms(LIBTORCH, mode, model, batch)):
                    ratio = self.ratio(other, mode, model, batch)
                    row.append(f"{ratio:.2f}" if ratio else "")
                rows.append(row)
        return table(head, rows)

    def cell(self, peer, mode, model, batch):
        cell = self.results["cells"].get(f"{mode} {model} {batch}", {}).get(peer)
        if not cell:
            return ""
        if "error" in cell:
            return "fails"
        ratio = self.ratio(cell["ms"], mode, model, batch)
        return number(cell["ms"]) + (f" ({ratio:.2f}x)" if ratio and peer != OURS else "")

    def training_goals(self):
        cells = [(m, b) for m in work.TRAINED for b in (32, 128)]
        ratios = [r for m, b in cells if (r := self.ratio(self.best_rival("train", m, b), "train", m, b))]
        rows = []
        if ratios:
            won = sum(r > 1 for r in ratios)
            rows.append(
                [
                    "training step at 32 and 128, cells in which it is the fastest",
                    f"{won} of {len(ratios)}",
                    f"all {len(cells)}",
                    verdict(won == len(cells)),
                ]
            )
            rows.append(
                [
                    "the same, best peer's time / keras.cpp's, geometric mean (least)",
                    f"{mean(ratios):.2f} ({min(ratios):.2f})",
                    "dream: 2",
                    "",
                ]
            )
        ratios = [r for m, b in cells if (r := self.ratio(self.ms(LIBTORCH, "train", m, b), "train", m, b))]
        if ratios:
            rows.append(
                [
                    "the same, best-tuned LibTorch's time / keras.cpp's, geometric mean",
                    f"{mean(ratios):.2f}",
                    f"at least {work.LIBTORCH_RATIO}",
                    verdict(mean(ratios) >= work.LIBTORCH_RATIO),
                ]
            )
        for m, b in cells:
            ratio = self.ratio(self.ms(FLOOR, "train", m, b), "train", m, b)
            if ratio:
                rows.append(
                    [
                        f"`{m}` at {b}, keras.cpp's time / the step by hand",
                        f"{1 / ratio:.2f}",
                        f"at most {work.FLOOR_RATIO}",
                        verdict(1 / ratio <= work.FLOOR_RATIO),
                    ]
                )
        return rows

    def peak_shares(self):
        shown = [p for p in self.peers if p["name"] not in ("keras-cpp-bf16",)]
        rows = []
        for model in work.TRAINED:
            measured = self.results.get("peaks", {}).get(f"train {model} 128")
            peak = statistics.median(measured) if measured else 0
            shares = {}
            for p in shown if peak else ():
                time = self.ms(p["name"], "train", model, 128)
                if time:
                    shares[p["name"]] = work.flops(model, True, 128) / (time * 1e6) / peak * 100
            if not shares:
                continue
            goal, ours = work.PEAK_SHARE[model], shares.get(OURS)
            rows.append(
                [
                    f"`{model}`",
                    number(peak),
                    *(f"{shares[p['name']]:.0f}" if p["name"] in shares else "" for p in shown),
                    goal,
                    verdict(ours >= goal if ours else None),
                ]
            )
        return table(["% of the peak", "peak, GFLOP/s", *(p["title"] for p in shown), "goal", ""], rows) if rows else ""

    def latency_goals(self):
        rows = []
        for model, goal in work.LATENCY_MS.items():
            ours = self.ms(OURS, "infer", model, 1)
            if ours:
                rows.append(
                    [
                        f"inference at batch 1, `{model}`, ms",
                        number(ours),
                        f"at most {goal}",
                        verdict(ours <= goal),
                    ]
                )
        ratios = []
        for model in work.MODELS:
            cell = self.results["cells"].get(f"infer {model} 1", {})
            ours, theirs = cell.get(OURS, {}).get("plain_ms"), cell.get("keras-tensorflow", {}).get(
                "plain_ms"
            )
            if ours and theirs:
                ratios.append(theirs / ours)
        if ratios:
            rows.append(
                [
                    "`model.predict` of one sample, Keras on TensorFlow / keras.cpp, least of the models",
                    f"{min(ratios):.0f}x",
                    f"at least {work.PREDICT_RATIO}x",
                    verdict(min(ratios) >= work.PREDICT_RATIO),
                ]
            )
        return rows

    def processes(self):
        found = self.results.get("process", {})
        compiling = self.results.get("memory", {}).get("resnet20", {})
        rows = []
        for p in self.peers:
            f = found.get(p["name"])
            if not f or p["name"] in (FLOOR, "floor-blocked", "keras-cpp-bf16"):
                continue
            first = compiling.get(p["name"], {}).get("compile_ms")
            rows.append(
                [
                    p["title"],
                    number(f["wall_ms"]),
                    number(f["rss_kb"] * 1024 / 1e6),
                    number(f["library_bytes"] / 1e6),
                    f["libraries"],
                    number(first) if first else "",
                ]
            )
        if not rows:
            return ""
        rows.append(["goal", work.FIRST_STEP_MS, work.FIRST_STEP_MB, work.LIBRARY_MB, "", work.COMPILE_MS])
        ours = found.get(OURS)
        if ours:
            first = compiling.get(OURS, {}).get("compile_ms")
            rows.append(
                [
                    "",
                    verdict(ours["wall_ms"] <= work.FIRST_STEP_MS),
                    verdict(ours["rss_kb"] * 1024 / 1e6 <= work.FIRST_STEP_MB),
                    verdict(ours["library_bytes"] / 1e6 <= work.LIBRARY_MB),
                    "",
                    verdict(first <= work.COMPILE_MS if first else None),
                ]
            )
        return table(
            [
                "",
                "start to first step of `mlp`, ms",
                "resident then, MB",
                "shared libraries, MB",
                "files",
                "first step of `resnet20`, less a usual one (tracing, compiling), ms",
            ],
            rows,
        )

    def peaks(self, model):
        """Peer -> kilobytes."""
        return {n: f["peak_kb"] for n, f in self.results.get("memory", {}).get(model, {}).items()}

    def memory(self):
        found = self.results.get("memory", {})
        if not found:
            return ""
        shown = [p for p in self.peers if p["name"] not in (FLOOR, "floor-blocked")]
        rows = []
        for model in work.TRAINED:
            peaks = self.peaks(model)
            if not peaks:
                continue
            rivals = [peaks[p["name"]] for p in self.rivals if p["name"] in peaks]
            share = peaks[OURS] / min(rivals) if rivals and OURS in peaks else None
            rows.append(
                [
                    f"`{model}`",
                    *(number(peaks[p["name"]] * 1024 / 1e6) if p["name"] in peaks else "" for p in shown),
                    f"{share:.2f}" if share else "",
                    verdict(share <= work.MEMORY_SHARE if share else None),
                ]
            )
        return table(
            [
                f"peak MB, training at {self.results['memory_batch']}",
                *(p["title"] for p in shown),
                f"keras.cpp / leanest peer (goal {work.MEMORY_SHARE})",
                "",
            ],
            rows,
        )

    def operations(self):
        found = self.results.get("operations", {})
        shown = [p for p in self.peers if p["name"] in found]
        if not shown:
            return ""
        names = list(dict.fromkeys(name for p in shown for name in found[p["name"]]))
        rows = [
            [name, *(number(found[p["name"]][name]) if name in found[p["name"]] else "" for p in shown)]
            for name in names
        ]
        ours = found.get(OURS, {}).get("add")
        goal = f"The goal for `add` is {work.OPERATION_NS} ns" + (
            f": {verdict(ours <= work.OPERATION_NS)}." if ours else "."
        )
        return table(["ns a call, tensors of 4 floats", *(p["title"] for p in shown)], rows) + "\n\n" + goal

    def mixed(self):
        rows = []
        for model in work.TRAINED:
            for batch in (32, 128):
                half, full = self.ms("keras-cpp-bf16", "train", model, batch), self.ms(
                    OURS, "train", model, batch
                )
                if half and full:
                    peaks = self.peaks(model)
                    share = ""
                    if (
                        batch == self.results.get("memory_batch")
                        and OURS in peaks
                        and "keras-cpp-bf16" in peaks
                    ):
                        share = f"{peaks['keras-cpp-bf16'] / peaks[OURS]:.2f}"
                    rows.append(
                        [f"`{model}`", batch, number(full), number(half), f"{full / half:.2f}", share]
                    )
        if not rows:
            return ""
        return table(
            [
                "training step",
                "batch",
                "float32, ms",
                "mixed_bfloat16, ms",
                "times as fast",
                "its peak memory / float32's",
            ],
            rows,
        )

    def text(self):
        r = self.results
        lines = [f"## Against the peers, {r['date']}: {r['machine']}"]
        if r["contested"]:
            lines.append(
                f"**Contested**: other programs used up to {r['others_most'] * 100:.0f} % of the processors "
                f"(median {r['others_median'] * 100:.0f} %) while this was measured. "
                + (
                    "Processor time holds all the same, except for shared caches and memory."
                    if r["processor_time"]
                    else "Only that everything runs is certain; no figure here is one to quote."
                )
            )
        else:
            lines.append(
                f"On a quiet machine: others used {r['others_median'] * 100:.0f} % of the processors "
                f"(median; at most {r['others_most'] * 100:.0f} %)."
            )
        if r["processor_time"]:
            lines.append("Times are **processor time** of a step, of all its threads.")
        lines.append(
            f"`benchmarks/compare/run.py`, interleaved, {r['seconds']:g} s a cell and round ({r['rounds']}), "
            "medians; in brackets the time over keras.cpp's. How, and with which settings: "
            "[benchmarks/compare](../benchmarks/compare/README.md)."
        )
        lines.append(
            "\n".join(
                f"- {p['title']}: " + (f"left out: {p['missing']}" if p["missing"] else p["settings"])
                for p in r["peers"]
            )
        )
        if limits := r.get("limits"):
            lines.append(
                f"Measured with the rest: {number(limits['fma_gflops'])} GFLOP/s of float32 multiply-adds on "
                f"{limits['threads']:.0f} threads, {number(limits['read_gb_s'])} GB/s read from memory."
            )
        for title, body in (
            ("Training step, ms", self.times("train", work.TRAINED)),
            ("", table(["goal", "measured", "", ""], rows) if (rows := self.training_goals()) else ""),
            ("Share of the processor's peak, training at 128", self.peak_shares()),
            ("Inference, ms", self.times("infer", work.MODELS)),
            ("", table(["goal", "measured", "", ""], rows) if (rows := self.latency_goals()) else ""),
            ("Process", self.processes()),
            ("Memory", self.memory()),
            ("Eager ops", self.operations()),
            ("mixed_bfloat16", self.mixed()),
        ):
            if body and "\n" in body:
                lines.append(f"### {title}\n{body}" if title else body)
        failures = sorted(
            {
                f"{p}, {key}: {cell['error'][:160]}"
                for key, cells in r["cells"].items()
                for p, cell in cells.items()
                if "error" in cell
            }
        )
        if failures:
            lines.append("Fails: " + "; ".join(failures) + ".")
        return "\n\n".join(lines) + "\n"


def replace_section(page, text):
    """The page with its marked section replaced, or with one at its end."""
    section = f"{BEGIN}\n{text}{END}\n"
    if BEGIN in page and END in page:
        before, _, rest = page.partition(BEGIN)
        return before + section + rest.partition(END)[2].lstrip("\n")
    return page.rstrip("\n") + "\n\n" + section
