"""Profiles that were taken before, kept in one file, so that a class that did not change is compared at once."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgpack

from autograder.files import write_atomically
from autograder.likeness.explained import Profile


class ProfileCache:
    """Profiles by what they were taken of; those that were asked for are kept for the next time.

    ``fingerprint`` is of all else that a profile depends on: what was kept under another one does not count.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._before = self._read()  # digest of a notebook -> its profile
        self._asked: dict[str, Profile] = {}

    def get(self, content: bytes, take: Callable[[bytes], Profile]) -> Profile:
        """The profile of that content, taken only if it is not kept."""
        name = hashlib.sha256(content).hexdigest()
        if name not in self._asked:
            self._asked[name] = self._before.get(name) or take(content)
        return self._asked[name]

    def keep(self) -> None:
        """Write the file where a profile was added or is no longer wanted."""
        if self._asked.keys() != self._before.keys() or not self._path.exists():
            profiles = {name: [profile.code, profile.answers] for name, profile in self._asked.items()}
            content = {"fingerprint": self._fingerprint, "profiles": profiles}
            write_atomically(self._path, msgpack.packb(content, default=sorted))  # a set as a list

    def _read(self) -> dict[str, Profile]:
        """What was kept; nothing where it cannot be read or was taken by other rules."""
        try:
            data = msgpack.unpackb(self._path.read_bytes())
            profiles = data["profiles"] if data["fingerprint"] == self._fingerprint else {}
            return {
                name: Profile(*({place: frozenset(found) for place, found in part.items()} for part in (code, answers)))
                for name, (code, answers) in profiles.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException):
            return {}
