"""From a source notebook with marked solutions to the release, and to submissions with other answers."""

import copy
import dataclasses
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode

from autograder.assignment import Assignment, Question, load_assignment
from autograder.authoring import blank, fill, generate, read_source, solutions, strip_mark_schemes
from autograder.errors import CourseError

ROOT = Path(__file__).parent.parent

TOY = Assignment(
    name="toy",
    defines={"area": ("Shape",), "sums": ("total", "LIMIT")},
    blanks={"area.block": "area", "area.scale": "area", "sums.all": "sums", "sums.step": "sums"},
    questions=(Question("area", 2, "area", ("Shape.area",)), Question("total", 1, "sums", ("total",))),
    written={"why": 2},
    imports=(),
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


def metadata(grade_id: str, **roles: Any) -> dict[str, Any]:
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {"grade_id": grade_id, **plain, **roles}}


def cell(kind: str, cell_id: str, source: str, **metadata: Any) -> NotebookNode:
    node = {"cell_type": kind, "id": cell_id, "metadata": metadata, "source": source}
    if kind == "code":
        node |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "hi"}], "execution_count": 3}
    return nbformat.from_dict(node)


def toy(**sources: str) -> NotebookNode:
    """A source notebook that holds to TOY's contract, some of its cells' sources exchanged."""
    check = {"grade": True, "locked": True}
    notebook = nbformat.v4.new_notebook()
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
    return str(next(cell.source for cell in notebook.cells if cell.id == cell_id))


def refusal(notebook: NotebookNode, assignment: Assignment = TOY) -> str:
    with pytest.raises(CourseError) as caught:
        blank(notebook, assignment)
    assert caught.value.next_step
    return caught.value.message


# --- the release


def test_a_blank_inside_a_line_stays_inside_its_line_and_keeps_the_line_s_own_comment() -> None:
    release = blank(toy(), TOY)
    assert "        y = ...  # YOUR CODE HERE  # mind the scale\n        return y" in source_of(release, "area")
    assert "    first, _ = rest = ...  # YOUR CODE HERE\n" in source_of(release, "sums")


def test_a_block_becomes_a_stub_that_names_its_function_and_raises() -> None:
    release = blank(toy(), TOY)
    stub = (
        '        # YOUR CODE HERE\n        raise NotImplementedError("YOUR CODE HERE in Shape.area")\n        y = ...'
    )
    assert stub in source_of(release, "area")
    names: dict[str, Any] = {}
    exec(source_of(release, "area"), names)
    with pytest.raises(NotImplementedError, match="YOUR CODE HERE in Shape.area"):
        names["Shape"]().area(1)


def test_a_written_answer_is_asked_for_and_its_mark_scheme_waits_to_be_stripped() -> None:
    release = blank(toy(), TOY)
    assert source_of(release, "why") == "*YOUR ANSWER HERE*"
    assert "2 for because" in source_of(release, "q")
    assert source_of(strip_mark_schemes(release), "q") == "Why?"


def test_a_mark_scheme_that_is_not_ended_is_never_shown() -> None:
    notebook = toy(question="Why?\n### BEGIN MARK SCHEME\nsecret")
    assert source_of(strip_mark_schemes(notebook), "q") == "Why?"


def test_the_release_has_no_outputs_and_the_source_notebook_is_left_as_it_was() -> None:
    notebook = toy()
    before = copy.deepcopy(notebook)
    release = blank(notebook, TOY)
    assert notebook == before
    codes = [cell for cell in release.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in codes)
    assert [cell.metadata for cell in release.cells] == [cell.metadata for cell in notebook.cells]


def test_a_release_has_nothing_left_to_blank() -> None:
    release = strip_mark_schemes(blank(toy(), TOY))
    without_blanks = dataclasses.replace(TOY, blanks={}, written={"why": 2})
    assert "no marker bears the id 'why'" in refusal(release, without_blanks)
    release.cells[-1].metadata.clear()
    assert blank(release, dataclasses.replace(without_blanks, written={})) == release


# --- what the source fills in, and other fills


