"""From a notebook's cells to what marking needs of them: what is run, in the notebook's order and on its own lines.

What runs in Jupyter means the same here. Left out is what is known to be long, interactive or beside the point (see
``leaving_out``), and what the release gives anyway and nothing needs.
"""

import ast
import copy
import hashlib
import json
import platform
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.notebook.cells import grade_id_of, nbgrader_of
from autograder.notebook.definitions import CodeCell, Item, Loose, imported, kept_source, select, statements_in
from autograder.notebook.python import extends_itself, functions_in, read_python, structure
from autograder.notebook.recovery import recovered
from autograder.notebook.statements import ANY, declared_global

MOST_LOOSE = 300  # statements of which a message may speak
MOST_OPEN = 20  # blanks of one function that are told
MOST_SET, MOST_USED = 20, 100  # names of one statement for which it is noted what they depend on: each takes room


@dataclass(frozen=True)
class Extract:
    """What was taken from one notebook."""

    cells: tuple[tuple[str, str], ...]  # (label, source) of every cell of which something is run
    faults: Mapping[str, str]  # label of a cell that does not parse -> why
    functions: Mapping[str, str]  # qualified name -> its code, free of layout and comments
    open_blanks: Mapping[str, tuple[str, ...]]  # qualified name -> the lines in it that are still open
    names: frozenset[str]  # every name that is given a meaning; ANY among them where the text does not tell all
    imports: tuple[str, ...]  # the modules that the cells import outright, each once
    broken: Mapping[str, str]  # qualified name of a function, or name of a class, that does not parse -> why
    loose: tuple[Loose, ...]  # the statements that are no definitions, and set or change something
    uses: Mapping[str, tuple[str, ...]]  # name of a function, a class or a constant -> the global names that it uses
    statements: frozenset[str]  # what stands in it besides definitions, to tell what a student left as released

    @property
    def fingerprint(self) -> str:
        """The same for every notebook from which the same was taken."""
        return hashlib.sha256(json.dumps([self.cells, sorted(self.faults.items())]).encode()).hexdigest()

    def defines(self, name: str) -> bool:
        """Whether it gives that name a meaning, or may."""
        return name in self.names or ANY in self.names


def extract(
    notebook: NotebookNode, long_running: frozenset[str], limits: Limits | None = None, release: Extract | None = None
) -> Extract:
    """Take what is run from a (repaired) notebook; what is beyond the limits of its code becomes a fault.

    ``release`` is what was taken from the students' version, if the notebook is a student's.
    """
    cells, faults, broken = _parsed(notebook, limits or Limits())
    functions = _functions(cells)
    selection = select(cells, long_running, release.statements if release else None)
    changed = _changed(selection.kept) if release else set()
    kept = [item for item in selection.items if item in selection.kept]
    return Extract(
        cells=tuple(kept_source(cells, selection)),
        faults=faults,
        functions={name: _code(node) for name, (node, _) in functions.items() if not _is(name, changed)},
        open_blanks={
            name: blanks
            for name, (node, cell) in functions.items()
            if not _is(name, changed) and (blanks := _open(node, cell))
        },
        names=frozenset(name for item in kept for name in item.sets | declared_global(item.node)),
        imports=tuple(dict.fromkeys(name for cell in cells for name in imported(cell.tree))),
        broken={name: why for name, why in broken.items() if not _is(name, changed)},
        loose=tuple(selection.loose())[:MOST_LOOSE],
        uses=_uses(kept),
        statements=statements_in(cells),
    )


def as_data(extract: Extract) -> dict[str, Any]:
    """What was taken, as JSON can hold it, but for what only a release's is asked for."""
    plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(extract).items()}
    return {**plain, "names": sorted(extract.names), "statements": []}


def from_data(data: Mapping[str, Any]) -> Extract:
    """The same, from JSON."""
    return Extract(
        cells=tuple((label, source) for label, source in data["cells"]),
        faults=data["faults"],
        functions=data["functions"],
        open_blanks={name: tuple(lines) for name, lines in data["open_blanks"].items()},
        names=frozenset(data["names"]),
        imports=tuple(data["imports"]),
        broken=data["broken"],
        loose=tuple(Loose(cell, line, last, tuple(names), why) for cell, line, last, names, why in data["loose"]),
        uses={name: tuple(used) for name, used in data["uses"].items()},
        statements=frozenset(data["statements"]),
    )


