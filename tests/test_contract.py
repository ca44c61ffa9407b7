"""A source notebook that does not hold to its contract is refused, and the cell named."""

from nbformat import NotebookNode
from toy_course import SUMS, TOY, refusal, toy

from autograder.authoring import blank


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


def change(notebook: NotebookNode, cell_id: str, **metadata: object) -> NotebookNode:
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
