"""A notebook's cells as the author's tools see them: their kind, their nbgrader metadata and their names."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nbformat import NotebookNode

from autograder.errors import CourseError

# lines that IPython understands and Python does not: %magic, !shell, help?, and assignments from the first two
_IPYTHON = re.compile(r"(?P<indent>\s*)(?:[%!?].*|[\w.,\s]+=\s*[%!].*|.*\?\s*)")


@dataclass(frozen=True)
class Cell:
    """One cell: where it stands (``index`` counts from 0), what it holds, and its nbgrader metadata."""

    index: int
    kind: str
    source: str
    metadata: Mapping[str, Any]

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

    def fault(self, message: str, next_step: str, row: int | None = None) -> CourseError:
        """The fault to raise: ``row`` counts from 0, the message's line from 1."""
        where = self.name if row is None else f"{self.name}, line {row + 1}"
        return CourseError(f"{where}: {message}", next_step)

    @cached_property
    def parsed(self) -> tuple[str, ast.Module]:
        """Its Python text, line for line, and its tree (see ``parse_cell``); CourseError if it does not parse."""
        try:
            return parse_cell(self.source)
        except SyntaxError as error:
            row = (error.lineno or 1) - 1
            message = f"it does not parse as Python: {error.msg}."
            raise self.fault(message, "Mend the cell in the source notebook.", row) from None


def cells_of(notebook: NotebookNode) -> tuple[Cell, ...]:
    """All cells of a notebook, in order."""
    return tuple(
        Cell(index, str(cell.cell_type), str(cell.source), _metadata(cell)) for index, cell in enumerate(notebook.cells)
    )


def _metadata(cell: NotebookNode) -> Mapping[str, Any]:
    metadata = cell.metadata.get("nbgrader", {})
    return metadata if isinstance(metadata, dict) else {}


def parse_cell(source: str) -> tuple[str, ast.Module]:
    """Python text and tree of a code cell, line for line; SyntaxError if it is neither Python nor IPython.

    An IPython line is only taken for one where Python stumbles over it, since ``% b`` may also continue an expression.
    """
    if source.lstrip().startswith("%%"):
        source = "\n" * source.count("\n")
    while True:
        try:
            return source, ast.parse(source)
        except ValueError as error:  # a null byte
            raise SyntaxError(str(error)) from None
        except SyntaxError as error:
            lines = source.split("\n")
            row = (error.lineno or 1) - 1
            found = _IPYTHON.fullmatch(lines[row]) if row < len(lines) else None
            if found is None:
                raise
            lines[row] = f"{found['indent']}pass"
            source = "\n".join(lines)
