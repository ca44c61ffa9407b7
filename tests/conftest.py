"""What the tests share: the kit's own course, the sandbox, and submissions made from the source."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from autograder.assignment import Assignment, load_assignment
from autograder.authoring import fill, read_source
from autograder.limits import Limits
from autograder.process import StudentProcess
from autograder.sandbox import Barrier, choose_barrier

KIT = Path(__file__).parent.parent
QUICK = replace(Limits(), seconds_per_ask=1.0, seconds_to_define=2.0)
PATIENT = replace(Limits(), seconds_per_ask=60.0, seconds_to_define=60.0)  # for what ends by itself, on a busy machine


@pytest.fixture(scope="session")
def kit() -> Path:
    return KIT


@pytest.fixture(scope="session")
def sac() -> Assignment:
    return load_assignment("sac")


@pytest.fixture(scope="session")
def source() -> NotebookNode:
    return read_source(KIT, "sac")


@pytest.fixture(scope="session")
def barrier() -> Barrier:
    return choose_barrier()


@pytest.fixture
def process(barrier: Barrier) -> Iterator[StudentProcess]:
    """A sandboxed student process with no libraries imported, so that it starts at once."""
    with StudentProcess(barrier, PATIENT) as started:
        yield started


@pytest.fixture
def impatient(barrier: Barrier) -> Iterator[StudentProcess]:
    """The same for what never ends: it is given up soon."""
    with StudentProcess(barrier, QUICK) as started:
        yield started


@pytest.fixture(scope="session")
def handed_in(source: NotebookNode, sac: Assignment) -> Callable[..., NotebookNode]:
    """Makes a notebook as a student would hand it in: right, but for the fills and cells that are given."""

    def make(fills: Mapping[str, str] | None = None, **others: Any) -> NotebookNode:
        return fill(source, sac, fills or {}, **others)

    return make
