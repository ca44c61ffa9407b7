"""The notebook's format: an intact notebook is recognised at once, and every other is brought into nbformat 4.5."""

import copy
import re
from collections.abc import Sequence
from typing import Any

from nbformat import NotebookNode

from autograder.notebook.cells import grade_id_of, nbgrader_of
from autograder.repair.cells import Model, Piece, Story
from autograder.repair.restoring import changed_fields
from autograder.repair.text import defined, indented, plain, tree_of

MINOR = 5  # the first nbformat 4.x with cell ids
_ID = re.compile(r"[a-zA-Z0-9-_]{1,64}")


def intact(notebook: NotebookNode, models: Sequence[Model], release: NotebookNode) -> bool:
    """Whether the release's cells are all there, in order and as released, and no other cell meddles with them."""
    cells = notebook.cells
    if notebook.get("nbformat") != 4 or notebook.get("nbformat_minor", 0) < MINOR or _kernel_faults(notebook, release):
        return False
    ids = [cell.get("id") for cell in cells]
    if not all(isinstance(item, str) and _ID.fullmatch(item) for item in ids) or len(set(ids)) < len(ids):
        return False
    if not all(isinstance(cell.source, str) and cell.source == plain(cell.source) for cell in cells):
        return False
    known = [cell for cell in cells if "nbgrader" in cell.metadata]
    if len(known) != len(models) or not all(map(_as_released, known, models)):
        return False
    heads = {model.defines[0] for model in models if model.defines}
    texts = {tuple(model.lines) for model in models if model.locked}
    return not any(_meddles(cell, heads, texts) for cell in cells if "nbgrader" not in cell.metadata)


def _as_released(cell: NotebookNode, model: Model) -> bool:
    if changed_fields(nbgrader_of(cell), model) or cell.cell_type != model.node.cell_type:
        return False
    if cell.id != model.node.id or cell.metadata.get("tags") != model.node.metadata.get("tags"):
        return False
    if model.locked:
        return bool(cell.source == model.source)
    return not model.defines or (model.defines[0] in defined(cell.source) and tree_of(cell.source) is not None)


def _meddles(cell: NotebookNode, heads: set[str], texts: set[tuple[str, ...]]) -> bool:
    """Whether a cell of the student's own defines what a cell of the release does, or is a part or a copy of one."""
    piece = Piece(cell, 0)
    return bool(defined(cell.source) & heads) or indented(cell.source) or tuple(piece.lines) in texts


def _kernel_faults(notebook: NotebookNode, release: NotebookNode) -> list[str]:
    """Which of the notebook's metadata name another language or kernel than the release's.

    Jupyter and Colab write them anew with other words for the same kernel, which is no fault.
    """
    faults = []
    for name, key in (("kernelspec", "language"), ("language_info", "name")):
        ours, theirs = release.metadata.get(name), notebook.metadata.get(name)
        if not isinstance(ours, dict):
            continue
        fine = isinstance(theirs, dict) and theirs.get(key, ours.get(key)) == ours.get(key)
        if name == "kernelspec":
            fine = fine and theirs.get("name") == ours.get("name")
        if not (fine or (theirs is None and name == "language_info")):
            faults.append(name)
    return faults


def normal(notebook: NotebookNode, release: NotebookNode, story: Story) -> tuple[NotebookNode, list[Piece]]:
    """A copy in nbformat 4.5 and its cells, every field of a type that can be worked with."""
    mended = copy.deepcopy(notebook)
    if not isinstance(mended.get("metadata"), dict):
        mended["metadata"] = NotebookNode()
    for name in _kernel_faults(mended, release):
        mended.metadata[name] = copy.deepcopy(release.metadata[name])
        story.tell(f"The notebook's {name} named another kernel, or none; the release's was restored.")
    minor = mended.get("nbformat_minor")
    if mended.get("nbformat") != 4 or not isinstance(minor, int) or minor < MINOR:
        story.tell(f"The notebook was saved in format 4.{minor}, an older one; it was brought to 4.{MINOR}.")
        mended.nbformat, mended.nbformat_minor = 4, MINOR
    pieces = [Piece(_normal_cell(cell), number) for number, cell in enumerate(mended.cells, start=1)]
    odd = [piece for piece in pieces if piece.text != plain(piece.text)]
    for piece in odd:
        piece.node["source"] = plain(piece.text)
    if odd:
        count = "A cell" if len(odd) == 1 else f"{len(odd)} cells"
        story.tell(f"{count} had Windows line ends or a byte-order mark, which were taken out.")
    return mended, pieces


def _normal_cell(cell: NotebookNode) -> NotebookNode:
    source = cell.get("source", "")
    cell["source"] = "".join(map(str, source)) if isinstance(source, list) else str(source)
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = NotebookNode()
    if "nbgrader" in cell["metadata"] and not isinstance(cell["metadata"]["nbgrader"], dict):
        del cell["metadata"]["nbgrader"]
    if "nbgrader" in cell["metadata"] and not grade_id_of(cell):
        del cell["metadata"]["nbgrader"]
    Piece(cell, 0).become(cell["cell_type"])
    return cell


def give_ids(pieces: Sequence[Piece], models: dict[int, Model], story: Story) -> None:
    """Give every cell an id that no other has, the release's to the release's cells: id of the piece -> model."""
    reserved = {str(model.node.id): key for key, model in models.items() if "id" in model.node}
    taken: set[Any] = set()
    changed = 0
    for number, piece in enumerate(pieces, start=1):
        old = piece.node.get("id")
        wanted = models[id(piece)].node.get("id") if id(piece) in models else old
        if not _free(wanted, id(piece), taken, reserved):
            wanted = next(
                name
                for again in range(len(pieces) + 1)
                if _free(name := f"cell-{number}" + f"-{again}" * bool(again), id(piece), taken, reserved)
            )
        changed += old is not None and old != wanted
        piece.node["id"] = wanted
        taken.add(wanted)
    if changed:
        what = "A cell" if changed == 1 else f"{changed} cells"
        story.tell(f"{what} had another cell id than the release's, or one that is no id; it was replaced.")


def _free(name: object, key: int, taken: set[Any], reserved: dict[str, int]) -> bool:
    if not isinstance(name, str) or not _ID.fullmatch(name) or name in taken:
        return False
    return reserved.get(name, key) == key
