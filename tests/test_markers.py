"""Markers that are amiss never reach a release: they are refused, with their place."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_cells import DOUBLE, SHIFT, blanked, odd, refusal, solution_text, source_of
from small_course import QUESTION, WHY


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        ("### SOLUTION", "Cell 'double', line 10: '"),
        ("###SOLUTION double.scale", "looks like a marker, but is none"),
        ("### SOLUTION double.scale double.block", "looks like a marker, but is none"),
        ("### Solution double.scale", "looks like a marker, but is none"),
        ("## SOLUTION double.scale", "looks like a marker, but is none"),
        ("#### SOLUTION double.scale", "looks like a marker, but is none"),
        ("###  SOLUTION double.scale", "looks like a marker, but is none"),
        ("### SOLUTION  double.scale", "looks like a marker, but is none"),
        ("### SOLUTION: double.scale", "looks like a marker, but is none"),
        ("### BEGIN SOLUTION double.scale", "looks like a marker, but is none"),
        (
            "### SOLUTION double.scale ### SOLUTION double.other",
            "Cell 'double', line 10: two markers stand in one line",
        ),
        (
            "### SOLUTION shift.all",
            "Cell 'shift', line 3: the blank 'shift.all' is marked twice, first in Cell 'double', line 10",
        ),
        (
            "### SOLUTION double.block",
            "Cell 'double', line 10: the blank 'double.block' is marked twice, first in Cell 'double'",
        ),
    ],
)
def test_a_slip_of_a_marker_inside_a_line_is_refused_with_its_place(slip: str, words: str) -> None:
    assert words in refusal(odd(double=DOUBLE.replace("### SOLUTION double.scale", slip)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("### BEGIN SOLUTION double.block", "### BEGIN SOLUTION", "line 4: '### BEGIN SOLUTION' lacks the id"),
        ("### BEGIN SOLUTION double.block", "### Begin Solution double.block", "line 4: '### Begin"),
        ("### BEGIN SOLUTION double.block", "### BEGIN SOLUTIONS double.block", "line 4: '### BEGIN SOLUTIONS"),
        ("### BEGIN SOLUTION double.block", "pass", "line 9: '### END SOLUTION' ends nothing"),
        ("        ### END SOLUTION\n        y =", "        y =", "line 9: a marker stands inside the stretch"),
        ("### END SOLUTION", "### END SOLUTION double.block", "line 9: '### END SOLUTION' takes no id"),
        ("### END SOLUTION", "### END MARK SCHEME", "line 9: a mark scheme stands in a code cell"),
        ("    ### END SOLUTION", "### END SOLUTION", "line 9: '### END SOLUTION' is not indented like"),
        ("### END SOLUTION", "### END SOLUTION\n        ### END SOLUTION", "line 10: '### END SOLUTION' ends nothing"),
        ("        text = ", "        ### BEGIN SOLUTION double.two\n        text = ", "line 5: a marker stands inside"),
    ],
)
def test_a_slip_of_a_block_s_markers_is_refused_with_its_place(old: str, new: str, words: str) -> None:
    assert f"Cell 'double', {words}" in refusal(odd(double=DOUBLE.replace(old, new)))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("return y  ### SOLUTION double.scale", "not one assignment"),
        ("y += 1  ### SOLUTION double.scale", "not one assignment"),
        ("y = 1; z = 2  ### SOLUTION double.scale", "not one assignment"),
        ("y = 1;  ### SOLUTION double.scale", "semicolon"),
        ("y = [1,\n        2]  ### SOLUTION double.scale", "spans several lines"),
        ("y = [1,  ### SOLUTION double.scale\n        2]", "spans several lines"),
        ("y: int  ### SOLUTION double.scale", "not one assignment"),
        ('"""\n        y = 1  ### SOLUTION double.scale\n        """', "inside a string"),
    ],
)
def test_an_inline_marker_on_what_is_no_assignment_in_one_line_is_refused(line: str, words: str) -> None:
    before = DOUBLE[: DOUBLE.index("        y = (y")]
    message = refusal(odd(double=f"{before}        {line}\n        return y"))
    assert "Cell 'double', line 1" in message
    assert words in message


def test_an_annotated_assignment_is_an_assignment() -> None:
    notebook = odd(double=DOUBLE.replace("y = (y +", "y: int = (y +"))
    assert "y: int = ...  # YOUR CODE HERE" in source_of(blanked(notebook), "double")


@pytest.mark.parametrize("opening", ["if x: ", "match x:\n            case 1: ", "with x: ", "for a, in x: "])
def test_an_assignment_inside_another_statement_is_blanked_alone(opening: str) -> None:
    notebook = odd(double=DOUBLE.replace("y = (y +", f"{opening}y = (y +"))
    assert f"        {opening}y = ...  # YOUR CODE HERE" in source_of(blanked(notebook), "double")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("        # nothing", "no statement stands between"),
        ("        if x:\n            y = 1\n            ### END SOLUTION\n            y = 2", "is not indented like"),
        ("            y = 1", "does not parse"),
    ],
)
def test_a_block_that_is_not_whole_statements_is_refused(block: str, words: str) -> None:
    assert words in refusal(odd(double=DOUBLE.replace(solution_text(), block)))


