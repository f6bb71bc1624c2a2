"""The ``explorer`` command: its commands, each loaded when it is called, its exit codes, and errors as one line."""

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option
from typer.core import TyperCommand, TyperGroup

from explorer.cli.options import TimmOption, WithOption, find_extras, running_refused
from explorer.cli.output import (
    clear_passing,
    flush_stdout,
    help_to_stdout,
    narrate,
    prepare_stdout,
    print_lines,
    report,
)
from explorer.cli.slow_work import SlowWork
from explorer.errors import ExplorerError, RequestError, unexpected
from explorer.plain_text import plain_line
from explorer.underway import listening
from explorer.version import __version__

if TYPE_CHECKING:
    from explorer.introspect import Extra

INTERRUPTED = 130
_RUNNING = ("bench", "inspect", "trace")
"""Commands that run timm."""


COMMANDS = {
    "list": ("finding_commands:list_models", "List models, with timm's own pattern rules."),
    "show": ("showing_commands:show", "Show all that is known of one thing, on a page."),
    "search": ("finding_commands:search", "Find anything by a name like this one."),
    "path": ("showing_commands:path", "Show how one thing reaches another."),
    "graph": (
        "graph_command:graph",
        "Draw how it hangs together: all of timm, a model, a family, or a piece of code.",
    ),
    "gallery": ("gallery_command:gallery", "Draw the pictures that the README shows, into a folder."),
    "trace": ("trace_command:trace", "Create a model and show what was really called, in order."),
    "verify": ("verify_command:verify", "Hold the static graph against what really runs."),
    "inspect": (
        "inspect_command:inspect",
        "Show what a model is made of: layers, shapes, parameters, MACs, activations.",
    ),
    "bench": ("bench_command:bench", "Measure forward passes or training steps of models."),
    "results": (
        "results_command:results",
        "What was measured: list, show, compare, export, and import others' results.",
    ),
}
"""Where each command is, and the line that tells what it does; a test holds that it is the command's own."""


def load_command(name: str) -> Any:
    """The typer app or the function of a command."""
    module, _, function = COMMANDS[name][0].partition(":")
    return getattr(import_module(f"explorer.cli.{module}"), function)


class LazyGroup(TyperGroup):
    """Commands that are imported when they are called; the help lists them without.

    A command's module brings all that it needs with it, and typer makes every option of every command that a group is
    given: together they would take longer than most commands run.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # The names are there from the start: typer suggests the nearest of them for one that is mistyped.
        self.commands = {name: TyperCommand(name, help=text) for name, (_, text) in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called, in place of what stands for it in the help."""
        super().resolve_command(ctx, args)  # refuses what is no command, and tells the nearest
        name, *rest = args
        loaded = load_command(name)
        if not isinstance(loaded, typer.Typer):
            # An app with one command and no callback is that command, not a group of one.
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command()(loaded)
            loaded = alone
        command = typer.main.get_command(loaded)
        command.name = name
        return name, command, rest


app = typer.Typer(
    name="explorer",
    cls=LazyGroup,
    help="See how timm works: its models, its code, and how fast it runs. Without a command: the terminal app.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    timm: TimmOption = None,
    extra: WithOption = None,
    version: Annotated[bool, Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, Option("--debug", help="Show tracebacks; anywhere on the line.")] = False,
) -> None:
    if version:
        print_lines([f"explorer {__version__}"])
        raise typer.Exit
    if timm and context.invoked_subcommand in _RUNNING:
        raise running_refused(context.invoked_subcommand)
    start_app = (context.obj or {}).get("start_app")
    context.obj = {"timm": timm, "with": extra or [], "take_screenshot": (context.obj or {}).get("take_screenshot")}
    if context.invoked_subcommand is None:
        if start_app is None:
            raise RequestError("no command", "explorer --help lists them")
        start_app(timm, find_extras(context, ()))


def _misunderstood(error: typer.TyperException) -> RequestError:
    """A command line that cannot be understood, in one line."""
    command = getattr(getattr(error, "ctx", None), "info_name", None)
    if getattr(error, "option_name", None) == "--timm" and command in _RUNNING:
        return running_refused(command)
    return RequestError(error.format_message().rstrip("."), "explorer --help")


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
        _check_texts(given)
        # Left to itself typer would print its own form of an error and leave with its own code.
        with help_to_stdout(), listening(SlowWork()):
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
    except typer.TyperException as error:  # of a command line that cannot be understood
        report(_misunderstood(error))
        return RequestError.exit_code
    except ExplorerError as error:
        report(error)
        if debug:
            for cause in _causes(error):
                narrate(f"caused by {unexpected(cause, '')}")
        return error.exit_code
    except OSError as error:
        if debug or error.errno not in _OF_NAMES:
            return _failed(error, debug)
        report(RequestError(f"{error.strerror}: {str(error.filename)[:100]}"))
        return RequestError.exit_code
    except Exception as error:
        return _failed(error, debug)
    finally:
        clear_passing()


def _failed(error: Exception, debug: bool) -> int:
    """What nobody foresaw."""
    if debug:
        raise error
    report(unexpected(error, "a bug in explorer: --debug shows where"))
    return ExplorerError.exit_code


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What an error came of, and that of, and so on."""
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__


_OF_NAMES = (errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ)
"""Errors of a path that was named: it is the request that is wrong."""


def _check_texts(arguments: Sequence[str]) -> None:
    """Refuse text that no file, model or terminal can have for a name.

    Raises:
        RequestError: an argument holds a NUL character, or half of one.
    """
    for argument in arguments:
        try:
            is_text = b"\0" not in os.fsencode(argument)
        except UnicodeEncodeError:
            is_text = False
        if not is_text:
            raise RequestError(f"{plain_line(argument)[:100]!r} is no text", "leave NUL and lone surrogates out")
