"""Dates and lateness: what course.toml says reaches the gradebook, and nbgrader's own step takes the points off.

``nbgrader_config.py`` names LatePolicy as the plug-in of nbgrader's AssignLatePenalties, so that nbgrader's commands,
formgrader's buttons and the kit give the same totals.
"""

# nbgrader has no types:
# mypy: allow-subclassing-any

from pathlib import Path
from typing import Any

from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties

from autograder.course.term import Term, read_term


class LatePolicy(LateSubmissionPlugin):
    """Takes off what the [late] table of course.toml says, in percent of the practical's points."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """The points to take off; nbgrader sees to it that they are no more than the score."""
        step: Any = self.parent  # AssignLatePenalties, whose gradebook is open
        rule = read_term(Path(step.parent.parent.coursedir.root)).late
        if rule is None:
            own: float | None = super().late_submission_penalty(student_id, score, total_seconds_late)
            return own
        most = step.gradebook.find_notebook(step.notebook_id, step.assignment_id).max_score
        return round(float(most) * rule.percent(total_seconds_late) / 100, 2)


def enter_dates(gradebook: Gradebook, term: Term, practical: str, student: str = "") -> None:
    """Enter the due date, and the extension of one student or of all who handed in; nothing where none is said."""
    dates = term.of(practical)
    if dates.due is None:
        return
    assignment = gradebook.find_assignment(practical)
    assignment.duedate = dates.due
    for submission in assignment.submissions:
        if student in ("", submission.student.id):
            due = dates.due_for(submission.student.id)
            submission.extension = due - dates.due if due is not None and due != dates.due else None
    gradebook.db.commit()


def enter_roster(gradebook: Gradebook, term: Term) -> None:
    """Enter the students of the roster, with their names."""
    known = {student.id: student for student in gradebook.students}
    for student in term.roster.values():
        said = {"first_name": student.first, "last_name": student.last, "email": student.email or None}
        there = known.get(student.id)
        if there is None or any(getattr(there, key) != value for key, value in said.items()):
            gradebook.update_or_create_student(student.id, **said)


def assign_penalty(command: Autograde, course: CourseDirectory, student: str) -> None:
    """Take off anew what a student's lateness costs: the score may have been changed by hand since it was graded."""
    names = {"notebook": course.assignment_id, "assignment": course.assignment_id, "student": student}
    exporter = command.exporter_class(parent=command, config=command.config)
    step = AssignLatePenalties(parent=exporter, config=command.config)
    step.preprocess(new_notebook(), {"nbgrader": {**names, "db_url": course.db_url}})
