"""What a marker sees: the written answers first, each with what the student's cells showed and what the judge found.

When a submission is autograded, a cell is put before each written answer: the texts and pictures that the student's
notebook showed since the answer before, and beside them what the judge found there. Formgrader, and nothing else, shows
the answers at the top of its page, in the order of the notebook, so that its keys lead from one student's answer to the
next student's.
"""

# nbgrader has no types:
# mypy: allow-subclassing-any

from collections.abc import Sequence
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.nbgrader.cards import LOOKS, find_question, scaled, templates
from autograder.nbgrader.curves import Band, curve_picture, curve_words
from autograder.nbgrader.sanitise import inert
from autograder.notebook.cells import grade_id_of, nbgrader_of
from autograder.notebook.shown import written_answers
from autograder.records import SubmissionResult, question_in

ABOUT = "autograder"  # in a cell's metadata: it was put there for a marker; no cell of a student's keeps it


def add_what_answers_are_about(
    notebook: NotebookNode, mended: NotebookNode, result: SubmissionResult, band: Band | None = None
) -> None:
    """Put before each written answer what it is about, where there is something; ``mended`` holds what was shown."""
    handed_in = {grade_id_of(answer): about for answer, about in written_answers(mended.cells)}
    places = {id(answer): about for answer, about in written_answers(notebook.cells)}
    made: list[NotebookNode] = []
    for number, cell in enumerate(notebook.cells):
        if id(cell) in places:
            page = _page(handed_in.get(grade_id_of(cell), []), places[id(cell)], result, band)
            about = {ABOUT: {"about": grade_id_of(cell)}}
            made += [new_markdown_cell(page, id=f"about-{number}", metadata=about)] if page else []
        made.append(cell)
    notebook.cells = made


def without_what_answers_are_about(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The cells without those that are for the marker alone."""
    return [cell for cell in cells if ABOUT not in cell.metadata]


def _page(
    handed_in: Sequence[NotebookNode], cells: Sequence[NotebookNode], result: SubmissionResult, band: Band | None
) -> str:
    """What an answer is about, as one block of HTML; empty where neither student nor judge shows anything."""
    outputs = [output for cell in handed_in if cell.cell_type == "code" for output in cell.get("outputs", ())]
    marked = [nbgrader_of(cell) for cell in cells if cell.cell_type == "code" and nbgrader_of(cell).get("grade")]
    found = [_finding(cell, result, band) for cell in marked]
    if not outputs and not any(each["curve"] for each in found):
        return ""
    texts = [output["text"] for output in outputs if output["output_type"] == "stream"]
    pictures = [output["data"]["image/png"] for output in outputs if output["output_type"] == "display_data"]
    page = templates().get_template("about.html").render(texts=texts, pictures=pictures, found=found)
    return inert(page)


def _finding(cell: dict[str, Any], result: SubmissionResult, band: Band | None) -> dict[str, Any]:
    """A question in a line, with the judge's curve where there is one."""
    question, points = find_question(result, question_in(str(cell["grade_id"]))), float(cell["points"])
    curve = question.curve
    return {
        "question": question,
        "sign": LOOKS[question.status][0],
        "earned": scaled(question, points),
        "points": points,
        "curve": curve_picture(curve, band, "the student's") if curve else None,
        "curve_words": curve_words(curve, band) if curve else "",
    }


class WrittenFirst(NbGraderPreprocessor):
    """Shows a marker the written answers before the rest of the notebook, in formgrader alone."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """The notebook as formgrader shows it; as it stands, where another command converts it or nobody answers."""
        answers = [[*_question(about), answer] for answer, about in written_answers(nb.cells)]
        if "submission_id" not in resources or not answers:
            return nb, resources
        first = [cell for cells in answers for cell in cells]
        rest = [cell for cell in nb.cells if all(cell is not each for each in first)]
        above, below = (templates().get_template(f"{name}.html").render() for name in ("answers_first", "whole_below"))
        nb.cells = [new_markdown_cell(above), *first, new_markdown_cell(below), *rest]
        return nb, resources


def _question(about: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The question's own cell right before an answer, and all prose from there on; what it is about, in any case."""
    found: list[NotebookNode] = []
    for cell in reversed(about):
        if cell.cell_type != "markdown":
            break
        found.insert(0, cell)
        if nbgrader_of(cell).get("locked"):
            return found
    return [cell for cell in found if ABOUT in cell.metadata]
