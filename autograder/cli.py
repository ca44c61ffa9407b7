"""The command line. check and grade belong to the core; annexes that are there add their own commands."""

import io
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autograder.annexes import annex
from autograder.course.folders import course_in
from autograder.errors import CourseError
from autograder.grading.stopping import stoppable
from autograder.reports.terminal import AsJson, CourseFolder, PracticalName, Unsafe, edge, progress_bar, say_fault

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Generate, grade and check an auto-graded practical. Marks are judged outside the student's process.",
    epilog="New here? Run: autograder doctor, then autograder check NOTEBOOK.",
)
Skip = Annotated[list[str] | None, typer.Option("--skip", help="A question to leave out. Repeatable.")]


@app.command()
@edge
def check(
    notebook: Annotated[Path, typer.Argument(help="One student's notebook.", show_default=False)],
    course: CourseFolder = Path(),
    assignment: PracticalName = "",
    skip: Skip = None,
    as_json: AsJson = False,
    unsafe_no_sandbox: Unsafe = False,
) -> int:
    """Grade one notebook and print every check's result. Nothing is written.

    The checks ask with the inputs that are the same in every course, whoever's notebook it is.
    """
    from autograder.grading.mark import Marking, mark
    from autograder.grading.mend import mend
    from autograder.grading.store import as_data
    from autograder.judging.draws import FIXED
    from autograder.records import Submission
    from autograder.reports.tables import report_lines

    if not notebook.exists():
        raise CourseError(f"There is no file {notebook}.", "Name a notebook (.ipynb).")
    marking = Marking(course_in(course, assignment), unsafe_no_sandbox, frozenset(skip or ()))
    marking.prove(marking.course.results)
    result = mark(marking, mend(marking.course, Submission(notebook.stem, notebook)), draw=FIXED).result
    if as_json:
        typer.echo(json.dumps(as_data(result), indent=1))
    else:
        Console().print(*report_lines(result), sep="\n")
    return 1 if result.fault else 0


@app.command()
@edge
def grade(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A course folder or a folder of notebooks. Left out: the course's submitted/.", show_default=False
        ),
    ] = None,
    course: CourseFolder = Path(),
    assignment: PracticalName = "",
    jobs: Annotated[int, typer.Option(min=1, help="Submissions graded at once.")] = os.cpu_count() or 1,
    scheduler: Annotated[
        str,
        typer.Option(
            help="Grade by the workers of the Dask scheduler at this address, such as tcp://host:8786.",
            show_default=False,
        ),
    ] = "",
    skip: Skip = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Where results go. Left out: results/<practical>/ in the course.", show_default=False),
    ] = None,
    student: Annotated[
        list[str] | None,
        typer.Option(help="Grade this student alone; the others keep their results. Repeatable.", show_default=False),
    ] = None,
    question: Annotated[
        list[str] | None,
        typer.Option(help="Ask this question again; the others keep their marks. Repeatable.", show_default=False),
    ] = None,
    shard: Annotated[
        str,
        typer.Option(
            metavar="3/10",
            help="Grade the third of ten parts of the class, say, and publish nothing. Several parts may run at once.",
            show_default=False,
        ),
    ] = "1/1",
    force: Annotated[bool, typer.Option("--force", help="Ask every question again, whether anything changed.")] = False,
    gradebook: Annotated[
        bool,
        typer.Option(
            help="Also write nbgrader's gradebook, autograded/ and feedback/ (a course only; not with --skip)."
        ),
    ] = True,
    as_json: AsJson = False,
    unsafe_no_sandbox: Unsafe = False,
) -> int:
    """Grade the whole class, several at once; write results as JSON and CSV, the gradebook and the feedback.

    Takes an nbgrader course (the folder with source/ and submitted/) or any folder of notebooks: alice.ipynb or
    alice/anything.ipynb. A question is asked again only if something changed on which its marks depend, so that a run
    that was stopped goes on where it was. Marks and comments that a person gave stay.
    """
    from autograder.grading.graders import graders_for
    from autograder.grading.mark import Marking
    from autograder.grading.publish import sinks
    from autograder.grading.run import grade_class
    from autograder.grading.shards import read_shard
    from autograder.reports.tables import plain

    root = folder if folder is not None and (folder / "source").is_dir() else course
    where = course_in(root, assignment)
    own = folder is None or folder.resolve() in (where.root, where.submitted)
    handed_in = where.submitted if own or folder is None else folder.resolve()
    # results of strangers' folders stay out of the course's own
    target = output.resolve() if output else where.results if own else handed_in / "results"
    marking = Marking(where, unsafe_no_sandbox, frozenset(skip or ()), force, frozenset(question or ()))
    if skip and own and gradebook:
        # a question that was left out would stand there with 0 points
        Console(stderr=True).print(Text("The gradebook and the feedback are not written, since --skip is given."))
    to = sinks(own and gradebook and not skip)
    part = read_shard(shard)
    with stoppable(), progress_bar() as progress:
        graders = graders_for(jobs, scheduler, lambda words: progress.console.print(plain(words, "yellow")))
        graded = grade_class(marking, handed_in, target, graders, to, progress, frozenset(student or ()), part)
    if as_json:
        typer.echo(json.dumps(graded.data(), indent=1))
    else:
        Console().print(*graded.words(), sep="\n")
    return say_fault(graded.fault) if graded.fault else 1 if graded.faults else 0


for room in ("term", "platforms", "authoring", "verification", "nbgrader", "doctor", "cluster"):
    commands = annex(f"{room}.commands")
    if commands is not None:
        commands.add_to(app)


def main() -> None:
    """The entry point."""
    os.umask(os.umask(0o077) & 0o077)  # what the kit makes, its own user may read and write
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # it was closed: the next file that is opened would take its number
            stream = os.fdopen(os.open(os.devnull, os.O_RDWR), mode)
            os.dup2(stream.fileno(), descriptor)
            setattr(sys, name, stream)
        if isinstance(stream, io.TextIOWrapper) and mode == "w":
            stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 shows what it can
    if fault := _fault_of_python():
        sys.exit(say_fault(fault))
    app()


def _fault_of_python() -> CourseError | None:
    """Why this Python, as it was started, can grade nobody."""
    if sys.flags.optimize > 1:
        message = "Python was started with -OO, which takes out the sentences that students read."
        return CourseError(message, "Start it without -OO, and unset PYTHONOPTIMIZE.")
    if sys.getfilesystemencoding() != "utf-8":
        message = (
            f"Python takes the names of files for {sys.getfilesystemencoding()}, and would not know students again."
        )
        return CourseError(message, "Set LC_ALL=C.UTF-8, and unset PYTHONUTF8.")
    return None
