"""What was collected from a learning platform: for each student the file that counts, and who they are there."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from autograder.errors import CourseError
from autograder.files import write_atomically

NAME = "collected.json"  # within results/<practical>/


@dataclass(frozen=True)
class Collected:
    """What one student handed in on a platform."""

    student: str
    key: str = ""  # the platform's own number of the student
    first: str = ""
    last: str = ""
    folder: str = ""  # in which it was downloaded; feedback goes back under the same name
    file: str = ""  # what it was called
    digest: str = ""  # of its content
    time: str = ""  # when it was handed in, UTC in ISO format; empty where the platform did not say
    late: bool = False  # by the platform's own mark
    other: str = ""  # what was handed in, where it is no notebook

    @property
    def handed_in(self) -> datetime | None:
        """When it was handed in."""
        return datetime.fromisoformat(self.time) if self.time else None


@dataclass(frozen=True)
class Collection:
    """What was collected for a practical."""

    platform: str = ""
    students: Mapping[str, Collected] = field(default_factory=dict)

    def with_students(self, platform: str, found: Mapping[str, Collected]) -> "Collection":
        """The same, with these students added or replaced."""
        return replace(self, platform=platform, students={**self.students, **found})


def read_collection(results: Path) -> Collection:
    """What was collected before; nothing where there is no file. CourseError if it cannot be read."""
    path = results / NAME
    if not path.exists():
        return Collection()
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Collection(said["platform"], {one["student"]: Collected(**one) for one in said["students"]})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{path} cannot be read: {error}.", "Take it away, and collect again.") from error


def keep_collection(results: Path, collection: Collection) -> Path:
    """Write it down; the path."""
    students = [asdict(one) for _, one in sorted(collection.students.items())]
    text = json.dumps({"platform": collection.platform, "students": students}, indent=1)
    write_atomically(results / NAME, text)
    return results / NAME
