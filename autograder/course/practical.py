"""What the engine knows of a practical: what its notebook says, and what stands in ``solutions/<name>/``.

``source/<name>/<name>.ipynb`` says points, order, blanks, and which cell defines what. ``solutions/<name>/`` holds what
students never see, and what the notebook cannot say:

    practical.toml   which functions each question marks, and the kit's format that the practical was written for
    *.py             the hidden checks, in files of any name
    probes.py        what the student's process is asked to do beyond scenes, if anything
    warmup.py        what the student's process does once, before its libraries are shared, if anything
    variants/        the corpus; known.json, alike.toml: the mistakes that are recognised
    equivalent.toml  mutants that are no mistakes, if there are any
    learning-curve.toml  between which values the learning curve of right code lies, if that was measured
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.course.contract import (
    CONTRACT,
    Question,
    blanks_in,
    check_ids,
    check_points,
    functions_of,
    questions_in,
    read_contract,
)
from autograder.course.engine_modules import engine_modules
from autograder.errors import CourseError, did_you_mean
from autograder.files import read_own
from autograder.notebook.cells import Cell, cells_of, read_course_notebook

__all__ = [
    "CONTRACT",
    "Practical",
    "Question",
    "choose_practical",
    "load_practical",
    "practicals_in",
    "read_release",
    "source_path",
]


@dataclass(frozen=True, eq=False)
class Practical:
    """One practical of a course; make it by ``load_practical``, which finds the faults of its contract."""

    name: str
    root: Path  # of the course
    questions: tuple[Question, ...]  # in the notebook's order
    written: Mapping[str, float]  # grade_id of a written answer -> points
    defines: Mapping[str, tuple[str, ...]]  # grade_id of a cell -> the names that it defines
    blanks: Mapping[str, str]  # blank id -> grade_id of its cell
    long_running: frozenset[str]  # what a marking machine never runs by itself

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process without what was read meanwhile."""
        fields = (self.name, self.root, self.questions, self.written, self.defines, self.blanks, self.long_running)
        return Practical, fields

    def question(self, name: str) -> Question:
        """The question of that name; CourseError if there is none."""
        for question in self.questions:
            if question.name == name:
                return question
        known = [question.name for question in self.questions]
        step = f"{did_you_mean(name, known)}Its questions are: {', '.join(known)}."
        raise CourseError(f"{self.name} has no question {name!r}.", step)

    @property
    def folder(self) -> Path:
        """What students never see."""
        return self.root / "solutions" / self.name

    @property
    def source_path(self) -> Path:
        """The notebook that the instructor writes."""
        return source_path(self.root, self.name)

    @property
    def release_path(self) -> Path:
        """The notebook that students get."""
        return self.root / "release" / self.name / f"{self.name}.ipynb"

    @property
    def solved_path(self) -> Path:
        """The solved notebook, which students may get afterwards."""
        return self.folder / f"{self.name}.ipynb"

    @cached_property
    def source(self) -> NotebookNode:
        """The instructor's notebook; nobody changes it."""
        return read_course_notebook(self.source_path)

    @property
    def probes(self) -> str:
        """The source text of the practical's own probes and kinds of objects; it may give nothing away."""
        return self._text("probes")

    @property
    def warmup(self) -> str:
        """The source text of what the student's process does once, before it is copied for every question."""
        return self._text("warmup")

    @property
    def modules(self) -> list[tuple[str, str]]:
        """The engine's modules that both import, name and source text, each after those that it imports itself."""
        return engine_modules({self.folder / f"{stem}.py": self._text(stem) for stem in ("probes", "warmup")})

    def _text(self, stem: str) -> str:
        path = self.folder / f"{stem}.py"
        return read_own(path) if path.exists() else ""


def source_path(root: Path, name: str) -> Path:
    """Where the instructor's notebook of that name stands."""
    return root / "source" / name / f"{name}.ipynb"


