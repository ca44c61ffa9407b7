"""The small practical with cells of odd Python, for what is made of a source notebook and its markers."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from nbformat import NotebookNode
from small_course import CONTRACT, cell_of, notebook, unreleased

from autograder.authoring import blank, read_marked
from autograder.authoring.blanks import WrittenBlank
from autograder.course.practical import Practical, load_practical
from autograder.errors import CourseError

METHOD = CONTRACT.replace('"double"', '"Pair.double"')
ANY = '''
"""Hidden checks that every solution passes."""

from contextlib import suppress

import numpy as np

from autograder.judging import Exam, Mistake, check
from autograder.judging.scenes import Scene, array, call


def ask(exam: Exam) -> None:
    with suppress(Mistake):
        exam.play(Scene({"x": array(np.ones(2))}, call("shift", "x")))


@check("double", look_at="nothing")
def it_doubles(exam: Exam) -> None:
    """Anything will do."""
    ask(exam)


@check("shift", look_at="nothing")
def it_shifts(exam: Exam) -> None:
    """Anything will do."""
    ask(exam)
'''.lstrip()
SETUP = "import sys\nif sys.argv:\n    %pip install -q numpy\n!ls"
DOUBLE = '''
class Pair:
    def double(self, x, scale=1):
        """Twice the number, in one piece or in two."""
        ### BEGIN SOLUTION double.block
        text = """two
        lines"""
        if x:
            y = x * len(text)
        ### END SOLUTION
        y = (y + dict(a=scale)["a"])  # mind the scale  ### SOLUTION double.scale
        return y
'''.strip()
SHIFT = """
LIMIT = 3
def shift(values):
    first, _ = rest = (values[0], lambda é=1: é == 2)  ### SOLUTION shift.all
    ### BEGIN SOLUTION shift.step
    for value in values:
        first += value
    ### END SOLUTION
""".strip()


def odd(**sources: str) -> NotebookNode:
    """A source notebook that holds to the contract, some of its cells' sources exchanged."""
    made = notebook(setup=SETUP, double=DOUBLE, shift=SHIFT)
    for name, source in sources.items():
        cell_of(made, name.replace("_", "-")).source = source
    return made


def odd_course(root: Path, made: NotebookNode | None = None) -> Path:
    """A course with the practical, not released yet."""
    return unreleased(root, odd() if made is None else made, files={"practical.toml": METHOD, "checks.py": ANY})


def practical_of(made: NotebookNode | None = None) -> Practical:
    """The practical with that source notebook, as it is loaded from a course folder."""
    with TemporaryDirectory() as folder:
        practical = load_practical(odd_course(Path(folder), made))
        _ = practical.source  # read while the folder is there
        return practical


def blanked(made: NotebookNode | None = None) -> NotebookNode:
    """The release of a source notebook, still with its mark schemes."""
    practical = practical_of(made)
    return blank(practical.source, practical)


def source_of(made: NotebookNode, name: str) -> str:
    """The source of the cell of that id."""
    return str(cell_of(made, name).source)


def solutions(made: NotebookNode, practical: Practical) -> dict[str, str]:
    """What the source notebook fills its blanks with: blank id -> an expression, or dedented statements."""
    blanks = [blank for of_cell in read_marked(made, practical).blanks.values() for blank in of_cell]
    return {blank.id: blank.solution for blank in blanks if not isinstance(blank, WrittenBlank)}


def refusal(made: NotebookNode) -> str:
    """The words in which a source notebook is refused, which name its file; there is always a next step."""
    with pytest.raises(CourseError) as caught:
        blanked(made)
    assert caught.value.next_step
    file, _, words = caught.value.message.partition("hw-1.ipynb: ")
    assert words, file
    return words


def without_markers(source: str) -> str:
    """A cell's source without its markers, solutions and all."""
    lines = [line.partition("  ### SOLUTION")[0] for line in source.split("\n")]
    return "\n".join(line for line in lines if "### BEGIN" not in line and "### END" not in line)


def solution_text() -> str:
    """What stands between the block markers in DOUBLE."""
    return DOUBLE[DOUBLE.index("        text =") : DOUBLE.index("        ### END SOLUTION") - 1]
