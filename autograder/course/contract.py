"""The contract of a practical: its practical.toml, held against its notebook, each fault with file and line."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import CourseError, did_you_mean
from autograder.files import read_own
from autograder.notebook.cells import Cell
from autograder.notebook.python import functions_in
from autograder.records import grade_cell, question_in

FORMAT = 2  # of a practical's folder; the kit before had its practical among its own modules
CONTRACT = "practical.toml"
KEYS = ("kit", "points", "questions", "long_running")
_BLANK = re.compile(r"### (?:BEGIN )?SOLUTION ([\w.-]+)")
_ID = re.compile(r"[A-Za-z0-9_-]+")  # what nbgrader's schema allows
_EXAMPLE = '[questions]\n<question> = "<function>"'


@dataclass(frozen=True)
class Question:
    """One question that the machine marks: its grade cell is ``check-<name>``.

    ``functions`` are the qualified names of the functions that it marks, ``cell`` is where the first of them stands. A
    question that is ``end_to_end`` runs them together: a mistake in any of them may cost its marks.
    """

    name: str
    points: float
    cell: str
    functions: tuple[str, ...]
    end_to_end: bool = False


def read_contract(path: Path) -> dict[str, Any]:
    """What the file says, of the right types and of this kit's format."""
    try:
        said = tomllib.loads(read_own(path))
    except (OSError, ValueError) as error:  # TOML's errors, which name the line, are ValueErrors
        raise CourseError(f"{path} cannot be read: {error}.", "Correct the file.") from error
    if said.get("kit") != FORMAT:
        older = f"for format {said['kit']} of the kit's practicals" if "kit" in said else "without naming its format"
        message = f"{_line(path, 'kit')}: the practical was written {older}; this kit reads format {FORMAT}."
        raise CourseError(
            message, f"Bring it up to date, as docs/writing-a-practical.md says, and write: kit = {FORMAT}"
        )
    for key in sorted(said.keys() - KEYS):
        step = f"{did_you_mean(key, KEYS)}Correct the name, or take it out."
        raise CourseError(f"{_line(path, key)}: {key!r} means nothing here.", step)
    if not isinstance(said.get("questions"), dict) or not said["questions"]:
        raise CourseError(f"{path} names no question.", f"Add them:\n{_EXAMPLE}")
    points = said.get("points", 1)
    if not isinstance(points, int | float) or isinstance(points, bool):
        message = f"{_line(path, 'points')}: it says {points!r} points, which is no number."
        raise CourseError(message, "Write the number alone, without quotation marks: points = 30")
    long_running = said.get("long_running", [])
    if not _are_names(long_running):
        raise CourseError(f"{_line(path, 'long_running')}: it is not a list of names.", 'Write ["train"], say.')
    return said


def _are_names(given: object) -> bool:
    return isinstance(given, list) and all(isinstance(item, str) for item in given)


def _line(path: Path, key: str) -> str:
    """The file, and the line in which a key stands."""
    stands = re.compile(rf"""\s*(?:\[[^]]*?)?\b["']?{re.escape(key)}["']?\s*[]=.]""")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if stands.match(line):
            return f"{path}, line {number}"
    return str(path)


def check_points(path: Path, said: Mapping[str, Any], worth: float) -> None:
    """CourseError if the contract says another sum of points than the notebook's questions are worth together."""
    if "points" in said and said["points"] != worth:
        message = f"{_line(path, 'points')}: it says {said['points']!r} points, and the notebook's add up to {worth:g}."
        raise CourseError(message, "Correct the sum here, or the points of the questions in Jupyter.")


