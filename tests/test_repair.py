"""A submission's structure is mended, cell by cell, and every mend is said; an intact one comes back as it was."""

import copy
import io
from collections.abc import Callable
from pathlib import Path
from random import Random

import edits
import nbformat
import pytest
from edits import cell_of, index_of, name_of
from nbformat import NotebookNode
from rich.console import Console

from autograder.authoring import blank, strip_mark_schemes
from autograder.course.practical import Practical
from autograder.grading.store import as_data
from autograder.nbgrader.cards import card_outputs
from autograder.notebook.extraction import extract
from autograder.notebook.reading import parse_notebook
from autograder.records import QuestionResult, Status, SubmissionResult
from autograder.repair import repair
from autograder.reports.tables import class_csv, class_table, report_lines

Make = Callable[..., NotebookNode]


@pytest.fixture(scope="module")
def release(source: NotebookNode, sac: Practical) -> NotebookNode:
    return strip_mark_schemes(blank(source, sac))


def grade_ids(notebook: NotebookNode) -> list[str]:
    return [name for cell in notebook.cells if (name := name_of(cell))]


def test_an_intact_submission_comes_back_as_it_was(handed_in: Make, release: NotebookNode, sac: Practical) -> None:
    submission = handed_in()
    mended, repairs = repair(submission, release, sac)
    assert repairs == []
    assert mended == submission


def test_a_written_answer_without_metadata_is_found_by_its_place(
    handed_in: Make, release: NotebookNode, sac: Practical
) -> None:
    submission = handed_in()
    answer = "Nothing that the release's text is like."
    submission.cells[index_of(submission, "target-networks")].source = answer
    edits.strip_metadata(submission, Random(1))
    mended, _ = repair(submission, release, sac)
    assert mended.cells[index_of(mended, "target-networks")].source == answer


def add_to_the_question(submission: NotebookNode, release: NotebookNode, answer: str) -> None:
    submission.cells[index_of(submission, "target-networks") - 1].source += f"\n\n{answer}"


def add_a_cell(offset: int) -> Callable[[NotebookNode, NotebookNode, str], None]:
    def add(submission: NotebookNode, release: NotebookNode, answer: str) -> None:
        place = index_of(submission, "target-networks") + offset
        submission.cells.insert(place, nbformat.v4.new_markdown_cell(answer, id="mine"))

    return add


def add_a_comment(notebook: NotebookNode, _: NotebookNode, text: str) -> None:
    """Type the answer as a comment in a code cell below the one that is meant."""
    below = index_of(notebook, "target-networks") + 1
    notebook.cells[below:below] = [nbformat.v4.new_code_cell(each) for each in ("", f"# {text}")]


@pytest.mark.parametrize(
    "add",
    [add_a_cell(1), add_a_cell(0), add_to_the_question, add_a_comment],
    ids=["below", "above", "in the question's cell", "as a comment"],
)
def test_a_written_answer_beside_its_cell_is_put_into_it_unless_that_is_answered_too(
    handed_in: Make, release: NotebookNode, sac: Practical, add: Callable[[NotebookNode, NotebookNode, str], None]
) -> None:
    answer = "They move slowly, so that the target holds still."
    submission = handed_in()
    opened = cell_of(release, "target-networks").source
    for text, expected in ((opened, answer), ("Answered in place.", "Answered in place.")):
        changed = copy.deepcopy(submission)
        cell_of(changed, "target-networks").source = text
        add(changed, release, answer)
        mended, repairs = repair(changed, release, sac)
        assert cell_of(mended, "target-networks").source == expected
        assert any("'target-networks' stood beside its cell" in words for words in repairs) == (text == opened)
        assert answer in "".join(cell.source for cell in mended.cells)


def test_a_solution_cell_that_is_gone_stays_missing_and_is_named(
    handed_in: Make, release: NotebookNode, sac: Practical
) -> None:
    submission = handed_in()
    del submission.cells[index_of(submission, "alpha-update")]
    mended, repairs = repair(submission, release, sac)
    assert "alpha-update" not in grade_ids(mended)
    assert any("'alpha-update' is missing" in words for words in repairs)


# --- intact


