"""Learns the known mistakes from a run of the corpus and of the mutants."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError
from autograder.hints.recognise import Known, KnownMistake, Signatures, is_telling
from autograder.hints.signatures import broke_off
from autograder.mutants.answering import Tried
from autograder.verification.corpus import RESERVED, Variant
from autograder.verification.outcomes import VariantResult
from autograder.verification.several import parts_of

REFERENCE = Variant(RESERVED, "right", "every blank as in the source", Path("reference"))


@dataclass(frozen=True)
class Alike:
    """Of which hints a person read that they are true."""

    groups: tuple[frozenset[str], ...] = ()  # variants of which each one's hint is true of all
    read: frozenset[tuple[str, str]] = frozenset()  # a variant, and the place that a hint told it, in words


def learn(
    tried: Sequence[VariantResult],
    mutants: Sequence[Tried],
    made_from: str,
    alike: Alike,
) -> Known:
    """The known mistakes: wrong variants with a hint that lose one question, by answers that tell them apart; mutants.

    The reference must be among what was tried; ``made_from`` is the fingerprint. Code that breaks off is no help.
    """
    right = next(each.signatures for each in tried if each.variant.id == REFERENCE.id)
    written = [found for each in tried for found in _written(each, right, alike)]
    return Known(right, (*written, *(found for each in mutants for found in _made(each))), made_from)


def _written(tried: VariantResult, right: Mapping[str, Signatures], alike: Alike) -> Iterable[KnownMistake]:
    variant = tried.variant
    if variant.hint and len(variant.loses) == 1 and len(parts_of(variant)) == 1:
        question = variant.loses[0]
        signatures = tried.signatures.get(question, {})
        if is_telling(signatures, right.get(question, {})):
            fills = len(variant.fills) + len(variant.cells) + len(variant.extra_cells)
            others = sorted({other for group in alike.groups if variant.id in group for other in group} - {variant.id})
            yield KnownMistake(variant.id, question, variant.hint.strip(), fills, signatures, alike=tuple(others))


def _made(tried: Tried) -> Iterable[KnownMistake]:
    mutant = tried.mutant
    if tried.caught and len(mutant.slips) == 1 and not any(map(broke_off, tried.signatures.values())):
        (slip,) = mutant.slips
        yield KnownMistake(slip.operator, mutant.question, "", 1, tried.signatures, slip.kind, slip.place)


def load_alike(path: Path) -> Alike:
    """What a person read of hints; nothing without the file. CourseError if it is not of that form."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        groups = tuple(frozenset(map(str, group)) for group in found["alike"])
        return Alike(groups, frozenset((str(variant), str(place)) for variant, place in found.get("read", ())))
    except FileNotFoundError:
        return Alike()
    except (OSError, ValueError, KeyError, TypeError) as error:
        step = "It holds a list, alike, of lists of ids; and perhaps one, read, of pairs of an id and a place."
        raise CourseError(f"{path} cannot be read: {error!r}.", step) from error
