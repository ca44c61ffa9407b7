"""The stage mend: one submission's file becomes one mended notebook, which everything else works on.

It is done once for each file: the mended notebook is kept, and says in its metadata from what it was made.
"""

import contextlib
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.course.folders import Course, Unclear, find_submissions
from autograder.errors import raise_unless_of_submission
from autograder.files import engine_digest, write_atomically
from autograder.grading.reading import NOTE, Reader, read
from autograder.grading.store import mended_path
from autograder.notebook.extraction import Extract, as_data, from_data
from autograder.notebook.reading import NotANotebookError, open_content
from autograder.records import Submission
from autograder.sandbox.apart import OverrunError, RaisedApartError

# the engine's code on which the outcome depends
MENDING = ("grading/mend.py", "grading/reading.py", "notebook/*.py", "repair/*.py")

HandedIn = Submission | Unclear
"""A student's notebook, or why it is not clear which one it is."""


@dataclass(frozen=True)
class Mended:
    """A submission after mending. ``fault`` says why there is nothing to grade; the notebook then is the release's."""

    student: str
    notebook: NotebookNode
    repairs: tuple[str, ...] = ()  # what had to be mended, in words; first what is to know about how it was found
    fault: str = ""
    made_from: str = ""  # a digest of all that it depends on; empty where it is to be made again
    extract: Extract | None = field(default=None, compare=False)  # what marking needs of it, where it is known already


def everything_in(
    folder: Path, name: str, apart: Collection[Path] = (), others: Collection[str] = ()
) -> list[HandedIn]:
    """What everyone handed in, sorted by student. Arguments and errors are those of ``find_submissions``."""
    clear, unclear = find_submissions(folder, name, apart, others)
    both: list[HandedIn] = [*clear, *unclear]
    return sorted(both, key=lambda each: each.student)


def mend(course: Course, submission: HandedIn) -> Mended:
    """Read and mend one submission. What goes wrong with it is a fault in the record; CourseError if the course is."""
    if isinstance(submission, Unclear):
        return Mended(submission.student, course.release, fault=submission.reason)
    name = submission.path.name
    try:
        with open_content(submission.path, course.limits.largest_notebook) as file:
            found = read(Reader.of(course), name, file.fileno())
    except NotANotebookError as error:
        fault = str(error)
    except OverrunError as error:
        fault = f"{name} cannot be read: {error}. Clear its outputs, take out what is not yours, and hand it in again."
    except RaisedApartError as error:
        fault = f"{name} cannot be graded ({error}). Look at it by hand."
    except OSError as error:
        raise_unless_of_submission(error)
        fault = f"{name} cannot be read: {error.strerror or error}. Look at the file's rights."
    else:
        notes = (submission.note,) if submission.note else ()
        return Mended(submission.student, found.notebook, (*notes, *found.repairs), extract=found.extract)
    return Mended(submission.student, course.release, fault=fault)


def mend_once(course: Course, submission: HandedIn, folder: Path) -> Mended:
    """The same, kept in the folder of results: a file that was mended before is not read as a notebook again."""
    made_from = _made_from(course, submission)
    before = kept_mended(folder, submission.student)
    if before and made_from and before.made_from == made_from:
        return before
    done = replace(mend(course, submission), made_from=made_from)
    note: dict[str, Any] = {"made_from": made_from, "repairs": list(done.repairs), "fault": done.fault}
    note |= {"extract": as_data(done.extract)} if done.extract else {}
    metadata = {**done.notebook.metadata, NOTE: note}
    write_atomically(mended_path(folder, done.student), json.dumps({**done.notebook, "metadata": metadata}))
    return done


def kept_mended(folder: Path, student: str) -> Mended | None:
    """The mended notebook that is kept for a student; None if none can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        kept = nbformat.from_dict(json.loads(mended_path(folder, student).read_text(encoding="utf-8")))
        note = kept.metadata.pop(NOTE)
        taken = from_data(note["extract"]) if "extract" in note else None
        return Mended(student, kept, tuple(note["repairs"]), note["fault"], note["made_from"], taken)
    return None


def _made_from(course: Course, submission: HandedIn) -> str:
    """A digest of all that the mended notebook depends on; empty where there is no file that can be read."""
    if isinstance(submission, Unclear):
        return ""
    try:
        with open_content(submission.path, course.limits.largest_notebook) as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except (NotANotebookError, OSError):
        return ""
    release = json.dumps(course.release, sort_keys=True)
    long_running = sorted(course.practical.long_running)
    about = [submission.path.name, submission.note, release, engine_digest(*MENDING), content, long_running]
    return hashlib.sha256(json.dumps([*about, str(course.limits)]).encode(errors="surrogatepass")).hexdigest()
