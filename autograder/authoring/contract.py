"""Holds a source notebook to its assignment's contract: cells, names, points and blanks are all there, once each."""

import ast
from collections.abc import Mapping, Sequence

from autograder.assignment import Assignment
from autograder.authoring.blanks import Blank
from autograder.authoring.cells import Cell
from autograder.errors import CourseError

_SOURCE = "Mend the source notebook, or the assignment's contract."


def check_contract(assignment: Assignment, cells: Sequence[Cell], blanks: Mapping[int, Sequence[Blank]]) -> None:
    """Raise CourseError, naming the cell, on the first thing that the contract asks for and the notebook lacks.

    ``blanks`` holds each cell's blanks by the cell's index.
    """
    by_id = _by_grade_id(cells)
    for grade_id, names in assignment.defines.items():
        _check_definitions(_expected(by_id, grade_id, "code"), names)
    points = {f"check-{question.name}": question.points for question in assignment.questions}
    for grade_id, worth in points.items():
        _check_points(_expected(by_id, grade_id, "code"), worth)
    for grade_id, worth in assignment.written.items():
        _check_points(_expected(by_id, grade_id, "markdown"), worth)
    for cell in cells:
        if cell.has("grade") and cell.grade_id not in points and cell.grade_id not in assignment.written:
            raise cell.fault("it is a grade cell of no question that the contract knows.", _SOURCE)
    _check_blanks(assignment, cells, blanks)


def _by_grade_id(cells: Sequence[Cell]) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for cell in cells:
        if cell.grade_id in found:
            earlier = found[cell.grade_id].index + 1
            message = f"its grade_id is that of cell {earlier} too (this one is cell {cell.index + 1})."
            raise cell.fault(message, "Give every cell a grade_id of its own.")
        if cell.grade_id:
            found[cell.grade_id] = cell
    return found


def _expected(by_id: Mapping[str, Cell], grade_id: str, kind: str) -> Cell:
    cell = by_id.get(grade_id)
    if cell is None:
        message = f"The notebook has no cell {grade_id!r}."
        raise CourseError(message, f"Add a {kind} cell with nbgrader's grade_id {grade_id!r}.")
    if cell.kind != kind:
        raise cell.fault(f"it is a {cell.kind} cell.", f"Make it a {kind} cell.")
    return cell


def _check_definitions(cell: Cell, names: Sequence[str]) -> None:
    _, tree = cell.parsed
    defined = {name for statement in tree.body for name in _names(statement)}
    missing = [name for name in names if name not in defined]
    if missing:
        raise cell.fault(f"it does not define {', '.join(missing)}.", _SOURCE)


def _names(statement: ast.stmt) -> set[str]:
    """The names that a statement at a cell's top level defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return {node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name)}


def _check_points(cell: Cell, points: float) -> None:
    if not cell.has("grade"):
        raise cell.fault("nbgrader does not know it as a grade cell.", "Give its metadata 'grade': true.")
    if not cell.is_code and not cell.has("solution"):
        message = "nbgrader does not know it as an answer cell."
        raise cell.fault(message, "Give its metadata 'solution': true.")
    if cell.metadata.get("points") != points:
        message = f"its metadata give it {cell.metadata.get('points')} points, the contract {points:g}."
        raise cell.fault(message, _SOURCE)


def _check_blanks(assignment: Assignment, cells: Sequence[Cell], blanks: Mapping[int, Sequence[Blank]]) -> None:
    homes = {**assignment.blanks, **{grade_id: grade_id for grade_id in assignment.written}}
    seen: dict[str, str] = {}
    for index, of_cell in blanks.items():
        cell = cells[index]
        for blank in of_cell:
            if blank.id not in homes:
                raise cell.fault(f"the contract knows no blank {blank.id!r}.", _known(homes), blank.first)
            if cell.grade_id != homes[blank.id]:
                message = f"the blank {blank.id!r} belongs in cell {homes[blank.id]!r}."
                raise cell.fault(message, "Move the marker there, or correct its id.", blank.first)
            if blank.id in seen:
                message = f"the blank {blank.id!r} is marked twice, first in {seen[blank.id]}."
                raise cell.fault(message, "Each blank has one place: correct one of the two ids.", blank.first)
            seen[blank.id] = f"line {blank.first + 1}"
    for name, grade_id in homes.items():
        if name not in seen:
            message = f"Cell {grade_id!r}: no marker bears the id {name!r}."
            raise CourseError(message, "Mark its solution, or take the blank out of the contract.")


def _known(homes: Mapping[str, str]) -> str:
    return f"Correct the id; known blanks: {', '.join(homes)}."
