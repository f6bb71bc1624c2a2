import json
import re
from html.parser import HTMLParser

from explorer.diagram import view_of
from explorer.graph import Graph
from explorer.plain_text import plain_line

from ..samples import render

FETCHING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href"}


class Reader(HTMLParser):
    """Every element's attributes, and what scripts and styles hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style"):
            self.scripts.append(data)


def test_the_file_needs_nothing_else(graph: Graph) -> None:
    page = Reader(render(graph, "html", title="t").decode())
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"link", "img", "image", "iframe", "object", "embed", "use", "base", "form", "audio", "video"}
    assert not any(FETCHING & attributes.keys() for _, attributes in page.elements)
    assert {tag for tag, attributes in page.elements if "href" in attributes} <= {"a"}
    assert not any(re.search(r"@import|url\(|fetch\(|XMLHttp|WebSocket|sendBeacon", script) for script in page.scripts)
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def test_no_name_ends_the_script(nasty: Graph) -> None:
    graph = view_of(nasty, title="</script><b>bold</b>")
    page = render(nasty, "html", title="</script><b>bold</b>").decode()
    assert page.count("</script>") == 2
    assert "<b>" not in page
    data = json.loads(page.partition('<script type="application/json" id="view">')[2].partition("</script>")[0])
    assert [node["id"] for node in data["nodes"]] == [plain_line(node.id) for node in graph.nodes]
    assert data["graph"]["title"] == graph.title


def test_dark_colours_follow_the_pages_theme_alone(small: Graph) -> None:
    page = render(small, "html", title="t").decode()
    assert "@media (prefers-color-scheme" not in page
    assert ":root[data-theme=&quot;dark&quot;] .page{fill:#0d1117}" in page or ':root[data-theme="dark"] .page' in page


def test_nodes_carry_id_tooltip_and_link(small: Graph) -> None:
    page = Reader(render(small, "html", title="t").decode())
    ids = {a.get("data-id") for tag, a in page.elements if tag == "g" and "node" in (a.get("class") or "").split()}
    assert ids == set(small.ids())
    links = {attributes.get("href") for tag, attributes in page.elements if tag == "a"}
    assert {node.href for node in view_of(small, title="t").nodes if node.href} <= links
