"""The roster: who takes part, in a CSV file with the columns id, first name, last name, email."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.course.sheets import Sheet, read_sheet
from autograder.errors import CourseError

COLUMNS = {  # what may be written above a column
    "id": ("id", "student id", "username", "user name", "login", "matriculation number", "student number"),
    "first": ("first name", "given name", "forename", "vorname"),
    "last": ("last name", "surname", "family name", "nachname"),
    "email": ("email", "e-mail", "email address", "mail"),
}
EXAMPLE = "id,first name,last name,email"


@dataclass(frozen=True)
class Participant:
    """One who takes part. All but the id may be empty."""

    id: str  # also the name of the folder in submitted/
    first: str = ""
    last: str = ""
    email: str = ""

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.first} {self.last}".strip()


Roster = Mapping[str, Participant]
"""id -> student, in the file's order."""


def read_roster(path: Path) -> Roster:
    """The students in a roster's file; CourseError names the line of an id that is missing, doubled or no file name."""
    sheet = read_sheet(path)
    places = {field: sheet.column(*names) for field, names in COLUMNS.items()}
    if places["id"] is None:
        raise CourseError(f"{path} has no column 'id'.", f"Write the columns' names into its first line: {EXAMPLE}")
    found: dict[str, Participant] = {}
    for number, row in enumerate(sheet.rows[1:], start=2):
        student = Participant(**{field: row[at].strip() for field, at in places.items() if at is not None})
        fault = _fault(student.id, found)
        if fault:
            raise CourseError(f"{path}, line {number}: {fault}.", "Correct the id; it names a folder of submitted/.")
        found[student.id] = student
    return found


def _fault(name: str, found: Roster) -> str:
    """What is wrong with an id, if anything."""
    if not name:
        return "there is no id"
    if name in found:
        return f"the id {name!r} is there already"
    if name.startswith((".", "__")) or "/" in name or "\\" in name or not name.isprintable() or len(name) > 128:
        return f"{name!r:.150} cannot be the name of a folder"
    return ""


def roster_sheet(roster: Roster) -> Sheet:
    """The table of a roster."""
    rows = [(one.id, one.first, one.last, one.email) for one in roster.values()]
    return Sheet((tuple(EXAMPLE.split(",")), *rows), newline="\n")
