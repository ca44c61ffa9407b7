"""Recognised mistakes: whose answers are those of a known mistake is told what was probably written.

What is compared are answers, never text: a mistake is the same however it is spelled. The known mistakes' sketches
stand in a file that is made by running them (autograder verify --learn); whoever matches none is told nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.files import write_atomically
from autograder.sketches import Heard, Leaf, Sketch, alike, says_something, sketch

SAME = 2e-4  # relative difference up to which two answers are one: above what machines differ by
OTHER = 5e-3  # relative difference from the right answer above which a number is evidence
FORMAT = 1

Sketches = Mapping[str, Sketch]  # digest of an ask -> what came of it


@dataclass(frozen=True)
class KnownMistake:
    """A mistake, and what code that makes it answers to one question's asks."""

    id: str
    question: str
    hint: str
    fills: int  # blanks and cells that are filled by it: the fewer, the simpler
    sketches: Sketches


@dataclass(frozen=True)
class Known:
    """All known mistakes in the corpus's order, and the right answers to the same asks by question."""

    right: Mapping[str, Sketches]
    mistakes: tuple[KnownMistake, ...]
    fingerprint: str = ""  # of what the sketches were made from

    def hint(self, question: str, heard: Mapping[str, Heard]) -> str:
        """What to tell a student whose code gave these answers; empty where no known mistake gives them."""
        if question not in self._questions:
            return ""
        found = self.named(question, {key: sketch(each) for key, each in heard.items()})
        return found.hint if found else ""

    @cached_property
    def _questions(self) -> frozenset[str]:
        return frozenset(mistake.question for mistake in self.mistakes)

    def named(self, question: str, sketches: Sketches, without: str = "") -> KnownMistake | None:
        """The simplest known mistake that gives these answers; ``without`` is the id of one to leave out."""
        if not is_telling(sketches, self.right.get(question, {})):
            return None
        of_question = [each for each in self.mistakes if each.question == question and each.id != without]
        matches = [each for each in of_question if same(each.sketches, sketches)]
        return min(matches, key=lambda each: each.fills, default=None)


def same(one: Sketches, other: Sketches) -> bool:
    """Whether the same was asked, and the same answered, number for number and text for text."""
    return one.keys() == other.keys() and all(_same_answer(one[key], other[key]) for key in one)


def _same_answer(one: Sketch, other: Sketch) -> bool:
    return one.keys() == other.keys() and all(alike(one[path], other[path], SAME) for path in one)


def is_telling(sketches: Sketches, right: Sketches) -> bool:
    """Whether some number answered is neither right nor one that quite different slips leave behind."""
    return any(
        says_something(path, leaf) and (path not in right[key] or not alike(leaf, right[key][path], OTHER))
        for key in sketches.keys() & right.keys()
        for path, leaf in sketches[key].items()
    )


def save(path: Path, known: Known) -> None:
    """Write the known mistakes, each as far as it differs from what is right: the same bytes for the same mistakes."""
    mistakes = [
        {
            "id": each.id,
            "question": each.question,
            "hint": each.hint,
            "fills": each.fills,
            "answers": {
                key: _apart(each.sketches[key], known.right.get(each.question, {}).get(key, {}))
                for key in sorted(each.sketches)
            },
        }
        for each in known.mistakes
    ]
    head = json.dumps({"format": FORMAT, "fingerprint": known.fingerprint, "right": known.right}, sort_keys=True)
    lines = ",\n".join(json.dumps(each, sort_keys=True, separators=(",", ":")) for each in mistakes)
    write_atomically(path, f'{head[:-1]},\n"mistakes": [\n{lines}\n]}}\n')


def read(path: Path) -> Known | None:
    """The known mistakes that were written; None if there is no file, or one of another form."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            return None
        right = {question: _sketches(asks) for question, asks in data["right"].items()}
        mistakes = tuple(_mistake(item, right) for item in data["mistakes"])
        return Known(right, mistakes, str(data["fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _mistake(item: Mapping[str, Any], right: Mapping[str, Sketches]) -> KnownMistake:
    usual = right.get(item["question"], {})
    answers = {key: _joined(usual.get(key, {}), apart) for key, apart in item["answers"].items()}
    return KnownMistake(item["id"], item["question"], item["hint"], item["fills"], answers)


def _apart(one: Sketch, usual: Sketch) -> dict[str, Leaf | None]:
    """What differs from the usual sketch; None where it holds nothing."""
    differing = {path: leaf for path, leaf in one.items() if path not in usual or leaf != usual[path]}
    return {**differing, **dict.fromkeys(usual.keys() - one.keys())}


def _joined(usual: Sketch, apart: Mapping[str, Any]) -> dict[str, Leaf]:
    both = {**usual, **_sketch(apart)}
    return {path: leaf for path, leaf in both.items() if path not in apart or apart[path] is not None}


def _sketches(asks: Mapping[str, Any]) -> dict[str, Sketch]:
    return {key: _sketch(leaves) for key, leaves in asks.items()}


def _sketch(leaves: Mapping[str, Any]) -> dict[str, Leaf]:
    return {
        path: leaf if isinstance(leaf, str) else tuple(float(number) for number in leaf)
        for path, leaf in leaves.items()
        if leaf is not None
    }
