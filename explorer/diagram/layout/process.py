"""Graphviz in a child process with a time limit: a system ``dot``, or pygraphviz's own libraries."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from explorer.errors import LayoutError, LayoutTimeout


class GraphvizProcess:
    """One child, started at once and asked once, so that its start can overlap with other work.

    Raises:
        LayoutError: it cannot be started.
    """

    def __init__(self) -> None:
        import subprocess

        try:
            self._child = subprocess.Popen(
                graphviz_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise LayoutError(f"Graphviz cannot be started: {error.strerror}") from error

    def __enter__(self) -> "GraphvizProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lay_out(self, graphs: Sequence[str], time_limit_s: float) -> str:
        """Graphviz's ``json0`` of each DOT graph, one after the other; each graph must be on a single line.

        Raises:
            LayoutTimeout: Graphviz was still at it after ``time_limit_s``.
            LayoutError: it failed.
        """
        from subprocess import TimeoutExpired

        request = "".join(f"{graph}\n" for graph in graphs).encode()
        try:
            answer, complaints = self._child.communicate(request, timeout=time_limit_s)
        except TimeoutExpired as error:
            raise LayoutTimeout(
                f"the layout took longer than {time_limit_s:g} s",
                "ask for fewer nodes, or for the .dot or .json",
            ) from error
        finally:
            self.close()
        if self._child.returncode:
            raise _failure(complaints.decode(errors="replace"), self._child.returncode)
        return answer.decode()

    def close(self) -> None:
        """End the child if it still runs."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()


def graphviz_command() -> list[str]:
    """The command that reads DOT from stdin and writes ``json0``."""
    import shutil

    dot = shutil.which("dot")
    if dot:
        return [dot, "-Tjson0"]
    return [sys.executable, "-P", str(Path(__file__).with_name("_graphviz_child.py"))]


def _failure(complaints: str, status: int) -> LayoutError:
    if "No module named 'pygraphviz'" in complaints:
        return LayoutError("there is no Graphviz here", "install pygraphviz, or Graphviz itself")
    lines = complaints.strip().splitlines()
    reason = lines[-1] if lines else f"it ended with status {status}"
    return LayoutError(f"Graphviz failed: {reason}")