def test_the_solutions_are_expressions_and_dedented_statements() -> None:
    found = solutions(toy(), TOY)
    assert list(found) == ["area.block", "area.scale", "sums.all", "sums.step"]
    assert found["area.block"] == 'text = """two\n        lines"""\nif x:\n    y = x * len(text)'
    assert found["area.scale"] == '(y + dict(a=scale)["a"])'
    assert found["sums.all"] == "(values[0], lambda é=1: é == 2)"


def without_markers(source: str) -> str:
    lines = [line.partition("  ### SOLUTION")[0] for line in source.split("\n")]
    return "\n".join(line for line in lines if "### BEGIN" not in line and "### END" not in line)


def test_filled_with_its_own_solutions_a_notebook_is_its_source_without_the_markers() -> None:
    notebook = toy()
    for fills in ({}, solutions(notebook, TOY)):
        filled = fill(notebook, TOY, fills)
        for cell_id in ("install", "area", "sums", "check-total", "why"):
            assert source_of(filled, cell_id) == without_markers(source_of(notebook, cell_id))
        assert source_of(filled, "q") == "Why?"


def test_fills_take_their_blanks_places_and_all_other_blanks_hold_the_source_s_own_solutions() -> None:
    block = 'y = """kept\nas it is"""\n\nfor _ in x:\n    pass\n'
    filled = fill(toy(), TOY, {"area.block": block, "sums.all": " (\n1, 2) "})
    expected = '        y = """kept\nas it is"""\n\n        for _ in x:\n            pass\n        y = (y + dict'
    assert expected in source_of(filled, "area")
    assert "    first, _ = rest = (\n1, 2)\n    for value" in source_of(filled, "sums")
    assert source_of(filled, "why") == "Because = so."


def test_whole_cells_are_replaced_and_extra_cells_come_before_the_first_definition() -> None:
    filled = fill(toy(), TOY, {}, cells={"sums": "total = sum\nLIMIT = 1"}, extra_cells=["import math", "a = 1"])
    assert source_of(filled, "sums") == "total = sum\nLIMIT = 1"
    assert [cell.source for cell in filled.cells[1:3]] == ["import math", "a = 1"]
    assert filled.cells[3].id == "area"
    nbformat.validate(filled)
    assert filled == fill(
        toy(), TOY, {}, cells={"sums": "total = sum\nLIMIT = 1"}, extra_cells=["import math", "a = 1"]
    )


def test_extra_cells_of_an_older_notebook_have_no_ids() -> None:
    notebook = toy()
    notebook.nbformat_minor = 4
    for node in notebook.cells:
        del node["id"]
    nbformat.validate(fill(notebook, TOY, {}, extra_cells=["import math"]))


@pytest.mark.parametrize(
    ("fills", "cells", "words"),
    [
        ({"area.none": "1"}, {}, "no blank 'area.none'"),
        ({"why": "text"}, {}, "no blank 'why'"),
        ({}, {"nowhere": ""}, "no cell 'nowhere'"),
        ({"sums.all": "1"}, {"sums": ""}, "'sums.all' is filled in a cell that is replaced"),
    ],
)
def test_fills_that_have_no_place_are_refused(fills: dict[str, str], cells: dict[str, str], words: str) -> None:
    with pytest.raises(CourseError, match=words):
        fill(toy(), TOY, fills, cells)


@given(st.lists(st.sampled_from(["a = 1", "if a:\n    b = 2", "", "# remark", 's = """x\n  y"""', "t = f'''\n{a}'''"])))
def test_any_statements_filled_into_a_block_are_read_back_as_they_were(lines: list[str]) -> None:
    block = "\n".join(["first = 0", *lines, "last = 1"])
    filled = source_of(fill(toy(), TOY, {"area.block": block}), "area")
    start, end = filled.index("        first = 0"), filled.index("last = 1") + len("last = 1")
    marked = AREA.replace(solution_text(), filled[start:end])
    assert solutions(toy(area=marked), TOY)["area.block"] == block


def solution_text() -> str:
    return AREA[AREA.index("        text =") : AREA.index("        ### END SOLUTION") - 1]


