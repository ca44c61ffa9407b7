"""What nbgrader does with the kit's steps in it: release, marks, what the marker sees, and the feedback."""

import html
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI

from autograder import gradebook as course_gradebook
from autograder.assignment import Assignment, Question
from autograder.errors import CourseError
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status, SubmissionResult

ROOT = Path(__file__).parent.parent

TINY = Assignment(
    name="tiny",
    defines={"double": ("double",), "square": ("square",)},
    blanks={"double.body": "double", "square.body": "square"},
    questions=(Question("double", 2, "double", ("double",)), Question("square", 3, "square", ("square",))),
    written={"why": 2},
    imports=(),
    long_running=frozenset(),
)

Grade = Callable[..., dict[str, str]]


def tagged(cell: NotebookNode, grade_id: str, **roles: Any) -> NotebookNode:
    defaults = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    cell.metadata.nbgrader = {**defaults, "grade_id": grade_id, "cell_type": cell.cell_type, **roles}
    return cell


def source_notebook() -> NotebookNode:
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# A tiny practical", id="title"),
            tagged(new_code_cell(solution("double", "2 * x"), id="c-double"), "double", solution=True),
            tagged(new_code_cell("double(1)", id="check-double"), "check-double", grade=True, locked=True, points=2),
            tagged(new_code_cell(solution("square", "x * x"), id="c-square"), "square", solution=True),
            tagged(new_code_cell("square(2)", id="check-square"), "check-square", grade=True, locked=True, points=3),
            tagged(new_markdown_cell(QUESTION, id="question-why"), "question-why", locked=True),
            tagged(new_markdown_cell(MODEL_ANSWER, id="why"), "why", grade=True, solution=True, points=2),
        ]
    )
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def solution(name: str, expression: str) -> str:
    return f"def {name}(x):\n    y = {expression}  ### SOLUTION {name}.body\n    return y"


QUESTION = "Why?\n\n### BEGIN MARK SCHEME\n\nTwo points for the secret reason.\n\n### END MARK SCHEME"
MODEL_ANSWER = "### BEGIN SOLUTION why\n\nBecause of the model.\n\n### END SOLUTION"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course folder with a generated release and nobody's submission yet."""
    monkeypatch.setattr("autograder.nbgrader_plugin.load_assignment", lambda name: TINY)
    root = tmp_path / "course"
    (root / "source/tiny").mkdir(parents=True)
    nbformat.write(source_notebook(), root / "source/tiny/tiny.ipynb")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    generate(root)
    return root


def generate(root: Path) -> NotebookNode:
    """What ``nbgrader generate_assignment tiny`` does, within this process."""
    course_gradebook.register_assignment(root, "tiny")
    api = NbGraderAPI(config=course_gradebook.course_config(root))
    done = api.generate_assignment("tiny")
    assert done["success"], done
    return nbformat.read(root / "release/tiny/tiny.ipynb", as_version=4)


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> dict[str, SubmissionResult]:
    """What the judge will say of each student; whoever is not named gets full marks."""
    said: dict[str, SubmissionResult] = {}
    monkeypatch.setattr("autograder.batch.result_for", lambda _nb, _name, _root, who: said.get(who, full_marks(who)))
    return said


def full_marks(student: str) -> SubmissionResult:
    questions = tuple(
        QuestionResult(q.name, q.points, q.points, Status.RIGHT, checks=(CheckResult("c", "It is right.", 1, True),))
        for q in TINY.questions
    )
    return SubmissionResult(student, "tiny", questions)


def hand_in(root: Path, student: str, change: Callable[[NotebookNode], None] = lambda notebook: None) -> Path:
    """Hand in the release after that change, with a written answer unless the change takes it away."""
    notebook = nbformat.read(root / "release/tiny/tiny.ipynb", as_version=4)
    cell(notebook, "why").source = "My own answer."
    change(notebook)
    path = root / "submitted" / student / "tiny" / "tiny.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    return path


def cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def grade(root: Path, *students: str) -> dict[str, str]:
    return course_gradebook.write_gradebook(root, "tiny", students)


def graded(root: Path, student: str) -> NotebookNode:
    return nbformat.read(root / f"autograded/{student}/tiny/tiny.ipynb", as_version=4)


def scores(root: Path, student: str) -> dict[str, float | None]:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook("tiny", "tiny", student)
        return {grade.name: grade.auto_score for grade in notebook.grades}


def feedback(root: Path, student: str) -> str:
    assert course_gradebook.write_feedback(root, "tiny", [student]) == {}
    return (root / f"feedback/{student}/tiny/tiny.html").read_text(encoding="utf-8")


def test_the_release_holds_neither_solutions_nor_mark_schemes(course: Path) -> None:
    text = (course / "release/tiny/tiny.ipynb").read_text(encoding="utf-8")
    assert "YOUR CODE HERE" in text
    for secret in ("2 * x", "MARK SCHEME", "secret reason", "Because of the model"):
        assert secret not in text


def test_marks_reach_the_gradebook(course: Path, verdicts: dict[str, SubmissionResult]) -> None:
    hand_in(course, "ada")
    assert grade(course, "ada") == {}
    assert scores(course, "ada") == {"check-double": 2, "check-square": 3, "why": None}


def test_written_answers_wait_for_the_marker(course: Path, verdicts: dict[str, SubmissionResult]) -> None:
    hand_in(course, "ada")
    grade(course, "ada")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        waiting = {g.name: g.needs_manual_grade for g in gradebook.find_submission("tiny", "ada").notebooks[0].grades}
    assert waiting == {"check-double": False, "check-square": False, "why": True}


def test_feedback_is_a_page(course: Path, verdicts: dict[str, SubmissionResult]) -> None:
    hand_in(course, "ada")
    grade(course, "ada")
    page = feedback(course, "ada")
    assert "It is right." in page
