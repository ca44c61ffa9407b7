"""A sample class: ``python -m autograder.verification.demo FOLDER`` makes a course, hands in for a class, grades it.

Each practical's class stands in its ``solutions/<practical>/demo.toml``, in the format of the corpus: each entry is one
student.
"""

import copy
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import nbformat
import typer
from nbformat import NotebookNode
from rich.console import Console
from rich.text import Text

from autograder.annexes import annex
from autograder.authoring import generate
from autograder.course.configuration import CONFIG
from autograder.course.folders import TIMESTAMP, Course, course_in
from autograder.course.practical import Practical, load_practical, practicals_in
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.notebook.cells import grade_id_of
from autograder.reports.terminal import CourseFolder, edge
from autograder.verification.corpus import load_corpus, variant_notebook

SAMPLES = "demo.toml"
BY_HAND = (  # the share of the points that the first students get for each written answer, and what the marker says
    (1.0, "All of it is here."),
    (0.5, "True as far as it goes. What would happen without it?"),
)
MARK = ".demo"  # a folder with this file in it is a demo's


def with_samples(root: Path, name: str = "") -> list[Practical]:
    """The practicals of a course that have a sample class, or the one of that name. CourseError if there is none."""
    names = [course_in(root, name).name] if name else practicals_in(root)
    practicals = [load_practical(root, each) for each in names]
    found = [each for each in practicals if (each.folder / SAMPLES).exists()]
    if not found:
        places = " and no ".join(str(each.folder / SAMPLES) for each in practicals)
        message = f"There is no sample class: there is no {places}."
        raise CourseError(message, "Write one in the format of the corpus (docs/writing-a-practical.md).")
    return found


def make_course(practicals: Sequence[Practical], folder: Path) -> None:
    """A course with these practicals alone, and a class that handed in all of them; an earlier demo is replaced.

    CourseError if anything else stands in the folder.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise CourseError(f"{folder} is not empty, and it is no earlier demo.", "Name a new folder.")
    classes = {practical.name: sample_class(practical) for practical in practicals}
    shutil.rmtree(folder, ignore_errors=True)
    write_atomically(folder / MARK, "made by python -m autograder.verification.demo; the next demo replaces it\n")
    shutil.copy(practicals[0].root / CONFIG, folder)
    for practical in practicals:
        for path in (practical.source_path.parent, practical.folder):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(path, folder / path.relative_to(practical.root), ignore=ignored)
        generate(folder, practical.name)
        samples = classes[practical.name] | {"untouched": Course(folder, practical.name).release}
        for student, notebook in samples.items():
            path = folder / "submitted" / student / practical.name / f"{practical.name}.ipynb"
            write_atomically(path, nbformat.writes(notebook))
        _hand_in_late(folder, practical.name, list(samples))
    _write_term(folder, classes)


def _hand_in_late(folder: Path, name: str, students: Sequence[str]) -> None:
    """Two days late, for the second student and the third, who has an extension."""
    for student in students[1:3]:
        write_atomically(folder / "submitted" / student / name / TIMESTAMP, "2026-01-16 12:00:00 UTC\n")


def _write_term(folder: Path, classes: Mapping[str, Mapping[str, NotebookNode]]) -> None:
    """A roster, due dates, an extension each, and what it costs to be late; one student handed in nothing."""
    students = dict.fromkeys([*(name for samples in classes.values() for name in samples), "untouched", "absent"])
    rows = [f"{name},{name.title().replace('-', ' ')},Sample,{name}@example.org" for name in students]
    write_atomically(folder / "students.csv", "\n".join(["id,first name,last name,email", *rows, ""]))
    lines = ['students = "students.csv"', 'timezone = "UTC"', "[late]", "percent_per_day = 10", "most_percent = 50"]
    for name, samples in classes.items():
        lines += [f"[practicals.{name}]", "due = 2026-01-14 18:00:00"]
        lines += [f'extensions."{student}" = 2026-01-20' for student in list(samples)[2:3]]
    write_atomically(folder / "course.toml", "\n".join([*lines, ""]))


def sample_class(practical: Practical) -> dict[str, NotebookNode]:
    """The submissions of demo.toml by student, and the first of them once more without any metadata."""
    samples = load_corpus([practical.folder / SAMPLES], practical)
    made = {each.id: variant_notebook(practical.source, practical, each) for each in samples}
    for student in list(made)[len(BY_HAND) :]:  # the others' answers are their own, so that few are found alike
        for cell in made[student].cells:
            if grade_id_of(cell) in practical.written:
                cell.source = f"Answer of {student}."
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
    assignment: Annotated[
        str, typer.Option("--assignment", help="The practical's name. Left out: all that have a sample class.")
    ] = "",
) -> int:
    """Make a course with a class of sample submissions, grade it, and say where to look."""
    console = Console()
    practicals = with_samples(course.resolve(), assignment)
    make_course(practicals, folder)
    console.print(Text(f"A class of sample submissions stands in {folder / 'submitted'}. Grading it takes a minute."))
    codes = [_run("grade", folder, practical.name) for practical in practicals]
    codes += [_mark_by_hand(folder, practical) for practical in practicals]
    console.print(Text("\nLook at", style="bold"))
    for practical in practicals:
        name = practical.name
        console.print(
            Text(f"  {folder}/feedback/<student>/{name}/{name}.html   what a student reads of {name}"),
            Text(f"  {folder}/results/{name}/results.csv   the class in {name}, for a spreadsheet"),
            sep="\n",
        )
        if annex("term") and not _run("report", folder, name, quiet=True):
            console.print(Text(f"  {folder}/results/{name}/report.html   how the class did in {name}"))
    console.print(Text(f"  {folder}/gradebook.db   nbgrader's gradebook; to mark by hand, run jupyter lab in {folder}"))
    console.print(Text("  and choose Nbgrader, then Formgrader, from its menu."))
    return max(codes)


def _mark_by_hand(folder: Path, practical: Practical) -> int:
    """Two students' written answers, and their totals and feedback brought up to date; the others still wait."""
    by_hand, *others = (annex(name) for name in ("nbgrader.marks", "term", "platforms"))
    if not practical.written or by_hand is None or None in others:
        return 0
    samples = load_corpus([practical.folder / SAMPLES], practical)
    for sample, (share, comment) in zip(samples, BY_HAND, strict=False):
        for grade_id, most in practical.written.items():
            by_hand.mark_by_hand(Course(folder, practical.name), sample.id, grade_id, share * most, comment)
    return _run("export", folder, practical.name, quiet=True)


def _run(command: str, folder: Path, name: str, *, quiet: bool = False) -> int:
    """The exit code of one of the kit's commands on one practical."""
    words = [sys.executable, "-m", "autograder", command, "--course", str(folder), "--assignment", name]
    return subprocess.run(words, check=False, capture_output=quiet).returncode  # noqa: S603 - the kit itself


if __name__ == "__main__":
    typer.run(demo)