# --- refusals


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        ("### SOLUTION", "Cell 'area', line 10: '"),
        ("###SOLUTION area.scale", "looks like a marker, but is none"),
        ("### SOLUTION area.scale area.block", "looks like a marker, but is none"),
        ("### Solution area.scale", "looks like a marker, but is none"),
        ("## SOLUTION area.scale", "looks like a marker, but is none"),
        ("#### SOLUTION area.scale", "looks like a marker, but is none"),
        ("###  SOLUTION area.scale", "looks like a marker, but is none"),
        ("### SOLUTION  area.scale", "looks like a marker, but is none"),
        ("### SOLUTION: area.scale", "looks like a marker, but is none"),
        ("### BEGIN SOLUTION area.scale", "looks like a marker, but is none"),
        ("### SOLUTION area.scale ### SOLUTION area.scale", "Cell 'area', line 10: two markers stand in one line"),
        ("### SOLUTION area.oops", "Cell 'area', line 10: the contract knows no blank 'area.oops'"),
        ("### SOLUTION sums.all", "Cell 'area', line 10: the blank 'sums.all' belongs in cell 'sums'"),
        ("### SOLUTION area.block", "Cell 'area', line 10: the blank 'area.block' is marked twice, first in line 4"),
        ("", "Cell 'area': no marker bears the id 'area.scale'"),
    ],
)
def test_a_slip_of_a_marker_inside_a_line_is_refused_with_its_place(slip: str, words: str) -> None:
    assert words in refusal(toy(area=AREA.replace("### SOLUTION area.scale", slip)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("### BEGIN SOLUTION area.block", "### BEGIN SOLUTION", "line 4: '### BEGIN SOLUTION' lacks the id"),
        ("### BEGIN SOLUTION area.block", "### Begin Solution area.block", "line 4: '### Begin"),
        ("### BEGIN SOLUTION area.block", "### BEGIN SOLUTIONS area.block", "line 4: '### BEGIN SOLUTIONS"),
        ("### BEGIN SOLUTION area.block", "pass", "line 9: '### END SOLUTION' ends nothing"),
        ("        ### END SOLUTION\n        y =", "        y =", "line 9: a marker stands inside the stretch"),
        ("### END SOLUTION", "### END SOLUTION area.block", "line 9: '### END SOLUTION' takes no id"),
        ("### END SOLUTION", "### END MARK SCHEME", "line 9: a mark scheme stands in a code cell"),
        ("    ### END SOLUTION", "### END SOLUTION", "line 9: '### END SOLUTION' is not indented like"),
        ("### END SOLUTION", "### END SOLUTION\n        ### END SOLUTION", "line 10: '### END SOLUTION' ends nothing"),
        ("        text = ", "        ### BEGIN SOLUTION area.block\n        text = ", "line 5: a marker stands inside"),
    ],
)
def test_a_slip_of_a_block_s_markers_is_refused_with_its_place(old: str, new: str, words: str) -> None:
    assert f"Cell 'area', {words}" in refusal(toy(area=AREA.replace(old, new)))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("return y  ### SOLUTION area.scale", "not one assignment"),
        ("y += 1  ### SOLUTION area.scale", "not one assignment"),
        ("y = 1; z = 2  ### SOLUTION area.scale", "not one assignment"),
        ("y = 1;  ### SOLUTION area.scale", "semicolon"),
        ("y = [1,\n        2]  ### SOLUTION area.scale", "spans several lines"),
        ("y = [1,  ### SOLUTION area.scale\n        2]", "spans several lines"),
        ("y: int  ### SOLUTION area.scale", "not one assignment"),
        ('"""\n        y = 1  ### SOLUTION area.scale\n        """', "inside a string"),
    ],
)
def test_an_inline_marker_on_what_is_no_assignment_in_one_line_is_refused(line: str, words: str) -> None:
    before = AREA[: AREA.index("        y = (y")]
    message = refusal(toy(area=f"{before}        {line}\n        return y"))
    assert "Cell 'area', line 1" in message
    assert words in message


