"""The graph of relations: typed nodes and edges over plain rows.

Rows are what the cache stores, so loading a graph is reading JSON and nothing more; a :class:`Node` or an
:class:`Edge` is made when somebody asks for it. Rows come in sections, one per kind of node and one per kind of
edge, and a graph that has a loader reads a section the first time it is needed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any, Self

from explorer.graph.contexts import Contexts, Traced
from explorer.graph.elements import JSON, REGISTERED_KINDS, Edge, EdgeKind, Evidence, GraphInfo, Node, NodeKind
from explorer.graph.instances import Instances

if TYPE_CHECKING:
    import networkx as nx

_CONTEXTS = "contexts"
"""The section of calls in context."""
_INSTANCES = "instances"
"""The section of what models are made of."""
_FILES = "files"
"""The section of source files."""

NodeRow = list[JSON]
"""``[file, line, end_line, doc, data]``."""

EdgeRow = list[JSON]
"""``[evidence, sites, data]``."""

Section = dict[str, Any]
"""``{node id: NodeRow}`` or ``{source id: {target id: EdgeRow}}``."""


class Graph:
    """A directed graph with at most one edge of a kind between two nodes.

    Args:
        info: where it comes from.
        load: returns the rows of a section (``"nodes/model"``, ``"edges/calls"``) as stored by :meth:`sections`.
    """

    def __init__(self, info: GraphInfo | None = None, load: Callable[[str], Section] | None = None) -> None:
        self.info = info or GraphInfo()
        self._load = load
        self._load_traces: Callable[[], Traced | None] | None = None
        self._traces: Traced | None = None
        # Joining waits for the first question about calls: a listing needs none, and traces are a file of their own.
        self._joined = True
        self._nodes: dict[NodeKind, dict[str, NodeRow]] = {}
        self._out: dict[EdgeKind, dict[str, dict[str, EdgeRow]]] = {}
        self._in: dict[EdgeKind, dict[str, list[str]]] = {}

    # nodes

    def _node_rows(self, kind: NodeKind) -> dict[str, NodeRow]:
        rows = self._nodes.get(kind)
        if rows is None:
            rows = self._nodes[kind] = self._load(f"nodes/{kind}") if self._load else {}
        return rows

    def add_node(self, node: Node) -> None:
        """Add a node, or replace the one of the same id and kind."""
        self._node_rows(node.kind)[node.id] = [node.file, node.line, node.end_line, node.doc, dict(node.data)]

    def get(self, node_id: str) -> Node | None:
        """The node of this id, or ``None``."""
        for kind in _kinds_of(node_id):
            row = self._node_rows(kind).get(node_id)
            if row is not None:
                return Node(node_id, kind, *row)
        return None

    def node(self, node_id: str) -> Node:
        """The node of this id.

        Raises:
            KeyError: there is none.
        """
        node = self.get(node_id)
        if node is None:
            raise KeyError(node_id)
        return node

    def __contains__(self, node_id: str) -> bool:
        return any(node_id in self._node_rows(kind) for kind in _kinds_of(node_id))

    def ids(self, *kinds: NodeKind) -> Iterator[str]:
        """Node ids of these kinds (all kinds when none is named), in insertion order."""
        for kind in kinds or NodeKind:
            yield from self._node_rows(kind)

    def nodes(self, *kinds: NodeKind) -> Iterator[Node]:
        """Nodes of these kinds (all kinds when none is named), in insertion order."""
        for kind in kinds or NodeKind:
            for node_id, row in self._node_rows(kind).items():
                yield Node(node_id, kind, *row)

    def __len__(self) -> int:
        return sum(len(self._node_rows(kind)) for kind in NodeKind)

    # calls as they are evaluated, and as they were seen

    @cached_property
    def contexts(self) -> Contexts:
        """Calls in context, as far as the source tells."""
        return Contexts(**self._load(_CONTEXTS)) if self._load else Contexts()

    @cached_property
    def instances(self) -> Instances:
        """What the instances of models are made of, as far as the source tells."""
        return Instances(**self._load(_INSTANCES)) if self._load else Instances()

    @cached_property
    def files(self) -> dict[str, str]:
        """The digest of every source file, by path."""
        return self._load(_FILES) if self._load else {}

    @property
    def traces(self) -> Traced | None:
        """What was seen at run time with this very source, ``None`` where nothing was."""
        if self._load_traces is not None:
            self._traces, self._load_traces = self._load_traces(), None
        return self._traces

    def join_traces(self, load: Callable[[], Traced | None]) -> None:
        """Join traces to the calls, when these are first asked for."""
        self._load_traces, self._joined = load, False

    def _join(self) -> None:
        """Join what was traced: a dispatch stays one, and a call that was seen goes through nothing."""
        traces = self.traces
        calls, dispatches = self._out_rows(EdgeKind.CALLS), self._out_rows(EdgeKind.DISPATCHES)
        for caller, callee, sites in traces.pairs if traces else ():
            row = dispatches.get(caller, {}).get(callee) or calls.setdefault(caller, {}).setdefault(
                callee, [[], [], {}]
            )
            row[0] = _united(row[0], [Evidence.TRACED])
            row[1] = _united(row[1], sites)
            row[2].pop("through", None)
        for kind in _TRACED:
            self._in.pop(kind, None)

    # edges

    def _out_rows(self, kind: EdgeKind) -> dict[str, dict[str, EdgeRow]]:
        rows = self._out.get(kind)
        if rows is None:
            rows = self._out[kind] = self._load(f"edges/{kind}") if self._load else {}
        if not self._joined and kind in _TRACED:
            self._joined = True
            self._join()
        return rows

    def _in_ids(self, kind: EdgeKind) -> dict[str, list[str]]:
        rows = self._out_rows(kind)  # first, as joining traces to them drops the index
        index = self._in.get(kind)
        if index is None:
            index = {}
            for source, targets in rows.items():
                for target in targets:
                    index.setdefault(target, []).append(source)
            self._in[kind] = index  # whole, so that no other thread of the app meets half of it
        return index

    def add_edge(self, edge: Edge) -> None:
        """Add an edge. One of the same ends and kind is merged with it: their evidence and sites are united."""
        targets = self._out_rows(edge.kind).setdefault(edge.source, {})
        row = targets.get(edge.target)
        if row is None:
            targets[edge.target] = [list(edge.evidence), list(edge.sites), dict(edge.data)]
            if edge.kind in self._in:
                self._in[edge.kind].setdefault(edge.target, []).append(edge.source)
            return
        row[0] = _united(row[0], edge.evidence)
        row[1] = _united(row[1], edge.sites)
        row[2] = _merged(row[2], edge.data)

    def edge(self, source: str, target: str, kind: EdgeKind) -> Edge | None:
        """The edge between two nodes, or ``None``."""
        row = self._out_rows(kind).get(source, {}).get(target)
        return None if row is None else _edge(source, target, kind, row)

    def out_edges(self, node_id: str, *kinds: EdgeKind) -> Iterator[Edge]:
        """Edges of these kinds (all when none is named) that leave a node."""
        for kind in kinds or EdgeKind:
            for target, row in self._out_rows(kind).get(node_id, {}).items():
                yield _edge(node_id, target, kind, row)

    def in_edges(self, node_id: str, *kinds: EdgeKind) -> Iterator[Edge]:
        """Edges of these kinds (all when none is named) that reach a node."""
        for kind in kinds or EdgeKind:
            for source in self._in_ids(kind).get(node_id, ()):
                yield _edge(source, node_id, kind, self._out_rows(kind)[source][node_id])

    def edges(self, *kinds: EdgeKind) -> Iterator[Edge]:
        """All edges of these kinds (all when none is named)."""
        for kind in kinds or EdgeKind:
            for source, targets in self._out_rows(kind).items():
                for target, row in targets.items():
                    yield _edge(source, target, kind, row)

    def successors(self, node_id: str, *kinds: EdgeKind) -> Iterator[str]:
        """Ids that edges of these kinds (all when none is named) lead to; an id may come once per kind."""
        for kind in kinds or EdgeKind:
            yield from self._out_rows(kind).get(node_id, {})

    def predecessors(self, node_id: str, *kinds: EdgeKind) -> Iterator[str]:
        """Ids that edges of these kinds (all when none is named) come from; an id may come once per kind."""
        for kind in kinds or EdgeKind:
            yield from self._in_ids(kind).get(node_id, ())

    # whole

    def subgraph(self, node_ids: Iterable[str], edges: Iterable[Edge] | None = None) -> "Graph":
        """These nodes with the given edges, or with every edge between them when ``edges`` is ``None``."""
        part = Graph(self.info)
        for node_id in node_ids:
            part.add_node(self.node(node_id))
        if edges is None:
            edges = (e for i in list(part.ids()) for e in self.out_edges(i) if e.target in part)
        for edge in edges:
            part.add_edge(edge)
        return part

    def sections(self) -> Iterator[tuple[str, Section]]:
        """Every section by name, as a loader has to give it back. Rows are the graph's own: do not change them."""
        for node_kind in NodeKind:
            yield f"nodes/{node_kind}", self._node_rows(node_kind)
        for edge_kind in EdgeKind:
            yield f"edges/{edge_kind}", self._out_rows(edge_kind)
        yield _CONTEXTS, self.contexts.to_json()
        yield _INSTANCES, self.instances.to_json()
        yield _FILES, self.files

    def to_node_link(self) -> dict[str, JSON]:
        """A dict that ``networkx.node_link_graph(data, edges="edges")`` reads back as a ``MultiDiGraph``."""
        return {
            "directed": True,
            "multigraph": True,
            "graph": self.info.to_json(),
            "nodes": [node.to_json() for node in self.nodes()],
            "edges": [edge.to_json() for edge in self.edges()],
        }

    @classmethod
    def from_node_link(cls, data: Mapping[str, JSON]) -> Self:
        """The graph that :meth:`to_node_link` wrote.

        Raises:
            KeyError, TypeError, ValueError: the data is not of that form.
        """
        graph = cls(GraphInfo.from_json(data["graph"]))
        for node in data["nodes"]:
            graph.add_node(Node.from_json(node))
        for edge in data["edges"]:
            graph.add_edge(Edge.from_json(edge))
        return graph

    def to_networkx(self) -> "nx.MultiDiGraph":
        """The graph for networkx's algorithms: node and edge attributes as in node-link JSON, edge key = kind."""
        import networkx as nx  # it takes as long as a whole command that does without it

        return nx.node_link_graph(self.to_node_link(), edges="edges")


