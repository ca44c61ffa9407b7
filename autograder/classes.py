"""Grading a whole class: the submissions found, graded, kept, published and summed up."""

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.progress import Progress

from autograder.batch import Lost, Marking, check_fit, grade_all, unclear_result
from autograder.course import Unclear, find_submissions
from autograder.errors import CourseError, did_you_mean
from autograder.files import check_writable
from autograder.likeness.findings import Findings, compare_class
from autograder.locking import only_grader
from autograder.records import Submission, SubmissionResult
from autograder.results import as_data, barrier_lines, class_table, keep, kept, plain, tidy, write_class
from autograder.stopping import Stopped

AGAIN = "Run the same command again to go on."
MOST_NAMED = 10  # students in one sentence


@dataclass(frozen=True)
class GradedClass:
    """What came of grading a class, or some of its students."""

    results: Sequence[SubmissionResult]  # of the students that were to be graded
    written: Sequence[Path]
    unchanged: int = 0  # results that were kept from before
    unpublished: dict[str, str] = field(default_factory=dict)  # student -> why the gradebook does not have the marks
    waiting: Sequence[str] = ()  # students who were not to be graded, and never were
    fault: CourseError | None = None  # why the gradebook, or the rest of it, could not be written
    alike: Findings = field(default_factory=Findings)  # for the instructor alone; no mark hangs on it

    @property
    def faults(self) -> bool:
        """Whether anything could not be graded or published."""
        return bool(self.unpublished or self.fault) or any(result.fault for result in self.results)

    def data(self) -> dict[str, Any]:
        """All of it for a program."""
        fault = f"{self.fault.message} {self.fault.next_step}" if self.fault else ""
        results = [as_data(result) for result in self.results]
        return {"results": results, "unpublished": self.unpublished, "fault": fault, "alike": self.alike.data()}

    def words(self) -> list[RenderableType]:
        """All of it for people."""
        failed = [plain(f"{name}: not in the gradebook: {why}", "red") for name, why in self.unpublished.items()]
        faults = sum(bool(result.fault) for result in self.results)
        now = len(self.results) - self.unchanged - faults
        count = f"{now} graded now, {self.unchanged} unchanged since they were graded before"
        count += f", {faults} could not be graded." if faults else "."
        never = [plain(f"Never graded yet: {_named(self.waiting)}.", "yellow")] if self.waiting else []
        written = [plain(f"Wrote {path}") for path in self.written]
        said = [*failed, *barrier_lines(self.results), plain(count), *never, *self.alike.words(), *written]
        return [class_table(self.results), *said]


