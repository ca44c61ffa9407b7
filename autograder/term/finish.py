"""One step that finishes: penalties and feedback for the marks as they stand now, and the class's table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import Progress

from autograder.course.folders import Course
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.grading.locking import only_grader
from autograder.grading.mark import Marking
from autograder.grading.mend import everything_in
from autograder.grading.publish import ClassResults, publish, sinks
from autograder.grading.store import kept
from autograder.term.class_table import ClassTable, class_table

CLASS = "class.csv"
APART = ("comparing", "class table")  # sinks that this step does without, or whose work it does itself


@dataclass(frozen=True)
class Finished:
    """The class, its table's file, and why a student's marks are not where they should be."""

    table: ClassTable
    path: Path
    failures: dict[str, str] = field(default_factory=dict)


def finish(course: Course, progress: Progress) -> Finished:
    """Bring gradebook, penalties and feedback up to date with what was graded and marked by hand; write class.csv.

    Nothing is graded. Whatever is up to date stays. CourseError where the course or the gradebook is at fault.
    """
    marking, to = Marking(course), [sink for sink in sinks(gradebook=True) if sink.name not in APART]
    for sink in to:
        sink.check(marking)
    everyone = everything_in(course.submitted, course.name, others=course.others)
    results = [found for each in everyone if (found := kept(course.results, each.student)) is not None]
    if not results:
        raise CourseError(
            f"Nothing of {course.name} was graded yet.", f"Run: autograder grade --assignment {course.name}"
        )
    with only_grader(course.results):
        now = frozenset(result.student for result in results)
        published, fault = publish(ClassResults(marking, course.results, everyone, results, now), to, progress)
        if fault:
            raise fault
        table = class_table(course)
        write_atomically(course.results / CLASS, table.sheet().content())
    failures = {student: why for each in published for student, why in each.failures.items()}
    return Finished(table, course.results / CLASS, failures)


def unfinished_words(table: ClassTable) -> Sequence[str]:
    """Whom the totals do not hold yet, one sentence for each reason."""
    by_status: dict[str, list[str]] = {}
    for row in table.rows:
        by_status.setdefault(row.status, []).append(row.student)
    return [f"{status}: {len(students)}" for status, students in by_status.items()]
