"""The run of a class: submissions found, mended and marked in parallel, kept one by one, then published."""

import shlex
from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.progress import Progress

from autograder.errors import CheckError, CourseError, did_you_mean, unforeseen
from autograder.files import check_writable
from autograder.grading.executors import outcomes
from autograder.grading.locking import only_grader
from autograder.grading.mark import Marked, Marking, mark
from autograder.grading.mend import HandedIn, everything_in, mend_once
from autograder.grading.publish import ClassResults, Published, Sink, publish
from autograder.grading.stopping import Stopped
from autograder.grading.store import as_data, check_of, keep, kept, tidy
from autograder.records import SubmissionResult
from autograder.reports.tables import class_words, named, plain
from autograder.sandbox import choose_barrier

AGAIN = "Run the same command again to go on."


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
    try:
        found = mark(marking, mend_once(marking.course, submission, folder), kept(folder, student))
    except CheckError as error:  # the check is at fault, so nobody is marked by it; the others are
        fault = f"{error.message} It was met in the notebook of {student}. {error.next_step}"
        return Graded(SubmissionResult(student, marking.course.name, fault=fault), lost=True)
    except Exception as error:  # whatever one submission brings about must not stop the others
        fault = unforeseen(error, f"The notebook of {student}")
        found = Marked(SubmissionResult(student, marking.course.name, fault=fault))
    return Graded(found.result, bool(found.asked), keep(folder, found.result))


def lost(marking: Marking, submission: HandedIn) -> Graded:
    """What there is to say where the grading process was killed from outside, twice."""
    why = (
        "The process that graded this submission was killed twice, most often because the machine ran out of memory. "
        "What was kept before stays. Grade it again with fewer at once: "
        f"--student {shlex.quote(submission.student)} --jobs 1"
    )
    return Graded(SubmissionResult(submission.student, marking.course.name, fault=why), lost=True)


def grade_all(marking: Marking, folder: Path, submissions: Sequence[HandedIn], jobs: int) -> Generator[Graded]:
    """The results of many submissions, as they come, several at once in processes of their own.

    CourseError as soon as one finds the course or the machine unfit. Close the iterator if it is left early.
    """
    return outcomes(partial(grade_one, marking, folder), submissions, jobs, partial(lost, marking))


@dataclass(frozen=True)
class GradedClass:
    """What came of grading a class, or some of its students."""

    graded: Sequence[Graded]  # the students that were to be graded
    waiting: Sequence[str]  # students who were not to be graded, and never were
    published: Sequence[Published]
    fault: CourseError | None = None  # why something could not be published

    @property
    def results(self) -> list[SubmissionResult]:
        """The results of the students that were to be graded."""
        return [each.result for each in self.graded]

    @property
    def count(self) -> str:
        """How many were graded, and how many needed nothing, in words."""
        faults = sum(bool(each.result.fault) for each in self.graded)
        asked = sum(each.asked for each in self.graded)
        known = [each for each in self.graded if not each.asked and not each.result.fault]
        updated = sum(each.changed for each in known)
        words = f"{asked} graded now, {len(known) - updated} unchanged since they were graded before"
        words += f", {updated} brought up to date without asking again" if updated else ""
        return words + (f", {faults} could not be graded." if faults else ".")

    @property
    def failures(self) -> dict[str, str]:
        """Why a student's marks are not where they should be."""
        return {student: why for each in self.published for student, why in each.failures.items()}

    @property
    def faults(self) -> bool:
        """Whether anything could not be graded or published."""
        return bool(self.failures or self.fault) or any(result.fault for result in self.results)

    def data(self) -> dict[str, Any]:
        """All of it for a program."""
        fault = f"{self.fault.message} {self.fault.next_step}" if self.fault else ""
        found: dict[str, Any] = {"results": [as_data(result) for result in self.results]}
        for each in self.published:
            found |= each.data
        return {**found, "unpublished": self.failures, "fault": fault}

    def words(self) -> list[RenderableType]:
        """All of it for people."""
        never = [plain(f"Never graded yet: {named(self.waiting)}.", "yellow")] if self.waiting else []
        failed = [plain(f"{name}: not in the gradebook: {why}", "red") for name, why in self.failures.items()]
        said = [words for each in self.published for words in each.words]
        written = [plain(f"Wrote {path}") for each in self.published for path in each.written]
        return [*class_words(self.results), *failed, plain(self.count), *never, *said, *written]