def check_ids(cells: Sequence[Cell]) -> None:
    """CourseError if two cells have one grade_id, or if one is none for nbgrader."""
    seen: dict[str, Cell] = {}
    for cell in cells:
        if cell.grade_id and not _ID.fullmatch(cell.grade_id):
            raise cell.fault(
                "nbgrader takes no such grade_id.", "Use letters, digits, '-' and '_' alone, as in check-1."
            )
        if cell.grade_id and cell.grade_id in seen:
            earlier = seen[cell.grade_id].index + 1
            message = f"its grade_id is that of cell {earlier} too (this one is cell {cell.index + 1})."
            raise cell.fault(message, "Give every cell a grade_id of its own.")
        seen[cell.grade_id] = cell


def blanks_in(cells: Sequence[Cell]) -> dict[str, str]:
    """Blank id -> grade_id of the code cell that it stands in; CourseError if a blank is marked twice."""
    seen: dict[str, str] = {}
    found: dict[str, str] = {}
    for cell in cells:
        for row, line in enumerate(cell.lines):
            for name in _BLANK.findall(line):
                if name in seen:
                    message = f"the blank {name!r} is marked twice, first in {seen[name]}."
                    raise cell.fault(message, "Each blank has one place: correct one of the two ids.", row)
                seen[name] = f"{cell.name}, line {row + 1}"
                found |= {name: cell.grade_id} if cell.is_code else {}
    return found


def functions_of(cells: Sequence[Cell]) -> dict[str, str]:
    """Qualified name of a function -> grade_id of the cell that defines it."""
    homes = {cell.grade_id: functions_in(cell.python[1]).values() for cell in cells if not cell.has("locked")}
    return {name: grade_id for grade_id, found in homes.items() for names in found for name in names}


def questions_in(
    path: Path, said: Mapping[str, Any], cells: Sequence[Cell], homes: Mapping[str, str]
) -> tuple[Question, ...]:
    """The questions in the notebook's order; CourseError where notebook and contract do not name the same ones."""
    found = []
    for cell in cells:
        if cell.is_code and cell.has("grade"):
            name = question_in(cell.grade_id)
            if name not in said or name == cell.grade_id:
                known = f"{path} names no such question ({', '.join(said)})."
                near = did_you_mean(name, said)
                step = f"{near}Add it there, or correct the id: a question's grade cell is {grade_cell('<question>')}."
                raise cell.fault(f"it is a grade cell of no question: {known}", step)
            found.append(_question(path, name, said[name], cell, homes))
    for name in said:
        if not any(question.name == name for question in found):
            message = f"{_line(path, name)}: the notebook has no grade cell '{grade_cell(name)}'."
            raise CourseError(
                message, f"Add a code cell with nbgrader's grade_id '{grade_cell(name)}', or drop the question."
            )
    return tuple(found)


def _question(path: Path, name: str, said: Any, cell: Cell, homes: Mapping[str, str]) -> Question:
    given: Mapping[str, Any] = said if isinstance(said, dict) else {"functions": said}
    functions, whole = given.get("functions"), given.get("end_to_end", False)
    functions = [functions] if isinstance(functions, str) else functions
    for key in given.keys() - {"functions", "end_to_end"}:
        step = f"{did_you_mean(key, ('functions', 'end_to_end'))}A question has 'functions' and 'end_to_end'."
        raise CourseError(f"{_line(path, name)}: {key!r} means nothing in {name!r}.", step)
    if not isinstance(whole, bool):
        message = f"{_line(path, name)}: end_to_end is {whole!r} in {name!r}."
        raise CourseError(message, "Write: end_to_end = true, or leave it out.")
    if not functions or not _are_names(functions):
        step = f'Write: {name} = "<function>", or a list of functions.'
        raise CourseError(f"{_line(path, name)}: {name!r} does not say what it marks.", step)
    for function in functions:
        if function not in homes:
            message = f"{_line(path, name)}: no cell of the notebook defines {function!r}, which {name!r} marks."
            step = f"{did_you_mean(function, homes)}The notebook defines {', '.join(homes)}."
            raise CourseError(message, step)
    return Question(name, cell.points, homes[functions[0]], tuple(functions), whole)
