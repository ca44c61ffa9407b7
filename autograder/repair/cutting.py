"""Cutting cells that were merged, and notebooks that were exported as a script, into the release's cells again.

The locked cells, whose text is known (plain or as an exporter writes it), are cut out; what is left between them is
cut before each definition that belongs to another cell of the release.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.repair.cells import FEW, Model, Piece, head_of
from autograder.repair.exports import MARK, colab_cells, is_from_colab, is_open, marked_cells
from autograder.repair.text import LONGEST, chunks, defined, indented, lines_of, tree_of

_LEAST = 20  # characters of a text that is looked for inside others


@dataclass(frozen=True)
class _Span:
    """A stretch of lines that is a locked cell; ``exported`` if it stands there as an exporter writes markdown."""

    first: int
    end: int
    model: Model
    exported: bool


def cut(pieces: Sequence[Piece], models: Sequence[Model], story: list[str]) -> list[Piece]:
    """The pieces, with those that hold several of the release's cells cut into them."""
    done: list[Piece] = []
    for piece in _whole_strings(pieces, models):
        parts = _parts(piece, models)
        if len(parts) < 2:
            done.append(piece)
            continue
        found = [_model_of(part, models) for part in parts]
        names = dict.fromkeys(f"'{model.name}'" for model in found if model)
        among = f", among them {', '.join([*names][:FEW])}" if names else ""
        story.append(f"Cell {piece.number} held several cells{among}, and was cut into {len(parts)}.")
        named = next((model for model in models if model.name == piece.name), None)
        wanted = named if named and (named.locked or named.head) else None  # None fits the student's own text
        if named and wanted in found:
            parts[found.index(wanted)].node["metadata"] = piece.node["metadata"]
        done.extend(parts)
    return done


def _whole_strings(pieces: Sequence[Piece], models: Sequence[Model]) -> list[Piece]:
    """The pieces, where a script of Colab's was split within a text cell, which is a string there, joined again."""
    done: list[Piece] = []
    for piece in pieces:
        before = done[-1] if done else None
        if before and is_open(before.text) and is_open(piece.text) and is_from_colab(before.text, models):
            done[-1] = Piece(NotebookNode(before.node, source=f"{before.text}\n{piece.text}"), before.number)
        else:
            done.append(piece)
    return done


def _model_of(part: Piece, models: Sequence[Model]) -> Model | None:
    lines = part.lines
    locked = next((model for model in models if model.locked and model.lines == lines), None)
    return locked or head_of(part.text, models)


def _parts(piece: Piece, models: Sequence[Model]) -> list[Piece]:
    """What the piece is made of; itself alone where there is nothing to cut."""
    text = piece.text
    if len(text) > 5 * LONGEST:
        return [piece]
    if is_from_colab(text, models):
        return _from_colab(piece, models)
    spans = _spans(text, models)
    if not spans:
        return _by_definition(piece, models)
    if len(spans) == 1 and lines_of(text) == spans[0].model.lines:
        return [piece]
    lines, end = text.split("\n"), 0
    exported = any(span.exported for span in spans) or any(map(MARK.fullmatch, lines))
    parts: list[Piece] = []
    for span in spans:
        parts += _between(piece, lines[end : span.first], models, exported)
        parts.append(piece.part(span.model.source, span.model.node.cell_type))
        end = span.end
    return [*parts, *_between(piece, lines[end:], models, exported)]


def _from_colab(piece: Piece, models: Sequence[Model]) -> list[Piece]:
    parts: list[Piece] = []
    for is_code, text in colab_cells(piece.text):
        part = piece.part(text, "code" if is_code else "markdown")
        if is_code and not _spans(text, models):
            parts.extend(_between(part, text.split("\n"), models, True))
        else:
            parts.extend(_parts(part, models))
    return parts


def _spans(text: str, models: Sequence[Model]) -> list[_Span]:
    """Where the texts of locked cells stand in this one, from top to bottom and none inside another."""
    lines = [line.rstrip() for line in text.split("\n")]
    places = defaultdict(list)
    for number, line in enumerate(lines):
        places[line].append(number)
    found: list[_Span] = []
    for model in (model for model in models if model.locked and len(model.source) >= _LEAST):
        commented = [f"# {line}".rstrip() for line in model.lines]  # as exporters write text
        for looks in [model.lines] if model.is_code else [model.lines, commented]:
            for first in places[looks[0]]:
                if lines[first : first + len(looks)] == looks:
                    found.append(_Span(first, first + len(looks), model, looks is not model.lines))
    chosen: list[_Span] = []
    for span in sorted(found, key=lambda span: span.first - span.end):  # the longest first
        if all(span.end <= other.first or span.first >= other.end for other in chosen):
            chosen.append(span)
    return sorted(chosen, key=lambda span: span.first)


def _between(piece: Piece, lines: Sequence[str], models: Sequence[Model], exported: bool) -> Iterator[Piece]:
    """What stands between known texts, cut at an exporter's marks and at definitions."""
    for text, words in marked_cells(lines) if exported else [("\n".join(lines).strip("\n"), "")]:
        if text.strip():
            kind = "code" if exported or head_of(text, models) else ""
            yield from _by_definition(piece.part(text, kind), models)
        if words.strip():
            yield piece.part(words, "markdown")


def _by_definition(piece: Piece, models: Sequence[Model]) -> list[Piece]:
    """The piece, cut before each definition by which another of the release's cells is recognised."""
    text = piece.text
    here = defined(text) & {model.head for model in models}
    broken = indented(text) or tree_of(text) is None
    if not here or (len(here) < 2 and not broken):
        return [piece]
    lines = text.split("\n")
    bounds = [0, *_starts(text, models, broken), len(lines)]
    texts = ["\n".join(lines[first:end]).strip("\n") for first, end in itertools.pairwise(bounds)]
    kept = [item for item in texts if item.strip()]
    return [piece.part(item, "code") for item in kept] if len(kept) > 1 else [piece]


def _starts(text: str, models: Sequence[Model], broken: bool) -> list[int]:
    """The lines at which another cell begins; in a text that does not parse, changed locked cells are cut off too."""
    owner = {name: model for model in models for name in model.defines}
    openings = {model.source.split("\n")[0] for model in models if model.locked and model.is_code}
    lines = text.split("\n")
    starts: list[int] = []
    current: Model | None = None
    seen: set[str] = set()  # names that the cell at hand binds
    for start, names in chunks(text):
        model = next((owner[name] for name in sorted(names) if name in owner), None)
        again = current is not None and current.head in names & seen
        if broken and lines[start] in openings:
            starts.append(start)
            current, seen = None, set()
        elif model and ((current is None and (broken or starts)) or (current and (model is not current or again))):
            starts.append(start)
            seen = set()
        current = model or current
        seen |= names
    return [start for start in starts if start]
