"""Learns the known mistakes from a run of the corpus, and measures how well they are recognised in it."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from autograder.errors import CourseError
from autograder.hints.recognise import Known, KnownMistake, Signatures, is_telling
from autograder.verification.corpus import RESERVED, Variant
from autograder.verification.outcomes import Attribution, Recognition, VariantResult
from autograder.verification.several import parts_of

REFERENCE = Variant(RESERVED, "right", "every blank as in the source", Path("reference"))


def learn(tried: Sequence[VariantResult], made_from: str) -> Known:
    """The known mistakes: wrong variants with a hint that lose one question, by answers that tell them apart.

    The reference must be among what was tried; ``made_from`` is the fingerprint.
    """
    right = next(each.signatures for each in tried if each.variant.id == REFERENCE.id)
    return Known(right, tuple(found for each in tried for found in _mistake(each, right)), made_from)


def _mistake(tried: VariantResult, right: Mapping[str, Signatures]) -> Iterable[KnownMistake]:
    variant = tried.variant
    if variant.hint and len(variant.loses) == 1 and len(parts_of(variant)) == 1:
        question = variant.loses[0]
        signatures = tried.signatures.get(question, {})
        if is_telling(signatures, right.get(question, {})):
            fills = len(variant.fills) + len(variant.cells) + len(variant.extra_cells)
            yield KnownMistake(variant.id, question, variant.hint.strip(), fills, signatures)


def measure(known: Known, tried: Sequence[VariantResult], alike: Sequence[frozenset[str]]) -> Recognition:
    """Ask for a hint for every question that a wrong variant loses, with and without the variant's own entry.

    Submissions drawn from several variants count among the attributions alone. ``alike`` are groups of variants of
    which a person found that each one's hint is true of all.
    """
    recognised: list[str] = []
    silent: list[str] = []
    attributions: set[Attribution] = set()
    for each in tried:
        own = parts_of(each.variant)
        asked = {question: each.signatures[question] for question in each.variant.loses if question in each.signatures}
        names = [(question, known.named(question, signatures)) for question, signatures in asked.items()]
        if len(own) == 1:
            (recognised if any(named for _, named in names) else silent).append(each.variant.id)
        for one in own:
            names += [(question, known.named(question, signatures, one)) for question, signatures in asked.items()]
        attributions |= {
            Attribution(each.variant.id, question, named.id, _fits(named.id, own, alike))
            for question, named in names
            if named and named.id not in own
        }
    return Recognition(tuple(recognised), tuple(silent), tuple(sorted(attributions)))


def _fits(named: str, own: Sequence[str], alike: Sequence[frozenset[str]]) -> bool:
    return any({one, named} <= group for group in alike for one in own)


def load_alike(path: Path) -> tuple[frozenset[str], ...]:
    """The groups of variants that one hint fits; none without the file. CourseError if it is not of that form."""
    try:
        groups = tomllib.loads(path.read_text(encoding="utf-8"))["alike"]
        return tuple(frozenset(map(str, group)) for group in groups)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{path} cannot be read: {error!r}.", "It holds one list, alike, of lists of ids.") from error