def executed(notebook: NotebookNode) -> None:
    """As Jupyter saves a notebook that was run: outputs, counts, times, the kernel and Python in full."""
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.execution_count = number + 1
        cell.outputs = [nbformat.v4.new_output("stream", text="done\n")]
        cell.metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
        cell.metadata["collapsed"] = False
    notebook.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python", "version": "3.12.1", "pygments_lexer": "ipython3"}


def add_a_cell_of_the_students_own(notebook: NotebookNode) -> None:
    notebook.cells.insert(5, nbformat.v4.new_code_cell("def squash(x):\n    return x", id="mine"))


@pytest.mark.parametrize("change", [executed, add_a_cell_of_the_students_own])
def test_what_students_are_meant_to_do_is_no_repair(
    handed_in: Make, release: NotebookNode, sac: Practical, change: Callable[[NotebookNode], None]
) -> None:
    submission = handed_in()
    change(submission)
    mended, repairs = repair(submission, release, sac)
    assert repairs == []
    assert nbformat.writes(mended) == nbformat.writes(submission)


def test_the_release_as_it_is_handed_out_needs_no_repair(kit: Path, release: NotebookNode, sac: Practical) -> None:
    content = (kit / "release/sac/sac.ipynb").read_bytes()
    handed_out = parse_notebook(content, "sac.ipynb")
    mended, repairs = repair(handed_out, release, sac)
    assert repairs == []
    assert nbformat.writes(mended) == nbformat.writes(handed_out)


# --- copies


def without_metadata(cell: NotebookNode, cell_id: str) -> NotebookNode:
    bare = copy.deepcopy(cell)
    bare.metadata, bare.id = NotebookNode(), cell_id
    return bare


@pytest.mark.parametrize("after", [True, False])
def test_of_two_copies_the_one_that_was_filled_in_counts(
    handed_in: Make, release: NotebookNode, sac: Practical, after: bool
) -> None:
    submission = handed_in()
    untouched = without_metadata(cell_of(release, "explore"), "untouched")
    submission.cells.insert(index_of(submission, "explore") + after, untouched)
    mended, repairs = repair(submission, release, sac)
    assert extract(mended, sac.long_running).functions == extract(handed_in(), sac.long_running).functions
    assert repairs == ["A cell that repeated 'explore', or a part of it, was taken out."]


def test_of_two_copies_that_were_filled_in_the_last_one_counts_and_that_is_said(
    handed_in: Make, release: NotebookNode, sac: Practical
) -> None:
    submission = handed_in()
    earlier = without_metadata(cell_of(handed_in({"explore.actions": "1 / 0"}), "explore"), "earlier")
    submission.cells.insert(index_of(submission, "explore"), earlier)
    mended, repairs = repair(submission, release, sac)
    assert extract(mended, sac.long_running).functions == extract(handed_in(), sac.long_running).functions
    assert repairs == ["The cell 'explore' was there more than once, filled in each time; the last one counts."]


def test_an_earlier_version_does_not_come_to_count_by_a_move(
    handed_in: Make, release: NotebookNode, sac: Practical
) -> None:
    submission = handed_in()
    earlier = without_metadata(cell_of(handed_in({"explore.actions": "1 / 0"}), "explore"), "earlier")
    late = submission.cells.pop(index_of(submission, "explore"))
    submission.cells += [earlier, late]
    mended, _ = repair(submission, release, sac)
    assert extract(mended, sac.long_running).functions == extract(handed_in(), sac.long_running).functions


def test_what_was_added_to_a_locked_cell_is_kept(handed_in: Make, release: NotebookNode, sac: Practical) -> None:
    submission = handed_in({"explore.actions": "shape(actor, obs)"})
    setup = cell_of(submission, "setup")
    setup.source = setup.source.replace("import math\n", "import math\nfrom math import prod\n")
    mended, repairs = repair(submission, release, sac)
    assert cell_of(mended, "setup").source == cell_of(release, "setup").source
    assert mended.cells[index_of(mended, "setup") + 1].source == "from math import prod"
    (told,) = repairs
    assert told.startswith("The locked cell 'setup' had been changed and got its text back.")


def test_a_given_cell_that_was_deleted_is_put_back(handed_in: Make, release: NotebookNode, sac: Practical) -> None:
    submission = handed_in()
    del submission.cells[index_of(submission, "train")]
    mended, repairs = repair(submission, release, sac)
    assert repairs == ["The cell 'train' was missing and was put back."]
    assert grade_ids(mended) == grade_ids(release)


