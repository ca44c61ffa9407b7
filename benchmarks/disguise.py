"""Ways in which a copied notebook is made to look like another one: what likeness must see through."""

import ast
import builtins
import copy
import random
from collections.abc import Callable, Collection, Mapping

import nbformat
from nbformat import NotebookNode

Disguise = Callable[[NotebookNode, NotebookNode, random.Random], NotebookNode]


def renamed(notebook: NotebookNode, release: NotebookNode, rng: random.Random) -> NotebookNode:
    """Every name of the student's own is another one, in all cells alike."""
    trees = _trees(notebook, release)
    kept = {*dir(builtins), "self", *_fixed(_trees(release, None).values()), *_fixed(trees.values(), imports=True)}
    bound = {name for tree in trees.values() for name in _bound(tree)} - kept
    names = {name: f"other_{number}" for number, name in enumerate(rng.sample(sorted(bound), len(bound)))}
    return _rewritten(notebook, {index: _Renamer(names).visit(tree) for index, tree in trees.items()})


def reformatted(notebook: NotebookNode, release: NotebookNode, _: random.Random) -> NotebookNode:
    """Laid out anew, without a comment."""
    return _rewritten(notebook, _trees(notebook, release))


def commented(notebook: NotebookNode, release: NotebookNode, rng: random.Random) -> NotebookNode:
    """A comment at every third line or so, and other docstrings."""
    trees = {index: _Documented().visit(tree) for index, tree in _trees(notebook, release).items()}
    copied = _rewritten(notebook, trees)
    for index in trees:
        lines = copied.cells[index].source.split("\n")
        copied.cells[index].source = "\n".join(
            f"{line}  # as it must be" if rng.random() < 0.3 else line for line in lines
        )
    return copied


def printed(notebook: NotebookNode, release: NotebookNode, rng: random.Random) -> NotebookNode:
    """A print after every third statement or so."""

    def extended(body: list[ast.stmt]) -> list[ast.stmt]:
        found = []
        for node in body:
            if rng.random() < 0.3 and not _is_docstring(node):
                found.append(ast.parse(f"print('step', {rng.randint(1, 9)})").body[0])
            found.append(node)
        return found

    return _with_bodies(notebook, release, extended)


def swapped(notebook: NotebookNode, release: NotebookNode, _: random.Random) -> NotebookNode:
    """Neighbours among the statements change places wherever neither uses what the other binds."""

    def exchanged(body: list[ast.stmt]) -> list[ast.stmt]:
        found = list(body)
        at = 0
        while at + 1 < len(found):
            if _independent(found[at], found[at + 1]):
                found[at], found[at + 1] = found[at + 1], found[at]
                at += 1
            at += 1
        return found

    return _with_bodies(notebook, release, exchanged)


def reordered(notebook: NotebookNode, release: NotebookNode, rng: random.Random) -> NotebookNode:
    """The cells that are not the release's stand in another order."""
    copied = copy.deepcopy(notebook)
    places = [*_trees(notebook, release)]
    for place, other in zip(places, rng.sample(places, len(places)), strict=True):
        copied.cells[place] = copy.deepcopy(notebook.cells[other])
    return copied


def padded(notebook: NotebookNode, _: NotebookNode, rng: random.Random) -> NotebookNode:
    """A cell of code that has nothing to do with anything."""
    lines = [
        f"    total = (total * {rng.randint(2, 99)} + {rng.randint(2, 99)}) % {rng.randint(99, 999)}" for _ in range(30)
    ]
    copied = copy.deepcopy(notebook)
    copied.cells.append(nbformat.v4.new_code_cell("\n".join(["def churn(total):", *lines, "    return total"])))
    return copied


DISGUISES: Mapping[str, Disguise] = {
    each.__name__: each for each in (renamed, reformatted, commented, printed, swapped, reordered, padded)
}


def all_at_once(notebook: NotebookNode, release: NotebookNode, rng: random.Random) -> NotebookNode:
    """Every disguise, one over the other."""
    for disguise in DISGUISES.values():
        notebook = disguise(notebook, release, rng)
    return notebook


def _trees(notebook: NotebookNode, release: NotebookNode | None) -> dict[int, ast.Module]:
    """The code cells that parse and are neither the release's nor grade cells, by their place."""
    given = {cell.source for cell in release.cells} if release else set()
    found = {}
    for index, cell in enumerate(notebook.cells):
        graded = cell.metadata.get("nbgrader", {}).get("grade", False)
        if cell.cell_type == "code" and not graded and cell.source not in given and "%pip" not in cell.source:
            found[index] = ast.parse(cell.source)
    return found


def _rewritten(notebook: NotebookNode, trees: Mapping[int, ast.Module]) -> NotebookNode:
    copied = copy.deepcopy(notebook)
    for index, tree in trees.items():
        copied.cells[index].source = ast.unparse(ast.fix_missing_locations(tree))
    return copied


def _with_bodies(
    notebook: NotebookNode, release: NotebookNode, change: Callable[[list[ast.stmt]], list[ast.stmt]]
) -> NotebookNode:
    trees = _trees(notebook, release)
    for tree in trees.values():
        for node in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
            node.body = change(node.body)
    return _rewritten(notebook, trees)


def _fixed(trees: Collection[ast.Module], imports: bool = False) -> set[str]:
    """Names of functions and classes, or those that imports bind."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    if not imports:
        return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    aliases = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    return {(alias.asname or alias.name).split(".")[0] for alias in aliases}


def _bound(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return found


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _independent(one: ast.stmt, other: ast.stmt) -> bool:
    if not (isinstance(one, ast.Assign) and isinstance(other, ast.Assign)):
        return False
    names = [{node.id for node in ast.walk(each) if isinstance(node, ast.Name)} for each in (one, other)]
    targets = [
        {node.id for target in each.targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        for each in (one, other)
    ]
    return not (targets[0] & names[1] or targets[1] & names[0])


class _Renamer(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self.names.get(node.arg, node.arg)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)


class _Documented(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        node.body = [ast.Expr(ast.Constant("Other words.")), *body]
        return self.generic_visit(node)
