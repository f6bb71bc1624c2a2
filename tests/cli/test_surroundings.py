"""Every command in a place that lacks something: space, a home, columns, letters, files, memory, a reader."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="what a shell sets up here is POSIX's")

COMMANDS: list[tuple[str, ...]] = [
    ("list", "--long", "--json", "--timm", "{timm}"),
    ("show", "toy_small", "--timm", "{timm}"),
    ("search", "toy", "--timm", "{timm}"),
    ("path", "toy_small", "--timm", "{timm}"),
    ("graph", "toy_small", "-o", "-", "-F", "svg", "--timm", "{timm}"),
    ("graph", "toy_small", "-o", "{out}/x.html", "--timm", "{timm}"),
    ("results", "list"),
    ("results", "import", "{csv}"),
    ("bench", "--schema"),
    ("inspect", "no_such_model"),
    ("--help",),
]


class Place:
    """A folder with a small timm and a results file, and how to run commands in some surroundings."""

    def __init__(self, folder: Path, timm: Path) -> None:
        self.folder, self.timm = folder, timm
        self.out = folder / "out"
        self.out.mkdir()
        self.csv = folder / "results.csv"
        self.csv.write_text("model,infer_samples_per_sec,infer_batch_size,infer_img_size\nresnet18,100.0,1,224\n")

    def run(self, command: Sequence[str], before: str = "", after: str = "", **more: Any) -> Any:
        words = [word.format(timm=self.timm, out=self.out, csv=self.csv) for word in command]
        line = shlex.join([sys.executable, "-P", "-m", "explorer", *words])
        script = f"{before}\n{line} {after}"
        options: dict[str, Any] = {"cwd": self.folder, "timeout": 100, **more}
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, errors="replace", **options)

    def check_all(self, before: str = "", after: str = "", codes: tuple[int, ...] = (0, 1, 2), **more: Any) -> None:
        """Every command ends with one of these codes, in words of explorer's own."""
        for command in COMMANDS:
            done = self.run(command, before, after, **more)
            said = f"{command}: {done.returncode}\n{done.stdout[-500:]}\n{done.stderr}"
            assert done.returncode in codes, said
            assert "Traceback" not in done.stderr, said
            assert "a bug in explorer" not in done.stderr, said
            errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
            assert len(errors) == (done.returncode in (1, 2)), said


@pytest.fixture
def place(tmp_path: Path, make_timm: Any) -> Place:
    return Place(tmp_path, make_timm())


def test_an_ordinary_place(place: Place) -> None:
    for command in COMMANDS:
        done = place.run(command)
        expected = 2 if "no_such_model" in command else 0
        assert done.returncode == expected, f"{command}: {done.stderr}"


def test_output_that_is_closed_early(place: Place) -> None:
    place.check_all(after="| head -c 1; exit ${PIPESTATUS[0]}", codes=(0, 2, 141))


def test_a_full_disk(place: Place) -> None:
    for command in COMMANDS:
        done = place.run(command, after="> /dev/full")
        prints = "{out}/x.html" not in command and command != ("results", "list") and "no_such_model" not in command
        said = f"{command}: {done.returncode} {done.stderr}"
        assert done.returncode == 1 if prints else done.returncode in (0, 2), said
        assert "Traceback" not in done.stderr, said
        assert "a bug in explorer" not in done.stderr, said


def test_folders_that_cannot_be_written_or_are_missing(place: Place) -> None:
    """A file stands where a folder would be made: that stops root too."""
    (place.folder / "file").touch()
    for home in ("file/below", "nowhere/at/all"):
        where = place.folder / home
        place.check_all(f"export XDG_CACHE_HOME={where} XDG_DATA_HOME={where}")
    shutil.rmtree(place.out)
    done = place.run(("graph", "toy_small", "-o", "{out}/x.svg", "--timm", "{timm}"))
    assert done.returncode == 2
    assert str(place.out) in done.stderr


def test_no_home(place: Place) -> None:
    place.check_all("unset HOME XDG_CACHE_HOME XDG_DATA_HOME; export HOME=")
    place.check_all("unset HOME XDG_CACHE_HOME XDG_DATA_HOME")


def test_two_gigabytes_of_addresses(place: Place) -> None:
    place.check_all("ulimit -v 2097152")


def test_few_open_files(place: Place) -> None:
    place.check_all("ulimit -n 32")


@pytest.mark.parametrize("columns", [5, 100_000])
def test_columns(place: Place, columns: int) -> None:
    place.check_all(f"export COLUMNS={columns} LINES={columns}")


@pytest.mark.parametrize("settings", ["LANG=C LC_ALL=C", "LANG=xx PYTHONIOENCODING=ascii", "LC_ALL=POSIX PYTHONUTF8=0"])
def test_letters(place: Place, settings: str) -> None:
    place.check_all(f"export {settings}")


def test_a_working_directory_that_is_gone(place: Place) -> None:
    place.check_all(f"mkdir -p {place.folder}/gone; cd {place.folder}/gone; rmdir {place.folder}/gone")


def test_no_streams(place: Place) -> None:
    for command in COMMANDS:
        assert place.run(command, after="<&- >&- 2>&-").returncode in (0, 1, 2)


def test_killed_while_writing(place: Place) -> None:
    """Whenever it was killed, the next one reads or builds the same graph."""
    whole = place.run(COMMANDS[2]).stdout
    cache = place.folder / "killed"
    for tenth in range(1, 12, 2):
        environment = {**os.environ, "XDG_CACHE_HOME": str(cache / str(tenth))}
        command = [sys.executable, "-P", "-m", "explorer", "show", "toy_small", "--timm", str(place.timm)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            time.sleep(tenth / 15)
            process.kill()
        again = place.run(COMMANDS[2], f"export XDG_CACHE_HOME={cache / str(tenth)}")
        assert (again.returncode, again.stdout, again.stderr) == (0, whole, "")


def test_eight_at_once(place: Place) -> None:
    command = [sys.executable, "-P", "-m", "explorer", "path", "toy_small", "--timm", str(place.timm)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(place.folder / "shared"), "XDG_DATA_HOME": str(place.folder)}
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(8)
    ]
    ended = [(process.communicate(timeout=100), process.returncode) for process in started]

    assert len({out for (out, _), _ in ended}) == 1
    assert [(err, code) for (_, err), code in ended] == [(b"", 0)] * 8