def test_a_block_that_is_never_ended_is_refused() -> None:
    shift = SHIFT.replace("    ### END SOLUTION", "")
    assert "Cell 'shift', line 4: '### BEGIN SOLUTION' is never ended" in refusal(odd(shift=shift))


def test_a_block_that_ends_within_a_statement_is_refused() -> None:
    shift = SHIFT.replace("    ### END SOLUTION", "    values = [\n    ### END SOLUTION\n    ]")
    assert "Cell 'shift', line 4: what stands between the markers is not whole" in refusal(odd(shift=shift))


def test_a_block_that_holds_less_than_its_markers_indentation_is_refused() -> None:
    double = "class Pair:\n    def double(self):\n        if 1:\n            ### BEGIN SOLUTION double.block\n"
    double += "            y = 1\n        y = 2\n            ### END SOLUTION\n        return y"
    assert "Cell 'double', line 4: what stands between the markers" in refusal(odd(double=double))


def test_a_block_outside_a_function_is_refused() -> None:
    double = (
        "class Pair:\n    ### BEGIN SOLUTION double.block\n    y = 1\n    ### END SOLUTION\n    def double(self): ..."
    )
    assert "Cell 'double', line 2: a block of a solution stands outside any function" in refusal(odd(double=double))


def test_markers_inside_a_string_are_refused() -> None:
    double = f'{DOUBLE}\ns = """\n### BEGIN SOLUTION double.text\ny = 1\n### END SOLUTION\n"""'
    assert "Cell 'double', line 13: a marker stands inside a string" in refusal(odd(double=double))


def test_a_marker_outside_a_solution_cell_is_refused() -> None:
    assert "Cell 'check-shift', line 2: a solution is marked in a cell that nbgrader does not know" in refusal(
        odd(check_shift="shift([1])\ny = 1  ### SOLUTION shift.more")
    )
    assert "Cell 'question-why', line 1" in refusal(odd(question_why="### BEGIN SOLUTION text\nx\n### END SOLUTION"))


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
    assert f"Cell 'question-why', {words}" in refusal(odd(question_why=question))


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("### BEGIN SOLUTION why\n### END SOLUTION", "Cell 'why', line 1: the model answer is empty"),
        (WHY.replace("why", "because"), "Cell 'why', line 1: the model answer bears the id 'because'"),
        ("Because.", "Cell 'why': no marker in it bears its id, so its model answer would reach the students"),
    ],
)
def test_a_model_answer_that_is_empty_or_not_marked_as_its_cells_is_refused(why: str, words: str) -> None:
    assert words in refusal(odd(why=why))


def test_plain_words_about_solutions_are_no_markers() -> None:
    shift = SHIFT.replace("LIMIT = 3", "LIMIT = 3  # a solution of the equation")
    notebook = odd(question_why=f"## Solution methods\n{QUESTION}", shift=shift)
    assert "## Solution methods" in source_of(blanked(notebook), "question-why")


@settings(deadline=None)  # a busy machine is no fault of the code
@given(st.data())
def test_a_marker_with_any_character_of_its_words_dropped_doubled_or_put_in_another_case_is_refused(
    data: st.DataObject,
) -> None:
    cell_id = data.draw(st.sampled_from(["double", "shift", "why", "question_why"]))
    source = {"double": DOUBLE, "shift": SHIFT, "why": WHY, "question_why": QUESTION}[cell_id]
    lines = source.split("\n")
    marker = re.compile("### (BEGIN |END |)(SOLUTION|MARK SCHEME)")
    row = data.draw(st.sampled_from([row for row, line in enumerate(lines) if marker.search(line)]))
    found = marker.search(lines[row])
    assert found
    place = data.draw(st.integers(found.start(), found.end() - 1))
    letter = lines[row][place]
    slip = data.draw(st.sampled_from([new for new in ("", letter * 2, letter.swapcase()) if new != letter]))
    lines[row] = lines[row][:place] + slip + lines[row][place + 1 :]
    refusal(odd(**{cell_id: "\n".join(lines)}))


@pytest.mark.parametrize(
    "double",
    [
        "\n".join(f"  {line}" for line in [*DOUBLE.split("\n"), "!ls"]),  # IPython takes the common indentation away
        DOUBLE.replace('y = (y + dict(a=scale)["a"])', "y = %who"),
    ],
)
def test_a_marker_in_what_ipython_rewrites_is_refused(double: str) -> None:
    assert "a marker stands in a line that is not plain Python" in refusal(odd(double=double))
