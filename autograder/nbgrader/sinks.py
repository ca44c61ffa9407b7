"""The sink of nbgrader: gradebook.db and autograded/, penalties, and then feedback/, for whom something has changed.

For each student it is kept, in ``results/<practical>/published/``, on what the entry in the gradebook and the feedback
page depended when they were made, and how they were left. nbgrader, which takes seconds to import, is loaded only once
something is to be made.
"""

import importlib.metadata
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from autograder.course.configuration import CONFIG, course_config
from autograder.course.folders import Course
from autograder.course.term import Term, read_term
from autograder.errors import CourseError
from autograder.files import engine_digest, write_atomically
from autograder.grading.dependencies import digest
from autograder.grading.mark import Marking
from autograder.grading.publish import ClassResults, Published, Sink
from autograder.grading.store import file_name, mended_path, read_digests
from autograder.nbgrader.backups import back_up
from autograder.nbgrader.checking import check_course, check_gradebook
from autograder.nbgrader.curves import BAND, read_band
from autograder.nbgrader.database import Database, Entry, database_of
from autograder.nbgrader.inputs import Inputs, unfinished
from autograder.sandbox.apart import Bounds, BusyError, OverrunError, Packed, RaisedApartError, apart

CODE = ("nbgrader/*.py", "nbgrader/templates/*")
LIBRARIES = ("nbgrader", "nbconvert", "latex2mathml")
REGISTERED = ".assignment"  # begins with a dot, as no student's name does
# nbgrader's step, and the ending of the file that it leaves
MADE = {"entry": ("autograded", "ipynb"), "penalty": ("autograded", "ipynb"), "page": ("feedback", "html")}


class GradebookAndFeedback:
    """nbgrader's gradebook, its autograded notebooks and its feedback pages."""

    name = "gradebook and feedback"

    def check(self, marking: Marking) -> None:
        """CourseError where the term, a plug-in, the gradebook or the band of learning curves is at fault."""
        check_course(marking.course)
        read_band(marking.course.practical.folder)

    def folders(self, marking: Marking, _: Path) -> Sequence[Path]:
        """The course's own."""
        root = marking.course.root
        return [root, root / "autograded", root / "feedback"]

    def publish(self, results: ClassResults, progress: Callable[[int, int], None]) -> Published:
        """Enter marks and make pages, student by student. CourseError where the gradebook cannot be used."""
        work = _Work(results)
        work.check()
        students = sorted(results.now)
        failures: dict[str, str] = {}
        work.tidy()
        work.register()
        for step, what in enumerate(MADE):
            held, wanted = work.database.entries(), work.late() if what == "penalty" else students
            for number, student in enumerate(students, start=1):
                if (
                    student in wanted
                    and student not in failures
                    and (why := work.make(what, student, held.get(student)))
                ):
                    failures[student] = why
                progress(step * len(students) + number, len(MADE) * len(students))
        root = results.marking.course.root
        return Published([root / "gradebook.db", root / "feedback"], failures)


SINKS: list[Sink] = [GradebookAndFeedback()]


