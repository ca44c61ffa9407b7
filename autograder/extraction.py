"""From a notebook's cells to what marking needs of them: definitions.

Imports, functions, classes and the constants that these use are kept, in the notebook's order and on their own lines.
Long runs, plots, prompts, shell and magic lines and experiments are left out: they neither run nor matter.
"""

import ast
import copy
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from autograder.assignment import Assignment
from autograder.definitions import Cell, imported, kept_source, names_bound, parse
from autograder.limits import Limits

ESCAPED = re.compile(r"^\s*[%!?,;/]|=\s*[%!]|\?\s*$", re.M)  # lines that IPython turns into calls
MOST_ESCAPES = 1_000_000  # of them, times the cell's characters: IPython reads the whole cell anew for each
PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")  # what follows them is Python all the same


@dataclass(frozen=True)
class Extract:
    """What was taken from one notebook."""

    cells: tuple[tuple[str, str], ...]  # (label, source) of every cell that defines something
    faults: Mapping[str, str]  # label of a cell that does not parse -> why
    functions: Mapping[str, str]  # qualified name -> its code, free of layout and comments
    open_blanks: Mapping[str, tuple[str, ...]]  # qualified name -> the lines in it that are still open
    names: frozenset[str]  # every name that a kept statement binds

    @property
    def imports(self) -> tuple[str, ...]:
        """The modules that the cells import outright, each once."""
        trees = [ast.parse(source) for _, source in self.cells]
        return tuple(dict.fromkeys(name for tree in trees for name in imported(tree)))

    @property
    def fingerprint(self) -> str:
        """The same for every notebook from which the same was taken."""
        return hashlib.sha256(json.dumps([self.cells, sorted(self.faults.items())]).encode()).hexdigest()


def extract(notebook: NotebookNode, assignment: Assignment, limits: Limits | None = None) -> Extract:
    """Take the definitions from a (repaired) notebook; what is beyond the limits of its code becomes a fault."""
    cells, faults = _parsed(notebook, limits or Limits())
    functions = functions_of(cells)
    kept = kept_source(cells, assignment.long_running)
    return Extract(
        cells=tuple((label, source) for label, source in kept if source.strip()),
        faults=faults,
        functions={name: ast.dump(_bare(node)) for name, (node, _) in functions.items()},
        open_blanks={name: blanks for name, (node, cell) in functions.items() if (blanks := _open(node, cell))},
        names=frozenset(name for _, source in kept for name in names_bound(source)),
    )


def _parsed(notebook: NotebookNode, limits: Limits) -> tuple[list[Cell], dict[str, str]]:
    """The code cells that parse, and of those that do not, label -> why."""
    cells: list[Cell] = []
    faults: dict[str, str] = {}
    for number, node in enumerate(notebook.cells, start=1):
        if node.cell_type != "code" or node.metadata.get("nbgrader", {}).get("grade", False):
            continue  # grade cells hold visible checks, which decide nothing
        label = _label(number, node)
        try:
            _check_length(node.source, cells, limits)
            cells.append(cell_of(label, node.source))
        except SyntaxError as error:
            faults[label] = f"line {error.lineno}: {error.msg}" if error.lineno else str(error.msg)
    return cells, faults


def cell_of(label: str, source: str) -> Cell:
    """The cell; SyntaxError if it is not Python, magics and shell lines apart.

    What is plain Python needs no look through IPython's eyes, which take much longer.
    """
    try:
        if not source.lstrip().startswith("In ["):  # IPython's own prompt would pass for an annotation
            return parse(label, source)
    except SyntaxError:
        pass
    return parse(label, python_of(source))


def _check_length(source: str, before: Sequence[Cell], limits: Limits) -> None:
    """SyntaxError for one cell too many or too long, since reading code takes time and memory in the grader itself."""
    if len(source) > limits.longest_cell:
        raise SyntaxError(f"the cell is longer than {limits.longest_cell} characters")
    if len(source) + sum(len(cell.source) for cell in before) > limits.all_code:
        raise SyntaxError(f"with it the notebook's code is longer than {limits.all_code} characters")
    if len(before) == limits.code_cells:
        raise SyntaxError(f"it comes after {limits.code_cells} other cells of code")


def _label(number: int, node: NotebookNode) -> str:
    grade_id = node.metadata.get("nbgrader", {}).get("grade_id", "")
    return f"cell {number} ({grade_id})" if grade_id else f"cell {number}"


def python_of(source: str) -> str:
    """A cell's text as plain Python: magics and shell lines become calls that extraction leaves out."""
    first, _, rest = source.lstrip().partition("\n")
    if first.startswith("%%"):
        source = f"\n{rest}" if first.split()[0] in PYTHON_MAGICS else ""
    if len(ESCAPED.findall(source)) * len(source) > MOST_ESCAPES:
        raise SyntaxError("it has too many shell and magic lines for a cell of its length")
    try:
        text: str = TransformerManager().transform_cell(source)
    except SyntaxError:
        raise
    except Exception as error:  # IPython's transformer trips over some malformed input in ways of its own
        raise SyntaxError(f"it cannot be read as Python ({type(error).__name__})") from None
    return text


def functions_of(cells: Sequence[Cell]) -> dict[str, tuple[ast.FunctionDef, Cell]]:
    """Top-level functions and methods by qualified name; as in a notebook run from the top, the last one counts."""
    found: dict[str, tuple[ast.FunctionDef, Cell]] = {}
    for cell in cells:
        for node in cell.tree.body:
            if isinstance(node, ast.FunctionDef):
                found[node.name] = (node, cell)
            elif isinstance(node, ast.ClassDef):
                for name in [name for name in found if name.startswith(f"{node.name}.")]:
                    del found[name]
                methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
                found.update({f"{node.name}.{method.name}": (method, cell) for method in methods})
    return found


def _bare(node: ast.FunctionDef) -> ast.FunctionDef:
    """The function without its docstring."""
    bare = copy.copy(node)
    bare.body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return bare


def _open(function: ast.FunctionDef, cell: Cell) -> tuple[str, ...]:
    """The lines of the function in which the release's placeholders still stand."""
    statements = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    return tuple(cell.lines[node.lineno - 1].strip() for node in statements if _is_placeholder(node))


def _is_placeholder(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return isinstance(node.value, ast.Constant) and node.value.value is ...
    if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)):
        return False
    words = [item.value for item in node.exc.args if isinstance(item, ast.Constant)]
    return node.exc.func.id == "NotImplementedError" and any("YOUR CODE HERE" in str(word) for word in words)
