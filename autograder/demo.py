"""A sample class: ``python -m autograder.demo FOLDER`` makes a course, hands in for a class and grades it."""

import copy
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.console import Console
from rich.text import Text

from autograder.assignment import load_assignment
from autograder.authoring import generate, read_source
from autograder.cli import app, told
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.verification.corpus import load_corpus, variant_notebook

KIT = Path(__file__).parent.parent
NAME = "sac"


def make_course(folder: Path) -> None:
    """A course folder like the kit's own, with a class of submissions; what an earlier demo left there goes."""
    mark = folder / ".demo"
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise CourseError(f"{folder} is not empty and no demo.", "Name a new folder.")
    shutil.rmtree(folder, ignore_errors=True)
    write_atomically(mark, "made by python -m autograder.demo; it goes with the next one\n")
    shutil.copytree(KIT / "source", folder / "source")
    shutil.copy(KIT / "nbgrader_config.py", folder)
    generate(folder, NAME)
    for student, notebook in sample_class(folder).items():
        write_atomically(folder / "submitted" / student / NAME / f"{NAME}.ipynb", nbformat.writes(notebook))


def sample_class(course: Path) -> dict[str, NotebookNode]:
    """The submissions by student: right, wrong, broken and hostile ones; see solutions/demo.toml."""
    assignment = load_assignment(NAME)
    source = read_source(course, NAME)
    variants = load_corpus([KIT / "solutions" / "demo.toml"], assignment)
    made = {variant.id: variant_notebook(source, assignment, variant) for variant in variants}
    release = nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    return made | {"untouched": release, "metadata-stripped": _without_metadata(made["perfect"])}


def _without_metadata(notebook: NotebookNode) -> NotebookNode:
    bare = copy.deepcopy(notebook)
    for number, cell in enumerate(bare.cells):
        cell.metadata = {}
        cell.id = f"c{number}"
    return bare


def main(folder: Path) -> int:
    """Make the course, grade it and say where to look; the exit code of grading, or 2 for a folder in use."""
    console = Console()
    try:
        make_course(folder)
    except CourseError as error:
        return told(error)
    console.print(
        Text(f"A class of sample submissions stands in {folder / 'submitted'}. Grading it takes a minute or two.")
    )
    code = app(["grade", "--course", str(folder)], standalone_mode=False)
    console.print(
        Text("\nLook at", style="bold"),
        Text(f"  {folder}/feedback/<student>/{NAME}/{NAME}.html   what a student reads"),
        Text(f"  {folder}/results/{NAME}/results.csv              the class, for a spreadsheet"),
        Text(f"  {folder}/gradebook.db                           nbgrader's gradebook, for nbgrader formgrader"),
        sep="\n",
    )
    return int(code or 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m autograder.demo FOLDER")
    sys.exit(main(Path(sys.argv[1])))
