"""From a source notebook with marked solutions to the release, and to submissions with other answers."""

import copy

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_cells import DOUBLE, blanked, odd, practical_of, solution_text, solutions, source_of, without_markers

from autograder.authoring import blank, fill, solved, strip_mark_schemes
from autograder.errors import CourseError

ODD = practical_of()

# --- the release


def test_a_blank_inside_a_line_stays_inside_its_line_and_keeps_the_line_s_own_comment() -> None:
    release = blanked()
    assert "        y = ...  # YOUR CODE HERE  # mind the scale\n        return y" in source_of(release, "double")
    assert "    first, _ = rest = ...  # YOUR CODE HERE\n" in source_of(release, "shift")


def test_a_block_becomes_a_stub_that_names_its_function_and_raises() -> None:
    release = blanked()
    stub = (
        '        # YOUR CODE HERE\n        raise NotImplementedError("YOUR CODE HERE in Pair.double")\n        y = ...'
    )
    assert stub in source_of(release, "double")
    names: dict[str, type] = {}
    exec(source_of(release, "double"), names)
    with pytest.raises(NotImplementedError, match=r"YOUR CODE HERE in Pair\.double"):
        names["Pair"]().double(1)


def test_a_written_answer_is_asked_for_and_its_mark_scheme_waits_to_be_stripped() -> None:
    release = blanked()
    assert source_of(release, "why") == "*YOUR ANSWER HERE*"
    assert "the secret reason" in source_of(release, "question-why")
    assert source_of(strip_mark_schemes(release), "question-why") == "Why?"


def test_a_mark_scheme_that_is_not_ended_is_never_shown() -> None:
    notebook = odd(question_why="Why?\n### BEGIN MARK SCHEME\nsecret")
    assert source_of(strip_mark_schemes(notebook), "question-why") == "Why?"


def test_the_release_has_no_outputs_and_the_source_notebook_is_left_as_it_was() -> None:
    notebook = odd()
    before = copy.deepcopy(notebook)
    release = blank(notebook, ODD)
    assert notebook == before
    codes = [cell for cell in release.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in codes)
    assert [cell.metadata for cell in release.cells] == [cell.metadata for cell in notebook.cells]


# --- what the source fills in, and other fills


def test_the_solutions_are_expressions_and_dedented_statements() -> None:
    found = solutions(odd(), ODD)
    assert list(found) == ["double.block", "double.scale", "shift.all", "shift.step"]
    assert found["double.block"] == 'text = """two\n        lines"""\nif x:\n    y = x * len(text)'
    assert found["double.scale"] == '(y + dict(a=scale)["a"])'
    assert found["shift.all"] == "(values[0], lambda é=1: é == 2)"


def test_filled_with_its_own_solutions_a_notebook_is_its_source_without_the_markers() -> None:
    notebook = odd()
    for filled in (fill(notebook, ODD, solutions(notebook, ODD)), solved(notebook, ODD)):
        for cell_id in ("setup", "double", "shift", "check-shift", "why"):
            assert source_of(filled, cell_id) == without_markers(source_of(notebook, cell_id))
        assert source_of(filled, "question-why") == "Why?"
        nbformat.validate(filled)
        assert not any(cell.get("outputs") for cell in filled.cells)


def test_fills_take_their_blanks_places_and_all_other_blanks_hold_the_source_s_own_solutions() -> None:
    block = 'y = """kept\nas it is"""\n\nfor _ in x:\n    pass\n'
    filled = fill(odd(), ODD, {"double.block": block, "shift.all": " (\n1, 2) "})
    expected = '        y = """kept\nas it is"""\n\n        for _ in x:\n            pass\n        y = (y + dict'
    assert expected in source_of(filled, "double")
    assert "    first, _ = rest = (\n1, 2)\n    for value" in source_of(filled, "shift")
    assert source_of(filled, "why") == "Because of the model."


def test_whole_cells_are_replaced_and_extra_cells_come_before_the_first_definition() -> None:
    filled = fill(odd(), ODD, {}, cells={"shift": "shift = sum\nLIMIT = 1"}, extra_cells=["import math", "a = 1"])
    assert source_of(filled, "shift") == "shift = sum\nLIMIT = 1"
    assert [cell.source for cell in filled.cells[2:4]] == ["import math", "a = 1"]
    assert filled.cells[4].id == "double"
    nbformat.validate(filled)
    assert filled == fill(
        odd(), ODD, {}, cells={"shift": "shift = sum\nLIMIT = 1"}, extra_cells=["import math", "a = 1"]
    )


def test_extra_cells_of_an_older_notebook_have_no_ids() -> None:
    notebook = odd()
    notebook.nbformat_minor = 4
    for node in notebook.cells:
        del node["id"]
    nbformat.validate(fill(notebook, ODD, {}, extra_cells=["import math"]))


@pytest.mark.parametrize(
    ("fills", "cells", "words"),
    [
        ({"double.none": "1"}, {}, "no blank 'double.none'"),
        ({"why": "text"}, {}, "no blank 'why'"),
        ({}, {"nowhere": ""}, "no cell 'nowhere'"),
        ({"shift.all": "1"}, {"shift": ""}, "'shift.all' is filled in a cell that is replaced"),
    ],
)
def test_fills_that_have_no_place_are_refused(fills: dict[str, str], cells: dict[str, str], words: str) -> None:
    with pytest.raises(CourseError, match=words):
        fill(odd(), ODD, fills, cells)


@settings(deadline=None)  # a busy machine is no fault of the code
@given(st.lists(st.sampled_from(["a = 1", "if a:\n    b = 2", "", "# remark", 's = """x\n  y"""', "t = f'''\n{a}'''"])))
def test_any_statements_filled_into_a_block_are_read_back_as_they_were(lines: list[str]) -> None:
    block = "\n".join(["first = 0", *lines, "last = 1"])
    filled = source_of(fill(odd(), ODD, {"double.block": block}), "double")
    start, end = filled.index("        first = 0"), filled.index("last = 1") + len("last = 1")
    marked = DOUBLE.replace(solution_text(), filled[start:end])
    notebook = odd(double=marked)
    assert solutions(notebook, practical_of(notebook))["double.block"] == block
