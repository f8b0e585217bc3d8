# SPDX-License-Identifier: Apache-2.0
"""The programs that are measured: how each is started, and the conversation with it (README.md)."""

import ctypes
import json
import os
import select
import signal
import subprocess
import time

from machine import processors

FOLDER = os.path.dirname(os.path.abspath(__file__))
# glibc's malloc keeps what it got, which is worth up to twice the speed to frameworks without an allocator.
KEEPING_MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "67108864",
}
OURS, FLOOR, LIBTORCH = "keras-cpp", "floor", "libtorch"
BACKENDS = ("keras-cpp-torch", "keras-cpp-tensorflow")  # keras.cpp on other backends; run when asked for by name


class Peer:
    """One program: its name, its column's title, its command and environment, and why it cannot run."""

    def __init__(self, name, title, command, environment=None, missing=None, training_only=False, note=""):
        self.name, self.title, self.command = name, title, command
        self.environment, self.missing, self.training_only = environment or {}, missing, training_only
        self.note = note  # on its settings

    def start(self):
        return Process(self)


def _die_with_the_driver():
    """A stopped program would outlive a driver that ends in the middle: the kernel ends both."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class PeerError(Exception):
    """What a peer cannot do, as a sentence."""


class Process:
    """A running peer. It is stopped (SIGSTOP) except while it answers, so that none disturbs another."""

    def __init__(self, peer, arguments=()):
        ours = ("OMP_", "GOMP_", "KERAS_", "MALLOC_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.begin = time.perf_counter()
        self.child = subprocess.Popen(
            [*peer.command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, **peer.environment},
            cwd=FOLDER,
            preexec_fn=_die_with_the_driver,
        )
        self.rest = b""
        self.hello = self.read(120)
        self.ready_seconds = time.perf_counter() - self.begin
        if not arguments:
            self.child.send_signal(signal.SIGSTOP)

    def read(self, timeout):
        end = time.perf_counter() + timeout
        pipe = self.child.stdout.fileno()
        while b"\n" not in self.rest:
            if not select.select([pipe], [], [], max(0.0, end - time.perf_counter()))[0]:
                self.kill()
                raise PeerError(f"gave no answer in {timeout:.0f} s")
            data = os.read(pipe, 65536)
            if not data:
                raise PeerError(f"ended with status {self.child.wait()}")
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def ask(self, command, timeout=600):
        if self.child.poll() is not None:
            raise PeerError(f"ended with status {self.child.returncode}")
        self.child.send_signal(signal.SIGCONT)
        try:
            self.child.stdin.write((command + "\n").encode())
            self.child.stdin.flush()
            return self.read(timeout)
        except BrokenPipeError:
            raise PeerError("ended") from None
        finally:
            if self.child.poll() is None:
                self.child.send_signal(signal.SIGSTOP)

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()


def one_shot(peer, *arguments):
    """The answer of a program that gives one and ends, and the seconds from its start to the answer."""
    process = Process(peer, list(arguments))
    process.kill()
    return process.hello, process.ready_seconds


def all_peers(build, environments):
    """Every peer, in the order of the tables' columns; `environments` is the folder of setup.sh, or none."""
    binaries = os.path.join(os.path.abspath(build), "bin")
    threads = str(processors())
    openmp = {"OMP_NUM_THREADS": threads, "OMP_PROC_BIND": "true"}

    def program(
        name,
        title,
        arguments=(),
        environment=None,
        training_only=False,
        binary=None,
        missing="not built here",
        note="",
        needs=None,
    ):
        path = os.path.join(binaries, binary)
        if needs and not os.path.exists(os.path.join(binaries, "..", "lib", f"libkeras_{needs}.so")):
            path, missing = "", f"the {needs} backend was not built"
        return Peer(
            name,
            title,
            [path, *arguments],
            environment,
            None if os.path.exists(path) else missing,
            training_only,
            note,
        )

    def script(name, title, environment_name, source, arguments=(), environment=None):
        if not environments:
            return Peer(name, title, [], missing="no environment was given (setup.sh)")
        folder = os.path.abspath(os.path.join(environments, environment_name))
        python = os.path.join(folder, "bin", "python")
        reason = os.path.join(environments, environment_name + ".failed")
        missing = None
        if os.path.exists(reason):
            with open(reason) as file:
                missing = "could not be installed: " + file.read().strip()
        elif not os.path.exists(python):
            missing = "not installed (setup.sh)"
        return Peer(
            name,
            title,
            [python, os.path.join(FOLDER, source), *arguments],
            {**KEEPING_MALLOC, **(environment or {})},
            missing,
        )

    blas = os.path.join(os.path.abspath(environments), "openblas") if environments else ""
    tuned = {**openmp, **KEEPING_MALLOC}
    with open("/proc/cpuinfo") as cpuinfo:
        if " avx512f" in cpuinfo.read():
            # OpenBLAS 0.3.21 takes processors that it does not know for the oldest.
            tuned.update(OPENBLAS_CORETYPE="SkylakeX", ATEN_CPU_CAPABILITY="avx512")
    found = os.path.isdir(blas)
    if found:
        tuned["LD_LIBRARY_PATH"] = blas
    inductor = {
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "TORCHINDUCTOR_CACHE_DIR": os.path.join(os.path.abspath(build), "compare", "inductor"),
    }
    return [
        program(OURS, "keras.cpp", binary="compare_keras_cpp"),
        program(FLOOR, "by hand", environment=openmp, training_only=True, binary="floor"),
        program("floor-blocked", "by hand, blocked", ["blocked"], openmp, True, "floor"),
        program(
            LIBTORCH,
            "LibTorch C++",
            environment=tuned,
            binary="compare_libtorch",
            missing="libtorch-dev was not installed when this was built",
            note="OpenBLAS on OpenMP" if found else "the system's BLAS, not its best one (setup.sh)",
        ),
        script("torch", "PyTorch eager", "torch", "peer_torch.py", environment=openmp),
        script(
            "torch-compile", "torch.compile", "torch", "peer_torch.py", ["compile"], {**openmp, **inductor}
        ),
        script(
            "keras-tensorflow",
            "Keras on TensorFlow",
            "tensorflow",
            "peer_keras.py",
            environment={"KERAS_BACKEND": "tensorflow"},
        ),
        script(
            "keras-tensorflow-xla",
            "Keras on TensorFlow, XLA",
            "tensorflow",
            "peer_keras.py",
            ["xla"],
            {"KERAS_BACKEND": "tensorflow"},
        ),
        script("keras-jax", "Keras on JAX", "jax", "peer_keras.py", environment={"KERAS_BACKEND": "jax"}),
        program(
            "keras-cpp-torch",
            "keras.cpp on LibTorch",
            environment={**tuned, "KERAS_BACKEND": "torch"},
            binary="compare_keras_cpp",
            needs="torch",
            note="OpenBLAS on OpenMP" if found else "the system's BLAS, not its best one (setup.sh)",
        ),
        program(
            "keras-cpp-tensorflow",
            "keras.cpp on TensorFlow",
            environment={"KERAS_BACKEND": "tensorflow"},
            binary="compare_keras_cpp",
            needs="tensorflow",
        ),
        program(
            "keras-cpp-bf16",
            "keras.cpp, mixed_bfloat16",
            environment={"COMPARE_DTYPE_POLICY": "mixed_bfloat16"},
            binary="compare_keras_cpp",
        ),
    ]
