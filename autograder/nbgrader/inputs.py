"""What nbgrader's autograde works on: mended notebooks and results, handed over by a sink or found on the spot."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.course.folders import Course
from autograder.errors import CourseError
from autograder.grading.mark import Marking, mark
from autograder.grading.mend import HandedIn, Mended, everything_in, kept_mended, mend_once
from autograder.grading.publish import ClassResults
from autograder.grading.store import kept
from autograder.records import Submission, SubmissionResult

UNFINISHED = ".unfinished"
"""Within autograded/ and feedback/: where a student's new folder grows."""


@dataclass(frozen=True)
class Inputs:
    """The notebooks and results of a class, by student; make it by ``handed_over`` or ``found_in``."""

    marking: Marking
    folder: Path  # where mended notebooks and results are kept
    submissions: Mapping[str, HandedIn]
    results: Mapping[str, SubmissionResult]  # those that are known already

    @property
    def course(self) -> Course:
        """The course and the practical in it."""
        return self.marking.course

    def mended(self, student: str) -> Mended:
        """A student's mended notebook, made where it is not kept; the release, with the reason, if there is none."""
        before = kept_mended(self.folder, student) if student in self.results else None
        name = self.course.name
        usual = Submission(student, self.course.submitted / student / name / f"{name}.ipynb")
        return before[0] if before else mend_once(self.course, self.submissions.get(student, usual), self.folder)

    def result(self, mended: Mended) -> SubmissionResult:
        """The result of a mended notebook: the known one, or else what marking comes to."""
        known = self.results.get(mended.student)
        return known or mark(self.marking, mended, kept(self.folder, mended.student)).result


def handed_over(results: ClassResults) -> Inputs:
    """What was marked in this run: nothing is read, mended or marked again."""
    now = {result.student: result for result in results.results if result.student in results.now}
    return Inputs(results.marking, results.folder, {each.student: each for each in results.submissions}, now)


def found_in(course: Course) -> Inputs:
    """What stands in the course's folders."""
    found: dict[str, HandedIn] = {}
    with contextlib.suppress(CourseError):  # nbgrader found a notebook; where the kit finds none, it is that one
        found = {each.student: each for each in everything_in(course.submitted, course.name)}
    return Inputs(Marking(course), course.results, found, {})
