"""The text of cells, read without running it: lines, and what Python defines, whether or not the whole of it parses."""

import ast
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from autograder.notebook import python
from autograder.notebook.python import DEFINITIONS, bound_names, structure

LONGEST = 200_000  # characters of a cell that is looked into
_DEFINITION = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)[ \t]*[(:\[]", re.M)
_ASSIGNED = re.compile(r"^(\w+)\s*(?::[^=]*)?=(?!=)")
_TRIPLE = re.compile(r"'''|\"\"\"")
_OF_A_FUNCTION = ast.Return | ast.Yield | ast.YieldFrom
_OF_A_LOOP = ast.Break | ast.Continue


def plain(text: str) -> str:
    """The text with plain newlines and without byte-order marks."""
    return text.replace("\ufeff", "").replace("\r\n", "\n").replace("\r", "\n")


@lru_cache(maxsize=4096)
def lines_of(text: str) -> list[str]:
    """The lines, free of what trails, without blank ones at either end; nobody changes the list."""
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    first = next((place for place, line in enumerate(lines) if line), 0)
    return lines[first:]


def tree_of(text: str) -> ast.Module | None:
    """The syntax tree of a cell on its own lines; None if it is not Python, or too long to be looked into."""
    return python.tree_of(text, LONGEST)


@lru_cache(maxsize=4096)
def defined(text: str) -> frozenset[str]:
    """The functions and classes that stand at the top level, found by their first lines; the text need not parse."""
    return frozenset(_DEFINITION.findall(text)) if len(text) <= LONGEST else frozenset()


def chunks(text: str) -> list[tuple[int, set[str]]]:
    """Where each top-level statement begins (its line, from 0, decorators and comments above included), what it binds.

    A text that does not parse is read line by line: what is not indented begins a statement.
    """
    tree = tree_of(text)
    return _chunks_by_line(text) if tree is None else _chunks_of(text.split("\n"), tree)


def _chunks_of(lines: Sequence[str], tree: ast.Module) -> list[tuple[int, set[str]]]:
    found: list[tuple[int, set[str]]] = []
    end = 0  # the line after the statement before
    for node in tree.body:
        if node.lineno <= end:  # several statements share a line
            found[-1][1].update(bound_names(node))
        else:
            while end < node.lineno - 1 and (not lines[end].strip() or lines[end][:1].isspace()):
                end += 1
            found.append((min(end, node.lineno - 1), bound_names(node)))
        end = node.end_lineno or node.lineno
    return found


def _chunks_by_line(text: str) -> list[tuple[int, set[str]]]:
    found: list[tuple[int, set[str]]] = []
    inside, comments = False, None  # within a string of several lines; the first of the comment lines above
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not inside and line.startswith("#"):
            comments = number if comments is None else comments
        elif not inside and line[:1] not in ("", " ", "\t", ")", "]", "}"):
            names = set(_DEFINITION.findall(line)) | set(_ASSIGNED.findall(line))
            if found and lines[found[-1][0]].startswith("@") and not found[-1][1]:
                found[-1][1].update(names)  # what stands under a decorator
            else:
                found.append((number if comments is None else comments, names))
            comments = None
        elif line.strip():
            comments = None
        inside ^= len(_TRIPLE.findall(line)) % 2 == 1
    return found


def indented(text: str) -> bool:
    """Whether the text's first line of code is indented, as where a cell was split within a function."""
    first = next((line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")), "")
    return first[:1].isspace()


def stands_alone(text: str) -> bool:
    """Whether IPython would take the text for a whole cell: it forgives indentation that all lines share."""
    tree = tree_of(text)
    waiting: list[tuple[ast.AST, bool]] = [(node, False) for node in tree.body] if tree else []
    while waiting:
        node, looped = waiting.pop()
        if isinstance(node, _OF_A_FUNCTION) or (isinstance(node, _OF_A_LOOP) and not looped):
            return False
        if not isinstance(node, (*DEFINITIONS, ast.Lambda)):
            looped = looped or isinstance(node, ast.For | ast.AsyncFor | ast.While)
            waiting.extend((child, looped) for child in ast.iter_child_nodes(node))
    return tree is not None


def same_code(one: str, other: str) -> bool:
    """Whether two texts are the same but for layout and comments."""
    if lines_of(one) == lines_of(other):
        return True
    ours, theirs = _structure(one), _structure(other)
    return ours is not None and ours == theirs


@lru_cache(maxsize=64)
def _structure(text: str) -> str | None:
    """The text's syntax tree as text; None if it is not Python."""
    tree = tree_of(text)
    return None if tree is None else structure(tree)


def run_of(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether the lines of the part stand one after the other among those of the whole."""
    return bool(part) and "\n".join(["", *part, ""]) in "\n".join(["", *whole, ""])


def shared(text: str, model: str) -> int:
    """How many lines of the model the text holds, wherever they stand."""
    ours = Counter(line.strip() for line in model.split("\n") if len(line.strip()) > 1)
    theirs = Counter(line.strip() for line in text.split("\n"))
    return (ours & theirs).total()
