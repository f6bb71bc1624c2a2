import ast
from textwrap import dedent

import pytest

from explorer.introspect.reading.parse import Import, Module, absolute, import_bindings, parse_module


def parsed(source: str, file: str = "models/toy.py") -> Module:
    return parse_module("timm.models.toy", file, dedent(source).lstrip("\n").encode())


@pytest.mark.parametrize(
    ("source", "qualnames"),
    [
        ("def f(): pass", ["f"]),
        ("async def f(): pass", ["f"]),
        ("def f():\n  def g():\n    def h(): pass", ["f", "f.<locals>.g", "f.<locals>.g.<locals>.h"]),
        ("class A:\n  def m(self): pass", ["A.m"]),
        ("class A:\n  class B:\n    def m(self): pass", ["A.B.m"]),
        ("def f():\n  class A:\n    def m(self): pass", ["f", "f.<locals>.A.m"]),
        ("if True:\n  def f(): pass\nelse:\n  def g(): pass", ["f", "g"]),
        ("try:\n  def f(): pass\nexcept E:\n  pass", ["f"]),
        ("with a:\n  def f(): pass", ["f"]),
        ("if __name__ == '__main__':\n  def f(): pass\nelse:\n  def g(): pass", ["g"]),
        ("if '__main__' == __name__:\n  def f(): pass\nif __name__ == 'x':\n  def g(): pass", ["g"]),
        ("def f():\n  return [lambda: 1, (x for x in y)]", ["f"]),
        ("class A:\n  @property\n  def p(self): pass\n  @p.setter\n  def p(self, v): pass", ["A.p"]),
    ],
)
def test_functions_by_qualname(source: str, qualnames: list[str]) -> None:
    assert list(parsed(source).functions) == qualnames


def test_a_definition_knows_its_place_and_words() -> None:
    module = parsed(
        '''
        """About the module.

        More.
        """
        import torch

        @torch.no_grad()
        def f(a, b: int = 2, *args, c, d=3.0, **kw) -> 'Out':
            """Do it.

                Indented.
            """
            return a
        '''
    )
    f = module.functions["f"]

    assert (f.line, f.end_line) == (8, 13)
    assert f.doc == "Do it.\n\nIndented."
    assert f.signature == "(a, b: int = 2, *args, c, d=3.0, **kw) -> 'Out'"
    assert f.decorators == ["torch.no_grad"]
    assert module.doc == "About the module.\n\nMore."


@pytest.mark.parametrize(
    ("source", "lines"), [("x = 1\n", 1), ("x = 1", 1), ("x = 1\n\ny = 2\n", 3), ("x = 1\r\ny = 2\r\n", 2)]
)
def test_lines_of_a_module(source: str, lines: int) -> None:
    assert parse_module("m", "m.py", source.encode()).line_count == lines


@pytest.mark.parametrize(
    ("parameters", "signature"),
    [
        ("", "()"),
        ("self", "(self)"),
        ("a, /, b", "(a, /, b)"),
        ("a=1, /", "(a=1, /)"),
        ("a, *, b", "(a, *, b)"),
        ("a, *args: int, b", "(a, *args: int, b)"),
        ("a = (1,\n  2)", "(a=(1, 2))"),
        ("a: 'x' = \"é\", b=2", "(a: 'x' = \"é\", b=2)"),
    ],
)
def test_signature(parameters: str, signature: str) -> None:
    assert parsed(f"def f({parameters}): pass").functions["f"].signature == signature


@pytest.mark.parametrize(
    ("statement", "name", "binding"),
    [
        ("import torch", "torch", Import("torch", None)),
        ("import torch.nn", "torch", Import("torch", None)),
        ("import torch.nn as nn", "nn", Import("torch.nn", None)),
        ("from torch import nn", "nn", Import("torch", "nn")),
        ("from torch import nn as n", "n", Import("torch", "nn")),
        ("from . import a", "a", Import("timm.models", "a")),
        ("from .a import b", "b", Import("timm.models.a", "b")),
        ("from ..a import b", "b", Import("timm.a", "b")),
        ("from .. import a", "a", Import("timm", "a")),
    ],
)
def test_imports(statement: str, name: str, binding: Import) -> None:
    node = parsed(statement).tree.body[0]

    assert isinstance(node, ast.Import | ast.ImportFrom)
    assert list(import_bindings(node, "timm.models.toy", is_package=False)) == [(name, binding)]


def test_every_imported_name_is_kept_with_its_lines() -> None:
    module = parsed("""
        import torch.nn as nn
        from .a import b
        def f():
            from .a import b, c
            import torch.nn
        """)

    assert module.imported == {"torch.nn": [1, 5], "timm.models.a.b": [2, 4], "timm.models.a.c": [4]}


@pytest.mark.parametrize(
    ("is_package", "level", "target", "name"),
    [
        (False, 0, "torch", "torch"),
        (False, 1, "b", "timm.models.b"),
        (True, 1, "b", "timm.models.toy.b"),
        (True, 2, None, "timm.models"),
        (False, 3, "b", "b"),
        (False, 9, "b", "b"),
    ],
)
def test_absolute(is_package: bool, level: int, target: str | None, name: str) -> None:
    assert absolute("timm.models.toy", is_package, level, target) == name


@pytest.mark.parametrize(
    "source",
    [
        b"x = '\\d'",
        b"'''A docstring with \\S.'''",
        b"x = 1\rdef f(a: int = (1,\r 2)): pass\ry = 2",
        b"\xef\xbb\xbfdef f(a: int = 1): pass",
        b"# -*- coding: latin-1 -*-\ndef f(a: int = '\xe9', b: int = 2): pass",
        b"def g(): pass\n\x0c\ndef f(a: int = 1): pass",
        b"",
    ],
)
def test_whatever_python_reads_is_read_in_silence(source: bytes) -> None:
    """Warnings are errors in these tests: one here would put narration of Python's on the user's screen."""
    module = parse_module("m", "m.py", source)

    assert all(f.signature.startswith("(a: int") for n, f in module.functions.items() if n == "f")


@pytest.mark.parametrize("source", [b"def f(:", b"x = '\xff'", b"x = 1\n\x00", b"\tx = 1\n  y = 2"])
def test_what_python_cannot_read_is_an_error(source: bytes) -> None:
    with pytest.raises((SyntaxError, ValueError)):
        parse_module("m", "m.py", source)
