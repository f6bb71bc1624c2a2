"""What only reads the graph does not wait for the protocol and its library."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from explorer.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
loaded = {"msgspec", "explorer.protocol"} & sys.modules.keys()
print("loaded:", sorted(loaded), file=sys.stderr)
"""


@pytest.mark.usefixtures("warm_cache")
@pytest.mark.parametrize(
    "words",
    [["list", "resnet34"], ["show", "resnet34"], ["search", "resnet34"], ["path", "resnet34"], ["graph", "resnet34"]],
    ids=lambda words: words[0],
)
def test_a_command_on_the_graph_loads_no_protocol(words: list[str], tmp_path: Path) -> None:
    more = ["-o", str(tmp_path / "picture.dot")] if words[0] == "graph" else []
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, *more], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stderr.splitlines()[-1] == "loaded: []"
