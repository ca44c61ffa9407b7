"""The commands collect, export and package."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autograder.course.folders import course_in
from autograder.errors import CourseError
from autograder.reports.tables import named, plain
from autograder.reports.terminal import AsJson, CourseFolder, PracticalName, edge, progress_bar


class Source(StrEnum):
    """Where a zip comes from."""

    MOODLE = "moodle"
    CANVAS = "canvas"
    AUTO = "auto"


class Service(StrEnum):
    """Who runs the autograder elsewhere."""

    GRADESCOPE = "gradescope"


class Destination(StrEnum):
    """Where marks go."""

    MOODLE = "moodle"
    CANVAS = "canvas"


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(collect)
    app.command()(export)
    app.command()(package)


@edge
def collect(
    file: Annotated[Path, typer.Argument(help="The zip, as it was downloaded.", show_default=False)],
    course: CourseFolder = Path(),
    assignment: PracticalName = "",
    platform: Annotated[Source, typer.Option("--from", help="The platform that made the zip.")] = Source.AUTO,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="The grading worksheet or gradebook of the platform: it says emails and times.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Put what a class handed in on a platform into submitted/, and account for everybody.

    Run it again with a later zip: of several notebooks of one student the last before the deadline counts.
    """
    from autograder.platforms.collecting import collect as collected

    where = course_in(course, assignment)
    found = collected(where, file, platform.value, sheet)
    if as_json:
        typer.echo(json.dumps(found.data(), indent=1))
        return 0
    console = Console()
    words = f"Collected {len(found.taken) + len(found.unchanged) + len(found.kept)} notebooks ({found.platform}), "
    console.print(Text(f"{words}{len(found.taken)} of them new or changed.", style="bold"))
    for student, note in (found.taken | found.kept).items():
        if note:
            console.print(plain(f"{student}: {note}"))
    for what, students in (("Late", found.late), ("Nothing handed in", found.nothing)):
        if students:
            console.print(plain(f"{what}: {named(students)} ({len(students)})", "yellow"))
    for student, other in found.other.items():
        console.print(plain(f"{student} handed in something else: {other}", "yellow"))
    for student, name in found.strangers.items():
        console.print(plain(f"Not in the roster: {name}, collected as {student}", "yellow"))
    console.print(Text(f"Now grade: autograder grade --assignment {where.name}"))
    return 0


@edge
def export(
    sheet: Annotated[
        Path | None, typer.Argument(help="The sheet that was downloaded from the platform.", show_default=False)
    ] = None,
    course: CourseFolder = Path(),
    assignment: PracticalName = "",
    to: Annotated[
        Destination | None, typer.Option("--to", help="The platform that the sheet is for.", show_default=False)
    ] = None,
    column: Annotated[str, typer.Option(help="The column for the marks, where it is not clear which.")] = "",
    unmarked: Annotated[
        bool, typer.Option("--unmarked", help="Also give back totals in which an answer waits for a marker.")
    ] = False,
) -> int:
    """Bring penalties and feedback up to date with all marks, write class.csv, and fill in a platform's sheet.

    The sheet is filled in as a copy; its identifiers and all other columns stay as they are.
    """
    from autograder.platforms.returning import give_back
    from autograder.term.finish import finish, unfinished_words

    if (sheet is None) != (to is None):
        raise CourseError("A sheet and its platform belong together.", "autograder export SHEET.csv --to moodle")
    where, console = course_in(course, assignment), Console()
    with progress_bar() as progress:
        done = finish(where, progress)
    for line in unfinished_words(done.table):
        console.print(plain(line))
    for student, why in done.failures.items():
        console.print(plain(f"{student}: not in the gradebook: {why}", "red"))
    console.print(plain(f"Wrote {done.path}"))
    if sheet is not None and to is not None:
        back = give_back(where, done.table, to.value, sheet, column, unmarked)
        console.print(Text(f"Filled in {len(back.filled.filled)} marks.", style="bold"))
        for why in dict.fromkeys(back.filled.without_mark.values()):
            students = [student for student, theirs in back.filled.without_mark.items() if theirs == why]
            console.print(plain(f"Left open, {why}: {named(students)} ({len(students)})", "yellow"))
        for what, names in (("Not in the sheet", back.filled.not_in_sheet), ("Not known here", back.filled.not_known)):
            if names:
                console.print(plain(f"{what}: {', '.join(names)}", "yellow"))
        for path in back.paths:
            console.print(plain(f"Wrote {path}"))
    return 1 if done.failures else 0


@edge
def package(
    service: Annotated[Service, typer.Argument(help="The service that the package is for.", show_default=False)],
    course: CourseFolder = Path(),
    assignment: PracticalName = "",
    output: Annotated[Path | None, typer.Option(help="Where to write the zip.", show_default=False)] = None,
) -> int:
    """Make the zip that another service takes as its autograder, for one practical."""
    from autograder.platforms.gradescope import package as packaged

    where = course_in(course, assignment)
    target = output or where.results / "export" / f"{where.name}-{service.value}.zip"
    Console().print(plain(f"Wrote {packaged(where, target)}"))
    return 0
