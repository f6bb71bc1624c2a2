"""A safe evaluator of timm's source: what importing and calling timm would compute, without running it.

It follows Python's own order: ``import`` statements execute the imported module's top level, statement by statement,
and calls of timm's functions and classes execute their bodies. Constants, containers, functions, classes and instances
are followed as values; what the source does not settle is :data:`UNKNOWN`, or a :class:`Choice` where an unknown
condition decides between several. Nothing of timm is imported and no ``eval`` is used.

A function is evaluated once for every set of arguments that can be told apart (the *value contexts* of Padhye and
Khedker, 2013); :class:`Context` says what it called there. Contexts that lead to contexts are the call graph.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from explorer.introspect.evaluator import externals, python_library, torch_modules
from explorer.introspect.evaluator.objects import Objects
from explorer.introspect.evaluator.operations import Signature, bind, copied, copy_of, taint
from explorer.introspect.evaluator.statements import Frame
from explorer.introspect.evaluator.values import (
    UNKNOWN,
    Choice,
    ClassValue,
    DescriptorValue,
    Environment,
    ExternalValue,
    FunctionValue,
    GiveUp,
    InstanceValue,
    MemberValue,
    MethodValue,
    ModuleValue,
    OutOfSteps,
    PartialValue,
    Value,
    has_sizes,
    join,
    key_of,
    shape_key_of,
)
from explorer.introspect.reading.parse import Module

Intrinsic = Callable[[list[Value], dict[str, Value]], Value]
"""What stands in for a function of timm: called with evaluated arguments. Where it returns ``NotImplemented``, the
function is evaluated after it."""

_STEPS_PER_STATEMENT = 100_000
_CHANGEABLE = (dict, list, set, InstanceValue)
_MAX_DEPTH = 60
_MAX_ROUNDS = 512
_MAX_MISSES = 40
"""A function called so often in a row, never in the same way, is no longer remembered."""
_RECALLS_WORTH = 400
"""How many more such calls one remembered call is worth."""


@dataclass(eq=False, slots=True)
class Context:
    """One function with one set of arguments, and what it calls then.

    ``calls`` maps the callee (a context, or the dotted name of something external) and the foreign code that lies
    between, if any, to the lines of the calls, each with the local name that the callee goes by there, if any.
    """

    function: str
    """``module:qualname``; a lambda or comprehension belongs to the function around it."""
    is_lambda: bool = False
    calls: "dict[tuple[Context | str, str | None], dict[int, str | None]]" = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    """An evaluation of a function, while it lasts and after."""

    context: Context
    instance: InstanceValue | None = None
    made: InstanceValue | None = None
    """A copy of the instance as its ``__init__`` left it."""
    result: Value = UNKNOWN
    is_done: bool = False

    def remembered(self) -> Value:
        """The result once more; where the instance made was changed since, a new one made in the same way."""
        if self.instance is None:
            return copied(self.result)
        if self.made is not None and self.instance.version != self.made.version:
            self.instance, self.made = self.made, copy_of(self.made)
        return self.instance


class Evaluator(Objects):
    """Executes modules' top levels, and calls what they define.

    Args:
        modules: parsed modules by dotted name.
        intrinsics: stand-ins for functions of timm, by ``module:qualname``.
        packages: the dotted roots; names outside them are external.
    """

    def __init__(self, modules: Mapping[str, Module], intrinsics: Mapping[str, Intrinsic], *packages: str) -> None:
        super().__init__()
        self._modules = modules
        self._intrinsics = intrinsics
        self._packages = packages
        self._stood_in = {name.partition(":")[0] for name in intrinsics}
        """Modules that an intrinsic stands in for a function of."""
        self._environments: dict[str, Environment] = {}
        self._runs: dict[Any, _Run] = {}
        self._exact: set[ast.AST] = set()
        """Functions that return numbers: what they return depends on every number they are given."""
        self._misses: dict[ast.AST, int] = {}
        self._signatures: dict[ast.AST, Signature] = {}
        self._names: dict[ast.expr, list[str]] = {}
        self._depth = 0
        self.max_depth = _MAX_DEPTH
        """How deep calls are followed."""
        self.max_rounds = _MAX_ROUNDS
        """How many items of a loop are looked at one by one."""
        self._steps = 0
        self.context: Context | None = None
        self.called_as: str | None = None
        """The local name by which the function evaluated now calls another, for :meth:`record`."""
        self.uncertain = 0
        """How many unknown conditions stand around what is executed now."""
        self.young: dict[int, tuple[Value, int]] = {}
        """Containers made under unknown conditions: how many there were then."""
        self.functions: list[FunctionValue] = []
        """Functions defined so far, methods and nested ones included."""
        self.classes: list[ClassValue] = []
        """Classes defined so far."""
        self._defined = 0
        self.frozen: dict[int, Value] = {}
        """Containers and instances that modules bind, once these are not to change any more."""
        self.evaluated: set[ast.AST] = set()
        """Syntax nodes of the functions that were evaluated at least once."""
        self.builtins = python_library.BUILTIN_NAMES

    # modules

    def execute(self, module: str) -> Environment:
        """Execute a module's top level once, its parent packages first; return its names, possibly still growing."""
        done = self._environments.get(module)
        if done is not None:
            return done
        parent, _, name = module.rpartition(".")
        if parent in self._modules:
            self.execute(parent)
            if module in self._environments:
                return self._environments[module]
        environment = self._environments[module] = Environment({"__name__": module})
        state = self._steps, self._depth, self.uncertain, self.context
        self.context = None
        frame = Frame(self, module, environment)
        for statement in self._modules[module].tree.body:
            self._steps, self._depth, self.uncertain = _STEPS_PER_STATEMENT, 0, 0
            try:
                frame.run(statement)
            except (GiveUp, RecursionError, MemoryError):
                frame.give_up(statement)
        self._steps, self._depth, self.uncertain, self.context = state
        if parent in self._environments:
            self._environments[parent].names.setdefault(name, ModuleValue(module))
        return environment

    def execute_all(self) -> None:
        """Execute every module, those too that nothing imports."""
        for module in self._modules:
            self.execute(module)

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
        self._runs.clear()
        self._exact.clear()
        self._misses.clear()
        self._signatures.clear()
        self._names.clear()
        self.young.clear()
        self.evaluated.clear()
        self.frozen.clear()
        self.functions.clear()
        self.classes.clear()
        self.forget_objects()
        self._modules, self._intrinsics = {}, {}

    def is_internal(self, module: str) -> bool:
        """Whether the module belongs to the packages evaluated."""
        return module.partition(".")[0] in self._packages

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

    # certainty and work

    @contextmanager
    def maybe(self) -> Iterator[None]:
        """Everything executed inside may not happen."""
        self.uncertain += 1
        try:
            yield
        finally:
            self.uncertain -= 1

    def is_weak(self, owner: Value) -> bool:
        """Whether a change of this object, made now, may not happen at all."""
        if not self.uncertain:
            return False
        entry = self.young.get(id(owner))
        return self.uncertain > (entry[1] if entry else 0)

    def step(self) -> None:
        """Count a step of work.

        Raises:
            OutOfSteps: the evaluation does not end.
        """
        self._steps -= 1
        if self._steps < 0:
            raise OutOfSteps

    def settle(self) -> None:
        """Forget how uncertain the last evaluation was, however it ended."""
        self._depth = self.uncertain = 0
        self.young.clear()

    def begin(self) -> None:
        """Forget what was evaluated so far, and hold what modules bind as it is: nothing that follows changes it."""
        if not self.frozen:
            self.execute_all()
            for cls in self.classes:
                self.namespace(cls)
            self._freeze()
            self._defined = len(self.functions)
        del self.functions[self._defined :]
        self._runs.clear()
        self._exact.clear()
        self._misses.clear()
        self.evaluated.clear()
        self.instances.clear()

    def _freeze(self) -> None:
        scopes = [environment.names for environment in self._environments.values()]
        scopes += [cls.namespace for cls in self.classes if cls.namespace]
        scopes += [function.defaults for function in self.functions]
        pending = [value for names in scopes for value in names.values()]
        while pending:
            value = pending.pop()
            inner = value.fields if value.__class__ is InstanceValue else value
            if value.__class__ in _CHANGEABLE and id(value) not in self.frozen:
                self.frozen[id(value)] = value
                pending += inner.values() if isinstance(inner, dict) else inner

    @contextmanager
    def bounded(self, depth: int, rounds: int) -> Iterator[None]:
        """Follow calls this deep, and loops for so many rounds, in what is executed inside."""
        before = self.max_depth, self.max_rounds
        self.max_depth, self.max_rounds = depth, rounds
        try:
            yield
        finally:
            self.max_depth, self.max_rounds = before

    @contextmanager
    def budget(self, steps: int) -> Iterator[None]:
        """Allow this much work for what is executed inside."""
        before = self._steps
        self._steps = steps
        try:
            yield
        finally:
            self._steps = before

    def names_in(self, test: ast.expr) -> list[str]:
        """The names a test looks at."""
        names = self._names.get(test)
        if names is None:
            found = dict.fromkeys(n.id for n in ast.walk(test) if isinstance(n, ast.Name))
            names = self._names[test] = list(found)
        return names

    # calls

    def call(
        self,
        function: Value,
        args: list[Value],
        keywords: dict[Any, Value],
        line: int = 0,
        through: str | None = None,
    ) -> Value:
        """Call a value; what cannot be followed is unknown.

        Args:
            function: what is called.
            args: positional arguments; :data:`REST` among them stands for any number of those after it.
            keywords: keyword arguments; :data:`REST` among them for any others.
            line: where the call stands.
            through: the foreign code that makes the call, when it is not the function evaluated now.

        Raises:
            GiveUp: Python would raise.
        """
        kind = function.__class__
        if kind is FunctionValue:
            return self.call_function(function, args, keywords, line, through)
        if kind is MethodValue:
            return self.call_function(function.function, [function.owner, *args], keywords, line, through)
        if kind is ExternalValue:
            return externals.call(self, function, args, keywords, line)
        if kind is ClassValue:
            return self.construct(function, args, keywords, line, through)
        if kind is PartialValue:
            given = {**function.keywords, **keywords}
            return self.call(function.function, [*function.args, *args], given, line, through)
        if kind is MemberValue:
            return torch_modules.call_member(self, function, args, keywords, line)
        if kind is InstanceValue:
            return self.call_instance(function, args, keywords, line, through)
        if kind is DescriptorValue:
            return self.call(function.function, args, keywords, line, through)
        if kind is Choice:
            return self._call_any(function, args, keywords, line, through)
        taint([*args, *keywords.values()])
        return UNKNOWN

    def _call_any(
        self, choice: Choice, args: list[Value], keywords: dict[Any, Value], line: int, through: str | None
    ) -> Value:
        results: list[Value] = []
        name = self.called_as
        with self.maybe():
            for option in choice.options:
                self.called_as = name
                try:
                    results.append(self.call(option, args, keywords, line, through))
                except OutOfSteps:
                    raise
                except GiveUp:
                    continue
        return join(results)

    def call_function(
        self,
        function: FunctionValue,
        args: list[Value],
        keywords: dict[Any, Value],
        line: int,
        through: str | None = None,
        instance: InstanceValue | None = None,
    ) -> Value:
        """Evaluate a function with these arguments, or remember what it did with the same ones.

        With ``instance`` it is the ``__init__`` of that new instance, ``args[0]``; the result is the instance, or an
        earlier one that was made in the same way.
        """
        if function.module in self._stood_in:
            intrinsic = self._intrinsics.get(f"{function.module}:{function.qualname}")
            answer = _stood_in(intrinsic, args, keywords) if intrinsic else NotImplemented
            if answer is not NotImplemented:
                return answer
        exact = function.node in self._exact
        misses = self._misses.get(function.node, 0)
        key = None if misses > _MAX_MISSES else self._key(function, args, keywords, instance, exact)
        run = None if key is None else self._runs.get(key)
        through = through or function.through
        if run is not None:
            self._misses[function.node] = -_RECALLS_WORTH
            self.record(run.context, line, through)
            if not run.is_done:
                return UNKNOWN if instance is None else run.instance
            return run.remembered()
        is_lambda = function.node.__class__ is ast.Lambda
        qualname = _folded(function.qualname) if is_lambda else function.qualname
        run = _Run(Context(f"{function.module}:{qualname}", is_lambda), instance)
        self.record(run.context, line, through)
        if self._depth >= self.max_depth:
            return UNKNOWN if instance is None else instance
        if key is not None:
            self._runs[key] = run
            self._misses[function.node] = misses + 1
        self._depth += 1
        uncertain, context = self.uncertain, self.context
        self.context = run.context
        self.step()
        try:
            result = self._evaluate(function, args, keywords)
        except OutOfSteps:
            raise
        except GiveUp:
            if instance is None and not self.context.calls:
                raise
            result = UNKNOWN
        finally:
            self._depth -= 1
            self.uncertain, self.context = uncertain, context
            run.is_done = True
        run.result = result if instance is None else instance
        run.made = None if instance is None else copy_of(instance)
        if key is not None:
            self._keep(key, exact, function, args, keywords, run)
        return copied(run.result)

    def _key(
        self,
        function: FunctionValue,
        args: list[Value],
        keywords: dict[Any, Value],
        instance: InstanceValue | None,
        exact: bool,
    ) -> Any:
        """What tells this call from others of the function: all arguments, or all but the sizes among them."""
        made = None if instance is None else instance.cls
        if made:
            args = args[1:]
        if exact:
            given: list[Any] = [key_of(a) for a in args]
            named = [(name, key_of(value)) for name, value in keywords.items()]
        else:
            sizes: dict[int, int] = {}
            given = [shape_key_of(a, sizes) for a in args]
            named = [(name, shape_key_of(value, sizes)) for name, value in keywords.items()]
        return function.node, function.closure, made, *given, *named

    def _keep(
        self,
        key: Any,
        exact: bool,
        function: FunctionValue,
        args: list[Value],
        keywords: dict[Any, Value],
        run: _Run,
    ) -> None:
        """Remember a run for calls like it, unless it changed its arguments.

        One run stands for calls that differ only in sizes, as long as no number comes back to compute with.
        """
        if not exact and run.instance is None and has_sizes(run.result):
            del self._runs[key]
            self._exact.add(function.node)
            key = self._key(function, args, keywords, run.instance, True)
            self._runs[key] = run
            exact = True
        for value in (*args, *keywords.values()):
            if isinstance(value, (list, dict, set)):
                if self._key(function, args, keywords, run.instance, exact) != key:
                    del self._runs[key]
                return

    def _evaluate(self, function: FunctionValue, args: list[Value], keywords: dict[Any, Value]) -> Value:
        node = function.node
        self.evaluated.add(node)
        signature = self._signatures.get(node)
        if signature is None:
            signature = self._signatures[node] = Signature.of(node.args)
        names = bind(signature, function.defaults, args, keywords)
        if self.uncertain:
            for extra in (signature.vararg, signature.kwarg):
                if extra:
                    self.young[id(names[extra])] = (names[extra], self.uncertain)
        frame = Frame(self, function.module, Environment(names, function.closure), function, function.qualname)
        if isinstance(node, ast.Lambda):
            result = frame.value(node.body)
        else:
            left = frame.run_all(node.body)
            result = join(frame.returns if left else [*frame.returns, None])
        if frame.yields is not None:
            return InstanceValue(ExternalValue("types.GeneratorType"), items=frame.yields)
        return UNKNOWN if isinstance(node, ast.AsyncFunctionDef) else result

    def record(self, callee: Context | str, line: int, through: str | None = None) -> None:
        """Note that the function evaluated now makes this call."""
        if self.context is not None:
            self.context.calls.setdefault((callee, through), {})[line] = self.called_as
        self.called_as = None


def _stood_in(intrinsic: Intrinsic, args: list[Value], keywords: dict[str, Value]) -> Value:
    """Call a stand-in; where it fails, so would timm's own function."""
    try:
        return intrinsic(args, keywords)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise GiveUp from error


def _folded(qualname: str) -> str:
    """The qualname of the function that a lambda stands in."""
    while qualname.endswith("<lambda>"):
        qualname = qualname.removesuffix("<lambda>").removesuffix(".").removesuffix(".<locals>")
    return qualname or "<module>"