def grade_class(
    marking: Marking,
    submitted: Path,
    target: Path,
    jobs: int,
    to: Sequence[Sink],
    progress: Progress,
    students: Collection[str] = (),
) -> GradedClass:
    """Grade the submissions in a folder, or those of some students; keep each result as it comes; then publish.

    ``target`` is where results are kept. The class's files hold everyone, whoever was graded now. CourseError names a
    student who did not hand in, or another grader at work there; Stopped says how far it came.
    """
    course = marking.course
    own = submitted == course.submitted  # elsewhere the caller knows what was handed in
    apart, others = ({target}, course.others) if own else ({target, submitted / "results"}, ())
    everyone = everything_in(submitted, course.name, apart, others)
    asked = _asked_for(everyone, students, submitted)
    # what is unfit for grading is better met once, and first
    _ = course.release, marking.key.checks, marking.dependencies, choose_barrier(marking.unsafe)
    check_of(target, course.name)
    marking.prove(target)
    folders = [path for sink in to for path in sink.folders(marking, target)]
    locked = [course.results] if course.root in folders else []
    with only_grader(target, *locked):
        for folder in folders:
            check_writable(folder)  # better known before the class is graded than after
        tidy(target)
        graded = _graded(marking, target, asked, jobs, progress)
        return _published(marking, target, everyone, graded, to, progress)


def _asked_for(everyone: Sequence[HandedIn], students: Collection[str], folder: Path) -> list[HandedIn]:
    """The submissions of some students, of all if none is named; CourseError if one of them did not hand in."""
    known = [each.student for each in everyone]
    for student in sorted(set(students) - set(known)):
        step = f"{did_you_mean(student, known)}Submissions there: {named(known)}."
        raise CourseError(f"There is no submission of {student!r} in {folder}.", step)
    return [each for each in everyone if not students or each.student in students]


def _graded(marking: Marking, target: Path, asked: Sequence[HandedIn], jobs: int, progress: Progress) -> list[Graded]:
    """What became of everyone who was asked for, sorted by student."""
    done: list[Graded] = []
    task = progress.add_task("grading", total=len(asked))
    try:
        with closing(grade_all(marking, target, asked, jobs)) as coming:
            for graded in coming:
                done.append(graded)
                progress.advance(task)
    except Stopped as stopped:
        count = sum(not graded.lost for graded in done)
        stopped.words = f"{count} of {len(asked)} are graded and kept. {AGAIN}"
        raise
    return sorted(done, key=lambda graded: graded.result.student)


def _published(
    marking: Marking,
    target: Path,
    everyone: Sequence[HandedIn],
    graded: Sequence[Graded],
    to: Sequence[Sink],
    progress: Progress,
) -> GradedClass:
    """Everyone's results, those of the others as they were kept, handed to the sinks."""
    results = {each.result.student: each.result for each in graded}
    others = {each.student: kept(target, each.student) for each in everyone if each.student not in results}
    whole = sorted([*results.values(), *filter(None, others.values())], key=lambda result: result.student)
    # where the machine failed there is nothing to publish: what is there stays as it is
    now = frozenset(each.result.student for each in graded if not each.lost)
    try:
        published, fault = publish(ClassResults(marking, target, everyone, whole, now), to, progress)
    except Stopped as stopped:
        stopped.words = f"All results are kept; the gradebook and the feedback are not written in full. {AGAIN}"
        raise
    return GradedClass(graded, [name for name, before in others.items() if before is None], published, fault)
