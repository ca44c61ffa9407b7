"""The sink that writes class.csv, once the gradebook holds what was graded."""

from collections.abc import Callable, Sequence
from pathlib import Path

from autograder.files import write_atomically
from autograder.grading.mark import Marking
from autograder.grading.publish import ClassResults, Published, Sink
from autograder.term.class_table import class_table
from autograder.term.finish import CLASS


class ClassFile:
    """``class.csv``: everyone in the roster and everyone who handed in, with all marks."""

    name = "class table"

    def check(self, marking: Marking) -> None:
        """The gradebook's sink checks the term and the gradebook already."""

    def folders(self, _: Marking, folder: Path) -> Sequence[Path]:
        """The folder of results."""
        return [folder]

    def publish(self, results: ClassResults, _: Callable[[int, int], None]) -> Published:
        """Write the file. CourseError as class_table raises it."""
        path = results.folder / CLASS
        if results.folder == results.marking.course.results:  # elsewhere there is no gradebook, and no roster
            write_atomically(path, class_table(results.marking.course).sheet().content())
            return Published([path])
        return Published()


SINKS: list[Sink] = [ClassFile()]
