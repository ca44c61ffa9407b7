"""The kit's steps in nbgrader's commands; ``nbgrader_config.py`` in the course root puts them in their places.

generate_assignment   Release blanks the solutions, StripMarkSchemes takes the mark schemes out (after SaveCells).
autograde, pass one   SubmissionExporter takes the mended notebook, Sanitise makes it safe to show.
autograde, pass two   Judge writes each grade cell's outputs: what was found, and one number.
generate_feedback     StripMarkSchemes again (OverwriteCells has brought the schemes back for the marker), Overview
                      puts an overview first, and FeedbackPage (page.py) makes the page.
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
from traitlets import Unicode

from autograder.authoring import blank, strip_mark_schemes
from autograder.course.folders import Course
from autograder.nbgrader.cards import CardSetting, card_outputs
from autograder.nbgrader.curves import read_band
from autograder.nbgrader.inputs import Inputs, found_in
from autograder.nbgrader.marking import add_what_answers_are_about
from autograder.nbgrader.overview import Book, with_overview
from autograder.nbgrader.sanitise import sanitised
from autograder.nbgrader.titles import titles_of
from autograder.notebook.reading import parse_notebook
from autograder.records import grade_cell

Resources = dict[str, Any]
Processed = tuple[NotebookNode, Resources]


def course_of(command: Any, resources: Resources) -> Course:
    """The course that an nbgrader command works on, and the practical in it."""
    return Course(Path(command.coursedir.root), resources["nbgrader"]["assignment"])


def inputs_of(command: Any, resources: Resources) -> Inputs:
    """What an autograde command was handed, or else what the course's folders hold; looked up once a command."""
    course = course_of(command, resources)
    found: Inputs | None = getattr(command, "inputs", None)
    if found is None or found.course.name != course.name:
        found = command.inputs = found_in(course)
    return found


class Release(NbGraderPreprocessor):
    """Blanks the solutions between the markers; the mark schemes stay for SaveCells to keep."""

    colab_address = Unicode(help="Where Colab opens a release; {practical} stands for its name. Empty: no link.")
    colab_address.tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The student's notebook, still with its mark schemes; CourseError names a faulty marker."""
        practical = course_of(self.parent.parent, resources).practical
        address = self.colab_address.replace("{practical}", practical.name)
        return blank(nb, practical, address), resources


class StripMarkSchemes(NbGraderPreprocessor):
    """Takes the mark schemes out of what a student will read."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The notebook without its mark schemes."""
        return strip_mark_schemes(nb), resources


class SubmissionExporter(NotebookExporter):
    """Takes the mended notebook of a submission; for a file that is no notebook it is the empty release.

    nbgrader would drop such a submission without a mark and without a word to the student.
    """

    def from_filename(self, filename: str, resources: Resources | None = None, **_: object) -> Processed:
        """nbconvert's entry point: what all preprocessors make of the file, and the resources."""
        assert resources is not None, "nbgrader always names the student and the assignment"
        path = Path(filename)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        command: Any = self.parent
        if command._sanitizing:  # pass one; pass two reads what pass one wrote
            command.mended = inputs_of(command, resources).mended(resources["nbgrader"]["student"])
            notebook = command.mended.notebook
        else:
            notebook = parse_notebook(path.read_bytes(), path.name)
        made: Processed = super().from_notebook_node(notebook, resources)  # type: ignore[no-untyped-call]
        return made


class Sanitise(NbGraderPreprocessor):
    """Leaves nothing in the student's cells that a browser would run when a marker or the student looks at them."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The notebook, safe to render."""
        release = course_of(self.parent.parent, resources).release
        return sanitised(nb, {cell.source for cell in release.cells}), resources


class Judge(NbGraderPreprocessor):
    """Stands in Execute's place: the outputs of a grade cell are what the judge found, and one number."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The notebook with the outputs of every grade cell, and no others; faults of the course propagate."""
        command = self.parent.parent
        result = inputs_of(command, resources).result(command.mended)
        repairs = tuple(dict.fromkeys((*command.mended.repairs, *result.repairs)))
        course = course_of(command, resources)
        titles, band = titles_of(course.release), read_band(course.practical.folder)
        whole = {grade_cell(question.name) for question in course.practical.questions if question.end_to_end}
        for cell in nb.cells:
            if cell.cell_type == "code":  # again: --no-execute turns ClearOutput off
                cell.outputs, cell.execution_count = [], None
            if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
                name = cell.metadata.nbgrader["grade_id"]
                setting = CardSetting(titles.get(name, ""), band, name in whole, titles)
                cell.outputs = card_outputs(result, cell.metadata.nbgrader, repairs, setting)
                repairs = ()  # they are shown once
        add_what_answers_are_about(nb, command.mended.notebook, result, band)
        return nb, resources


class Overview(NbGraderPreprocessor):
    """Makes the feedback quick to read; it stands after GetGrades, which writes the scores into the cells."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The notebook with an overview on top, and without the text of the visible checks."""
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            submission = gradebook.find_submission_notebook(names["notebook"], names["assignment"], names["student"])
            # a mark that a person gave stands, even where nbgrader asks for a second look after it was graded again
            by_person = frozenset(grade.name for grade in submission.grades if grade.manual_score is not None)
            unmarked = frozenset(grade.name for grade in submission.grades if grade.auto_score is None) - by_person
            extra = sum(grade.extra_credit or 0.0 for grade in submission.grades)
        book = Book(unmarked, by_person, extra, names["late_penalty"])
        return with_overview(nb, course_of(self.parent.parent, resources).release, book), resources
