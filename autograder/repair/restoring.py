"""Giving cells that were found what the release says of them: type, metadata, tags, and text where it is locked."""

import ast
import copy
from collections.abc import Sequence
from typing import Any

from autograder.notebook.cells import nbgrader_of
from autograder.notebook.python import ASSIGNS, bound_names, changed_names
from autograder.repair.cells import Model, Piece, tell_each
from autograder.repair.releases import of_another_release, tell_of_another_release
from autograder.repair.text import lines_of, run_of, tree_of

ESSENTIAL = ("grade_id", "grade", "solution", "locked", "points", "task", "schema_version")


def changed_fields(theirs: dict[str, Any], model: Model) -> list[str]:
    """Which of nbgrader's essential fields do not say what the release says."""
    ours = nbgrader_of(model.node)
    return [name for name in ESSENTIAL if not _same(theirs.get(name), ours.get(name))]


def _same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)  # True == 1


def restore(pieces: Sequence[Piece], story: list[str]) -> list[Piece]:
    """The pieces with all that is the release's restored; what was added to a locked cell stands in one of its own."""
    tell_each(
        story,
        [piece.model.name for piece in pieces if piece.model and piece.name != piece.model.name],
        "The cell '{name}' did not bear its own nbgrader id and was recognised by its content.",
        "{count} cells did not bear their own nbgrader ids and were recognised by their content.",
    )
    tell_of_another_release(pieces, story)
    done: list[Piece] = []
    for piece in pieces:
        older = of_another_release(piece)
        if older and not piece.model and not piece.is_code:
            continue  # no student wrote it
        done.append(piece)
        model, kind = piece.model, piece.node["cell_type"]
        told = [] if older else story  # one sentence tells of them all
        if model is None:
            _disown(piece, told)
            continue
        if kind != model.node.cell_type:
            story.append(f"The cell '{model.name}' was a {kind} cell and is a {model.node.cell_type} cell again.")
            piece.become(model.node.cell_type)
        done.extend(_restore_text(piece, model, told))
        _restore_metadata(piece, model, told)
    return done


def _disown(piece: Piece, story: list[str]) -> None:
    """A cell of the student's own keeps no id of the release's."""
    if piece.name and not piece.earlier_of:
        story.append(
            f"Cell {piece.number} had the id '{piece.name}', which is another cell's; it counts as the student's own."
        )
    piece.node["metadata"].pop("nbgrader", None)


def _restore_metadata(piece: Piece, model: Model, story: list[str]) -> None:
    theirs, ours = nbgrader_of(piece.node), nbgrader_of(model.node)
    if piece.name == model.name and (fields := changed_fields(theirs, model)):
        story.append(
            f"The nbgrader metadata of '{model.name}' ({', '.join(fields)}) had been changed and were restored."
        )
    metadata = piece.node["metadata"]
    metadata["nbgrader"] = copy.deepcopy(ours)
    tags = model.node.metadata.get("tags")
    if metadata.get("tags") not in (tags, None, []):
        story.append(f"The tags of '{model.name}' had been changed and were restored.")
    metadata.pop("tags", None)
    if tags is not None:
        metadata["tags"] = copy.deepcopy(tags)


def _restore_text(piece: Piece, model: Model, story: list[str]) -> list[Piece]:
    """What had been added to a locked cell, as a piece of its own."""
    if not model.locked or piece.text == model.source:
        return []
    added = "" if not model.is_code and of_another_release(piece) else _added(piece.text, model)
    kept = " What had been added to it stands in a cell of its own below." if added else ""
    if piece.lines != model.lines:
        story.append(f"The locked cell '{model.name}' had been changed and got its text back.{kept}")
    piece.node["source"] = model.source
    return [piece.part(added)] if added else []


def _added(text: str, model: Model) -> str:
    """What a changed locked cell has beyond the release's: lines of prose, or definitions that other code may need."""
    if not model.is_code:
        known = set(lines_of(model.source))
        return "\n".join(line for line in text.split("\n") if not known.issuperset(lines_of(line))).strip("\n")
    theirs, ours = tree_of(text), tree_of(model.source)
    if theirs is None or ours is None:
        return ""
    bound = {name for node in ours.body for name in bound_names(node)}
    lines = text.split("\n")
    kept = [
        "\n".join(lines[_first(node) : node.end_lineno])
        for node in theirs.body
        if (bound_names(node) | changed_names(node)) - bound and not (model.graded and isinstance(node, ASSIGNS))
    ]
    return "\n".join(kept)


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(item.lineno for item in decorators)]) - 1


def drop_copies(pieces: Sequence[Piece], models: Sequence[Model], story: list[str]) -> list[Piece]:
    """The pieces without those that only repeat what is there anyway: second copies, and parts of cells."""
    for piece in pieces:
        if not piece.known:
            piece.copy_of = _whole_of(piece, models)
    tell_each(
        story,
        [piece.copy_of.name for piece in pieces if piece.copy_of],
        "A cell that repeated '{name}', or a part of it, was taken out.",
        "{count} cells that repeated others, or parts of them, were taken out.",
    )
    for name in dict.fromkeys(piece.earlier_of.name for piece in pieces if piece.earlier_of):
        story.append(f"The cell '{name}' was there more than once, filled in each time; the last one counts.")
    return [piece for piece in pieces if not piece.copy_of]


def _whole_of(piece: Piece, models: Sequence[Model]) -> Model | None:
    """The cell of which the piece is a part, line by line."""
    lines = piece.lines
    if not lines:
        return None
    telling = len([line for line in lines if line]) > 1 or lines[0][:1].isspace() or len(lines[0]) > 60
    for model in models:
        if model.answer or not (telling or piece.name == model.name):
            continue
        if model.locked and run_of(lines, model.lines):
            return model
        if model.piece and (model.locked or len(lines) < len(model.piece.lines)) and run_of(lines, model.piece.lines):
            return model
    return None
