"""A worker without torch: what it does depends on the model asked for. The tests run it as a program."""

import builtins
import json
import os
import signal
import subprocess
import sys
import time

from msgspec.structs import replace

from explorer.errors import EngineError, OutOfMemory
from explorer.protocol.bench import (
    BenchPartial,
    BenchRequest,
    BenchResult,
    CompileTimes,
    Roofline,
    TrainTimes,
    VersusRequest,
    VersusResult,
)
from explorer.protocol.events import Emit, Log, Partial, Progress
from explorer.protocol.tune import OutputDifference, TuneRequest, TuneResult, TuneStep
from explorer.worker import serve
from tests.measurements import LATENCY, measured

answered = 0


def bench(request: BenchRequest, emit: Emit) -> BenchResult:
    """Do what the model's name says, then answer; ``iterations`` counts the answers of this process."""
    global answered
    emit(Progress("measure", f"pretending to measure {request.model}", 0.5))
    match request.model:
        case "noisy":
            print("from print")
            os.write(1, b"from the file descriptor\n")
            subprocess.run(["echo", "from a child"], check=True)
            sys.__stdout__.write("from the original stdout\n")
            sys.__stdout__.flush()
        case "thirsty":
            assert sys.stdin.read() == ""
        case "killed":
            print("about to be killed", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exits":
            print("cannot go on", file=sys.stderr, flush=True)
            os._exit(3)
        case "leaky":
            print('cannot go on\nnanobind: leaked 3 types!\n - leaked type "x"', file=sys.stderr, flush=True)
            print("nanobind: this is likely caused by a reference counting issue", file=sys.stderr, flush=True)
            os._exit(1)
        case "leaves-a-child":
            if os.fork() == 0:
                time.sleep(60)
            os._exit(3)
        case "forks":
            os.fork()
        case "ends":
            os._exit(3)
        case "asks-to-end":
            sys.exit(4)
        case "is-interrupted":
            raise KeyboardInterrupt
        case "warns-and-ends":
            print("x.py:3: UserWarning: careful\n  warn('careful')", file=sys.stderr, flush=True)
            os._exit(3)
        case "speechless":
            raise type("Speechless", (Exception,), {"__str__": lambda self: sys.exit(1)})
        case "breaks-python":
            builtins.open = builtins.print = json.dumps = json.loads = json.JSONEncoder.encode = None
            json.JSONEncoder.iterencode = json.encoder.c_make_encoder = None
            builtins.isinstance = builtins.str = builtins.type = builtins.memoryview = os.getpid = os.getppid = None
            sys.stdout = sys.stderr = None
            raise OSError("after all that")
        case "garbage":
            os.write(int(os.environ["EVENTS_FD"]), b"[W] something a library said\n")
        case "sleeps":
            time.sleep(60)
        case "buggy":
            raise ZeroDivisionError("division\nby zero")
        case "greedy":
            raise OutOfMemory("greedy runs out of memory", "lower --batch-size")
        case "lost-device":
            error = type("AcceleratorError", (RuntimeError,), {})("CUDA error: device-side assert")
            raise EngineError("lost-device failed") from error
        case "long":
            emit(Log("x" * 1_000_000))
        case "partial":
            emit(Partial("bench", BenchPartial(1, 0.5, 500.0, 2.0)))
    answered += 1
    return measured(
        model=request.model,
        mode="train" if request.train else "infer",
        device=request.device or "cpu",
        batch_size=request.batch_size or 1,
        batch_size_requested=request.batch_size or 1,
        img_size=(224, 112),
        dtype=request.dtype or "float32",
        samples_per_sec=95.2,
        iterations=answered,
        measured_seconds=request.seconds / 2,
        throughput_seconds=request.seconds / 2,
        memory_kind="peak_rss",
        memory_before_bytes=700 << 20,
        train=TrainTimes(LATENCY, LATENCY, LATENCY, "SGD") if request.train else None,
        compile=None if request.compile == "off" else CompileTimes(8.5, 2.5),
        roofline=Roofline(0.1, 12.5, 0.0007, 0.007) if request.roofline else None,
        settings={"memory_format": request.memory_format, "threads": request.threads or 2},
        environment={"device_name": "a CPU", "timm": "1", "torch": "2", "python": "3", "explorer": "0"},
    )


def versus(request: VersusRequest, emit: Emit) -> VersusResult:
    """Answer that A is a little faster."""
    return VersusResult(bench(request.a, emit), bench(request.b, emit), 1.234, 1.21, 1.25, 12)


def tune(request: TuneRequest, emit: Emit) -> TuneResult:
    """Find that channels_last is faster, or for ``tuned-already`` that nothing is."""
    baseline = bench(request.bench, emit)
    differs = OutputDifference(1e-3, 2e-4, 1.0, True, 8)
    is_faster = request.bench.model != "tuned-already"
    steps = [
        TuneStep("memory_format", "channels_last", 120.5, 1.265, 1.25, 1.28, is_faster, differs, "", 2.5),
        TuneStep(
            "dtype", "bfloat16", 10.0, 0.1, None, None, False, differs, "left after two rounds: clearly slower", 1.5
        ),
        TuneStep("compile", "default", None, None, None, None, False, None, "torch.compile needs a C++ compiler", 0.5),
    ]
    for step in steps:
        emit(Partial("tune", step))
    found = replace(request.bench, device="cpu", memory_format="channels_last" if is_faster else "contiguous")
    tuned = bench(found, emit) if is_faster else baseline
    ends = (1.26, 1.24, 1.28, 12) if is_faster else (1.0, 1.0, 1.0, 0)
    return TuneResult(baseline, tuned, found, {"in_chans": 3}, *ends, is_faster, differs, steps, 42.0)


if __name__ == "__main__":
    os.environ["EVENTS_FD"] = str(os.dup(1))
    serve.main({"bench": bench, "versus": versus, "tune": tune})
