"""A student's marks in the gradebook: all of them in one transaction, and what a person gave left alone.

nbgrader's own SaveAutoGrades commits cell by cell, so that a grader that is killed leaves half of a student's marks;
and whenever a class is graded again it asks for a second look at every mark that a person ever gave. Here a second look
is asked for where what the person looked at has changed: the answer, or the marks that the machine gives it.
"""

# nbgrader has no types:
# mypy: allow-subclassing-any

import json
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import Grade, Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task

from autograder.course.folders import Course
from autograder.course.practical import Practical
from autograder.course.term import read_term
from autograder.files import write_atomically
from autograder.grading.dependencies import digest
from autograder.grading.store import file_name, read_digests
from autograder.nbgrader.database import database_of
from autograder.nbgrader.late import enter_dates
from autograder.nbgrader.plugin import Processed, Resources, inputs_of
from autograder.notebook.cells import grade_id_of
from autograder.records import grade_cell


class SaveMarks(NbGraderPreprocessor):
    """Enters the numbers that Judge wrote; it stands in the place of nbgrader's SaveAutoGrades."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Processed:
        """The same notebook, once all its marks are in the gradebook."""
        names = resources["nbgrader"]
        course = inputs_of(self.parent.parent, resources).course
        before, now = read_digests(_answers_path(course, names["student"])), answers(nb, course.practical)
        place = names["notebook"], names["assignment"], names["student"]
        with Gradebook(names["db_url"]) as gradebook:
            enter_dates(gradebook, read_term(course.root), names["assignment"], names["student"])
            for cell in nb.cells:
                grade_id = grade_id_of(cell)
                if is_grade(cell):
                    changed = before.get(grade_id) != now[grade_id]
                    _enter(gradebook.find_grade(grade_id, *place), determine_grade(cell, self.log)[0], changed)
                if is_solution(cell) or is_task(cell):
                    comment = gradebook.find_comment(grade_id, *place)
                    comment.auto_comment = "No response." if _unanswered(cell) else None
            gradebook.db.commit()
        write_atomically(_answers_path(course, names["student"]), json.dumps(now, indent=1))
        return nb, resources


def mark_by_hand(course: Course, student: str, grade_id: str, points: float, comment: str) -> None:
    """Give a written answer its points and a comment, as a marker does in formgrader."""
    place = grade_id, course.name, course.name, student
    with Gradebook(database_of(course).url) as gradebook:
        grade = gradebook.find_grade(*place)
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.find_comment(*place).manual_comment = comment
        gradebook.db.commit()


def _enter(grade: Grade, score: float | None, changed: bool) -> None:
    """Enter the machine's score; None where a person has to mark. ``changed``: the answer is not what it was."""
    if grade.manual_score is None:
        grade.needs_manual_grade = score is None
    elif changed or grade.auto_score != score:
        grade.needs_manual_grade = True
    grade.auto_score = score


def _unanswered(cell: NotebookNode) -> bool:
    return cell.metadata.nbgrader.get("checksum") == compute_checksum(cell) and not is_task(cell)


def answers(notebook: NotebookNode, practical: Practical) -> dict[str, str]:
    """What a marker would look at for each grade cell: the written answer, or the code that the question marks.

    Grade_id -> digest.
    """
    cells = {grade_id_of(cell): cell for cell in notebook.cells}
    homes = {name: grade_id for grade_id, names in practical.defines.items() for name in names}
    found = {name: _digest(cell) for name, cell in cells.items() if is_grade(cell)}
    for question in practical.questions:
        of_question = {homes[function.split(".")[0]]: None for function in question.functions}
        code = [_digest(cells[grade_id]) for grade_id in of_question if grade_id in cells]
        if code and grade_cell(question.name) in found:
            found[grade_cell(question.name)] = " ".join(code)
    return found


def _digest(cell: NotebookNode) -> str:
    return digest(cell.source, json.dumps(cell.get("attachments", {}), sort_keys=True))


def _answers_path(course: Course, student: str) -> Path:
    return course.results / "answers" / f"{file_name(student)}.json"
