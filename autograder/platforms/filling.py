"""Fills marks into the sheet that was downloaded from a platform; all other cells stay as they are."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autograder.course.sheets import Sheet, simple
from autograder.errors import CourseError
from autograder.platforms.layouts import CANVAS, MOODLE
from autograder.platforms.people import EMAIL, LOGIN
from autograder.reports.tables import tame
from autograder.term.class_table import COMPLETE, WAITS, ClassRow, ClassTable
from autograder.term.collected import Collected

GRADE = ("grade", "bewertung", "note", "calificación", "valutazione", "beoordeling", "cijfer", "nota")
MOST = ("maximum grade", "höchste bewertung", "beste bewertung", "note maximale", "calificación máxima")
_NUMBER = re.compile(r"\s*(\d+)([.,]\d+)?\s*")
_PLAIN = re.compile(r"\s*[+-]?\d*[.,]?\d*\s*")  # a number; Moodle writes a lone "-" for none
_PARTICIPANT = re.compile(r"\D*?(\d+)\s*")


@dataclass(frozen=True)
class Filled:
    """The sheet with its marks, and who is missing on either side."""

    sheet: Sheet
    filled: tuple[str, ...]  # students
    not_in_sheet: tuple[str, ...]  # students with a mark and without a row
    not_known: tuple[str, ...]  # rows of whom the course knows nothing, by what the sheet calls them
    without_mark: Mapping[str, str]  # student -> why their cell stays as it is


def fill(
    sheet: Sheet,
    platform: str,
    table: ClassTable,
    collected: Mapping[str, Collected],
    column: str = "",
    unmarked: bool = False,
) -> Filled:
    """Write everyone's total into a copy of the sheet. CourseError where its columns or its maximum do not fit.

    Who still waits for a marker is left out, unless ``unmarked``.
    """
    at, first = _place(sheet, platform, table, column)
    _check_most(sheet, platform, table, at)
    comma = _writes_commas(sheet, platform, at)
    find = _finder(sheet, platform, table, collected)
    rows, filled, strange = [list(row) for row in sheet.rows], [], []
    without: dict[str, str] = {}
    for row in rows[first:]:
        found = find(row)
        if found is None:
            strange.append(next((cell for cell in row if cell.strip()), ""))
        elif found.status == COMPLETE or (unmarked and found.status == WAITS):
            row[at] = f"{found.total:.2f}".replace(".", "," if comma else ".")
            filled.append(found.student)
        else:
            without[found.student] = found.status
    harmless = [tuple(_harmless(cell) for cell in row) for row in rows]
    missing = [one.student for one in table.rows if one.total is not None and one.student not in {*filled, *without}]
    return Filled(sheet.with_rows(harmless), tuple(filled), tuple(missing), tuple(strange), without)


def _harmless(cell: str) -> str:
    """A platform's own cell: as it is, but for what a spreadsheet would take for a formula."""
    return cell if _PLAIN.fullmatch(cell) else tame(cell)


def _place(sheet: Sheet, platform: str, table: ClassTable, column: str) -> tuple[int, int]:
    """The number of the column for the marks, and of the first row of a student."""
    names = ", ".join(name for name in sheet.header if name)
    step = f"Name it with --column. The columns are: {names}."
    if column:
        at = sheet.column(column)
        if at is None:
            raise CourseError(f"The sheet has no column {column!r}.", step)
    elif platform == MOODLE:
        at, most = sheet.column(*GRADE), sheet.column(*MOST)
        at = most - 1 if at is None and most else at
    else:
        key = simple(table.practical)
        fits = [n for n, name in enumerate(sheet.header) if re.search(r"\(\d+\)\s*$", name)]
        named = [n for n in fits if key in simple(sheet.header[n])]
        at = named[0] if len(named) == 1 else fits[0] if len(fits) == 1 else None
    if at is None:
        raise CourseError("It is not clear which column of the sheet is for the marks.", step)
    first = 1
    if platform == CANVAS:
        first = next((n + 1 for n, row in enumerate(sheet.rows) if _is_points(row)), 1)
    return at, first


def _is_points(row: Sequence[str]) -> bool:
    return simple(row[0]) == "pointspossible"


def _check_most(sheet: Sheet, platform: str, table: ClassTable, at: int) -> None:
    """CourseError where the platform expects other points than the practical gives."""
    if platform == CANVAS:
        said = [row[at] for row in sheet.rows if _is_points(row)]
    else:
        most = sheet.column(*MOST)
        said = [row[most] for row in sheet.rows[1:]] if most is not None else []
    for text in said[:1]:
        value = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None
        if value is not None and value != table.most:
            raise CourseError(
                f"The platform expects a mark out of {value:g}, and {table.practical} has {table.most:g} points.",
                f"Set the assignment's maximum there to {table.most:g}, download the sheet again, and export.",
            )


def _writes_commas(sheet: Sheet, platform: str, at: int) -> bool:
    """Whether the sheet writes decimals with a comma."""
    most = sheet.column(*MOST) if platform == MOODLE else None
    cells = [row[n] for row in sheet.rows[1:] for n in {at, most} - {None} if n is not None]
    numbers = [match[2] for cell in cells if (match := _NUMBER.fullmatch(cell)) and match[2]]
    return numbers[0].startswith(",") if numbers else sheet.separator == ";"


def _finder(
    sheet: Sheet, platform: str, table: ClassTable, collected: Mapping[str, Collected]
) -> Callable[[Sequence[str]], ClassRow | None]:
    """Finds the student of a row: by the platform's number, the email or login, and by a name that only one bears."""
    by_student = {row.student: row for row in table.rows}
    by_key = {one.key: by_student[name] for name, one in collected.items() if one.key and name in by_student}
    by_mail = {simple(name): row for row in table.rows for name in (row.email, row.student) if name}
    number = sheet.column("ID") if platform == CANVAS else 0
    told = [at for names in (EMAIL, LOGIN) for name in names if (at := sheet.column(name)) is not None]
    full = sheet.column("full name", "student", "vollständiger name", "nom complet", "nombre completo")
    by_name: dict[str, list[ClassRow]] = {}
    for row in table.rows:
        for name in {simple(row.first + row.last), simple(row.last + row.first)} - {""}:
            by_name.setdefault(name, []).append(row)

    def find(row: Sequence[str]) -> ClassRow | None:
        match = _PARTICIPANT.fullmatch(row[number]) if number is not None else None
        if match and match[1] in by_key:
            return by_key[match[1]]
        for at in told:
            if simple(row[at]) in by_mail and row[at]:
                return by_mail[simple(row[at])]
        named = by_name.get(simple(row[full]), []) if full is not None else []
        return named[0] if len(named) == 1 else None

    return find
