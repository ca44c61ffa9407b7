"""The run of a class: submissions found, mended and marked in parallel, kept one by one, then published."""

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.progress import Progress

from autograder.errors import CourseError, did_you_mean
from autograder.files import check_writable
from autograder.grading.graders import Graded, Graders
from autograder.grading.locking import only_grader, shard_grader
from autograder.grading.mark import Marking
from autograder.grading.mend import HandedIn, everything_in
from autograder.grading.publish import ClassResults, Published, Sink, publish
from autograder.grading.shards import WHOLE, Shard
from autograder.grading.stopping import Stopped
from autograder.grading.store import as_data, check_of, kept, tidy
from autograder.records import SubmissionResult
from autograder.reports.tables import class_words, named, plain

AGAIN = "Run the same command again to go on."
LAST = "Nothing is published yet. When all parts are done, run autograder grade once without --shard."


@dataclass(frozen=True)
class GradedClass:
    """What came of grading a class, or some of its students."""

    graded: Sequence[Graded]  # the students that were to be graded
    waiting: Sequence[str] = ()  # students who were not to be graded, and never were
    published: Sequence[Published] = ()
    fault: CourseError | None = None  # why something could not be published
    shard: Shard = WHOLE  # the part of the class that these students are

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
        part = [plain(f"This was part {self.shard} of the class. {LAST}")] if self.shard != WHOLE else []
        return [*class_words(self.results), *failed, plain(self.count), *never, *said, *written, *part]


def grade_class(
    marking: Marking,
    submitted: Path,
    target: Path,
    graders: Graders,
    to: Sequence[Sink],
    progress: Progress,
    students: Collection[str] = (),
    shard: Shard = WHOLE,
) -> GradedClass:
    """Grade the submissions in a folder, or those of some students; keep each result as it comes; then publish.

    ``target`` is where results are kept. The class's files hold everyone, whoever was graded now. Of a shard the
    results are only kept: it needs no other shard and waits for none, and nothing is published. CourseError names a
    student who did not hand in, or another grader at work there; Stopped says how far it came.
    """
    course = marking.course
    own = submitted == course.submitted  # elsewhere the caller knows what was handed in
    apart, others = ({target}, course.others) if own else ({target, submitted / "results"}, ())
    everyone = everything_in(submitted, course.name, apart, others)
    asked = shard.of(_asked_for(everyone, students, submitted))
    # what is unfit for grading is better met once, and first
    _ = course.release, marking.dependencies
    graders.check(marking)
    check_of(target, course.name)
    marking.prove(target)
    if shard != WHOLE:
        with shard_grader(target):
            check_writable(target)
            return GradedClass(_graded(marking, target, asked, graders, progress), shard=shard)
    for sink in to:
        sink.check(marking)
    folders = [path for sink in to for path in sink.folders(marking, target)]
    locked = [course.results] if course.root in folders else []
    with only_grader(target, *locked):
        for folder in folders:
            check_writable(folder)  # better known before the class is graded than after
        tidy(target)
        graded = _graded(marking, target, asked, graders, progress)
        return _published(marking, target, everyone, graded, to, progress)


def _asked_for(everyone: Sequence[HandedIn], students: Collection[str], folder: Path) -> list[HandedIn]:
    """The submissions of some students, of all if none is named; CourseError if one of them did not hand in."""
    known = [each.student for each in everyone]
    for student in sorted(set(students) - set(known)):
        step = f"{did_you_mean(student, known)}Submissions there: {named(known)}."
        raise CourseError(f"There is no submission of {student!r} in {folder}.", step)
    return [each for each in everyone if not students or each.student in students]


def _graded(
    marking: Marking, target: Path, asked: Sequence[HandedIn], graders: Graders, progress: Progress
) -> list[Graded]:
    """What became of everyone who was asked for, sorted by student."""
    done: list[Graded] = []
    task = progress.add_task("grading", total=len(asked))
    try:
        with closing(graders.results(marking, target, asked)) as coming:
            for graded in coming:
                done.append(graded)
                progress.advance(task)
    except Stopped as stopped:
        count = sum(not graded.lost for graded in done)
        stopped.words = f"{count} of {len(asked)} are graded and kept. {AGAIN}"
        raise
    finally:
        marking.end_process()
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
