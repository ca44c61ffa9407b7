"""Recognises known mistakes: a student whose code answers as a known mistake does gets that mistake's hint.

Answers are compared, never text: a mistake is the same however it is spelled. The known mistakes' signatures stand in a
file that is made by running them (autograder verify --learn). Where none matches, no hint is given.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.files import write_atomically
from autograder.grading.dependencies import digest
from autograder.hints.signatures import Leaf, Signature, alike, says_something, signature
from autograder.judging.judge import Heard

SAME = 2e-4  # relative difference up to which two answers are one: above what machines differ by
OTHER = 5e-3  # relative difference from the right answer above which a number is evidence
FORMAT = 1

Signatures = Mapping[str, Signature]  # digest of an ask -> what came of it


@dataclass(frozen=True)
class KnownMistake:
    """A mistake, and the signatures of what code with this mistake answers when one question is asked."""

    id: str
    question: str
    hint: str
    fills: int  # how many blanks and cells it fills: the fewer, the simpler
    signatures: Signatures


@dataclass(frozen=True)
class Known:
    """All known mistakes in the corpus's order, and the right answers to the same asks by question."""

    right: Mapping[str, Signatures]
    mistakes: tuple[KnownMistake, ...]
    fingerprint: str = ""  # of what the signatures were made from

    def hint(self, question: str, heard: Mapping[str, Heard]) -> str:
        """The hint for a student whose code gave these answers; empty where no known mistake gives them."""
        if not self._of(question):
            return ""
        found = self.named(question, {key: signature(each) for key, each in heard.items()})
        return found.hint if found else ""

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Of what is known of each question: question -> digest."""
        found = {}
        for name in {each.question for each in self.mistakes}:
            known = [self.right.get(name), *((each.id, each.hint, each.signatures) for each in self._of(name))]
            found[name] = digest(json.dumps(known, sort_keys=True))
        return found

    def _of(self, question: str) -> list[KnownMistake]:
        return [each for each in self.mistakes if each.question == question]

    def named(self, question: str, signatures: Signatures, without: str = "") -> KnownMistake | None:
        """The simplest known mistake that gives these answers; ``without`` is the id of one to leave out."""
        if not is_telling(signatures, self.right.get(question, {})):
            return None
        others = [each for each in self._of(question) if each.id != without]
        matches = [each for each in others if same(each.signatures, signatures)]
        return min(matches, key=lambda each: each.fills, default=None)


def same(one: Signatures, other: Signatures) -> bool:
    """Whether the same was asked, and the same answered, number for number and text for text."""
    return one.keys() == other.keys() and all(_same_answer(one[key], other[key]) for key in one)


def _same_answer(one: Signature, other: Signature) -> bool:
    return one.keys() == other.keys() and all(alike(one[path], other[path], SAME) for path in one)


def is_telling(signatures: Signatures, right: Signatures) -> bool:
    """Whether some number in the answers is neither right nor one that many different mistakes lead to."""
    return any(
        says_something(path, leaf) and (path not in right[key] or not alike(leaf, right[key][path], OTHER))
        for key in signatures.keys() & right.keys()
        for path, leaf in signatures[key].items()
    )


def save(path: Path, known: Known) -> None:
    """Write the known mistakes, of each only what is not right. The same mistakes give the same bytes."""
    mistakes = [
        {
            "id": each.id,
            "question": each.question,
            "hint": each.hint,
            "fills": each.fills,
            "answers": {
                key: _apart(each.signatures[key], known.right.get(each.question, {}).get(key, {}))
                for key in sorted(each.signatures)
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
        data = json.loads(path.read_text(encoding="utf-8"), object_hook=_with_tuples)
        if data["format"] != FORMAT:
            return None
        mistakes = tuple(_mistake(item, data["right"]) for item in data["mistakes"])
        return Known(data["right"], mistakes, str(data["fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _with_tuples(found: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}


def _mistake(item: Mapping[str, Any], right: Mapping[str, Signatures]) -> KnownMistake:
    usual = right.get(item["question"], {})
    answers = {key: _joined(usual.get(key, {}), apart) for key, apart in item["answers"].items()}
    return KnownMistake(item["id"], item["question"], item["hint"], item["fills"], answers)


def _apart(one: Signature, usual: Signature) -> dict[str, Leaf | None]:
    """What differs from the usual signature; None where it holds nothing."""
    differing = {path: leaf for path, leaf in one.items() if path not in usual or leaf != usual[path]}
    return {**differing, **dict.fromkeys(usual.keys() - one.keys())}


def _joined(usual: Signature, apart: Mapping[str, Leaf | None]) -> dict[str, Leaf]:
    return {path: leaf for path, leaf in {**usual, **apart}.items() if leaf is not None}
