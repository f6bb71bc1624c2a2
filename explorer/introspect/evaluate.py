"""A safe evaluator of the data part of timm's source: what importing timm would compute, without running it.

It follows Python's own order: ``import`` statements execute the imported module's top level, statement by statement,
and calls of timm's helpers (``_cfg(url=..., **kwargs)``) execute their bodies. Only data is computed with: constants,
containers, and the pure methods and builtins listed here. Everything else, torch above all, is :data:`UNKNOWN`; what
happens under a condition that is not known makes what it touches unknown as well. Nothing of timm is imported and no
``eval`` is used.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from explorer.introspect.operations import bind, copied, merge_into, taint
from explorer.introspect.parse import Module
from explorer.introspect.pure import EXTERNALS, call_python
from explorer.introspect.statements import Broken, Continued, Frame, Returned
from explorer.introspect.values import (
    REST,
    UNKNOWN,
    ClassValue,
    Environment,
    ExternalValue,
    FunctionValue,
    GiveUp,
    ModuleValue,
    PartialValue,
    RecordValue,
    Value,
)

Intrinsic = Callable[[list[Value], dict[str, Value]], Value]
"""What stands in for a function of timm: called with evaluated arguments."""

_STEPS_PER_STATEMENT = 1_000_000
_MAX_DEPTH = 60


class Evaluator:
    """Executes modules' top levels.

    Args:
        modules: parsed modules by dotted name.
        intrinsics: stand-ins for functions of timm, by ``module:qualname``.
        package: the dotted root; names outside it are external.
    """

    def __init__(self, modules: Mapping[str, Module], intrinsics: Mapping[str, Intrinsic], package: str) -> None:
        self._modules = modules
        self._intrinsics = intrinsics
        self._package = package
        self._environments: dict[str, Environment] = {}
        self._dataclasses: dict[ClassValue, dict[str, Value] | None] = {}
        self._uncertain = 0
        self._depth = 0
        self._steps = 0

    def execute(self, module: str) -> Environment:
        """Execute a module's top level once, its parent packages first; return its names, possibly still growing."""
        done = self._environments.get(module)
        if done is not None:
            return done
        parent, _, name = module.rpartition(".")
        if parent:
            self.execute(parent)
            if module in self._environments:
                return self._environments[module]
        environment = self._environments[module] = Environment({"__name__": module})
        steps, depth, uncertain = self._steps, self._depth, self._uncertain
        frame = Frame(self, module, environment)
        for statement in self._modules[module].tree.body:
            self._steps, self._depth, self._uncertain = _STEPS_PER_STATEMENT, 0, 0
            try:
                frame.run(statement)
            except (GiveUp, Returned, Broken, Continued, RecursionError, MemoryError):
                frame.give_up(statement)
        self._steps, self._depth, self._uncertain = steps, depth, uncertain
        if parent:
            self._environments[parent].names.setdefault(name, ModuleValue(module))
        return environment

    def environment(self, module: str) -> Environment | None:
        """The names of a module that was executed."""
        return self._environments.get(module)

    def forget(self) -> None:
        """Let go of all that was evaluated.

        Functions and the names they close over hold each other, and with them every syntax tree: left to the garbage
        collector, freeing them would take as long as parsing half of timm.
        """
        for environment in self._environments.values():
            environment.names.clear()
        self._modules, self._intrinsics = {}, {}

    def is_internal(self, module: str) -> bool:
        """Whether the module belongs to the package evaluated."""
        return module == self._package or module.startswith(self._package + ".")

    def has_module(self, module: str) -> bool:
        """Whether the module was parsed."""
        return module in self._modules

    def is_package(self, module: str) -> bool:
        """Whether the module is a package."""
        return self._modules[module].is_package

    def attribute(self, module: str, name: str) -> Value:
        """What ``from module import name`` binds."""
        if not self.is_internal(module):
            return ExternalValue(f"{module}.{name}")
        if not self.has_module(module):
            return UNKNOWN
        names = self.execute(module).names
        if name in names:
            return names[name]
        if self.has_module(f"{module}.{name}"):
            self.execute(f"{module}.{name}")
            return ModuleValue(f"{module}.{name}")
        return UNKNOWN

    @contextmanager
    def uncertain(self) -> Iterator[None]:
        """Everything executed inside may not happen."""
        self._uncertain += 1
        try:
            yield
        finally:
            self._uncertain -= 1

    @property
    def is_uncertain(self) -> bool:
        """Whether what is executed now may not happen at all."""
        return self._uncertain > 0

    def step(self) -> None:
        """Count a step of work; give up on evaluations that do not end."""
        self._steps -= 1
        if self._steps < 0:
            raise GiveUp

    # calls

    def call(self, function: Value, args: list[Value], keywords: dict[str, Value]) -> Value:
        """Call a value; what cannot be followed is unknown."""
        match function:
            case FunctionValue():
                intrinsic = self._intrinsics.get(f"{function.module}:{function.qualname}")
                if intrinsic is not None:
                    return _stood_in(intrinsic, args, keywords)
                return self._call_function(function, args, keywords)
            case ClassValue():
                return self._construct(function, args, keywords)
            case PartialValue():
                return self.call(function.function, [*function.args, *args], {**function.keywords, **keywords})
            case ExternalValue(name="functools.partial") if args:
                return PartialValue(args[0], tuple(args[1:]), keywords)
            case ExternalValue(name="dataclasses.replace") if args and isinstance(args[0], RecordValue):
                return RecordValue(args[0].cls, _replaced(args[0].fields, keywords))
            case ExternalValue(name="dataclasses.asdict") if args and isinstance(args[0], RecordValue):
                return dict(args[0].fields)
            case ExternalValue() if function.name in EXTERNALS:
                return call_python(EXTERNALS[function.name], args, keywords)
        taint([*args, *keywords.values()])
        return UNKNOWN

    def _call_function(self, function: FunctionValue, args: list[Value], keywords: dict[str, Value]) -> Value:
        node = function.node
        self._depth += 1
        depth = self._depth
        if depth > _MAX_DEPTH:
            raise GiveUp
        environment = Environment(bind(node.args, function.defaults, args, keywords), function.closure)
        frame = Frame(self, function.module, environment, function.qualname)
        try:
            if isinstance(node, ast.Lambda):
                return frame.value(node.body)
            if isinstance(node, ast.AsyncFunctionDef) or node.decorator_list:
                taint([*args, *keywords.values()])
                return UNKNOWN
            frame.run_all(node.body)
        except Returned as returned:
            return UNKNOWN if frame.may_have_returned else returned.value
        finally:
            self._depth = depth - 1
        return UNKNOWN if frame.is_generator or frame.may_have_returned else None

    def _construct(self, cls: ClassValue, args: list[Value], keywords: dict[str, Value]) -> Value:
        """An instance of a dataclass without bases; any other class is not followed."""
        if cls not in self._dataclasses:
            self._dataclasses[cls] = self._dataclass_fields(cls)
        fields = self._dataclasses[cls]
        if fields is None or len(args) > len(fields):
            taint([*args, *keywords.values()])
            return UNKNOWN
        given: dict[Any, Value] = {**dict(zip(fields, args, strict=False)), **keywords}
        if REST in given:
            del given[REST]
            fields = dict.fromkeys(fields, UNKNOWN)
        if not given.keys() <= fields.keys():
            raise GiveUp
        return RecordValue(cls, {k: given[k] if k in given else copied(v) for k, v in fields.items()})

    def _dataclass_fields(self, cls: ClassValue) -> dict[str, Value] | None:
        """Field defaults in order; a field without a default is unknown. ``None`` for what is no plain dataclass."""
        frame = Frame(self, cls.module, cls.closure)
        is_dataclass = any(
            frame.value(d.func if isinstance(d, ast.Call) else d) == ExternalValue("dataclasses.dataclass")
            for d in cls.node.decorator_list
        )
        if not is_dataclass or cls.node.bases:
            return None
        return {
            s.target.id: frame.value(s.value) if s.value else UNKNOWN
            for s in cls.node.body
            if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
        }


def _stood_in(intrinsic: Intrinsic, args: list[Value], keywords: dict[str, Value]) -> Value:
    """Call a stand-in; where it fails, so would timm's own function."""
    try:
        return intrinsic(args, keywords)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise GiveUp from error


def _replaced(fields: dict[str, Value], changes: dict[Any, Value]) -> dict[str, Value]:
    """Fields after ``replace(record, **changes)``."""
    result: dict[Any, Value] = dict(fields)
    merge_into(result, changes)
    result.pop(REST, None)
    return result
