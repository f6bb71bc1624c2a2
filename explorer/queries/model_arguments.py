"""The arguments that ``timm.create_model`` takes for one model, as far as timm's source tells."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer.errors import RequestError
from explorer.graph import ClassData, FunctionData, Graph, Node, NodeKind
from explorer.graph.fuzzy import closest
from explorer.queries.creation import creation_calls
from explorer.queries.names import model_of

_EVERY_MODEL = ("features_only", "img_size", "in_chans", "num_classes")
"""What explorer asks of every model itself."""
_NOT_TO_BE_SET = ("model_name", "pretrained")
"""Arguments of ``create_model`` that say which model, and that explorer leaves without weights."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Accepted:
    """The arguments of a model by name, sorted; ``complete`` is false where it may take others too.

    ``switches`` are those that may make its creation go another way, on which it takes others; ``fixed`` are names that
    the code on the way gives values of its own, so that giving them once more is an error.
    """

    names: tuple[str, ...]
    complete: bool
    switches: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()


def accepted_arguments(graph: Graph, model: Node) -> Accepted:
    """What a model can be made with: the names that lead somewhere when ``create_model`` is given them.

    From function to function along ``**kwargs``: the parameters of each that this model's creation hands them on to,
    and the keys that are taken out on the way. Where the source does with them what cannot be followed, any name may be
    good.

    Args:
        graph: the whole graph.
        model: a model, weights or alias node.
    """
    model = model_of(graph, model) or model
    root = graph.contexts.models.get(model.name)
    if root is None:
        return Accepted((), False)
    flow = _ArgumentFlow(graph, model)
    flow.go(graph.contexts.function(root))
    names = (flow.names - set(_NOT_TO_BE_SET)) | set(_EVERY_MODEL)
    return Accepted(
        tuple(sorted(names)), flow.complete, frozenset(flow.switches & names), frozenset(flow.fixed - names)
    )


def check_arguments(graph: Graph, model: Node, names: Iterable[str]) -> None:
    """Refuse arguments that a model does not take.

    Raises:
        RequestError: it takes no argument of one of these names; the hint has the closest.
    """
    names = list(names)
    if not names:
        return
    accepted = accepted_arguments(graph, model)
    known = accepted.complete and not accepted.switches.intersection(names)
    for name in names:
        if name in _NOT_TO_BE_SET:
            raise RequestError(f"{name} cannot be set", "explorer builds the model named, with random weights")
        if known and name not in accepted.names:
            raise _refusal(model, name, accepted)


def _refusal(model: Node, name: str, accepted: Accepted) -> RequestError:
    near = f"closest: {', '.join(closest(name, accepted.names, _SHOWN))}"
    if name in accepted.fixed:
        return RequestError(f"{model.name} fixes {name!r} itself, it cannot be set", near)
    return RequestError(f"{model.name} takes no argument {name!r}", near)


class _ArgumentFlow:
    """Follows arguments from function to function."""

    def __init__(self, graph: Graph, model: Node) -> None:
        self.names: set[str] = set()
        self.complete = True
        self.switches: set[str] = set()
        self.fixed: set[str] = set()
        self._graph = graph
        self._called: dict[str, list[str]] = {}
        self._seen: set[tuple[str, str, frozenset[str]]] = set()
        for edge in creation_calls(graph, model):
            for site in edge.sites:
                self._called.setdefault(f"{edge.source} {site.rpartition(':')[2]}", []).append(edge.target)

    def go(self, factory: str) -> None:
        """Follow what the function that makes models is given by name."""
        self._enter(self._graph.node(factory), 0, frozenset())

    def _enter(self, function: Node, positional: int, taken: frozenset[str]) -> None:
        """Arguments come to a function by name, but none of those that a call on the way gives itself."""
        signature = _read_signature(function)
        self.names |= set(signature.names[positional:]) - taken
        if signature.star:
            self._follow(function, signature.star, taken)

    def _follow(self, function: Node, parameter: str, taken: frozenset[str]) -> None:
        """Arguments are in a dict that a parameter of this function holds."""
        uses = FunctionData.of(function).keywords.get(parameter)
        if not uses or (function.id, parameter, taken) in self._seen:
            return
        self._seen.add((function.id, parameter, taken))
        self.names |= set(uses.get("takes", ())) - taken
        self.complete &= not uses.get("open", False)
        hands = uses.get("hands", ())
        reached = [hand for hand in hands if self._hand(function, taken, hand)]
        if len(reached) < len(hands):
            self.switches |= {*_read_signature(function).names, *uses.get("takes", ())}
            self.complete &= any(how == "**" for _, how, *_ in reached) or all(how != "**" for _, how, *_ in hands)

    def _hand(self, function: Node, taken: frozenset[str], hand: Sequence[Any]) -> bool:
        """Follow arguments to whom a line hands them; whether that is known."""
        line, how, positional, named, *replaced = hand
        # A line that is not reached when this model is made calls none.
        called = (self._graph.get(target) for target in self._called.get(f"{function.id} {line}", ()))
        callees = [node for node in called if node and node.kind is NodeKind.FUNCTION]
        for callee in callees:
            if how == "**":
                self.fixed |= set(named)
                self._enter(callee, positional, taken.union(named))
            elif parameter := _read_signature(callee).at(how):
                self._follow(callee, parameter, taken)
        return bool(callees) or any(self._replace(function, parameter) for parameter in replaced)

    def _replace(self, function: Node, parameter: str) -> bool:
        """Take the fields of the dataclass that a parameter is of; whether it is known which that is."""
        name = _read_signature(function).classes.get(parameter, "")
        classes = [n for n in self._graph.nodes(NodeKind.CLASS) if name and n.name == name and ClassData.of(n).fields]
        classes = [n for n in classes if n.module == function.module] or classes
        if len(classes) != 1:
            return False
        self.names |= set(ClassData.of(classes[0]).fields)
        return True


@dataclass(frozen=True, slots=True)
class _Signature:
    """Parameters without ``self``: positional ones first, then by name only; ``star`` is that of ``**``."""

    names: list[str]
    star: str | None
    classes: dict[str, str] = field(default_factory=dict)

    def at(self, how: int | str) -> str | None:
        """The parameter that an argument goes to, by its index or name."""
        if isinstance(how, str):
            return how if how in self.names else None
        return self.names[how] if how < len(self.names) else None


def _read_signature(function: Node) -> _Signature:
    # The signature is source again with a name before it and a body after it.
    definition: Any = ast.parse(f"def f{FunctionData.of(function).signature}: ...").body[0]
    args = definition.args
    own = [*args.posonlyargs, *args.args]
    if "." in function.name.rpartition("<locals>.")[2] and own and own[0].arg in ("self", "cls"):
        own = own[1:]
    own += args.kwonlyargs
    classes = {a.arg: a.annotation.id for a in own if isinstance(a.annotation, ast.Name)}
    return _Signature([a.arg for a in own], args.kwarg.arg if args.kwarg else None, classes)
