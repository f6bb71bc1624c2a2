"""The calls of a whole timm, by following values: every model's creation in its own context, then everything else."""

import ast
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from explorer.graph.contexts import Contexts
from explorer.graph.instances import Instances, InstanceTable
from explorer.introspect.evaluator import bounds
from explorer.introspect.evaluator.holding import held_by
from explorer.introspect.evaluator.interface import Context
from explorer.introspect.evaluator.machine import Evaluator
from explorer.introspect.evaluator.values import (
    UNKNOWN,
    ClassValue,
    FunctionValue,
    InstanceValue,
    Value,
    external_id,
    join,
)
from explorer.introspect.registry import Architecture, Deprecation, Registry
from explorer.underway import tell

_RECURSION = 20_000
_PARTS = 4
_MANY = 200
"""Models from which on it pays to evaluate parts of them apart."""
_MAX_JOINED = 8
"""Instances of a class that stand for all when its methods are called with any."""


@dataclass(slots=True)
class CallEdge:
    """One function calls another, or something external.

    ``lines`` maps the lines of the calls to the local name that the callee goes by there, if any; ``through`` is the
    foreign code between the two, where it is always there.
    """

    lines: dict[int, str | None] = field(default_factory=dict)
    through: str | None = None


@dataclass(slots=True)
class CallGraph:
    """All calls by function, and in context; and what the instances are made of that models' creations give."""

    edges: dict[str, dict[str, CallEdge]] = field(default_factory=dict)
    """By caller and callee."""
    contexts: Contexts = field(default_factory=Contexts)
    instances: Instances = field(default_factory=Instances)


@dataclass(frozen=True, slots=True)
class KnownCalls:
    """Calls known from an earlier graph: of the models that these modules register, and of the modules' functions."""

    modules: frozenset[str]
    calls: CallGraph


def follow_calls(evaluator: Evaluator, registry: Registry, known: KnownCalls | None = None) -> CallGraph:
    """Evaluate ``create_model`` for every registered name, then every function with anything.

    A large registry is done in parts of whole families, by several processes where that is safe. What comes of it does
    not depend on how many there are.

    Args:
        evaluator: has executed the package that registers.
        registry: what was registered.
        known: what is known already and needs no evaluation.
    """
    evaluator.begin()
    parts = _parts(registry, evaluator.modules.keys(), known.modules if known else frozenset())
    total = sum(len(part.names) for part in parts)
    graphs = _in_processes(evaluator, parts, _Followed(total))
    if graphs is None:
        followed = _Followed(total)
        graphs = [_with_room(evaluator, part, followed.one_more) for part in parts]
    merged = _Folder()
    for graph in ([known.calls] if known else []) + graphs:
        merged.add(graph)
    return merged.graph


@dataclass(frozen=True, slots=True)
class _Part:
    """Names to create, and the modules whose functions to call with anything."""

    names: tuple[str, ...]
    modules: Set[str]
    entrypoints: frozenset[str]
    """They have no branches: where one was reached, calling it with anything shows nothing more."""


def _parts(registry: Registry, modules: Set[str], kept: frozenset[str]) -> list[_Part]:
    """Whole families to a part, so that what their models share is evaluated once; parts of about the same size."""
    families: dict[str, list[str]] = {}
    entries: list[Architecture | Deprecation] = [*registry.architectures.values(), *registry.deprecations.values()]
    for entry in entries:
        if entry.module not in kept:
            families.setdefault(entry.module, []).append(entry.name)
    count = _PARTS if sum(map(len, families.values())) >= _MANY else 1
    groups: list[list[str]] = [[] for _ in range(count)]
    for module in sorted(families, key=lambda m: (-len(families[m]), m)):
        min(groups, key=lambda group: sum(len(families[m]) for m in group)).append(module)
    entrypoints = frozenset(architecture.entrypoint for architecture in registry.architectures.values())
    names = [tuple(name for module in group for name in families[module]) for group in groups]
    called = [modules - kept.union(*groups[1:]), *map(frozenset, groups[1:])]
    return [_Part(*part, entrypoints) for part in zip(names, called, strict=True)]


