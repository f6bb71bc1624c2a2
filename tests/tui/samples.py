"""A small timm made by hand, and a client that pretends to measure."""

import asyncio
from collections.abc import Callable

from explorer.errors import ExplorerError
from explorer.graph import Edge, EdgeKind, Evidence, Graph, GraphInfo, Node, NodeKind, Problem
from explorer.graph.contexts import Contexts
from explorer.protocol.bench import BenchPartial, BenchRequest, BenchResult, Latency, Roofline
from explorer.protocol.events import Event, Log, Partial, Progress
from tests.measurements import measured

MARKUP = "Takes [bold]x[/bold], gives [/] or [link=a]b[/] and [unclosed"


def graph(problems: tuple[Problem, ...] = ()) -> Graph:
    made = Graph(GraphInfo("9.9.9", "/somewhere/timm", "digest", problems))
    for node in _nodes():
        made.add_node(node)
    for edge in _edges():
        made.add_edge(edge)
    made.contexts = _contexts()
    return made


def _contexts() -> Contexts:
    toy, create = "timm.models.toy", "timm.models._factory:create_model"
    made = Contexts([create, f"{toy}:toy_small", f"{toy}:Toy.__init__", f"{toy}:toy_large"])
    for function, direct in ((0, [1]), (1, [2]), (2, []), (0, [4]), (3, [])):
        made.add(function, list(direct), [])
    made.models = {"toy_small": 0, "toy_large": 3, "toy_old": 0}
    return made


def _nodes() -> list[Node]:
    toy, factory = "timm.models.toy", "timm.models._factory"
    cfg = {"hf_hub_id": "timm/toy_small.a_in1k", "input_size": [3, 64, 64], "mean": [0.5, 0.5, 0.5], "notes": None}
    return [
        Node(toy, NodeKind.MODULE, "models/toy.py", 1, 90, "Toys."),
        Node(factory, NodeKind.MODULE, "models/_factory.py", 1, 20, None),
        Node(f"{toy}:Toy", NodeKind.CLASS, "models/toy.py", 10, 60, MARKUP),
        Node(f"{toy}:Toy.__init__", NodeKind.FUNCTION, "models/toy.py", 12, 20, None, {"signature": "(self, depth=2)"}),
        Node(f"{toy}:toy_small", NodeKind.FUNCTION, "models/toy.py", 70, 72, "A small toy.", {"signature": "()"}),
        Node(f"{toy}:toy_large", NodeKind.FUNCTION, "models/toy.py", 75, 77, None, {"signature": "()"}),
        Node(f"{factory}:create_model", NodeKind.FUNCTION, "models/_factory.py", 3, 9, None, {"signature": "(name)"}),
        *(_model("toy_small", ["a_in1k", "b_in1k"]), _model("toy_large", []), _model("train_one", [], family="train")),
        _weights("toy_small", "a_in1k", cfg),
        _weights("toy_small", "b_in1k", {**cfg, "notes": "the other"}),
        Node("alias:toy_old", NodeKind.ALIAS, data={"family": "toy", "module": toy, "replaced_by": "toy_small.b_in1k"}),
    ]


def _model(name: str, tags: list[str], family: str = "toy") -> Node:
    data = {"family": family, "module": f"timm.models.{family}", "tags": tags, "pretrained": bool(tags)}
    return Node(f"model:{name}", NodeKind.MODEL, data=data)


def _weights(model: str, tag: str, cfg: dict[str, object]) -> Node:
    data = {"architecture": model, "tag": tag, "cfg": cfg, "unknown": [], "has_weights": True}
    return Node(f"weights:{model}.{tag}", NodeKind.WEIGHTS, data=data)


def _edges() -> list[Edge]:
    toy, create = "timm.models.toy", "timm.models._factory:create_model"
    both = (Evidence.STATIC, Evidence.TRACED)
    return [
        Edge(toy, f"{toy}:Toy", EdgeKind.CONTAINS),
        Edge(toy, f"{toy}:toy_small", EdgeKind.CONTAINS),
        Edge(f"{toy}:Toy", f"{toy}:Toy.__init__", EdgeKind.CONTAINS),
        Edge("model:toy_small", f"{toy}:toy_small", EdgeKind.REGISTERS),
        Edge("model:toy_large", f"{toy}:toy_large", EdgeKind.REGISTERS),
        Edge(create, f"{toy}:toy_small", EdgeKind.DISPATCHES, both, ("models/_factory.py:8",)),
        Edge(create, f"{toy}:toy_large", EdgeKind.DISPATCHES, sites=("models/_factory.py:8",)),
        Edge(f"{toy}:toy_small", f"{toy}:Toy.__init__", EdgeKind.CALLS, sites=("models/toy.py:71",)),
        Edge("model:toy_small", "weights:toy_small.a_in1k", EdgeKind.CONFIGURES),
        Edge("model:toy_small", "weights:toy_small.b_in1k", EdgeKind.CONFIGURES),
        Edge("alias:toy_old", "weights:toy_small.b_in1k", EdgeKind.REPLACES),
    ]


def result(model: str = "toy_small") -> BenchResult:
    return measured(
        model=model,
        device="cpu",
        batch_size=1,
        batch_size_requested=1,
        img_size=64,
        latency_ms=Latency(12.3, 13.0, 14.0, 12.5, 11.9, 15.0, 0.4, 12.2, 12.4),
        samples_per_sec=81.3,
        param_count=1_234_567,
        macs=98_765_432,
        macs_fvcore=98_800_000,
        activations=1_234_000,
        iterations=240,
        measured_seconds=1.51,
        throughput_iterations=123,
        throughput_seconds=1.51,
        warmup_iterations=80,
        warmup_seconds=1.0,
        memory_bytes=512 << 20,
        memory_kind="peak_rss",
        roofline=Roofline(0.1, 12.5, 0.016, 0.16),
        environment={"device_name": "a CPU", "timm": "9.9.9", "torch": "2", "python": "3", "explorer": "0"},
    )


class FakeClient:
    """Reports progress, then waits for :meth:`finish`, :meth:`fail` or :meth:`cancel`."""

    def __init__(self) -> None:
        self.requests: list[BenchRequest] = []
        self.cancelled = 0
        self.closed = 0
        self._end: asyncio.Future[BenchResult | None] | None = None

    async def run(self, request: BenchRequest, on_event: Callable[[Event], None] | None = None) -> BenchResult | None:
        self.requests.append(request)
        self._end = asyncio.get_running_loop().create_future()
        assert on_event is not None
        on_event(Progress("import", "importing torch and timm"))
        on_event(Progress("measure", "measuring", 0.4))
        on_event(Partial("bench", BenchPartial(40, 0.5, 12.5, 80.0)))
        on_event(Log("a note with [brackets]"))
        return await self._end

    def finish(self) -> None:
        assert self._end is not None
        self._end.set_result(result(self.requests[-1].model))

    def fail(self, error: ExplorerError) -> None:
        assert self._end is not None
        self._end.set_exception(error)

    async def cancel(self) -> None:
        self.cancelled += 1
        if self._end is not None and not self._end.done():
            self._end.set_result(None)

    async def close(self) -> None:
        self.closed += 1
        await self.cancel()
