"""Finding the release's cells among the pieces: by what they define, by their text, by id, by likeness, by place."""

import heapq
import itertools
import re
from collections import Counter
from collections.abc import Sequence

from autograder.notebook.python import extends_itself
from autograder.repair.cells import Model, Piece
from autograder.repair.text import defined, run_of, same_code, tree_of

ALIKE = 0.6  # share of common words from which on a cell is taken for the release's
MOST_COMPARED = 200  # cells that are looked at
LOOKED_INTO = 5_000  # characters of each
MOST_HOLDING = 20  # cells in which others are looked for


def match(pieces: Sequence[Piece], models: Sequence[Model]) -> None:
    """Find for each of the release's cells the piece that is it, where there is one, and what repeats it."""
    for look in (_by_definition, _by_text, _by_id):
        for model in models:
            if not model.piece:
                look([piece for piece in pieces if not piece.known], model)
    _by_likeness(pieces, models)
    _by_place(pieces, models)


def _by_definition(pieces: Sequence[Piece], model: Model) -> None:
    """Of several cells that define the same, the last one counts that was filled in, as if run from the top."""
    every = [piece for piece in pieces if model.head in defined(piece.text)]
    code = [piece for piece in every if piece.is_code] or [piece for piece in every if _is_python(piece)]
    if not code:
        return
    whole = _wholes(code)
    filled = [piece for piece in whole if not same_code(piece.text, model.source)]
    best = (filled or whole)[-1]
    model.take(best)
    for piece in every:
        if piece is best:
            continue
        if (piece not in filled and not _goes_on(best, model)) or same_code(piece.text, best.text):
            piece.copy_of = model
        elif piece.is_code:
            piece.earlier_of = model


def _goes_on(piece: Piece, model: Model) -> bool:
    """Whether it adds to what an earlier cell defines: ``class A(A)``."""
    tree = tree_of(piece.text)
    first = next((node for node in tree.body if getattr(node, "name", "") == model.head), None) if tree else None
    return first is not None and extends_itself(first)


def _is_python(piece: Piece) -> bool:
    return tree_of(piece.text) is not None or "```" not in piece.text


def _wholes(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces that are no part of another one of them; each is looked for in a few of the longest."""
    longest = heapq.nlargest(MOST_HOLDING, pieces, key=lambda piece: len(piece.lines))
    return [piece for piece in pieces if not any(_within(piece, other) for other in longest)]


def _within(piece: Piece, other: Piece) -> bool:
    return len(piece.lines) < len(other.lines) and run_of(piece.lines, other.lines)


def _by_text(pieces: Sequence[Piece], model: Model) -> None:
    same = [piece for piece in pieces if model.locked and piece.lines == model.lines]
    if same:
        model.take(max(same, key=lambda piece: (piece.name == model.name, model.node.get("id") in piece.ids)))
        _leave_copies(same, model)


def _by_id(pieces: Sequence[Piece], model: Model) -> None:
    """Of the pieces that bear its grade_id (or nobody's) and its other id those are the best that bear both."""
    other_id = model.node.get("id")
    bearing = [piece for piece in pieces if piece.name == model.name or (not piece.name and other_id in piece.ids)]
    bearing = [piece for piece in bearing if piece.name and other_id in piece.ids] or bearing
    written = [piece for piece in bearing if piece.lines and piece.lines != model.lines]
    if bearing:
        model.take((written or bearing)[-1])
        _leave_copies([piece for piece in bearing if piece not in written], model)


def _leave_copies(pieces: Sequence[Piece], model: Model) -> None:
    for piece in pieces:
        if piece is not model.piece:
            piece.copy_of = model


def _by_likeness(pieces: Sequence[Piece], models: Sequence[Model]) -> None:
    left = [piece for piece in pieces if not piece.known and len(piece.text) >= 10][:MOST_COMPARED]
    words = {piece: _words(piece.text) for piece in left}
    for model in models:
        if model.piece or model.answer:
            continue
        ours = _words(model.source)
        best = max(left, key=lambda piece: _share(words[piece], ours), default=None)
        if best and _share(words[best], ours) >= ALIKE:
            model.take(best)
            left.remove(best)


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+|[^\w\s]", text[:LOOKED_INTO]))


def _share(one: Counter[str], other: Counter[str]) -> float:
    """The share of words that two texts have in common (Dice's coefficient)."""
    return 2 * (one & other).total() / max(1, one.total() + other.total())


def _by_place(pieces: Sequence[Piece], models: Sequence[Model]) -> None:
    """Written answers are found below their questions: their text is all the student's own."""
    for question, answer in itertools.pairwise(models):
        if answer.answer and not answer.piece and question.piece:
            below = pieces[pieces.index(question.piece) + 1 :]
            if below and not below[0].known and _may_be_prose(below):
                answer.take(below[0])


def _may_be_prose(pieces: Sequence[Piece]) -> bool:
    """Whether the first piece is text; one that is code by type has to define nothing and to stand alone there."""
    piece = pieces[0]
    if piece.node["cell_type"] == "markdown":
        return True
    ends = len(pieces) == 1 or pieces[1].known
    return bool(piece.lines) and ends and not defined(piece.text)
