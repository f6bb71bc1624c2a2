"""What the details pane says of a node, before it is drawn."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from tokenize import OP, TokenError, generate_tokens
from typing import Any

from explorer.graph import Graph, GraphInfo, Node, NodeKind
from explorer.plain_text import web_link
from explorer.queries.facts import facts
from explorer.queries.model_list import Catalogue
from explorer.report.wording import in_words
from explorer.usecases.showing import replacement

MOST = 60
"""How many items of a list are shown at the most: ``create_model`` leads to more than a thousand, and a page is one
text, which is wrapped anew whenever its width changes."""

_MODELS = (NodeKind.MODEL, NodeKind.WEIGHTS, NodeKind.ALIAS)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text: a link to a node or a web page, a side remark, or plain."""

    text: str
    node_id: str | None = None
    url: str | None = None
    muted: bool = False


Value = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A block of the page: named values under each other, a list of names, or text as it stands."""

    title: str
    fields: tuple[tuple[str, Value], ...] = ()
    items: Value = ()
    text: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """All that is shown of one node. ``bench`` is the model that a benchmark of it would measure."""

    node_id: str
    title: str
    kind: NodeKind
    about: str
    sections: tuple[Section, ...]
    notice: str = ""
    source_url: str | None = None
    bench: str | None = None


def page_of(graph: Graph, node: Node) -> Page:
    """Everything :func:`explorer.queries.facts.facts` knows of the node, in reading order."""
    record = facts(graph, node)
    fields = _model_fields if node.kind in _MODELS else _source_fields
    lists = {key: value for key, value in record.items() if isinstance(value, list) and key not in _PLACED}
    sections = (
        Section("", fields=tuple(fields(graph, record))),
        _cfg(record),
        Section("Signature", text=signature(record.get("signature") or "")),
        Section("Docstring", text=_clean(record.get("doc"))),
        *(_listed(graph, key, items) for key, items in lists.items()),
        _rest(record, {*_PLACED, *lists}),
    )
    return Page(
        node.id,
        node.name or node.id,
        node.kind,
        _about(node, record),
        tuple(section for section in sections if section.fields or section.items or section.text),
        f"Deprecated: {replacement(record)}." if record.get("deprecated") else "",
        record.get("source_url"),
        _benchable(node, record),
    )


_PLACED = {
    *("id", "kind", "name", "family", "architecture", "tag", "deprecated", "replaced_by", "tags", "pretrained", "cfg"),
    *("unknown", "entrypoint", "classes", "aliases", "file", "line", "end_line", "source_url", "doc"),
    *("signature", "decorators", "inherits", "registers"),
}
"""Facts that the heading, the fields above or a section of their own tell; any other is told too, by its name."""


def welcome(info: GraphInfo, catalogue: Catalogue) -> tuple[Section, ...]:
    """What there is to see, before anything is chosen."""
    counts = [
        ("families", len(catalogue.families)),
        ("models", catalogue.counts[NodeKind.MODEL]),
        ("weights", catalogue.counts[NodeKind.WEIGHTS]),
        ("deprecated", catalogue.counts[NodeKind.ALIAS]),
        ("modules", catalogue.counts[NodeKind.MODULE]),
        ("classes", catalogue.counts[NodeKind.CLASS]),
        ("functions", catalogue.counts[NodeKind.FUNCTION]),
    ]
    fields = [("timm", (Span(info.timm_version),)), ("read from", (Span(info.origin or "unknown"),))]
    fields += [(name, (Span(f"{count:>6,}"),)) for name, count in counts]
    return (Section("", fields=tuple(fields)), Section("Begin", text=_BEGIN))


_BEGIN = """\
↓ and →  walk the tree: families, models, weights
/        finds any model, class, function or module
b        measures the model that is shown
?        lists every key"""


def _about(node: Node, record: dict[str, Any]) -> str:
    if node.kind in _MODELS:
        return f"{record['family']} family"
    return node.module or "" if node.kind is not NodeKind.MODULE else ""


def _benchable(node: Node, record: dict[str, Any]) -> str | None:
    if node.kind in _MODELS:
        return node.name if record["architecture"] else None
    registered = record.get("registers") or []
    return str(registered[0]) if registered else None


# models, weights and deprecated names


def _model_fields(graph: Graph, record: dict[str, Any]) -> Iterator[tuple[str, Value]]:
    architecture = record["architecture"]
    if architecture and architecture != record["name"]:
        yield "architecture", (Span(architecture, f"model:{architecture}"),)
    if record["replaced_by"]:
        yield "replaced by", (_model_link(graph, record["replaced_by"]),)
    if record.get("entrypoint"):
        yield "entrypoint", (_link(graph, record["entrypoint"]),)
    yield from _place(record)
    if record.get("classes"):
        yield "class" if len(record["classes"]) == 1 else "classes", _links(graph, record["classes"])
    if record["tags"]:
        yield "weights", tuple(_tags(record))
    yield "pretrained", (Span("yes" if record["pretrained"] else "no weights to download", muted=True),)
    if record.get("aliases"):
        yield "deprecated", tuple(Span(name, f"alias:{name}") for name in record["aliases"])


def _tags(record: dict[str, Any]) -> Iterator[Span]:
    """Each tag; the first is timm's default, and the page's own is no link to itself."""
    for i, tag in enumerate(record["tags"]):
        name = f"{record['architecture']}.{tag}" if tag else record["architecture"]
        own = record["kind"] == NodeKind.WEIGHTS and tag == record["tag"]
        remarks = [word for word, holds in (("default", i == 0), ("this one", own)) if holds]
        label = tag or "(no tag)"
        yield Span(label + (f" ({', '.join(remarks)})" if remarks else ""), None if own else f"weights:{name}")


def _model_link(graph: Graph, name: str) -> Span:
    ids = (f"weights:{name}", f"model:{name}")
    return Span(name, next((i for i in ids if i in graph), None))


_UNSET = (None, "")
"""A cfg's ways to say that a field has no value: many have an empty ``url``."""


