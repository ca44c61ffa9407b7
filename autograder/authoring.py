"""Authoring: a source notebook with marked solutions becomes the release, or a submission with answers filled in.

Nothing here changes the notebook that it is given.
"""

import copy
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.assignment import Assignment, load_assignment
from autograder.blanks import Blank, WrittenBlank, rewritten
from autograder.cells import Cell, cells_of, parse_cell
from autograder.contract import check_contract
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.marked import blanks_of

_SCHEME = re.compile(r"^[ \t]*### BEGIN MARK SCHEME[ \t]*$.*?(?:^[ \t]*### END MARK SCHEME[ \t]*$|\Z)", re.M | re.S)


@dataclass(frozen=True)
class _Source:
    """A source notebook that holds to its contract."""

    cells: tuple[Cell, ...]
    blanks: Mapping[int, tuple[Blank, ...]]  # by the cell's index

    def rewritten(self, index: int, text_of: Callable[[Blank], str]) -> str:
        """One cell's source with that text in place of each of its blanks."""
        return rewritten(self.cells[index].source, self.blanks[index], text_of)


def _read(notebook: NotebookNode, assignment: Assignment) -> _Source:
    cells = cells_of(notebook)
    blanks = {cell.index: blanks_of(cell) for cell in cells}
    check_contract(assignment, cells, blanks)
    return _Source(cells, blanks)


def solutions(notebook: NotebookNode, assignment: Assignment) -> dict[str, str]:
    """What the source notebook fills its blanks with: blank id -> an expression, or dedented statements.

    Raises CourseError if the notebook does not hold to the contract.
    """
    source = _read(notebook, assignment)
    return {
        blank.id: blank.solution
        for blanks in source.blanks.values()
        for blank in blanks
        if not isinstance(blank, WrittenBlank)
    }


def blank(notebook: NotebookNode, assignment: Assignment) -> NotebookNode:
    """The release of a source notebook: blanks open, outputs gone. Mark schemes stay: see ``strip_mark_schemes``.

    Raises CourseError, naming cell and line, if a marker is amiss or the notebook does not hold to the contract.
    """
    source = _read(notebook, assignment)
    release = _without_outputs(notebook)
    for cell in source.cells:
        text = source.rewritten(cell.index, lambda blank: blank.opened())
        if cell.is_code:
            _check_release(cell, text, source.blanks[cell.index])
        release.cells[cell.index].source = text
    return release


def _check_release(cell: Cell, text: str, blanks: Sequence[Blank]) -> None:
    try:
        parse_cell(text)
    except SyntaxError:
        message = "with its blanks open it would no longer parse."
        raise cell.fault(message, "Mark whole statements, and the whole of them.", blanks[0].first) from None


def fill(
    notebook: NotebookNode,
    assignment: Assignment,
    fills: Mapping[str, str],
    cells: Mapping[str, str] | None = None,
    extra_cells: Sequence[str] = (),
) -> NotebookNode:
    """A notebook as a student would hand it in, made from the source notebook.

    ``fills`` gives blanks other texts than the source's own (an expression, or dedented statements), ``cells`` replaces
    whole cells by their grade_id, and ``extra_cells`` are code cells before the first one that the contract names.
    Raises CourseError on unknown ids, and on a blank filled in a cell that is replaced.
    """
    source = _read(notebook, assignment)
    cells = cells or {}
    _check_fills(source, assignment, fills, cells)
    handed_in = _without_outputs(notebook)
    for cell in source.cells:
        text = source.rewritten(cell.index, lambda blank: blank.filled(fills.get(blank.id, blank.solution)))
        handed_in.cells[cell.index].source = cells.get(cell.grade_id, text)
    handed_in = strip_mark_schemes(handed_in)
    first = next(cell.index for cell in source.cells if cell.grade_id in assignment.defines)
    handed_in.cells[first:first] = _new_cells(handed_in, extra_cells)
    return handed_in


def strip_mark_schemes(notebook: NotebookNode) -> NotebookNode:
    """A notebook without the mark schemes of its markdown cells.

    It takes any notebook, a student's too, and never shows too much: a scheme that is not ended ends with its cell.
    """
    stripped = copy.deepcopy(notebook)
    for cell in stripped.cells:
        if cell.cell_type == "markdown" and _SCHEME.search(cell.source):
            cell.source = _SCHEME.sub("", cell.source).strip("\n")
    return stripped


def read_source(course_root: Path, assignment_name: str) -> NotebookNode:
    """The source notebook of an assignment; CourseError says why it cannot be read."""
    path = course_root / "source" / assignment_name / f"{assignment_name}.ipynb"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = f"There is no source notebook {path}."
        raise CourseError(message, "Write it, or name the course's own folder.") from None
    except (OSError, UnicodeDecodeError) as error:
        message = f"The source notebook {path} cannot be read: {error}."
        raise CourseError(message, "Save it afresh in Jupyter.") from error
    try:
        raw = json.loads(text)
        ids = [cell.get("id") for cell in raw["cells"]]
        if (raw["nbformat"], raw["nbformat_minor"]) >= (4, 5) and (None in ids or len(set(ids)) < len(ids)):
            raise ValueError("cells without an id, or two with the same one")  # nbformat would make up new ones
        notebook: NotebookNode = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise CourseError(f"{path} is no valid notebook ({reason}).", "Open it in Jupyter and save it.") from error
    return notebook


def generate(course_root: Path, assignment_name: str) -> Path:
    """Make an assignment's release notebook from its source, byte for byte as ``nbgrader generate_assignment`` does.

    Nothing else is touched: no gradebook, no file beside the notebook. Returns the release's path. Raises CourseError
    if the source, a marker or the course's configuration is amiss; an earlier release then stays as it was.
    """
    from autograder.release import release_text  # loads nbgrader, which the rest of authoring does without

    assignment = load_assignment(assignment_name)
    blank(read_source(course_root, assignment_name), assignment)  # nbgrader would bury its faults in a traceback
    path = course_root / "release" / assignment_name / f"{assignment_name}.ipynb"
    write_atomically(path, release_text(course_root, assignment_name))
    return path


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            for trace in ("collapsed", "scrolled", "execution"):
                cell.metadata.pop(trace, None)
    return bare


def _check_fills(source: _Source, assignment: Assignment, fills: Mapping[str, str], cells: Mapping[str, str]) -> None:
    known = {cell.grade_id for cell in source.cells if cell.grade_id}
    for blank_id in fills:
        if blank_id not in assignment.blanks:
            raise CourseError(f"There is no blank {blank_id!r} to fill.", f"Blanks: {', '.join(assignment.blanks)}.")
        if assignment.blanks[blank_id] in cells:
            message = f"The blank {blank_id!r} is filled in a cell that is replaced, {assignment.blanks[blank_id]!r}."
            raise CourseError(message, "Do one or the other.")
    for grade_id in cells:
        if grade_id not in known:
            raise CourseError(f"There is no cell {grade_id!r} to replace.", f"Cells: {', '.join(sorted(known))}.")


def _new_cells(notebook: NotebookNode, sources: Sequence[str]) -> list[NotebookNode]:
    """Code cells with ids that are the same every time and none of the notebook's own."""
    taken = {cell.get("id") for cell in notebook.cells}
    free = (name for number in itertools.count(1) if (name := f"extra-{number}") not in taken)
    cells = [_new_code_cell(source, next(free)) for source in sources]
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):  # cells had no ids then
        for cell in cells:
            del cell["id"]
    return cells


def _new_code_cell(source: str, cell_id: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell(source, id=cell_id)
    return cell