@dataclass(frozen=True)
class _Work:
    """What is to be made for a class, and what was made before."""

    results: ClassResults

    @property
    def course(self) -> Course:
        return self.results.marking.course

    def check(self) -> None:
        """CourseError where the gradebook is missing, although students were entered into it."""
        check_gradebook(self.course, self.database)

    @cached_property
    def _settings(self) -> Mapping[str, str]:
        """nbgrader's settings of folders and database, in the course's configuration."""
        return dict(course_config(self.course.root).CourseDirectory)

    @cached_property
    def database(self) -> Database:
        """The gradebook's."""
        return database_of(self.course)

    @cached_property
    def _term(self) -> Term:
        """What course.toml says."""
        return read_term(self.course.root)

    @cached_property
    def _backup(self) -> None:
        """A copy of the gradebook as it was before this run changed anything, made at the first change."""
        back_up(self.course.root, self.database.path)

    @cached_property
    def _common(self) -> str:
        """Of all that every entry depends on: source, release, band, configuration, the kit, its libraries."""
        course = self.course
        source, release = course.practical.source_path, course.practical.release_path
        files = map(_text, (source, release, course.root / CONFIG, course.practical.folder / BAND))
        libraries = map(importlib.metadata.version, LIBRARIES)
        return digest(engine_digest(*CODE), *files, *libraries, *_beside(source.parent))

    def tidy(self) -> None:
        """Take away what a grader that was killed left half written."""
        for step in ("autograded", "feedback"):
            shutil.rmtree(self._place(step, unfinished(self.course.name)).parent, ignore_errors=True)

    def register(self) -> None:
        """Enter the assignment where its source changed, or where the gradebook does not hold it as it was entered."""
        if read_digests(self._path(REGISTERED)) == self._registered():
            return
        from autograder.nbgrader.registration import register_assignment

        _ = self._backup
        register_assignment(self.course.root, self.course.name)
        self._keep(REGISTERED, self._registered())

    def _registered(self) -> dict[str, str]:
        """On what the assignment, its dates and the students depend, and how they are in the gradebook."""
        term = self._term
        said = repr((term.roster, term.of(self.course.name)))
        return {"cells": digest(self._common, said, self.database.cells(), self.database.term())}

    def late(self) -> set[str]:
        """Who handed in late, or had points taken off for it."""
        return {student for student, marks in self.database.marks().items() if marks.seconds_late or marks.penalty}

    def make(self, what: str, student: str, held: Entry | None) -> str:
        """Make a student's entry, penalty or page, unless it is as it was left; why that failed, or nothing."""
        # before the rest: what changes meanwhile is then seen the next time
        kept, depends = read_digests(self._path(student)), self._depends(what, student)
        state = self._state(what, student, held)
        if state and kept.get(what) == digest(depends, state) and not self.results.marking.force:
            return ""
        _ = self._backup
        if why := self._made(what, student):
            return why
        if what != "page":
            held = self.database.entries(student).get(student)
        self._keep(student, {**kept, what: digest(depends, self._state(what, student, held))})
        return ""

    def _made(self, what: str, student: str) -> str:
        """Make it in a process apart, in which nbgrader is imported; why that failed, or nothing."""
        try:
            said = json.loads(apart(self._steps, what, student, bounds=Bounds.of(self.course.limits, walled=False)))
        except (OverrunError, RaisedApartError) as error:
            return f"its notebook cannot be shown: {error}. Look at it by hand."
        except BusyError as error:
            return f"{error.message} {error.next_step}"
        if said["fault"]:
            raise CourseError(*said["fault"])
        return str(said["why"])

    @cached_property
    def _steps(self) -> Packed:
        return Packed(_Steps(self._inputs))

    def _depends(self, what: str, student: str) -> str:
        """Of all that is handed to nbgrader for a student; for a penalty, of the rules alone."""
        if what == "penalty":
            return self._rules
        if student not in self._handed_over:
            result = json.dumps(replace(self._inputs.results[student], seconds=0.0), default=vars)
            mended = _text(mended_path(self.results.folder, student))
            beside = _beside(self._place("submitted", student))
            self._handed_over[student] = digest(self._common, result, mended, *beside)
        return self._handed_over[student]

    @cached_property
    def _handed_over(self) -> dict[str, str]:
        """The digests of what nbgrader is handed, by student: entry and page depend on the same."""
        return {}

    @cached_property
    def _rules(self) -> str:
        """Of what says how late submissions are treated, plug-ins of the instructor's included."""
        root = self.course.root
        plugins = [f"{path.name} {_stamp(path)}" for path in sorted(root.glob("*.py"))]
        return digest(repr(self._term.late), *plugins)

    def _state(self, what: str, student: str, held: Entry | None) -> str:
        """How an entry is, or a page and what it shows of the gradebook; empty where it is not there."""
        step, ending = MADE[what]
        stamp = _stamp(self._place(step, student) / f"{self.course.name}.{ending}")
        if held is None or not stamp:
            return ""
        if what == "penalty":
            return digest(held.entered, held.given, held.dates)
        return digest(stamp, held.entered, *((held.given, held.penalty) if what == "page" else ()))

    @cached_property
    def _inputs(self) -> Inputs:
        """What was marked in this run: nothing is read, mended or marked again."""
        of = self.results
        now = {result.student: result for result in of.results if result.student in of.now}
        return Inputs(of.marking, of.folder, {each.student: each for each in of.submissions}, now)

    def _place(self, step: str, student: str) -> Path:
        """The student's folder of one of nbgrader's steps."""
        structure = self._settings.get("directory_structure", "{nbgrader_step}/{student_id}/{assignment_id}")
        folder = self._settings.get(f"{step}_directory", step)
        parts = {"nbgrader_step": folder, "student_id": student, "assignment_id": self.course.name}
        return self.course.root / structure.format(**parts)

    def _path(self, student: str) -> Path:
        return self.course.results / "published" / f"{file_name(student)}.json"

    def _keep(self, student: str, states: Mapping[str, str]) -> None:
        write_atomically(self._path(student), json.dumps(states))


@dataclass(frozen=True)
class _Steps:
    """nbgrader's steps, which are imported only where they are done."""

    inputs: Inputs

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Unpickled, it is the work itself."""
        return _steps_of, (self.inputs,)

    def __call__(self, what: str, student: str) -> bytes:
        """See ``gradebook.Steps``."""
        return _steps_of(self.inputs)(what, student)


def _steps_of(inputs: Inputs) -> Callable[..., bytes]:
    from autograder.nbgrader.gradebook import Steps

    return Steps(inputs)


def _text(path: Path) -> str:
    """A file's text; empty where there is none."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _stamp(path: Path) -> str:
    try:
        found = path.lstat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def _beside(folder: Path) -> list[str]:
    """What stands beside a notebook, which nbgrader copies with it."""
    paths = [path for path in folder.rglob("*") if path.suffix != ".ipynb" and not path.is_dir()]
    return sorted(f"{path.relative_to(folder)} {_stamp(path)}" for path in paths)
