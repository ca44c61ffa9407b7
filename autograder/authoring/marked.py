"""Reads the blanks of a source notebook's cell from between its markers."""

import ast
import io
import token
import tokenize

from autograder.authoring.blanks import Blank, BlockBlank, InlineBlank, WrittenBlank, rows_inside_strings
from autograder.authoring.markers import Kind, Stretch, stretches_of
from autograder.notebook.cells import Cell

_ASSIGNMENT = "An inline marker ends a line that is one assignment, '<name> = <expression>  ### SOLUTION <id>'."
_NO_WORDS = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, token.INDENT, token.DEDENT})


def blanks_of(cell: Cell) -> tuple[Blank, ...]:
    """The cell's blanks, from top to bottom; CourseError if the cell or one of its markers is amiss."""
    stretches = [stretch for stretch in stretches_of(cell) if stretch.kind != Kind.SCHEME]
    if stretches and not cell.has("solution"):
        message = "a solution is marked in a cell that nbgrader does not know as a solution cell."
        step = "Give its nbgrader metadata 'solution': true, or take the marker out."
        raise cell.fault(message, step, stretches[0].first)
    if not cell.is_code:
        return tuple(_written(cell, stretch) for stretch in stretches)
    text, tree = cell.python  # whether or not it holds a marker: students are to run every cell
    if not stretches:
        return ()
    lines = text.split("\n")
    for row in (row for stretch in stretches for row in (stretch.first, stretch.last)):
        if lines[row].rstrip() != cell.lines[row].rstrip():
            message = "a marker stands in a line that is not plain Python, or in a cell that is indented as a whole."
            raise cell.fault(message, "Write it without magics, prompts and common indentation.", row)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    return tuple(
        _inline(cell, tree, tokens, stretch) if stretch.kind == Kind.INLINE else _block(cell, tree, tokens, stretch)
        for stretch in stretches
    )


def _written(cell: Cell, stretch: Stretch) -> WrittenBlank:
    answer = "\n".join(cell.lines[stretch.first + 1 : stretch.last])
    if not answer.strip():
        raise cell.fault("the model answer is empty.", "Write it between the markers.", stretch.first)
    return WrittenBlank(stretch.id, stretch.first, stretch.last, answer)


def _inline(cell: Cell, tree: ast.Module, tokens: list[tokenize.TokenInfo], stretch: Stretch) -> InlineBlank:
    row, line = stretch.first, cell.lines[stretch.first]
    here = [found for found in tokens if found.start[0] == row + 1 == found.end[0]]
    comment = _comment(cell, here, row)
    target = _target(cell, tree, row)
    after = len(line.encode()[: target.end_col_offset].decode())
    words = [found for found in here if found.start[1] >= after and found.type not in _NO_WORDS]
    equals = next(place for place, found in enumerate(words) if found.string == "=")
    value = words[equals + 1 :]
    if value[-1].string == ";":
        raise cell.fault("the marked assignment ends with a semicolon.", _ASSIGNMENT, row)
    start, end = value[0].start[1], value[-1].end[1]
    remark = comment.string.rpartition("### SOLUTION")[0].strip().rstrip("#").strip()
    return InlineBlank(stretch.id, row, row, line[start:end], head=line[:start], comment=remark)


def _comment(cell: Cell, here: list[tokenize.TokenInfo], row: int) -> tokenize.TokenInfo:
    """The comment that holds the marker: in a string it would be no marker at all."""
    for found in here:
        if found.type == tokenize.COMMENT:
            return found
    raise cell.fault("a marker stands inside a string.", "Take it out of the string.", row)


def _target(cell: Cell, tree: ast.Module, row: int) -> ast.expr:
    """What stands left of the equals sign of the one assignment in that row."""
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and not _holds_others(node) and node.lineno <= row + 1 <= (node.end_lineno or 0)
    ]
    if len(found) != 1 or not isinstance(found[0], ast.Assign | ast.AnnAssign) or found[0].value is None:
        raise cell.fault("an inline marker stands on a line that is not one assignment.", _ASSIGNMENT, row)
    if found[0].lineno != found[0].end_lineno:
        message = "the marked assignment spans several lines."
        raise cell.fault(message, "Write it in one line, or mark it as a block.", row)
    return found[0].targets[-1] if isinstance(found[0], ast.Assign) else found[0].annotation


def _holds_others(node: ast.stmt) -> bool:
    return hasattr(node, "body") or isinstance(node, ast.Match)


def _block(cell: Cell, tree: ast.Module, tokens: list[tokenize.TokenInfo], stretch: Stretch) -> BlockBlank:
    for row in (stretch.first, stretch.last):
        _comment(cell, [found for found in tokens if found.start[0] == row + 1], row)
    rows = range(stretch.first + 2, stretch.last + 1)  # of what stands between the markers, counted from 1
    inside = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno in rows]
    if not inside:
        raise cell.fault("no statement stands between the markers.", "Write the solution there.", stretch.first)
    first = min(inside, key=lambda node: node.lineno)
    whole = all((node.end_lineno or 0) in rows and node.col_offset >= len(stretch.indent) for node in inside)
    if not whole or first.col_offset != len(stretch.indent):
        message = "what stands between the markers is not whole statements at the markers' indentation."
        raise cell.fault(message, "Indent the markers like the statements, and mark whole statements.", stretch.first)
    function = _function(tree, stretch.first + 1, first.lineno)
    if not function:
        message = "a block of a solution stands outside any function."
        raise cell.fault(message, "Put it into a function: the release's stub must not stop the cell.", stretch.first)
    solution = _dedented(cell, tokens, stretch)
    return BlockBlank(stretch.id, stretch.first, stretch.last, solution, indent=stretch.indent, function=function)


def _dedented(cell: Cell, tokens: list[tokenize.TokenInfo], stretch: Stretch) -> str:
    inside = rows_inside_strings(tokens)
    rows = range(stretch.first + 1, stretch.last)
    lines = cell.lines
    return "\n".join(lines[row] if row in inside else lines[row].removeprefix(stretch.indent) for row in rows)


def _function(tree: ast.AST, marker: int, statement: int) -> str:
    """The qualified name of the innermost function that holds both lines; empty if there is none."""
    scopes = [
        node
        for node in ast.walk(tree)  # from the outside in
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.lineno <= marker
        and statement <= (node.end_lineno or 0)
    ]
    return "" if not scopes or isinstance(scopes[-1], ast.ClassDef) else ".".join(node.name for node in scopes)
