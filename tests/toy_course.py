"""A toy assignment and its source notebook: one class, one function, four blanks, one written answer."""

from typing import cast

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.assignment import Assignment, Question
from autograder.authoring import blank
from autograder.errors import CourseError

TOY = Assignment(
    name="toy",
    defines={"area": ("Shape",), "sums": ("total", "LIMIT")},
    blanks={"area.block": "area", "area.scale": "area", "sums.all": "sums", "sums.step": "sums"},
    questions=(Question("area", 2, "area", ("Shape.area",)), Question("total", 1, "sums", ("total",))),
    written={"why": 2},
    long_running=frozenset(),
)

AREA = '''
class Shape:
    def area(self, x, scale=1):
        """Width times height."""
        ### BEGIN SOLUTION area.block
        text = """two
        lines"""
        if x:
            y = x * len(text)
        ### END SOLUTION
        y = (y + dict(a=scale)["a"])  # mind the scale  ### SOLUTION area.scale
        return y
'''.strip()

SUMS = """
LIMIT = 3
def total(values):
    first, _ = rest = (values[0], lambda é=1: é == 2)  ### SOLUTION sums.all
    ### BEGIN SOLUTION sums.step
    for value in values:
        first += value
    ### END SOLUTION
""".strip()

WHY = "### BEGIN SOLUTION why\nBecause = so.\n### END SOLUTION"
QUESTION = "Why?\n\n### BEGIN MARK SCHEME\n2 for because\n### END MARK SCHEME"


def metadata(grade_id: str, **roles: object) -> dict[str, object]:
    """A cell's nbgrader metadata, with these roles and no others."""
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {"grade_id": grade_id, **plain, **roles}}


def cell(kind: str, cell_id: str, source: str, **metadata: object) -> NotebookNode:
    """A cell, with an output of an earlier run if it is code."""
    node: dict[str, object] = {"cell_type": kind, "id": cell_id, "metadata": metadata, "source": source}
    if kind == "code":
        node |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "hi"}], "execution_count": 3}
    return cast(NotebookNode, nbformat.from_dict(node))


def toy(**sources: str) -> NotebookNode:
    """A source notebook that holds to TOY's contract, some of its cells' sources exchanged."""
    check = {"grade": True, "locked": True}
    notebook: NotebookNode = nbformat.v4.new_notebook()
    notebook.cells = [
        cell("code", "install", sources.get("install", "import sys\nif sys.argv:\n    %pip install -q numpy\n!ls")),
        cell("code", "area", sources.get("area", AREA), **metadata("area", solution=True)),
        cell("code", "check-area", "Shape()", **metadata("check-area", points=2, **check)),
        cell("code", "sums", sources.get("sums", SUMS), **metadata("sums", solution=True)),
        cell("code", "check-total", sources.get("check", "total([1])"), **metadata("check-total", points=1, **check)),
        cell("markdown", "q", sources.get("question", QUESTION), **metadata("question-why", locked=True)),
        cell("markdown", "why", sources.get("why", WHY), **metadata("why", grade=True, solution=True, points=2)),
    ]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def source_of(notebook: NotebookNode, cell_id: str) -> str:
    """The source of the cell of that id."""
    return str(next(cell.source for cell in notebook.cells if cell.id == cell_id))


def refusal(notebook: NotebookNode, assignment: Assignment = TOY) -> str:
    """The words in which a source notebook is refused; there is always a next step."""
    with pytest.raises(CourseError) as caught:
        blank(notebook, assignment)
    assert caught.value.next_step
    return caught.value.message


def without_markers(source: str) -> str:
    """A cell's source without its markers, solutions and all."""
    lines = [line.partition("  ### SOLUTION")[0] for line in source.split("\n")]
    return "\n".join(line for line in lines if "### BEGIN" not in line and "### END" not in line)


def solution_text() -> str:
    """What stands between AREA's block markers."""
    return AREA[AREA.index("        text =") : AREA.index("        ### END SOLUTION") - 1]
