"""What an assignment tells the engine: its cells, blanks, questions and checks.

An assignment is a package ``autograder.<name>`` that offers ``ASSIGNMENT`` (this module's record, cheap to import) and
a module ``checks`` (imports torch; loaded only when marks are wanted).
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.errors import CourseError, did_you_mean

if TYPE_CHECKING:
    from autograder.checks import Check


@dataclass(frozen=True)
class Question:
    """One question that the machine marks: its grade cell is ``check-<name>``.

    ``functions`` are the qualified names of the functions whose blanks it marks; ``cell`` is where they stand.
    """

    name: str
    points: float
    cell: str
    functions: tuple[str, ...]


@dataclass(frozen=True)
class Assignment:
    """One practical, as the engine sees it."""

    name: str
    defines: Mapping[str, tuple[str, ...]]  # grade_id of a cell -> the names that it defines
    blanks: Mapping[str, str]  # blank id -> grade_id of its cell
    questions: tuple[Question, ...]
    written: Mapping[str, float]  # grade_id of a written answer -> points
    long_running: frozenset[str]  # functions that a marking machine never runs by itself

    def question(self, name: str) -> Question:
        """The question of that name; CourseError if there is none."""
        for question in self.questions:
            if question.name == name:
                return question
        known = [question.name for question in self.questions]
        step = f"{did_you_mean(name, known)}Its questions are: {', '.join(known)}."
        raise CourseError(f"{self.name} has no question {name!r}.", step)

    @property
    def probes(self) -> str:
        """The source text of what the student process is asked to do; it may give nothing away."""
        return (self._folder / "probes.py").read_text(encoding="utf-8")

    @property
    def warmup(self) -> str:
        """The source text of what the student process does once, before it is copied for every question."""
        return (self._folder / "warmup.py").read_text(encoding="utf-8")

    @property
    def _folder(self) -> Path:
        return Path(__file__).parent / self.name

    def checks(self) -> "Sequence[Check]":
        """The hidden checks, in the order in which they run.

        The judge warms up like the student process: it works in one thread, and has no use for what that leaves out.
        """
        importlib.import_module(f"autograder.{self.name}.warmup")
        return tuple(importlib.import_module(f"autograder.{self.name}.checks").CHECKS)


def load_assignment(name: str) -> Assignment:
    """The assignment of that name; CourseError names the known ones if there is none."""
    here = Path(__file__).parent
    known = sorted(path.parent.name for path in here.glob("*/probes.py"))
    if name not in known:
        raise CourseError(f"There is no assignment {name!r}.", f"Known assignments: {', '.join(known)}.")
    assignment = importlib.import_module(f"autograder.{name}").ASSIGNMENT
    assert isinstance(assignment, Assignment)
    return assignment
