"""The feedback page made quick to read: an overview first, and grade cells cut down to their findings."""

import copy
from collections.abc import Collection, Mapping
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.utils import is_grade, is_solution

from autograder.nbgrader.cards import LOOKS, templates
from autograder.records import Status

SHORT = "# The checks that you can run yourself stand here in your notebook. What the marking found:"


def with_overview(notebook: NotebookNode, waiting: Collection[str], penalty: float = 0.0) -> NotebookNode:
    """A copy for the student to read: overview on top, visible checks left out, each number shown once.

    Its cells hold the scores that GetGrades wrote; ``waiting`` are the grade cells that still wait for a marker,
    ``penalty`` the points taken off for being late.
    """
    short = copy.deepcopy(notebook)
    rows = [_row(cell.metadata["nbgrader"], waiting) for cell in short.cells if is_grade(cell)]
    for cell in short.cells:
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            cell.source = SHORT
            cell.outputs = [output for output in cell.outputs if output.output_type != "execute_result"]
    facts = {
        "rows": rows,
        "total": sum(row["score"] or 0.0 for row in rows) - penalty,
        "penalty": penalty,
        "possible": sum(row["points"] for row in rows),
        "waiting": sum(row["score"] is None for row in rows),
    }
    page = templates().get_template("overview.html").render(facts)
    short.cells.insert(0, new_markdown_cell(page, id="overview"))
    return short


def _row(cell: Mapping[str, Any], waiting: Collection[str]) -> dict[str, Any]:
    """One question's line in the overview; its score is None while a written answer waits for its marker."""
    name, score, points = str(cell["grade_id"]), float(cell["score"]), float(cell["points"])
    row = {"anchor": name, "name": name.removeprefix("check-"), "points": points}
    if name in waiting:
        return {**row, "score": None, "status": "not marked yet", "sign": "…", "ink": LOOKS[Status.NOT_ATTEMPTED][1]}
    status = Status.RIGHT if score >= points else Status.PARTLY if score > 0 else Status.WRONG
    words = {Status.RIGHT: "full points", Status.PARTLY: "some points", Status.WRONG: "no points"}
    sign, ink, _ = LOOKS[status]
    return {**row, "score": score, "status": words[status], "sign": sign, "ink": ink}
