"""Pictures as a real browser shows them, measured by a script in the page."""

import html
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, _NAMES)), None)
LIGHT, DARK = "1", "0"
SCHEMES = {"light": LIGHT, "dark": DARK}

needs_browser = [
    pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine to measure pictures with"),
    pytest.mark.xdist_group("browser"),
]

# Every check gives the words or ids that fail it.
_MEASURE = """
const box = part => part.querySelector('rect').getBBox();
const within = (t, r) => t.x >= r.x && t.y >= r.y && t.x + t.width <= r.x + r.width && t.y + t.height <= r.y + r.height;
const apart = (a, b) => a.x >= b.x + b.width || b.x >= a.x + a.width || a.y >= b.y + b.height || b.y >= a.y + a.height;
const rgb = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
const light = colour => rgb(colour).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (a, b) => {
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};
const fill = part => getComputedStyle(part).fill;
const look = part => [getComputedStyle(part).stroke, part.getAttribute('stroke-dasharray') || ''].join();

function measured(svg) {
  const all = query => [...svg.querySelectorAll(query)];
  const [nodes, labels] = [all('.node'), all('.edge-label, .group-label')];
  const boxed = [...nodes, ...labels]
    .flatMap(g => [...g.querySelectorAll('text')].map(t => [t, g.querySelector('rect')]));
  const loose = all('.header text, .legend text');
  const page = svg.querySelector('.page');
  const width = Number(svg.getAttribute('width'));
  const edge = g => g.querySelector('path');
  const keys = all('.legend-entry').map(g => g.dataset.key);
  const kinds = parts => [...new Set(parts.map(p => /kind-([^ ].*?)(?: focus)?$/.exec(p.getAttribute('class'))[1]))];
  const evidence = [...new Set(all('.edge').map(g => g.dataset.evidence).filter(Boolean))];
  const shaded = nodes.filter(g => !g.querySelector('[class*=shade-]'));
  const wanted = [...kinds(shaded).map(k => 'node:' + k), ...kinds(all('.edge')).map(k => 'edge:' + k),
    ...evidence.map(e => 'evidence:' + e), ...(all('.node.focus').length ? ['mark:focus'] : [])];
  const plain = keys.filter(k => !k.startsWith('shade:'));
  const samples = new Set(all('.legend-entry path').map(p => getComputedStyle(p).stroke));
  const fills = new Set(all('.legend-entry rect').map(fill));
  return {
    texts: boxed.length,
    outside_box: boxed.filter(([t, r]) => !within(t.getBBox(), r.getBBox())).map(([t]) => t.textContent),
    off_page: loose.filter(t => {
      const [place, around] = [t.getBoundingClientRect(), page.getBoundingClientRect()];
      return place.left < around.left || place.right > around.right || place.bottom > around.bottom + 1;
    }).map(t => t.textContent),
    overlapping: nodes.flatMap((a, i) => nodes.slice(i + 1).filter(b => !apart(box(a), box(b)))
      .map(b => a.dataset.id + ' / ' + b.dataset.id)),
    label_on_box: labels.flatMap(l => nodes.filter(n => !apart(box(l), box(n)))
      .map(n => l.textContent + ' on ' + n.dataset.id)),
    faint: [...boxed.map(([t, r]) => [t, fill(r)]), ...loose.map(t => [t, fill(page)])]
      .filter(([t, ground]) => contrast(fill(t), ground) < 4.5).map(([t]) => t.textContent),
    tiny: [...boxed.map(([t]) => t), ...loose]
      .filter(t => Number(t.getAttribute('font-size')) * Math.min(1, 900 / width) < 9).map(t => t.textContent),
    legend_wrong: [...plain.filter(k => !wanted.includes(k)), ...wanted.filter(k => !plain.includes(k))],
    not_in_legend: [...new Set([...all('.edge').map(g => getComputedStyle(edge(g)).stroke).filter(s => !samples.has(s)),
      ...nodes.map(g => fill(g.querySelector('rect'))).filter(f => !fills.has(f))])],
    ground: fill(page),
  };
}
const found = Object.fromEntries([...document.querySelectorAll('.picture')]
  .map(part => [part.dataset.name, measured(part.querySelector('svg'))]));
"""


def measure(pictures: Mapping[str, str], folder: Path, scheme: str = "light") -> dict[str, dict[str, Any]]:
    """What the browser finds of each SVG, by its name; all are shown on one page."""
    shown = "".join(f'<div class="picture" data-name="{html.escape(n)}">{svg}</div>' for n, svg in pictures.items())
    page = f'<!doctype html><meta charset="utf-8"><body>{shown}'
    return run(page, _MEASURE, folder, f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}")


def run(page: str, script: str, folder: Path, *options: str) -> Any:
    """What a script leaves in ``found`` when it runs at the end of a page."""
    told = "document.documentElement.innerHTML = '<pre id=found></pre>';"
    told += "document.getElementById('found').textContent = JSON.stringify(found);"
    caught = f"try {{ {script}\n{told} }} catch (error) {{ const found = {{ error: String(error.stack) }}; {told} }}"
    head, body_end, rest = page.rpartition("</body>")
    whole = f"{head}<script>{caught}</script>{body_end}{rest}" if body_end else f"{page}<script>{caught}</script>"
    file = folder / "page.html"
    file.write_text(whole, encoding="utf-8")
    done = subprocess.run(
        _command(folder, file, options), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=240
    )
    told_back = done.stdout.decode().partition('<pre id="found">')[2].partition("</pre>")[0]
    found = json.loads(html.unescape(told_back))
    assert not (isinstance(found, dict) and "error" in found), found["error"]
    return found


def _command(folder: Path, file: Path, options: Sequence[str]) -> list[str]:
    quiet = ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}")
    return [BROWSER or "", *quiet, *options, "--dump-dom", file.as_uri()]
