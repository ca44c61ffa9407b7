"""Profiles that were taken before, kept in one file, so that a class that did not change is compared at once."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack

from autograder.files import write_atomically
from autograder.likeness.explained import Profile
from autograder.likeness.pairs import Places

Kept = dict[str, dict[str, dict[str, list[int]]]]  # digest of a file -> code or answers -> place -> fingerprints


@dataclass
class Known:
    """Profiles by what they were taken of; those that were asked for are kept for the next time."""

    before: Kept
    asked: Kept = field(default_factory=dict)

    def get(self, content: bytes, take: Callable[[bytes], Profile]) -> Profile:
        """The profile of that content, taken only if it is not known."""
        digest = hashlib.sha256(content).hexdigest()
        data = self.asked.get(digest) or self.before.get(digest)
        if data is None:
            profile = take(content)
            data = {"code": _plain(profile.code), "answers": _plain(profile.answers)}
        self.asked[digest] = data
        return Profile(_places(data["code"]), _places(data["answers"]))


@dataclass(frozen=True)
class Store:
    """The file in which profiles are kept."""

    path: Path

    @contextmanager
    def opened(self, fingerprint: str) -> Iterator[Known]:
        """What is known under that fingerprint; kept anew at the end where anything was added or has gone."""
        known = Known(self._read(fingerprint))
        yield known
        if known.asked.keys() != known.before.keys() or not self.path.exists():
            write_atomically(self.path, msgpack.packb({"fingerprint": fingerprint, "profiles": known.asked}))

    def _read(self, fingerprint: str) -> Kept:
        """What was kept; nothing where it cannot be read or was taken by other rules."""
        try:
            data = msgpack.unpackb(self.path.read_bytes())
            return _checked(data["profiles"]) if data["fingerprint"] == fingerprint else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException):
            return {}


def _checked(profiles: Any) -> Kept:
    """The profiles; KeyError, TypeError or AttributeError where they are not of that form."""
    for profile in profiles.values():
        for part in ("code", "answers"):
            _places(profile[part])
    return dict(profiles)


def _plain(places: Places) -> dict[str, list[int]]:
    return {place: sorted(prints) for place, prints in places.items()}


def _places(data: Mapping[str, list[int]]) -> dict[str, frozenset[int]]:
    return {place: frozenset(prints) for place, prints in data.items()}
