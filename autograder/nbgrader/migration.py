"""A gradebook brought up to date with a source notebook whose cells changed after the first submissions came in.

nbgrader refuses that, and would have the assignment removed with all marks. Here cells come and go one by one: every
mark and comment that a person gave stays, unless its own cell is gone.
"""

from dataclasses import dataclass

from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    SolutionCell,
    SourceCell,
    TaskCell,
)

from autograder.course.folders import Course
from autograder.errors import CourseError
from autograder.nbgrader.backups import back_up
from autograder.nbgrader.database import cells_by_name, database_of
from autograder.notebook.cells import Cell, cells_of

KINDS = {"grade": GradeCell, "solution": SolutionCell, "task": TaskCell}


@dataclass(frozen=True)
class Migration:
    """What came, what went, and the marks by hand that went with it: (student, cell, points or comment)."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    lost: tuple[tuple[str, str, str], ...]


def migrate(course: Course, drop: bool = False) -> Migration:
    """Give the gradebook the cells of the source notebook of today; it is backed up before.

    CourseError where there is nothing to migrate, and where marks by hand would go with their cell, unless ``drop``.
    """
    database = database_of(course)
    back_up(course.root, database.path)
    with Gradebook(database.url) as gradebook:
        try:
            notebook = gradebook.find_notebook(course.name, course.name)
        except MissingEntry:
            message = f"The gradebook holds no assignment {course.name}, so there is nothing to bring up to date."
            raise CourseError(message, "Grade the class: autograder grade") from None
        found = _compared(notebook, cells_of(course.practical.source, course.practical.source_path))
        if found.lost and not drop:
            listed = ", ".join(f"{student}: {cell} ({what})" for student, cell, what in found.lost[:10])
            message = f"Marks given by hand would go with their cells: {len(found.lost)} ({listed})."
            raise CourseError(message, "Bring the cells back; or give those marks up with --drop-marks.")
        _migrate(gradebook, notebook, course)
        gradebook.db.commit()
    return found


def _wanted(cells: tuple[Cell, ...]) -> dict[tuple[str, str], Cell]:
    """The gradebook's cells by role and name, as SaveCells makes them."""
    roles = [(role, cell) for cell in cells if cell.grade_id for role in KINDS if cell.has(role)]
    return {(role, cell.grade_id): cell for role, cell in roles}


def _compared(notebook: Notebook, cells: tuple[Cell, ...]) -> Migration:
    wanted = _wanted(cells)
    there = {(role, each.name) for role, kind in KINDS.items() for each in _of(notebook, kind)}
    lost = [given for role, name in sorted(there - wanted.keys()) for given in _by_hand(notebook, role, name)]
    sources = cells_by_name(cells).keys()
    before = {name for _, name in there} | {each.name for each in notebook.source_cells}
    return Migration(tuple(sorted(sources - before)), tuple(sorted(before - sources)), tuple(lost))


def _of(notebook: Notebook, kind: type) -> list[BaseCell]:
    return [cell for cell in notebook._base_cells if type(cell) is kind]


def _by_hand(notebook: Notebook, role: str, name: str) -> list[tuple[str, str, str]]:
    """What persons gave to a cell."""
    found = []
    for cell in (each for each in _of(notebook, KINDS[role]) if each.name == name):
        for grade in cell.grades:
            if grade.manual_score is not None or grade.extra_credit:
                points = (grade.manual_score or 0.0) + (grade.extra_credit or 0.0)
                found.append((grade.notebook.student.id, name, f"{points:g} points"))
        comments = [comment for comment in cell.comments if comment.manual_comment]
        found += [(comment.notebook.student.id, name, "a comment") for comment in comments]
    return found


def _migrate(gradebook: Gradebook, notebook: Notebook, course: Course) -> None:
    cells = cells_of(course.practical.source, course.practical.source_path)
    wanted = _wanted(cells)
    for role, kind in KINDS.items():
        for cell in _of(notebook, kind):
            if (role, cell.name) not in wanted:
                for row in (*cell.grades, *cell.comments):
                    gradebook.db.delete(row)
                gradebook.db.delete(cell)
    sources = cells_by_name(cells)
    for source in list(notebook.source_cells):
        if source.name not in sources:
            gradebook.db.delete(source)
    gradebook.db.flush()
    gradebook.db.expire_all()
    known = {(role, each.name) for role, kind in KINDS.items() for each in _of(notebook, kind)}
    for (role, name), cell in wanted.items():
        if (role, name) not in known:
            _add(gradebook, notebook, role, cell)
    for name in sources.keys() - {each.name for each in notebook.source_cells}:
        kind = "code" if sources[name].is_code else "markdown"  # the text is filled in when the class is graded
        gradebook.db.add(SourceCell(name=name, notebook=notebook, cell_type=kind, source="", checksum="", locked=False))


def _add(gradebook: Gradebook, notebook: Notebook, role: str, cell: Cell) -> None:
    """Add a cell, and to every submission the place for its mark or comment."""
    facts = (
        {"max_score": cell.points, "cell_type": "code" if cell.is_code else "markdown"} if role != "solution" else {}
    )
    made = KINDS[role](name=cell.grade_id, notebook=notebook, **facts)
    gradebook.db.add(made)
    gradebook.db.flush()
    for submission in notebook.submissions:
        if role in ("grade", "task"):
            gradebook.db.add(Grade(cell_id=made.id, notebook=submission))
        if role in ("solution", "task"):
            gradebook.db.add(Comment(cell_id=made.id, notebook=submission))
