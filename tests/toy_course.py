"""A toy practical in a course folder: one class, one function, four blanks, one written answer."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.authoring import blank, read_marked
from autograder.authoring.blanks import WrittenBlank
from autograder.course.practical import Practical, load_practical
from autograder.errors import CourseError

ROOT = Path(__file__).parent.parent
CONTRACT = """
kit = 2
long_running = ["forever"]

[questions]
area = "Shape.area"
total = "total"
""".lstrip()
CHECKS = '''
"""Hidden checks."""

from autograder.judging import Exam, check


@check("area", look_at="the height")
def it_is_the_area(exam: Exam) -> None:
    """The area comes back."""
    exam.ask("measure", side=2)


@check("total", look_at="the first value")
def it_is_the_sum(exam: Exam) -> None:
    """The sum comes back."""
'''.lstrip()
PROBES = "def measure(session, side):\n    return session.student['Shape']().area(side)\n"

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
    """A source notebook that holds to the contract, some of its cells' sources exchanged."""
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


def cell_of(notebook: NotebookNode, cell_id: str) -> NotebookNode:
    """The cell of that id."""
    return cast(NotebookNode, next(cell for cell in notebook.cells if cell.id == cell_id))


def source_of(notebook: NotebookNode, cell_id: str) -> str:
    """The source of the cell of that id."""
    return str(cell_of(notebook, cell_id).source)


def write_course(
    root: Path, notebook: NotebookNode | None = None, name: str = "toy", files: Mapping[str, str] | None = None
) -> Path:
    """A course folder with the practical of that name; ``files`` of solutions/<name>/ replace the toy's own."""
    path = root / "source" / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.v4.writes(toy() if notebook is None else notebook), encoding="utf-8")
    folder = root / "solutions" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in {"practical.toml": CONTRACT, "checks.py": CHECKS, "probes.py": PROBES, **(files or {})}.items():
        (folder / file).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    return root


def practical_of(notebook: NotebookNode | None = None) -> Practical:
    """The practical with that source notebook, as it is loaded from a course folder."""
    with TemporaryDirectory() as folder:
        practical = load_practical(write_course(Path(folder), notebook))
        _ = practical.source  # read while the folder is there
        return practical


def blanked(notebook: NotebookNode | None = None) -> NotebookNode:
    """The release of a source notebook, still with its mark schemes."""
    practical = practical_of(notebook)
    return blank(practical.source, practical)


def solutions(notebook: NotebookNode, practical: Practical) -> dict[str, str]:
    """What the source notebook fills its blanks with: blank id -> an expression, or dedented statements."""
    blanks = [blank for of_cell in read_marked(notebook, practical).blanks.values() for blank in of_cell]
    return {blank.id: blank.solution for blank in blanks if not isinstance(blank, WrittenBlank)}


def refusal(notebook: NotebookNode) -> str:
    """The words in which a source notebook is refused, which name its file; there is always a next step."""
    with pytest.raises(CourseError) as caught:
        blanked(notebook)
    assert caught.value.next_step
    file, _, words = caught.value.message.partition("toy.ipynb: ")
    assert words, file
    return words


def without_markers(source: str) -> str:
    """A cell's source without its markers, solutions and all."""
    lines = [line.partition("  ### SOLUTION")[0] for line in source.split("\n")]
    return "\n".join(line for line in lines if "### BEGIN" not in line and "### END" not in line)


def solution_text() -> str:
    """What stands between AREA's block markers."""
    return AREA[AREA.index("        text =") : AREA.index("        ### END SOLUTION") - 1]
