"""The stage publish: one process hands the results of a class to sinks, each of which skips what has not changed.

The core writes the tables. nbgrader's gradebook and feedback, and the comparison of submissions, are sinks of
annexes: a module ``sinks`` in an annex's room offers them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from rich.console import RenderableType
from rich.progress import Progress, TaskID

from autograder.annexes import annex
from autograder.errors import CourseError
from autograder.grading.mark import Marking
from autograder.grading.mend import HandedIn
from autograder.records import SubmissionResult
from autograder.reports.tables import write_class

ANNEXES = ("nbgrader.sinks", "term.sinks", "likeness.sinks")
OF_GRADEBOOK = ("nbgrader.sinks", "term.sinks")


@dataclass(frozen=True)
class ClassResults:
    """What is to be published."""

    marking: Marking
    folder: Path  # where results are kept
    submissions: Sequence[HandedIn]  # everyone's
    results: Sequence[SubmissionResult]  # everyone's, sorted by student
    now: frozenset[str]  # students whose result was found or confirmed in this run


@dataclass(frozen=True)
class Published:
    """What a sink did."""

    written: Sequence[Path] = ()
    failures: Mapping[str, str] = field(default_factory=dict)  # student -> why there is nothing of that student
    data: Mapping[str, Any] = field(default_factory=dict)  # to be added to what a program reads
    words: Sequence[RenderableType] = ()  # for people


class Sink(Protocol):
    """Where results go."""

    name: str

    def check(self, marking: Marking) -> None:
        """CourseError where something of the course would keep it from publishing; asked before a class is graded."""
        ...

    def folders(self, marking: Marking, folder: Path) -> Sequence[Path]:
        """The folders that it writes to, which are tried before a class is graded."""
        ...

    def publish(self, results: ClassResults, progress: Callable[[int, int], None]) -> Published:
        """Publish what has changed. ``progress`` hears how many steps of how many are done. CourseError: none could."""
        ...


class Tables:
    """``results.json`` and ``results.csv``, of everyone."""

    name = "tables"

    def check(self, marking: Marking) -> None:
        """Nothing can keep it from that."""

    def folders(self, _: Marking, folder: Path) -> Sequence[Path]:
        """The folder of results."""
        return [folder]

    def publish(self, results: ClassResults, _: Callable[[int, int], None]) -> Published:
        """Write both files."""
        return Published(write_class(results.folder, results.results))


def sinks(gradebook: bool) -> list[Sink]:
    """All sinks that are there; ``gradebook`` says whether the gradebook and what is made from it are wanted."""
    rooms = [annex(name) for name in ANNEXES if gradebook or name not in OF_GRADEBOOK]
    return [Tables(), *(sink for room in rooms if room is not None for sink in room.SINKS)]


def publish(
    results: ClassResults, to: Sequence[Sink], progress: Progress
) -> tuple[list[Published], CourseError | None]:
    """Hand the results to every sink, one after the other. What one cannot do does not keep the others from it.

    Returns what they did, and the first fault of the course that one of them met.
    """
    done: list[Published] = []
    fault: CourseError | None = None
    for sink in to:
        task = progress.add_task(sink.name, visible=False)  # until it has something to do
        try:
            done.append(sink.publish(results, partial(_advance, progress, task)))
        except CourseError as error:
            step = f"{error.next_step} All results are kept in {results.folder}; the same command then writes the rest."
            fault = fault or CourseError(error.message, step)
    return done, fault


def _advance(progress: Progress, task: TaskID, done: int, total: int) -> None:
    progress.update(task, completed=done, total=total, visible=True)
