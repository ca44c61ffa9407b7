"""Joining cells that were split: at the top level, between methods, or in the middle of a function."""

import itertools
import math
from collections.abc import Sequence

from autograder.repair.cells import Model, Piece, head_of, tell_each
from autograder.repair.text import indented, shared, stands_alone, tree_of

MOST_PARTS = 6  # that one cell is joined from
MOST_LOOSE = 60  # parts that are looked at; a notebook with more was not split by hand
MOST_TRIED = 3_000  # pairs of parts that are tried


def join(pieces: Sequence[Piece], models: Sequence[Model], story: list[str]) -> list[Piece]:
    """The pieces, with those that were split joined again."""
    joiner = _Joiner(list(pieces), models)
    joiner.join_answers()
    joiner.join_broken()
    joiner.join_loose()
    tell_each(
        story,
        list(dict.fromkeys(joiner.joined)),
        "The cell '{name}' had been split; its parts were joined.",
        "{count} cells had been split; their parts were joined.",
    )
    return joiner.pieces


class _Joiner:
    def __init__(self, pieces: list[Piece], models: Sequence[Model]) -> None:
        self.pieces = pieces
        self.models = models
        self.joined: list[str] = []
        self.left = MOST_TRIED
        self.fixed = {tuple(model.lines) for model in models if model.locked}

    def head(self, piece: Piece) -> Model | None:
        """The release's cell that the piece begins, or is."""
        return head_of(piece.text, self.models)

    def is_fixed(self, piece: Piece) -> bool:
        """Whether it is a locked cell, as released."""
        return tuple(piece.lines) in self.fixed

    def unite(self, parts: Sequence[Piece], text: str, model: Model | None) -> None:
        """Make the first of the parts (which may stand anywhere) the whole."""
        first = parts[0]
        self.pieces = [piece for piece in self.pieces if piece is first or piece not in parts]
        first.node["source"] = text
        if model:
            first.become("code" if model.is_code else first.node["cell_type"])
            if not first.name and (named := next((part for part in parts if part.name == model.name), None)):
                first.node["metadata"] = named.node["metadata"]
            self.joined.append(model.name)

    def join_answers(self) -> None:
        """Neighbours that bear the same id, as editors leave it that copy a split cell's metadata to both parts."""
        answers = {model.name: model for model in self.models if model.answer}
        for other, one in itertools.pairwise(self.pieces[::-1]):
            if one.name in answers and one.name == other.name and one.lines != other.lines:
                self.unite([one, other], f"{one.text}\n\n{other.text}".strip("\n"), answers[one.name])

    def join_broken(self) -> None:
        """A cell that does not parse, and the next ones, if together they do."""
        for piece in [item for item in self.pieces if item.is_code or self.head(item)]:
            if piece not in self.pieces or self.is_fixed(piece) or tree_of(piece.text) is not None:
                continue
            place = self.pieces.index(piece)
            for end in range(place + 2, min(place + MOST_PARTS, len(self.pieces)) + 1):
                parts = self.pieces[place:end]
                if self.is_fixed(parts[-1]) or (self.head(parts[-1]) and self.head(piece)):
                    break
                text = _parsing(parts)
                if text is not None and (all(part.is_code for part in parts[1:]) or self.gain(piece, text)):
                    self.unite(parts, text, head_of(text, self.models))
                    break

    def gain(self, piece: Piece, text: str) -> int:
        """How many of the release's lines a text with more parts has beyond the piece."""
        model = self.head(piece)
        return shared(text, model.source) - shared(piece.text, model.source) if model else 0

    def join_loose(self) -> None:
        """Indented parts to the cells that they belong to: the next one above that fits, or any that does."""
        for _ in range(MOST_LOOSE):
            loose = [piece for piece in self.pieces if indented(piece.text) and not self.is_fixed(piece)][:MOST_LOOSE]
            heads = [piece for piece in self.pieces if self.head(piece) and not indented(piece.text)] if loose else []
            self.left -= len(heads) * (len(loose) + 1)
            if self.left < 0:
                return
            runs = filter(None, (self._run_below(head, loose) for head in heads))
            parts = next(runs, None) or self._best_pair(heads, loose)
            if not parts:
                return
            self.unite(parts, _parsing(parts) or "", self.head(parts[0]))

    def _run_below(self, head: Piece, loose: Sequence[Piece]) -> list[Piece]:
        """The head and the parts right below it that belong to it, in the release's order; nothing if none does."""
        below = self.pieces[self.pieces.index(head) + 1 :][:MOST_PARTS]
        run = [head, *itertools.takewhile(loose.__contains__, below)]
        for end in range(len(run), 1, -1):
            *before, last = run[:end]
            text = _joined([*before, last])
            places = [place for part in run[1:end] if (place := self._place(part, head)) < math.inf]
            if tree_of(text) is None or places != sorted(places):
                continue
            more = self.gain(head, text) > self.gain(head, _joined(before))
            if more or (last.is_code and not stands_alone(last.text)):
                return run[:end]
        return []

    def _best_pair(self, heads: Sequence[Piece], loose: Sequence[Piece]) -> list[Piece]:
        """The head and the part that comes first in the release's cell, of those that fit; nothing if none does."""
        found = [
            (self._place(part, head), -gain, number, [head, part])
            for number, head in enumerate(heads)
            for part in loose
            if (text := _parsing([head, part])) is not None and (gain := self.gain(head, text)) > 0
        ]
        return min(found, key=lambda item: item[:3])[3] if found else []

    def _place(self, part: Piece, head: Piece) -> float:
        """Where in the release's cell the part's first known line stands; infinitely far down if none is known."""
        model = self.head(head)
        lines = [line.strip() for line in model.lines] if model else []
        return next((lines.index(line.strip()) for line in part.lines if line.strip() in lines), math.inf)


def _joined(parts: Sequence[Piece], between: str = "\n") -> str:
    return between.join(part.text.strip("\n") for part in parts)


def _parsing(parts: Sequence[Piece]) -> str | None:
    """The parts' text if it parses: as lines one below the other, or where a line was split, without a break."""
    texts = (_joined(parts, between) for between in ("\n", ""))
    return next((text for text in texts if tree_of(text) is not None), None)
