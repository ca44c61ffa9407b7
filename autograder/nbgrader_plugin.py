"""The kit's steps in nbgrader's commands; ``nbgrader_config.py`` in the course root puts them in their places.

generate_assignment   Release blanks the solutions, StripMarkSchemes takes the mark schemes out (after SaveCells).
autograde, pass one   SubmissionExporter reads the notebook, Repair mends it, Disarm makes it safe to show.
autograde, pass two   Judge writes each grade cell's outputs: what was found, and one number.
generate_feedback     StripMarkSchemes again (OverwriteCells has brought the schemes back for the marker), and Digest
                      puts an overview first.

The two passes of autograde share only the notebook's file, so pass one's findings travel in the notebook's metadata,
under ``NOTE``; what a student writes there is overwritten.
"""

# nbgrader has no types:
# mypy: allow-subclassing-any

from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

from autograder.authoring import blank, strip_mark_schemes
from autograder.batch import Marking, result_for
from autograder.course import Course
from autograder.notebooks import NotANotebookError, read_notebook
from autograder.publishing.digest import digest
from autograder.publishing.disarm import disarmed
from autograder.publishing.publish import Cards
from autograder.records import SubmissionResult
from autograder.repair import repair

NOTE = "autograder"

Resources = dict[str, Any]
Processed = tuple[NotebookNode, Resources]


def course_of(command: Any, resources: Resources) -> Course:
    """The course and assignment that an nbgrader command is working on."""
    return Course(Path(command.coursedir.root), resources["nbgrader"]["assignment"])


class Release(NbGraderPreprocessor):
    """Blanks the solutions between the markers; the mark schemes stay for SaveCells to keep."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The student's notebook, still with its mark schemes; CourseError names a faulty marker."""
        return blank(nb, course_of(self.parent.parent, resources).assignment), resources


class StripMarkSchemes(NbGraderPreprocessor):
    """Takes the mark schemes out of what a student will read."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The notebook without its mark schemes."""
        return strip_mark_schemes(nb), resources


class SubmissionExporter(NotebookExporter):
    """Reads what was handed in; a file that is no notebook becomes the empty release, with the reason noted.

    nbgrader would drop such a submission without a mark and without a word to the student.
    """

    def from_filename(self, filename: str, resources: Resources | None = None, **_: object) -> Processed:
        """nbconvert's entry point: what all preprocessors make of the file, and the resources."""
        assert resources is not None, "nbgrader always tells the student and the assignment"
        path = Path(filename)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        course = course_of(self.parent, resources)
        try:
            notebook = read_notebook(path, course.limits.largest_notebook)
        except (NotANotebookError, OSError) as unreadable:
            notebook = Marking(course).release
            resources["fault"] = str(unreadable)
        made: Processed = super().from_notebook_node(notebook, resources)  # type: ignore[no-untyped-call]
        return made


class Repair(NbGraderPreprocessor):
    """Brings the cells that a student lost, doubled or changed back into the places that the release gives them."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The mended notebook; what was mended is noted for Judge. CourseError if the source is amiss."""
        course = course_of(self.parent.parent, resources)
        mended, repairs = repair(nb, Marking(course).release, course.assignment)
        mended.metadata[NOTE] = {"repairs": repairs, "fault": resources.get("fault", "")}
        return mended, resources


class Disarm(NbGraderPreprocessor):
    """Leaves nothing in the student's cells that a browser would run when a marker or the student looks at them."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The notebook, safe to render."""
        safe = disarmed(nb)
        safe.metadata[NOTE] = nb.metadata[NOTE]
        return safe, resources


class Judge(NbGraderPreprocessor):
    """Stands in Execute's place: the outputs of a grade cell are what the judge found, and one number."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The notebook with the outputs of every grade cell, and no others; faults of the course propagate."""
        note = nb.metadata.pop(NOTE)
        result = self._result(nb, resources, note["fault"])
        cards = Cards(result, tuple(dict.fromkeys((*note["repairs"], *result.repairs))))
        for cell in nb.cells:
            if cell.cell_type == "code":  # again: --no-execute turns ClearOutput off
                cell.outputs, cell.execution_count = [], None
            if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
                cell.outputs = cards.outputs(cell.metadata.nbgrader)
        return nb, resources

    def _result(self, nb: NotebookNode, resources: Resources, fault: str) -> SubmissionResult:
        command, student = self.parent.parent, resources["nbgrader"]["student"]
        course = course_of(command, resources)
        known: SubmissionResult | None = getattr(command, "known_results", {}).get(student)
        if known is not None:
            return known
        if fault:
            return SubmissionResult(student, course.name, fault=fault)
        # once more, for the ids: OverwriteCells takes them from the given cells, which the gradebook does not know;
        # and without the mark schemes, which it has brought back
        mended, _ = repair(strip_mark_schemes(nb), Marking(course).release, course.assignment)
        return result_for(mended, course.name, course.root, student)


class Digest(NbGraderPreprocessor):
    """Makes the feedback quick to read; it stands after GetGrades, which writes the scores into the cells."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The notebook with an overview on top, and without the text of the visible checks."""
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            submission = gradebook.find_submission_notebook(names["notebook"], names["assignment"], names["student"])
            # a mark that a person gave stands, even where nbgrader asks for a second look after grading anew
            unmarked = [grade for grade in submission.grades if grade.auto_score is None and grade.manual_score is None]
            waiting = frozenset(grade.name for grade in unmarked)
        return digest(nb, waiting, names["late_penalty"]), resources
