"""The ``explorer`` command: its commands, its exit codes, and errors as one line."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import explorer
from explorer.cli.bench_command import bench
from explorer.cli.gallery_command import gallery
from explorer.cli.graph_command import graph
from explorer.cli.inspect_command import inspect
from explorer.cli.list_command import list_models
from explorer.cli.options import TimmOption, WithOption, find_extras
from explorer.cli.output import flush_stdout, narrate, prepare_stdout, print_lines, report
from explorer.cli.path_command import path
from explorer.cli.results_command import results
from explorer.cli.search_command import search
from explorer.cli.show_command import show
from explorer.cli.trace_command import trace
from explorer.cli.verify_command import verify
from explorer.errors import ExplorerError, RequestError, unexpected

if TYPE_CHECKING:
    from explorer.introspect.reading.source import Extra

INTERRUPTED = 130
_USAGE_ERROR: type[Any] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    name="explorer",
    help="See how timm works: its models, its code, and how fast it runs. Without a command: the terminal app.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_models,
    "show": show,
    "search": search,
    "path": path,
    "graph": graph,
    "gallery": gallery,
    "trace": trace,
    "verify": verify,
    "inspect": inspect,
    "bench": bench,
}
_RUNNING = ("bench", "inspect", "trace")
"""Commands that run timm."""

for _name, _function in _COMMANDS.items():
    app.command(_name)(_function)
app.add_typer(results, name="results")


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    timm: TimmOption = None,
    extra: WithOption = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; anywhere on the line.")] = False,
) -> None:
    if version:
        print_lines([f"explorer {explorer.__version__}"])
        raise typer.Exit
    if timm and context.invoked_subcommand in _RUNNING:
        command = context.invoked_subcommand
        raise RequestError(f"--timm only reads source; {command} runs the timm that is installed", "leave --timm out")
    start_app = (context.obj or {}).get("start_app")
    context.obj = {"timm": timm, "with": extra or [], "take_screenshot": (context.obj or {}).get("take_screenshot")}
    if context.invoked_subcommand is None:
        if start_app is None:
            raise RequestError("no command", "explorer --help lists them")
        start_app(timm, find_extras(context, ()))


def run(
    arguments: Sequence[str] | None = None,
    *,
    start_app: "Callable[[Path | None, Sequence[Extra]], None] | None" = None,
    take_screenshot: Callable[[str], str] | None = None,
) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: what follows the program's name; ``sys.argv``'s when ``None``.
        start_app: opens the terminal app on a timm and source of the user's own, for a line without a command.
        take_screenshot: draws the terminal app with a model's call path open, as SVG.

    Returns:
        0 done, 1 it failed, 2 the request is wrong, 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    prepare_stdout()
    command = typer.main.get_command(app)
    try:
        result = command.main(
            [a for a in given if a != "--debug"],
            prog_name="explorer",
            standalone_mode=False,
            obj={"start_app": start_app, "take_screenshot": take_screenshot},
        )
        flush_stdout()
        if result == INTERRUPTED:  # how newer typers report a KeyboardInterrupt
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except typer.Exit as stopped:
        return stopped.exit_code
    except (KeyboardInterrupt, typer.Abort):
        narrate("interrupted")
        return INTERRUPTED
    except _USAGE_ERROR as error:
        report(RequestError(error.format_message().rstrip("."), "explorer --help"))
        return RequestError.exit_code
    except ExplorerError as error:
        if debug:
            raise
        report(error)
        return error.exit_code
    except Exception as error:
        if debug:
            raise
        report(unexpected(error, "a bug in explorer: --debug shows where"))
        return ExplorerError.exit_code
