"""Syntax trees that are made from others, which stay as they are."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T", bound=ast.AST)


@dataclass(frozen=True, eq=False)
class Change:
    """One change of a function: a node or a list of statements of its tree (``old``) gives way to another.

    ``statement`` is where it shows: the innermost statement that is changed.
    """

    operator: str  # what was done, such as "plus for minus"
    kind: str  # of the mistake that it makes, see words.py
    statement: ast.stmt
    old: ast.AST | list[ast.stmt]
    new: ast.AST | list[ast.stmt]


def changed(function: T, *changes: Change) -> T:
    """A copy of the function's tree with these changes; they must not lie within each other."""
    return copy.deepcopy(function, {id(change.old): change.new for change in changes})


def call(function: str, *given: ast.expr) -> ast.Call:
    """A call of a function by its name, dotted or not."""
    return ast.Call(ast.parse(function, mode="eval").body, list(given), [])


def method(of: ast.expr, name: str, *given: float) -> ast.Call:
    """A call of a method with constants."""
    return ast.Call(ast.Attribute(of, name, ast.Load()), [ast.Constant(value) for value in given], [])


def name_of(node: ast.Call) -> str:
    """The last part of the name of what is called; empty if it has none."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def expressions(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.AST]]:
    """Every expression of a statement that is read, with the node around it; not those of statements within it."""
    waiting: list[tuple[ast.AST, ast.AST]] = [(each, statement) for each in _parts(statement)]
    while waiting:
        node, around = waiting.pop(0)
        if isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            yield node, around
        waiting += [(each, node) for each in _parts(node)]


def _parts(node: ast.AST) -> list[ast.AST]:
    return [each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.stmt)]


def blocks(function: ast.FunctionDef) -> Iterator[list[ast.stmt]]:
    """The lists of statements in a function, its docstring left out."""
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            found = getattr(node, name, None)
            if isinstance(found, list) and found and isinstance(found[0], ast.stmt):
                yield found


def is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is nothing but a text."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def statements(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """Every statement of a function, from top to bottom, docstrings left out."""
    found = [each for block in blocks(function) for each in block if not is_docstring(each)]
    yield from sorted(found, key=lambda each: (each.lineno, each.col_offset))


def normal(tree: ast.AST) -> str:
    """The tree's text, the same for two trees that differ in layout or in the order of a sum or a product alone."""
    return ast.unparse(_Sorted().visit(copy.deepcopy(tree)))


class _Sorted(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Mult):
            node.left, node.right = sorted((node.left, node.right), key=ast.unparse)
        return node
