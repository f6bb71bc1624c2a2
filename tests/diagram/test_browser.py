"""What a real browser measures, where there is one."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from explorer.diagram import render
from explorer.graph.model import Graph

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine to measure text with"),
    pytest.mark.xdist_group("browser"),
]

MEASURE = """
<pre id="found"></pre><script>
const ends = (t, r) => t.x + t.width <= r.x + r.width && t.y + t.height <= r.y + r.height;
const inside = (t, r) => t.x >= r.x && t.y >= r.y && ends(t, r);
const groups = [...document.querySelectorAll('.node, .edge-label, .group-label')];
const texts = groups.flatMap(g => [...g.querySelectorAll('text')].map(t => [t, g.querySelector('rect')]));
const out = texts.filter(([t, r]) => !inside(t.getBBox(), r.getBBox())).map(([t]) => t.textContent);
const page = document.querySelector('svg').getBoundingClientRect();
const loose = [...document.querySelectorAll('.header text, .legend text')];
const off = loose.filter(t => !inside(t.getBoundingClientRect(), page)).map(t => t.textContent);
const fill = getComputedStyle(document.querySelector('.page')).fill;
document.getElementById('found').textContent = JSON.stringify({texts: texts.length, out, off, fill});
</script>
"""


def measured(graph: Graph, folder: Path, *options: str) -> dict[str, object]:
    svg = render(graph, "svg", title="How create_model makes a resnet34", notes=["A note. " * 40]).decode()
    page = folder / "page.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><body>{svg}{MEASURE}', encoding="utf-8")
    command = [
        BROWSER or "",
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
    ]
    command += [*options, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=True)
    found = done.stdout.decode().partition('<pre id="found">')[2].partition("</pre>")[0]
    return json.loads(found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def test_text_is_inside_its_box_and_the_page(graph: Graph, tmp_path: Path) -> None:
    found = measured(graph, tmp_path)
    assert found["texts"]
    assert (found["out"], found["off"]) == ([], [])


@pytest.mark.parametrize(("scheme", "fill"), [("1", "rgb(255, 255, 255)"), ("0", "rgb(13, 17, 23)")])
def test_the_page_follows_the_readers_colour_scheme(small: Graph, tmp_path: Path, scheme: str, fill: str) -> None:
    assert measured(small, tmp_path, f"--blink-settings=preferredColorScheme={scheme}")["fill"] == fill
