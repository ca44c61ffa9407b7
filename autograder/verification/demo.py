"""A sample class: ``python -m autograder.verification.demo FOLDER`` makes a course, hands in for a class, grades it.

The class stands in ``solutions/<practical>/demo.toml``, in the format of the corpus: each entry is one student.
"""

import copy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import nbformat
import typer
from nbformat import NotebookNode
from rich.console import Console
from rich.text import Text

from autograder.authoring import generate
from autograder.course.configuration import CONFIG
from autograder.course.folders import Course, course_in
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.reports.terminal import CourseFolder, PracticalName, edge
from autograder.verification.corpus import load_corpus, variant_notebook

SAMPLES = "demo.toml"
MARK = ".demo"  # a folder with this file in it is a demo's


def make_course(practical: Practical, folder: Path) -> None:
    """A course with that practical alone, and a class of submissions; an earlier demo in the folder is replaced.

    CourseError if anything else stands there, or if the practical has no sample class.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise CourseError(f"{folder} is not empty, and it is no earlier demo.", "Name a new folder.")
    samples = sample_class(practical)
    shutil.rmtree(folder, ignore_errors=True)
    write_atomically(folder / MARK, "made by python -m autograder.verification.demo; the next demo replaces it\n")
    for path in (practical.source_path.parent, practical.folder):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(path, folder / path.relative_to(practical.root), ignore=ignored)
    shutil.copy(practical.root / CONFIG, folder)
    generate(folder, practical.name)
    samples["untouched"] = Course(folder, practical.name).release
    for student, notebook in samples.items():
        path = folder / "submitted" / student / practical.name / f"{practical.name}.ipynb"
        write_atomically(path, nbformat.writes(notebook))


def sample_class(practical: Practical) -> dict[str, NotebookNode]:
    """The submissions of demo.toml by student, and the first of them once more without any metadata."""
    path = practical.folder / SAMPLES
    if not path.exists():
        message = f"{practical.name} has no sample class: there is no {path}."
        raise CourseError(message, "Write one in the format of the corpus (docs/writing-a-practical.md).")
    made = {each.id: variant_notebook(practical.source, practical, each) for each in load_corpus([path], practical)}
    return made | {"metadata-stripped": _without_metadata(next(iter(made.values())))}


def _without_metadata(notebook: NotebookNode) -> NotebookNode:
    bare = copy.deepcopy(notebook)
    for number, cell in enumerate(bare.cells):
        cell.metadata = {}
        cell.id = f"c{number}"
    return bare


@edge
def demo(
    folder: Annotated[Path, typer.Argument(help="A new folder, or an earlier demo's.")],
    course: CourseFolder = Path(),
    assignment: PracticalName = "",
) -> int:
    """Make a course with a class of sample submissions, grade it, and say where to look."""
    console = Console()
    name = course_in(course, assignment).name
    make_course(course_in(course, assignment).practical, folder)
    console.print(Text(f"A class of sample submissions stands in {folder / 'submitted'}. Grading it takes a minute."))
    command = [sys.executable, "-m", "autograder", "grade", "--course", str(folder)]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - the kit itself
    console.print(
        Text("\nLook at", style="bold"),
        Text(f"  {folder}/feedback/<student>/{name}/{name}.html   what a student reads"),
        Text(f"  {folder}/results/{name}/results.csv              the class, for a spreadsheet"),
        Text(f"  {folder}/gradebook.db                           nbgrader's gradebook, for nbgrader formgrader"),
        sep="\n",
    )
    return code


if __name__ == "__main__":
    typer.run(demo)
