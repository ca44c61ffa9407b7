"""The command migrate."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autograder.course.folders import course_in
from autograder.grading.locking import only_grader
from autograder.reports.tables import plain
from autograder.reports.terminal import CourseFolder, PracticalName, edge


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(migrate)


@edge
def migrate(
    course: CourseFolder = Path(),
    assignment: PracticalName = "",
    drop_marks: Annotated[
        bool, typer.Option("--drop-marks", help="Give up marks by hand whose own cell is gone from the notebook.")
    ] = False,
) -> int:
    """Bring the gradebook up to date with a notebook whose cells changed after students handed in.

    Marks and comments that a person gave stay. The gradebook is copied to backups/ before.
    """
    from autograder.nbgrader.migration import migrate as migrated

    where = course_in(course, assignment)
    with only_grader(where.results):
        done = migrated(where, drop_marks)
    console = Console()
    for what, names in (("New", done.new), ("Gone", done.gone)):
        console.print(plain(f"{what}: {', '.join(names) or 'nothing'}"))
    for student, cell, given in done.lost:
        console.print(plain(f"Given up: {given} for {cell} of {student}", "yellow"))
    console.print(Text(f"Now grade again: autograder grade --assignment {where.name}"))
    return 0