def _cfg(record: dict[str, Any]) -> Section:
    cfg = record.get("cfg") or {}
    fields = tuple((key, _cfg_value(key, value)) for key, value in cfg.items() if value not in _UNSET)
    unset = [key for key, value in cfg.items() if value in _UNSET]
    notes = []
    if unset:
        notes.append(f"Not set: {', '.join(unset)}.")
    if record.get("unknown"):
        notes.append(f"Not settled by the source alone: {', '.join(map(str, record['unknown']))}.")
    title = f"Pretrained cfg · {record['tag']}" if record.get("tag") else "Pretrained cfg"
    return Section(title, fields=fields, note="\n".join(notes))


def _cfg_value(key: str, value: Any) -> Value:
    if key == "hf_hub_id":
        return (Span(str(value), url=web_link(f"https://huggingface.co/{value}")),)
    text = in_words(value)
    return (Span(text, url=web_link(text) or None),)


# modules, classes, functions and the rest


def _source_fields(graph: Graph, record: dict[str, Any]) -> Iterator[tuple[str, Value]]:
    if record.get("registers"):
        yield "registers", tuple(Span(name, f"model:{name}") for name in record["registers"])
    yield from _place(record)
    if record.get("decorators"):
        yield "decorators", tuple(Span(f"@{name}") for name in record["decorators"])
    if record.get("inherits"):
        yield "inherits", _links(graph, record["inherits"])


def _listed(graph: Graph, key: str, items: Sequence[str]) -> Section:
    more = f"… and {len(items) - MOST:,} more" if len(items) > MOST else ""
    title = f"{key.replace('_', ' ').capitalize()} ({len(items):,})"
    shown = items[:MOST]
    links = tuple(Span(name, f"model:{name}") for name in shown) if key == "models" else _links(graph, shown)
    return Section(title, items=links, note=more)


# shared


def _place(record: dict[str, Any]) -> Iterator[tuple[str, Value]]:
    if record.get("file"):
        folder = "timm/" if record["source_url"] else ""
        yield "source", (Span(f"{folder}{record['file']}:{record['line']}", url=record["source_url"]),)


def _rest(record: dict[str, Any], shown: set[str]) -> Section:
    """Facts this page has no place of its own for."""
    fields = [(k.replace("_", " "), (Span(in_words(v)),)) for k, v in record.items() if k not in shown and v]
    return Section("More", fields=tuple(fields))


def _links(graph: Graph, node_ids: Sequence[str]) -> Value:
    return tuple(_link(graph, node_id) for node_id in node_ids)


def _link(graph: Graph, node_id: str) -> Span:
    """A node by its name, to be gone to where there is one of this id."""
    node = graph.get(node_id)
    return Span(node.name or node_id, node_id) if node else Span(node_id)


def signature(text: str, limit: int = 60) -> str:
    """A signature, one parameter a line where it is long; as it stands where it is none."""
    if len(text) <= limit or not text.startswith("("):
        return text
    parameters, begin, depth = [], 1, 0
    with suppress(TokenError):
        for token in generate_tokens(StringIO(text).readline):
            if token.type != OP:
                continue
            depth += (token.string in "([{") - (token.string in ")]}")
            end = token.start[1]
            is_whole = depth == 0
            if is_whole or (depth == 1 and token.string == ","):
                parameters.append(text[begin:end].strip())
                begin = end + 1
            if is_whole:
                lines = [f"    {parameter}," for parameter in parameters if parameter]
                return "\n".join(["(", *lines, text[end:]])
    return text


def _clean(doc: str | None) -> str:
    return "\n".join(line.rstrip() for line in (doc or "").strip("\n").splitlines()).strip()
