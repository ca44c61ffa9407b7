"""Draws: which numbers the hidden checks of a practical ask with.

A course draws a handful of versions of each practical's inputs from its secret (course/secret.py), and each student has
one of them: a table of what one version's right answers are earns nothing under another. Without a secret there is the
fixed draw. A practical's modules are imported once for each draw; while they are, and while their checks run, that draw
is in use, and ``generator`` draws from it.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np

from autograder.errors import CheckError

STREAM = 20_180_104  # tells these random numbers from others that are drawn with a small seed
WORD = 4  # bytes of one number that a generator is seeded with
MOST_TRIED = 10_000  # seeds, until one fits
NEXT = 1_000_000  # from one such seed to the next


@dataclass(frozen=True)
class Draw:
    """One version of a practical's inputs, by its number from 1; 0 is the fixed draw, which has no bits of its own."""

    version: int = 0
    bits: bytes = field(default=b"", repr=False)  # never shown: all inputs follow from it

    @property
    def digest(self) -> str:
        """Tells the draw from every other, and nothing of its numbers; empty for the fixed one."""
        return hashlib.sha256(b"draw" + self.bits).hexdigest() if self.bits else ""

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let ``generator`` draw from it meanwhile."""
        before = _IN_USE.set(self)
        try:
            yield
        finally:
            _IN_USE.reset(before)


FIXED = Draw()
_IN_USE = ContextVar("draw", default=FIXED)


def seeds_of_draw() -> list[int]:
    """Numbers that are other ones for every draw, to seed a generator with beside a seed; none for the fixed draw."""
    found = _IN_USE.get().bits
    return [int.from_bytes(found[start : start + WORD]) for start in range(0, len(found), WORD)]


def generator(seed: int) -> np.random.Generator:
    """Random numbers to ask with: the same in every run, others for every seed, and others for every draw."""
    return np.random.default_rng([STREAM, seed, *seeds_of_draw()])


def fitting_seed(seed: int, fits: Callable[[int], bool]) -> int:
    """A seed whose numbers fit, such as ``fitting_seed(1, lambda seed: generator(seed).normal() > 0)``.

    It is the given one if that fits, else the first of others that does. Say with it what a check needs of its inputs,
    since every course draws others. CheckError if none of many fits.
    """
    for tried in range(MOST_TRIED):
        if fits(seed + NEXT * tried):
            return seed + NEXT * tried
    message = f"none of {MOST_TRIED} seeds in place of {seed} gives numbers that fit."
    raise CheckError(message, "Ask for less of them: about one seed in a hundred should fit.")
