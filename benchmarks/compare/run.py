#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures keras.cpp beside its peers and writes the tables of docs/benchmarks.md; README.md tells how."""

import argparse
import datetime
import json
import os
import statistics
import sys
import time

import machine
import work
from peers import BACKENDS, LIBTORCH, OURS, Peer, PeerError, all_peers, one_shot
from tables import Report, replace_section

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOST_OTHERS = 0.15
PATIENCE = 5


def say(text):
    print(text, file=sys.stderr, flush=True)


class Run:
    """One comparison: its options, its peers, and what it found so far."""

    def __init__(self, options, peers):
        self.options, self.peers, self.others = options, peers, []
        self.results = {
            "date": datetime.date.today().isoformat(),
            "machine": machine.description(),
            "contested": options.contested,
            "rounds": options.rounds,
            "seconds": options.seconds,
            "processor_time": options.processor_time,
            "peers": [],
            "cells": {},
            "peaks": {},
            "process": {},
            "memory": {},
            "operations": {},
        }

    def usable(self):
        return [p for p in self.peers if p.missing is None]

    def quietly(self, pid, measure):
        """What `measure` gives, once others have left it the processors."""
        for _ in range(PATIENCE):
            load = machine.Load(*([pid] if pid else []))
            answer = measure()
            others = load.others()
            if others <= MOST_OTHERS or self.options.contested:
                self.others.append(others)
                return answer
            say(f"  others used {others * 100:.0f} % of the processors: once more")
            time.sleep(2)
        sys.exit(
            "Stopped: other programs keep the processors busy. Wait for them, or use --contested, which the "
            "tables will say."
        )

    def introduce(self):
        for peer in self.peers:
            entry = {"name": peer.name, "title": peer.title, "missing": peer.missing, "settings": ""}
            if peer.missing is None:
                try:
                    process = peer.start()
                    hello = process.hello
                    process.kill()
                    entry["settings"] = (
                        f"{hello['name']} {hello['version']}".strip() + f", {hello['settings']}"
                    )
                    entry["settings"] += f", {peer.note}" if peer.note else ""
                except PeerError as error:
                    peer.missing = entry["missing"] = str(error)[:200]
            say(f"{peer.title}: {entry['missing'] or entry['settings']}")
            self.results["peers"].append(entry)

    def limits(self):
        """What the processor can do: figures that belong to the whole run."""
        if found := self.measured_limits(str(min(0.5, self.options.seconds))):
            kept = self.results.setdefault("limits_each", [])
            kept.append(found)
            self.results["limits"] = {key: statistics.median(f[key] for f in kept) for key in found}

    def measured_limits(self, *arguments):
        program = os.path.abspath(os.path.join(self.options.build, "bin", "limits"))
        if not os.path.exists(program):
            return None
        try:
            return self.quietly(None, lambda: one_shot(Peer("limits", "limits", [program]), *arguments)[0])
        except PeerError as error:
            say(f"limits: {error}")
            return None

    def model(self, model):
        """All cells of one model, every peer in a process of its own that is stopped while others run."""
        say(f"== {model}")
        running = {}
        for peer in self.usable():
            try:
                running[peer.name] = peer.start()
            except PeerError as error:
                say(f"  {peer.title}: {error}")
        if model in work.TRAINED and not self.options.unchecked:
            self.check(model, running)
        for mode in ("train", "infer"):
            for batch in self.options.batches:
                if (mode == "train" and model not in work.TRAINED) or (model == "mobilenetv2" and batch > 32):
                    continue
                self.cell(mode, model, batch, running)
        for process in running.values():
            process.kill()
        self.limits()

    def check(self, model, running):
        """A program that learns nothing does not do the work: the loss falls within 30 steps."""
        for name, process in running.items():
            try:
                first = process.ask(f"case {model} train 32 0")["loss"]
                last = process.ask("run 0 30")["loss"]
                process.ask("drop")
            except PeerError as error:
                say(f"  {name}: {error}")
                continue
            if not last < first:
                sys.exit(
                    f"Stopped: {name} does not learn {model}: its loss went from {first:.4f} to {last:.4f}"
                )

    def cell(self, mode, model, batch, running):
        key = f"{mode} {model} {batch}"
        found = self.results["cells"].setdefault(key, {})
        ready, parameters = {}, {}
        for peer in self.usable():
            if peer.name not in running or (mode == "infer" and peer.training_only):
                continue
            if peer.name == "keras-cpp-bf16" and (mode == "infer" or batch == 1):
                continue
            try:
                answer = running[peer.name].ask(f"case {model} {mode} {batch} {work.TIMED_LEARNING_RATE}")
            except PeerError as error:
                if not (peer.name.startswith("floor") and "has" in str(error)):
                    found[peer.name] = {"error": str(error)}
                    say(f"  {key}, {peer.title}: {str(error)[:200]}")
                continue
            ready[peer.name] = running[peer.name]
            parameters[peer.name] = answer["parameters"]
            found[peer.name] = {"first_step_ms": answer["first_step_ms"], "rounds": []}
        if len(set(parameters.values())) > 1:
            sys.exit(f"Stopped: the peers' {model} differ in their trainable parameters: {parameters}")
        order, clock = list(ready), "processor_ms" if self.options.processor_time else "ms"
        for turn in range(self.options.rounds):
            if (mode, batch) == ("train", 128) and (peak := self.measured_limits("0.1", "peak")):
                # Shares of the peak are of the same minute: what a shared host's processor gives comes and goes.
                self.results["peaks"].setdefault(key, []).append(peak["fma_gflops"])
            for name in order[turn % len(order) :] + order[: turn % len(order)]:
                process = ready[name]
                if "error" in found[name]:
                    continue
                try:
                    found[name]["rounds"].append(
                        self.quietly(
                            process.child.pid, lambda p=process: p.ask(f"run {self.options.seconds} 5")[clock]
                        )
                    )
                    if mode == "infer" and batch == 1 and name in (OURS, "keras-tensorflow"):
                        found[name].setdefault("plain", []).append(
                            self.quietly(
                                process.child.pid,
                                lambda p=process: p.ask(f"plain {self.options.seconds} 5")[clock],
                            )
                        )
                except PeerError as error:
                    found[name] = {"error": str(error)}
        for name, cell in found.items():
            if "rounds" in cell:
                cell["ms"] = statistics.median(cell["rounds"])
            if "plain" in cell:
                cell["plain_ms"] = statistics.median(cell["plain"])
            if name in ready:
                try:
                    ready[name].ask("drop")
                except PeerError:
                    pass
        say(f"  {key}: " + ", ".join(f"{n} {c['ms']:.3g}" for n, c in found.items() if "ms" in c))

    def process(self):
        """From the start of the process to the answer after its first training step."""
        say("== process")
        for peer in self.usable():
            repeats = 1 if self.options.seconds < 0.1 else 3 if peer.command[0].endswith("python") else 7
            try:
                one_shot(peer, "first-step")  # warms the files
                runs = [self.quietly(None, lambda p=peer: one_shot(p, "first-step")) for _ in range(repeats)]
            except PeerError as error:
                say(f"  {peer.title}: {error}")
                continue
            kept = runs[-1][0]
            kept["wall_ms"] = statistics.median(seconds for _, seconds in runs) * 1e3
            self.results["process"][peer.name] = kept
            say(
                f"  {peer.title}: {kept['wall_ms']:.0f} ms, {kept['rss_kb'] * 1024 / 1e6:.0f} MB, "
                f"{kept['library_bytes'] / 1e6:.0f} MB of libraries"
            )

    def memory(self, model):
        """The most memory of a process that trains one model and does nothing else."""
        batch = self.results["memory_batch"] = max(self.options.batches)
        found = self.results["memory"].setdefault(model, {})
        for peer in self.usable():
            try:
                process = peer.start()
                first = process.ask(f"case {model} train {batch} {work.TIMED_LEARNING_RATE}")["first_step_ms"]
                usual = process.ask("run 0 5")["ms"]
                peak = process.ask("memory")["peak_kb"]
                process.kill()
            except PeerError:
                continue
            found[peer.name] = {"peak_kb": peak, "compile_ms": max(0.0, first - usual)}
        say(
            f"== memory of {model}, MB: "
            + ", ".join(f"{n} {f['peak_kb'] * 1024 / 1e6:.0f}" for n, f in found.items())
        )

    def operations(self):
        for peer in self.usable():
            if peer.name not in (OURS, LIBTORCH, "torch"):
                continue
            try:
                process = peer.start()
                answer = self.quietly(
                    process.child.pid, lambda p=process: p.ask(f"operations {self.options.seconds}")
                )
                process.kill()
            except PeerError as error:
                say(f"  {peer.title}: {error}")
                continue
            self.results["operations"][peer.name] = answer
            say(f"== ops of {peer.title}, ns: {answer}")

    def finish(self):
        self.results["others_median"] = statistics.median(self.others) if self.others else 0
        self.results["others_most"] = max(self.others, default=0)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--build", default=os.path.join(ROOT, "build", "release"), help="the build with its programs"
    )
    parser.add_argument(
        "--environments", help="the folder that setup.sh made; without it only C++ programs run"
    )
    parser.add_argument("--peers", help="names, separated by commas; all but the other backends unless given")
    parser.add_argument("--models", default=",".join(work.MODELS))
    parser.add_argument("--batches", default=",".join(map(str, work.BATCHES)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each peer in each round")
    parser.add_argument("--parts", default="steps,process,memory,operations")
    parser.add_argument("--contested", action="store_true", help="measure although others use the processors")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="mean processor time of a step, not its median time: with one thread (taskset -c 0) it holds on a "
        "contested machine, but for shared caches and memory",
    )
    parser.add_argument("--unchecked", action="store_true", help="without the look at whether losses fall")
    parser.add_argument(
        "--strict", action="store_true", help="fail when a cell of a program that runs has no figure"
    )
    parser.add_argument("--write", action="store_true", help="replace the section of docs/benchmarks.md")
    parser.add_argument("--results", help="where the raw results go; BUILD/compare/results.json unless given")
    parser.add_argument("--report", metavar="FILE", help="measure nothing: the tables of results kept before")
    options = parser.parse_args()
    options.batches = [int(b) for b in options.batches.split(",")]
    options.models = options.models.split(",")
    unknown = [m for m in options.models if m not in work.MODELS]
    if unknown:
        parser.error(f"there is no model '{unknown[0]}': the models are {', '.join(work.MODELS)}")
    return options


def publish(results, write):
    """Prints the tables; also puts them into the page."""
    text = Report(results).text()
    print(text)
    if not write:
        return
    page = os.path.join(ROOT, "docs", "benchmarks.md")
    with open(page) as file:
        old = file.read()
    with open(page, "w") as file:
        file.write(replace_section(old, text))


def main():
    options = parse()
    if options.report:
        with open(options.report) as file:
            publish(json.load(file), options.write)
        return
    peers = all_peers(options.build, options.environments)
    if options.peers:
        wanted = options.peers.split(",")
        names = [p.name for p in peers]
        for name in wanted:
            if name not in names:
                sys.exit(f"Stopped: there is no peer '{name}': the peers are {', '.join(names)}")
        peers = [p for p in peers if p.name in wanted]
    else:
        peers = [p for p in peers if p.name not in BACKENDS]
    others = machine.others_now()
    if others > MOST_OTHERS and not options.contested:
        sys.exit(
            f"Stopped: other programs use {others * 100:.0f} % of the processors. Wait for them, or use "
            "--contested, which the tables will say."
        )
    run = Run(options, peers)
    run.introduce()
    if OURS not in [p.name for p in run.usable()]:
        sys.exit(
            "Stopped: keras.cpp's own program was not built: configure with -DKERAS_BUILD_BENCHMARKS=ON and "
            "build compare_keras_cpp"
        )
    parts = options.parts.split(",")
    path = options.results or os.path.join(options.build, "compare", "results.json")
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    run.limits()
    steps = [(run.model, m) for m in options.models] if "steps" in parts else []
    steps += [(run.memory, m) for m in options.models if m in work.TRAINED] if "memory" in parts else []
    steps += [(run.process,)] if "process" in parts else []
    steps += [(run.operations,)] if "operations" in parts else []
    for measure, *arguments in steps:
        measure(*arguments)
        run.finish()
        with open(path, "w") as file:
            json.dump(run.results, file, indent=1)
    publish(run.results, options.write)
    failed = [key for key, cells in run.results["cells"].items() if any("error" in c for c in cells.values())]
    if failed and options.strict:
        sys.exit(f"Stopped: no figures for {', '.join(failed)}; the reasons stand at the end of the report")


if __name__ == "__main__":
    main()
