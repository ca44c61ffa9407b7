"""What a function's neighbourhood offers to whoever mistakes one name for another: the function's own names."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autograder.mutants.trees import statements


@dataclass(frozen=True)
class Scope:
    """The names near an expression of a function."""

    modules: frozenset[str]  # names of imported modules, such as np
    attributes: Mapping[str, frozenset[str]]  # a name -> the attributes that are read of it anywhere in the notebook
    methods: frozenset[str]  # what is called as a method anywhere in the notebook, modules apart
    torch: bool  # whether the notebook uses PyTorch
    known: Mapping[ast.stmt, frozenset[str]] = field(default_factory=dict)  # the values' names before each statement
    bare: frozenset[ast.stmt] = frozenset()  # statements under no_grad: no graph is made there

    def of(self, function: ast.FunctionDef) -> "Scope":
        """The same, for the expressions of that function."""
        return Scope(self.modules, self.attributes, self.methods, self.torch, _known(function), _bare(function))


def scope_of(trees: Iterable[ast.Module]) -> Scope:
    """What a notebook's cells say of all names."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    modules = frozenset((alias.asname or alias.name).partition(".")[0] for alias in imported)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    attributes: dict[str, set[str]] = defaultdict(set)
    methods: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in modules:
            attributes[node.value.id].add(node.attr)
            if id(node) in called and node.value.id != "self":
                methods.add(node.attr)
    found = {name: frozenset(each) for name, each in attributes.items()}
    return Scope(modules, found, frozenset(methods), "torch" in modules)


def _known(function: ast.FunctionDef) -> dict[ast.stmt, frozenset[str]]:
    given = function.args
    names = {each.arg for each in [*given.posonlyargs, *given.args, *given.kwonlyargs]} - {"self"}
    known = {}
    for statement in statements(function):
        known[statement] = frozenset(names)
        targets = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        names |= {node.id for node in targets if isinstance(node.ctx, ast.Store)} - {"_"}
    return known


def _bare(function: ast.FunctionDef) -> frozenset[ast.stmt]:
    without = [node for node in ast.walk(function) if isinstance(node, ast.With) and "no_grad" in _head(node)]
    return frozenset(each for node in without for each in ast.walk(node) if isinstance(each, ast.stmt)) - set(without)


def _head(node: ast.With) -> str:
    return " ".join(ast.unparse(item) for item in node.items)
