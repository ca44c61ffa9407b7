"""Stock nbgrader and otter-grader with the kit's own checks: their courses, their commands, and the marks they give.

Both run a student's code and the tests in one kernel, without a sandbox, so they are only given code from the corpus.
What a student handed in is one cell that holds the notebook's definitions, without its long runs, which the kit leaves
out too. Every question is one call of ``benchmarks.bare.points``; with otter-grader, one test that full marks pass.
"""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder.course.practical import Question

ROOT = Path(__file__).resolve().parents[1]
NAME = "sac"
OTTER = "otter-grader==7.0.0"
CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'stock'\nc.ExecutePreprocessor.timeout = 1800\n"
PLACES = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
Points = Mapping[str, Mapping[str, float]]  # by student and question


def _answers(text: str) -> Any:
    role = {"grade_id": "answers", "solution": True, "locked": False, "grade": False, "schema_version": 3}
    cell = nbformat.v4.new_code_cell(text, id="answers")
    cell.metadata["nbgrader"] = {**role, "cell_type": "code"}
    return cell


def _test(question: Question) -> Any:
    role = {"grade_id": question.name, "solution": False, "locked": True, "grade": True, "schema_version": 3}
    text = f"from benchmarks.bare import points\npoints({NAME!r}, {question.name!r}, globals())"
    cell = nbformat.v4.new_code_cell(text, id=question.name)
    cell.metadata["nbgrader"] = {**role, "points": question.points, "cell_type": "code"}
    return cell


def _in_order(questions: Sequence[Question]) -> list[Question]:
    """What is end to end comes first: what others are asked with stays in the kernel, such as an actor's forward."""
    return sorted(questions, key=lambda question: not question.end_to_end)


def nbgrader_course(folder: Path, texts: Mapping[str, str], questions: Sequence[Question]) -> None:
    """A stock course in which these students have handed in these definitions."""
    tests = [_test(question) for question in _in_order(questions)]
    _write(folder / f"source/{NAME}/{NAME}.ipynb", [_answers("pass"), *tests])
    for student, text in texts.items():
        _write(folder / f"submitted/{student}/{NAME}/{NAME}.ipynb", [_answers(text), *tests])
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    words = [sys.executable, "-m", "nbgrader", "generate_assignment", NAME]
    subprocess.run(words, cwd=folder, env={**os.environ, **PLACES}, capture_output=True, check=True)  # noqa: S603 - our own


def nbgrader_points(folder: Path, students: Sequence[str]) -> Points:
    """What stock nbgrader's gradebook holds."""
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "stock") as gradebook:
        found = {student: gradebook.find_submission(NAME, student) for student in students}
        return {
            student: {str(grade.name): float(grade.score) for each in submission.notebooks for grade in each.grades}
            for student, submission in found.items()
        }


def otter_environment(folder: Path) -> Path:
    """The program of otter-grader, which is installed in an environment of its own in that folder unless it is there.

    It finds the libraries of this environment as well.
    """
    program = folder / "bin/otter"
    if not program.exists():
        venv.create(folder, with_pip=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        own = next(path for path in sys.path if path.endswith("site-packages"))
        (packages / "kit.pth").write_text(f"{own}\n", encoding="utf-8")
        for words in (["pip", "install", "--quiet", OTTER], ["ipykernel", "install", "--sys-prefix"]):
            subprocess.run([folder / "bin/python", "-m", *words], check=True, capture_output=True)  # noqa: S603 - our own
    return program


def otter_course(folder: Path, texts: Mapping[str, str], questions: Sequence[Question], program: Path) -> None:
    """What ``otter run`` needs to grade these definitions."""
    for place, question in enumerate(_in_order(questions)):
        call = f"points({NAME!r}, {question.name!r}, globals()) == {question.points}"
        case = {"code": f">>> from benchmarks.bare import points\n>>> {call}\nTrue", "hidden": True, "locked": False}
        suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": question.name, "points": question.points, "suites": [suite]}
        path = folder / f"tests/{place:02}_{question.name.replace('-', '_')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"OK_FORMAT = True\ntest = {test!r}\n", encoding="utf-8")
    otter_zip(folder, program)
    for student, text in texts.items():
        _write(folder / f"{student}.ipynb", [nbformat.v4.new_code_cell(text, id="answers")])
        (folder / student).mkdir()


def otter_zip(folder: Path, program: Path) -> None:
    """Make autograder.zip of the test files that lie in the course's folder ``tests``."""
    words: list[str | Path] = [program, "generate", "-t", folder / "tests", "-o", folder / "autograder.zip"]
    words += ["--no-environment", "--no-config", "--no-requirements"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)  # noqa: S603 - our own


def otter_points(folder: Path, students: Sequence[str]) -> Points:
    """What otter-grader's results say."""
    return {student: points_in((folder / student / "results.json").read_text(encoding="utf-8")) for student in students}


def points_in(results: str) -> dict[str, float]:
    """The points by question in the text of otter-grader's results.json."""
    return {each["name"]: float(each["score"]) for each in json.loads(results)["tests"] if "score" in each}


def run_otter(program: str, folder: str, jobs: str, *students: str) -> None:
    """Run ``otter run`` on these students' notebooks, so many at once."""

    def run(student: str) -> None:
        words = [program, "run", "--no-logo", "-a", "autograder.zip", "-o", student, f"{student}.ipynb"]
        environment = {**os.environ, **PLACES}
        subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)  # noqa: S603 - our own

    with ThreadPoolExecutor(int(jobs)) as pool:
        list(pool.map(run, students))


def _write(path: Path, cells: Sequence[NotebookNode]) -> None:
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    run_otter(*sys.argv[1:])
