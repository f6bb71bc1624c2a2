"""Long work of explorer's own is shown when it is long, and leaves nothing on a terminal."""

from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.cli.output import clear_passing, narrate, print_lines
from explorer.cli.slow_work import SlowWork
from explorer.underway import Step
from tests.cli.conftest import Done

CLEARED = "\r\x1b[K"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(work: SlowWork, clock: Clock, *steps: tuple[float, Step]) -> None:
    for clock.now, step in steps:
        work(step)


def test_what_takes_less_than_a_second_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    shown(SlowWork(clock), clock, (5.0, Step("reading", 1, 9, "files")), (5.9, Step("writing")))
    assert capsys.readouterr() == ("", "")


def test_piped_each_kind_of_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    reading = [(number, Step("reading", number, 9, "files")) for number in range(1, 9)]
    shown(SlowWork(clock), clock, *reading, (9, Step("writing")))
    assert capsys.readouterr() == ("", "reading: 9 files\nwriting\n")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr("explorer.cli.slow_work.on_terminal", lambda stream: True)


def test_on_a_terminal_one_line_follows_the_work(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    steps = [(second, Step("reading", round(second * 100), 999, "files")) for second in (0, 1, 1.05, 1.2)]
    shown(SlowWork(clock), clock, *steps, (1.21, Step("writing \x1b[2J\n" * 5)))
    first, second, last = capsys.readouterr().err.removeprefix("\r").split("\x1b[K\r")
    assert (first, second) == ("reading: 100 of 999", "reading: 120 of 999")
    assert last == "writing \\x1b[2J\\nwr\x1b[K"
    clear_passing()


@pytest.mark.parametrize("write", [lambda: narrate("done"), lambda: print_lines(["done"]), clear_passing])
def test_the_line_is_gone_before_the_next(
    terminal: None, capsys: pytest.CaptureFixture[str], write: Callable[[], None]
) -> None:
    clock = Clock()
    shown(SlowWork(clock), clock, (0, Step("reading")), (1, Step("reading")))
    capsys.readouterr()
    write()
    write()
    out, err = capsys.readouterr()
    assert err.count(CLEARED) == 1
    assert err.startswith(CLEARED)
    assert out in ("", "done\ndone\n")


def test_a_first_start_says_what_it_does_and_a_warm_one_nothing(
    explorer: Callable[..., Done], toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.cli.slow_work.DELAY_SECONDS", 0.0)
    first = explorer("path", "toy_small", "--timm", toy).err.splitlines()
    assert first == [
        "looking for timm's source",
        "reading timm 1.0.9: 10 files",
        "finding what is registered",
        "writing the cache",
        "following calls: 5 names",
        "following the calls that no model makes",
        "writing the cache",
    ]
    assert explorer("path", "toy_small", "--timm", toy).err.splitlines() == ["looking for timm's source"]