def _changed(kept: Collection[Item]) -> set[tuple[str, str]]:
    """The objects that a student's own statements, or decorators, change, and the names that they set otherwise."""
    found: set[tuple[str, str]] = set()
    for item in kept:
        if not item.given and not isinstance(item.node, ast.Import | ast.ImportFrom):
            found |= item.changes
            if not item.is_definition:
                found |= {(name, "") for name in item.sets}
    return found


def _is(function: str, changed: Collection[tuple[str, str]]) -> bool:
    """Whether a function or method, or all of its class, is among them."""
    name, _, method = function.partition(".")
    return (name, "") in changed or (bool(method) and (name, method) in changed)


def _uses(kept: Sequence[Item]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for item in kept:
        if not isinstance(item.node, ast.Import | ast.ImportFrom) and len(item.sets) <= MOST_SET:
            used = sorted(item.uses)[:MOST_USED]
            for name in item.sets:
                found.setdefault(name, set()).update(used)
                found[name].discard(name)
    return {name: tuple(sorted(used)) for name, used in found.items()}


def _parsed(notebook: NotebookNode, limits: Limits) -> tuple[list[CodeCell], dict[str, str], dict[str, str]]:
    """The code cells that parse; of those that do not, label -> why; and of the functions that do not, name -> why.

    Of a cell that does not parse, all is taken that does.
    """
    cells: list[CodeCell] = []
    faults: dict[str, str] = {}
    broken: dict[str, str] = {}
    for number, node in enumerate(notebook.cells, start=1):
        if node.cell_type != "code" or nbgrader_of(node).get("grade", False):
            continue  # grade cells hold visible checks, which decide nothing
        label = f"cell {number} ({name})" if (name := grade_id_of(node)) else f"cell {number}"
        try:
            _check_length(node.source, cells, limits)
        except SyntaxError as error:
            faults[label] = str(error.msg)
            continue
        try:
            cells.append(CodeCell(label, *read_python(node.source)))
        except SyntaxError as error:
            faults[label] = _in_words(error)
            if found := recovered(node.source, label):
                cells.append(CodeCell(label, found.text, found.tree))
                broken |= {name: f"{label}, {_in_words(why)}" for name, why in found.broken.items()}
    return cells, faults, broken


def _in_words(error: SyntaxError) -> str:
    if not error.lineno:
        return str(error.msg)
    return f"line {error.lineno}: {error.msg}, as Python {platform.python_version()} reads it"


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
    for place, node in [(cell, node) for cell in cells for node in cell.tree.body]:
        for name, parts in functions_in(ast.Module([node], [])).items():
            before = found.get(name, {}) if extends_itself(node) else {}
            found[name] = before | {qualified: (each, place) for qualified, each in parts.items()}
    return {qualified: each for parts in found.values() for qualified, each in parts.items()}


@lru_cache(maxsize=256)  # the trees of what submissions have in common are the same ones
def _code(node: ast.FunctionDef) -> str:
    """The structure of a function without its docstring."""
    bare = copy.copy(node)
    bare.body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return structure(bare)


@lru_cache(maxsize=256)
def _rows(function: ast.FunctionDef) -> list[int]:
    """Of the lines of its cell those in which the release's placeholders still stand, from 0."""
    return [node.lineno - 1 for node in ast.walk(function) if isinstance(node, ast.stmt) and _is_placeholder(node)]


def _open(function: ast.FunctionDef, cell: CodeCell) -> tuple[str, ...]:
    """The lines of the function that are still open."""
    rows = _rows(function)
    lines = cell.source.split("\n") if rows else []
    return tuple(lines[row].strip() for row in rows[:MOST_OPEN])


def _is_placeholder(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return isinstance(node.value, ast.Constant) and node.value.value is ...
    if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)):
        return False
    words = [item.value for item in node.exc.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return node.exc.func.id == "NotImplementedError" and any("YOUR CODE HERE" in word for word in words)
