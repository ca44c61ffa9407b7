"""Collecting: a platform's zip becomes submitted/, and everybody in the course is accounted for."""

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from autograder.course.folders import TIMESTAMP, Course
from autograder.course.sheets import read_sheet
from autograder.course.term import Term, read_term
from autograder.files import write_atomically
from autograder.platforms.archives import Archive
from autograder.platforms.choosing import Chosen, choose
from autograder.platforms.layouts import Handed, read_layout
from autograder.platforms.people import Directory, PlatformPerson, read_people
from autograder.term.collected import Collected, keep_collection, read_collection


@dataclass
class Account:
    """Everybody: student -> what there is to say, which may be nothing."""

    platform: str = ""
    taken: dict[str, str] = field(default_factory=dict)  # new or changed
    unchanged: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)  # came again, and what came before counts: why
    other: dict[str, str] = field(default_factory=dict)  # handed in something else
    nothing: list[str] = field(default_factory=list)  # in the roster, and not in the zip
    strangers: dict[str, str] = field(default_factory=dict)  # in the zip, and not in the roster: id -> name
    late: list[str] = field(default_factory=list)

    def data(self) -> Mapping[str, object]:
        """All of it for a program."""
        return dict(self.__dict__)


def collect(course: Course, path: Path, platform: str, sheet: Path | None = None) -> Account:
    """Take what counts out of a platform's zip. CourseError if it is none, or is not of that platform.

    ``sheet`` is the grading worksheet or gradebook that was downloaded from the platform: it says more about people.
    """
    term, before = read_term(course.root), read_collection(course.results)
    people = read_people(read_sheet(sheet) if sheet else None, term.zone)
    release = course.practical.release_path
    untouched = hashlib.sha256(release.read_bytes()).hexdigest() if release.exists() else ""
    account, found = Account(), {}
    with closing(Archive(path)) as archive:
        account.platform, everyone = read_layout(archive.members(), platform)
        directory = Directory(account.platform, term.roster, people, before.students)
        for handed in everyone:
            student = directory.student(handed)
            if term.roster and student.id not in term.roster:
                account.strangers[student.id] = student.name or handed.name
            chosen = choose(archive, handed, course.name, untouched)
            record = _record(student.id, handed, chosen, people.get(handed.key, PlatformPerson()))
            record = replace(record, first=student.first, last=student.last)
            found[student.id] = _take(course, term, record, chosen, before.students.get(student.id), account)
    keep_collection(course.results, before.with_students(account.platform, found))
    account.late = [name for name, record in found.items() if _is_late(course, term, record)]
    known = {*found, *before.students}
    account.nothing = [name for name in term.roster if name not in known and not (course.submitted / name).exists()]
    return account


def _record(student: str, handed: Handed, chosen: Chosen, known: PlatformPerson) -> Collected:
    time = known.time.isoformat() if known.time else ""
    return Collected(
        student,
        handed.key,
        folder=handed.folder,
        file=chosen.name,
        digest=chosen.digest,
        time=time,
        late=handed.late,
        other=chosen.other,
    )


def _take(
    course: Course, term: Term, record: Collected, chosen: Chosen, before: Collected | None, account: Account
) -> Collected:
    """Write down what counts of one student; the record of it."""
    name, place = record.student, course.submitted / record.student / course.name
    if chosen.other:
        if before is not None and before.digest:  # a notebook from before still counts
            account.kept[name] = f"now handed in {chosen.other}; the notebook from before counts."
            return before
        account.other[name] = chosen.other
        return record
    if before is not None and before.digest == record.digest and place.is_dir():
        account.unchanged.append(name)
        if not before.time:  # collected without the sheet then
            _write_time(place, record)
        return replace(before, key=record.key, folder=record.folder, time=before.time or record.time)
    if before is not None and before.digest and _came_too_late(course, term, before, record):
        account.kept[name] = f"handed in again after the deadline, {record.file}; what came in time counts."
        return replace(before, key=record.key, folder=record.folder)
    _write(course, place, record, chosen)
    again = "handed in again, and the later one counts. " if before is not None and before.digest else ""
    account.taken[name] = f"{again}{chosen.note}".strip()
    return record


def _is_late(course: Course, term: Term, record: Collected) -> bool:
    """Whether the notebook that counts came after the deadline; the grace makes it cost nothing."""
    due = term.of(course.name).due_for(record.student)
    return bool(record.digest) and (record.late or bool(due and record.handed_in and record.handed_in > due))


def _came_too_late(course: Course, term: Term, before: Collected, now: Collected) -> bool:
    """Whether the earlier one was in time and this one is not; where times are unknown, the platform's mark decides."""
    due = term.of(course.name).due_for(now.student)
    if due is not None and before.handed_in is not None and now.handed_in is not None:
        last = due + timedelta(minutes=term.late.grace_minutes if term.late else 0)
        return before.handed_in <= last < now.handed_in
    return now.late and not before.late


def _write(course: Course, place: Path, record: Collected, chosen: Chosen) -> None:
    """The notebook under the practical's own name, and when it was handed in, as nbgrader reads it."""
    for older in (place / f"{course.name}.ipynb", place / f"{course.name}.py", place / TIMESTAMP):
        older.unlink(missing_ok=True)
    write_atomically(place / f"{course.name}{chosen.suffix}", chosen.content)
    _write_time(place, record)


def _write_time(place: Path, record: Collected) -> None:
    if record.handed_in is not None:
        write_atomically(place / TIMESTAMP, f"{_stamp(record.handed_in)}\n")


def _stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
