"""Executing the statements of timm's source, on every branch that an unknown condition leaves open."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from explorer.introspect.evaluator.bounds import GiveUp, OutOfSteps
from explorer.introspect.evaluator.expressions import Expressions, Source
from explorer.introspect.evaluator.operations import has_rest, is_hashable, item_of, same, taint, truth_of
from explorer.introspect.evaluator.operators import binary, compare
from explorer.introspect.evaluator.values import (
    ATOMS,
    DEFINITIONS,
    UNKNOWN,
    Choice,
    ClassValue,
    DescriptorValue,
    Environment,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    ModuleValue,
    Names,
    PartialValue,
    Unknown,
    Value,
    is_known,
    join,
    key_of,
    options_of,
)
from explorer.introspect.reading.parse import Import, import_bindings


@dataclass(slots=True)
class _Loop:
    """Names at the places where a loop's body was left."""

    breaks: list[Names] = field(default_factory=list)
    continues: list[Names] = field(default_factory=list)


class Activation(Expressions):
    """Executes statements in one environment.

    ``returns`` collects what the function may return. A statement that certainly leaves the block it stands in
    returns ``True`` to the one that runs it.
    """

    def __init__(
        self,
        source: Source,
        module: str,
        environment: Environment,
        function: FunctionValue | None = None,
        qualname: str = "",
    ) -> None:
        Expressions.__init__(self, source, module, environment, function, qualname)
        self.returns: list[Value] = []
        self.loop: _Loop | None = None
        self.trying = 0

    def run(self, node: ast.stmt) -> bool:
        """Execute one statement; whether it leaves. One that fails makes unknown all that it touches."""
        execute = _EXECUTE.get(node.__class__)
        if execute is None:
            self.forget(node)
            return False
        try:
            return execute(self, node) is True
        except OutOfSteps:
            raise
        except GiveUp:
            if self.trying:
                raise
            self.give_up(node)
            return False

    def give_up(self, node: ast.stmt) -> None:
        """Make unknown all that a statement binds, and every container it names, as it may have been changed."""
        for child in ast.walk(node):
            if isinstance(child, ast.Name):
                taint([self._lookup(child.id)])
        self.forget(node)

    def run_all(self, body: list[ast.stmt]) -> bool:
        """Execute statements in order, as far as they do not leave; whether one did."""
        run = self.run
        for statement in body:  # noqa: SIM110 -- any() over a generator takes half as long again
            if run(statement):
                return True
        return False

    def _run_expr(self, node: ast.Expr) -> None:
        if node.value.__class__ is not ast.Constant:
            self.value(node.value)

    def _run_pass(self, node: ast.Pass) -> None:
        pass

    def _run_assert(self, node: ast.Assert) -> None:
        self.value(node.test)

    def _run_global(self, node: ast.Global) -> None:
        self.outer_names = {*(self.outer_names or ()), *node.names}

    def _run_nonlocal(self, node: ast.Nonlocal) -> None:
        self.outer_names = {*(self.outer_names or ()), *node.names}

    def _run_return(self, node: ast.Return) -> bool:
        self.returns.append(self.value(node.value) if node.value else None)
        return True

    def _run_raise(self, node: ast.Raise) -> bool:
        if node.exc is not None:
            self.value(node.exc)
        if self.trying:
            raise GiveUp
        return True

    def _run_break(self, node: ast.Break) -> bool:
        if self.loop:
            self.loop.breaks.append(dict(self.environment.names))
        return True

    def _run_continue(self, node: ast.Continue) -> bool:
        if self.loop:
            self.loop.continues.append(dict(self.environment.names))
        return True

    def _run_assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            if target.__class__ is ast.Name and not self.outer_names:
                self.environment.names[target.id] = value
            else:
                self.assign(target, value)

    def _run_ann_assign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.value(node.value))

    def _run_aug_assign(self, node: ast.AugAssign) -> None:
        target = node.target
        if isinstance(target, ast.Name):
            old = self._lookup(target.id)
        elif isinstance(target, ast.Subscript):
            old = item_of(self.value(target.value), self.value(target.slice))
        else:
            old = self.objects.get_attribute(self.value(target.value), target.attr, node.lineno)
        new = self.value(node.value)
        if isinstance(old, list) and isinstance(node.op, ast.Add):
            self.call_member(old, "extend", [new], {})
        elif isinstance(old, (dict, set)):
            taint([old])
        else:
            self.assign(target, binary(node.op, old, new))

    def _run_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.environment.names.pop(target.id, None)
            elif isinstance(target, ast.Subscript):
                owner, key = self.value(target.value), self.value(target.slice)
                self.objects.call_special(owner, "__delitem__", [key], target.lineno)
                is_settled = isinstance(owner, dict) and is_hashable(key) and key in owner
                if isinstance(owner, dict) and is_settled and not self.state.is_weak(owner):
                    del owner[key]
                else:
                    taint([owner])

    def _run_if(self, node: ast.If) -> bool:
        truth, when_true, when_false = self.condition(node.test)
        if truth is not None:
            return self.run_all(node.body if truth else node.orelse)
        return self._branches([(node.body, when_true), (node.orelse, when_false)])

    def _run_try(self, node: ast.Try) -> bool:
        """The body is taken to succeed unless it certainly fails; what handlers do may happen as well."""
        names = self.environment.names
        before = dict(names)
        self.trying += 1
        failed = left = False
        try:
            left = self.run_all(node.body)
        except OutOfSteps:
            raise
        except GiveUp:
            failed = True
        finally:
            self.trying -= 1
        if failed:
            for statement in node.body:
                self.give_up(statement)
        after = self.environment.names
        outcomes = [] if failed or left else [after]
        self.state.uncertain += 1
        for handler in node.handlers:
            self.environment.names = {**before} if not failed else {**before, **after}
            if handler.name:
                self.environment.names[handler.name] = UNKNOWN
            if not self.run_all(handler.body):
                outcomes.append(self.environment.names)
        self.state.uncertain -= 1
        if not outcomes:
            self.environment.names = after
            return self.run_all(node.finalbody) or left or bool(node.handlers)
        self.environment.names = _merged(outcomes, first_succeeds=not failed and not left)
        if not failed and not left and self.run_all(node.orelse):
            return True
        return self.run_all(node.finalbody)

    _run_try_star = _run_try

    def _run_with(self, node: ast.With | ast.AsyncWith) -> bool:
        enter, leave = ("__enter__", "__exit__") if isinstance(node, ast.With) else ("__aenter__", "__aexit__")
        entered = []
        for item in node.items:
            manager = self.value(item.context_expr)
            line = item.context_expr.lineno
            value = self.objects.call_special(manager, enter, [], line)
            entered.append((manager, line))
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        left = self.run_all(node.body)
        for manager, line in reversed(entered):
            self.objects.call_special(manager, leave, [None, None, None], line)
        return left

    def _run_for(self, node: ast.For) -> bool:
        value = self.value(node.iter)
        items = self.iterated(value, node.iter.lineno)
        if items is None or len(items) > self.state.max_rounds:
            item = self.objects.possible_item(value, node.iter.lineno)
            return self._unknown_loop(node, lambda: self.assign(node.target, item))
        pending = iter(items)

        def advance() -> bool | None:
            for item in pending:
                self.assign(node.target, item)
                return True
            return False

        return self._loop(node, advance)

    def _run_while(self, node: ast.While) -> bool:
        rounds = iter(range(self.state.max_rounds))

        def advance() -> bool | None:
            truth = truth_of(self.value(node.test))
            return None if truth and next(rounds, None) is None else truth

        return self._loop(node, advance)

    def _loop(self, node: ast.For | ast.While, advance: Callable[[], bool | None]) -> bool:
        """Run the body as long as ``advance`` says so; once it cannot tell, as a loop of unknown length."""
        outer, loop = self.loop, _Loop()
        uncertain, returned = self.state.uncertain, len(self.returns)
        ended = False
        self.loop = loop
        try:
            while (goes_on := advance()) is True:
                self.state.step()
                left = self.run_all(node.body)
                states = [*loop.continues, *([] if left else [self.environment.names])]
                loop.continues.clear()
                if not states:
                    ended = True
                    break
                if len(states) > 1 or states[0] is not self.environment.names:
                    self.environment.names = _merged(states)
        finally:
            self.loop = outer
        if len(self.returns) == returned:
            self.state.uncertain = uncertain
        if not ended and goes_on is None:
            ended = self._unknown_loop(node, lambda: None)
        elif not ended:
            ended = self.run_all(node.orelse)
        states = [*loop.breaks, *([] if ended else [self.environment.names])]
        if not states:
            return True
        self.environment.names = _merged(states)
        return False

    def _unknown_loop(self, node: ast.For | ast.While, bind: Callable[[], object]) -> bool:
        """The body may run any number of times: twice here, so that what the first leaves reaches the second."""
        outer, loop = self.loop, _Loop()
        uncertain = self.state.uncertain
        self.loop = loop
        self.state.uncertain += 1
        try:
            for _ in range(2):
                before = self.environment.names
                self.environment.names = dict(before)
                bind()
                left = self.run_all(node.body)
                states = [before, *loop.continues, *([] if left else [self.environment.names])]
                loop.continues.clear()
                self.environment.names = _merged(states)
            _unsettle(self.environment.names, before)
        finally:
            self.loop = outer
            self.state.uncertain = uncertain
        self.run_all(node.orelse)
        self.environment.names = _merged([self.environment.names, *loop.breaks])
        return False

    def _run_function_def(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        defined = FunctionValue(
            self.module, self._inner_qualname(node.name), node, self.closure, self._defaults(node.args), self.cls
        )
        self.state.functions.append(defined)
        function: Value = defined
        for decorator in reversed(node.decorator_list):
            function = self._decorated(decorator, function)
        self.environment.names[node.name] = function

    _run_async_function_def = _run_function_def

    def _run_class_def(self, node: ast.ClassDef) -> None:
        defined = ClassValue(self.module, self._inner_qualname(node.name), node, self.closure)
        self.state.classes.append(defined)
        cls: Value = defined
        for decorator in reversed(node.decorator_list):
            cls = self._decorated(decorator, cls)
        self.environment.names[node.name] = cls

    def _decorated(self, node: ast.expr, definition: Value) -> Value:
        """A definition after one of its decorators; foreign ones leave it as it is, and say so where they run code."""
        decorator = self.value(node)
        if isinstance(node, ast.Call):
            name = self.value(node.func)
        elif isinstance(node, ast.Attribute) and node.attr in ("setter", "deleter", "getter"):
            return self._with_accessor(node, definition)
        else:
            name = decorator
        if isinstance(name, ExternalValue):
            if name.name in _DESCRIPTORS:
                if isinstance(definition, FunctionValue) and not name.name.startswith("builtins."):
                    definition.through = name.name
                return DescriptorValue(_DESCRIPTORS[name.name], definition)
            if isinstance(definition, FunctionValue) and name.name not in _TRANSPARENT:
                definition.through = name.name
            return definition
        if decorator.__class__ is Unknown:
            return definition
        try:
            result = self.source.call(decorator, [definition], {}, node.lineno)
        except OutOfSteps:
            raise
        except GiveUp:
            return definition
        followed = isinstance(result, (FunctionValue, ClassValue, PartialValue, DescriptorValue, InstanceValue))
        return result if followed else definition

    def _with_accessor(self, node: ast.Attribute, definition: Value) -> Value:
        """A property with a setter or a deleter beside it."""
        before = self.value(node.value)
        if not isinstance(before, DescriptorValue):
            return definition
        return DescriptorValue(before.kind, before.function, definition if node.attr == "setter" else before.setter)

    def _run_import(self, node: ast.Import) -> None:
        for alias in node.names:
            if self.source.is_internal(alias.name) and self.source.has_module(alias.name):
                self.source.execute(alias.name)
        for name, binding in import_bindings(node, self.module, False):
            self.environment.names[name] = self._module_value(binding.module)

    def _run_import_from(self, node: ast.ImportFrom) -> None:
        is_package = self.source.is_package(self.module)
        for name, binding in import_bindings(node, self.module, is_package):
            if name == "*":
                self._import_star(binding)
            else:
                self.environment.names[name] = self.source.attribute(binding.module, binding.attribute or "")

    def _import_star(self, binding: Import) -> None:
        if not (self.source.is_internal(binding.module) and self.source.has_module(binding.module)):
            return
        names = self.source.execute(binding.module).names
        public = names.get("__all__")
        if not (isinstance(public, list) and is_known(public)):
            public = [name for name in names if not name.startswith("_")]
        for name in public:
            if isinstance(name, str):
                self.environment.names[name] = self.source.attribute(binding.module, name)

    def _module_value(self, module: str) -> Value:
        if not self.source.is_internal(module):
            return ExternalValue(module)
        return ModuleValue(module) if self.source.has_module(module) else UNKNOWN

    def _run_match(self, node: ast.Match) -> bool:
        subject = self.value(node.subject)
        possible: list[tuple[list[ast.stmt], Names]] = []
        for case in node.cases:
            matches, bound = _match(self, case.pattern, subject)
            if case.guard is not None and matches is not False:
                holds = self._guard(case.guard, bound)
                matches = holds if matches and holds is not True else matches and holds
            if matches is False:
                continue
            possible.append((case.body, bound))
            if matches:
                break
        else:
            possible.append(([], {}))
        if len(possible) > 1:
            return self._branches(possible)
        body, bound = possible[0]
        self.environment.names.update(bound)
        return self.run_all(body)

    def _guard(self, test: ast.expr, bound: Names) -> bool | None:
        names = self.environment.names
        self.environment.names = {**names, **bound}
        truth, _, _ = self.condition(test)
        self.environment.names = names
        return truth

    def _branches(self, bodies: Iterable[tuple[list[ast.stmt], Names]]) -> bool:
        """Execute alternatives of which one happens; whether all of them leave."""
        before = self.environment.names
        outcomes: list[Names] = []
        exits = self._exits()
        level = self.state.uncertain
        for body, refined in bodies:
            self.state.uncertain = level + 1
            self.environment.names = {**before, **refined}
            try:
                if not self.run_all(body):
                    outcomes.append(self.environment.names)
            except OutOfSteps:
                raise
            except GiveUp:  # raised inside a ``try`` of this function: another branch may have been taken
                self.environment.names = {**before, **refined}
                for statement in body:
                    self.forget(statement)
                outcomes.append(self.environment.names)
        # What follows where one branch has left may not happen, until the function or the loop ends.
        self.state.uncertain = level + (self._exits() > exits)
        if not outcomes:
            self.environment.names = before
            return True
        self.environment.names = _merged(outcomes)
        return False

    def _exits(self) -> int:
        return len(self.returns) + (len(self.loop.breaks) + len(self.loop.continues) if self.loop else 0)


def _merged(outcomes: list[Names], first_succeeds: bool = False) -> Names:
    """Names after one of several branches.

    A definition or import that only one branch makes is still the best known of that name, and so is all that only a
    first branch binds which is taken to succeed.
    """
    merged = outcomes[0]
    for other in outcomes[1:]:
        merged = _merged_two(merged, other, first_succeeds)
    return merged


def _unsettle(names: Names, before: Names) -> None:
    """Data that one more round of a loop still changed may be anything after any number of them."""
    for name, value in names.items():
        known = before.get(name, value)
        if value is not known and not same(value, known):
            seen = {key_of(option) for option in options_of(known)}
            new = [option for option in options_of(value) if key_of(option) not in seen]
            if any(option.__class__ in ATOMS or isinstance(option, tuple) for option in new):
                names[name] = join([value, UNKNOWN])


def _merged_two(first: Names, second: Names, first_succeeds: bool) -> Names:
    if first is second:
        return first
    merged = dict(first)
    for name, value in second.items():
        if name not in first:
            merged[name] = value if isinstance(value, DEFINITIONS) else join([value, UNKNOWN])
        elif first[name] is not value and not same(first[name], value):
            merged[name] = join([first[name], value])
    if not first_succeeds:
        for name, value in first.items():
            if name not in second and not isinstance(value, (*DEFINITIONS, InstanceValue)):
                merged[name] = join([value, UNKNOWN])
    return merged


_Match = tuple[bool | None, Names]
"""Whether it matches (``None`` when that is not known), and the names bound where it does."""


def _match(frame: Expressions, pattern: ast.pattern, value: Value) -> _Match:
    """Hold a value against a pattern; names in it are looked up in ``frame``."""
    match pattern:
        case ast.MatchValue(expression):
            return truth_of(compare(ast.Eq(), value, frame.value(expression))), {}
        case ast.MatchSingleton(constant):
            return truth_of(compare(ast.Is(), value, constant)), {}
        case ast.MatchAs(inner, name):
            matches, bound = _match(frame, inner, value) if inner else (True, {})
            return matches, {**bound, name: value} if name else bound
        case ast.MatchOr(patterns):
            return _any_matches(_match(frame, one, value) for one in patterns)
        case ast.MatchSequence(patterns) if isinstance(value, (list, tuple)) and not has_rest(value):
            return _sequence(frame, patterns, value)
        case ast.MatchMapping(keys, patterns, rest) if isinstance(value, dict) and not has_rest(value):
            return _mapping(frame, keys, patterns, rest, value)
        case ast.MatchSequence() | ast.MatchMapping() if value.__class__ in ATOMS:
            return False, {}
    return None, _unknown_names(pattern)


def _any_matches(matches: Iterable[_Match]) -> _Match:
    bound: Names = {}
    is_open = False
    for matched, names in matches:
        if matched is False:
            continue
        bound.update(names)
        if matched:
            return (None if is_open else True), bound
        is_open = True
    return (None if is_open else False), bound


def _all_match(matches: Iterable[_Match]) -> _Match:
    bound: Names = {}
    is_open = False
    for matched, names in matches:
        if matched is False:
            return False, {}
        bound.update(names)
        is_open = is_open or matched is None
    return (None if is_open else True), bound


def _sequence(frame: Expressions, patterns: list[ast.pattern], value: list[Value] | tuple[Value, ...]) -> _Match:
    items = list(value)
    star = next((i for i, one in enumerate(patterns) if isinstance(one, ast.MatchStar)), None)
    if star is None:
        if len(items) != len(patterns):
            return False, {}
        return _all_match(_match(frame, one, item) for one, item in zip(patterns, items, strict=True))
    after = len(patterns) - star - 1
    if len(items) < star + after:
        return False, {}
    end = len(items) - after
    outer = [*patterns[:star], *patterns[star + 1 :]]
    matched, bound = _all_match(
        _match(frame, one, item) for one, item in zip(outer, items[:star] + items[end:], strict=True)
    )
    name = patterns[star].name  # type: ignore[attr-defined]
    return matched, {**bound, name: items[star:end]} if name else bound


def _mapping(
    frame: Expressions, keys: list[ast.expr], patterns: list[ast.pattern], rest: str | None, value: dict[Value, Value]
) -> _Match:
    known = [frame.value(key) for key in keys]
    if any(key.__class__ is Unknown or key.__class__ is Choice or not is_hashable(key) for key in known):
        names = [name for one in patterns for name in _unknown_names(one)] + ([rest] if rest else [])
        return None, dict.fromkeys(names, UNKNOWN)
    if any(key not in value for key in known):
        return False, {}
    matched, bound = _all_match(_match(frame, one, value[key]) for key, one in zip(known, patterns, strict=True))
    return matched, {**bound, rest: {k: v for k, v in value.items() if k not in known}} if rest else bound


def _unknown_names(pattern: ast.pattern) -> Names:
    """Every name that a pattern binds, with nothing known of it."""
    names = [getattr(part, field, None) for part in ast.walk(pattern) for field in ("name", "rest")]
    return {name: UNKNOWN for name in names if isinstance(name, str)}


_DESCRIPTORS = {
    "builtins.property": "property",
    "functools.cached_property": "property",
    "builtins.staticmethod": "staticmethod",
    "builtins.classmethod": "classmethod",
}
_TRANSPARENT = frozenset(
    (
        "abc.abstractmethod functools.cache functools.lru_cache functools.wraps torch.fx.wrap torch.jit.export "
        "torch.jit.ignore torch.jit.script torch.jit.script_if_tracing torch.jit.unused typing.final typing.overload"
    ).split()
)
"""Decorators that run no Python code of their own around a call."""

_EXECUTE: dict[type[ast.AST], Callable[[Activation, Any], bool | None]] = {
    ast.Expr: Activation._run_expr,
    ast.Pass: Activation._run_pass,
    ast.Assert: Activation._run_assert,
    ast.Global: Activation._run_global,
    ast.Nonlocal: Activation._run_nonlocal,
    ast.Return: Activation._run_return,
    ast.Raise: Activation._run_raise,
    ast.Break: Activation._run_break,
    ast.Continue: Activation._run_continue,
    ast.Assign: Activation._run_assign,
    ast.AnnAssign: Activation._run_ann_assign,
    ast.AugAssign: Activation._run_aug_assign,
    ast.Delete: Activation._run_delete,
    ast.If: Activation._run_if,
    ast.Try: Activation._run_try,
    ast.TryStar: Activation._run_try_star,
    ast.With: Activation._run_with,
    ast.AsyncWith: Activation._run_with,
    ast.For: Activation._run_for,
    ast.AsyncFor: Activation._run_for,
    ast.While: Activation._run_while,
    ast.Match: Activation._run_match,
    ast.FunctionDef: Activation._run_function_def,
    ast.AsyncFunctionDef: Activation._run_async_function_def,
    ast.ClassDef: Activation._run_class_def,
    ast.Import: Activation._run_import,
    ast.ImportFrom: Activation._run_import_from,
}
