"""Counts against timm's published table: every row through the inspect handler at the row's size.

    uv run python benchmarks/published.py ../shared/data/published-metrics.csv [--csv FILE]

The table is a results CSV of timm's (columns model, infer_img_size, param_count in M, infer_gmacs, infer_macts in M).
Parameters agree within 0.006 M, MACs (of the fvcore convention) and activations within 0.006 + 0.5 %, in G and M.
Prints how many rows agree, and every row that does not.
"""

import argparse
import csv
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from explorer.engine.client import Client
from explorer.errors import ExplorerError
from explorer.protocol.inspect import InspectRequest, InspectResult

WORKERS = 2


@dataclass(frozen=True)
class Row:
    model: str
    img_size: int
    param_count: float
    gmacs: float
    macts: float


@dataclass(frozen=True)
class Answer:
    row: Row
    result: InspectResult | None
    error: str
    seconds: float

    def differences(self) -> list[str]:
        """What does not agree, in words; none where all does."""
        if self.result is None:
            return [self.error]
        totals = self.result.totals
        pairs = {
            "params": (totals.params / 1e6, self.row.param_count, 0.006),
            "gmacs": (totals.macs_fvcore / 1e9, self.row.gmacs, 0.006 + 0.005 * self.row.gmacs),
            "macts": (totals.activations / 1e6, self.row.macts, 0.006 + 0.005 * self.row.macts),
        }
        return [
            f"{name} {ours:.3f}, published {theirs:.2f} ({ours / theirs - 1 if theirs else 0:+.2%})"
            for name, (ours, theirs, allowed) in pairs.items()
            if abs(ours - theirs) > allowed
        ]


def read(file: Path) -> list[Row]:
    with file.open(newline="") as lines:
        return [
            Row(
                r["model"],
                int(r["infer_img_size"]),
                *(float(r[k]) for k in ("param_count", "infer_gmacs", "infer_macts")),
            )
            for r in csv.DictReader(lines)
        ]


class Workers:
    """A warm worker for each thread."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._clients: list[Client] = []

    def ask(self, row: Row) -> Answer:
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = Client()
            self._clients.append(client)
        start = time.perf_counter()
        try:
            result = client.run(InspectRequest(row.model, img_size=row.img_size, totals_only=True))
            return Answer(row, result, "", time.perf_counter() - start)
        except ExplorerError as error:
            return Answer(row, None, f"{type(error).__name__}: {error}", time.perf_counter() - start)

    def close(self) -> None:
        for client in self._clients:
            client.close()


def answers(rows: list[Row]) -> Iterator[Answer]:
    workers = Workers()
    with ThreadPoolExecutor(WORKERS) as pool:
        for done, answer in enumerate(pool.map(workers.ask, rows), 1):
            if sys.stderr.isatty():
                print(f"\r{done}/{len(rows)}", end="", file=sys.stderr, flush=True)
            yield answer
    workers.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--csv", type=Path, help="write all counts here")
    wishes = parser.parse_args()
    start = time.perf_counter()
    found = list(answers(read(wishes.table)))
    seconds = time.perf_counter() - start
    wrong = [(answer, differences) for answer in found if (differences := answer.differences())]
    for answer, differences in wrong:
        on = f" [{answer.result.device}]" if answer.result else ""
        print(f"{answer.row.model} at {answer.row.img_size}{on}: {'; '.join(differences)}")
    on_cpu = sorted({answer.row.model for answer in found if answer.result and answer.result.device != "meta"})
    print(f"{len(found) - len(wrong)} of {len(found)} rows agree ({1 - len(wrong) / len(found):.2%})")
    print(f"{seconds:.0f} s in {WORKERS} processes, median {statistics.median(a.seconds for a in found):.3f} s a row")
    print(f"ran on the CPU: {', '.join(on_cpu) or 'none'}")
    if wishes.csv:
        write(wishes.csv, found)


def write(file: Path, found: list[Answer]) -> None:
    with file.open("w", newline="") as lines:
        out = csv.writer(lines)
        out.writerow(
            ["model", "img_size", "params", "macs_fvcore", "activations", "device", "built_on", "seconds", "error"]
        )
        for a in found:
            if a.result is None:
                out.writerow([a.row.model, a.row.img_size, "", "", "", "", "", f"{a.seconds:.3f}", a.error])
            else:
                t, r = a.result.totals, a.result
                values = [t.params, t.macs_fvcore, t.activations, r.device, r.built_on, f"{a.seconds:.3f}", ""]
                out.writerow([a.row.model, a.row.img_size, *values])


if __name__ == "__main__":
    main()
