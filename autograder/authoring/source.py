"""Authoring: a source notebook with marked solutions becomes the release, or a submission with answers filled in.

Nothing here changes the notebook that it is given.
"""

import copy
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.authoring.blanks import Blank, rewritten
from autograder.authoring.marked import blanks_of
from autograder.course.practical import Practical, load_practical
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.judging.proof import prove_steady
from autograder.notebook.cells import Cell, cells_of
from autograder.notebook.python import read_python

COLAB = "COLAB-ADDRESS"
_COLAB_LINE = re.compile(rf"^.*{COLAB}.*\n*", re.M)
_SCHEME = re.compile(r"^[ \t]*### BEGIN MARK SCHEME[ \t]*$.*?(?:^[ \t]*### END MARK SCHEME[ \t]*$|\Z)", re.M | re.S)


@dataclass(frozen=True)
class MarkedNotebook:
    """A source notebook whose markers are in order and which holds to its contract; make it by ``read_marked``."""

    notebook: NotebookNode
    practical: Practical
    cells: tuple[Cell, ...]
    blanks: Mapping[int, tuple[Blank, ...]]  # by the cell's index

    def rewritten(self, text_of: Callable[[Blank], str], colab_address: str = "") -> NotebookNode:
        """The notebook without outputs, and with that text in place of each blank.

        A line of a text cell that links to COLAB-ADDRESS gets the address; without one the whole line goes.
        """
        bare = copy.deepcopy(self.notebook)
        for cell, node in zip(self.cells, bare.cells, strict=True):
            node.source = rewritten(cell.source, self.blanks[cell.index], text_of)
            if node.cell_type == "markdown" and COLAB in node.source:
                kept = node.source if colab_address else _COLAB_LINE.sub("", node.source)
                node.source = kept.replace(COLAB, colab_address)
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
        places = (cell.index for cell in self.cells if cell.is_code and cell.has("solution"))
        first = next(places, len(self.cells))
        handed_in.cells[first:first] = _new_cells(handed_in, extra_cells)
        return handed_in


def read_marked(notebook: NotebookNode, practical: Practical) -> MarkedNotebook:
    """The notebook with its blanks; CourseError names cell and line of a marker, or of what else is amiss."""
    cells = cells_of(notebook, practical.source_path)
    blanks = {cell.index: blanks_of(cell) for cell in cells}
    for cell in cells:
        _check_answer(cell, blanks[cell.index], cell.grade_id in practical.written)
    return MarkedNotebook(notebook, practical, cells, blanks)


def _check_answer(cell: Cell, blanks: Sequence[Blank], is_written: bool) -> None:
    """CourseError on a model answer under another cell's id, and on one that is not marked."""
    for blank in () if cell.is_code else blanks:
        if blank.id != cell.grade_id:
            step = f"A written answer's marker bears its cell's id, {cell.grade_id!r}."
            raise cell.fault(f"the model answer bears the id {blank.id!r}.", step, blank.first)
    if is_written and not blanks:
        message = "no marker in it bears its id, so its model answer would reach the students."
        raise cell.fault(message, f"Mark it: ### BEGIN SOLUTION {cell.grade_id} … ### END SOLUTION")


def blank(notebook: NotebookNode, practical: Practical, colab_address: str = "") -> NotebookNode:
    """The release of a source notebook: blanks open, outputs gone. Mark schemes stay: see ``strip_mark_schemes``.

    Raises CourseError, naming cell and line, if a marker is amiss or the notebook does not hold to the contract.
    """
    marked = read_marked(notebook, practical)
    release = marked.rewritten(lambda blank: blank.opened(), colab_address)
    for cell, node in zip(marked.cells, release.cells, strict=True):
        if cell.is_code:
            _check_release(cell, node.source, marked.blanks[cell.index])
    return release


def _check_release(cell: Cell, text: str, blanks: Sequence[Blank]) -> None:
    try:
        read_python(text)
    except SyntaxError:
        message = "with its blanks open it would no longer parse."
        raise cell.fault(message, "Mark whole statements, and the whole of them.", blanks[0].first) from None


def fill(
    notebook: NotebookNode,
    practical: Practical,
    fills: Mapping[str, str],
    cells: Mapping[str, str] | None = None,
    extra_cells: Sequence[str] = (),
) -> NotebookNode:
    """A notebook as a student would hand it in, made from the source notebook.

    ``fills`` gives blanks other texts than the source's own (an expression, or dedented statements), ``cells`` replaces
    whole cells by their grade_id, and ``extra_cells`` are code cells before the first one that the contract names.
    Raises CourseError on unknown ids, and on a blank filled in a cell that is replaced.
    """
    return read_marked(notebook, practical).fill(fills, cells or {}, extra_cells)


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


def solved(notebook: NotebookNode, practical: Practical) -> NotebookNode:
    """The notebook to hand out afterwards: every blank filled in, and no markers, mark schemes and outputs.

    Raises CourseError, naming cell and line, where ``blank`` does.
    """
    return read_marked(notebook, practical).fill({}, {}, ())


def generate(course_root: Path, name: str) -> list[Path]:
    """Make a practical's release and solved notebook from its source, byte for byte as nbgrader's commands make them.

    Nothing else is touched: no gradebook, no other file. Returns the paths. Raises CourseError if the source, a marker,
    the contract or the course's configuration is at fault; what was made before then stays as it was.
    """
    from autograder.authoring.release import release_text, solution_text  # which load nbgrader

    practical = load_practical(course_root, name)
    blank(practical.source, practical)  # nbgrader would bury its faults in a traceback
    prove_steady(practical, practical.questions)
    texts = {
        practical.release_path: release_text(course_root, name),
        practical.solved_path: solution_text(course_root, name),
    }
    for path, text in texts.items():
        write_atomically(path, text)
    return list(texts)


def _check_fills(marked: MarkedNotebook, fills: Mapping[str, str], cells: Mapping[str, str]) -> None:
    known = {cell.grade_id for cell in marked.cells if cell.grade_id}
    homes = marked.practical.blanks
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
