"""The command verify."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from autograder.course.folders import Course, course_in
from autograder.files import write_atomically
from autograder.grading.dependencies import dependencies
from autograder.grading.store import VERIFIED
from autograder.reports.terminal import AsJson, CourseFolder, PracticalName, Unsafe, edge, progress_bar


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(verify)


@edge
def verify(
    course: CourseFolder = Path(),
    assignment: PracticalName = "",
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file or folder of variants. Repeatable. Left out: variants/ in the practical's solutions/ folder.",
            show_default=False,
        ),
    ] = None,
    end_to_end: Annotated[
        bool,
        typer.Option("--end-to-end", "--training", help="Also ask the questions that run everything; they take long."),
    ] = False,
    drawn: Annotated[int, typer.Option("--several", min=0, help="Also so many submissions with several mistakes.")] = 0,
    learn: Annotated[
        bool, typer.Option("--learn", help="Only learn the known mistakes again (known.json, beside variants/).")
    ] = False,
    mutants: Annotated[
        bool,
        typer.Option("--mutants", help="Also try mutants: mistakes made by machine from the source's own solution."),
    ] = False,
    visible: Annotated[
        bool, typer.Option("--visible", help="Only run the check cells that students see, and compare their verdicts.")
    ] = False,
    # one more than processors: judge and sandbox wait for each other now and then
    jobs: Annotated[int, typer.Option(min=1, help="Variants graded at once.")] = (os.cpu_count() or 1) + 1,
    as_json: AsJson = False,
    unsafe_no_sandbox: Unsafe = False,
) -> int:
    """Grade the grader: every right variant must keep full marks, every wrong one lose exactly where it is wrong.

    A question is asked of a variant only if its code differs, for that question, from the source's own solution;
    otherwise the variant has that one's results.

    With --mutants each question's mutation score is told: how many of the mistakes that a machine makes of the solution
    are caught. With --learn the wrong ones and the mutants are asked their own questions only, and their answers are
    stored: by these, mistakes are recognised later.

    With --visible nothing is graded: the corpus, as the course's own code, runs without a sandbox through the check
    cells of the notebook itself, and no right variant may fail there.
    """
    from autograder.verification.outcomes import Verification
    from autograder.verification.verify import Run, verification
    from autograder.verification.visible import Agreement, agreement

    where = course_in(course, assignment)
    run = Run(where, tuple(corpus or ()), end_to_end, drawn, jobs, unsafe_no_sandbox, learn, mutants)
    found: Verification | Agreement
    with progress_bar() as progress:
        task = progress.add_task("learning" if learn else "verifying")

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        found = agreement(where.practical, run.variants(), jobs, tell) if visible else verification(run, tell)
    if not (corpus or learn or visible):
        _keep(where, found.figures)
    if as_json:
        typer.echo(json.dumps(found.data(), indent=1))
    else:
        Console().print(*found.words(), sep="\n")
    return 1 if found.failed else 0


def _keep(where: Course, found: Mapping[str, tuple[int, int]]) -> None:
    """Keep the figures for the class report, which says whether they are about the checks of its day."""
    figures = {name: {"count": count, "total": total} for name, (count, total) in found.items()}
    when = datetime.now().astimezone().strftime("%d %B %Y")
    content = json.dumps({"when": when, "checks": dependencies(where.practical).checks, "figures": figures}, indent=1)
    write_atomically(where.results / VERIFIED, content)