def _named(students: Sequence[str]) -> str:
    more = len(students) - MOST_NAMED
    return ", ".join(students[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def grade_class(
    marking: Marking,
    submitted: Path,
    target: Path,
    jobs: int,
    gradebook: bool,
    progress: Progress,
    students: Collection[str] = (),
) -> GradedClass:
    """Grade the submissions in a folder, or those of some students; keep each result as it comes; then publish.

    ``target`` is where results go; ``gradebook`` says whether nbgrader's gradebook and feedback are written too. The
    class's files hold everyone, whoever was graded now. CourseError names a student who did not hand in, or another
    grader at work there; Stopped says how far it came.
    """
    found = _Found(*find_submissions(submitted, marking.course.name, apart=target))
    found.check(students, submitted)
    check_fit(marking)
    with only_grader(target, *([marking.course.results] if gradebook else [])):
        for folder in _folders(marking) if gradebook else ():
            check_writable(folder)  # better known before the class is graded than after
        tidy(target)
        graded = _Sitting(marking, target, gradebook, progress).grade(found, students, jobs)
        task = progress.add_task("comparing", total=len(found.submissions))
        alike = compare_class(marking, found.submissions, target, lambda: progress.advance(task))
        return replace(graded, alike=alike, written=[*graded.written, target / "alike.json"])


@dataclass(frozen=True)
class _Found:
    submissions: list[Submission]
    unclear: list[Unclear]

    @property
    def students(self) -> list[str]:
        return sorted([item.student for item in self.submissions] + [item.student for item in self.unclear])

    def check(self, students: Collection[str], folder: Path) -> None:
        """CourseError if one of them did not hand in."""
        known = self.students
        for student in sorted(set(students) - set(known)):
            step = f"{did_you_mean(student, known)}Submissions there: {_named(known)}."
            raise CourseError(f"There is no submission of {student!r} in {folder}.", step)

    def of(self, students: Collection[str]) -> "_Found":
        """Those of some students; of all if none is named."""
        return _Found(
            [item for item in self.submissions if not students or item.student in students],
            [item for item in self.unclear if not students or item.student in students],
        )


@dataclass(frozen=True)
class _Sitting:
    """One run of the grader, under the lock."""

    marking: Marking
    target: Path
    gradebook: bool
    progress: Progress

    def grade(self, everyone: _Found, students: Collection[str], jobs: int) -> GradedClass:
        asked = everyone.of(students)
        results = [unclear_result(item, self.marking.course) for item in asked.unclear]
        for result in results:
            keep(self.target, result)
        graded, lost, unchanged = self._graded(asked.submissions, jobs)
        results = sorted([*results, *graded], key=lambda result: result.student)
        whole, waiting = self._whole_class(everyone, results)
        written = [*write_class(self.target, whole)]
        if not self.gradebook:
            return GradedClass(results, written, unchanged, {}, waiting)
        # where the machine failed there is nothing to mark: the gradebook stays as it is
        failed, fault = self._publish([result for result in results if result.student not in lost])
        root = self.marking.course.root
        written.extend([root / "gradebook.db", root / "feedback"] if fault is None else ())
        return GradedClass(results, written, unchanged, failed, waiting, fault)

    def _graded(self, submissions: list[Submission], jobs: int) -> tuple[list[SubmissionResult], set[str], int]:
        """The results, of whom nothing could be found out, and how many were kept from before."""
        results: list[SubmissionResult] = []
        lost: set[str] = set()
        unchanged = 0
        task = self.progress.add_task("grading", total=len(submissions))
        try:
            with closing(grade_all(self.marking, submissions, jobs)) as coming:
                for result in coming:
                    if isinstance(result, Lost):
                        lost.add(result.student)
                        result = SubmissionResult(result.student, self.marking.course.name, fault=result.reason)
                    else:
                        new = keep(self.target, result)
                        unchanged += not new and not result.fault
                    results.append(result)
                    self.progress.advance(task)
        except Stopped as stopped:
            stopped.words = f"{len(results) - len(lost)} of {len(submissions)} are graded and kept. {AGAIN}"
            raise
        return results, lost, unchanged

    def _whole_class(
        self, everyone: _Found, results: Sequence[SubmissionResult]
    ) -> tuple[list[SubmissionResult], list[str]]:
        """Everyone's result, those of the others as they were kept, and who of them never had one."""
        known = {result.student: result for result in results}
        others = [name for name in everyone.students if name not in known]
        before = {name: found for name in others if (found := kept(self.target, name)) is not None}
        whole = sorted([*known.values(), *before.values()], key=lambda result: result.student)
        return whole, [name for name in others if name not in before]

    def _publish(self, results: Sequence[SubmissionResult]) -> tuple[dict[str, str], CourseError | None]:
        """Why the gradebook does not have the marks of some, or why it, or the rest of it, could not be written."""
        from autograder.publishing.gradebook import write_feedback, write_gradebook

        root, name = self.marking.course.root, self.marking.course.name
        known = {result.student: result for result in results}
        task = self.progress.add_task("gradebook and feedback", total=2 * len(known))

        def advance(_: str) -> None:
            self.progress.advance(task)

        try:
            failures = write_gradebook(root, name, known, known, advance)
            return failures | write_feedback(root, name, [one for one in known if one not in failures], advance), None
        except CourseError as fault:
            step = f"{fault.next_step} All results are kept in {self.target}; the same command then writes the rest."
            return {}, CourseError(fault.message, step)
        except Stopped as stopped:
            stopped.words = f"All results are kept; the gradebook and the feedback are not written in full. {AGAIN}"
            raise


def _folders(marking: Marking) -> list[Path]:
    root = marking.course.root
    return [root, root / "autograded", root / "feedback"]
