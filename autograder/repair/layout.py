"""The notebook's format: cells in which nothing is to be repaired are recognised, and all come into nbformat 4.5."""

import copy
import itertools
import re
from collections.abc import Sequence

from nbformat import NotebookNode

from autograder.notebook.cells import nbgrader_of
from autograder.repair.cells import Model, Piece, head_of
from autograder.repair.restoring import changed_fields
from autograder.repair.text import indented, plain, tree_of

MINOR = 5  # the first nbformat 4.x with cell ids
_ID = re.compile(r"[a-zA-Z0-9-_]{1,64}")


def intact(pieces: Sequence[Piece], models: Sequence[Model]) -> bool:
    """Take the release's cells as they are, if all are there, in order, as released, and no other meddles with them."""
    marked = [piece for piece in pieces if "nbgrader" in piece.node["metadata"]]
    if len(marked) != len(models) or not all(map(_as_released, marked, models)):
        return False
    texts = [model.lines for model in models if model.locked]
    own = [piece for piece in pieces if piece not in marked]
    if any(head_of(piece.text, models) or indented(piece.text) or piece.lines in texts for piece in own):
        return False  # a part or a copy of a cell of the release's
    for piece, model in zip(marked, models, strict=True):
        model.take(piece)
    return True


def _as_released(piece: Piece, model: Model) -> bool:
    theirs, ours = piece.node, model.node
    if theirs["cell_type"] != ours.cell_type or theirs["metadata"].get("tags") != ours.metadata.get("tags"):
        return False
    if changed_fields(nbgrader_of(theirs), model):
        return False
    if model.locked:
        return piece.text == model.source
    return not model.head or (head_of(piece.text, [model]) is model and tree_of(piece.text) is not None)


def _kernel_faults(notebook: NotebookNode, release: NotebookNode) -> list[str]:
    """Which of the notebook's metadata name another language or kernel than the release's.

    Jupyter and Colab write them again with other words for the same kernel, which is no fault.
    """
    faults = []
    for name, key in (("kernelspec", "language"), ("language_info", "name")):
        ours, theirs = release.metadata.get(name), notebook.metadata.get(name)
        theirs = {} if theirs is None else theirs
        if isinstance(ours, dict):
            same = isinstance(theirs, dict) and theirs.get(key, ours.get(key)) == ours.get(key)
            if not same or (name == "kernelspec" and theirs.get("name") != ours.get("name")):
                faults.append(name)
    return faults


def normal(notebook: NotebookNode, release: NotebookNode, story: list[str]) -> tuple[NotebookNode, list[Piece]]:
    """A copy in nbformat 4.5, and its cells with plain line ends."""
    mended = copy.deepcopy(notebook)
    for name in _kernel_faults(mended, release):
        mended.metadata[name] = copy.deepcopy(release.metadata[name])
        story.append(f"The notebook's {name} named another kernel, or none; the release's was restored.")
    minor = mended.get("nbformat_minor")
    if not isinstance(minor, int) or minor < MINOR:
        story.append(f"The notebook was saved in format 4.{minor}, an older one; it was brought to 4.{MINOR}.")
        mended.nbformat_minor = MINOR
    pieces = [Piece(cell, number) for number, cell in enumerate(mended.cells, start=1)]
    odd = [piece for piece in pieces if piece.text != plain(piece.text)]
    for piece in odd:
        piece.node["source"] = plain(piece.text)
    if odd:
        count = "A cell" if len(odd) == 1 else f"{len(odd)} cells"
        story.append(f"{count} had Windows line ends or a byte-order mark, which were taken out.")
    for piece in pieces:
        piece.become(piece.node["cell_type"])
    return mended, pieces


def give_ids(pieces: Sequence[Piece], story: list[str]) -> None:
    """Give every cell an id that no other has: the release's to the release's cells, and to others their old one."""
    wanted = [(piece.model or piece).node.get("id") for piece in pieces]
    ours = {new for piece, new in zip(pieces, wanted, strict=True) if piece.model}
    taken: set[str] = set()
    changed = 0
    for number, (piece, new) in enumerate(zip(pieces, wanted, strict=True), start=1):
        if not isinstance(new, str) or not _ID.fullmatch(new) or new in taken or (new in ours and not piece.model):
            names = (f"cell-{number}" + f"-{again}" * bool(again) for again in itertools.count())
            new = next(name for name in names if name not in taken | ours)
        changed += piece.node.get("id") not in (None, new)
        piece.node["id"] = new
        taken.add(new)
    if changed:
        what = "A cell" if changed == 1 else f"{changed} cells"
        story.append(f"{what} had another cell id than the release's, or one that is no id; it was replaced.")
