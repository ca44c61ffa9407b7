"""Who grades the submissions of a class, several at once: processes of this machine, or the workers of a cluster."""

import shlex
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from autograder.annexes import annex
from autograder.errors import CheckError, CourseError, unforeseen
from autograder.grading.executors import outcomes
from autograder.grading.mark import Marked, Marking, mark
from autograder.grading.mend import HandedIn, mend_once
from autograder.grading.store import keep, kept
from autograder.records import SubmissionResult
from autograder.sandbox import choose_barrier
from autograder.sandbox.apart import BusyError


@dataclass(frozen=True)
class Graded:
    """What became of one submission in a run."""

    result: SubmissionResult
    asked: bool = False  # whether any question was asked for it
    changed: bool = True  # since it was graded before
    lost: bool = False  # the machine did not survive it: nothing was found out, and nothing is to be published


def grade_one(marking: Marking, folder: Path, submission: HandedIn) -> Graded:
    """Mend and mark one submission, and keep its result in the folder. It takes no lock, and needs no other student.

    CourseError if the course or the machine is unfit; everything else that goes wrong is that student's result.
    """
    student = submission.student
    before = kept(folder, student)
    try:
        found = mark(marking, mend_once(marking.course, submission, folder), before)
    except CheckError as error:  # the check is at fault, so nobody is marked by it; the others are
        fault = f"{error.message} It was met in the notebook of {student}. {error.next_step}"
        return Graded(SubmissionResult(student, marking.course.name, fault=fault), lost=True)
    except BusyError as error:
        fault = f"{error.message} {error.next_step}"
        return Graded(SubmissionResult(student, marking.course.name, fault=fault), lost=True)
    except Exception as error:  # whatever one submission brings about must not stop the others
        fault = unforeseen(error, f"The notebook of {student}")
        found = Marked(SubmissionResult(student, marking.course.name, fault=fault))
    return Graded(found.result, bool(found.asked), found.result != before and keep(folder, found.result))


def lost(marking: Marking, submission: HandedIn) -> Graded:
    """What there is to say where the grading process was killed from outside, twice."""
    why = (
        "The process that graded this submission was killed twice, most often because the machine ran out of memory. "
        "What was kept before stays. Grade it again with fewer at once: "
        f"--student {shlex.quote(submission.student)} --jobs 1"
    )
    return Graded(SubmissionResult(submission.student, marking.course.name, fault=why), lost=True)


class Graders(Protocol):
    """Who grades many submissions; each by ``grade_one``, wherever that runs."""

    def check(self, marking: Marking) -> None:
        """CourseError if nothing can be graded there."""
        ...

    def results(self, marking: Marking, folder: Path, submissions: Sequence[HandedIn]) -> Generator[Graded]:
        """The results as they come, each of them kept in the folder before.

        CourseError as soon as the course or the machine is found unfit. Close the iterator if it is left early.
        """
        ...


@dataclass(frozen=True)
class LocalProcesses:
    """So many processes of this machine; this one alone where one is enough."""

    jobs: int

    def check(self, marking: Marking) -> None:
        """See Graders."""
        choose_barrier(marking.unsafe)

    def results(self, marking: Marking, folder: Path, submissions: Sequence[HandedIn]) -> Generator[Graded]:
        """See Graders."""
        return outcomes(partial(grade_one, marking, folder), submissions, self.jobs, partial(lost, marking))


def graders_for(jobs: int, scheduler: str, say: Callable[[str], None]) -> Graders:
    """So many processes of this machine, or the workers of a cluster whose scheduler has that address, if it is given.

    ``say`` tells the user what is to be known while they grade. CourseError if the cluster's annex is not there.
    """
    if not scheduler:
        return LocalProcesses(jobs)
    cluster = annex("cluster.commands")
    if cluster is None:
        raise CourseError("autograder.cluster has been taken out of this kit.", "Put it back, or drop --scheduler.")
    graders: Graders = cluster.graders_of(scheduler, say)
    return graders
