"""The profile of answers: what is wrong with them, and how, but not by how much. Many mistakes of a kind have one.

Every leaf that is not as it should be is described in a word, by its path without its shape.
"""

import re
from collections.abc import Mapping

from autograder.hints.signatures import Leaf, Signature, alike

OTHER = 5e-3  # relative difference from the right answer above which a number is not right
RATIO = 1e-2  # relative spread up to which several ratios are one

Profile = frozenset[tuple[str, str, str]]  # digest of an ask, path, in a word what is wrong


def profile(signatures: Mapping[str, Signature], right: Mapping[str, Signature]) -> Profile:
    """What is wrong with the answers to all asks."""
    return frozenset(
        (key, path, word)
        for key, answer in signatures.items()
        for path, word in _wrong(_bare(answer), _bare(right.get(key, {})))
    )


def bare(profile: Profile) -> Profile:
    """The same without saying how: only what is wrong."""
    return frozenset((key, path, "") for key, path, _ in profile)


def _bare(answer: Signature) -> dict[str, Leaf]:
    """The leaves by their paths without shapes; how often something was called does not count."""
    return {re.sub(r" \(.*", "", path): leaf for path, leaf in answer.items()}


def _wrong(answer: Mapping[str, Leaf], right: Mapping[str, Leaf]) -> list[tuple[str, str]]:
    found = [(path, "missing") for path in right.keys() - answer.keys()]
    for path, leaf in answer.items():
        if path not in right:
            found.append((path, _text(leaf) if isinstance(leaf, str) else "new"))
        elif not alike(leaf, right[path], OTHER):
            found.append((path, _word(leaf, right[path])))
    if any(path == "/answer" for path, _ in found):  # nothing came back: what is missing tells no more
        return [each for each in found if each[1] != "missing"]
    return found


def _word(leaf: Leaf, right: Leaf) -> str:
    if isinstance(leaf, str) or isinstance(right, str):
        return _text(leaf) if isinstance(leaf, str) else "numbers"
    if len(leaf) != len(right):
        return "another shape"
    if leaf[0] <= 1e-6:
        return "zero"
    if right[0] <= 1e-6:
        return "not zero"
    ratios = [a / b for a, b in zip(leaf[1:], right[1:], strict=True) if abs(b) > 1e-3 * right[0]]
    if ratios and max(ratios) - min(ratios) <= RATIO * abs(ratios[0]):
        if abs(ratios[0] + 1) < RATIO:
            return "negative"
        return "scaled" if ratios[0] > 0 else "scaled and negative"
    return "other"


def _text(leaf: str) -> str:
    return re.sub(r"[\d.]+|'[^']*'", "#", leaf)[:80]
