"""What grading keeps in a course's ``results/<practical>/``: for each student a mended notebook and a result.

mended/<student>.ipynb     what was handed in, mended; its metadata say from what file, and what had to be mended
students/<student>.json    the result
verified.json              how the grader did on answers whose verdict is known
"""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.records import CheckResult, Depends, LearningCurve, QuestionResult, Status, SubmissionResult

VERIFIED = "verified.json"  # what autograder verify found last
LONGEST_NAME = 200  # bytes; the file system's own limit is 255


def file_name(student: str) -> str:
    """What a student's files are called, without their ending; a name too long for a file is cut, with a digest."""
    encoded = student.encode(errors="surrogateescape")
    return student if len(encoded) <= LONGEST_NAME else f"{student[:40]}-{hashlib.sha256(encoded).hexdigest()[:16]}"


def result_path(folder: Path, student: str) -> Path:
    """Where one student's result is kept."""
    return folder / "students" / f"{file_name(student)}.json"


def mended_path(folder: Path, student: str) -> Path:
    """Where one student's mended notebook is kept."""
    return folder / "mended" / f"{file_name(student)}.ipynb"


def as_data(result: SubmissionResult) -> dict[str, Any]:
    """A result as plain data, its points included; only a question that kept a learning curve speaks of one."""
    data = {"points": result.points, "max_points": result.max_points, **dataclasses.asdict(result)}
    for question in data["questions"]:
        if question["curve"] is None:
            del question["curve"]
    return data


def from_data(data: Mapping[str, Any]) -> SubmissionResult:
    """The result that ``as_data`` made this from; KeyError, TypeError or ValueError if it is not of that form."""
    known = {field.name for field in dataclasses.fields(SubmissionResult)}
    given = {name: value for name, value in data.items() if name in known}
    for name in ("repairs", "weaknesses"):
        given[name] = tuple(data.get(name, ()))
    return SubmissionResult(**{**given, "questions": tuple(_question(item) for item in data["questions"])})


def _question(data: Mapping[str, Any]) -> QuestionResult:
    curve, depends = data.get("curve"), data.get("depends")  # earlier results do without the latter
    return QuestionResult(
        **{
            **data,
            "status": Status(data["status"]),
            "checks": tuple(CheckResult(**check) for check in data["checks"]),
            "depends": depends and Depends(**depends),
            "curve": curve and _curve(**curve),
        }
    )


def _curve(steps: Sequence[int], values: Sequence[float], **names: str) -> LearningCurve:
    return LearningCurve(tuple(steps), tuple(values), **names)


def keep(folder: Path, result: SubmissionResult) -> bool:
    """Keep one result, whole or not at all; whether it differs from the one that was kept, whose file else stays."""
    path, text = result_path(folder, result.student), json.dumps(as_data(result), indent=1)
    with contextlib.suppress(OSError, ValueError):
        if path.read_text(encoding="utf-8") == text:
            return False
    write_atomically(path, text)
    return True


def kept(folder: Path, student: str) -> SubmissionResult | None:
    """The result that was kept for a student; None if there is none that can be read."""
    try:
        return from_data(json.loads(result_path(folder, student).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def check_of(folder: Path, name: str) -> None:
    """CourseError if the folder holds results of another practical than the one of that name."""
    for path in sorted((folder / "students").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(path.read_text(encoding="utf-8"))["assignment"]
            if found != name:
                step = f"Name another folder for those of {name}, with --output."
                raise CourseError(f"{folder} holds results of {found}.", step)
            return


def read_digests(path: Path) -> dict[str, str]:
    """A kept file of digests by name; empty where none can be read, so that everything counts as changed."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return dict(json.loads(path.read_text(encoding="utf-8")))
    return {}


def tidy(folder: Path) -> None:
    """Take away what a killed grader left half written; only for who holds the folder's lock."""
    for part in [*folder.glob(".*.part"), *folder.glob("*/.*.part")]:
        part.unlink(missing_ok=True)
