"""The command line. Exit 0: done; 1: something failed that the command is about; 2: usage or course fault."""

import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from autograder.course import Course
from autograder.errors import CourseError, file_fault
from autograder.stopping import Stopped, stoppable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Generate, grade and check an auto-graded practical. Marks are judged outside the student's process.",
    epilog="New here? Run: autograder doctor, then autograder check NOTEBOOK.",
)
P = ParamSpec("P")

CourseFolder = Annotated[Path, typer.Option("--course", help="The course folder: the one that holds source/.")]
AssignmentName = Annotated[str, typer.Option("--assignment", help="The assignment's name in the course.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of a table for people.")]
Unsafe = Annotated[
    bool,
    typer.Option("--unsafe-no-sandbox", help="Run student code with nothing around it. Only for code that you trust."),
]
Skip = Annotated[
    list[str] | None, typer.Option("--skip", help="A question to leave out, such as training. Repeatable.")
]


def edge(command: Callable[P, int]) -> Callable[P, None]:
    """Make a command's faults into messages and its answer into the exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except CourseError as error:
            code = told(error)
        except OSError as error:
            code = told(file_fault(error))
        except Stopped as stopped:
            code = stopped.exit_code
            Console(stderr=True).print(Text(f"Stopped. {stopped.words}", style="bold"))
        raise typer.Exit(code)

    return run


def told(error: CourseError) -> int:
    """Say what is wrong and what to do; the exit code."""
    console = Console(stderr=True)
    console.print(Text(error.message, style="bold red"))
    if error.next_step:
        console.print(Text(error.next_step))
    return 2


@app.command()
@edge
def generate(course: CourseFolder = Path(), assignment: AssignmentName = "sac") -> int:
    """Make the students' version: source/ with its solutions blanked, into release/."""
    from autograder.authoring import generate as generate_release

    path = generate_release(course.resolve(), assignment)
    Console().print(Text(f"Wrote {path}"))
    return 0


@app.command()
@edge
def check(
    notebook: Annotated[Path, typer.Argument(help="One student's notebook.", show_default=False)],
    course: CourseFolder = Path(),
    assignment: AssignmentName = "sac",
    skip: Skip = None,
    as_json: AsJson = False,
    unsafe_no_sandbox: Unsafe = False,
) -> int:
    """Grade one notebook and print every check's result. Nothing is written."""
    from autograder.batch import Marking
    from autograder.records import Submission
    from autograder.results import as_data, report_lines

    if not notebook.exists():
        raise CourseError(f"There is no file {notebook}.", "Name a notebook (.ipynb).")
    marking = Marking(Course(course.resolve(), assignment), unsafe_no_sandbox, frozenset(skip or ()))
    result = marking.grade(Submission(notebook.stem, notebook))
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
        typer.Argument(help="A folder of notebooks. Left out: the course's submitted/.", show_default=False),
    ] = None,
    course: CourseFolder = Path(),
    assignment: AssignmentName = "sac",
    jobs: Annotated[int, typer.Option(min=1, help="Submissions graded at once.")] = os.cpu_count() or 1,
    skip: Skip = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Where results go. Left out: results/<assignment>/ in the course.", show_default=False),
    ] = None,
    student: Annotated[
        list[str] | None,
        typer.Option(help="Grade this student alone; the others keep their results. Repeatable.", show_default=False),
    ] = None,
    question: Annotated[
        list[str] | None,
        typer.Option(help="Ask this question anew; the others keep their marks. Repeatable.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Grade although nothing has changed.")] = False,
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
    alice/anything.ipynb. Submissions that did not change since they were graded keep their marks, so that a run that
    was stopped goes on where it was. Marks and comments that a person gave stay, whatever is graded anew.
    """
    from autograder.batch import Marking
    from autograder.classes import grade_class

    is_course = folder is not None and (folder / "source" / assignment).is_dir()
    where = Course((folder if folder and is_course else course).resolve(), assignment)
    own = folder is None or folder.resolve() in (where.root, where.submitted)
    handed_in = where.submitted if own or folder is None else folder.resolve()
    # results of strangers' folders stay out of the course's own
    target = output.resolve() if output else where.results if own else handed_in / "results"
    marking = Marking(where, unsafe_no_sandbox, frozenset(skip or ()), target, force, frozenset(question or ()))
    if skip and own and gradebook:
        # a question that was left out would stand there with 0 points
        Console(stderr=True).print(Text("The gradebook and the feedback are not written, since --skip is given."))
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    publish = own and gradebook and not skip
    with stoppable(), Progress(*bar, console=Console(stderr=True)) as progress:
        graded = grade_class(marking, handed_in, target, jobs, publish, progress, frozenset(student or ()))
    if as_json:
        typer.echo(json.dumps(graded.data(), indent=1))
    else:
        Console().print(*graded.words(), sep="\n")
    return told(graded.fault) if graded.fault else 1 if graded.faults else 0


@app.command()
@edge
def verify(
    course: CourseFolder = Path(),
    assignment: AssignmentName = "sac",
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file or folder of variants. Repeatable. Left out: solutions/variants/.", show_default=False
        ),
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="Also run the training question, which takes long.")
    ] = False,
    drawn: Annotated[int, typer.Option("--several", min=0, help="Also so many submissions with several mistakes.")] = 0,
    learn: Annotated[
        bool, typer.Option("--learn", help="Only learn the known mistakes anew (solutions/known.json).")
    ] = False,
    # one more than processors: judge and sandbox wait for each other now and then
    jobs: Annotated[int, typer.Option(min=1, help="Variants graded at once.")] = (os.cpu_count() or 1) + 1,
    as_json: AsJson = False,
    unsafe_no_sandbox: Unsafe = False,
) -> int:
    """Grade the grader: every right variant must keep full marks, every wrong one lose exactly where it is wrong.

    With --learn the wrong ones are put their own questions only, and what they answer is what mistakes are known by.
    """
    from autograder.verification.verify import Run, verification

    where = Course(course.resolve(), assignment)
    run = Run(where, tuple(corpus or ()), training, drawn, jobs, unsafe_no_sandbox, learn)
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=Console(stderr=True)) as progress:
        task = progress.add_task("learning" if learn else "verifying")
        found = verification(run, lambda done, total: progress.update(task, completed=done, total=total))
    if as_json:
        typer.echo(json.dumps(found.data(), indent=1))
    else:
        Console().print(*found.words(), sep="\n")
    return 1 if found.failed else 0


@app.command()
@edge
def doctor(course: CourseFolder = Path(), assignment: AssignmentName = "sac", as_json: AsJson = False) -> int:
    """Say what this machine lacks for grading, and the mend. Starts the sandbox and looks around in it."""
    from dataclasses import asdict

    from autograder.doctor import examine

    findings = []
    console = Console()
    for finding in examine(Course(course.resolve(), assignment)):
        findings.append(finding)
        if not as_json:
            mark = "✗" if not finding.well else "-" if finding.mend else "✓"
            console.print(Text(f"{mark} {finding.subject}: {finding.found}"))
            if finding.mend:
                console.print(Text(f"  {finding.mend}", style="bold"))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    return 0 if all(finding.well for finding in findings) else 1


def main() -> None:
    """The entry point."""
    app()
