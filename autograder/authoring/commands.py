"""The command generate."""

from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from autograder.course.folders import course_in
from autograder.reports.terminal import CourseFolder, PracticalName, edge


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(generate)


@edge
def generate(course: CourseFolder = Path(), assignment: PracticalName = "") -> int:
    """Make the students' version in release/, and the solved notebook in solutions/, from source/."""
    from autograder.authoring.source import generate as generated

    where = course_in(course, assignment)
    for path in generated(where.root, where.name):
        Console().print(Text(f"Wrote {path}"))
    return 0
