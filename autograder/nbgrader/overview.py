"""The feedback made quick to read: total, what to mend first and all questions on top, and cells told apart."""

import copy
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.utils import is_grade, is_solution

from autograder.nbgrader.cards import FINDING, LOOKS, templates
from autograder.nbgrader.marking import without_what_answers_are_about
from autograder.nbgrader.titles import heading_in, titles_of
from autograder.records import Status, question_in

MOST_CODE = 60_000  # characters of the student's code on the page; right notebooks have 36,000
MOST_OWN = 200  # cells that are not nbgrader's, the release's prose among them
SHORT = "# The checks that you can run yourself stand here in your notebook. What the marking found:"
OVERVIEW = "overview"  # the mark of the cell on top
NO_ANSWER = "No response."  # nbgrader's comment on what was left as it was
TRIED = (Status.PARTLY, Status.WRONG)
WORDS = {
    Status.RIGHT: "full points",
    Status.PARTLY: "some points",
    Status.WRONG: "no points",
    Status.NOT_ATTEMPTED: "not attempted",
    Status.MISSING: "not marked",
}


@dataclass(frozen=True)
class Book:
    """What the gradebook says of a submission, beside each cell's score; cells by their grade_id."""

    waiting: Collection[str] = ()  # written answers that nobody has marked yet
    by_person: Collection[str] = ()  # whose mark a person gave
    extra: float = 0.0  # points of extra credit, which the scores contain
    penalty: float = 0.0  # points taken off for being late


def with_overview(notebook: NotebookNode, release: NotebookNode, book: Book) -> NotebookNode:
    """A copy for the student to read: overview on top, visible checks left out, each number shown once.

    Its cells hold the scores that GetGrades wrote. What the page needs to know of a cell stands in its metadata: its
    line in the overview, and whether it was given.
    """
    short, titles = copy.deepcopy(notebook), titles_of(release)
    short.cells = without_what_answers_are_about(short.cells)
    _cut(short)
    given = {cell.source for cell in release.cells}
    rows = []
    for cell, after in zip(short.cells, [*short.cells[1:], None], strict=True):
        asks = after is not None and is_grade(after) and is_solution(after)
        as_given = cell.source in given and not is_grade(cell) and not asks
        cell.metadata["given"] = as_given and not comment_on(cell)
        if is_grade(cell):
            cell.metadata["row"] = row = _row(cell, titles, book)
            rows.append(row)
        if is_grade(cell) and not is_solution(cell) and cell.cell_type == "code":
            cell.source = SHORT
            cell.outputs = [output for output in cell.outputs if output.output_type != "execute_result"]
    short.metadata["title"] = next(filter(None, (heading_in(cell.source) for cell in release.cells[:1])), "Feedback")
    comments = [str(cell.metadata["nbgrader"]["grade_id"]) for cell in short.cells if comment_on(cell)]
    facts = _facts(rows, book) | {"comments": [(name, titles.get(name, f"the cell {name}")) for name in comments]}
    page = templates().get_template("overview.html").render(facts)
    # in one line: a blank line would end the block of HTML where this is read as Markdown
    short.cells.insert(0, new_markdown_cell(re.sub(r"\s+", " ", page), id="overview", metadata={OVERVIEW: True}))
    return short


def _cut(notebook: NotebookNode) -> None:
    """Take out what nobody reads on a page and what takes minutes to render, and say so where it stood."""
    left, cells = MOST_CODE, []
    beyond = [number for number, cell in enumerate(notebook.cells) if "nbgrader" not in cell.metadata][MOST_OWN:]
    left_out = set(beyond[1:])
    for number, cell in enumerate(notebook.cells):
        if number in left_out:
            continue
        if number in beyond[:1]:
            cell = new_markdown_cell(
                f"({len(beyond)} more cells of the notebook are not shown on this page.)", id="more"
            )
        elif cell.cell_type == "code" and len(cell.source) > left:
            cell.source = f"{cell.source[:left]}\n# … (cut: this page shows {MOST_CODE} characters of code)"
        left -= min(left, len(cell.source)) if cell.cell_type == "code" else 0
        cells.append(cell)
    notebook.cells = cells


def comment_on(cell: NotebookNode) -> str:
    """What a person wrote on a cell, or nbgrader on a written answer that is missing."""
    said = str(cell.metadata.get("nbgrader", {}).get("comment") or "")
    return "" if said == NO_ANSWER and cell.cell_type == "code" else said


def _facts(rows: list[dict[str, Any]], book: Book) -> dict[str, Any]:
    lost = [row for row in rows if row["finding"] and not row["by_person"]]
    return {
        "rows": rows,
        "mend": sorted(
            (row for row in lost if row["finding"]["status"] in TRIED), key=lambda row: row["finding"]["whole"]
        ),
        "open": [row for row in lost if row["finding"]["status"] == Status.NOT_ATTEMPTED],
        "unmarked": [row for row in lost if row["finding"]["status"] == Status.MISSING],
        "machine": [row for row in rows if row["finding"]],
        "total": sum(row["score"] or 0.0 for row in rows) - book.penalty,
        "possible": sum(row["points"] for row in rows),
        "waiting": sum(row["score"] is None for row in rows),
        "book": book,
    }


def _row(cell: NotebookNode, titles: Mapping[str, str], book: Book) -> dict[str, Any]:
    """One question's line in the overview; its score is None while a written answer waits for its marker."""
    known: Mapping[str, Any] = cell.metadata["nbgrader"]
    name, score, points = str(known["grade_id"]), float(known["score"]), float(known["points"])
    metadata = [output.get("metadata", {}) for output in cell.get("outputs", ())]
    finding = next((each[FINDING] for each in metadata if FINDING in each), None)
    row = {
        "anchor": name,
        "title": titles.get(name, question_in(name)),
        "points": points,
        "finding": finding,
        "by_person": name in book.by_person,
    }
    if name in book.waiting:
        return {**row, "score": None, "status": "not marked yet", "sign": "…", "ink": LOOKS[Status.NOT_ATTEMPTED][1]}
    status = Status.RIGHT if score >= points else Status.PARTLY if score > 0 else Status.WRONG
    if finding and not row["by_person"] and status is Status.WRONG:
        status = Status(finding["status"])
    words = WORDS[status] + ", given by a person" * (name in book.by_person)
    return {**row, "score": score, "status": words, "sign": LOOKS[status][0], "ink": LOOKS[status][1]}
