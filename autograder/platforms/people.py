"""Who is who: the names and numbers of a platform, the sheet that was downloaded from it, and the course's roster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from autograder.course.roster import Participant, Roster
from autograder.course.sheets import Sheet, simple
from autograder.platforms.layouts import CANVAS, MOODLE, PLAIN, Handed
from autograder.term.collected import Collected

EMAIL = ("email address", "email", "e-mail-adresse", "e-mail", "adresse de courriel", "dirección de correo")
LOGIN = ("SIS Login ID", "SIS User ID", "ID number", "ID-Nummer", "Username", "Anmeldename", "Numéro d'identification")
MODIFIED = ("last modified (submission)", "zuletzt geändert (abgabe)", "zuletzt geändert (lösung)")
MONTHS = (  # of English, German, French, Spanish, Italian, Dutch and Portuguese, by their first letters
    "jan gen ene",
    "feb fév fev",
    "mar mär mrt maa",
    "apr avr abr",
    "may mai mei mag",
    "jun juin giu",
    "jul juil lug",
    "aug aoû ago",
    "sep set",
    "oct okt ott out",
    "nov",
    "dec dez déc dic",
)
_WHEN = re.compile(
    r"(\d{1,2})\.?\s+(?:de )?([^\W\d]+)\.?\s+(?:de )?(\d{4}),?\s+(\d{1,2})[:.](\d{2})(?:\s*([AP])M)?", re.I
)
_NUMBERED = re.compile(r"\D*?(\d+)")


@dataclass(frozen=True)
class PlatformPerson:
    """One line of the platform's sheet."""

    names: frozenset[str] = frozenset()  # email, login and the like, simplified
    time: datetime | None = None  # when they handed in, UTC without a zone


def read_people(sheet: Sheet | None, zone: tzinfo | None) -> dict[str, PlatformPerson]:
    """The platform's number of a student -> what its sheet says of them; nothing where no sheet is given."""
    if sheet is None:
        return {}
    found = {}
    number = sheet.column("ID") or 0
    told = [at for names in (EMAIL, LOGIN) for name in names if (at := sheet.column(name)) is not None]
    modified = sheet.column(*MODIFIED)
    for row in sheet.rows[1:]:
        if match := _NUMBERED.fullmatch(row[number].strip()):
            names = frozenset(simple(row[at]) for at in told) - {""}
            found[match[1]] = PlatformPerson(names, read_time(row[modified], zone) if modified is not None else None)
    return found


def read_time(text: str, zone: tzinfo | None) -> datetime | None:
    """A time as Moodle writes it, such as "Tuesday, 24 November 2026, 9:41 PM", as UTC; None where it is not known."""
    match = _WHEN.search(text)
    if match is None:
        return None
    day, word, year, hour, minute, half = match.groups()
    month = next((at for at, names in enumerate(MONTHS, 1) if word.casefold().startswith(tuple(names.split()))), 0)
    hours = int(hour) % 12 + 12 * (half.upper() == "P") if half else int(hour)
    try:
        local = datetime(int(year), month, int(day), hours, int(minute), tzinfo=zone)
    except ValueError:
        return None
    return local.astimezone(UTC).replace(tzinfo=None)


@dataclass
class Directory:
    """Finds a platform's people in the roster, and gives those who are not in it an id of their own."""

    platform: str
    roster: Roster
    people: Mapping[str, PlatformPerson]
    before: Mapping[str, Collected]  # collected earlier
    _given: set[str] = field(default_factory=set)

    def student(self, handed: Handed) -> Participant:
        """Who that is: in the roster, or under the id that they have from an earlier collection, or under a new one."""
        found = self._in_roster(handed)
        if found is None:
            found = self._earlier(handed) or self._new(handed)
        self._given.add(found.id)
        return found

    def _in_roster(self, handed: Handed) -> Participant | None:
        if self.platform == PLAIN and handed.name in self.roster:
            return self.roster[handed.name]
        told = self.people.get(handed.key, PlatformPerson()).names
        sure = [one for one in self.roster.values() if {simple(one.id), simple(one.email)} & (told - {""})]
        if len(sure) == 1:
            return sure[0]
        name = simple(handed.name)
        named = [
            one for one in self.roster.values() if name in {simple(one.first + one.last), simple(one.last + one.first)}
        ]
        free = [one for one in named if one.id not in self._given]
        return free[0] if len(named) == 1 and free else None

    def _earlier(self, handed: Handed) -> Participant | None:
        for one in self.before.values():
            if handed.key and one.key == handed.key and one.student not in self.roster:
                return Participant(one.student, one.first, one.last)
        return None

    def _new(self, handed: Handed) -> Participant:
        made = re.sub(r"[^\w]+", "-", handed.name.casefold()).strip("-_")[:80] or "student"
        taken = {*self.roster, *self._given, *self.before}
        name = f"{made}-{handed.key}" if made in taken and handed.key else made
        while name in taken and self.platform != PLAIN:
            name += "-2"
        if self.platform == MOODLE:
            first, _, last = handed.name.rpartition(" ")
            return Participant(name, first, last)
        return Participant(name, last=handed.name if self.platform == CANVAS else "")
