"""Giving cells that were found what the release says of them: type, metadata, tags, and text where it is locked."""

import ast
import copy
from collections.abc import Sequence
from typing import Any

from autograder.notebook.cells import nbgrader_of
from autograder.notebook.definitions import ASSIGNS
from autograder.notebook.python import bound_names, changed_names
from autograder.repair.cells import Model, Piece, Story
from autograder.repair.matching import Found
from autograder.repair.text import run_of, tree_of

ESSENTIAL = ("grade_id", "grade", "solution", "locked", "points", "task", "schema_version")


def changed_fields(theirs: dict[str, Any], model: Model) -> list[str]:
    """Which of nbgrader's essential fields do not say what the release says."""
    ours = nbgrader_of(model.node)
    return [name for name in ESSENTIAL if not _same(theirs.get(name), ours.get(name))]


def _same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)  # True == 1


def restore(pieces: Sequence[Piece], models: Sequence[Model], found: Found, story: Story) -> list[Piece]:
    """The pieces with all that is the release's restored; what was added to a locked cell stands in one of its own."""
    _tell_of_ids(models, found, story)
    done: list[Piece] = []
    by_piece = {id(piece): name for name, piece in found.pieces.items()}
    by_name = {model.name: model for model in models}
    for piece in pieces:
        done.append(piece)
        name = by_piece.get(id(piece))
        if name is None:
            _disown(piece, found, story)
            continue
        model = by_name[name]
        if piece.node["cell_type"] != model.node.cell_type:
            story.tell(
                f"The cell '{name}' was a {piece.node['cell_type']} cell and is a {model.node.cell_type} cell again."
            )
            piece.become(model.node.cell_type)
        if model.locked and piece.text != model.source:
            done.extend(_restore_text(piece, model, story))
        _restore_metadata(piece, model, story)
    return done


def _tell_of_ids(models: Sequence[Model], found: Found, story: Story) -> None:
    lost = [model.name for model in models if model.name in found.pieces and not found.pieces[model.name].name]
    other = [
        model.name
        for model in models
        if model.name in found.pieces and found.pieces[model.name].name not in ("", model.name)
    ]
    story.tell_each(
        lost,
        "The cell '{name}' had lost its nbgrader metadata and was recognised by its content.",
        "{count} cells had lost their nbgrader metadata and were recognised by their content.",
    )
    story.tell_each(
        other,
        "The cell '{name}' had another cell's id and was recognised by its content.",
        "{count} cells had other cells' ids and were recognised by their content.",
    )


def _disown(piece: Piece, found: Found, story: Story) -> None:
    """A cell of the student's own keeps no id of the release's."""
    name = piece.name
    if name and not any(piece is other for other, _ in found.others):
        story.tell(f"Cell {piece.number} had the id '{name}', which is another cell's; it counts as the student's own.")
    piece.node["metadata"].pop("nbgrader", None)


def _restore_metadata(piece: Piece, model: Model, story: Story) -> None:
    theirs, ours = nbgrader_of(piece.node), nbgrader_of(model.node)
    if piece.name == model.name and (fields := changed_fields(theirs, model)):
        story.tell(f"The nbgrader metadata of '{model.name}' ({', '.join(fields)}) had been changed and were restored.")
    metadata = piece.node["metadata"]
    metadata["nbgrader"] = copy.deepcopy(ours)
    if metadata.get("tags") != (tags := model.node.metadata.get("tags")):
        if metadata.get("tags"):
            story.tell(f"The tags of '{model.name}' had been changed and were restored.")
        metadata.pop("tags", None)
        if tags is not None:
            metadata["tags"] = copy.deepcopy(tags)


def _restore_text(piece: Piece, model: Model, story: Story) -> list[Piece]:
    added = _added(piece.text, model)
    piece_of_their_own = [piece.part(added)] if added else []
    kept = " What had been added to it stands in a cell of its own below." if added else ""
    if piece.lines != model.lines:
        story.tell(f"The locked cell '{model.name}' had been changed and got its text back.{kept}")
    piece.node["source"] = model.source
    return piece_of_their_own


def _added(text: str, model: Model) -> str:
    """The definitions in a changed locked cell that the release's does not have; other code may depend on them."""
    theirs, ours = tree_of(text), tree_of(model.source)
    if not model.is_code or theirs is None or ours is None:
        return ""
    known = {name for node in ours.body for name in bound_names(node)}
    lines = text.split("\n")
    kept = [
        "\n".join(lines[_first(node) : node.end_lineno])
        for node in theirs.body
        if (bound_names(node) | changed_names(node)) - known and not (model.graded and isinstance(node, ASSIGNS))
    ]
    return "\n".join(kept)


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(item.lineno for item in decorators)]) - 1


def drop_copies(pieces: Sequence[Piece], models: Sequence[Model], found: Found, story: Story) -> list[Piece]:
    """The pieces without those that only repeat what is there anyway: second copies, and parts of cells."""
    copies = {id(piece): model for piece, model in found.copies}
    for piece in pieces:
        if not found.taken(piece) and (whole := _whole_of(piece, models, found)):
            copies[id(piece)] = whole
    gone = [piece for piece in pieces if id(piece) in copies]
    names = [copies[id(piece)].name for piece in gone]
    story.tell_each(
        names,
        "A cell that repeated '{name}', or a part of it, was taken out.",
        "{count} cells that repeated others, or parts of them, were taken out.",
    )
    for name in dict.fromkeys(model.name for _, model in found.others):
        story.tell(f"The cell '{name}' was there more than once, filled in each time; the last one counts.")
    return [piece for piece in pieces if id(piece) not in copies]


def _whole_of(piece: Piece, models: Sequence[Model], found: Found) -> Model | None:
    """The cell of which the piece is a part, line by line."""
    lines = piece.lines
    if not lines:
        return None
    telling = len([line for line in lines if line]) > 1 or lines[0][:1].isspace() or len(lines[0]) > 60
    for model in models:
        if model.answer or not (telling or piece.name == model.name):
            continue
        wholes = [model.lines] if model.locked else []
        wholes += [found.pieces[model.name].lines] if model.name in found.pieces else []
        if any(run_of(lines, whole) and (model.locked or len(lines) < len(whole)) for whole in wholes):
            return model
    return None
