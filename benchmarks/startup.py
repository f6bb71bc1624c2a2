"""Explorer's commands against ``python -c "import timm"``, in one run on one machine.

    uv run python benchmarks/startup.py [--rounds 5]

Every command runs as a fresh process, in turns with the import, and the best of all rounds counts: other work on the
machine only ever adds time. Prints seconds, the ratio to the import, what the ratio is held to, and peak memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXPLORER = (sys.executable, "-m", "explorer")
WHOLE_GRAPH = """
from explorer import load_graph
g = load_graph(use_cache=False, traces=False)
assert len(g) > 1000 and g.contexts.models
"""
FIRST_COMMAND = """
import os, sys, tempfile
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(dir=sys.argv[1])
sys.argv[1:] = ["list"]
from explorer.__main__ import main
main()
"""
COLD_LIMIT = 1 / 2
CALLS_LIMIT = 1
"""Of the whole graph, every model's calls among it."""
WARM_LIMIT = 1 / 15


def commands(folder: Path) -> dict[str, tuple[tuple[str, ...], float | None]]:
    """Command lines by name, with the ratio each is held to."""
    return {
        "import timm": ((sys.executable, "-c", "import timm"), None),
        "whole graph, no cache": ((sys.executable, "-c", WHOLE_GRAPH), CALLS_LIMIT),
        "list, empty cache": ((sys.executable, "-c", FIRST_COMMAND, str(folder)), COLD_LIMIT),
        "list --all --json": ((*EXPLORER, "list", "--all", "--json"), WARM_LIMIT),
        "show resnet34 --json": ((*EXPLORER, "show", "resnet34", "--json"), WARM_LIMIT),
        "search squeeze excite": ((*EXPLORER, "search", "squeeze", "excite"), WARM_LIMIT),
        "path ResNet": ((*EXPLORER, "path", "ResNet"), WARM_LIMIT),
        "graph resnet34": ((*EXPLORER, "graph", "resnet34"), WARM_LIMIT),
        "graph resnet34 -o .json": (
            (*EXPLORER, "graph", "resnet34", "-o", str(folder / "r.json")),
            WARM_LIMIT,
        ),
        "graph resnet34 -o .svg": ((*EXPLORER, "graph", "resnet34", "-o", str(folder / "r.svg")), WARM_LIMIT),
    }


def run_once(command: tuple[str, ...]) -> tuple[float, int]:
    """Seconds and peak memory in bytes of one process (its children's memory apart)."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        lines = commands(Path(folder))
        run_once(lines["graph resnet34"][0])
        best = {name: (float("inf"), 0) for name in lines}
        for _ in range(rounds):
            for name, (command, _limit) in lines.items():
                seconds, memory = run_once(command)
                best[name] = (min(best[name][0], seconds), max(best[name][1], memory))
    base = best["import timm"][0]
    print(f"{'best of ' + str(rounds):<26} {'seconds':>8} {'ratio':>8} {'held to':>8} {'peak MB':>8}")
    for name, (seconds, memory) in best.items():
        limit = lines[name][1]
        held = f"{limit:.4f}" if limit else ""
        verdict = "" if limit is None or seconds / base < limit else "  MISSED"
        print(f"{name:<26} {seconds:>8.3f} {seconds / base:>8.4f} {held:>8} {memory / 1e6:>8.0f}{verdict}")


if __name__ == "__main__":
    main()
