"""The command worker, and what ``grade --scheduler`` needs. Dask is imported only where one of them is used."""

import importlib.util
import os
from collections.abc import Callable
from typing import Annotated

import typer

from autograder.errors import CourseError
from autograder.grading.graders import Graders
from autograder.reports.terminal import edge

INSTALL = "Install it in the kit's folder: pip install --constraint constraints.txt --editable '.[cluster]'"


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(worker)


def graders_of(scheduler: str, say: Callable[[str], None]) -> Graders:
    """The workers of the scheduler at that address; ``say`` tells the user of those that refuse."""
    _need_dask()
    from autograder.cluster.calling import Cluster

    return Cluster(scheduler, say)


def _need_dask() -> None:
    if importlib.util.find_spec("distributed") is None:
        raise CourseError("A cluster needs Dask (the package distributed), which is not installed.", INSTALL)


@edge
def worker(
    scheduler: Annotated[str, typer.Argument(help="The scheduler's address: tcp://host:8786, or tls://host:8786.")],
    jobs: Annotated[int, typer.Option(min=1, help="Submissions graded at once.")] = os.cpu_count() or 1,
) -> int:
    """Grade for whoever runs grade --scheduler with this address, until Ctrl-C, or until the scheduler ends.

    It needs the installed kit and a sandbox (autograder doctor); the practical is sent to it.
    """
    _need_dask()
    from autograder.cluster.serving import serve

    return serve(scheduler, jobs)