def test_an_annotated_assignment_is_an_assignment() -> None:
    notebook = toy(area=AREA.replace("y = (y +", "y: int = (y +"))
    assert "y: int = ...  # YOUR CODE HERE" in source_of(blank(notebook, TOY), "area")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("        # nothing", "no statement stands between"),
        ("        if x:\n            y = 1\n            ### END SOLUTION\n            y = 2", "is not indented like"),
        ("            y = 1", "does not parse"),
    ],
)
def test_a_block_that_is_not_whole_statements_is_refused(block: str, words: str) -> None:
    assert words in refusal(toy(area=AREA.replace(solution_text(), block)))


def test_a_block_that_is_never_ended_is_refused() -> None:
    sums = SUMS.replace("    ### END SOLUTION", "")
    assert "Cell 'sums', line 4: '### BEGIN SOLUTION' is never ended" in refusal(toy(sums=sums))


def test_a_block_that_ends_within_a_statement_is_refused() -> None:
    sums = SUMS.replace("    ### END SOLUTION", "    values = [\n    ### END SOLUTION\n    ]")
    assert "Cell 'sums', line 4: what stands between the markers is not whole" in refusal(toy(sums=sums))


def test_a_block_that_holds_less_than_its_markers_indentation_is_refused() -> None:
    area = "class Shape:\n    def area(self):\n        if 1:\n            ### BEGIN SOLUTION area.block\n            y = 1\n"
    area += "        y = 2\n            ### END SOLUTION\n        return y"
    assert "Cell 'area', line 4: what stands between the markers" in refusal(toy(area=area))


def test_a_block_outside_a_function_is_refused() -> None:
    area = "class Shape:\n    ### BEGIN SOLUTION area.block\n    y = 1\n    ### END SOLUTION"
    assert "Cell 'area', line 2: a block of a solution stands outside any function" in refusal(toy(area=area))


def test_markers_inside_a_string_are_refused() -> None:
    area = f'{AREA}\ns = """\n### BEGIN SOLUTION area.block\ny = 1\n### END SOLUTION\n"""'
    assert "Cell 'area', line 13: a marker stands inside a string" in refusal(toy(area=area))


def test_a_marker_outside_a_solution_cell_is_refused() -> None:
    assert "Cell 'check-total', line 2: a solution is marked in a cell that nbgrader does not know" in refusal(
        toy(check="total([1])\ny = 1  ### SOLUTION sums.all")
    )
    assert "Cell 'question-why', line 1" in refusal(toy(question="### BEGIN SOLUTION why\nx\n### END SOLUTION"))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Why?\n### BEGIN MARK SCHEME\n2", "line 2: '### BEGIN MARK SCHEME' is never ended"),
        ("Why?\n### END MARK SCHEME", "line 2: '### END MARK SCHEME' ends nothing"),
        ("Why?\n### Mark scheme\n2", "line 2: '### Mark scheme' looks like a marker"),
        ("Why?\n### BEGIN MARK SCHEME why\n2\n### END MARK SCHEME", "line 2: '### BEGIN MARK SCHEME' takes no id"),
        ("Why?\nBEGIN MARK SCHEME\n2\nEND MARK SCHEME", "line 2: 'BEGIN MARK SCHEME' looks like a marker"),
    ],
)
def test_a_slip_of_a_mark_scheme_s_markers_is_refused(question: str, words: str) -> None:
    assert f"Cell 'question-why', {words}" in refusal(toy(question=question))


def test_an_empty_model_answer_is_refused() -> None:
    assert "Cell 'why', line 1: the model answer is empty" in refusal(
        toy(why="### BEGIN SOLUTION why\n### END SOLUTION")
    )


def test_plain_words_about_solutions_are_no_markers() -> None:
    sums = SUMS.replace("LIMIT = 3", "LIMIT = 3  # a solution of the equation")
    notebook = toy(question=f"## Solution methods\n{QUESTION}", sums=sums)
    assert "## Solution methods" in source_of(blank(notebook, TOY), "q")


