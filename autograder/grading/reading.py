"""What is done with one submission's text, in a process apart: it is read, mended, and its definitions are taken.

No student's text is parsed in the grader itself. What comes back is data of a known form and a limited size.
"""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.annexes import annex
from autograder.course.folders import Course
from autograder.course.limits import Limits
from autograder.course.practical import Practical
from autograder.notebook.extraction import Extract, as_data, extract, from_data
from autograder.notebook.reading import NotANotebookError, read_notebook
from autograder.notebook.shown import keep_what_answers_are_about
from autograder.sandbox.apart import Bounds, apart

MOST_REPAIRS = 40  # that are told of one submission
LONGEST_REPAIR = 400  # characters
NOTE = "autograder"  # of the notebook's metadata: what the stage mend notes there; what a student writes there goes


@dataclass(frozen=True)
class Reading:
    """What came of reading one submission."""

    notebook: NotebookNode
    repairs: tuple[str, ...]
    extract: Extract


@dataclass(frozen=True)
class Reader:
    """Reads submissions of one practical, in a process apart: it is sent there as it stands."""

    practical: Practical
    release: NotebookNode
    limits: Limits

    @classmethod
    def of(cls, course: Course) -> "Reader":
        """The reader of a course's submissions."""
        return cls(course.practical, course.release, course.limits)

    def prepare(self) -> None:
        """Read the release once: what submissions have in common with it is then known."""
        self.mended(json.dumps(self.release).encode(), "release.ipynb")
        self._extracted(self.release)

    def mended(self, content: bytes, name: str) -> tuple[NotebookNode, list[str]]:
        """The mended notebook, and what was mended, in words; NotANotebookError says why there is none."""
        notebook, notes = read_notebook(content, name, self.limits)
        del content
        if repair := annex("repair"):
            notebook, story = repair.repair(notebook, self.release, self.practical)
            notes += story
        keep_what_answers_are_about(notebook)
        notebook.metadata.pop(NOTE, None)
        return notebook, _told(notes)

    def __call__(self, name: str, notebook: NotebookNode | None, file: int | None = None) -> bytes:
        """What is taken from a mended notebook, or what comes of reading an open file; as JSON, see below."""
        if file is None:
            assert notebook is not None
            return json.dumps(self._extracted(notebook)).encode()
        with os.fdopen(file, "rb", closefd=False) as opened:
            content = opened.read()
        try:
            notebook, repairs = self.mended(content, name)
        except NotANotebookError as error:
            return json.dumps({"fault": str(error)}).encode()
        return json.dumps({"notebook": notebook, "repairs": repairs, "extract": self._extracted(notebook)}).encode()

    @cached_property
    def released(self) -> Extract:
        """What was taken from the release."""
        return extract(self.release, self.practical.long_running)

    def _extracted(self, notebook: NotebookNode) -> dict[str, Any]:
        return as_data(extract(notebook, self.practical.long_running, self.limits, self.released))


def read(reader: Reader, name: str, file: int) -> Reading:
    """Read and mend the submission in an open file, apart; ``name`` is what the file is called in messages.

    NotANotebookError says why it is no notebook; OverrunError, BusyError and RaisedApartError are those of ``apart``.
    """
    data = json.loads(apart(reader, name, None, bounds=Bounds.of(reader.limits), files=[file]))
    if "fault" in data:
        raise NotANotebookError(data["fault"])
    return Reading(nbformat.from_dict(data["notebook"]), tuple(data["repairs"]), from_data(data["extract"]))


def extracted(reader: Reader, notebook: NotebookNode) -> Extract:
    """What marking needs of a notebook that is mended, taken apart; it raises as ``read`` does."""
    return from_data(json.loads(apart(reader, "", notebook, bounds=Bounds.of(reader.limits))))


def _told(repairs: list[str]) -> list[str]:
    """The repairs, as many and as long as somebody reads."""
    more = len(repairs) - MOST_REPAIRS
    words = [each if len(each) <= LONGEST_REPAIR else f"{each[:LONGEST_REPAIR]} … (cut)" for each in repairs]
    return [*words[:MOST_REPAIRS], f"And {more} more repairs."] if more > 0 else words
