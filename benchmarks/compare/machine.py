# SPDX-License-Identifier: Apache-2.0
"""The processor, and who else uses it: a figure taken beside other work is not one."""

import os
import time

TICKS = os.sysconf("SC_CLK_TCK")


def processors():
    return len(os.sched_getaffinity(0))


def description():
    name, flags = "unknown processor", set()
    with open("/proc/cpuinfo") as cpuinfo:
        for line in cpuinfo:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    matrix = "AMX" if "amx_tile" in flags else "no AMX"
    system = "Linux"
    if os.path.exists("/etc/os-release"):
        with open("/etc/os-release") as release:
            fields = dict(line.strip().split("=", 1) for line in release if "=" in line)
        system = fields.get("PRETTY_NAME", system).strip('"')
    count = processors()
    return f"{count} {'processor' if count == 1 else 'processors'} of an {name} ({wide}, {matrix}); {system}"


def _busy_seconds():
    """Processor time of all processes, and what the host took away."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal, *_ = map(int, stat.readline().split()[1:])
    return (user + nice + system + irq + softirq + steal) / TICKS


def _own_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS
    except OSError:
        return 0.0


class Load:
    """The share of all processors that others used between two moments."""

    def __init__(self, *pids):
        self.pids = (os.getpid(), *pids)
        self.begin = (time.perf_counter(), _busy_seconds(), self._own())

    def _own(self):
        return sum(_own_seconds(pid) for pid in self.pids)

    def others(self):
        wall = time.perf_counter() - self.begin[0]
        busy, own = _busy_seconds() - self.begin[1], self._own() - self.begin[2]
        # Ticks of 10 ms are coarse: what they may hide is not held against anyone.
        return max(0.0, busy - own - 2 / TICKS) / (wall * (os.cpu_count() or 1))


def others_now(seconds=1.0):
    load = Load()
    time.sleep(seconds)
    return load.others()
