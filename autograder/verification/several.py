"""Submissions with several mistakes, drawn from the corpus: each must cost its own question's marks alone."""

import random
from collections.abc import Sequence
from pathlib import Path

from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.records import grade_cell
from autograder.verification.corpus import Variant

MOST = 4  # mistakes in one submission
JOINT = " + "


def several(variants: Sequence[Variant], practical: Practical, seed: int, count: int) -> list[Variant]:
    """That many different submissions with two to four wrong answers in different questions and different cells.

    Drawn from the wrong variants that fill blanks and lose one question. CourseError if there are too few of them.
    """
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    usable = [each for each in variants if _is_simple(each)]
    drawn: dict[str, Variant] = {}
    for _ in range(50 * count):
        if len(drawn) == count:
            break
        parts = _apart(rng.sample(usable, len(usable)), practical, rng.randint(2, MOST))
        if len(parts) > 1:
            joined = _joined(parts)
            drawn[joined.id] = joined
    if len(drawn) < count:
        raise CourseError(f"The corpus yields only {len(drawn)} submissions with several mistakes.", "Ask for fewer.")
    return list(drawn.values())


def parts_of(variant: Variant) -> tuple[str, ...]:
    """The ids of the variants that it was joined from; its own if it stands in the corpus itself."""
    return tuple(variant.id.split(JOINT))


def _is_simple(variant: Variant) -> bool:
    return len(variant.loses) == 1 and bool(variant.fills) and not (variant.cells or variant.extra_cells)


def _apart(candidates: Sequence[Variant], practical: Practical, count: int) -> list[Variant]:
    """The first candidates, up to a count, that share no cell and no question; in the corpus's naming order."""
    chosen: list[Variant] = []
    taken: set[str] = set()
    for each in candidates:
        touched = {*(practical.blanks[blank] for blank in each.fills), *(grade_cell(name) for name in each.loses)}
        if len(chosen) < count and not touched & taken:
            chosen.append(each)
            taken |= touched
    return sorted(chosen, key=lambda each: each.id)


def _joined(parts: Sequence[Variant]) -> Variant:
    return Variant(
        id=JOINT.join(each.id for each in parts),
        verdict="wrong",
        summary="; ".join(each.summary for each in parts),
        path=Path("several"),
        fills={blank: text for each in parts for blank, text in each.fills.items()},
        loses=tuple(question for each in parts for question in each.loses),
    )
