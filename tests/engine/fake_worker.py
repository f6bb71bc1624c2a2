"""A worker without torch: what it does depends on the model asked for. The tests run it as a program."""

import os
import signal
import subprocess
import sys
import time

from explorer.engine import worker
from explorer.engine.protocol import (
    BenchPartial,
    BenchRequest,
    BenchResult,
    Emit,
    Latency,
    Log,
    Partial,
    Progress,
)
from explorer.errors import EngineError, OutOfMemory

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
    return BenchResult(
        model=request.model,
        device="cpu",
        batch_size=request.batch_size or 1,
        img_size=(224, 112),
        in_chans=3,
        dtype=request.dtype,
        latency_ms=Latency(10.0, 11.0, 12.0, 10.5, 9.0, 13.0, 0.5),
        samples_per_sec=95.2,
        param_count=21_797_672,
        iterations=answered,
        warmup_iterations=2,
        measured_seconds=request.seconds,
        memory_bytes=800 << 20,
        memory_kind="peak_rss",
        memory_before_bytes=700 << 20,
        settings={"memory_format": "contiguous_format", "threads": 2},
        environment={"device_name": "a CPU", "timm": "1", "torch": "2", "python": "3", "explorer": "0"},
    )


if __name__ == "__main__":
    os.environ["EVENTS_FD"] = str(os.dup(1))
    worker.main({"bench": bench})
