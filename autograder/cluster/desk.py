"""A worker's side: a practical that was sent to it, and the submissions that it grades with that, one after the other.

Its functions are the tasks that a worker runs; what they take and return is said in ``parcels.py``.
"""

import contextlib
import json
import os
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.cluster.parcels import (
    COURSE,
    Parcel,
    differences,
    digest_of_practical,
    settings_in,
    unpack_practical,
    unpacked,
    versions_here,
)
from autograder.course.folders import Course
from autograder.errors import CourseError, file_fault
from autograder.grading.graders import grade_one
from autograder.grading.mark import Marking
from autograder.grading.store import as_data, mended_path, result_path
from autograder.records import Submission
from autograder.sandbox import choose_barrier

REFUSED, UNKNOWN = "refused", "unknown"  # keys of an answer: why this worker can't grade; it has no such practical
OTHER_VERSION = "Install there what the grader that calls has: the same kit, with its constraints.txt, and Python."


def prepare(packed: bytes) -> str:
    """Take a practical in. Why this worker can't grade with it, in words; empty if it can."""
    try:
        desk_of(_taken_in(packed)).check()
    except CourseError as error:
        return _in_words(error)
    except OSError as error:
        return _in_words(file_fault(error))
    return ""


def grade_parcel(packed: bytes) -> bytes:
    """Grade one submission: as JSON what ``Desk.graded`` returns, or why it is not done here."""
    parcel = unpacked(packed)
    folder = _practicals() / parcel.practical
    try:
        found = desk_of(folder).graded(parcel) if folder.is_dir() else {UNKNOWN: True}
    except CourseError as error:
        found = {REFUSED: _in_words(error)}
    except OSError as error:
        found = {REFUSED: _in_words(file_fault(error))}
    return json.dumps(found).encode()


def _in_words(error: CourseError) -> str:
    return f"{error.message} {error.next_step}".strip()


def _practicals() -> Path:
    """This worker's folder for practicals, which nobody else on the machine may read. It ends with the worker."""
    from distributed import get_worker

    folder = Path(get_worker().local_directory) / "practicals"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _taken_in(packed: bytes) -> Path:
    """The folder with the practical's files, which is there whole or not at all."""
    practicals = _practicals()
    folder = practicals / digest_of_practical(packed)
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=practicals) as made:
            unpack_practical(packed, Path(made) / "whole")
            with contextlib.suppress(OSError):  # another thread was faster
                (Path(made) / "whole").rename(folder)
    return folder


@lru_cache(maxsize=2)  # of two practicals that take turns, neither reads its files again
def desk_of(folder: Path) -> "Desk":
    """The desk with the practical of that folder, made once. CourseError if its course is at fault."""
    return Desk(folder)


class Desk:
    """One practical, and how its submissions are marked. It grades one submission at a time."""

    def __init__(self, folder: Path) -> None:
        said = settings_in(folder)
        self._folder, self._versions = folder, said["versions"]
        self._here, self._root = str(folder / COURSE), said["root"]
        skip, again = frozenset(said["skip"]), frozenset(said["again"])
        self._marking = Marking(Course(folder / COURSE, said["practical"]), said["unsafe"], skip, said["force"], again)
        self._turn = threading.Lock()

    def check(self) -> None:
        """CourseError unless this machine has a sandbox, and gives the marks that the grader's own would give."""
        if differ := differences(versions_here(self._marking.course.practical), self._versions):
            raise CourseError(f"It would give other marks: {'; '.join(differ)}.", OTHER_VERSION)
        choose_barrier(self._marking.unsafe)

    def graded(self, parcel: Parcel) -> dict[str, Any]:
        """What came of a submission: result, asked and lost as in ``Graded``, and its mended notebook if it is new."""
        with self._turn, tempfile.TemporaryDirectory(dir=self._folder) as place:
            folder, student = Path(place), parcel.student
            handed_in, mended = folder / "handed in" / parcel.name, mended_path(folder, student)
            there = {handed_in: parcel.content, mended: parcel.mended, result_path(folder, student): parcel.result}
            for path, content in there.items():
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
            try:
                done = grade_one(self._marking, folder, Submission(student, handed_in, parcel.note))
            except CourseError as error:
                raise CourseError(self._of_course(error.message), self._of_course(error.next_step)) from error
            found = as_data(done.result)
            new = mended.read_bytes()
        if done.lost:
            found["fault"] = self._of_course(found["fault"])
        changed = new.decode() if new != parcel.mended else ""
        return {"result": found, "asked": done.asked, "lost": done.lost, "mended": changed}

    def _of_course(self, words: str) -> str:
        """Words that name the files of the course where it stands, and not those of its copy here."""
        return words.replace(self._here, self._root)


def dask_setup(_: Any) -> None:
    """Prepare a worker's process, whose ``--preload`` this module is.

    It gets a process group of its own, so that Ctrl-C on the terminal does not reach its sandboxes: a sandbox that ends
    by it would count as a submission that crashed.
    """
    with contextlib.suppress(OSError):  # it leads a session
        os.setpgid(0, 0)
