"""The source notebook's solutions are the reference's: the judge's oracle and what is taught are one thing."""

import ast
import dataclasses
from pathlib import Path

import pytest
from nbformat import NotebookNode

from autograder.assignment import Assignment, load_assignment
from autograder.authoring import fill
from solutions import sac as reference

SAC = load_assignment("sac")
CONTRACTED = [(cell, name) for cell, names in SAC.defines.items() for name in names]


class Plain(ast.NodeTransformer):
    """Takes out what may differ: docstrings, annotations and assertions."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        return ast.Assign([node.target], node.value, lineno=0) if node.value else None

    def visit_Assert(self, _node: ast.Assert) -> None:
        return None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self._enter(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self._enter(node)
        return node

    def _enter(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        self.generic_visit(node)


def parts(source: str) -> dict[str, list[str]]:
    """Every top-level definition by name, as lines of plain code."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = ast.unparse(Plain().visit(node)).splitlines()
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found[ast.unparse(target)] = [ast.unparse(node.value)] if node.value else []
    return found


@pytest.fixture(scope="module")
def ours() -> dict[str, list[str]]:
    return parts(Path(str(reference.__file__)).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def taught(source: NotebookNode, sac: Assignment) -> dict[str, str]:
    """Every cell's source by grade_id, its solutions in place."""
    solved = fill(source, sac, {})
    return {cell.metadata["nbgrader"]["grade_id"]: cell.source for cell in solved.cells if "nbgrader" in cell.metadata}


@pytest.mark.parametrize(("cell", "name"), CONTRACTED)
def test_what_the_contract_names_is_the_references(
    taught: dict[str, str], ours: dict[str, list[str]], cell: str, name: str
) -> None:
    assert parts(taught[cell])[name] == ours[name]


def test_the_hyperparameters_defaults_are_the_references(taught: dict[str, str]) -> None:
    namespace: dict[str, type] = {}
    exec(f"from dataclasses import dataclass\n{taught['hyperparameters']}", namespace)
    assert dataclasses.asdict(namespace["Hyperparameters"]()) == dataclasses.asdict(reference.Hyperparameters())
