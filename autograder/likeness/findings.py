"""The pairs of a class that are alike, for the instructor: found, written to alike.json, and shown as a table."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from autograder.authoring import read_marked, read_source
from autograder.batch import Marking, kit_fingerprint
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.likeness.explained import Explained, Profile, explained_by
from autograder.likeness.pairs import Bar, Comparison
from autograder.likeness.store import Store
from autograder.notebooks import parse_notebook
from autograder.records import Submission
from autograder.repair import repair
from autograder.results import plain
from autograder.verification.corpus import load_corpus

CODE = Bar(share=0.75, material=16)  # docs/likeness.md says how these were chosen
ANSWERS = Bar(share=0.5, material=12)
MEANING = "A reason to look, not a finding; nothing is done about it."
MOST_SHOWN = 20  # pairs in the table
MOST_PLACES = 5  # of one pair in the table


@dataclass(frozen=True)
class Pair:
    """Two students whose submissions are alike: 0 to 1, or None where there is too little to tell by."""

    students: tuple[str, str]
    code: float | None
    answers: float | None
    where: tuple[str, ...]  # grade_ids of cells, or numbers of cells in the one's and in the other's notebook


@dataclass(frozen=True)
class Findings:
    """What came of comparing a class; ``fault`` says why it could not be compared."""

    pairs: Sequence[Pair] = ()
    compared: int = 0  # submissions
    fault: str = ""

    def data(self) -> dict[str, Any]:
        """All of it for a program."""
        return {"meaning": MEANING, **asdict(self)}

    def words(self) -> list[RenderableType]:
        """All of it for people: nothing where nothing was found."""
        if self.fault:
            return [plain(f"The submissions were not compared with each other: {self.fault}", "yellow")]
        left = len(self.pairs) - MOST_SHOWN
        more = [plain(f"{left} more pairs stand in alike.json.")] if left > 0 else []
        return [_table(self.pairs[:MOST_SHOWN]), *more, plain(MEANING, "dim")] if self.pairs else []


def compare_class(
    marking: Marking, submissions: Sequence[Submission], folder: Path, progress: Callable[[], None] = lambda: None
) -> Findings:
    """Compare all submissions of a class and write ``alike.json`` to the folder; marks have no part in it.

    ``progress`` is called once for each submission. A fault of the corpus is in the findings, since grading goes on
    without them. Raises OSError where the folder cannot be written.
    """
    try:
        profiles = _Reader(marking, Store(folder / "alike.cache")).profiles(submissions, progress)
        found = Findings(_pairs([item.student for item in submissions], profiles), len(profiles))
    except CourseError as error:
        found = Findings(fault=f"{error.message} {error.next_step}".strip())
    write_atomically(folder / "alike.json", json.dumps(found.data(), indent=1))
    return found


@dataclass(frozen=True)
class _Reader:
    """Takes profiles of submissions, or those that were taken before."""

    marking: Marking
    store: Store

    def profiles(self, submissions: Iterable[Submission], progress: Callable[[], None]) -> list[Profile]:
        found = []
        with self.store.opened(self._fingerprint) as known:
            for submission in submissions:
                content = _content(submission.path, self.marking.limits.largest_notebook)
                found.append(known.get(content, self._profile))
                progress()
        return found

    def _profile(self, content: bytes) -> Profile:
        try:
            notebook = parse_notebook(content, "")
            mended, _ = repair(notebook, self.marking.release, self.marking.course.assignment)
            return self._explained.profile(mended, self.marking.course.assignment)
        except CourseError:
            raise
        except Exception:  # what cannot be compared must not stop the others; grading says what is wrong with it
            return Profile({}, {})

    @cached_property
    def _explained(self) -> Explained:
        course = self.marking.course
        corpus = course.root / "solutions" / "variants"
        variants = load_corpus([corpus], course.assignment) if corpus.is_dir() else ()
        source = read_source(course.root, course.name)
        return explained_by(self.marking.release, read_marked(source, course.assignment), variants)

    @property
    def _fingerprint(self) -> str:
        """Of all that a profile depends on besides the submission."""
        course = self.marking.course
        files = sorted((course.root / "solutions" / "variants").rglob("*.toml"))
        parts = [json.dumps(self.marking.release).encode(), *(path.read_bytes() for path in files)]
        return hashlib.sha256(b"\n".join([kit_fingerprint().encode(), *parts])).hexdigest()


def _content(path: Path, largest: int) -> bytes:
    """What was handed in; nothing where it is no ordinary file, too large or cannot be read."""
    try:
        ordinary = path.is_file() and not path.is_symlink() and path.stat().st_size <= largest
        return path.read_bytes() if ordinary else b""
    except OSError:
        return b""


def _pairs(names: Sequence[str], profiles: Sequence[Profile]) -> list[Pair]:
    code = Comparison([profile.code for profile in profiles], CODE)
    answers = Comparison([profile.answers for profile in profiles], ANSWERS)
    found = []
    for one, other in sorted({*code.reached(), *answers.reached()}):
        where = [*code.where(one, other), *answers.where(one, other)]
        shares = _rounded(code.share(one, other)), _rounded(answers.share(one, other))
        found.append(Pair((names[one], names[other]), *shares, tuple(map(_place, where))))
    return sorted(found, key=lambda pair: -max(pair.code or 0, pair.answers or 0))


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 2)


def _place(places: tuple[str, str]) -> str:
    return places[0] if places[0] == places[1] else " = ".join(places)


def _table(pairs: Iterable[Pair]) -> Table:
    table = Table(title="Alike beyond what is common")
    for name in ("one", "other"):
        table.add_column(name, overflow="fold")
    for name in ("code", "answers"):
        table.add_column(name, justify="right", style="bold", no_wrap=True)
    table.add_column("where")
    for pair in pairs:
        more = len(pair.where) - MOST_PLACES
        where = ", ".join(pair.where[:MOST_PLACES]) + (f" and {more} more" if more > 0 else "")
        figures = ("-" if share is None else f"{share:.2f}" for share in (pair.code, pair.answers))
        table.add_row(*map(plain, (*pair.students, *figures, where)))
    return table