@given(st.data())
def test_a_marker_with_any_character_dropped_doubled_or_put_in_another_case_is_refused(data: st.DataObject) -> None:
    cell_id = data.draw(st.sampled_from(["area", "sums", "why", "question"]))
    source = {"area": AREA, "sums": SUMS, "why": WHY, "question": QUESTION}[cell_id]
    lines = source.split("\n")
    row = data.draw(st.sampled_from([row for row, line in enumerate(lines) if "### " in line]))
    start = lines[row].index("###")
    place = data.draw(st.integers(start, len(lines[row]) - 1))
    letter = lines[row][place]
    slip = data.draw(st.sampled_from([new for new in ("", letter * 2, letter.swapcase()) if new != letter]))
    lines[row] = lines[row][:place] + slip + lines[row][place + 1 :]
    refusal(toy(**{cell_id: "\n".join(lines)}))


# --- the contract


def test_a_cell_that_does_not_parse_is_refused_with_its_line_and_ipython_s_own_lines_are_not() -> None:
    assert "Cell 1, line 2: it does not parse as Python" in refusal(toy(install="%matplotlib inline\nx = = 1"))
    blank(toy(install="%%bash\nls -l | wc"), TOY)
    blank(toy(install="files = !ls\nlen?\nx = (7\n% 3)"), TOY)


def test_missing_cells_and_names_are_refused() -> None:
    for grade_id in ("area", "check-area", "why"):
        notebook = toy()
        notebook.cells = [node for node in notebook.cells if node.id != grade_id]
        assert f"The notebook has no cell '{grade_id}'" in refusal(notebook)
    assert "Cell 'sums': it does not define LIMIT" in refusal(toy(sums=SUMS.replace("LIMIT = 3", "")))


def change(notebook: NotebookNode, cell_id: str, **metadata: Any) -> NotebookNode:
    next(node for node in notebook.cells if node.id == cell_id).metadata.nbgrader.update(metadata)
    return notebook


def test_grade_cells_with_the_wrong_points_or_of_no_question_are_refused() -> None:
    assert "Cell 'check-area': its metadata give it 3 points, the contract 2" in refusal(
        change(toy(), "check-area", points=3)
    )
    assert "Cell 'check-area': nbgrader does not know it as a grade cell" in refusal(
        change(toy(), "check-area", grade=False)
    )
    assert "Cell 'why': its metadata give it None points" in refusal(change(toy(), "why", points=None))
    assert "Cell 'why': nbgrader does not know it as an answer cell" in refusal(
        change(toy(why="Because."), "why", solution=False)
    )
    assert "Cell 'question-why': it is a grade cell of no question" in refusal(change(toy(), "q", grade=True, points=1))


def test_a_grade_id_that_two_cells_bear_and_a_cell_of_the_wrong_kind_are_refused() -> None:
    assert "Cell 'area': its grade_id is that of cell 2 too (this one is cell 3)" in refusal(
        change(toy(), "check-area", grade_id="area")
    )
    notebook = toy(sums="no code")
    notebook.cells[3].cell_type = "markdown"
    assert "Cell 'sums': it is a markdown cell" in refusal(notebook)


# --- files


def test_a_source_that_is_missing_or_no_notebook_is_a_fault_of_the_course(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="There is no source notebook"):
        generate(tmp_path, "sac")
    path = tmp_path / "source" / "sac" / "sac.ipynb"
    path.parent.mkdir(parents=True)
    for content in (b"", b"\xff\xfe", b"[]", b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5}', b'{"cells": []}'):
        path.write_bytes(content)
        with pytest.raises(CourseError, match="sac.ipynb") as caught:
            generate(tmp_path, "sac")
        assert caught.value.next_step
    assert not (tmp_path / "release").exists()


def test_a_notebook_whose_cells_lack_ids_is_refused_since_no_release_of_it_is_like_another(tmp_path: Path) -> None:
    notebook = toy()
    notebook.cells[1].id = notebook.cells[0].id
    path = tmp_path / "source" / "toy" / "toy.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.v4.writes(notebook), encoding="utf-8")
    with pytest.raises(CourseError, match="two with the same one"):
        read_source(tmp_path, "toy")
