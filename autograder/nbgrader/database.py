"""What a gradebook's database holds of one assignment: read for the whole class at once, and without nbgrader."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InternalError, OperationalError, SQLAlchemyError

from autograder.course.configuration import course_config
from autograder.course.folders import Course
from autograder.errors import CourseError
from autograder.notebook.cells import Cell

REMEDIES = {  # what a database says -> what to do
    "locked": "Another program is writing to it, such as formgrader or a grader on another machine: wait, or close it.",
    "full": "Make room there.",
    "disk I/O": "Look whether there is room there, and whether the disk is in order.",
    "readonly": "Look at the rights of the file and its folder.",
    "unable to open": "Look at the rights of the file and its folder.",
    "malformed": "Bring back a backup of it.",
    "not a database": "Bring back a backup of it, or move it away to start a new one.",
    "connection": "Start its server, and look at c.CourseDirectory.db_url.",
    "No module named": "Install what speaks to it; for PostgreSQL, in the kit's folder: pip install --constraint "
    "constraints.txt --editable '.[postgresql]'",
}
_OF_ASSIGNMENT = """
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
JOIN assignment ON assignment.id = submitted_assignment.assignment_id
WHERE assignment.name = :assignment AND submitted_assignment.student_id = COALESCE(:student, student_id)"""
_CELLS = """
SELECT source_cell.name, source_cell.cell_type, source_cell.locked, source_cell.checksum, base_cell.type, max_score
FROM source_cell JOIN notebook ON notebook.id = source_cell.notebook_id
JOIN assignment ON assignment.id = notebook.assignment_id
LEFT JOIN base_cell ON base_cell.notebook_id = notebook.id AND base_cell.name = source_cell.name
LEFT JOIN grade_cells ON grade_cells.id = base_cell.id
WHERE assignment.name = :assignment"""

_DATES = f"""
SELECT submitted_assignment.student_id, assignment.duedate, submitted_assignment.extension,
    submitted_assignment.timestamp, late_submission_penalty
FROM submitted_notebook {_OF_ASSIGNMENT}"""  # noqa: S608 - the text is this module's own


def _by_cell(table: str, *columns: str) -> str:
    return f"""
SELECT submitted_assignment.student_id, base_cell.name, {", ".join(columns)}
FROM {table} JOIN base_cell ON base_cell.id = {table}.cell_id
JOIN submitted_notebook ON submitted_notebook.id = {table}.notebook_id {_OF_ASSIGNMENT}"""  # noqa: S608 - likewise


_LATE = f"""
SELECT student.id, first_name, last_name, email, late_submission_penalty, assignment.duedate,
    submitted_assignment.extension, submitted_assignment.timestamp
FROM submitted_notebook {_OF_ASSIGNMENT.replace("WHERE", "JOIN student ON student.id = student_id WHERE")}"""  # noqa: S608
_MARKS = f"""
SELECT submitted_assignment.student_id, base_cell.name, grade_cells.max_score, auto_score, manual_score, extra_credit,
    needs_manual_grade
FROM grade JOIN base_cell ON base_cell.id = grade.cell_id JOIN grade_cells ON grade_cells.id = base_cell.id
JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id {_OF_ASSIGNMENT}"""  # noqa: S608 - likewise
ROLES = ("grade", "solution", "locked", "task")  # that nbgrader gives to a cell
EPOCH = datetime(1970, 1, 1)  # from which databases without intervals count them
_ENTERED = (_by_cell("grade", "auto_score"), _by_cell("comment", "auto_comment"))
_GIVEN = (_by_cell("grade", "manual_score", "extra_credit"), _by_cell("comment", "manual_comment"))


@dataclass(frozen=True)
class Entry:
    """What the gradebook holds of one student, as texts that can be compared."""

    entered: str  # by grading
    given: str  # by a person: scores, extra credit, comments
    dates: str = ""  # on which a penalty for lateness depends, and the penalty
    penalty: str = ""


@dataclass(frozen=True)
class CellMarks:
    """The marks of one grade cell."""

    points: float  # it is worth
    machine: float | None
    by_hand: float | None
    extra: float | None
    waits: bool = False  # for a marker

    @property
    def final(self) -> float | None:
        """What counts; None while nobody has marked it."""
        score = self.machine if self.by_hand is None else self.by_hand
        return None if score is None else score + (self.extra or 0.0)


@dataclass(frozen=True)
class EntryMarks:
    """What the gradebook holds of one student's marks."""

    first: str
    last: str
    email: str
    penalty: float  # points taken off for being late
    seconds_late: float
    cells: dict[str, CellMarks] = field(default_factory=dict)  # by grade_id


