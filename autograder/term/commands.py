"""The commands init and report."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autograder.course.folders import course_in
from autograder.course.practical import practicals_in
from autograder.reports.tables import plain
from autograder.reports.terminal import AsJson, CourseFolder, PracticalName, edge


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(init)
    app.command()(report)


@edge
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder, anywhere.", show_default=False)],
    practical: Annotated[
        list[str] | None,
        typer.Option(help="A practical of the kit that is wanted. Repeatable. Left out: all.", show_default=False),
    ] = None,
    new: Annotated[
        str, typer.Option(help="A practical to begin, as by the command new. The kit's own are copied if named.")
    ] = "",
    students: Annotated[
        Path | None, typer.Option(help="A CSV file: id, first name, last name, email.", show_default=False)
    ] = None,
    due: Annotated[str, typer.Option(help='When work is due, such as "2026-11-30 23:59".')] = "",
    timezone: Annotated[str, typer.Option(help="Such as Europe/Berlin. Left out: this machine's own.")] = "",
    exchange: Annotated[
        Path | None, typer.Option(help="nbgrader's exchange, if students hand in by it.", show_default=False)
    ] = None,
    secret: Annotated[
        bool,
        typer.Option("--secret", help="Only draw a secret for the course that is there, from which inputs are drawn."),
    ] = False,
) -> int:
    """Make a course: practicals, configuration, roster, due date, late rule, and a secret."""
    from autograder.course.secret import make_secret
    from autograder.term.new_course import NewCourse, kit_folder, make_course

    if secret:
        practicals_in(folder)  # CourseError where there is none
        words = f"Wrote {make_secret(folder)}. Keep it with the course, and show it to nobody."
        Console().print(plain(f"{words} What was graded before is asked anew."))
        return 0
    wanted = NewCourse(folder, tuple(practical or ()), new, students, due, timezone, exchange)
    console = Console()
    for path in make_course(wanted, kit_folder()):
        console.print(plain(f"Wrote {path}"))
    console.print(
        Text("\nNext:", style="bold"),
        Text(f"  cd {shlex.quote(str(folder))}"),
        Text("  course.toml says when work is due and what it costs to be late; students.csv who takes part."),
        Text("  autograder doctor          says what is missing"),
        Text("  autograder collect FILE    takes what students handed in, as the platform's zip"),
        Text("  autograder grade           grades the class"),
        sep="\n",
        soft_wrap=True,
    )
    return 0


@edge
def report(
    course: CourseFolder = Path(),
    assignment: PracticalName = "",
    output: Annotated[Path | None, typer.Option(help="Where to write the page.", show_default=False)] = None,
    as_json: AsJson = False,
) -> int:
    """Write the class report: one HTML page that needs nothing else, and the same figures as JSON."""
    from autograder.term.report import write_report

    where = course_in(course, assignment)
    data, paths = write_report(where, output or where.results / "report.html")
    if as_json:
        typer.echo(json.dumps(data, indent=1))
    else:
        for path in paths:
            Console().print(plain(f"Wrote {path}"))
    return 0
