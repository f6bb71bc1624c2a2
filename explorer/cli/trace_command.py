"""``explorer trace``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.names import check_name, model_names
from explorer.cli.narrator import narrator
from explorer.cli.options import JsonOption, WithOption, find_extras
from explorer.cli.output import check_place, narrate, notice, on_terminal, print_facts, print_json, print_lines
from explorer.errors import OutputError, RequestError

if TYPE_CHECKING:
    from explorer.engine.pool import Outcome
    from explorer.introspect.reading.source import Extra
    from explorer.protocol import TraceResult
    from explorer.report.call_story import Line

_WILDCARDS = frozenset("*?[")


def trace(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A model, as timm takes it. With --all: a pattern, 'resnet*'."),
    ] = None,
    forward: Annotated[bool, typer.Option("--forward", help="Trace one forward pass too.")] = False,
    depth: Annotated[int | None, typer.Option(min=0, help="Levels of calls to show.", show_default="all")] = None,
    full: Annotated[bool, typer.Option("--full", help="Show every call and every argument, uncut.")] = False,
    extra: WithOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Trace every model that is not traced yet.")] = False,
    again: Annotated[bool, typer.Option("--again", help="With --all: those too that are.")] = False,
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --all: write the pairs of all into one file.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Create a model and show what was really called, in order.

    Every call inside timm with its values, as an indented tree; the place at the end of a line is where the call
    stands. Runs in a process of its own, without weights and without the network.
    """
    extras = find_extras(context, extra)
    if everything:
        _check_all(name, bundle, extras)
        _trace_all(name, extras, forward=forward, again=again, bundle=bundle, json=json)
    elif name is None:
        raise RequestError("no model to trace", "explorer trace NAME, or --all")
    elif again or bundle:
        raise RequestError(f"{'--again' if again else '--bundle'} goes with --all", "explorer trace --all")
    else:
        _trace_one(name, extras, forward=forward, depth=depth, full=full, json=json)


def _check_all(pattern: str | None, bundle: Path | None, extras: "Sequence[Extra]") -> None:
    if pattern and not _WILDCARDS & set(pattern):
        raise RequestError(f"--all takes a pattern, not the name {pattern!r}", "leave one of the two out")
    if bundle:
        check_place(bundle)
        if extras:
            raise RequestError("a bundle is of timm alone", "leave --with out")


# one model


def _trace_one(
    name: str, extras: "Sequence[Extra]", *, forward: bool, depth: int | None, full: bool, json: bool
) -> None:
    from explorer.engine.client import Client
    from explorer.protocol import TraceRequest

    request = TraceRequest(name, forward, tuple((n, str(path)) for n, path in extras))
    if not extras:
        check_name(name)
    with Client() as client, narrator() as tell:
        result = client.run(request, tell)
    _store(result)
    if json:
        print_json(result.to_json())
    else:
        _print_stories(result, depth, full)


def _store(result: "TraceResult") -> None:
    """Store a trace and sum it up on stderr; a trace that cannot be stored is shown all the same."""
    from explorer.introspect import traces
    from explorer.protocol.trace import call_count

    functions = len({step["callee"] for step in result.story["steps"]})
    narrate(
        f"{call_count(result.story):,} calls of {functions} functions, {len(result.pairs)} pairs of caller and callee;"
        f" created on the {result.device} device in {result.seconds:.1f} s"
    )
    try:
        narrate(f"stored in {traces.save(result.to_json())}")
    except OutputError as error:
        notice(error.message)


def _print_stories(result: "TraceResult", depth: int | None, full: bool) -> None:
    from explorer.report.call_story import WIDTH, story_lines

    width = WIDTH
    if on_terminal(sys.stdout):
        import shutil

        width = shutil.get_terminal_size((WIDTH, 24)).columns
    lines = story_lines(result.story, depth=depth, full=full, width=width)
    _print_story(lines)
    if result.forward_story is not None:
        print_lines(["", f"forward pass, on the {result.forward_device} device"])
        forward = story_lines(result.forward_story, depth=depth, full=full, width=width)
        _print_story(forward)
        lines += forward
    if any("┄" in line.branches for line in lines):
        narrate("┄ marks a call that comes through code outside timm")


def _print_story(lines: "Sequence[Line]") -> None:
    if not on_terminal(sys.stdout):
        print_lines([str(line) for line in lines])
        return
    from rich.console import Console
    from rich.text import Text

    from explorer.cli.output import to_stdout

    console = Console(markup=False, highlight=False)
    with to_stdout():
        for line in lines:
            text = Text.assemble((line.branches, "dim"), (line.name, "bold"), line.values, (f"  {line.place}", "dim"))
            console.print(text, soft_wrap=True)


# all models


def _trace_all(
    pattern: str | None, extras: "Sequence[Extra]", *, forward: bool, again: bool, bundle: Path | None, json: bool
) -> None:
    from explorer.introspect import load_graph, traces
    from explorer.usecases.tracing import untraced

    graph = load_graph(extras=extras)
    version, digest = graph.info.timm_version, graph.info.digest
    names = model_names(graph, [pattern] if pattern else ())
    todo = names if again else untraced(names, version, digest)
    outcomes = trace_models(todo, version, digest, extras, forward)
    have = traces.own_traces(version, digest)
    if bundle and have:
        from explorer.cli.output import write_file

        write_file(bundle, traces.bundle_bytes(traces.only(have, names)))
    _sum_up(names, todo, outcomes, have, json)


def trace_models(
    names: Sequence[str], version: str, digest: str, extras: "Sequence[Extra]", forward: bool = False
) -> "list[Outcome[None]]":
    """Trace these models as :func:`explorer.usecases.tracing.trace_all` does, with progress and failures on stderr."""
    from explorer.protocol import Log, Progress
    from explorer.usecases.tracing import trace_all

    with narrator() as tell:

        def report(outcome: "Outcome[None]", done: int, total: int) -> None:
            if outcome.error:
                why = outcome.error.message
                tell(Log(why if outcome.model in why else f"{outcome.model}: {why}"))
            tell(Progress(f"tenth {done * 10 // total}", f"{done:,} of {total:,} models traced", done / total))

        if names:
            tell(Progress("start", f"tracing {len(names):,} {'model' if len(names) == 1 else 'models'}", 0.0))
        return trace_all(names, version, digest, extras=extras, forward=forward, report=report)


def _sum_up(
    names: Sequence[str], todo: Sequence[str], outcomes: "Sequence[Outcome[None]]", have: Any, json: bool
) -> None:
    failed = {**(have.failed if have else {}), **{o.model: o.error.message for o in outcomes if o.error}}
    failed = {name: failed[name] for name in names if name in failed}
    traced = [name for name in names if have and name in have.models]
    if json:
        print_json({"traced": traced, "failed": failed, "already": sorted(set(names) - set(todo))})
        return
    facts = [
        ("models", f"{len(names):,}, {len(names) - len(todo):,} of them traced before"),
        ("traced", f"{len(traced):,}"),
        ("failed", f"{len(failed):,}"),
        ("pairs", f"{len({i for name in traced for i in have.models[name]}):,}" if have else "0"),
        *((f"  {name}", why) for name, why in failed.items()),
    ]
    print_facts(facts)
