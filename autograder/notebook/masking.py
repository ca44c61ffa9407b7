"""A cell's text with all masked out that is not run, every other line in its old place."""

import ast
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence

from autograder.notebook.python import HOLDERS, inner


def masked(
    source: str, statements: Sequence[ast.stmt], kept: Collection[ast.stmt], replaced: Mapping[ast.AST, str]
) -> str:
    """The source with ``pass`` in place of each statement that is not kept, unless it is ``replaced`` by another text.

    Parts of kept statements can be replaced too.
    """
    text = source.encode()  # columns in the syntax tree count bytes
    starts = [0, *itertools.accumulate(len(line) + 1 for line in text.split(b"\n"))]
    parts, place = [], 0
    for node in sorted(_dropped(statements, kept, replaced), key=lambda node: (node.lineno, node.col_offset)):
        last, column = node.end_lineno or node.lineno, node.end_col_offset or 0
        parts += [text[place : starts[node.lineno - 1] + node.col_offset], replaced.get(node, "pass").encode()]
        place = starts[last - 1] + column
        if last > node.lineno:
            alone = not text[place : starts[last]].split(b"#")[0].strip()
            # what follows in the last line goes on as the same line of Python
            parts.append((b"\n" if alone else b"\\\n") * (last - node.lineno))
    return b"".join([*parts, text[place:]]).decode()


def _dropped(
    statements: Sequence[ast.stmt], kept: Collection[ast.stmt], replaced: Mapping[ast.AST, str]
) -> Iterator[ast.stmt | ast.expr]:
    """The outermost statements that are not kept, and what is replaced of those that are."""
    waiting = list(statements)
    while waiting:
        node = waiting.pop()
        if node not in kept:
            yield node
            continue
        waiting.extend(inner(node))
        if not replaced:
            continue
        parts = [item.context_expr for item in node.items] if isinstance(node, ast.With) else ast.walk(node)
        if not isinstance(node, HOLDERS) or isinstance(node, ast.With):
            yield from (each for each in parts if isinstance(each, ast.stmt | ast.expr) and each in replaced)
