"""The term, as the course's course.toml says it: who takes part, when work is due, what it costs to be late.

students = "students.csv"
timezone = "Europe/Berlin"

[late]
percent_per_day = 10   # of the practical's points, for each day that has begun
grace_minutes = 15     # so late is not late
most_percent = 50      # never more than that

[practicals.hw-1]
due = 2026-11-30 23:59:00
extensions.ada = 2026-12-03 23:59:00
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autograder.course.practical import practicals_in
from autograder.course.roster import Participant, Roster, read_roster
from autograder.errors import CourseError, did_you_mean

TERM = "course.toml"
DAY = 86_400.0  # seconds
KEYS = ("students", "timezone", "late", "practicals")
DATES = ("due", "extensions")


@dataclass(frozen=True)
class LateRule:
    """What it costs to hand in late; all shares are percent of the practical's points."""

    percent_per_day: float = 0.0  # for each day that has begun
    grace_minutes: float = 0.0
    most_percent: float = 100.0

    def percent(self, seconds_late: float) -> float:
        """The share that is taken off what came so late."""
        if seconds_late <= self.grace_minutes * 60:
            return 0.0
        return min(self.percent_per_day * math.ceil(seconds_late / DAY), self.most_percent)


@dataclass(frozen=True)
class Dates:
    """When a practical is due. Times are UTC without a zone, as nbgrader keeps them."""

    due: datetime | None = None
    extensions: Mapping[str, datetime] = field(default_factory=dict)  # student -> when it is due for them

    def due_for(self, student: str) -> datetime | None:
        """When it is due for a student."""
        return self.extensions.get(student, self.due)


@dataclass(frozen=True)
class Term:
    """What course.toml says; nothing where there is none."""

    roster: Roster = field(default_factory=dict)
    late: LateRule | None = None
    dates: Mapping[str, Dates] = field(default_factory=dict)
    zone: tzinfo | None = None  # None: the machine's own

    def of(self, practical: str) -> Dates:
        """The dates of a practical; none where the file names none."""
        return self.dates.get(practical, Dates())

    def student(self, name: str) -> Participant:
        """The student of that id, by no other name where the roster does not hold them."""
        return self.roster.get(name, Participant(name))


def read_term(root: Path) -> Term:
    """What the course's course.toml says. CourseError names file, entry and next step of whatever is wrong with it."""
    path = root / TERM
    if not path.exists():
        return Term()
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # TOML's errors, which name the line, and Unicode's are ValueErrors
        raise CourseError(f"{path} cannot be read: {error}.", "Correct the file.") from error
    _known(path, "", said, KEYS)
    zone = _zone(path, said.get("timezone"))
    roster = read_roster(root / _text(path, "students", said["students"])) if "students" in said else {}
    practicals = _table(path, "practicals", said.get("practicals", {}))
    if practicals:
        _known(path, "practicals.", practicals, practicals_in(root))
    dates = {name: _dates(path, name, given, roster, zone) for name, given in practicals.items()}
    return Term(roster, _late(path, said["late"]) if "late" in said else None, dates, zone)


def _known(path: Path, within: str, given: Mapping[str, Any], known: Any) -> None:
    for key in given:
        if key not in known:
            step = f"{did_you_mean(key, known)}Known here: {', '.join(known)}."
            raise CourseError(f"{path}: {within}{key} means nothing.", step)


def _table(path: Path, key: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise CourseError(f"{path}: {key} is no table.", f"Write [{key}], and its entries below.")
    return given


def _text(path: Path, key: str, given: object) -> str:
    if not isinstance(given, str) or not given:
        raise CourseError(f"{path}: {key} is {given!r:.100}, and should be a text.", f'Write {key} = "…".')
    return given


def _zone(path: Path, given: object) -> tzinfo | None:
    if given is None:
        return None
    try:
        return ZoneInfo(_text(path, "timezone", given))
    except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise CourseError(f"{path}: {error}.", 'Write timezone = "Europe/Berlin", say.') from error
    except KeyError:
        message = f"{path}: there is no time zone {given!r:.100}."
        raise CourseError(message, 'Write timezone = "Europe/Berlin", say.') from None


def _late(path: Path, given: object) -> LateRule:
    rule = LateRule()
    said = _table(path, "late", given)
    most = {"percent_per_day": 100.0, "grace_minutes": 7 * 24 * 60.0, "most_percent": 100.0}
    _known(path, "late.", said, most)
    for key, value in said.items():
        right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most[key]
        if not right:
            message = f"{path}: late.{key} is {value!r:.100}."
            raise CourseError(message, f"Write a number from 0 to {most[key]:g}.")
    return LateRule(**{**rule.__dict__, **said})


def _dates(path: Path, name: str, given: object, roster: Roster, zone: tzinfo | None) -> Dates:
    within = f"practicals.{name}"
    said = _table(path, within, given)
    _known(path, f"{within}.", said, DATES)
    due = moment(path, f"{within}.due", said["due"], zone) if "due" in said else None
    extensions = _table(path, f"{within}.extensions", said.get("extensions", {}))
    if roster:
        _known(path, f"{within}.extensions.", extensions, roster)
    if extensions and due is None:
        raise CourseError(f"{path}: {within} has extensions and no due date.", "Write due = … beside them.")
    given_to = {who: moment(path, f"{within}.extensions.{who}", when, zone) for who, when in extensions.items()}
    return Dates(due, given_to)


def moment(path: Path, key: str, given: object, zone: tzinfo | None) -> datetime:
    """A time as UTC without a zone; one that names no zone is the course's. A day alone ends at midnight."""
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given.strip())
        except ValueError:
            given = None
    if isinstance(given, date) and not isinstance(given, datetime):
        given = datetime(given.year, given.month, given.day, 23, 59, 59)
    if not isinstance(given, datetime):
        raise CourseError(
            f"{path}: {key} is no date and time.", f"Write {key.rpartition('.')[2]} = 2026-11-30 23:59:00"
        )
    local = given if given.tzinfo else given.replace(tzinfo=zone) if zone else given.astimezone()
    return local.astimezone(UTC).replace(tzinfo=None)
