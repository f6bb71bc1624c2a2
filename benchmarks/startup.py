"""Explorer's commands against ``python -c "import timm"``, in one run on one machine.

    uv run python benchmarks/startup.py [--rounds 5] [--before CHECKOUT]

Every command runs as a fresh process, in turns with the import, and the best of all rounds counts: other work on the
machine only ever adds time. Everything is byte-compiled first, as it is for a user from the second run on. Prints
seconds, the ratio to the import, peak memory, what both are held to, and whether that holds. With ``--before`` every
command also runs from another checkout of explorer, in the same rounds, and the two are compared.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]
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
WARM_MEMORY_BYTES = 100e6
SLOWER = 1.1
"""So many times an earlier time count as slower: two runs of one command differ by several per cent here."""
LARGER = 1.05


@dataclass(frozen=True)
class Measured:
    """A command to run, and what it is held to: seconds as a ratio to importing timm, peak memory in bytes."""

    command: tuple[str, ...]
    limit: float | None = None
    memory_limit: float | None = None


@dataclass
class Best:
    """The least that a command took."""

    seconds: float = float("inf")
    memory_bytes: float = float("inf")

    def add(self, seconds: float, memory_bytes: int) -> None:
        self.seconds = min(self.seconds, seconds)
        self.memory_bytes = min(self.memory_bytes, memory_bytes)


def warm(*arguments: str) -> Measured:
    """A command that finds its graph in the cache."""
    return Measured((*EXPLORER, *arguments), WARM_LIMIT, WARM_MEMORY_BYTES)


def commands(folder: Path) -> dict[str, Measured]:
    """What is measured, by name; files are written into the folder."""
    return {
        "import timm": Measured((sys.executable, "-c", "import timm")),
        "whole graph, no cache": Measured((sys.executable, "-c", WHOLE_GRAPH), CALLS_LIMIT),
        "list, empty cache": Measured((sys.executable, "-c", FIRST_COMMAND, str(folder)), COLD_LIMIT),
        "list --all --json": warm("list", "--all", "--json"),
        "show resnet34 --json": warm("show", "resnet34", "--json"),
        "search squeeze excite": warm("search", "squeeze", "excite"),
        "path ResNet": warm("path", "ResNet"),
        "graph resnet34": warm("graph", "resnet34"),
        "graph resnet34 -o .json": warm("graph", "resnet34", "-o", str(folder / "r.json")),
        "graph resnet34 -o .svg": warm("graph", "resnet34", "-o", str(folder / "r.svg")),
    }


def compile_all(*checkouts: Path) -> None:
    """Byte-compile the installed packages and the checkouts; what is compiled already is left as it is.

    Done by a process of its own: a child starts with its parent's peak memory, so this one has to stay small.
    """
    folders = (sysconfig.get_path("purelib"), *(str(checkout / "explorer") for checkout in checkouts))
    command = (sys.executable, "-m", "compileall", "-q", "-j", "0", *folders)
    # Packages ship templates that are no Python yet; compileall names them and fails, and the rest is compiled.
    subprocess.run(command, env=environment_of(HERE), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def environment_of(checkout: Path) -> dict[str, str]:
    """The environment of a process that runs this checkout's explorer, with bytecode as a user has it."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": str(checkout)}


def run_once(command: tuple[str, ...], environment: Mapping[str, str]) -> tuple[float, int]:
    """Seconds and peak memory in bytes of one process (its children's memory apart)."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=environment["XDG_CACHE_HOME"],  # not a checkout: ``-m explorer`` looks there first
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(checkouts: list[Path], rounds: int) -> tuple[dict[str, Measured], list[dict[str, Best]]]:
    """Run every command of every checkout once a round, in turns; the best of each, in the checkouts' order."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = commands(folder)
        environments = []
        for number, checkout in enumerate(checkouts):
            cache = folder / f"cache-{number}"
            cache.mkdir()
            environments.append({**environment_of(checkout), "XDG_CACHE_HOME": str(cache)})
            run_once(lines["graph resnet34"].command, environments[-1])
        best = [{name: Best() for name in lines} for _ in checkouts]
        for _ in range(rounds):
            for name, line in lines.items():
                for found, environment in zip(best, environments, strict=True):
                    found[name].add(*run_once(line.command, environment))
    return lines, best


def print_held(lines: Mapping[str, Measured], best: Mapping[str, Best]) -> None:
    """Each command's figures beside what they are held to, and then what holds and what does not."""
    base = best["import timm"].seconds
    missed = []
    print(f"{'':<26} {'seconds':>8} {'ratio':>8} {'held to':>8} {'peak MB':>8} {'held to':>8}")
    for name, line in lines.items():
        ratio, memory = best[name].seconds / base, best[name].memory_bytes
        fails = bool(line.limit and ratio >= line.limit) or bool(line.memory_limit and memory >= line.memory_limit)
        held = f"{line.limit:.4f}" if line.limit else ""
        held_memory = f"{line.memory_limit / 1e6:.0f}" if line.memory_limit else ""
        verdict = "MISSED" if fails else "holds" if line.limit else ""
        missed += [name] if fails else []
        figures = f"{best[name].seconds:>8.3f} {ratio:>8.4f} {held:>8} {memory / 1e6:>8.0f} {held_memory:>8}"
        print(f"{name:<26} {figures}  {verdict}".rstrip())
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nall of it holds")


def print_compared(after: Mapping[str, Best], before: Mapping[str, Best]) -> None:
    """Each command's figures as a multiple of those of the other checkout."""
    print(f"\n{'against the other checkout':<26} {'seconds':>8} {'before':>8} {'ratio':>8} {'memory':>8}")
    for name in after:
        ratio = after[name].seconds / before[name].seconds
        memory = after[name].memory_bytes / before[name].memory_bytes
        words = ["slower"] * (ratio > SLOWER) + ["larger"] * (memory > LARGER)
        figures = f"{after[name].seconds:>8.3f} {before[name].seconds:>8.3f} {ratio:>8.3f} {memory:>8.3f}"
        print(f"{name:<26} {figures}  {', '.join(words)}".rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, help="another checkout of explorer to compare with")
    wishes = parser.parse_args()
    checkouts = [HERE, *([wishes.before.absolute()] if wishes.before else [])]
    compile_all(*checkouts)
    lines, best = measure(checkouts, wishes.rounds)
    print(f"best of {wishes.rounds}, byte-compiled")
    print_held(lines, best[0])
    for before in best[1:]:
        print_compared(best[0], before)


if __name__ == "__main__":
    main()
