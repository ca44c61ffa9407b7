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
from autograder.authoring.blanks import Blank, WrittenBlank, rewritten
from autograder.authoring.cells import Cell, cells_of, parse_cell
from autograder.authoring.contract import check_contract
from autograder.authoring.marked import blanks_of
from autograder.errors import CourseError
from autograder.files import write_atomically

_SCHEME = re.compile(r"^[ \t]*### BEGIN MARK SCHEME[ \t]*$.*?(?:^[ \t]*### END MARK SCHEME[ \t]*$|\Z)", re.M | re.S)


@dataclass(frozen=True)
class MarkedNotebook:
    """A source notebook whose markers are in order and which holds to its contract; make it by ``read_marked``."""

    notebook: NotebookNode
    assignment: Assignment
    cells: tuple[Cell, ...]
    blanks: Mapping[int, tuple[Blank, ...]]  # by the cell's index

    def rewritten(self, text_of: Callable[[Blank], str]) -> NotebookNode:
        """The notebook without outputs, and with that text in place of each blank."""
        bare = copy.deepcopy(self.notebook)
        for cell, node in zip(self.cells, bare.cells, strict=True):
            node.source = rewritten(cell.source, self.blanks[cell.index], text_of)
            if cell.is_code:
                node.outputs, node.execution_count = [], None
                for trace in ("collapsed", "scrolled", "execution"):
                    node.metadata.pop(trace, None)
        return bare

    def fill(self, fills: Mapping[str, str], cells: Mapping[str, str], extra_cells: Sequence[str]) -> NotebookNode:
        """See the function ``fill``."""
        _check_fills(self, fills, cells)
        handed_in = self.rewritten(lambda blank: blank.filled(fills.get(blank.id, blank.solution)))
        _strip_mark_schemes(handed_in)
        for cell, node in zip(self.cells, handed_in.cells, strict=True):
            node.source = cells.get(cell.grade_id, node.source)
        first = next(cell.index for cell in self.cells if cell.grade_id in self.assignment.defines)
        handed_in.cells[first:first] = _new_cells(handed_in, extra_cells)
        return handed_in


def read_marked(notebook: NotebookNode, assignment: Assignment) -> MarkedNotebook:
    """The notebook with its blanks; CourseError names cell and line of a marker, or of what else is amiss."""
    cells = cells_of(notebook)
    blanks = {cell.index: blanks_of(cell) for cell in cells}
    check_contract(assignment, cells, blanks)
    return MarkedNotebook(notebook, assignment, cells, blanks)


def solutions(notebook: NotebookNode, assignment: Assignment) -> dict[str, str]:
    """What the source notebook fills its blanks with: blank id -> an expression, or dedented statements.

    Raises CourseError if the notebook does not hold to the contract.
    """
    blanks = [blank for of_cell in read_marked(notebook, assignment).blanks.values() for blank in of_cell]
    return {blank.id: blank.solution for blank in blanks if not isinstance(blank, WrittenBlank)}


def blank(notebook: NotebookNode, assignment: Assignment) -> NotebookNode:
    """The release of a source notebook: blanks open, outputs gone. Mark schemes stay: see ``strip_mark_schemes``.

    Raises CourseError, naming cell and line, if a marker is amiss or the notebook does not hold to the contract.
    """
    marked = read_marked(notebook, assignment)
    release = marked.rewritten(lambda blank: blank.opened())
    for cell, node in zip(marked.cells, release.cells, strict=True):
        if cell.is_code:
            _check_release(cell, node.source, marked.blanks[cell.index])
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
    return read_marked(notebook, assignment).fill(fills, cells or {}, extra_cells)


def strip_mark_schemes(notebook: NotebookNode) -> NotebookNode:
    """A notebook without the mark schemes of its markdown cells.

    It takes any notebook, a student's too, and never shows too much: a scheme that is not ended ends with its cell.
    """
    stripped = copy.deepcopy(notebook)
    _strip_mark_schemes(stripped)
    return stripped


def _strip_mark_schemes(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and _SCHEME.search(cell.source):
            cell.source = _SCHEME.sub("", cell.source).strip("\n")


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
        if raw["nbformat"] != 4:
            raise ValueError(f"it is in nbformat {raw['nbformat']}")
        if raw["nbformat_minor"] >= 5 and (None in ids or len(set(ids)) < len(ids)):
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
    from autograder.authoring.release import release_text  # loads nbgrader, which the rest of authoring does without

    assignment = load_assignment(assignment_name)
    blank(read_source(course_root, assignment_name), assignment)  # nbgrader would bury its faults in a traceback
    path = course_root / "release" / assignment_name / f"{assignment_name}.ipynb"
    text = release_text(course_root, assignment_name)
    try:
        write_atomically(path, text)
    except OSError as error:
        raise CourseError(f"The release cannot be written: {error}.", "Look at the folder's rights.") from error
    return path


def _check_fills(marked: MarkedNotebook, fills: Mapping[str, str], cells: Mapping[str, str]) -> None:
    known = {cell.grade_id for cell in marked.cells if cell.grade_id}
    homes = marked.assignment.blanks
    for blank_id in fills:
        if blank_id not in homes:
            raise CourseError(f"There is no blank {blank_id!r} to fill.", f"Blanks: {', '.join(homes)}.")
        if homes[blank_id] in cells:
            message = f"The blank {blank_id!r} is filled in a cell that is replaced, {homes[blank_id]!r}."
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
