"""Finding the release's cells among the pieces: by what they define, by their text, by id, by likeness, by place."""

import difflib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from autograder.repair.cells import Model, Piece
from autograder.repair.text import defined, run_of, same_code, tree_of

ALIKE = 0.6  # difflib's ratio above which a cell is taken for the release's
LOOKED_INTO = 1500  # characters of a cell that are compared letter by letter
MOST_RATIOS = 300  # such comparisons, a few milliseconds each
MOST_COMPARED = 200  # cells that are looked at


@dataclass
class Found:
    """Which piece is which of the release's cells, and what else turned up."""

    pieces: dict[str, Piece] = field(default_factory=dict)  # grade_id -> piece
    copies: list[tuple[Piece, Model]] = field(default_factory=list)  # they add nothing to the one that counts
    others: list[tuple[Piece, Model]] = field(default_factory=list)  # filled in as well, but not the last

    def take(self, model: Model, piece: Piece) -> None:
        """Take the piece for the cell."""
        self.pieces[model.name] = piece

    def taken(self, piece: Piece) -> bool:
        """Whether it is known already what the piece is."""
        spare = [other for other, _ in (*self.copies, *self.others)]
        return any(piece is other for other in (*self.pieces.values(), *spare))


def match(pieces: Sequence[Piece], models: Sequence[Model]) -> Found:
    """For each of the release's cells the piece that is it, where there is one."""
    found = Found()
    for model in models:
        if model.defines:
            _by_definition(pieces, model, found)
    for model in models:
        if model.locked:
            _by_text(pieces, model, found)
    for same in (_bears_both, _bears_either):
        for model in models:
            if model.name not in found.pieces:
                _by_id(pieces, model, found, same)
    _by_likeness(pieces, [model for model in models if model.name not in found.pieces and not model.answer], found)
    _by_place(pieces, models, found)
    return found


def _by_definition(pieces: Sequence[Piece], model: Model, found: Found) -> None:
    """Of several cells that define the same, the last one counts that was filled in, as if run from the top."""
    every = [piece for piece in pieces if model.defines[0] in defined(piece.text) and not found.taken(piece)]
    code = [piece for piece in every if piece.is_code] or [piece for piece in every if _is_python(piece)]
    if not code:
        return
    whole = [piece for piece in code if not any(_within(piece, other) for other in code if other is not piece)]
    filled = [piece for piece in whole if not same_code(piece.text, model.source)]
    best = (filled or whole)[-1]
    found.take(model, best)
    for piece in every:
        if piece is best:
            continue
        spare = piece not in filled or same_code(piece.text, best.text)
        if piece.is_code or spare:
            (found.copies if spare else found.others).append((piece, model))


def _is_python(piece: Piece) -> bool:
    return tree_of(piece.text) is not None or "```" not in piece.text


def _within(piece: Piece, other: Piece) -> bool:
    return len(piece.lines) < len(other.lines) and run_of(piece.lines, other.lines)


def _by_text(pieces: Sequence[Piece], model: Model, found: Found) -> None:
    same = [piece for piece in pieces if piece.lines == model.lines and not found.taken(piece)]
    if not same:
        return
    best = max(same, key=lambda piece: (piece.name == model.name, model.node.get("id") in piece.ids))
    found.take(model, best)
    found.copies.extend((piece, model) for piece in same if piece is not best)


def _bears_both(piece: Piece, model: Model) -> bool:
    return piece.name == model.name and model.node.get("id") in piece.ids


def _bears_either(piece: Piece, model: Model) -> bool:
    return piece.name == model.name or (not piece.name and model.node.get("id") in piece.ids)


def _by_id(pieces: Sequence[Piece], model: Model, found: Found, same: Callable[[Piece, Model], bool]) -> None:
    bearing = [piece for piece in pieces if same(piece, model) and not found.taken(piece)]
    if not bearing:
        return
    written = [piece for piece in bearing if piece.lines and piece.lines != model.lines]
    found.take(model, (written or bearing)[-1])
    for piece in bearing:
        if piece is not found.pieces[model.name] and (piece.lines == model.lines or not piece.lines):
            found.copies.append((piece, model))


def _by_likeness(pieces: Sequence[Piece], models: Iterable[Model], found: Found) -> None:
    left = [piece for piece in pieces if not found.taken(piece) and len(piece.text) >= 10][:MOST_COMPARED]
    letters = _Letters()
    for model in models:
        shares = [(_shared_lines(piece.lines, model.lines), number) for number, piece in enumerate(left)]
        if max(shares, default=(0.0, 0))[0] < ALIKE:
            shares = [(letters.ratio(piece.text, model.source), number) for number, piece in enumerate(left)]
        score, number = max(shares, default=(0.0, 0))
        if score >= ALIKE:
            found.take(model, left.pop(number))


def _shared_lines(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of lines that two texts have in common (Dice's coefficient), which is quick."""
    counts = Counter(filter(None, one)), Counter(filter(None, other))
    total = counts[0].total() + counts[1].total()
    return 2 * (counts[0] & counts[1]).total() / total if total else 0.0


class _Letters:
    """Compares texts letter by letter, which is slow: so many times at most for one notebook."""

    def __init__(self) -> None:
        self.left = MOST_RATIOS

    def ratio(self, text: str, model: str) -> float:
        """difflib's ratio of the two beginnings; 0 below ALIKE."""
        compared = difflib.SequenceMatcher(None, model[:LOOKED_INTO], text[:LOOKED_INTO], autojunk=False)
        if not self.left or compared.real_quick_ratio() < ALIKE or compared.quick_ratio() < ALIKE:
            return 0.0
        self.left -= 1
        return compared.ratio()


def _by_place(pieces: Sequence[Piece], models: Sequence[Model], found: Found) -> None:
    """Written answers are found below their questions: their text is all the student's own."""
    below = {id(piece): place for place, piece in enumerate(pieces, start=1)}
    for question, answer in itertools.pairwise(models):
        if not answer.answer or answer.name in found.pieces or question.name not in found.pieces:
            continue
        place = below[id(found.pieces[question.name])]
        if place < len(pieces) and not found.taken(pieces[place]) and _may_be_prose(pieces, place, found):
            found.take(answer, pieces[place])


def _may_be_prose(pieces: Sequence[Piece], place: int, found: Found) -> bool:
    """Whether the piece is text; one that is code by type has to define nothing and to stand alone there."""
    piece = pieces[place]
    if piece.node["cell_type"] == "markdown":
        return True
    ends = place + 1 == len(pieces) or found.taken(pieces[place + 1])
    return bool(piece.lines) and ends and not defined(piece.text)
