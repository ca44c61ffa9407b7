"""What the tests share: the kit's own course, the sandbox, and submissions made from the source."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from autograder.authoring import fill
from autograder.course.limits import Limits
from autograder.course.practical import Practical, load_practical
from autograder.judging.answer_key import AnswerKey
from autograder.judging.process import StudentProcess
from autograder.sandbox import Barrier, choose_barrier

KIT = Path(__file__).parent.parent
QUICK = replace(Limits(), seconds_per_ask=1.0, seconds_to_define=2.0)
PATIENT = replace(Limits(), seconds_per_ask=60.0, seconds_to_define=60.0)  # for what ends by itself, on a busy machine


SLOW = (
    "demo",
    "hostile",
    "nbgrader",
    "batch_survives",
    "sac_corpus",
    "hostile_training",
    "student_notebook",
    "several_practicals",
    "student_process",
    "confined",
    "term",
    "likeness",
    "recognise",
    "writing_a_practical",
)  # begun first, longest first


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker is left alone with one at the end."""
    rank = {f"test_{name}.py": number for number, name in enumerate(SLOW)}
    items.sort(key=lambda item: rank.get(item.path.name, len(SLOW)))


@pytest.fixture(scope="session")
def kit() -> Path:
    return KIT


@pytest.fixture(scope="session")
def sac() -> Practical:
    return load_practical(KIT, "sac")


@pytest.fixture(scope="session")
def sac_key(sac: Practical) -> AnswerKey:
    """The hidden checks and the reference."""
    return AnswerKey(sac)


@pytest.fixture(scope="session")
def source(sac: Practical) -> NotebookNode:
    return sac.source


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
def handed_in(source: NotebookNode, sac: Practical) -> Callable[..., NotebookNode]:
    """Makes a notebook as a student would hand it in: right, but for the fills and cells that are given."""

    def make(fills: Mapping[str, str] | None = None, **others: Any) -> NotebookNode:
        return fill(source, sac, fills or {}, **others)

    return make


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """A page of Debian's chromium, for what ``make services`` runs."""
    from playwright.sync_api import sync_playwright  # which the other tests do without

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def sac_course(folder: Path, config: str = "", name: str = "sac") -> Path:
    """A course with SAC alone, or another of the kit's own practicals, in a new folder; nothing is handed in.

    ``config`` replaces the kit's settings.
    """
    for part in ("source", "release", "solutions"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(KIT / part / name, folder / part / name, ignore=ignored)
    text = config or (KIT / "nbgrader_config.py").read_text(encoding="utf-8")
    (folder / "nbgrader_config.py").write_text(text, encoding="utf-8")
    return folder
