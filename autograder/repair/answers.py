"""Written answers that stand beside their cell: they are put into it, so that a marker is asked for them."""

import ast
import re
from collections.abc import Iterable, Sequence

from nbformat import NotebookNode

from autograder.notebook.cells import grade_id_of
from autograder.repair.cells import Model, tell_each
from autograder.repair.text import lines_of, tree_of

_COMMENT = re.compile(r"^[ \t]*#+ ?", re.MULTILINE)


def gather(notebook: NotebookNode, release: NotebookNode, models: Sequence[Model], story: list[str]) -> None:
    """Fill answer cells that were left as released with the student's own prose right above or below them."""
    given = {"\n".join(lines_of(str(cell.source))) for cell in release.cells}
    gathered = []
    for model in (each for each in models if each.answer):
        place = next((at for at, cell in enumerate(notebook.cells) if grade_id_of(cell) == model.name), None)
        if place is None or lines_of(str(notebook.cells[place].source)) not in ([], model.lines):
            continue
        above, below = notebook.cells[:place][::-1], notebook.cells[place + 1 :]
        beside = [*reversed(_own_prose(above, given)), *_own_prose(below, given)]
        if not beside:
            continue
        answer = notebook.cells[place]
        answer["source"] = "\n\n".join(map(_prose, beside))
        pictures = {name: each for cell in beside for name, each in dict(cell.get("attachments") or {}).items()}
        if pictures:
            answer["attachments"] = NotebookNode(pictures)
        notebook.cells = [cell for cell in notebook.cells if all(cell is not each for each in beside)]
        gathered.append(model.name)
    tell_each(
        story,
        gathered,
        "The answer to '{name}' stood beside its cell and was put into it.",
        "{count} answers stood beside their cells and were put into them.",
    )


def _own_prose(cells: Iterable[NotebookNode], given: set[str]) -> list[NotebookNode]:
    """The student's own cells of prose at the beginning of these, up to the first that is the release's, or code."""
    found: list[NotebookNode] = []
    for cell in cells:
        lines = lines_of(str(cell.source))
        if (lines and not _is_prose(cell)) or grade_id_of(cell) or "\n".join(lines) in given:
            break
        found += [cell] if lines else []
    return found


def _is_prose(cell: NotebookNode) -> bool:
    """Whether the cell holds words alone: it is no code, or code of nothing but comments and texts."""
    if cell.cell_type != "code":
        return True
    tree = tree_of(str(cell.source))
    return tree is not None and all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for node in tree.body
    )


def _prose(cell: NotebookNode) -> str:
    """The cell's words; a comment's sign would make headings of its lines."""
    text = str(cell.source).strip("\n")
    return _COMMENT.sub("", text) if cell.cell_type == "code" else text
