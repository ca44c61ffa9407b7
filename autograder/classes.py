"""Grading a whole class: the submissions found, graded, kept, published and summed up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.progress import Progress

from autograder.batch import Marking, grade_all, unclear_result
from autograder.course import find_submissions
from autograder.records import SubmissionResult
from autograder.results import as_data, class_table, keep, plain, write_class


@dataclass(frozen=True)
class GradedClass:
    """What came of grading a class."""

    results: Sequence[SubmissionResult]
    written: Sequence[Path]
    unpublished: dict[str, str] = field(default_factory=dict)  # student -> why the gradebook does not have the marks

    @property
    def faults(self) -> bool:
        """Whether anything could not be graded or published."""
        return bool(self.unpublished) or any(result.fault for result in self.results)

    def data(self) -> dict[str, Any]:
        """All of it for a program."""
        return {"results": [as_data(result) for result in self.results], "unpublished": self.unpublished}

    def words(self) -> list[RenderableType]:
        """All of it for people."""
        failed = [plain(f"{name}: not in the gradebook: {why}", "red") for name, why in self.unpublished.items()]
        return [class_table(self.results), *failed, *(plain(f"Wrote {path}") for path in self.written)]


def grade_class(
    marking: Marking, submitted: Path, target: Path, jobs: int, gradebook: bool, progress: Progress
) -> GradedClass:
    """Grade all submissions in a folder; keep each result as it comes; then publish.

    ``target`` is where results go; ``gradebook`` says whether nbgrader's gradebook and feedback are written too.
    """
    submissions, unclear = find_submissions(submitted, marking.course.name, apart=target)
    results = [unclear_result(item, marking.course) for item in unclear]
    for result in results:
        keep(target, result)
    task = progress.add_task("grading", total=len(submissions))
    for result in grade_all(marking, submissions, jobs):
        keep(target, result)
        results.append(result)
        progress.advance(task)
    results.sort(key=lambda result: result.student)
    written = [*write_class(target, results)]
    if not gradebook:
        return GradedClass(results, written)
    return GradedClass(results, [*written, *_folders(marking)], _publish(marking, results, progress))


def _publish(marking: Marking, results: Sequence[SubmissionResult], progress: Progress) -> dict[str, str]:
    from autograder.publishing.gradebook import write_feedback, write_gradebook

    root, name = marking.course.root, marking.course.name
    known = {result.student: result for result in results}
    task = progress.add_task("gradebook and feedback", total=2 * len(known))

    def advance(_: str) -> None:
        progress.advance(task)

    failures = write_gradebook(root, name, known, known, advance)
    return failures | write_feedback(root, name, [student for student in known if student not in failures], advance)


def _folders(marking: Marking) -> list[Path]:
    root = marking.course.root
    return [root / "gradebook.db", root / "feedback"]
