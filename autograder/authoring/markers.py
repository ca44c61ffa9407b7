"""The markers of a source notebook: where solutions and mark schemes begin and end. One cell at a time, and strictly.

    y = 2 * x  ### SOLUTION double.y                        a blank inside a line

    ### BEGIN SOLUTION double.body                          a blank of whole lines, or a written answer's model
    ### END SOLUTION

    ### BEGIN MARK SCHEME                                   for markers' eyes, in a markdown cell
    ### END MARK SCHEME

A slip of a marker would put a solution into students' hands, so whatever looks like a marker must be one. In code that
is every comment with three number signs.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from autograder.notebook.cells import Cell

FORMS = (
    "A marker reads '### SOLUTION <id>' at the end of an assignment, or '### BEGIN SOLUTION <id>' and"
    " '### END SOLUTION', or '### BEGIN MARK SCHEME' and '### END MARK SCHEME', each on a line of its own."
)

_ON_ITS_OWN = re.compile(
    r"(?P<indent>[ \t]*)### (?P<words>(?:BEGIN|END) (?:SOLUTION|MARK SCHEME))(?: (?P<id>[\w.-]+))?\s*"
)
_IN_A_LINE = re.compile(r".*\S\s+### SOLUTION (?P<id>[\w.-]+)\s*")

_ALIKE = (
    r"#*[ \t]*(?:BEGIN|END)[\s_-]*(?:SOLUTION|MARK[\s_-]*SCHEME)"
    r"|#+[ \t]*(?i:(?:BEGIN|END)[\s_-]*SOLUTION)"
    r"|#+[^#\n]*(?i:MARK[\s_-]*SCHEME)"
    r"|#+[ \t]*SOLUTION"
)
_ALIKE_IN_MARKDOWN = re.compile(_ALIKE)
# in markdown these may well be headings; in code a word that is not quite SOLUTION would leave one in the release
_ALIKE_IN_CODE = re.compile(_ALIKE + r"|##+[ \t]*(?i:SOLUTION)|###+[ \t]*(?=\w)")


class Kind(StrEnum):
    """What a marked stretch of a cell is."""

    INLINE = "SOLUTION"
    BLOCK = "BEGIN SOLUTION"
    SCHEME = "BEGIN MARK SCHEME"


_ENDS = {"END SOLUTION": Kind.BLOCK, "END MARK SCHEME": Kind.SCHEME}


@dataclass(frozen=True)
class Stretch:
    """A marked part of a cell: rows ``first`` to ``last``, counted from 0, the markers' own rows included."""

    kind: Kind
    id: str
    first: int
    last: int
    indent: str = ""


@dataclass(frozen=True)
class _Marker:
    words: str
    id: str
    row: int
    indent: str


def stretches_of(cell: Cell) -> tuple[Stretch, ...]:
    """The marked stretches of a cell, from top to bottom; CourseError names cell and line of a marker that is amiss."""
    found: list[Stretch] = []
    opened: _Marker | None = None
    for marker in _markers(cell):
        if marker.words in _ENDS:
            found.append(_closed(cell, opened, marker))
            opened = None
        elif opened is not None:
            message = f"a marker stands inside the stretch that '### {opened.words}' opens in line {opened.row + 1}."
            raise cell.fault(message, "Markers do not nest: end the first stretch before the next begins.", marker.row)
        elif marker.words == Kind.INLINE:
            found.append(Stretch(Kind.INLINE, marker.id, marker.row, marker.row))
        else:
            opened = marker
    if opened is not None:
        message = f"'### {opened.words}' is never ended."
        raise cell.fault(message, f"Add '### {opened.words.replace('BEGIN', 'END')}' below it.", opened.row)
    return tuple(found)


def _closed(cell: Cell, opened: _Marker | None, end: _Marker) -> Stretch:
    kind = _ENDS[end.words]
    if opened is None or opened.words != kind:
        step = f"Add '### {kind.value}' above it, or take it out."
        raise cell.fault(f"'### {end.words}' ends nothing.", step, end.row)
    if opened.indent != end.indent:
        message = f"'### {end.words}' is not indented like the marker in line {opened.row + 1} that it ends."
        raise cell.fault(message, "Give both markers the indentation of what stands between them.", end.row)
    return Stretch(kind, opened.id, opened.row, end.row, opened.indent)


def _markers(cell: Cell) -> list[_Marker]:
    alike = _ALIKE_IN_CODE if cell.is_code else _ALIKE_IN_MARKDOWN
    found = []
    for row, line in enumerate(cell.lines):
        times = len(alike.findall(line))
        if times > 1:
            raise cell.fault("two markers stand in one line.", "Give each blank a line of its own.", row)
        if times:
            found.append(_marker(cell, row, line))
    return found


def _marker(cell: Cell, row: int, line: str) -> _Marker:
    alone = _ON_ITS_OWN.fullmatch(line)
    if alone is not None:
        words, name = alone["words"], alone["id"] or ""
        if (words == Kind.BLOCK) != bool(name):
            wrong = "takes no id" if name else "lacks the id of its blank"
            raise cell.fault(f"'### {words}' {wrong}.", FORMS, row)
        if "SCHEME" in words and cell.kind != "markdown":
            raise cell.fault(f"a mark scheme stands in a {cell.kind} cell.", "Move it to a markdown cell.", row)
        return _Marker(words, name, row, alone["indent"])
    inside = _IN_A_LINE.fullmatch(line) if cell.is_code else None
    if inside is None:
        raise cell.fault(f"{line.strip()!r} looks like a marker, but is none.", FORMS, row)
    return _Marker(Kind.INLINE, inside["id"], row, "")
