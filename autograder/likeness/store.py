"""Profiles that were taken before, kept in one file, so that a class that did not change is compared at once."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgpack

from autograder.files import write_atomically
from autograder.likeness.explained import Profile
from autograder.likeness.pairs import Places

Kept = dict[str, dict[str, dict[str, list[int]]]]  # digest of a notebook -> code or answers -> place -> fingerprints


class ProfileCache:
    """Profiles by what they were taken of; those that were asked for are kept for the next time.

    ``fingerprint`` is of all else that a profile depends on: what was kept under another one does not count.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._before = self._read()
        self._asked: Kept = {}

    def get(self, content: bytes, take: Callable[[bytes], Profile]) -> Profile:
        """The profile of that content, taken only if it is not kept."""
        name = hashlib.sha256(content).hexdigest()
        data = self._asked.get(name) or self._before.get(name)
        if data is None:
            profile = take(content)
            data = {"code": _plain(profile.code), "answers": _plain(profile.answers)}
        self._asked[name] = data
        return Profile(_places(data["code"]), _places(data["answers"]))

    def keep(self) -> None:
        """Write the file where a profile was added or is no longer wanted."""
        if self._asked.keys() != self._before.keys() or not self._path.exists():
            content = {"fingerprint": self._fingerprint, "profiles": self._asked}
            write_atomically(self._path, msgpack.packb(content))

    def _read(self) -> Kept:
        """What was kept; nothing where it cannot be read or was taken by other rules."""
        try:
            data = msgpack.unpackb(self._path.read_bytes())
            return _checked(data["profiles"]) if data["fingerprint"] == self._fingerprint else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException):
            return {}


def _checked(profiles: Any) -> Kept:
    """The profiles; KeyError, TypeError or AttributeError where they are not of that form."""
    for profile in profiles.values():
        for part in ("code", "answers"):
            _places(profile[part])
    return dict(profiles)


def _plain(places: Places) -> dict[str, list[int]]:
    return {place: sorted(found) for place, found in places.items()}


def _places(data: Mapping[str, list[int]]) -> dict[str, frozenset[int]]:
    return {place: frozenset(found) for place, found in data.items()}
