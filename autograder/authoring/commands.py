"""The commands new and generate."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autograder.course.folders import course_in
from autograder.reports.terminal import CourseFolder, PracticalName, edge


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(new)
    app.command()(generate)


@edge
def new(
    practical: Annotated[str, typer.Argument(help="The new practical's name, such as hw-1.", show_default=False)],
    course: CourseFolder = Path(),
) -> int:
    """Write a small practical to begin with: it can be generated, verified and graded as it stands."""
    from autograder.authoring.new import new_practical

    console = Console()
    for path in new_practical(course.resolve(), practical):
        console.print(Text(f"Wrote {path}"))
    options = f"--assignment {practical}" + (f" --course {shlex.quote(str(course))}" if course != Path() else "")
    console.print(
        Text(f"\n{practical} works as it stands. Try it:", style="bold"),
        Text(f"  autograder generate {options}    makes the students' version and the solved notebook"),
        Text(f"  autograder verify {options}      tries right and wrong answers on the hidden checks"),
        Text(f"  autograder doctor {options}      says what is missing"),
        Text("Then change what says TO CHANGE; docs/writing-a-practical.md leads through it in six steps."),
        sep="\n",
        soft_wrap=True,
    )
    return 0


@edge
def generate(course: CourseFolder = Path(), assignment: PracticalName = "") -> int:
    """Make the students' version in release/, and the solved notebook in solutions/, from source/."""
    from autograder.authoring.source import generate as generated

    where = course_in(course, assignment)
    for path in generated(where.root, where.name):
        Console().print(Text(f"Wrote {path}"))
    return 0
