# SPDX-License-Identifier: Apache-2.0
"""The line protocol of README.md for the programs in Python, and the data that every program makes."""

import json
import math
import os
import sys
import time


class Case:
    """A model and its data, ready to run."""

    def __init__(self, parameters, step, loss=None, plain=None):
        self.parameters = parameters  # trainable ones
        self.step = step  # one training step, or the outputs of one batch
        self.loss = loss  # of the last training step
        self.plain = plain  # inference as users write it, where that is another call


def real_values(shape):
    import numpy as np

    i = np.arange(math.prod(shape), dtype=np.float64)
    return (0.5 + 0.5 * np.sin(1.0 + 1.7 * i)).astype(np.float32).reshape(shape)


def integer_values(shape, below, dtype="int32"):
    import numpy as np

    state, values = 12345, []
    for _ in range(math.prod(shape)):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append((state >> 33) % below)
    return np.array(values, dtype=dtype).reshape(shape)


def _status_kilobytes(key):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def _memory():
    with open("/proc/self/maps") as maps:
        paths = (line[line.find("/") :].strip() for line in maps if "/" in line)
        libraries = {path for path in paths if ".so" in path}
    return {
        "rss_kb": _status_kilobytes("VmRSS"),
        "peak_kb": _status_kilobytes("VmHWM"),
        "libraries": len(libraries),
        "library_bytes": sum(os.path.getsize(path) for path in libraries if os.path.exists(path)),
    }


def _quantile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _run(step, seconds, least):
    """Steps until the time is over, at least `least`: the median, with the ends of the middle 80 %."""
    warm = time.perf_counter() + min(0.05, seconds / 10)
    step()
    while time.perf_counter() < warm:
        step()
    times = []
    used = time.process_time()
    begin = time.perf_counter()
    end = begin + seconds
    while begin < end or len(times) < least:
        step()
        after = time.perf_counter()
        times.append((after - begin) * 1e3)
        begin = after
    processor = (time.process_time() - used) * 1e3 / len(times)
    times.sort()
    return {
        "ms": _quantile(times, 0.5),
        "processor_ms": processor,
        "low_ms": _quantile(times, 0.1),
        "high_ms": _quantile(times, 0.9),
        "count": len(times),
    }


def _make_case(make, model, training, batch, learning_rate):
    begin = time.perf_counter()
    case = make(model, training, batch, learning_rate)
    answer = {"parameters": case.parameters, "make_ms": (time.perf_counter() - begin) * 1e3}
    begin = time.perf_counter()
    case.step()
    answer["first_step_ms"] = (time.perf_counter() - begin) * 1e3
    if case.loss:
        answer["loss"] = case.loss()
    return case, answer


def serve(name, version, settings, make, operations=None):
    """Answers commands until the end of the input; `first-step` as the last argument makes one training step.

    make(model, training, batch, learning_rate) gives a Case; operations(seconds) a dictionary of nanoseconds.
    """
    # Frameworks print to stdout: answers keep the real one to themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def send(answer):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    if sys.argv[-1] == "first-step":
        _, answer = _make_case(make, "mlp", True, 32, 0.0)
        answer.update(_memory())
        send(answer)
        return
    send({"name": name, "version": version, "settings": settings})
    case = None
    for line in sys.stdin:
        command, *words = line.split()
        if command == "quit":
            break
        try:
            if command == "case":
                case = None
                rate = float(words[3]) if len(words) > 3 else 0.0
                case, answer = _make_case(make, words[0], words[1] == "train", int(words[2]), rate)
            elif command in ("run", "plain") and case:
                seconds = float(words[0]) if words else 1.0
                least = int(words[1]) if len(words) > 1 else 5
                step = case.step if command == "run" else case.plain or case.step
                answer = _run(step, seconds, least)
                if case.loss:
                    answer["loss"] = case.loss()
            elif command == "drop":
                case, answer = None, {}
            elif command == "memory":
                answer = _memory()
            elif command == "operations":
                answer = operations(float(words[0]) if words else 0.2) if operations else {}
            else:
                answer = {"error": "no such command here: " + line.strip()}
        except Exception as error:  # whatever a framework throws becomes a cell of the table
            case, answer = None, {"error": f"{type(error).__name__}: {error}"[:2000]}
        send(answer)
