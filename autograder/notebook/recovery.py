"""What can be taken from a cell that does not parse: all but the functions in which the faults stand.

The cell is cut where a line that is not indented begins a statement, and a class that does not parse is cut before each
of its methods. Every part is parsed by itself, once. A function that does not parse becomes one that says so.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from autograder.notebook.ipython import open_after, without_ipython
from autograder.notebook.python import LONGEST, parsed

_FUNCTION = re.compile(r"[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)")
_CLASS = re.compile(r"class[ \t]+(\w+)")
MOST = 50  # parts that do not parse: of a cell with more nothing is taken
_ON = re.compile(r"(?:else|elif|except|finally|case)\b|[)\]}]")  # what goes on with the statement above


class Recovered(NamedTuple):
    """The text line for line, its tree, and the names of functions (or of classes as a whole) that do not parse."""

    text: str
    tree: ast.Module
    broken: Mapping[str, SyntaxError]


def recovered(source: str, label: str) -> Recovered | None:
    """What can be taken from a cell that does not parse; None if nothing can. ``label`` is what the cell is called."""
    if len(source) > LONGEST:
        return None
    lines = without_ipython(source.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    broken: dict[str, SyntaxError] = {}
    faults = 0
    for first, last in _parts(lines, ""):
        error = _fault(lines[first:last], first)
        if error is None:
            continue
        faults += 1
        if faults + len(broken) > MOST:
            return None
        head = next((line for line in lines[first:last] if not line.startswith(("@", "#"))), "")
        if found := _CLASS.match(head):
            _mend_class(lines, first, last, found[1], label, broken)
        elif found := _FUNCTION.match(head):
            _replace(lines, first, last, label, error)
            broken[found[1]] = error
        else:
            lines[first:last] = [""] * (last - first)
    text = "\n".join(lines)
    try:
        return Recovered(text, parsed(text), broken) if text.strip() else None
    except SyntaxError:
        return None


def _mend_class(lines: list[str], first: int, last: int, name: str, label: str, broken: dict[str, SyntaxError]) -> None:
    """Replace the methods that do not parse; the whole class where that is not enough."""
    indents = [found.group() for line in lines[first + 1 : last] if (found := re.match(r"[ \t]+(?=\S)", line))]
    begins = [first + start for start, _ in _parts(lines[first:last], indents[0] if indents else " ")]
    faults: dict[str, SyntaxError] = {}
    for start, end in zip(begins, [*begins[1:], last], strict=False):
        head = next((line for line in lines[start:end] if not line.lstrip().startswith(("@", "#"))), "")
        method = _FUNCTION.match(head)
        if (
            len(faults) < MOST
            and method
            and head[:1].isspace()
            and (error := _fault(["class _:", *lines[start:end]], start - 1))
        ):
            _replace(lines, start, end, label, error)
            faults[f"{name}.{method[1]}"] = error
    if error := _fault(lines[first:last], first):
        lines[first:last] = [""] * (last - first)
        faults = {name: error}
    broken |= faults


def _replace(lines: list[str], first: int, last: int, label: str, error: SyntaxError) -> None:
    """Put a function in the place of one that does not parse, which raises that error when it is called."""
    head = next(line for line in lines[first:last] if _FUNCTION.match(line))
    name = _FUNCTION.match(head)
    assert name is not None
    indent = head[: len(head) - len(head.lstrip())]
    place = (label, error.lineno or first + 1, 0, "")
    made = f"{indent}def {name[1]}(*_, **__): raise SyntaxError({error.msg!r}, {place!r})"
    lines[first:last] = [made, *[""] * (last - first - 1)]


def _fault(lines: Sequence[str], before: int) -> SyntaxError | None:
    """Why the lines do not parse, with the cell's line where ``before`` others stand above; None if they do."""
    try:
        parsed("\n".join(lines))
    except SyntaxError as error:
        error.lineno = (error.lineno or 1) + before
        return error
    return None


def _parts(lines: Sequence[str], indent: str) -> Iterator[tuple[int, int]]:
    """First line and end of each statement that is indented so far; what stands before the first belongs to none."""
    begins: list[int] = []
    quote, depth, decorated = "", 0, False
    for number, line in enumerate(lines):
        text = line[len(indent) :] if line.startswith(indent) else ""
        here = bool(text) and not text[0].isspace() and text[0] != "#"
        anew = here and bool(_FUNCTION.match(text) or _CLASS.match(text) or (text[0] == "@" and not quote))
        if here and (anew or not (quote or depth)) and not _ON.match(text):
            if not decorated:
                begins.append(number)
            quote, depth = "", 0  # a bracket that is open still is the fault of the part above
            decorated = text[0] == "@"
        quote, depth = open_after(line, quote, depth)
    yield from zip(begins, [*begins[1:], len(lines)], strict=True) if begins else ()
