"""What nbgrader's autograde works on: mended notebooks and results, handed over by a sink or found on the spot."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.course.folders import Course
from autograder.errors import CourseError
from autograder.grading.mark import Marking, mark
from autograder.grading.mend import HandedIn, Mended, everything_in, kept_mended, mend_once
from autograder.grading.store import kept
from autograder.records import Submission, SubmissionResult


def unfinished(practical: str) -> str:
    """Within autograded/ and feedback/: where a student's new folder grows; one for each practical's grader."""
    return f".unfinished-{practical}"


@dataclass(frozen=True)
class Inputs:
    """The notebooks and results of a class, by student."""

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
        if student in self.results and (before := kept_mended(self.folder, student)):
            return before
        name = self.course.name
        usual = Submission(student, self.course.submitted / student / name / f"{name}.ipynb")
        return mend_once(self.course, self.submissions.get(student, usual), self.folder)

    def result(self, mended: Mended) -> SubmissionResult:
        """The result of a mended notebook: the known one, or else what marking comes to."""
        known = self.results.get(mended.student)
        return known or mark(self.marking, mended, kept(self.folder, mended.student)).result


def found_in(course: Course) -> Inputs:
    """What stands in the course's folders."""
    found: dict[str, HandedIn] = {}
    with contextlib.suppress(CourseError):  # nbgrader found a notebook; where the kit finds none, it is that one
        everyone = everything_in(course.submitted, course.name, others=course.others)
        found = {each.student: each for each in everyone}
    return Inputs(Marking(course), course.results, found, {})
