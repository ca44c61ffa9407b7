"""The blanks of a source notebook: what a cell shows while they are open, and once they are filled in."""

import io
import token
import tokenize
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Blank(ABC):
    """A stretch of a cell that students fill in: rows ``first`` to ``last``, counted from 0, markers included."""

    id: str
    first: int
    last: int
    solution: str

    @abstractmethod
    def opened(self) -> str:
        """What the release shows in its place."""

    @abstractmethod
    def filled(self, text: str) -> str:
        """What stands in its place once that text is filled in; empty where nothing does."""


@dataclass(frozen=True)
class InlineBlank(Blank):
    """The right side of an assignment; ``head`` is all that stands left of it, ``comment`` what stands right of it."""

    head: str
    comment: str

    def opened(self) -> str:
        """An ellipsis: it parses and runs, and whatever is computed from it fails at once."""
        return "  ".join(filter(None, (f"{self.head}...", "# YOUR CODE HERE", self.comment)))

    def filled(self, text: str) -> str:
        """The line with that expression."""
        return "  ".join(filter(None, (f"{self.head}{text.strip()}", self.comment)))


@dataclass(frozen=True)
class BlockBlank(Blank):
    """Whole statements, at ``indent``, in the function of that qualified name; ``solution`` is dedented."""

    indent: str
    function: str

    def opened(self) -> str:
        """A stub that says where it stands when it is run."""
        stub = f'raise NotImplementedError("YOUR CODE HERE in {self.function}")'
        return f"{self.indent}# YOUR CODE HERE\n{self.indent}{stub}"

    def filled(self, text: str) -> str:
        """The statements at the block's indentation."""
        return reindented(text.strip("\n"), self.indent)


@dataclass(frozen=True)
class WrittenBlank(Blank):
    """The model answer of a written question, in a markdown cell."""

    def opened(self) -> str:
        """Where the answer goes."""
        return "*YOUR ANSWER HERE*"

    def filled(self, text: str) -> str:
        """The answer itself."""
        return text


def rewritten(source: str, blanks: Sequence[Blank], text_of: Callable[[Blank], str]) -> str:
    """A cell's source with its blanks, markers and all, replaced by a text each (by no line at all if it is empty)."""
    lines = source.split("\n")
    for blank in sorted(blanks, key=lambda blank: blank.first, reverse=True):
        text = text_of(blank)
        lines[blank.first : blank.last + 1] = text.split("\n") if text else []
    return "\n".join(lines)


def reindented(text: str, indent: str) -> str:
    """The lines of dedented Python at that indentation; what stands inside a string of several lines is left alone."""
    try:
        inside = rows_inside_strings(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):  # a text that does not parse is wanted now and then
        inside = set()
    return "\n".join(
        line if row in inside or not line.strip() else f"{indent}{line}" for row, line in enumerate(text.split("\n"))
    )


def rows_inside_strings(tokens: Iterable[tokenize.TokenInfo]) -> set[int]:
    """The rows, counted from 0, that begin inside a string: their indentation is part of a value."""
    rows: set[int] = set()
    f_string_start = getattr(token, "FSTRING_START", -1)  # Python 3.12 splits f-strings into tokens
    f_string_end = getattr(token, "FSTRING_END", -1)
    opened: list[int] = []
    for found in tokens:
        if found.type == f_string_start:
            opened.append(found.start[0])
        elif found.type in (tokenize.STRING, f_string_end):
            first = opened.pop() if found.type == f_string_end else found.start[0]
            rows.update(range(first, found.end[0]))
    return rows
