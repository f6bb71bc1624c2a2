"""A picture as one HTML file to walk around in: pan, zoom, search, facts, folding. It asks the network for nothing."""

import json
from pathlib import Path

from explorer.diagram.formats.interchange import view_node_link
from explorer.diagram.formats.svg import svg_of
from explorer.diagram.formats.svg_elements import text
from explorer.diagram.geometry import Geometry
from explorer.diagram.view import View

_SCRIPTS = ("picture.js", "camera.js", "folding.js", "facts.js", "search.js", "page.js")
"""Each uses what those before it define."""

# Names and docstrings come from other people's source: whatever is in them, the browser loads and sends nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def html_of(view: View, geometry: Geometry) -> str:
    """The page. The same view gives the same text."""
    # JSON that no markup in it can end.
    data = json.dumps(view_node_link(view), ensure_ascii=True).replace("<", "\\u003c")
    picture = svg_of(view, geometry, is_themed=True)
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en" data-theme="light">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{text(view.title)}</title>\n<style>\n{_part('page.css')}</style>\n</head>\n<body>",
            _part("body.html").replace("<!-- picture -->", picture),
            f'<script type="application/json" id="view">{data}</script>',
            f'<script>\n"use strict";\n{"".join(map(_part, _SCRIPTS))}</script>\n</body>\n</html>\n',
        )
    )


def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")
