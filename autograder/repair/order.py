"""The release's order, with the student's own cells where they were; and the cells that have to be there."""

from bisect import bisect_left
from collections.abc import Sequence

from autograder.repair.cells import Model, Piece, Story, released
from autograder.repair.matching import Found


def in_order(pieces: Sequence[Piece], models: Sequence[Model], found: Found, story: Story) -> list[Piece]:
    """The pieces with as few of them moved as will bring the release's cells into the release's order."""
    model_of = {id(found.pieces[model.name]): model for model in models if model.name in found.pieces}
    here = [model_of[id(piece)] for piece in pieces if id(piece) in model_of]
    staying = _longest_rising([model.place for model in here])
    moved = [model for number, model in enumerate(here) if number not in staying]
    done = [piece for piece in pieces if not any(piece is found.pieces[model.name] for model in moved)]
    for model in sorted(moved, key=lambda model: model.place):
        _insert(done, found.pieces[model.name], model, model_of)
    story.tell_each(
        [model.name for model in moved],
        "The cell '{name}' stood in another place and went back to the release's.",
        "{count} cells stood in other places and went back to the release's.",
    )
    return _last_counts(done, found)


def _insert(pieces: list[Piece], piece: Piece, model: Model, model_of: dict[int, Model]) -> None:
    """Put the piece before the first of the release's cells that comes after it."""
    later = (
        number
        for number, other in enumerate(pieces)
        if (its := model_of.get(id(other))) is not None and its.place > model.place
    )
    pieces.insert(next(later, len(pieces)), piece)


def _longest_rising(places: Sequence[int]) -> set[int]:
    """The indices of a longest rising subsequence."""
    tails: list[int] = []  # the smallest place on which a subsequence of each length ends
    ends: list[int] = []  # and its index
    before: list[int] = []
    for number, place in enumerate(places):
        length = bisect_left(tails, place)
        before.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [place]
        ends[length : length + 1] = [number]
    chosen: set[int] = set()
    number = ends[-1] if ends else -1
    while number >= 0:
        chosen.add(number)
        number = before[number]
    return chosen


def _last_counts(pieces: list[Piece], found: Found) -> list[Piece]:
    """Earlier versions of a cell stand above the one that counts: in a notebook, later definitions win."""
    for piece, model in found.others:
        counts = found.pieces[model.name]
        if pieces.index(piece) > pieces.index(counts):
            pieces.remove(piece)
            pieces.insert(pieces.index(counts), piece)
    return pieces


def complete(pieces: Sequence[Piece], models: Sequence[Model], found: Found, story: Story) -> list[Piece]:
    """The pieces with what is given put back where it is gone; what was to be filled in stays missing."""
    done = list(pieces)
    model_of = {id(piece): model for model in models if (piece := found.pieces.get(model.name)) is not None}
    for model in models:
        if model.name in found.pieces:
            continue
        if model.graded or model.given:
            piece = released(model)
            _insert(done, piece, model, model_of)
            model_of[id(piece)] = model
            found.take(model, piece)
            story.tell(f"The cell '{model.name}' was missing and was put back.")
        else:
            story.tell(f"The cell '{model.name}' is missing.")
    return done
