"""A small NumPy practical in a course of its own, and the front door: grading with it takes a moment."""

import re
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
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
""".lstrip()
INPUTS = '''
"""What the checks ask with; every question that is asked is noted in asked.txt, beside source/."""

from pathlib import Path

import numpy as np

POSITIVE, NEGATIVE = np.array([1.7, 2.9]), np.array([-1.3, -3.1])


def note(exam, question):
    if type(exam).__name__ == "LocalExam":
        return  # the checks are proven: no student is asked
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
    note(exam, "double")
    compare(exam, POSITIVE, "double")


@check("double", weight=1, look_at="the sign")
def it_doubles_negative_numbers(exam: Exam) -> None:
    """Twice the numbers come back where they are negative."""
    compare(exam, NEGATIVE, "double")


@check("shift", look_at="the step")
def it_shifts(exam: Exam) -> None:
    """The numbers come back, each larger by one."""
    note(exam, "shift")
    compare(exam, POSITIVE, "shift")
'''.lstrip()
BOTH = {  # the files with one more question, which is asked end to end; its cell is both()
    "practical.toml": f'{CONTRACT}both = {{ functions = ["double", "shift"], end_to_end = true }}\n',
    "checks.py": f'''{CHECKS}

@check("both", look_at="the questions before")
def they_work_together(exam: Exam) -> None:
    """The numbers are doubled and shifted."""
    note(exam, "both")
    compare(exam, POSITIVE, "double", "shift")
''',
}
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
GRADE = {"grade": True, "locked": True}
DOUBLE = "def double(x):\n    y = 2 * x  ### SOLUTION double.body\n    return y"
SHIFT = "def shift(x):\n    y = x + 1  ### SOLUTION shift.body\n    return y"
QUESTION = "Why?\n\n### BEGIN MARK SCHEME\nTwo points for the secret reason.\n### END MARK SCHEME"
WHY = "### BEGIN SOLUTION why\nBecause of the model.\n### END SOLUTION"


def cell(kind: str, name: str, source: str, **roles: object) -> NotebookNode:
    """A cell, which nbgrader knows by its name if it has roles; code has an output of an earlier run."""
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    known = {"nbgrader": {**plain, "grade_id": name, "cell_type": kind, **roles}} if roles else {}
    node: dict[str, object] = {"cell_type": kind, "id": name, "metadata": known, "source": source}
    if kind == "code":
        node |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "hi"}], "execution_count": 3}
    return cast(NotebookNode, nbformat.from_dict(node))


def notebook(*more: NotebookNode, points: float = 2, **sources: str) -> NotebookNode:
    """The source notebook: with more cells, with other points for ``double``, and with these cells' sources.

    A cell ``check-double`` is named ``check_double`` here.
    """
    cells = [
        cell("markdown", "prose", "# Two functions"),
        cell("code", "setup", "import numpy as np", locked=True),
        cell("code", "double", DOUBLE, solution=True),
        cell("code", "check-double", "double(1)", points=points, **GRADE),
        cell("code", "shift", SHIFT, solution=True),
        cell("code", "check-shift", "shift(1)", points=3, **GRADE),
        *more,
        cell("markdown", "question-why", QUESTION, locked=True),
        cell("markdown", "why", WHY, grade=True, solution=True, points=2),
    ]
    for each in cells:
        each.source = sources.pop(each.id.replace("-", "_"), each.source)
    assert not sources, f"no such cells: {', '.join(sources)}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return cast(NotebookNode, new_notebook(cells=cells, metadata={"kernelspec": kernel}))


def both() -> NotebookNode:
    """The grade cell of the question ``both``."""
    return cell("code", "check-both", "shift(double(1))", points=1, **GRADE)


def cell_of(made: NotebookNode, name: str) -> NotebookNode:
    """The cell of that id."""
    return cast(NotebookNode, next(each for each in made.cells if each.id == name))


def write_source(root: Path, made: NotebookNode, name: str = NAME) -> None:
    """Write the source notebook; the release stays as it is."""
    path = root / "source" / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.v4.writes(made), encoding="utf-8")  # also what is not valid


def write_release(root: Path, name: str = NAME) -> None:
    """Write the release that belongs to the source."""
    practical = load_practical(root, name)
    practical.release_path.parent.mkdir(parents=True, exist_ok=True)
    release = strip_mark_schemes(blank(practical.source, practical))
    practical.release_path.write_text(nbformat.writes(release), encoding="utf-8")


def unreleased(
    root: Path, made: NotebookNode | None = None, name: str = NAME, files: Mapping[str, str] | None = None
) -> Path:
    """A course with the practical, not released yet; ``files`` of solutions/<name>/ are added, or replace the own."""
    write_source(root, notebook() if made is None else made, name)
    texts = {"practical.toml": CONTRACT, "inputs.py": INPUTS, "checks.py": CHECKS, **(files or {})}
    for file, text in texts.items():
        path = root / "solutions" / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copy(KIT / "nbgrader_config.py", root)
    return root


def small_course(
    root: Path, made: NotebookNode | None = None, name: str = NAME, files: Mapping[str, str] | None = None
) -> Path:
    """The same, with its release."""
    write_release(unreleased(root, made, name, files), name)
    return root


def handed_in(root: Path, name: str = NAME, answer: str = "My own answer.", **fills: str) -> NotebookNode:
    """A notebook as a student would hand it in: right, but for the blanks ``<fill>.body`` that are given."""
    practical = load_practical(root, name)
    made = fill(practical.source, practical, {f"{key}.body": text for key, text in fills.items()})
    cell_of(made, "why").source = answer
    return made


def released(root: Path, name: str = NAME) -> NotebookNode:
    """The release."""
    return cast(NotebookNode, nbformat.read(root / "release" / name / f"{name}.ipynb", as_version=4))


def hand_in(
    root: Path, student: str, content: NotebookNode | str | None = None, name: str = NAME, **others: str
) -> Path:
    """Put a submission into the course's submitted/, if none is given one that ``handed_in`` makes; the path."""
    path = root / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = handed_in(root, name, **others) if content is None else content
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
