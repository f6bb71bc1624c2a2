"""``exec`` and ``eval`` of text that is known: it is source like any other, and is evaluated as such."""

import ast
from collections.abc import Callable
from typing import Protocol

from explorer.introspect.evaluator.activation import Activation
from explorer.introspect.evaluator.bounds import MAX_PROGRAM, GiveUp
from explorer.introspect.evaluator.values import UNKNOWN, Environment, Value

RUNNERS = ("exec", "eval")
_OUTERMOST = ("globals", "vars", "locals")
_CHARACTERS_PER_STEP = 50
"""Parsing so much text is as much work as a call."""


class TextCompiler(Protocol):
    """What compiles the syntax of the text."""

    def expression(self, node: ast.expr) -> Callable[[Activation], Value]:
        """The closure that evaluates an expression."""

    def block(self, body: list[ast.stmt]) -> Callable[[Activation], bool]:
        """The closure that executes statements."""


def running(compiler: TextCompiler, node: ast.Call) -> Callable[[Activation], Value]:
    """The closure for ``exec(text, names)`` or ``eval(text, names)``; unknown where the text is.

    Functions that the text defines stand where the text does.
    """
    given = node.args[0]
    if isinstance(given, ast.Call) and isinstance(given.func, ast.Name) and given.func.id == "compile" and given.args:
        given = given.args[0]
    text_part = compiler.expression(given)
    scopes = [*node.args[1:], *[keyword.value for keyword in node.keywords]]
    is_own = not scopes or (isinstance(scopes[-1], ast.Call) and getattr(scopes[-1].func, "id", "") in _OUTERMOST)
    is_global = is_own and bool(scopes) and getattr(getattr(scopes[-1], "func", None), "id", "") == "globals"
    names_part = None if is_own else compiler.expression(scopes[-1])
    is_exec = isinstance(node.func, ast.Name) and node.func.id == "exec"

    def run(frame: Activation) -> Value:
        text = text_part(frame)
        names = names_part(frame) if names_part else None
        if not isinstance(text, str):
            frame.state.cannot_tell(frame.module, node.lineno, "what it runs is not known")
            return UNKNOWN
        tree = _parsed(text, given, is_exec)
        frame.state.charge(len(text) // _CHARACTERS_PER_STEP)
        inner = _frame(frame, names, is_global)
        if isinstance(tree, ast.Expression):
            return compiler.expression(tree.body)(inner)
        compiler.block(tree.body)(inner)
        if isinstance(names, dict):
            names.update(inner.environment.names)
        return None

    return run


def _parsed(text: str, written: ast.expr, is_exec: bool) -> ast.Module | ast.Expression:
    if len(text) > MAX_PROGRAM:
        raise GiveUp
    try:
        tree = ast.parse(text) if is_exec else ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise GiveUp from error
    if written.end_lineno != written.lineno:
        ast.increment_lineno(tree, written.lineno - 1)
    else:
        for node in ast.walk(tree):
            if isinstance(node, (ast.stmt, ast.expr)):
                node.lineno = node.end_lineno = written.lineno
    return tree


def _frame(frame: Activation, names: Value, is_global: bool) -> Activation:
    """What the text runs in: the names given, those of the module or class body around it, or inside a function's."""
    if isinstance(names, dict):
        environment = Environment({key: value for key, value in names.items() if isinstance(key, str)})
    elif is_global:
        environment = frame.environment
        while environment.parent is not None:
            environment = environment.parent
    else:
        environment = Environment({}, frame.environment) if frame.function else frame.environment
    inner = Activation(frame.objects, frame.module, environment)
    inner.trying = frame.trying
    return inner
