"""A shard of a class: what one of several graders takes that work on the same course, such as the jobs of an array."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from autograder.errors import CourseError

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """One part of a class, by its number from 1, and how many parts there are."""

    number: int = 1
    parts: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.parts}"

    def of(self, everyone: Sequence[T]) -> list[T]:
        """The students of this part: the sizes of two parts differ by one at most, and the parts share nobody."""
        return list(everyone[self.number - 1 :: self.parts])


WHOLE = Shard()


def read_shard(words: str) -> Shard:
    """The shard that somebody wrote as 3/10, the third of ten; CourseError if it is none."""
    found = re.fullmatch(r"([0-9]+)/([0-9]+)", words, re.ASCII)
    shard = Shard(int(found[1]), int(found[2])) if found else Shard(0, 0)
    if not 1 <= shard.number <= shard.parts:
        raise CourseError(f"--shard {words} is no part of a class.", "Write 3/10, say, for the third of ten parts.")
    return shard
