"""Whether the check cells that students see agree with the hidden checks: the corpus, run through these cells."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from autograder.authoring import MarkedNotebook, read_marked
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.notebook.cells import grade_id_of
from autograder.notebook.extraction import extract
from autograder.records import grade_cell
from autograder.verification.corpus import Variant, in_place
from autograder.verification.learning import REFERENCE

Cell = tuple[str, str]  # label, source
SECONDS = 60.0  # for all cells of one variant
NO_END = "The notebook's cells come to no end, or their process dies."


@dataclass(frozen=True)
class Seen:
    """What a student sees who wrote one variant: question -> what its check cell shows, where it does not pass.

    Of a wrong variant whose own questions fail, the others' cells are not run. ``own`` is what is shown of another cell
    that fails: what it would define is missing then.
    """

    variant: Variant
    shown: Mapping[str, str]
    own: str = ""


@dataclass(frozen=True)
class Agreement:
    """How the visible check cells judge the corpus."""

    seen: tuple[Seen, ...]
    questions: tuple[str, ...]  # in the notebook's order

    def _of(self, verdict: str) -> list[Seen]:
        return [each for each in self.seen if each.variant.verdict == verdict]

    @property
    def failed(self) -> bool:
        """Whether a right variant is refused."""
        return bool(self.refused)

    @property
    def unseen(self) -> list[Seen]:
        """The wrong ones that pass all visible check cells."""
        return [each for each in self._of("wrong") if not each.shown]

    @property
    def refused(self) -> list[Seen]:
        """The right ones that a check cell refuses, though all their own cells run."""
        return [each for each in self._of("right") if each.shown and not each.own]

    @property
    def stopped(self) -> list[Seen]:
        """The right ones of which a notebook does not run a cell to its end, so that the check cells cannot pass."""
        return [each for each in self._of("right") if each.shown and each.own]

    @property
    def figures(self) -> dict[str, tuple[int, int]]:
        """Wrong ones that pass and right ones that are refused, each as (how many, of how many)."""
        return {
            "wrong, and pass all visible checks": (len(self.unseen), len(self._of("wrong"))),
            "right, and refused by a visible check": (len(self.refused), len(self._of("right"))),
            "right, but a notebook stops in their own cells": (len(self.stopped), len(self._of("right"))),
        }

    @property
    def per_question(self) -> dict[str, tuple[int, int, int]]:
        """Question -> wrong ones that lose it, how many of them its check cell passes, right ones it refuses."""
        found = {}
        for name in self.questions:
            losing = [each for each in self._of("wrong") if name in each.variant.loses]
            passing = sum(name not in each.shown for each in losing)
            found[name] = len(losing), passing, sum(name in each.shown for each in self.refused)
        return found

    def data(self) -> dict[str, Any]:
        """All of it for a program."""
        return {
            "figures": {name: {"count": count, "total": total} for name, (count, total) in self.figures.items()},
            "per_question": {
                name: {"wrong": wrong, "pass": passing, "right refused": refused}
                for name, (wrong, passing, refused) in self.per_question.items()
            },
            "variants": {each.variant.id: dict(each.shown) for each in self.seen},
        }

    def words(self) -> list[RenderableType]:
        """All of it for people, question by question; the two figures last."""
        table = Table("question", "wrong", "pass its check cell", "right, refused", title="Visible check cells")
        for name, row in self.per_question.items():
            table.add_row(name, *map(str, row))
        lines: list[RenderableType] = [table]
        lines += [Text(f"{each.variant.id} passes: {each.variant.summary}", style="yellow") for each in self.unseen]
        lines += [Text(f"{each.variant.id} is right, but a notebook stops in it: {each.own}") for each in self.stopped]
        for each in self.refused:
            lines.append(Text(f"{each.variant.path.name}: {each.variant.id} is right, and refused:", style="red"))
            lines += [Text(f"  {name}: {shown}") for name, shown in each.shown.items()]
        lines += [Text(f"{name}: {count} / {total}", style="bold") for name, (count, total) in self.figures.items()]
        return lines


def agreement(
    practical: Practical, variants: Sequence[Variant], jobs: int, progress: Callable[[int, int], object]
) -> Agreement:
    """Run every variant's notebook through its visible check cells; ``progress`` hears how many of how many are done.

    Variants are the course's own code, so they run without a sandbox. CourseError if the source's own solutions do not
    pass, or if the processes that run the cells end early.
    """
    variants = (REFERENCE, *variants)
    marked = read_marked(practical.source, practical)
    shares = [variants[number::jobs] for number in range(min(jobs, len(variants)))]
    done: list[Seen] = []

    def run(share: Sequence[Variant]) -> None:
        for each in _seen(marked, share):
            done.append(each)
            progress(len(done), len(variants))

    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(run, shares))
    order = {variant.id: number for number, variant in enumerate(variants)}
    reference, *rest = sorted(done, key=lambda each: order[each.variant.id])
    if reference.shown:
        name, shown = next(iter(reference.shown.items()))
        message = f"The source's own solutions do not pass its visible check cell {name!r}: {shown}"
        raise CourseError(message, "Correct the check cell or the solution in the source notebook.")
    return Agreement(tuple(rest), tuple(question.name for question in practical.questions))


def _seen(marked: MarkedNotebook, variants: Sequence[Variant]) -> Iterable[Seen]:
    """The variants one by one, from one process that runs them in copies of itself."""
    notebooks = [_cells(marked, variant) for variant in variants]
    first = _common(cells for cells, _ in notebooks)
    whole, last = _cells(marked, REFERENCE)
    rest = [(cells[len(first) :], last) for cells, last in notebooks]
    for variant, failed in zip(variants, run_notebooks(first, [*whole[len(first) :], *last], rest), strict=True):
        yield Seen(variant, _shown(marked.practical, failed), _own(marked.practical, failed))


def run_notebooks(
    first: Sequence[Cell],
    whole: Sequence[Cell],
    rest: Sequence[tuple[Sequence[Cell], Sequence[Cell]]],
    seconds: float = SECONDS,
) -> Iterator[dict[str, str] | None]:
    """For each pair in ``rest`` what is shown of each cell that fails, by label, in a copy of one process.

    In that process the ``first`` cells run once, and then ``whole``, whose names are forgotten. A pair's second cells
    run only where its first do not fail. None stands for cells that come to no end. CourseError if the process ends.
    """
    task = {"first": first, "whole": whole, "notebooks": rest, "seconds": seconds}
    command = [sys.executable, "-m", "autograder.verification.shell"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "TORCHDYNAMO_DISABLE": "1"}  # no compiler
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 - our own
        assert process.stdin is not None
        assert process.stdout is not None
        json.dump(task, process.stdin)
        process.stdin.close()
        yield from (json.loads(line) for line in process.stdout)
    if process.returncode:
        raise CourseError("The process that runs the visible check cells was killed.", "Run it with --jobs 1.")


def _cells(marked: MarkedNotebook, variant: Variant) -> tuple[list[Cell], list[Cell]]:
    """The code cells of a variant's notebook by their labels: those to run, and those to run if none of them fails.

    The latter are the checks of what a wrong variant should not lose, and those that are end to end. Of given cells
    that nbgrader does not know, such as runs and plots, only that is run which is kept of a submission. They have no
    label: nobody asks whether they fail.
    """
    known = {cell.id for cell in marked.notebook.cells}
    notebook = in_place(marked, variant)
    kept = dict(extract(notebook, marked.practical.long_running).cells)
    cells: list[Cell] = []
    for number, node in enumerate(notebook.cells, start=1):
        if node.cell_type == "code" and (grade_id_of(node) or node.id not in known):
            cells.append((grade_id_of(node) or str(node.id), node.source))
        elif source := kept.get(f"cell {number}"):
            cells.append(("", source))
    later = {grade_cell(item.name) for item in marked.practical.questions if item.end_to_end}
    if variant.verdict == "wrong":
        later |= {grade_cell(item.name) for item in marked.practical.questions if item.name not in variant.loses}
    return [cell for cell in cells if cell[0] not in later], [cell for cell in cells if cell[0] in later]


def _common(notebooks: Iterable[list[Cell]]) -> list[Cell]:
    """The cells that all begin with."""
    return [each[0] for each in takewhile(lambda cells: len(set(cells)) == 1, zip(*notebooks, strict=False))]


def _shown(practical: Practical, failed: Mapping[str, str] | None) -> dict[str, str]:
    """By question what its check cell shows; cells that end or never end take all questions along."""
    names = [question.name for question in practical.questions]
    if failed is None:
        return dict.fromkeys(names, NO_END)
    return {name: _without_frames(failed[grade_cell(name)]) for name in names if grade_cell(name) in failed}


def _own(practical: Practical, failed: Mapping[str, str] | None) -> str:
    """What is shown of the first cell that fails and is no check."""
    if failed is None:
        return NO_END
    checks = {grade_cell(question.name) for question in practical.questions}
    return next((_without_frames(shown) for label, shown in failed.items() if label not in checks), "")


def _without_frames(shown: str) -> str:
    """Of a traceback its last words alone."""
    return shown.rpartition("\n\n")[2] if "Traceback (most recent call last)" in shown else shown
