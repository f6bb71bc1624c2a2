"""``explorer trace``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from explorer.cli.narrator import narrator
from explorer.cli.options import JsonOption, TimeoutOption, WithOption, find_extras
from explorer.cli.output import (
    check_place,
    narrate,
    notice,
    on_terminal,
    print_facts,
    print_json,
    print_lines,
    print_styled,
    terminal_width,
    write_file,
)
from explorer.engine.timeout import TIMEOUT_SECONDS
from explorer.errors import OutputError, RequestError
from explorer.introspect import Extra
from explorer.protocol.trace import TraceResult, call_count
from explorer.report.call_story import WIDTH, Line, story_lines
from explorer.usecases import tracing
from explorer.usecases.choosing import is_pattern
from explorer.usecases.tracing import TracedModels


def trace(
    context: typer.Context,
    name: Annotated[
        str | None, Argument(metavar="[NAME]", help="A model, as timm takes it. With --all: a pattern, 'resnet*'.")
    ] = None,
    forward: Annotated[bool, Option("--forward", help="Trace one forward pass too.")] = False,
    depth: Annotated[int | None, Option(min=0, help="Levels of calls to show.", show_default="all")] = None,
    full: Annotated[bool, Option("--full", help="Show every call and every argument, uncut.")] = False,
    extra: WithOption = None,
    everything: Annotated[bool, Option("--all", help="Trace every model that is not traced yet.")] = False,
    again: Annotated[bool, Option("--again", help="With --all: those too that are.")] = False,
    bundle: Annotated[
        Path | None, Option(metavar="FILE", help="With --all: write the pairs of all into one file.")
    ] = None,
    timeout: TimeoutOption = TIMEOUT_SECONDS,
    json: JsonOption = False,
) -> None:
    """Create a model and show what was really called, in order.

    Every call inside timm with its values, as an indented tree; the place at the end of a line is where the call
    stands. Runs in a process of its own, without weights and without the network.
    """
    sources = find_extras(context, extra)
    if everything:
        _check_all(name, bundle, sources)
        with narrator() as tell:
            done = tracing.trace_every(name, sources=sources, forward=forward, again=again, emit=tell)
        if bundle and (pairs := done.bundle()) is not None:
            write_file(bundle, pairs)
        _sum_up(done, json)
    elif name is None:
        raise RequestError("no model to trace", "explorer trace NAME, or --all")
    elif again or bundle:
        raise RequestError(f"{'--again' if again else '--bundle'} goes with --all", "explorer trace --all")
    else:
        with narrator() as tell:
            result = tracing.trace(name, forward=forward, sources=sources, save=False, emit=tell)
        _keep(result)
        if json:
            print_json(result.to_json())
        else:
            _print_stories(result, depth, full)


def _check_all(pattern: str | None, bundle: Path | None, sources: Sequence[Extra]) -> None:
    if pattern and not is_pattern(pattern):
        raise RequestError(f"--all takes a pattern, not the name {pattern!r}", "leave one of the two out")
    if bundle:
        check_place(bundle)
        if sources:
            raise RequestError("a bundle is of timm alone", "leave --with out")


def _keep(result: TraceResult) -> None:
    """Store a trace and sum it up on stderr; a trace that cannot be stored is shown all the same."""
    functions = len({step["callee"] for step in result.story["steps"]})
    narrate(
        f"{call_count(result.story):,} calls of {functions} functions, {len(result.pairs)} pairs of caller and callee;"
        f" created on the {result.device} device in {result.seconds:.1f} s"
    )
    try:
        narrate(f"stored in {tracing.keep_trace(result)}")
    except OutputError as error:
        notice(error.message)


def _print_stories(result: TraceResult, depth: int | None, full: bool) -> None:
    width = terminal_width() if on_terminal(sys.stdout) else WIDTH
    lines = story_lines(result.story, depth=depth, full=full, width=width)
    _print_story(lines)
    if result.forward_story is not None:
        print_lines(["", f"forward pass, on the {result.forward_device} device"])
        forward = story_lines(result.forward_story, depth=depth, full=full, width=width)
        _print_story(forward)
        lines += forward
    if any("┄" in line.branches for line in lines):
        narrate("┄ marks a call that comes through code outside timm")


def _print_story(lines: Sequence[Line]) -> None:
    print_styled([[(x.branches, "dim"), (x.name, "bold"), (x.values, ""), (f"  {x.place}", "dim")] for x in lines])


def _sum_up(done: TracedModels, json: bool) -> None:
    if json:
        print_json({"traced": done.traced, "failed": done.failed, "already": done.already})
        return
    facts = [
        ("models", f"{len(done.names):,}, {len(done.already):,} of them traced before"),
        ("traced", f"{len(done.traced):,}"),
        ("failed", f"{len(done.failed):,}"),
        ("pairs", f"{done.pairs:,}"),
        *((f"  {name}", why) for name, why in done.failed.items()),
    ]
    print_facts(facts)
