"""The class in one table: everyone's names, every question's marks, lateness, total, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.course.folders import Course
from autograder.course.sheets import Sheet
from autograder.course.term import DAY, read_term
from autograder.grading.mend import everything_in
from autograder.grading.store import kept
from autograder.nbgrader.database import CellMarks, EntryMarks, database_of
from autograder.records import SubmissionResult, grade_cell, question_in
from autograder.reports.tables import tame
from autograder.term.collected import Collected, read_collection

COMPLETE = "complete"
WAITS = "waits for a marker"
UNGRADABLE = "could not be graded"
NOT_YET = "not graded yet"
NOTHING = "nothing handed in"
SOMETHING_ELSE = "handed in something else"


@dataclass(frozen=True)
class ClassRow:
    """One student of the class."""

    student: str
    first: str
    last: str
    email: str
    status: str
    in_roster: bool = True
    cells: Mapping[str, CellMarks] = field(default_factory=dict)  # by question
    seconds_late: float = 0.0
    late: bool = False  # also where nobody knows by how much
    penalty: float = 0.0
    total: float | None = None  # of what is marked so far; None where there is nothing to count
    note: str = ""
    result: SubmissionResult | None = None

    @property
    def name(self) -> str:
        """The whole name; the id where no name is known."""
        return f"{self.first} {self.last}".strip() or self.student

    @property
    def waiting(self) -> int:
        """How many answers nobody has marked yet."""
        return sum(cell.final is None for cell in self.cells.values())


@dataclass(frozen=True)
class ClassTable:
    """The class."""

    practical: str
    points: Mapping[str, float]  # question -> what it is worth, written ones included
    rows: Sequence[ClassRow]  # sorted by last name, first name and id
    has_roster: bool

    @property
    def most(self) -> float:
        """The points of the whole practical."""
        return sum(self.points.values())

    def sheet(self) -> Sheet:
        """The table for a spreadsheet."""
        names = [f"{name}{of}" for name in self.points for of in ("", " (machine)", " (by hand)")]
        head = ["id", "first name", "last name", "email", "status", "in the roster"]
        tail = ["days late", "penalty", "total", "of", "note"]
        return Sheet(((*head, *names, *tail), *map(self._row, self.rows)), newline="\n")

    def _row(self, row: ClassRow) -> tuple[str, ...]:
        nothing = CellMarks(0.0, None, None, None)
        cells = [row.cells.get(name, nothing) for name in self.points]
        marks = [number(each) for cell in cells for each in (cell.final, cell.machine, cell.by_hand)]
        who = (row.student, row.first, row.last, row.email, row.status, "yes" if row.in_roster else "no")
        late = f"{row.seconds_late / DAY:.2f}" if row.seconds_late else "unknown" if row.late else "0"
        rest = (late, number(row.penalty), number(row.total), number(self.most), tame(row.note))
        return (*map(tame, who), *marks, *rest)


def number(value: float | None) -> str:
    """A number as it is written into a table; nothing for None."""
    return "" if value is None else f"{round(value, 2):g}"


def class_table(course: Course) -> ClassTable:
    """Everyone in the roster and everyone who handed in. CourseError where the term or the gradebook is at fault."""
    term, collected = read_term(course.root), read_collection(course.results).students
    practical = course.practical
    points = {grade_cell(each.name): each.points for each in practical.questions} | dict(practical.written)
    marks = database_of(course).marks()
    handed_in = _handed_in(course)
    names = {*term.roster, *handed_in, *collected}
    rows = []
    for name in names:
        student, there, entry = term.student(name), collected.get(name, Collected(name)), marks.get(name)
        result = kept(course.results, name) if name in handed_in else None
        first, last = (student.first, student.last) if name in term.roster else (there.first, there.last)
        facts = _facts(result, entry, there, name in handed_in, points)
        known = not term.roster or name in term.roster
        rows.append(ClassRow(name, first, last, student.email, in_roster=known, result=result, **facts))
    rows.sort(key=lambda row: (row.last.casefold(), row.first.casefold(), row.student))
    worth = {question_in(name): value for name, value in points.items()}
    return ClassTable(practical.name, worth, rows, bool(term.roster))


def _handed_in(course: Course) -> set[str]:
    if not course.submitted.is_dir() or not any(course.submitted.iterdir()):
        return set()
    return {each.student for each in everything_in(course.submitted, course.name, others=course.others)}


def _facts(
    result: SubmissionResult | None,
    entry: EntryMarks | None,
    there: Collected,
    handed_in: bool,
    points: Mapping[str, float],
) -> dict[str, Any]:
    """What became of a student."""
    late: dict[str, Any] = {"late": there.late or bool(entry and entry.seconds_late)}
    if not handed_in:
        return late | ({"status": SOMETHING_ELSE, "note": there.other} if there.other else {"status": NOTHING})
    if result is None:
        return late | {"status": NOT_YET}
    if entry is not None:
        late |= {"seconds_late": entry.seconds_late, "penalty": entry.penalty}
    if result.fault:
        return late | {"status": UNGRADABLE, "note": result.fault}
    cells = {question_in(name): cell for name, cell in _cells(result, entry, points).items()}
    marked = sum(cell.final or 0.0 for cell in cells.values())
    penalty = entry.penalty if entry else 0.0
    waits = any(cell.final is None for cell in cells.values())
    total = round(max(marked - penalty, 0.0), 2)
    return late | {"status": WAITS if waits else COMPLETE, "cells": cells, "total": total}


def _cells(result: SubmissionResult, entry: EntryMarks | None, points: Mapping[str, float]) -> dict[str, CellMarks]:
    """The marks of each grade cell: the gradebook's, and the machine's alone where it holds none."""
    if entry is not None:
        return {name: entry.cells[name] for name in points if name in entry.cells}
    machine = {grade_cell(each.question): each.points for each in result.questions}
    return {name: CellMarks(worth, machine.get(name), None, None) for name, worth in points.items()}