def practicals_in(root: Path) -> list[str]:
    """The names of the course's practicals: those that stand in source/ and in solutions/.

    CourseError where there is none, or two whose names differ in capital letters only.
    """
    folders = sorted((root / "solutions").glob(f"*/{CONTRACT}"))
    names = [path.parent.name for path in folders if source_path(root, path.parent.name).exists()]
    if not names:
        for path in folders:
            choose_practical(root, path.parent.name)  # which says what it lacks
        raise _absent(root, f"There is no practical in the course {root}.")
    for folded, count in Counter(name.casefold() for name in names).items():
        if count > 1:
            same = " and ".join(str(root / "solutions" / name) for name in names if name.casefold() == folded)
            raise CourseError(f"Two practicals have one name: {same}.", "Give one of them another name.")
    return names


def _absent(root: Path, message: str) -> CourseError:
    """The fault of a practical that is not there, or is an older kit's."""
    if (root / "solutions" / "variants").is_dir():
        old = root / "solutions"
        message = f"{old} was made for an older version of the kit: it holds no folder for each practical."
    return CourseError(message, "docs/writing-a-practical.md says how to write one, and how to bring an old one over.")


def choose_practical(root: Path, name: str = "") -> str:
    """The name of the practical that is meant: the only one where none is named. CourseError lists what there is."""
    contract = root / "solutions" / name / CONTRACT
    if name and contract.exists() != source_path(root, name).exists():
        there, missing = sorted((contract, source_path(root, name)), key=Path.exists, reverse=True)
        raise _absent(root, f"There is no {missing}, only {there}.")
    known = practicals_in(root)
    if name and name not in known:
        step = f"{did_you_mean(name, known)}The practicals of {root} are: {', '.join(known)}."
        raise CourseError(f"There is no practical {name!r}.", step)
    if not name and len(known) > 1:
        raise CourseError(f"The course has several practicals: {', '.join(known)}.", "Name one with --assignment.")
    return name or known[0]


def load_practical(root: Path, name: str = "") -> Practical:
    """The practical of that name in the course, or the only one there is.

    CourseError names file and line of whatever is at fault with its contract, and what to do.
    """
    name = choose_practical(root, name)
    path = root / "solutions" / name / CONTRACT
    contract = read_contract(path)
    where = source_path(root, name)
    cells = cells_of(read_course_notebook(where), where)
    check_ids(cells)
    answers = [cell for cell in cells if cell.is_code and cell.grade_id and not cell.has("grade")]
    defines = {cell.grade_id: names for cell in answers if not cell.has("locked") and (names := cell.defines)}
    questions = questions_in(path, contract["questions"], cells, functions_of(answers))
    written = {cell.grade_id: cell.points for cell in cells if cell.has("grade") and not cell.is_code}
    check_points(path, contract, sum(question.points for question in questions) + sum(written.values()))
    return Practical(
        name,
        root,
        questions,
        written,
        defines,
        blanks_in(cells),
        frozenset(contract.get("long_running", ())),
    )


def read_release(practical: Practical) -> NotebookNode:
    """The notebook that students got. CourseError if it was never made, or its graded cells are not the source's."""
    path = practical.release_path
    step = f"Run: autograder generate --assignment {practical.name}"
    if not path.exists():
        raise CourseError(f"There is no {path}: the students' version was never made.", step)
    release = read_course_notebook(path)
    ours, theirs = (_roles(cells_of(notebook)) for notebook in (practical.source, release))
    for name in [*ours, *theirs]:
        if ours.get(name) != theirs.get(name):
            message = f"{path} was made from another version of {practical.source_path}: its cell {name!r} differs."
            raise CourseError(message, step)
    return release


def _roles(cells: Sequence[Cell]) -> dict[str, tuple[object, ...]]:
    """What nbgrader's metadata say of each cell that they name; points may change after the release."""
    roles = ("grade", "solution", "locked")
    return {cell.grade_id: (cell.kind, *map(cell.has, roles)) for cell in cells if cell.grade_id}
