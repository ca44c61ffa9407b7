"""Whatever editors and students do to the structure of a right submission: what it is marked by comes through whole."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import edits
import nbformat
import pytest
from edits import Edit, name_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from autograder.authoring import blank, strip_mark_schemes
from autograder.course.folders import Course
from autograder.course.practical import Practical
from autograder.grading.mark import Marking, mark
from autograder.grading.mend import mend
from autograder.notebook.extraction import extract
from autograder.notebook.reading import parse_notebook
from autograder.records import Status, Submission, SubmissionResult
from autograder.repair import repair

Make = Callable[..., NotebookNode]
OFTEN = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
SOLUTIONS = ("critic", "actor", "explore", "target", "critic-update", "actor-update", "alpha-update", "evaluate")
STANDING = ("is missing.", "was there more than once")  # what no repair can change is said every time


@dataclass(frozen=True, repr=False)
class Bench:
    """A right submission, the release, and what repair makes of the one by the other."""

    right: NotebookNode
    release: NotebookNode
    practical: Practical

    def repair(self, notebook: NotebookNode) -> tuple[NotebookNode, list[str]]:
        return repair(notebook, self.release, self.practical)

    @cached_property
    def known(self) -> frozenset[str]:
        """The functions of the release's cells, not of those that are the student's own."""
        own = NotebookNode(cells=[cell for cell in self.release.cells if not name_of(cell)], metadata={})
        every, theirs = (extract(notebook, self.practical.long_running).functions for notebook in (self.release, own))
        return frozenset(every.keys() - theirs.keys())

    @cached_property
    def expected(self) -> Mapping[str, str]:
        """What the right submission is marked by."""
        return self.marked(self.right)

    def marked(self, notebook: NotebookNode) -> Mapping[str, str]:
        """The functions on which marks depend."""
        found = extract(notebook, self.practical.long_running)
        assert not [label for label in found.faults if "(" in label], "a cell of the release does not parse"
        return {name: code for name, code in found.functions.items() if name in self.known}


@pytest.fixture(scope="module")
def bench(source: NotebookNode, sac: Practical, handed_in: Make) -> Bench:
    return Bench(handed_in(), strip_mark_schemes(blank(source, sac)), sac)


@pytest.fixture(scope="module")
def right(bench: Bench) -> NotebookNode:
    return bench.right


@st.composite
def sequences(draw: st.DrawFn, longest: int = 6) -> list[tuple[Edit, int]]:
    """Up to six edits, of which one at most exports the notebook, each with a seed for what it does by chance."""
    chosen = draw(st.lists(st.sampled_from(edits.HARMLESS), min_size=1, max_size=longest - 1))
    export = draw(st.one_of(st.none(), st.sampled_from(edits.EXPORTS)))
    if export is not None:
        chosen.insert(draw(st.integers(0, len(chosen))), export)
    return [(edit, draw(st.integers(0, 2**16))) for edit in chosen]


def edited(notebook: NotebookNode, sequence: Sequence[tuple[Edit, int]]) -> NotebookNode:
    taken_apart = copy.deepcopy(notebook)
    for edit, seed in sequence:
        edit(taken_apart, Random(seed))
    return taken_apart


def without(notebook: NotebookNode, *names: str) -> NotebookNode:
    rest = copy.deepcopy(notebook)
    rest.cells = [cell for cell in rest.cells if name_of(cell) not in names]
    return rest


# --- sequences of edits


@OFTEN
@given(sequence=sequences())
def test_any_sequence_of_edits_leaves_every_function_as_it_was(sequence: list[tuple[Edit, int]], bench: Bench) -> None:
    mended, _ = bench.repair(edited(bench.right, sequence))
    assert bench.marked(mended) == bench.expected


@OFTEN
@given(sequence=sequences())
def test_what_was_repaired_needs_no_repair(sequence: list[tuple[Edit, int]], bench: Bench) -> None:
    mended, _ = bench.repair(edited(bench.right, sequence))
    again, repairs = bench.repair(mended)
    assert again == mended
    assert not [words for words in repairs if not any(standing in words for standing in STANDING)]


@OFTEN
@given(sequence=sequences())
def test_what_was_repaired_is_a_notebook_with_every_cell_of_the_release_in_its_place(
    sequence: list[tuple[Edit, int]], bench: Bench
) -> None:
    mended, _ = bench.repair(edited(bench.right, sequence))
    expect_structure(mended, bench.release)


def expect_structure(mended: NotebookNode, release: NotebookNode) -> None:
    nbformat.validate(mended)
    assert list(filter(None, map(name_of, mended.cells))) == list(filter(None, map(name_of, release.cells)))
    for cell in mended.cells:
        if name := name_of(cell):
            model = edits.cell_of(release, name)
            assert cell.metadata.nbgrader == model.metadata.nbgrader
            assert cell.metadata.get("tags") == model.metadata.get("tags")
            assert cell.cell_type == model.cell_type
            assert cell.source == model.source or not model.metadata.nbgrader.locked


@OFTEN
@given(sequence=sequences(longest=4), gone=st.sets(st.sampled_from(SOLUTIONS), min_size=1, max_size=2))
def test_a_deleted_solution_is_missing_and_the_others_keep_theirs(
    sequence: list[tuple[Edit, int]], gone: set[str], bench: Bench
) -> None:
    rest = without(bench.right, *gone)
    mended, repairs = bench.repair(edited(rest, sequence))
    assert bench.marked(mended) == bench.marked(rest)
    assert {words for words in repairs if "is missing" in words} == {f"The cell '{name}' is missing." for name in gone}


@pytest.mark.parametrize("edit", [*edits.HARMLESS, *edits.EXPORTS], ids=lambda edit: edit.__name__)
def test_every_edit_on_its_own_is_mended_and_told(edit: Edit, bench: Bench) -> None:
    taken_apart = edited(bench.right, [(edit, 7)])
    mended, repairs = bench.repair(taken_apart)
    expect_structure(mended, bench.release)
    assert bench.marked(mended) == bench.expected
    assert bool(repairs) == (taken_apart != bench.right)
    assert all(words.endswith(".") for words in repairs)


# --- whatever nbformat accepts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
GRADE_IDS = st.sampled_from([*SOLUTIONS, "train", "check-explore", "target-networks", "question-target-networks", ""])
NBGRADER = st.fixed_dictionaries(
    {"grade_id": GRADE_IDS | JSON},
    optional=dict.fromkeys(("grade", "solution", "locked", "points", "task", "schema_version"), JSON),
)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "nbgrader": NBGRADER | JSON,
        "id": JSON,
        "colab": JSON,
        "tags": st.lists(st.text(max_size=3), unique=True),
    },
)


CELL = st.fixed_dictionaries(
    {
        "cell_type": st.sampled_from(["code", "markdown", "raw"]),
        "id": st.sampled_from(["a", "b", "critic", "helpers", "cell-1"]),
        "metadata": METADATA,
        "source": st.text(max_size=20) | st.tuples(st.integers(0, 59), st.integers(0, 3)),
    }
)
NOTEBOOK = st.fixed_dictionaries(
    {
        "cells": st.lists(CELL, max_size=6),
        "metadata": st.fixed_dictionaries({}, optional={"kernelspec": JSON, "language_info": JSON, "colab": JSON}),
        "nbformat_minor": st.integers(0, 5),
    }
)


def build(drawn: dict[str, Any], right: NotebookNode) -> NotebookNode:
    """The notebook that was drawn, as read; a source that is a pair stands for a cell of the right one, or a part."""
    for cell in drawn["cells"]:
        if isinstance(cell["source"], tuple):
            number, part = cell["source"]
            lines = right.cells[number].source.splitlines(keepends=True)
            cell["source"] = [lines, "".join(lines), lines[len(lines) // 2 :], "".join(lines[: len(lines) // 2])][part]
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return parse_notebook(json.dumps({"nbformat": 4, **drawn}).encode(), "sac.ipynb")


@OFTEN
@given(drawn=NOTEBOOK)
def test_no_notebook_that_can_be_read_makes_repair_fail(drawn: dict[str, Any], bench: Bench) -> None:
    mended, _ = bench.repair(build(copy.deepcopy(drawn), bench.right))
    assert len({cell.id for cell in mended.cells}) == len(mended.cells)
    names = [name for cell in mended.cells if (name := name_of(cell))]
    assert len(set(names)) == len(names)
    extract(mended, bench.practical.long_running)


# --- through the sandbox

HARD = {
    "colab": (edits.save_in_colab, edits.split_one, edits.split_one, edits.merge_two, edits.reverse_all),
    "script": (edits.duplicate, edits.paste_script, edits.use_windows_line_ends, edits.split_one),
    "old": (edits.swap_grade_ids, edits.convert_one, edits.save_in_format_3, edits.change_kernel, edits.edit_checks),
    "copies": (*[edits.duplicate] * 3, edits.strip_metadata, edits.move_one, edits.merge_two),
}


@pytest.fixture(scope="module")
def marking(kit: Path) -> Marking:
    return Marking(Course(kit, "sac"), skip=frozenset({"training"}))


def graded(marking: Marking, path: Path) -> SubmissionResult:
    return mark(marking, mend(marking.course, Submission("alice", path))).result


@pytest.mark.parametrize("name", HARD)
def test_after_many_edits_a_right_submission_still_earns_full_marks(
    name: str, right: NotebookNode, marking: Marking, tmp_path: Path
) -> None:
    taken_apart = edited(right, [(edit, seed) for seed, edit in enumerate(HARD[name])])
    path = tmp_path / "alice.ipynb"
    path.write_text(json.dumps(taken_apart), encoding="utf-8")
    result = graded(marking, path)
    assert (result.points, result.fault) == (22, "")
    assert {question.status for question in result.questions} == {Status.RIGHT}
    assert result.repairs


def test_a_script_alone_earns_full_marks(right: NotebookNode, marking: Marking, tmp_path: Path) -> None:
    path = tmp_path / "alice.py"
    path.write_text(edits.as_colab_script(right), encoding="utf-16")
    result = graded(marking, path)
    assert (result.points, result.fault) == (22, "")


def test_reading_back_what_was_written_changes_nothing(right: NotebookNode) -> None:
    assert parse_notebook(nbformat.writes(right).encode(), "sac.ipynb") == right
