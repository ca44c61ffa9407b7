"""From a notebook's cells to what marking needs of them: definitions.

Imports, functions, classes and the constants that these use are kept, in the notebook's order and on their own lines.
Long runs, plots, prompts, shell and magic lines and experiments are left out: they neither run nor matter.
"""

import ast
import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.notebook.cells import grade_id_of, nbgrader_of
from autograder.notebook.definitions import CodeCell, imported, kept_source
from autograder.notebook.python import functions_in, read_python, structure


@dataclass(frozen=True)
class Extract:
    """What was taken from one notebook."""

    cells: tuple[tuple[str, str], ...]  # (label, source) of every cell that defines something
    faults: Mapping[str, str]  # label of a cell that does not parse -> why
    functions: Mapping[str, str]  # qualified name -> its code, free of layout and comments
    open_blanks: Mapping[str, tuple[str, ...]]  # qualified name -> the lines in it that are still open
    names: frozenset[str]  # every name that a kept statement binds
    imports: tuple[str, ...]  # the modules that the cells import outright, each once

    @property
    def fingerprint(self) -> str:
        """The same for every notebook from which the same was taken."""
        return hashlib.sha256(json.dumps([self.cells, sorted(self.faults.items())]).encode()).hexdigest()


def extract(notebook: NotebookNode, long_running: frozenset[str], limits: Limits | None = None) -> Extract:
    """Take the definitions from a (repaired) notebook; what is beyond the limits of its code becomes a fault."""
    cells, faults = _parsed(notebook, limits or Limits())
    functions = _functions(cells)
    kept, names = kept_source(cells, long_running)
    return Extract(
        cells=tuple(kept),
        faults=faults,
        functions={name: structure(_bare(node)) for name, (node, _) in functions.items()},
        open_blanks={name: blanks for name, (node, cell) in functions.items() if (blanks := _open(node, cell))},
        names=frozenset(names),
        imports=tuple(dict.fromkeys(name for cell in cells for name in imported(cell.tree))),
    )


def _parsed(notebook: NotebookNode, limits: Limits) -> tuple[list[CodeCell], dict[str, str]]:
    """The code cells that parse, and of those that do not, label -> why."""
    cells: list[CodeCell] = []
    faults: dict[str, str] = {}
    for number, node in enumerate(notebook.cells, start=1):
        if node.cell_type != "code" or nbgrader_of(node).get("grade", False):
            continue  # grade cells hold visible checks, which decide nothing
        label = f"cell {number} ({name})" if (name := grade_id_of(node)) else f"cell {number}"
        try:
            _check_length(node.source, cells, limits)
            cells.append(CodeCell(label, *read_python(node.source)))
        except SyntaxError as error:
            faults[label] = f"line {error.lineno}: {error.msg}" if error.lineno else str(error.msg)
    return cells, faults


def _check_length(source: str, before: Sequence[CodeCell], limits: Limits) -> None:
    """SyntaxError for one cell too many or too long, since reading code takes time and memory in the grader itself."""
    if len(source) > limits.longest_cell:
        raise SyntaxError(f"the cell is longer than {limits.longest_cell} characters")
    if len(source) + sum(len(cell.source) for cell in before) > limits.all_code:
        raise SyntaxError(f"with it the notebook's code is longer than {limits.all_code} characters")
    if len(before) == limits.code_cells:
        raise SyntaxError(f"it comes after {limits.code_cells} other cells of code")


def _functions(cells: Sequence[CodeCell]) -> dict[str, tuple[ast.FunctionDef, CodeCell]]:
    """Top-level functions and methods by qualified name; as in a notebook run from the top, the last one counts."""
    found: dict[str, dict[str, tuple[ast.FunctionDef, CodeCell]]] = {}
    for cell in cells:
        for name, parts in functions_in(cell.tree).items():
            found[name] = {qualified: (node, cell) for qualified, node in parts.items()}
    return {qualified: each for parts in found.values() for qualified, each in parts.items()}


def _bare(node: ast.FunctionDef) -> ast.FunctionDef:
    """The function without its docstring."""
    bare = copy.copy(node)
    bare.body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return bare


def _open(function: ast.FunctionDef, cell: CodeCell) -> tuple[str, ...]:
    """The lines of the function in which the release's placeholders still stand."""
    statements = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    lines = cell.source.split("\n")
    return tuple(lines[node.lineno - 1].strip() for node in statements if _is_placeholder(node))


def _is_placeholder(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return isinstance(node.value, ast.Constant) and node.value.value is ...
    if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)):
        return False
    words = [item.value for item in node.exc.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return node.exc.func.id == "NotImplementedError" and any("YOUR CODE HERE" in word for word in words)
