"""A course's folders, and the submissions in them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

from autograder.course.configuration import course_limits
from autograder.course.limits import Limits
from autograder.course.practical import Practical, choose_practical, load_practical, practicals_in, read_release
from autograder.course.secret import PracticalKey, read_key
from autograder.errors import CourseError
from autograder.notebook.reading import is_export, is_script
from autograder.records import Submission

TIMESTAMP = "timestamp.txt"  # beside a submission: when it was handed in, as nbgrader reads it


@dataclass(frozen=True)
class Course:
    """An nbgrader course folder and one practical in it; make it with ``course_in``."""

    root: Path
    name: str  # of the practical

    def __reduce__(self) -> tuple[type, tuple[Path, str]]:
        """Pickle it without the notebooks that it has read."""
        return Course, (self.root, self.name)

    @property
    def submitted(self) -> Path:
        """Where nbgrader collects submissions: submitted/<student>/<practical>/."""
        return self.root / "submitted"

    @property
    def results(self) -> Path:
        """Where the kit keeps its results."""
        return self.root / "results" / self.name

    @property
    def others(self) -> list[str]:
        """The names of the course's other practicals."""
        return [name for name in practicals_in(self.root) if name != self.name]

    @cached_property
    def practical(self) -> Practical:
        """The practical; CourseError if there is none of that name, or its contract has a fault."""
        return load_practical(self.root, self.name)

    @cached_property
    def release(self) -> NotebookNode:
        """The notebook that students got; never change it. CourseError if it was never made, or has other cells."""
        return read_release(self.practical)

    @cached_property
    def key(self) -> PracticalKey | None:
        """What the practical's inputs are drawn from; None without a secret. CourseError if that cannot be read."""
        return read_key(self.root, self.name)

    @cached_property
    def limits(self) -> Limits:
        """What submissions may hold and use, as the course sets it; CourseError if a limit is not allowed."""
        return course_limits(self.root)


def course_in(root: Path, name: str = "") -> Course:
    """The course in a folder, with the practical of that name or the only one. CourseError lists the practicals."""
    return Course(root.resolve(), choose_practical(root.resolve(), name))


@dataclass(frozen=True)
class Unclear:
    """A student without exactly one submission; ``reason`` names the files and the next step."""

    student: str
    reason: str


def find_submissions(
    folder: Path, name: str, apart: Collection[Path] = (), others: Collection[str] = ()
) -> tuple[list[Submission], list[Unclear]]:
    """The submissions in a course's submitted/ folder or in any folder of notebooks, sorted by student.

    Both ``alice.ipynb`` and ``alice/….ipynb`` are alice's; a notebook that was exported as a ``.py`` script counts
    where there is no other. ``apart`` are folders that belong to no student, such as the one for the results.
    ``others`` are further practicals that are handed in there: what is named after one is left alone, and a notebook
    that may belong to any is unclear.
    CourseError if there is no submission at all.
    """
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}.", "Name the course folder, or a folder of notebooks.")
    candidates: dict[str, list[Path]] = defaultdict(list)
    closed: list[Unclear] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", "__")) or entry in apart or _is_of(entry, others):  # __MACOSX, __pycache__
            continue
        if _is_notebook(entry) or (is_script(entry.name) and is_export(entry)):
            candidates[entry.stem].append(entry)
            continue
        leads_nowhere = entry.is_symlink() and not entry.exists()
        try:
            if (entry.is_dir() or leads_nowhere) and (inside := _handed_in(entry, name, others)) is not None:
                candidates[entry.name].extend(inside)
        except OSError as error:
            closed.append(
                Unclear(entry.name, f"{error.filename} cannot be read: {error.strerror}. Look at its rights.")
            )
    found: list[Submission | Unclear] = [each for each in closed if each.student not in candidates]
    found += [_one(student, paths, folder, name, bool(others)) for student, paths in candidates.items()]
    if not found:
        raise CourseError(
            f"There are no submissions in {folder}.",
            f"Put them there as {folder}/<student>/{name}/{name}.ipynb, or as {folder}/<student>.ipynb.",
        )
    return (
        [item for item in found if isinstance(item, Submission)],
        [item for item in found if isinstance(item, Unclear)],
    )


def _is_notebook(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb"


def _is_of(path: Path, practicals: Collection[str]) -> bool:
    """Whether a notebook bears the name of one of these practicals."""
    return path.stem in practicals and not path.is_dir()


def _handed_in(student: Path, name: str, others: Collection[str]) -> list[Path] | None:
    """A student's notebooks: from the folder of the practical if there is one, else from the student's own folder.

    Scripts where there is no notebook. None where nothing was handed in: the folder is empty, or holds only other
    practicals.
    """
    own = student / name
    if not own.is_dir() and not own.is_symlink():
        own = student
        inside = [] if student.is_symlink() else [path for path in _entries(student) if not _is_of(path, others)]
        if not student.is_symlink() and all(path.is_dir() and not _is_notebook(path) for path in inside):
            deeper = [(folder, path) for folder in inside if folder.name not in others for path in _entries(folder)]
            # another assignment's notebook bears its folder's name; any other one was meant for this assignment
            return [] if any(_is_notebook(path) and path.stem != folder.name for folder, path in deeper) else None
    if student.is_symlink() or own.is_symlink():
        return []
    inside = [path for path in _entries(own) if not _is_of(path, others)]
    return [path for path in inside if _is_notebook(path)] or [path for path in inside if is_script(path.name)]


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _one(student: str, paths: list[Path], folder: Path, name: str, several: bool) -> Submission | Unclear:
    """The submission among these files; ``several`` practicals are handed in there."""
    place = f"Put it there as {folder / student / name / name}.ipynb."
    if not paths:
        return Unclear(student, f"There is no notebook of {student}. {place}")
    if several and (loose := [path for path in paths if name not in (path.stem, path.parent.name)]):
        return Unclear(student, f"The course has several practicals, and {loose[0]} may belong to any. {place}")
    notebooks = [path for path in paths if _is_notebook(path)]
    if len(paths) == 1 and not notebooks:
        note = f"{paths[0].name} is a script; its cells were recognised by their content. Hand in {name}.ipynb itself."
        return Submission(student, paths[0], note)
    named = [path for path in paths if path.name == f"{name}.ipynb"]
    if len(paths) == 1:
        renamed = f"{paths[0].name} was graded as {name}.ipynb." if not named and paths[0].stem != student else ""
        return Submission(student, paths[0], renamed)
    others = ", ".join(path.name for path in paths if path not in named)
    if len(named) == 1 and len({path.parent for path in paths}) == 1:
        return Submission(student, named[0], f"Ignored, since {name}.ipynb is there: {others}.")
    listed = " and ".join(str(path) for path in paths)
    message = f"There are two submissions of {student}: {listed}."
    return Unclear(student, f"{message} Keep the one that counts, and grade again.")
