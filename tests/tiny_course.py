"""A tiny practical in numpy, in a course of its own, and the front door: grading with it takes a moment."""

import re
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner, Result

from autograder.authoring import blank, fill, strip_mark_schemes
from autograder.cli import app
from autograder.course.practical import load_practical

sys.dont_write_bytecode = True  # Python would not notice a check that is rewritten within a second
KIT = Path(__file__).parent.parent
NAME = "hw-1"
CONTRACT = """
kit = 2

[questions]
double = "double"
shift = "shift"
both = { functions = ["double", "shift"], end_to_end = true }
""".lstrip()
INPUTS = '''
"""What the checks ask with; every question that is asked is noted in asked.txt, beside source/."""

from pathlib import Path

import numpy as np

POSITIVE, NEGATIVE = np.array([1.7, 2.9]), np.array([-1.3, -3.1])


def note(question):
    with (Path(__file__).parents[2] / "asked.txt").open("a") as file:
        file.write(f"{question}\\n")
'''.lstrip()
CHECKS = '''
"""Hidden checks."""

from autograder.judging import Exam, Mistake, Scene, array, call, check, expect_close

from .inputs import NEGATIVE, POSITIVE, note


def compare(exam: Exam, numbers, *functions: str) -> None:
    steps = [call(function, name, into=into) for function, name, into in zip(functions, "xyz", "yzw")]
    scene = Scene({"x": array(numbers)}, *steps)
    theirs, right = (
        each.step(len(steps) - 1).array("returned", numbers.shape, "the result")
        for each in (exam.play(scene), exam.right(scene))
    )
    expect_close(theirs, right, "numbers")


@check("double", weight=3, look_at="the factor")
def it_doubles(exam: Exam) -> None:
    """Twice the numbers come back."""
    note("double")
    compare(exam, POSITIVE, "double")


@check("double", weight=1, look_at="the sign")
def it_doubles_negative_numbers(exam: Exam) -> None:
    """Twice the numbers come back where they are negative."""
    compare(exam, NEGATIVE, "double")


@check("shift", look_at="the step")
def it_shifts(exam: Exam) -> None:
    """The numbers come back, each larger by one."""
    note("shift")
    compare(exam, POSITIVE, "shift")


@check("both", look_at="the questions before")
def they_work_together(exam: Exam) -> None:
    """The numbers are doubled and shifted."""
    note("both")
    compare(exam, POSITIVE, "double", "shift")
'''.lstrip()
CORPUS = """
[[variant]]
id = "adds"
verdict = "right"
summary = "adds the numbers to themselves"
fills = { "double.body" = "x + x" }

[[variant]]
id = "triples"
verdict = "wrong"
summary = "takes the wrong factor"
fills = { "double.body" = "3 * x" }
loses = ["double"]
hint = "The factor is three, and it should be two."

[[variant]]
id = "shifts-down"
verdict = "wrong"
summary = "subtracts"
fills = { "shift.body" = "x - 1" }
loses = ["shift"]
hint = "The step goes down."
""".lstrip()


def notebook(points: float = 2, prose: str = "Fill in the blanks.") -> NotebookNode:
    """The source notebook."""
    made: NotebookNode = new_notebook(
        cells=[
            new_markdown_cell(prose, id="prose"),
            _cell(new_code_cell("import numpy as np"), "setup", locked=True),
            _cell(
                new_code_cell("def double(x):\n    y = 2 * x  ### SOLUTION double.body\n    return y"),
                "double",
                solution=True,
            ),
            _cell(new_code_cell("double(1)"), "check-double", grade=True, locked=True, points=points),
            _cell(
                new_code_cell("def shift(x):\n    y = x + 1  ### SOLUTION shift.body\n    return y"),
                "shift",
                solution=True,
            ),
            _cell(new_code_cell("shift(1)"), "check-shift", grade=True, locked=True, points=3),
            _cell(new_code_cell("shift(double(1))"), "check-both", grade=True, locked=True, points=1),
            _cell(
                new_markdown_cell("### BEGIN SOLUTION why\nBecause.\n### END SOLUTION"),
                "why",
                grade=True,
                solution=True,
                points=2,
            ),
        ]
    )
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def _cell(cell: NotebookNode, grade_id: str, **roles: object) -> NotebookNode:
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    cell.metadata["nbgrader"] = {**plain, "grade_id": grade_id, "cell_type": cell.cell_type, **roles}
    cell.id = grade_id
    return cell


def write_source(root: Path, made: NotebookNode, name: str = NAME) -> None:
    """Write the source notebook; the release stays as it is."""
    path = root / "source" / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(made), encoding="utf-8")


def tiny_course(root: Path, name: str = NAME, files: Mapping[str, str] | None = None) -> Path:
    """A course with the practical and its release; ``files`` of solutions/<name>/ are added, or replace the own."""
    write_source(root, notebook(), name)
    texts = {"practical.toml": CONTRACT, "inputs.py": INPUTS, "checks.py": CHECKS, **(files or {})}
    for file, text in texts.items():
        path = root / "solutions" / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copy(KIT / "nbgrader_config.py", root)
    practical = load_practical(root, name)
    practical.release_path.parent.mkdir(parents=True, exist_ok=True)
    release = strip_mark_schemes(blank(practical.source, practical))
    practical.release_path.write_text(nbformat.writes(release), encoding="utf-8")
    return root


def handed_in(root: Path, name: str = NAME, **fills: str) -> NotebookNode:
    """A notebook as a student would hand it in: right, but for the blanks ``<fill>.body`` that are given."""
    practical = load_practical(root, name)
    return fill(practical.source, practical, {f"{key}.body": text for key, text in fills.items()})


def released(root: Path, name: str = NAME) -> NotebookNode:
    """The release."""
    return cast(NotebookNode, nbformat.read(root / "release" / name / f"{name}.ipynb", as_version=4))


def hand_in(root: Path, student: str, content: NotebookNode | str | None = None, **fills: str) -> Path:
    """Put a submission into the course's submitted/; the path."""
    path = root / "submitted" / student / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = handed_in(root, **fills) if content is None else content
    path.write_text(content if isinstance(content, str) else nbformat.writes(content), encoding="utf-8")
    return path


def asked(root: Path) -> Counter[str]:
    """How often each question was asked since this was looked at before."""
    path = root / "asked.txt"
    found = Counter(path.read_text(encoding="utf-8").split() if path.exists() else ())
    path.unlink(missing_ok=True)
    return found


def run(*words: str | Path) -> Result:
    """One command; what it says is in words, whatever happens."""
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "300", "TERM": "dumb"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "Traceback" not in done.output
    return done


def said(done: Result) -> str:
    """All that was said, in one line."""
    return re.sub(r"[\s─│╭╮╰╯]+", " ", done.output)