@pytest.mark.parametrize("keep_metadata", [True, False])
def test_a_cell_that_was_split_anywhere_is_joined(
    handed_in: Make, release: NotebookNode, sac: Practical, keep_metadata: bool
) -> None:
    submission = handed_in()
    index = index_of(submission, "critic")
    whole = submission.cells[index].source
    for line in range(1, whole.count("\n") + 1):
        apart = copy.deepcopy(submission)
        edits.split_at(apart, index, line, keep_metadata)
        mended, repairs = repair(apart, release, sac)
        assert cell_of(mended, "critic").source.split() == whole.split()
        assert repairs == ["The cell 'critic' had been split; its parts were joined."]


# --- written answers

ANSWERS = {
    "target-networks": "They lag behind.\n\n- first\n- second",
    "learning-curve": "It rises; then it stays.",
    "evaluation-comment": "Solved",
}


def become_code(notebook: NotebookNode, _: Random) -> None:
    for name in ANSWERS:
        edits.become(cell_of(notebook, name), "code")
        cell_of(notebook, name).metadata = NotebookNode()


def merge_with_questions(notebook: NotebookNode, _: Random) -> None:
    for name in ANSWERS:
        edits.merge_with_next(notebook, index_of(notebook, f"question-{name}"))


def split_answers(notebook: NotebookNode, _: Random) -> None:
    edits.split_at(notebook, index_of(notebook, "target-networks"), 2, keep_metadata=True)


@pytest.mark.parametrize(
    "edit",
    [
        *(edits.strip_metadata, become_code, merge_with_questions, split_answers, edits.save_in_colab),
        *(edits.save_in_format_3, edits.use_windows_line_ends, edits.use_old_mac_line_ends, *edits.EXPORTS),
    ],
    ids=lambda edit: edit.__name__,
)
def test_written_answers_come_through(handed_in: Make, release: NotebookNode, sac: Practical, edit: edits.Edit) -> None:
    submission = handed_in()
    for name, answer in ANSWERS.items():
        cell_of(submission, name).source = answer
    edit(submission, Random(1))
    mended, repairs = repair(submission, release, sac)
    assert {name: cell_of(mended, name).source for name in ANSWERS} == ANSWERS
    assert {cell_of(mended, name).cell_type for name in ANSWERS} == {"markdown"}
    assert repairs


# --- telling


def test_a_repair_reaches_everyone_whom_it_concerns(handed_in: Make, release: NotebookNode, sac: Practical) -> None:
    submission = handed_in()
    cell_of(submission, "check-explore").metadata.nbgrader.points = 100
    _, repairs = repair(submission, release, sac)
    assert repairs == ["The nbgrader metadata of 'check-explore' (points) had been changed and were restored."]
    right = QuestionResult("explore", 1.0, 1.0, Status.RIGHT)
    result = SubmissionResult("alice", "sac", (right,), tuple(repairs))
    assert list(as_data(result)["repairs"]) == repairs
    assert repairs[0] in class_csv([result])
    assert f"Mended: {repairs[0]}" in [line.plain for line in report_lines(result)]
    console = Console(width=120, record=True, quiet=False, file=io.StringIO())
    console.print(class_table([result]))
    assert "mended: 1" in console.export_text()
    page = card_outputs(result, {"grade_id": "check-explore", "points": 1}, result.repairs)[0]["data"]["text/html"]
    assert "Mended before grading" in page
    assert "had been changed and were restored" in page


# --- files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_notebook_is_read_in_whatever_encoding_it_was_saved(handed_in: Make, encoding: str) -> None:
    submission = handed_in()
    assert parse_notebook(nbformat.writes(submission).encode(encoding), "sac.ipynb") == submission


def test_a_script_that_was_renamed_to_a_notebook_is_read(
    handed_in: Make, release: NotebookNode, sac: Practical
) -> None:
    text = edits.as_script(handed_in())
    mended, _ = repair(parse_notebook(text.encode(), "sac.ipynb"), release, sac)
    assert extract(mended, sac.long_running).functions == extract(handed_in(), sac.long_running).functions
