"""Graphviz in a child process with a time limit, and what it says of a layout."""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from explorer.diagram.geometry import Box, Curve, Point
from explorer.errors import LayoutError, LayoutTimeout

PYGRAPHVIZ_SCRIPT = """
import sys
from pygraphviz import AGraph
for line in sys.stdin.buffer:
    engine = "nop2" if b"layout=nop2" in line else "dot"
    sys.stdout.buffer.write(AGraph(string=line.decode()).draw(format="json0", prog=engine))
"""
"""A stand-in for ``dot -Tjson0``: one DOT graph a line in, their layouts out, and ``layout=nop2`` obeyed.

The C library runs in a child of ours because a layout that runs away inside this process could not be ended. The
script stands here, and not in a module, so that the child imports nothing of explorer.
"""


class GraphvizProcess:
    """One child, started at once and asked once, so that its start can overlap with other work.

    Args:
        command: what to start; what lays out graphs when ``None``.

    Raises:
        LayoutError: it cannot be started.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        import subprocess  # only a layout needs it: who imports the package for data does not wait for it

        try:
            self._child = subprocess.Popen(
                command or graphviz_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise LayoutError(f"Graphviz cannot be started: {error.strerror}") from error

    def ask(self, request: str, time_limit_s: float) -> tuple[str, str]:
        """What it answers, and what it complains of.

        Raises:
            LayoutTimeout: Graphviz was still at it after ``time_limit_s``.
            LayoutError: it failed.
        """
        from subprocess import TimeoutExpired

        try:
            answer, told = self._child.communicate(request.encode(), timeout=time_limit_s)
        except TimeoutExpired as error:
            raise LayoutTimeout(
                f"the layout took longer than {time_limit_s:g} s",
                "ask for fewer nodes, or for the .dot or .json",
            ) from error
        finally:
            self.close()
        complaints = told.decode(errors="replace")
        if self._child.returncode:
            raise _failure(complaints, self._child.returncode)
        return answer.decode(errors="replace"), complaints

    def lay_out(self, graphs: Sequence[str], time_limit_s: float) -> str:
        """Graphviz's ``json0`` of each DOT graph, one after the other; each graph must be on a single line.

        Raises what :meth:`ask` raises.
        """
        return self.ask("".join(f"{graph}\n" for graph in graphs), time_limit_s)[0]

    def close(self) -> None:
        """End the child if it still runs."""
        with self._child:
            self._child.kill()


def graphviz_command() -> list[str]:
    """The command that reads DOT from stdin and writes ``json0``."""
    dot = shutil.which("dot")
    if dot:  # a system's own starts faster than a Python that has to import pygraphviz
        return [dot, "-Tjson0"]
    return pygraphviz_command(PYGRAPHVIZ_SCRIPT)


def pygraphviz_command(script: str) -> list[str]:
    """The command that runs a script of ours; a ``pygraphviz.py`` in the current folder must not run (``-P``)."""
    return [sys.executable, "-P", "-c", script]


def _failure(complaints: str, status: int) -> LayoutError:
    if "No module named 'pygraphviz'" in complaints:
        return LayoutError("there is no Graphviz here", "install pygraphviz, or Graphviz itself")
    lines = complaints.strip().splitlines()
    reason = lines[-1] if lines else f"it ended with status {status}"
    return LayoutError(f"Graphviz failed: {reason}")


PT_PER_INCH = 72.0


def documents(text: str) -> Iterator[dict[str, Any]]:
    """One layout after the other."""
    decoder = json.JSONDecoder()
    text = text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:].lstrip()


def numbers(text: str) -> list[float]:
    """``"1,2.5"`` as numbers."""
    return [float(number) for number in text.split(",")]


def point(text: str, high: float) -> Point:
    """A point, in a drawing that ends at ``high``."""
    x, y = numbers(text)
    return x, high - y


def node_box(node: Mapping[str, str], high: float) -> Box:
    """A node's rectangle."""
    x, y = point(node["pos"], high)
    width, height = float(node["width"]) * PT_PER_INCH, float(node["height"]) * PT_PER_INCH
    return Box(x - width / 2, y - height / 2, width, height)


def curve(edge: Mapping[str, str], high: float) -> Curve:
    """``pos`` is ``e,x,y`` (the arrow's tip) followed by the spline's points."""
    places = edge["pos"].split(";")[0].split()  # several splines only where edges are merged, as ours never are
    tips = [point(p[2:], high) for p in places if p.startswith("e,")]
    points = tuple(point(p, high) for p in places if p[0] not in "es")
    return Curve(points, tips[0] if tips else points[-1], point(edge["lp"], high) if "lp" in edge else None)
