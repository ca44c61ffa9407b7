"""The kit's steps in nbgrader's commands; ``nbgrader_config.py`` in the course root puts them in their places.

generate_assignment   Release blanks the solutions, StripMarkSchemes takes the mark schemes out (after SaveCells).
autograde, pass one   SubmissionExporter reads the notebook, Repair mends it, Disarm makes it safe to show.
autograde, pass two   Judge writes each grade cell's outputs: what was found, and one number.
generate_feedback     StripMarkSchemes again: OverwriteCells has brought the schemes back for the marker.

The two passes of autograde share only the notebook's file, so pass one's findings travel in the notebook's metadata,
under ``NOTE``; what a student writes there is overwritten.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

from autograder.assignment import Assignment, load_assignment
from autograder.authoring import blank, strip_mark_schemes
from autograder.disarm import disarmed
from autograder.errors import CourseError
from autograder.notebooks import NotANotebookError, read_notebook
from autograder.publish import Cards
from autograder.records import SubmissionResult
from autograder.repair import repair

NOTE = "autograder"

Resources = dict[str, Any]


class _Step(NbGraderPreprocessor):
    """What the kit's steps share: the course and the assignment that a notebook belongs to."""

    def course_root(self) -> Path:
        """The course folder, from the nbgrader command that runs this step."""
        return Path(self.parent.parent.coursedir.root)

    def assignment(self, resources: Resources) -> Assignment:
        """The assignment by the name that its folder bears; CourseError if the kit has none of that name."""
        return load_assignment(resources["nbgrader"]["assignment"])


class Release(_Step):
    """Blanks the solutions between the markers; the mark schemes stay for SaveCells to keep."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """The student's notebook, still with its mark schemes; CourseError names a faulty marker."""
        return blank(nb, self.assignment(resources)), resources


class StripMarkSchemes(_Step):
    """Takes the mark schemes out of what a student will read."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """The notebook without its mark schemes."""
        return strip_mark_schemes(nb), resources


class SubmissionExporter(NotebookExporter):
    """Reads what was handed in; a file that is no notebook becomes the empty release, with the reason noted.

    nbgrader would drop such a submission without a mark and without a word to the student.
    """

    def from_filename(
        self,
        filename: str,
        resources: Resources | None = None,
        **_kw: object,
    ) -> tuple[NotebookNode, Resources]:
        """nbconvert's entry point: the notebook's text and its resources after all preprocessors."""
        assert resources is not None, "nbgrader always tells the student and the assignment"
        path = Path(filename)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        try:
            notebook = read_notebook(path)
        except NotANotebookError as unreadable:
            root = Path(self.parent.coursedir.root)
            notebook = read_release(root, load_assignment(resources["nbgrader"]["assignment"]))
            resources["fault"] = str(unreadable)
        return self.from_notebook_node(notebook, resources=resources)  # type: ignore[no-any-return]


class Repair(_Step):
    """Brings the cells that a student lost, doubled or changed back into the places that the release gives them."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """The mended notebook; what was mended is noted for Judge. CourseError if there is no release."""
        assignment = self.assignment(resources)
        mended, repairs = repair(nb, read_release(self.course_root(), assignment), assignment)
        mended.metadata[NOTE] = {"repairs": repairs, "fault": resources.get("fault", "")}
        return mended, resources


class Disarm(_Step):
    """Leaves nothing in the student's cells that a browser would run when a marker or the student looks at them."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """The notebook, safe to render."""
        note = nb.metadata[NOTE]
        safe = disarmed(nb)
        safe.metadata[NOTE] = note
        return safe, resources


class Judge(_Step):
    """Stands in Execute's place: the outputs of a grade cell are what the judge found, and one number."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """The notebook with the outputs of every grade cell, and no others; faults of the course propagate."""
        note = nb.metadata.pop(NOTE)
        result = self._result(nb, resources, note["fault"])
        cards = Cards(result, tuple(dict.fromkeys((*note["repairs"], *result.repairs))))
        for cell in nb.cells:
            if cell.cell_type == "code":  # again: --no-execute turns ClearOutput off
                cell.outputs, cell.execution_count = [], None
        for cell in machine_marked(nb):
            cell.outputs = cards.outputs(cell.metadata.nbgrader)
        return nb, resources

    def _result(self, nb: NotebookNode, resources: Resources, fault: str) -> SubmissionResult:
        student, assignment = resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]
        if fault:
            return SubmissionResult(student, assignment, fault=fault)
        # here and not above: judging loads torch, which the other steps do without
        from autograder.batch import result_for

        return result_for(nb, assignment, self.course_root(), student)


def machine_marked(nb: NotebookNode) -> list[NotebookNode]:
    """The grade cells that earn their points by machine: code, and not the student's to edit."""
    return [cell for cell in nb.cells if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)]


def read_release(course_root: Path, assignment: Assignment) -> NotebookNode:
    """The release notebook; CourseError if it has not been generated or cannot be read."""
    path = course_root / "release" / assignment.name / f"{assignment.name}.ipynb"
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise CourseError(f"There is no release notebook {path}.", "Run: autograder generate") from None
    except (OSError, ValueError) as error:
        raise CourseError(f"The release notebook {path} cannot be read: {error}", "Run: autograder generate") from error
