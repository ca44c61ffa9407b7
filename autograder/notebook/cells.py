"""A course's notebook as the engine reads it: its cells, their nbgrader metadata and the names that they define."""

import ast
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.errors import CourseError
from autograder.notebook.python import DEFINITIONS, Read, bound_names, read_python


def nbgrader_of(cell: NotebookNode) -> dict[str, Any]:
    """The cell's nbgrader metadata, empty where there are none that could be."""
    metadata = cell.get("metadata")
    found = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def grade_id_of(cell: NotebookNode) -> str:
    """The cell's grade_id; empty where there is none that could be."""
    found = nbgrader_of(cell).get("grade_id")
    return found if isinstance(found, str) else ""


@dataclass(frozen=True)
class Cell:
    """One cell: its place (``index`` counts from 0), what it holds, its nbgrader metadata, and the notebook's file."""

    index: int
    kind: str
    source: str
    metadata: Mapping[str, Any]
    path: Path | None = None  # for messages

    @property
    def grade_id(self) -> str:
        """The nbgrader id; empty where there is none."""
        return str(self.metadata.get("grade_id", ""))

    @property
    def name(self) -> str:
        """How a message points at this cell: by its grade_id, or else by its number, counted from 1."""
        return f"Cell {self.grade_id!r}" if self.grade_id else f"Cell {self.index + 1}"

    @property
    def is_code(self) -> bool:
        """Whether it is a code cell."""
        return self.kind == "code"

    @property
    def lines(self) -> list[str]:
        """The cell's lines, as they stand between its newlines."""
        return self.source.split("\n")

    def has(self, role: str) -> bool:
        """Whether nbgrader's metadata give the cell that role (``grade``, ``solution``, ``locked``)."""
        return self.metadata.get(role) is True

    @property
    def points(self) -> float:
        """What a grade cell is worth; CourseError if that is no number above 0."""
        points = self.metadata.get("points")
        if isinstance(points, bool) or not isinstance(points, int | float) or not 0 < points < math.inf:
            raise self.fault(f"its metadata give it {points!r} points.", "Give it points above 0 in Jupyter.")
        return points

    @property
    def defines(self) -> tuple[str, ...]:
        """The names that its top-level statements bind, functions and classes first; CourseError if it is no Python."""
        body = [node for node in self.python[1].body if not isinstance(node, ast.Import | ast.ImportFrom)]
        first = [node.name for node in body if isinstance(node, DEFINITIONS)]
        return tuple(dict.fromkeys([*first, *sorted(name for node in body for name in bound_names(node))]))

    def fault(self, message: str, next_step: str, row: int | None = None) -> CourseError:
        """The fault to raise: ``row`` counts from 0, the message's line from 1."""
        file = f"{self.path}: " if self.path else ""
        line = "" if row is None else f", line {row + 1}"
        return CourseError(f"{file}{self.name}{line}: {message}", next_step)

    @property
    def python(self) -> Read:
        """Its Python text, line for line, and its tree (see ``read_python``); CourseError if it does not parse."""
        try:
            return read_python(self.source)
        except SyntaxError as error:
            row = (error.lineno or 1) - 1
            message = f"it does not parse as Python: {error.msg}."
            raise self.fault(message, "Correct the cell in the source notebook.", row) from None


def cells_of(notebook: NotebookNode, path: Path | None = None) -> tuple[Cell, ...]:
    """All cells of a notebook, in order; ``path`` is the file that messages name."""
    return tuple(
        Cell(index, str(cell.cell_type), str(cell.source), nbgrader_of(cell), path)
        for index, cell in enumerate(notebook.cells)
    )


def read_course_notebook(path: Path) -> NotebookNode:
    """A notebook that the course itself holds; CourseError says why it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CourseError(f"There is no notebook {path}.", "Write it, or name the course's own folder.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"The notebook {path} cannot be read: {error}.", "Save it again in Jupyter.") from error
    try:
        raw = json.loads(text)
        ids = [cell.get("id") for cell in raw["cells"]]
        if raw["nbformat"] != 4:
            raise ValueError(f"it is in nbformat {raw['nbformat']}")
        if raw["nbformat_minor"] >= 5 and (None in ids or len(set(ids)) < len(ids)):
            raise ValueError("cells without an id, or two with the same one")  # nbformat would make up new ones
        notebook: NotebookNode = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise CourseError(f"{path} is no valid notebook ({reason}).", "Open it in Jupyter and save it.") from error
    return notebook
