"""The release's order, with the student's own cells where they were; and the cells that have to be there."""

import copy
from collections.abc import Sequence

from autograder.repair.cells import Model, Piece, tell_each


def in_order(pieces: Sequence[Piece], models: Sequence[Model], story: list[str]) -> list[Piece]:
    """The pieces with as few of them moved as will do, and with what is given put back where it is gone.

    What was to be filled in stays missing.
    """
    staying = _longest_rising([piece.model for piece in pieces if piece.model])
    done = [piece for piece in pieces if piece.model is None or piece.model in staying]
    moved = []
    for model in (model for model in models if model not in staying):
        if model.piece:
            moved.append(model.name)
        elif model.graded or model.given:
            model.take(Piece(copy.deepcopy(model.node), 0))
            story.append(f"The cell '{model.name}' was missing and was put back.")
        else:
            story.append(f"The cell '{model.name}' is missing.")
        if model.piece:
            later = (place for place, other in enumerate(done) if other.model and other.model.place > model.place)
            done.insert(next(later, len(done)), model.piece)
    tell_each(
        story,
        moved,
        "The cell '{name}' stood in another place and went back to the release's.",
        "{count} cells stood in other places and went back to the release's.",
    )
    return _last_counts(done)


def _longest_rising(models: Sequence[Model]) -> list[Model]:
    """A longest subsequence that is in the release's order."""
    best: list[list[Model]] = []  # for each of the models the longest that ends with it
    for model in models:
        before = [chain for chain in best if chain[-1].place < model.place]
        best.append([*max(before, key=len, default=[]), model])
    return max(reversed(best), key=len, default=[])


def _last_counts(pieces: list[Piece]) -> list[Piece]:
    """Earlier versions of a cell stand above the one that counts: in a notebook, later definitions win."""
    for piece in list(pieces):
        counts = piece.earlier_of.piece if piece.earlier_of else None
        if counts and pieces.index(piece) > pieces.index(counts):
            pieces.remove(piece)
            pieces.insert(pieces.index(counts), piece)
    return pieces
