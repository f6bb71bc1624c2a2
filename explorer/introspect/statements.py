"""Executing the statements of timm's source that only compute data."""

import ast
from collections.abc import Callable
from typing import Any

from explorer.introspect.expressions import Expressions
from explorer.introspect.operations import is_hashable, item_of, items_of, same, taint, truth_of
from explorer.introspect.operators import binary
from explorer.introspect.parse import Import, import_bindings
from explorer.introspect.pure import call_method
from explorer.introspect.values import (
    UNKNOWN,
    ClassValue,
    ExternalValue,
    FunctionValue,
    GiveUp,
    ModuleValue,
    Value,
    is_known,
)


class Returned(Exception):
    """A ``return`` was executed."""

    def __init__(self, value: Value) -> None:
        self.value = value


class Broken(Exception):
    """A ``break`` was executed."""


class Continued(Exception):
    """A ``continue`` was executed."""


class Frame(Expressions):
    """Executes statements in one environment."""

    def run(self, node: ast.stmt) -> None:
        """Execute one statement; a statement of an unknown kind makes what it binds unknown."""
        self.evaluator.step()
        execute = _EXECUTE.get(type(node))
        if execute is None:
            self.forget(node)
        elif self.may_have_left:
            with self.evaluator.uncertain():
                execute(self, node)
        else:
            execute(self, node)

    def give_up(self, node: ast.stmt) -> None:
        """Make unknown all that a statement binds, and every container it names, as it may have been changed."""
        for child in ast.walk(node):
            if isinstance(child, ast.Name):
                taint([self._lookup(child.id)])
        self.forget(node)

    def run_all(self, body: list[ast.stmt]) -> None:
        """Execute statements in order."""
        for statement in body:
            self.run(statement)

    def _run_expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.value(node.value)

    def _run_pass(self, node: ast.Pass) -> None:
        pass

    _run_assert = _run_pass

    def _run_global(self, node: ast.Global) -> None:
        self.outer_names.update(node.names)

    _run_nonlocal = _run_global

    def _run_return(self, node: ast.Return) -> None:
        raise Returned(self.value(node.value) if node.value else None)

    def _run_raise(self, node: ast.Raise) -> None:
        raise GiveUp

    def _run_break(self, node: ast.Break) -> None:
        raise Broken

    def _run_continue(self, node: ast.Continue) -> None:
        raise Continued

    def _run_assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
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
            old = UNKNOWN
        new = self.value(node.value)
        if not isinstance(old, (list, dict, set)):
            self.assign(target, binary(node.op, old, new))
        elif isinstance(old, list) and isinstance(node.op, ast.Add):
            call_method(old, "extend", [new], {}, self.evaluator.is_uncertain)
        else:
            taint([old])

    def _run_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.environment.names.pop(target.id, None)
            elif isinstance(target, ast.Subscript):
                owner, key = self.value(target.value), self.value(target.slice)
                if isinstance(owner, dict) and is_hashable(key) and key in owner and not self.evaluator.is_uncertain:
                    del owner[key]
                else:
                    taint([owner])

    def _run_if(self, node: ast.If) -> None:
        condition = truth_of(self.value(node.test))
        if condition is None:
            self._branches([node.body, node.orelse])
        else:
            self.run_all(node.body if condition else node.orelse)

    def _run_try(self, node: ast.Try) -> None:
        """The body is taken to succeed; where a handler would bind a name otherwise, the name is unknown."""
        self._branches([node.body, *(handler.body for handler in node.handlers)], first_succeeds=True)
        self.run_all(node.orelse)
        self.run_all(node.finalbody)

    _run_try_star = _run_try

    def _run_with(self, node: ast.With) -> None:
        for item in node.items:
            self.value(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, UNKNOWN)
        self.run_all(node.body)

    def _run_for(self, node: ast.For) -> None:
        items = items_of(self.value(node.iter))
        if items is None:
            self._run_unknown_loop(node)
            return
        before = self.may_have_broken
        for item in items:
            self.assign(node.target, item)
            if not self._run_body(node.body):
                break
        else:
            self.run_all(node.orelse)
        self.may_have_broken = before

    def _run_body(self, body: list[ast.stmt]) -> bool:
        """Execute a loop's body once; ``False`` when it breaks out of the loop."""
        self.evaluator.step()
        try:
            self.run_all(body)
        except Broken:
            return False
        except Continued:
            pass
        return True

    def _run_unknown_loop(self, node: ast.For | ast.While) -> None:
        """The body may run any number of times, each time on what the last one left."""
        before = self.may_have_broken
        self.forget(node)
        self._branches([node.body, []])
        self.may_have_broken = before

    def _run_while(self, node: ast.While) -> None:
        before = self.may_have_broken
        while condition := truth_of(self.value(node.test)):
            if not self._run_body(node.body):
                break
        else:
            if condition is None:
                self._run_unknown_loop(node)
            self.run_all(node.orelse)
        self.may_have_broken = before

    def _run_function_def(self, node: ast.FunctionDef) -> None:
        function: Value = FunctionValue(
            self.module, self._qualname(node.name), node, self.environment, self._defaults(node.args)
        )
        for decorator in reversed(node.decorator_list):
            decorated = self.evaluator.call(self.value(decorator), [function], {})
            if not isinstance(decorated, FunctionValue):
                decorated = function
            function = decorated
        self.environment.names[node.name] = function

    def _run_async_function_def(self, node: ast.AsyncFunctionDef) -> None:
        self.environment.names[node.name] = UNKNOWN

    def _run_class_def(self, node: ast.ClassDef) -> None:
        self.environment.names[node.name] = ClassValue(self.module, self._qualname(node.name), node, self.environment)

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

    def _branches(self, bodies: list[list[ast.stmt]], *, first_succeeds: bool = False) -> None:
        """Execute alternatives of which one happens; names that come out different are unknown."""
        before = dict(self.environment.names)
        outcomes: list[dict[str, Value]] = []
        with self.evaluator.uncertain():
            for body in bodies:
                self.environment.names = dict(before)
                try:
                    self.run_all(body)
                except Returned:
                    self.may_have_returned = True
                except (Broken, Continued):
                    self.may_have_broken = True
                except GiveUp:  # where Python would raise, the module would not have been imported
                    for statement in body:
                        self.forget(statement)
                outcomes.append(self.environment.names)
        merged = outcomes[0]
        for other in outcomes[1:]:
            merged = _merged(merged, other, first_succeeds)
        self.environment.names = merged


def _merged(first: dict[str, Value], second: dict[str, Value], first_succeeds: bool) -> dict[str, Value]:
    """Names after one of two branches: unknown where they differ.

    A definition or import that only one branch makes is still the best known of that name, and so is all that only a
    first branch binds which is taken to succeed.
    """
    merged = dict(first)
    for name in {**first, **second}:
        if name in first and name in second:
            if not same(first[name], second[name]):
                merged[name] = UNKNOWN
        elif not (first_succeeds and name in first):
            value = first.get(name, second.get(name))
            is_definition = isinstance(value, (FunctionValue, ClassValue, ModuleValue, ExternalValue))
            merged[name] = value if is_definition else UNKNOWN
    return merged


_EXECUTE: dict[type[ast.stmt], Callable[[Frame, Any], None]] = {
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
    ast.For: Frame._run_for,
    ast.While: Frame._run_while,
    ast.FunctionDef: Frame._run_function_def,
    ast.AsyncFunctionDef: Frame._run_async_function_def,
    ast.ClassDef: Frame._run_class_def,
    ast.Import: Frame._run_import,
    ast.ImportFrom: Frame._run_import_from,
}