@dataclass(frozen=True)
class Database:
    """The gradebook's database and one assignment in it. All methods raise CourseError where it cannot be read."""

    url: str
    assignment: str

    @property
    def path(self) -> Path | None:
        """The gradebook's file; None where a server keeps it."""
        return Path(self.url.removeprefix("sqlite:///").partition("?")[0]) if self.url.startswith("sqlite") else None

    def cells(self) -> str:
        """The assignment's cells and points."""
        return _text(self._rows(_CELLS))

    def entries(self, student: str | None = None) -> dict[str, Entry]:
        """What it holds of everyone, or of one student: name -> entry."""
        entered, given = (self._by_student(queries, student) for queries in (_ENTERED, _GIVEN))
        dates = self._by_student([_DATES], student)
        return {
            name: Entry(_text(entered[name]), _text(given[name]), _text(rows), str([row[-1] for row in rows]))
            for name, rows in dates.items()
        }

    def marks(self) -> dict[str, "EntryMarks"]:
        """The marks of everyone, as they stand."""
        found: dict[str, EntryMarks] = {}
        for student, first, last, email, penalty, late in self._late():
            found[student] = EntryMarks(first or "", last or "", email or "", penalty or 0.0, late)
        for student, cell, worth, machine, by_hand, extra, waits in self._rows(_MARKS):
            found[student].cells[cell] = CellMarks(worth, machine, by_hand, extra, bool(waits))
        return found

    def _late(self) -> Iterator[tuple[Any, ...]]:
        """Who handed in: id, first and last name, email, penalty, seconds late."""
        for *student, penalty, due, extension, came in self._rows(_LATE):
            due, extension, came = _time(due), _time(extension), _time(came)
            allowed = due + (extension - EPOCH) if due and extension else due
            yield (*student, penalty, max(0.0, (came - allowed).total_seconds()) if came and allowed else 0.0)

    def term(self) -> str:
        """The due date of the assignment, and the students with their names."""
        due = self._rows("SELECT duedate FROM assignment WHERE name = :assignment")
        return _text([*due, *self._rows("SELECT id, first_name, last_name, email FROM student")])

    def sources(self) -> set[str]:
        """The names of the cells of which it keeps the text."""
        return {name for name, *_ in self._rows(_CELLS)}

    def _by_student(self, queries: Sequence[str], student: str | None) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for name, *row in (row for query in queries for row in self._rows(query, student)):
            found[name].append(row)
        return found

    def _rows(self, query: str, student: str | None = None) -> list[Any]:
        """What a query finds; nothing where there are no tables yet."""
        if self.path is not None and not self.path.exists():
            return []  # SQLite would make an empty file
        try:
            engine = create_engine(self.url, poolclass=NullPool)  # connections are closed with their block
            with engine.connect() as connection:
                if not inspect(connection).has_table("submitted_assignment"):
                    return []
                names = {"assignment": self.assignment, "student": student}
                return list(connection.execute(text(query), names))
        except (SQLAlchemyError, ImportError) as error:
            raise database_fault(self.url, error) from error


def _time(value: Any) -> Any:
    """A time, or an interval as a time since EPOCH; SQLite hands over texts, other databases what they mean."""
    if isinstance(value, timedelta):
        return EPOCH + value
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def cells_by_name(cells: Iterable[Cell]) -> dict[str, Cell]:
    """The cells of a source of which a gradebook keeps the text, as nbgrader's SaveCells chooses them."""
    return {cell.grade_id: cell for cell in cells if cell.grade_id and any(map(cell.has, ROLES))}


def database_of(course: Course) -> Database:
    """The course's gradebook, wherever its configuration puts it, and the practical in it."""
    settings: Mapping[str, str] = course_config(course.root).CourseDirectory
    return Database(settings.get("db_url", f"sqlite:///{course.root.absolute()}/gradebook.db"), course.name)


def _text(rows: Iterable[Any]) -> str:
    return json.dumps(sorted(json.dumps(list(row), default=str) for row in rows))


def database_fault(url: str, error: Exception) -> CourseError:
    """The fault to raise where the gradebook's database refuses."""
    said = str(getattr(error, "orig", None) or error)
    known = [remedy for sign, remedy in REMEDIES.items() if sign in said]
    unknown = "Close other programs that use it; after an update of nbgrader, back it up and run: nbgrader db upgrade"
    return CourseError(f"The gradebook {_place(url)} cannot be used: {said}.", known[0] if known else unknown)


def _place(url: str) -> str:
    """Where a database is, without the password for it."""
    try:
        place = make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "that c.CourseDirectory.db_url names"
    return place.removeprefix("sqlite:///").partition("?")[0]


def refused(error: BaseException | None) -> DBAPIError | None:
    """The database's own refusal behind an error; nbgrader turns some of them into complaints about its entries."""
    while error is not None:
        if isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError:
            return error
        error = error.__cause__ or error.__context__
    return None