class _Followed:
    """Counts the names of models whose creation has been followed, and tells of it.

    Args:
        total: how many there are.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def one_more(self) -> None:
        """One is done."""
        self._done += 1
        if self._done < self._total:
            tell("following calls", self._done, self._total, "names")
        else:
            tell("following the calls that no model makes")


def _in_processes(evaluator: Evaluator, parts: list[_Part], followed: _Followed) -> list[CallGraph] | None:
    """Evaluate the parts in forks of this process; ``None`` where there are none to be had, or one of them fails.

    A fork has the evaluator already; it could not be pickled. Forking a process of several threads is not safe.
    """
    count = min(len(parts), os.cpu_count() or 1)
    if count < 2 or sys.platform != "linux" or threading.active_count() > 1:
        return None
    from multiprocessing import connection, get_context  # half as long as all else that a warm command imports

    fork = get_context("fork")
    graphs: dict[int, CallGraph] = {}
    readers, forks = [], []
    try:
        pending = fork.SimpleQueue()
        for index in [*range(len(parts)), *[None] * count]:
            pending.put(index)
        for _ in range(count):
            reader, writer = fork.Pipe(duplex=False)
            forks.append(fork.Process(target=_evaluate_pending, args=(evaluator, parts, pending, writer), daemon=True))
            forks[-1].start()
            writer.close()  # so that the end of the fork is the end of what there is to read
            readers.append(reader)
        while readers:
            for ready in [reader for reader in connection.wait(readers) if isinstance(reader, connection.Connection)]:
                try:
                    received = ready.recv()
                except EOFError:
                    readers.remove(ready)
                    continue
                if received is None:
                    followed.one_more()
                else:
                    index, graph = received
                    graphs[index] = graph
    except OSError:
        return None
    finally:
        for process in forks:
            if readers:
                process.terminate()
            process.join()
    return [graphs[index] for index in range(len(parts))] if len(graphs) == len(parts) else None


def _evaluate_pending(evaluator: Evaluator, parts: list[_Part], pending: Any, writer: Any) -> None:
    """What a fork does: parts, as long as there are any left; ``None`` goes to the parent for each model."""
    try:
        while (index := pending.get()) is not None:
            graph = _with_room(evaluator, parts[index], partial(writer.send, None))
            writer.send((index, graph))
    except (Exception, KeyboardInterrupt):  # the parent meets it again, and tells it
        writer.close()


def _part(evaluator: Evaluator, part: _Part, one_more: Callable[[], None]) -> CallGraph:
    evaluator.begin()
    folder = _Folder()
    create = evaluator.attribute("timm.models", "create_model") if "timm.models" in evaluator.modules else UNKNOWN
    if isinstance(create, FunctionValue):
        for name in part.names:
            root, made = _called(evaluator, create, [name], bounds.STEPS_PER_MODEL)
            if root is not None:
                folder.graph.contexts.models[name] = folder.fold(root)
            if held := held_by(evaluator.objects, made):
                folder.instances.add(name, held)
            one_more()
    for context in _with_anything(evaluator, part):
        folder.graph.contexts.others[context.function] = folder.fold(context)
    return folder.graph


def _called(
    evaluator: Evaluator, function: FunctionValue, args: list[Value], *limits: int
) -> tuple[Context | None, Value]:
    """The context of one call, made from outside, and what comes of it."""
    outside = evaluator.state.context = Context("")
    made: Value = UNKNOWN
    try:
        with evaluator.state.budget(*limits):
            made = evaluator.call(function, args, {})
    except Exception:
        pass  # whatever it ended in, what was found until then stands, and the rest is not known
    finally:
        evaluator.state.context = None
        evaluator.state.settle()
    return next((callee for callee, _ in outside.calls if isinstance(callee, Context)), None), made


def _with_anything(evaluator: Evaluator, part: _Part) -> Iterator[Context]:
    """Contexts of all functions called with anything, for the branches that no model's creation takes.

    Those that one reaches show their own calls alone: what these do then is known.
    """
    reached = set(evaluator.evaluated)
    called: set[ast.AST] = set()
    for function in evaluator.state.functions:  # grows meanwhile, by what is defined inside others
        node = function.node
        if node in called or function.module not in part.modules:
            continue
        if node in reached and f"{function.module}:{function.qualname}" in part.entrypoints:
            continue
        called.add(node)
        limits = (
            bounds.STEPS_PER_FUNCTION,
            1 if node in reached else bounds.DEPTH_FROM_ANYTHING,
            bounds.ROUNDS_WITH_ANYTHING,
        )
        try:
            args = _anything(evaluator, function)
        except Exception:
            continue  # what instances there may be is past all bounds
        context, _ = _called(evaluator, function, args, *limits)
        if context is not None:
            yield context


def _anything(evaluator: Evaluator, function: FunctionValue) -> list[Value]:
    """Arguments that may be anything, defaults among it; a method gets an instance of its class."""
    args: list[Value] = []
    parameters = function.node.args
    for parameter in (*parameters.posonlyargs, *parameters.args):
        default = function.defaults.get(parameter.arg, UNKNOWN)
        args.append(default if default is UNKNOWN else join([default, UNKNOWN]))
    decorators = {getattr(decorator, "id", None) for decorator in getattr(function.node, "decorator_list", [])}
    if args and function.owner is not None and "staticmethod" not in decorators:
        args[0] = function.owner if "classmethod" in decorators else _any_instance(evaluator, function.owner)
    return args


def _any_instance(evaluator: Evaluator, cls: ClassValue) -> Value:
    """An instance that may be any of those made of the class, or of the classes that inherit from it."""
    known = list(evaluator.objects.instances.get(cls, {}).values())
    if not known:
        known = [
            instance
            for other, instances in evaluator.objects.instances.items()
            if cls in evaluator.objects.mro(other)
            for instance in instances.values()
        ]
    if not known:
        return InstanceValue(cls)
    if len(known) == 1:
        return known[0]
    known = known[:: max(1, len(known) // _MAX_JOINED)]
    names = dict.fromkeys(name for instance in known for name in instance.fields)
    fields = {name: join(i.fields[name] for i in known if name in i.fields) for name in names}
    return InstanceValue(known[0].cls, fields, known[0].items)


class _Folder:
    """Folds contexts into numbered rows, one for all that call the same, and into edges."""

    def __init__(self) -> None:
        self.instances = InstanceTable()
        self.graph = CallGraph(instances=self.instances.instances)
        self._ids: dict[str, int] = {}
        self._rows: dict[tuple[Any, ...], int] = {}
        self._numbers: dict[Context | str, int] = {}

    def fold(self, root: Context) -> int:
        """The number of a context; those it leads to come before it. A recursive call ends where it recurs."""
        numbers = self._numbers
        busy = {root}
        stack: list[tuple[Context, Iterator[tuple[Context | str, str | None]]]] = [(root, iter([*root.calls]))]
        while stack:
            context, callees = stack[-1]
            for callee, _ in callees:
                if isinstance(callee, Context) and callee not in numbers and callee not in busy:
                    busy.add(callee)
                    stack.append((callee, iter([*callee.calls])))
                    break
            else:
                stack.pop()
                numbers[context] = self._number(context)
                context.calls.clear()
        return numbers[root]

    def add(self, other: CallGraph) -> None:
        """Take over another graph, its contexts renumbered."""
        contexts = other.contexts
        numbers: list[int] = []
        for context, (direct, indirect) in enumerate(zip(contexts.direct, contexts.through, strict=True)):
            name = contexts.function(context)
            numbers.append(self._row(name, [numbers[n] for n in direct], [numbers[n] for n in indirect]))
        self.graph.contexts.models.update((name, numbers[number]) for name, number in contexts.models.items())
        self.graph.contexts.others.update((name, numbers[number]) for name, number in contexts.others.items())
        for model in other.instances.models:
            if held := other.instances.of(model):
                self.instances.add(model, held)
        for caller, callees in other.edges.items():
            edges = self.graph.edges.setdefault(caller, {})
            for callee, call in callees.items():
                edge = edges.setdefault(callee, CallEdge(through=call.through))
                edge.through = edge.through and call.through
                edge.lines.update(call.lines)

    def _number(self, context: Context) -> int:
        direct: dict[int, None] = {}
        indirect: dict[int, None] = {}
        edges = self.graph.edges.setdefault(context.function, {})
        for (callee, through), lines in context.calls.items():
            name = callee.function if isinstance(callee, Context) else external_id(callee)
            number = self._numbers.get(callee)
            if number is None:  # external, or it is being folded: the call goes back to where it came from
                number = self._row(name, (), ())
            (direct if through is None else indirect)[number] = None
            if isinstance(callee, Context) and callee.is_lambda and name == context.function:
                continue
            edge = edges.setdefault(name, CallEdge(through=through))
            edge.through = edge.through and through
            edge.lines.update(lines)
        return self._row(context.function, direct, indirect)

    def _row(self, function: str, direct: Iterable[int], indirect: Iterable[int]) -> int:
        contexts = self.graph.contexts
        index = self._ids.get(function)
        if index is None:
            index = self._ids[function] = len(contexts.ids)
            contexts.ids.append(function)
        key = (index, tuple(sorted(direct)), tuple(sorted(indirect)))
        number = self._rows.get(key)
        if number is None:
            number = self._rows[key] = contexts.add(index, list(key[1]), list(key[2]))
        return number


def _with_room(evaluator: Evaluator, part: _Part, one_more: Callable[[], None]) -> CallGraph:
    """Evaluate a part, which recurses deeply."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        return _part(evaluator, part, one_more)
    finally:
        sys.setrecursionlimit(before)


# CPython keeps the frames of Python functions in chunks of 16 KiB that it maps and unmaps as calls cross their ends,
# which here costs a third of the time. A frame that claims a large stack gets a chunk in which all others fit.
_part.__code__ = _part.__code__.replace(co_stacksize=140_000)
