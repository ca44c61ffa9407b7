"""The stage mend: one submission's file becomes one mended notebook, which everything else works on.

It is done once for each file: the mended notebook is kept, and says in its metadata from what it was made.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.annexes import annex
from autograder.course.folders import Course
from autograder.errors import CourseError, file_fault, of_the_machine
from autograder.files import write_atomically
from autograder.grading.store import mended_path
from autograder.notebook.reading import NotANotebookError, parse_notebook, read_content
from autograder.records import Submission

NOTE = "autograder"  # of the notebook's metadata: what this stage notes there; what a student writes there goes
ENGINE = Path(__file__).parent.parent
MENDING = ("grading/mend.py", "notebook/*.py", "repair/*.py")  # the engine's code on which the outcome depends

Repair = Callable[[NotebookNode, NotebookNode, object], tuple[NotebookNode, list[str]]]


@dataclass(frozen=True)
class Mended:
    """A submission after mending. Where it could not be read ``fault`` says why, and the notebook is the release's."""

    student: str
    notebook: NotebookNode
    repairs: tuple[str, ...] = ()  # what had to be mended, in words; first what is to know about how it was found
    fault: str = ""


def mend(course: Course, submission: Submission) -> Mended:
    """Read and mend one submission. What goes wrong with it is a fault in the record; CourseError if the course is."""
    try:
        content = read_content(submission.path, course.limits.largest_notebook)
        return _mended(course, submission, content)
    except NotANotebookError as error:
        fault = str(error)
    except OSError as error:
        if of_the_machine(error):
            raise file_fault(error) from error
        fault = f"{submission.path.name} cannot be read: {error.strerror}. Look at the file's rights."
    return Mended(submission.student, course.release, (), fault)


def _mended(course: Course, submission: Submission, content: bytes) -> Mended:
    notes = (submission.note,) if submission.note else ()
    try:
        notebook = parse_notebook(content, submission.path.name)
        repair = annex("repair")
        mended, repairs = repair.repair(notebook, course.release, course.practical) if repair else (notebook, [])
    except (NotANotebookError, CourseError):
        raise
    except Exception as error:  # whatever one submission brings about must not stop the others
        if isinstance(error, OSError) and of_the_machine(error):
            raise file_fault(error) from error
        name = submission.path.name
        raise NotANotebookError(
            f"{name} cannot be graded ({type(error).__name__}: {error}). Look at it by hand."
        ) from None
    mended.metadata.pop(NOTE, None)
    return Mended(submission.student, mended, (*notes, *repairs))


def mend_once(course: Course, submission: Submission, folder: Path) -> Mended:
    """The same, kept in the folder of results: a file that was mended before is not read as a notebook again."""
    try:
        made_from = _digest(course, submission, read_content(submission.path, course.limits.largest_notebook))
    except (NotANotebookError, OSError):
        made_from = ""
    before = kept_mended(folder, submission.student)
    if before and made_from and before[1] == made_from:
        return before[0]
    done = mend(course, submission)
    note = {"made_from": made_from, "repairs": list(done.repairs), "fault": done.fault}
    metadata = {**done.notebook.metadata, NOTE: note}
    write_atomically(mended_path(folder, done.student), json.dumps({**done.notebook, "metadata": metadata}))
    return done


def kept_mended(folder: Path, student: str) -> tuple[Mended, str] | None:
    """The mended notebook that is kept for a student, and what it was made from; None if none can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        kept = nbformat.from_dict(json.loads(mended_path(folder, student).read_text(encoding="utf-8")))
        note = kept.metadata.pop(NOTE)
        return Mended(student, kept, tuple(note["repairs"]), note["fault"]), note["made_from"]
    return None


def _digest(course: Course, submission: Submission, content: bytes) -> str:
    """Of all that the mended notebook depends on."""
    release = json.dumps(course.release, sort_keys=True)
    about = json.dumps([submission.path.name, submission.note, release, _code()])
    return hashlib.sha256(about.encode(errors="surrogatepass") + b"\0" + content).hexdigest()


@lru_cache
def _code() -> str:
    paths = [path for pattern in MENDING for path in sorted(ENGINE.glob(pattern))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()
