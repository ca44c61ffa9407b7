"""What a gradebook's database holds of one assignment: read for the whole class at once, and without nbgrader."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import NullPool, create_engine, inspect, text
from sqlalchemy.exc import DatabaseError, DBAPIError, InternalError, OperationalError, SQLAlchemyError

from autograder.errors import CourseError

REMEDIES = {  # what SQLite says -> what to do
    "locked": "Another program is writing to it, such as formgrader or a grader on another machine: wait, or close it.",
    "full": "Make room there.",
    "readonly": "Look at the rights of the file and its folder.",
    "unable to open": "Look at the rights of the file and its folder.",
    "malformed": "Bring back a backup of it.",
    "not a database": "Bring back a backup of it, or move it away to start a new one.",
}
_OF_ASSIGNMENT = """
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
JOIN assignment ON assignment.id = submitted_assignment.assignment_id
WHERE assignment.name = :assignment AND (:student IS NULL OR submitted_assignment.student_id = :student)"""
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


_ENTERED = (_by_cell("grade", "auto_score"), _by_cell("comment", "auto_comment"), _DATES)
_GIVEN = (_by_cell("grade", "manual_score", "extra_credit"), _by_cell("comment", "manual_comment"))


@dataclass(frozen=True)
class Entry:
    """What the gradebook holds of one student, as texts that can be compared."""

    entered: str  # by grading, with the dates that a penalty for lateness depends on
    given: str  # by a person: scores, extra credit, comments


@dataclass(frozen=True)
class Database:
    """The gradebook's database and one assignment in it. All methods raise CourseError where it cannot be read."""

    url: str
    assignment: str

    def cells(self) -> str:
        """The assignment's cells and points."""
        return _text(self._rows(_CELLS))

    def entries(self, student: str | None = None) -> dict[str, Entry]:
        """What it holds of everyone, or of one student: name -> entry."""
        entered, given = (self._by_student(queries, student) for queries in (_ENTERED, _GIVEN))
        return {name: Entry(_text(rows), _text(given[name])) for name, rows in entered.items()}

    def _by_student(self, queries: Sequence[str], student: str | None) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for name, *row in (row for query in queries for row in self._rows(query, student)):
            found[name].append(row)
        return found

    def _rows(self, query: str, student: str | None = None) -> list[Any]:
        """What a query finds; nothing where there are no tables yet."""
        engine = create_engine(self.url, poolclass=NullPool)
        try:
            with engine.connect() as connection:
                if not inspect(connection).has_table("submitted_assignment"):
                    return []
                names = {"assignment": self.assignment, "student": student}
                return list(connection.execute(text(query), names))
        except SQLAlchemyError as error:
            raise database_fault(self.url, error) from error
        finally:
            engine.dispose()


def _text(rows: Iterable[Any]) -> str:
    return json.dumps(sorted(json.dumps(list(row), default=str) for row in rows))


def database_fault(url: str, error: Exception) -> CourseError:
    """The fault to raise where the gradebook's database refuses."""
    said = str(getattr(error, "orig", None) or error)
    known = [remedy for sign, remedy in REMEDIES.items() if sign in said]
    unknown = "Close other programs that use it; after an update of nbgrader, back it up and run: nbgrader db upgrade"
    path = url.removeprefix("sqlite:///").partition("?")[0]
    return CourseError(f"The gradebook {path} cannot be used: {said}.", known[0] if known else unknown)


def refused(error: BaseException | None) -> DBAPIError | None:
    """The database's own refusal behind an error; nbgrader turns some of them into complaints about its entries."""
    while error is not None:
        if isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError:
            return error
        error = error.__cause__ or error.__context__
    return None
