"""The edge between commands and the terminal: their common options, their faults as messages, their exit codes.

Exit 0: done; 1: something failed that the command is about; 2: usage or course fault.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from autograder.errors import CourseError, file_fault
from autograder.grading.stopping import Stopped

P = ParamSpec("P")

CourseFolder = Annotated[Path, typer.Option("--course", help="The course folder: the one that holds source/.")]
PracticalName = Annotated[
    str, typer.Option("--assignment", help="The practical's name. Left out: the only one in the course.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of a table for people.")]
Unsafe = Annotated[
    bool,
    typer.Option("--unsafe-no-sandbox", help="Run student code with nothing around it. Only for code that you trust."),
]


def edge(command: Callable[P, int]) -> Callable[P, None]:
    """Make a command's faults into messages, and what it returns into the exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except CourseError as error:
            code = say_fault(error)
        except OSError as error:
            code = say_fault(file_fault(error))
        except Stopped as stopped:
            code = stopped.exit_code
            Console(stderr=True).print(Text(f"Stopped. {stopped.words}", style="bold"))
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("autograder."):
                raise
            message = f"{error.name} has been taken out of this kit, and the command needs it."
            code = say_fault(CourseError(message, "Put its folder back. autograder grade and check work without it."))
        raise typer.Exit(code)

    return run


def say_fault(error: CourseError) -> int:
    """Print what is wrong and what to do; the exit code."""
    console = Console(stderr=True)
    console.print(Text(error.message, style="bold red"))
    if error.next_step:
        console.print(Text(error.next_step))
    return 2


def progress_bar() -> Progress:
    """A progress bar beside what the command prints, so that its output can be read by a program."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))
