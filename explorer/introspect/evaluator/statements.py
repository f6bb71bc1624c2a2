"""Executing the statements of timm's source, on every branch that an unknown condition leaves open."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explorer.introspect.evaluator.expressions import Expressions
from explorer.introspect.evaluator.operations import is_hashable, item_of, same, taint, truth_of
from explorer.introspect.evaluator.operators import binary
from explorer.introspect.evaluator.patterns import match
from explorer.introspect.evaluator.values import (
    ATOMS,
    DEFINITIONS,
    UNKNOWN,
    ClassValue,
    Environment,
    ExternalValue,
    FunctionValue,
    GiveUp,
    InstanceValue,
    ModuleValue,
    OutOfSteps,
    Value,
    is_known,
    join,
    key_of,
    options_of,
)
from explorer.introspect.reading.parse import Import, import_bindings

if TYPE_CHECKING:
    from explorer.introspect.evaluator.machine import Evaluator

_Names = dict[str, Value]


@dataclass(slots=True)
class _Loop:
    """Names at the places where a loop's body was left."""

    breaks: list[_Names] = field(default_factory=list)
    continues: list[_Names] = field(default_factory=list)


class Frame(Expressions):
    """Executes statements in one environment.

    ``returns`` collects what the function may return. A statement that certainly leaves the block it stands in
    returns ``True`` to the one that runs it.
    """

    def __init__(
        self,
        evaluator: "Evaluator",
        module: str,
        environment: Environment,
        function: FunctionValue | None = None,
        qualname: str = "",
    ) -> None:
        Expressions.__init__(self, evaluator, module, environment, function, qualname)
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
            old = self.evaluator.get_attribute(self.value(target.value), target.attr, node.lineno)
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
                self.evaluator.call_special(owner, "__delitem__", [key], target.lineno)
                settled = isinstance(owner, dict) and is_hashable(key) and key in owner
                if settled and not self.evaluator.is_weak(owner):
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
        self.evaluator.uncertain += 1
        for handler in node.handlers:
            self.environment.names = {**before} if not failed else {**before, **after}
            if handler.name:
                self.environment.names[handler.name] = UNKNOWN
            if not self.run_all(handler.body):
                outcomes.append(self.environment.names)
        self.evaluator.uncertain -= 1
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
            value = self.evaluator.call_special(manager, enter, [], line)
            entered.append((manager, line))
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        left = self.run_all(node.body)
        for manager, line in reversed(entered):
            self.evaluator.call_special(manager, leave, [None, None, None], line)
        return left

    def _run_for(self, node: ast.For) -> bool:
        value = self.value(node.iter)
        items = self.iterated(value, node.iter.lineno)
        if items is None or len(items) > self.evaluator.max_rounds:
            item = self.evaluator.possible_item(value, node.iter.lineno)
            return self._unknown_loop(node, lambda: self.assign(node.target, item))
        pending = iter(items)

        def advance() -> bool | None:
            for item in pending:
                self.assign(node.target, item)
                return True
            return False

        return self._loop(node, advance)

    def _run_while(self, node: ast.While) -> bool:
        rounds = iter(range(self.evaluator.max_rounds))

        def advance() -> bool | None:
            truth = truth_of(self.value(node.test))
            return None if truth and next(rounds, None) is None else truth

        return self._loop(node, advance)

    def _loop(self, node: ast.For | ast.While, advance: Callable[[], bool | None]) -> bool:
        """Run the body as long as ``advance`` says so; once it cannot tell, as a loop of unknown length."""
        evaluator = self.evaluator
        outer, loop = self.loop, _Loop()
        uncertain, returned = evaluator.uncertain, len(self.returns)
        ended = False
        self.loop = loop
        try:
            while (goes_on := advance()) is True:
                evaluator.step()
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
            evaluator.uncertain = uncertain
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
        evaluator = self.evaluator
        outer, loop = self.loop, _Loop()
        uncertain = evaluator.uncertain
        self.loop = loop
        evaluator.uncertain += 1
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
            evaluator.uncertain = uncertain
        self.run_all(node.orelse)
        self.environment.names = _merged([self.environment.names, *loop.breaks])
        return False

    def _run_function_def(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        function: Value = FunctionValue(
            self.module, self._inner_qualname(node.name), node, self.closure, self._defaults(node.args), self.cls
        )
        self.evaluator.functions.append(function)
        for decorator in reversed(node.decorator_list):
            function = self.evaluator.decorated(self, decorator, function)
        self.environment.names[node.name] = function

    _run_async_function_def = _run_function_def

    def _run_class_def(self, node: ast.ClassDef) -> None:
        cls: Value = ClassValue(self.module, self._inner_qualname(node.name), node, self.closure)
        self.evaluator.classes.append(cls)
        for decorator in reversed(node.decorator_list):
            cls = self.evaluator.decorated(self, decorator, cls)
        self.environment.names[node.name] = cls

    def _run_import(self, node: ast.Import) -> None:
        for alias in node.names:
            if self.evaluator.is_internal(alias.name) and self.evaluator.has_module(alias.name):
                self.evaluator.execute(alias.name)
        for name, binding in import_bindings(node, self.module, False):
            self.environment.names[name] = self._module_value(binding.module)

    def _run_import_from(self, node: ast.ImportFrom) -> None:
        is_package = self.evaluator.is_package(self.module)
        for name, binding in import_bindings(node, self.module, is_package):
            if name == "*":
                self._import_star(binding)
            else:
                self.environment.names[name] = self.evaluator.attribute(binding.module, binding.attribute or "")

    def _import_star(self, binding: Import) -> None:
        evaluator = self.evaluator
        if not (evaluator.is_internal(binding.module) and evaluator.has_module(binding.module)):
            return
        names = evaluator.execute(binding.module).names
        public = names.get("__all__")
        if not (isinstance(public, list) and is_known(public)):
            public = [name for name in names if not name.startswith("_")]
        for name in public:
            if isinstance(name, str):
                self.environment.names[name] = evaluator.attribute(binding.module, name)

    def _module_value(self, module: str) -> Value:
        if not self.evaluator.is_internal(module):
            return ExternalValue(module)
        return ModuleValue(module) if self.evaluator.has_module(module) else UNKNOWN

    def _run_match(self, node: ast.Match) -> bool:
        subject = self.value(node.subject)
        possible: list[tuple[list[ast.stmt], _Names]] = []
        for case in node.cases:
            matches, bound = match(self, case.pattern, subject)
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

    def _guard(self, test: ast.expr, bound: _Names) -> bool | None:
        names = self.environment.names
        self.environment.names = {**names, **bound}
        truth, _, _ = self.condition(test)
        self.environment.names = names
        return truth

    def _branches(self, bodies: Iterable[tuple[list[ast.stmt], _Names]]) -> bool:
        """Execute alternatives of which one happens; whether all of them leave."""
        evaluator = self.evaluator
        before = self.environment.names
        outcomes: list[_Names] = []
        exits = self._exits()
        level = evaluator.uncertain
        for body, refined in bodies:
            evaluator.uncertain = level + 1
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
        evaluator.uncertain = level + (self._exits() > exits)
        if not outcomes:
            self.environment.names = before
            return True
        self.environment.names = _merged(outcomes)
        return False

    def _exits(self) -> int:
        return len(self.returns) + (len(self.loop.breaks) + len(self.loop.continues) if self.loop else 0)


def _merged(outcomes: list[_Names], first_succeeds: bool = False) -> _Names:
    """Names after one of several branches.

    A definition or import that only one branch makes is still the best known of that name, and so is all that only a
    first branch binds which is taken to succeed.
    """
    merged = outcomes[0]
    for other in outcomes[1:]:
        merged = _merged_two(merged, other, first_succeeds)
    return merged


def _unsettle(names: _Names, before: _Names) -> None:
    """Data that one more round of a loop still changed may be anything after any number of them."""
    for name, value in names.items():
        known = before.get(name, value)
        if value is not known and not same(value, known):
            seen = {key_of(option) for option in options_of(known)}
            new = [option for option in options_of(value) if key_of(option) not in seen]
            if any(option.__class__ in ATOMS or isinstance(option, tuple) for option in new):
                names[name] = join([value, UNKNOWN])


def _merged_two(first: _Names, second: _Names, first_succeeds: bool) -> _Names:
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


_EXECUTE: dict[type[ast.AST], Callable[[Frame, Any], bool | None]] = {
    ast.Expr: Frame._run_expr,
    ast.Pass: Frame._run_pass,
    ast.Assert: Frame._run_assert,
    ast.Global: Frame._run_global,
    ast.Nonlocal: Frame._run_nonlocal,
    ast.Return: Frame._run_return,
    ast.Raise: Frame._run_raise,
    ast.Break: Frame._run_break,
    ast.Continue: Frame._run_continue,
    ast.Assign: Frame._run_assign,
    ast.AnnAssign: Frame._run_ann_assign,
    ast.AugAssign: Frame._run_aug_assign,
    ast.Delete: Frame._run_delete,
    ast.If: Frame._run_if,
    ast.Try: Frame._run_try,
    ast.TryStar: Frame._run_try_star,
    ast.With: Frame._run_with,
    ast.AsyncWith: Frame._run_with,
    ast.For: Frame._run_for,
    ast.AsyncFor: Frame._run_for,
    ast.While: Frame._run_while,
    ast.Match: Frame._run_match,
    ast.FunctionDef: Frame._run_function_def,
    ast.AsyncFunctionDef: Frame._run_async_function_def,
    ast.ClassDef: Frame._run_class_def,
    ast.Import: Frame._run_import,
    ast.ImportFrom: Frame._run_import_from,
}
