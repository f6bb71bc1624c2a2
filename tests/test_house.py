"""The house's own rules: one direction, no circle, one name for one thing, torch in the worker alone."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

import explorer
from explorer.graph import Graph, NodeKind

PACKAGE = Path(explorer.__file__).parent
WORKER = "explorer.worker"
HEAVY = ("torch", "torchvision", "timm")
SHARED_MODULE_NAMES = 5
"""Names that modules of different packages may share: a request of the worker has one in several."""
IMPORTS_IN_FUNCTIONS = 60
"""Each is there for start-up time or an optional part."""


def read_modules() -> dict[str, ast.Module]:
    """Every module's syntax tree, by dotted name."""
    trees = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        dotted = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        trees[dotted.removesuffix(".__init__")] = ast.parse(path.read_text("utf-8"))
    return trees


TREES = read_modules()
PACKAGES = sorted({name.split(".")[1] for name in TREES if name.count(".") and f"{name}.__main__" not in TREES})


def imported_by(tree: ast.Module) -> Iterator[str]:
    """The package's own modules that a module imports anywhere: at its top, in functions, for type checking."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                yield member if member in TREES else node.module


def strings_in_code(tree: ast.Module) -> Iterator[str]:
    """Every string of a module but those that document something."""
    documents = {
        id(statement.value) for node in ast.walk(tree) for statement in statements_of(node) if is_text(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def statements_of(node: ast.AST) -> list[ast.stmt]:
    body = getattr(node, "body", [])
    return body if isinstance(body, list) else []


def is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = nx.DiGraph()
    for name, tree in TREES.items():
        imports.add_edges_from((name, other) for other in imported_by(tree) if other in TREES and other != name)

    assert [sorted(circle) for circle in nx.strongly_connected_components(imports) if len(circle) > 1] == []


def test_no_class_name_stands_for_two_classes() -> None:
    homes = defaultdict(list)
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(name)

    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_few_module_names_are_shared() -> None:
    homes = defaultdict(set)
    for name in TREES:
        homes[name.rpartition(".")[2]].add(name)
    shared = {name: sorted(found) for name, found in homes.items() if len(found) > 1}

    assert len(shared) <= SHARED_MODULE_NAMES, shared
    for found in shared.values():
        assert len({name.split(".")[1] for name in found}) == len(found), f"two in one package: {found}"


def test_few_imports_stand_in_functions() -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    inside = {
        (name, node.lineno)
        for name, tree in TREES.items()
        for function in ast.walk(tree)
        if isinstance(function, functions)
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }

    assert len(inside) <= IMPORTS_IN_FUNCTIONS, sorted(inside)


def test_the_graph_knows_no_timm(timm_graph: Graph) -> None:
    defined = {node_id.rpartition(":")[2] for node_id in timm_graph.ids(NodeKind.CLASS, NodeKind.FUNCTION)}
    names = {name for name in defined if "." not in name and not name.islower()} | {"create_model", "timm"}
    told = {
        (module, text)
        for module, tree in TREES.items()
        if module.startswith("explorer.graph")
        for text in strings_in_code(tree)
        if any(name in text for name in names)
    }

    assert told == set()


@pytest.mark.parametrize("package", [name for name in PACKAGES if f"explorer.{name}" != WORKER])
def test_a_package_imports_whole_without_torch_and_timm(package: str) -> None:
    root = f"explorer.{package}"
    modules = [name for name in TREES if name == root or name.startswith(f"{root}.")]
    code = "\n".join(f"import {name}" for name in modules)
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint([m for m in {HEAVY!r} if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"


def test_the_page_for_contributors_names_files_that_are_there() -> None:
    page = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")
    places = {path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*.py")}
    named = [name for name in re.findall(r"`([\w/]+\.py)`", page) if not name.startswith(("tests/", "benchmarks/"))]

    assert named
    assert [name for name in named if not any(f"/{place}".endswith(f"/{name}") for place in places)] == []
