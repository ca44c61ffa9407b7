"""The sink that compares the submissions of a class: ``alike.json``, a table, and profiles kept for the next time."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import msgpack
import nbformat
from nbformat import NotebookNode

from autograder.authoring import read_marked
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.files import engine_digest, write_atomically
from autograder.grading.mark import Marking
from autograder.grading.publish import ClassResults, Published, Sink
from autograder.grading.store import mended_path
from autograder.likeness.explained import Explained, Profile, explained_by
from autograder.likeness.findings import Findings, compared
from autograder.likeness.pairs import Places
from autograder.sandbox.apart import Bounds, BusyError, OverrunError, Packed, RaisedApartError, apart
from autograder.verification.corpus import load_corpus

READING = ("likeness/*.py", "notebook/*.py", "authoring/*.py", "verification/corpus.py")  # what makes a profile


class Likeness:
    """Which submissions are alike, for the instructor alone; no mark depends on it."""

    name = "comparing"

    def check(self, marking: Marking) -> None:
        """Nothing can keep it from that: a fault of the corpus is a finding."""

    def folders(self, _: Marking, folder: Path) -> Sequence[Path]:
        """The folder of results."""
        return [folder]

    def publish(self, results: ClassResults, progress: Callable[[int, int], None]) -> Published:
        """Compare all mended notebooks that are kept. A fault of the corpus is a fault in the findings."""
        try:
            found = compared(_profiles(results, progress))
        except CourseError as error:
            found = Findings(fault=f"{error.message} {error.next_step}".strip())
        path = results.folder / "alike.json"
        write_atomically(path, json.dumps(found.data(), indent=1))
        return Published([path], data={"alike": found.data()}, words=found.words())


SINKS: list[Sink] = [Likeness()]


def _profiles(results: ClassResults, progress: Callable[[int, int], None]) -> dict[str, Profile]:
    """The profiles of all students of whom a mended notebook is kept."""
    profiles = _Profiles(results.marking, results.folder / "alike.cache")
    found = {}
    for number, submission in enumerate(results.submissions, start=1):
        path = mended_path(results.folder, submission.student)
        if path.exists():
            found[submission.student] = profiles.of(path.read_bytes())
        progress(number, len(results.submissions))
    profiles.keep()
    return found


@dataclass(frozen=True)
class _Profiler:
    """Takes profiles: a work that is done apart, since it reads what students wrote."""

    explained: Explained
    practical: Practical

    def __call__(self, content: bytes) -> bytes:
        """The profile of a mended notebook, packed; see ``_profile``."""
        taken = self.explained.profile(nbformat.from_dict(json.loads(content)), self.practical)
        packed: bytes = msgpack.packb(_data(taken), default=sorted)  # a set as a list
        return packed


def _data(profile: Profile) -> list[Any]:
    return [profile.code, profile.answers, list(profile.left_out)]


def _profile(data: Sequence[Any]) -> Profile:
    """The profile that ``_data`` made this from; TypeError, ValueError or AttributeError if it is none."""
    code, answers, left_out = data
    return Profile(_places(code), _places(answers), tuple(left_out))


def _places(part: Mapping[str, Sequence[int]]) -> Places:
    return {place: frozenset(found) for place, found in part.items()}


class _Profiles:
    """Profiles of mended notebooks, kept in one file, so that a class that did not change is compared at once."""

    def __init__(self, marking: Marking, path: Path) -> None:
        self._release = marking.course.release
        self._practical = marking.course.practical
        self._limits = marking.limits
        self._corpus = self._practical.folder / "variants"
        self._path = path
        self._before = self._kept()  # digest of a notebook -> its profile
        self._asked: dict[str, Profile] = {}

    def of(self, content: bytes) -> Profile:
        """The profile of a notebook, taken only if it is not kept; CourseError if the corpus is at fault."""
        name = hashlib.sha256(content).hexdigest()
        if name not in self._asked:
            self._asked[name] = self._before.get(name) or self._taken(content)
        return self._asked[name]

    def keep(self) -> None:
        """Write the file where a profile was added or is no longer wanted."""
        if self._asked.keys() != self._before.keys() or not self._path.exists():
            profiles = {name: _data(profile) for name, profile in self._asked.items()}
            content = {"fingerprint": self._fingerprint, "profiles": profiles}
            write_atomically(self._path, msgpack.packb(content, default=sorted))  # a set as a list

    def _kept(self) -> dict[str, Profile]:
        """What was kept; nothing where it cannot be read or was taken by other rules."""
        try:
            data = msgpack.unpackb(self._path.read_bytes())
            profiles = data["profiles"] if data["fingerprint"] == self._fingerprint else {}
            return {name: _profile(parts) for name, parts in profiles.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException):
            return {}

    @cached_property
    def _fingerprint(self) -> str:
        """Of all that a profile depends on besides the notebook."""
        notebooks = [json.dumps(each).encode() for each in (self._release, self._practical.source)]
        variants = [path.read_bytes() for path in sorted(self._corpus.rglob("*.toml"))]
        return hashlib.sha256(b"\0".join([engine_digest(*READING).encode(), *notebooks, *variants])).hexdigest()

    def _taken(self, content: bytes) -> Profile:
        """The profile of a notebook, empty if none can be taken."""
        try:
            return _profile(msgpack.unpackb(apart(self._profiler, content, bounds=Bounds.of(self._limits))))
        except (OverrunError, RaisedApartError, BusyError) as error:  # it must not stop the others
            return Profile({}, {}, (f"the whole notebook: {error}",))

    @cached_property
    def _profiler(self) -> Packed:
        given = _Given(self._fingerprint, self._release, self._practical)
        return Packed(_Profiler(_explained(given), self._practical))


@dataclass(frozen=True)
class _Given:
    """What everyone was given, known by its fingerprint."""

    fingerprint: str
    release: NotebookNode = field(compare=False)
    practical: Practical = field(compare=False)


@lru_cache(maxsize=2)
def _explained(given: _Given) -> Explained:
    corpus = given.practical.folder / "variants"
    variants = load_corpus([corpus], given.practical) if corpus.is_dir() else ()
    return explained_by(given.release, read_marked(given.practical.source, given.practical), variants)
