"""A submission's structure is mended, cell by cell, and every mend is said; an intact one comes back as it was."""

import copy
from collections.abc import Callable

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.assignment import Assignment
from autograder.authoring import blank, strip_mark_schemes
from autograder.extraction import extract
from autograder.repair import repair

Make = Callable[..., NotebookNode]


@pytest.fixture(scope="module")
def release(source: NotebookNode, sac: Assignment) -> NotebookNode:
    return strip_mark_schemes(blank(source, sac))


def grade_ids(notebook: NotebookNode) -> list[str]:
    return [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]


def index_of(notebook: NotebookNode, grade_id: str) -> int:
    return next(i for i, c in enumerate(notebook.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def strip_metadata(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()


def delete_check(notebook: NotebookNode) -> None:
    del notebook.cells[index_of(notebook, "check-critic-target")]


def raise_points(notebook: NotebookNode) -> None:
    notebook.cells[index_of(notebook, "check-explore")].metadata.nbgrader.points = 100


def empty_check(notebook: NotebookNode) -> None:
    notebook.cells[index_of(notebook, "check-get-action")].source = "print('passed')"


def duplicate_solution(notebook: NotebookNode) -> None:
    index = index_of(notebook, "target")
    again = copy.deepcopy(notebook.cells[index])
    again.id = "again"
    notebook.cells.insert(index, again)


def reverse_two(notebook: NotebookNode) -> None:
    first, second = index_of(notebook, "explore"), index_of(notebook, "target")
    cells = notebook.cells
    cells[first], cells[second] = cells[second], cells[first]


def add_tags(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution"]


def swap_ids(notebook: NotebookNode) -> None:
    one, other = (notebook.cells[index_of(notebook, name)].metadata.nbgrader for name in ("explore", "alpha-update"))
    one.grade_id, other.grade_id = other.grade_id, one.grade_id


EDITS = [strip_metadata, delete_check, raise_points, empty_check, duplicate_solution, reverse_two, swap_ids]


def test_an_intact_submission_comes_back_as_it_was(handed_in: Make, release: NotebookNode, sac: Assignment) -> None:
    submission = handed_in()
    mended, repairs = repair(submission, release, sac)
    assert repairs == []
    assert mended == submission


@pytest.mark.parametrize("edit", [*EDITS, add_tags])
def test_an_edited_submission_is_given_its_structure_back(
    handed_in: Make, release: NotebookNode, sac: Assignment, edit: Callable[[NotebookNode], None]
) -> None:
    submission = handed_in()
    edit(submission)
    mended, _ = repair(submission, release, sac)
    assert sorted(grade_ids(mended)) == sorted(grade_ids(release))
    for name in grade_ids(release):
        cell, model = (notebook.cells[index_of(notebook, name)] for notebook in (mended, release))
        assert cell.metadata.nbgrader == model.metadata.nbgrader
        assert "tags" not in cell.metadata
        if model.metadata.nbgrader.locked:
            assert cell.source == model.source
    assert extract(mended, sac).functions == extract(handed_in(), sac).functions


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_is_told(
    handed_in: Make, release: NotebookNode, sac: Assignment, edit: Callable[[NotebookNode], None]
) -> None:
    submission = handed_in()
    edit(submission)
    _, repairs = repair(submission, release, sac)
    assert bool(repairs) == (edit is not reverse_two)  # another order is no fault


def test_a_written_answer_without_metadata_is_found_by_its_place(
    handed_in: Make, release: NotebookNode, sac: Assignment
) -> None:
    submission = handed_in()
    answer = "Nothing that the release's text is like."
    submission.cells[index_of(submission, "target-networks")].source = answer
    strip_metadata(submission)
    mended, _ = repair(submission, release, sac)
    assert mended.cells[index_of(mended, "target-networks")].source == answer


def test_a_solution_cell_that_is_gone_stays_missing_and_is_named(
    handed_in: Make, release: NotebookNode, sac: Assignment
) -> None:
    submission = handed_in()
    del submission.cells[index_of(submission, "alpha-update")]
    mended, repairs = repair(submission, release, sac)
    assert "alpha-update" not in grade_ids(mended)
    assert any("'alpha-update' is missing" in words for words in repairs)