def _kinds_of(node_id: str) -> tuple[NodeKind, ...]:
    """The kinds a node of this id can have, by the form of ids."""
    # From the form alone, so that asking for one node reads the sections of at most three kinds.
    prefix, colon, rest = node_id.partition(":")
    if not colon:
        return (NodeKind.MODULE, NodeKind.EXTERNAL)
    if prefix in _PREFIXES:
        return (_PREFIXES[prefix],)
    if rest.endswith(")"):
        return (NodeKind.PARAMETER,)
    return (NodeKind.FUNCTION, NodeKind.CLASS, NodeKind.EXTERNAL)


CALL_SECTIONS = frozenset(
    (
        f"nodes/{NodeKind.EXTERNAL}",
        *(f"edges/{kind}" for kind in (EdgeKind.CALLS, EdgeKind.DISPATCHES, EdgeKind.INHERITS)),
        _CONTEXTS,
        _INSTANCES,
    )
)
"""Sections that following calls makes."""
_TRACED = (EdgeKind.CALLS, EdgeKind.DISPATCHES)
"""Kinds that traces have something to say about."""
_PREFIXES = {str(kind): kind for kind in REGISTERED_KINDS}


def _edge(source: str, target: str, kind: EdgeKind, row: EdgeRow) -> Edge:
    evidence, sites, data = row
    return Edge(source, target, kind, _EVIDENCE[tuple(evidence)], tuple(sites), data)


_EVIDENCE = {tuple(map(str, known)): known for n in (0, 1, 2) for known in permutations(Evidence, n)}
"""Every combination there is, made once: a search for a path makes an edge a hundred thousand times."""


def _united(have: list[str], more: Iterable[str]) -> list[str]:
    return have + [x for x in more if x not in have]


def _merged(have: Mapping[str, JSON], more: Mapping[str, JSON]) -> dict[str, JSON]:
    """What is true of two edges alike: a call that also happens directly, or by its own name, is no indirect one."""
    return {name: value for name, value in have.items() if name in more and more[name] == value}
