"""A course's folders, and the submissions in them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from autograder.assignment import Assignment, load_assignment
from autograder.errors import CourseError
from autograder.records import Submission


@dataclass(frozen=True)
class Course:
    """An nbgrader course folder and one assignment in it."""

    root: Path
    name: str  # of the assignment

    @property
    def submitted(self) -> Path:
        """Where nbgrader collects submissions: submitted/<student>/<assignment>/."""
        return self.root / "submitted"

    @property
    def results(self) -> Path:
        """Where the kit keeps what it found out."""
        return self.root / "results" / self.name

    @cached_property
    def assignment(self) -> Assignment:
        """What the kit knows of the assignment; CourseError if it knows none of that name."""
        return load_assignment(self.name)


@dataclass(frozen=True)
class Unclear:
    """A student whose submission could not be told; ``reason`` names the files and the next step."""

    student: str
    reason: str


def find_submissions(folder: Path, name: str) -> tuple[list[Submission], list[Unclear]]:
    """The submissions in a course's submitted/ folder or in any folder of notebooks, sorted by student.

    In any other folder both ``alice.ipynb`` and ``alice/….ipynb`` are alice's. CourseError if there is none at all.
    """
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}.", "Name the course folder, or a folder of notebooks.")
    candidates: dict[str, list[Path]] = defaultdict(list)
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", "_")):
            continue
        if entry.is_dir():
            candidates[entry.name].extend(_notebooks_of(entry, name))
        elif entry.suffix == ".ipynb":
            candidates[entry.stem].append(entry)
    found = [_one(student, paths, name) for student, paths in candidates.items() if paths]
    if not found:
        raise CourseError(
            f"There are no submissions in {folder}.",
            f"Put them there as {folder}/<student>/{name}/{name}.ipynb, or as {folder}/<student>.ipynb.",
        )
    return (
        [item for item in found if isinstance(item, Submission)],
        [item for item in found if isinstance(item, Unclear)],
    )


def _notebooks_of(student: Path, name: str) -> list[Path]:
    """A student's notebooks: in the folder of the assignment if there is one, else right in their own."""
    own = student / name if (student / name).is_dir() else student
    return sorted(path for path in _safe_entries(own) if path.suffix == ".ipynb")


def _safe_entries(folder: Path) -> Iterable[Path]:
    return () if folder.is_symlink() else (path for path in folder.iterdir() if not path.name.startswith("."))


def _one(student: str, paths: list[Path], name: str) -> Submission | Unclear:
    named = [path for path in paths if path.name == f"{name}.ipynb"]
    if len(paths) == 1:
        renamed = f"{paths[0].name} was taken for {name}.ipynb." if not named and paths[0].stem != student else ""
        return Submission(student, paths[0], renamed)
    others = ", ".join(path.name for path in paths if path not in named)
    if len(named) == 1 and len({path.parent for path in paths}) == 1:
        return Submission(student, named[0], f"Not looked at, since {name}.ipynb is there: {others}.")
    listed = " and ".join(str(path) for path in paths)
    return Unclear(student, f"There are two submissions of {student}: {listed}. Keep the one that counts, and grade again.")
