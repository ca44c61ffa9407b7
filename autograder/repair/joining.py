"""Joining cells that were split: at the top level, between methods, or in the middle of a function."""

import itertools
import math
from collections.abc import Sequence

from autograder.repair.cells import Model, Piece, head_of, tell_each
from autograder.repair.text import indented, shared, stands_alone, tree_of

MOST_PARTS = 6  # that one cell is joined from
MOST_LOOSE = 60  # parts that are looked at; a notebook with more was not split by hand


def join(pieces: Sequence[Piece], models: Sequence[Model], story: list[str]) -> list[Piece]:
    """The pieces, with those that were split joined again."""
    joiner = _Joiner(list(pieces), models)
    joiner.join_answers()
    joiner.join_broken()
    joiner.join_loose()
    tell_each(
        story,
        joiner.joined,
        "The cell '{name}' had been split; its parts were joined.",
        "{count} cells had been split; their parts were joined.",
    )
    return joiner.pieces


class _Joiner:
    def __init__(self, pieces: list[Piece], models: Sequence[Model]) -> None:
        self.pieces = pieces
        self.joined: list[str] = []
        self.models = models
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
        first.node["source"] = text
        if first.node["cell_type"] != "code" and model and model.is_code:
            first.become("code")
        if model and not first.name and (named := next((part for part in parts if part.name == model.name), None)):
            first.node["metadata"] = named.node["metadata"]
        self.pieces = [piece for piece in self.pieces if piece is first or piece not in parts]
        if model and model.name not in self.joined:
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
                if text is not None and (all(part.is_code for part in parts[1:]) or self.gain(parts, text)):
                    whole = piece.part(text)
                    self.unite(parts, text, self.head(whole))
                    break

    def gain(self, parts: Sequence[Piece], text: str) -> int:
        """How many of the release's lines the parts bring to the first of them."""
        model = self.head(parts[0])
        return shared(text, model.source) - shared(parts[0].text, model.source) if model else 0

    def join_loose(self) -> None:
        """Indented parts to the cells that they belong to: the next one above that fits, or any that does."""
        for _ in range(MOST_LOOSE):
            if not self._join_one():
                return

    def _join_one(self) -> bool:
        loose = [piece for piece in self.pieces if indented(piece.text) and not self.is_fixed(piece)][:MOST_LOOSE]
        heads = [piece for piece in self.pieces if self.head(piece) and not indented(piece.text)]
        if not loose:
            return False
        for head in heads:
            run = self._run_after(head, loose)
            if run:
                self.unite([head, *run], _joined([head, *run]), self.head(head))
                return True
        found = [
            (place, -gain, number, head, part)
            for number, head in enumerate(heads)
            for part in loose
            if (text := _parsing([head, part])) is not None and (gain := self.gain([head, part], text)) > 0
            for place in [self._place(part, head)]
        ]
        if not found:
            return False
        *_, head, part = min(found, key=lambda item: item[:3])
        self.unite([head, part], _parsing([head, part]) or "", self.head(head))
        return True

    def _place(self, part: Piece, head: Piece) -> float:
        """Where in the release's cell the part's first known line stands; infinitely far down if none is known."""
        model = self.head(head)
        lines = [line.strip() for line in model.lines] if model else []
        return next((lines.index(line.strip()) for line in part.lines if line.strip() in lines), math.inf)

    def _run_after(self, head: Piece, loose: Sequence[Piece]) -> list[Piece]:
        """The parts right below the head that belong to it, in the release's order."""
        below = self.pieces[self.pieces.index(head) + 1 :][:MOST_PARTS]
        run = list(itertools.takewhile(loose.__contains__, below))
        for end in range(len(run), 0, -1):
            parts = [head, *run[:end]]
            text = _joined(parts)
            places = [place for part in run[:end] if (place := self._place(part, head)) < math.inf]
            if tree_of(text) is None or places != sorted(places):
                continue
            more = self.gain(parts, text) > self.gain(parts[:-1], _joined(parts[:-1]))
            if more or (parts[-1].is_code and not stands_alone(parts[-1].text)):
                return run[:end]
        return []


def _joined(parts: Sequence[Piece]) -> str:
    return "\n".join(part.text.strip("\n") for part in parts)


def _parsing(parts: Sequence[Piece]) -> str | None:
    """The parts' text if it parses: as lines one below the other, or where a line was split, without a break."""
    for between in ("\n", ""):
        text = between.join(part.text.strip("\n") for part in parts)
        if tree_of(text) is not None:
            return text
    return None
