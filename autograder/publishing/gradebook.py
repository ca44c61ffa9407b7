"""The gradebook and the feedback as nbgrader makes them, from within this process and one student at a time.

nbgrader's own converters do the work, so that gradebook.db, autograded/ and feedback/ are what ``nbgrader autograde``
and ``nbgrader generate_feedback`` leave. Only the frame is the kit's: no change of folder, no catch-all, and a student
whose notebook fails is named, with the reason, while the others go on. What a student's folder held stays until the new
one is whole, so that neither a failure nor a grader that is killed leaves half of one.
"""

# nbgrader has no types:
# mypy: allow-subclassing-any

import glob
import shutil
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbconvert.writers.files import FilesWriter
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning

from autograder.configuration import course_config
from autograder.errors import CourseError, file_fault, of_the_machine
from autograder.publishing.nbgrader_course import (
    database_fault,
    quiet_log,
    refused,
    register_assignment,
    silent_nbgrader,
)
from autograder.records import SubmissionResult

UNFINISHED = ".unfinished"
"""Within autograded/ and feedback/: where a student's new folder grows."""

Failures = dict[str, str]
"""Why nothing was written for a student: name -> reason."""


def write_gradebook(
    course_root: Path,
    assignment: str,
    students: Iterable[str],
    results: Mapping[str, SubmissionResult] | None = None,
    done: Callable[[str], None] = lambda student: None,
) -> Failures:
    """Enter the students' marks into gradebook.db and write autograded/; manual marks and comments stay as they are.

    The assignment is entered first, as it stands in source/. ``results`` holds the verdicts that are known already,
    student -> result; the others are looked up, or judged on the spot. ``done`` hears of each student as the work goes
    on. CourseError if the course is not fit for it.
    """
    register_assignment(course_root, assignment)
    return _for_each(_DirectAutograde, _Errand(course_root, assignment, results or {}), students, done)


def write_feedback(
    course_root: Path, assignment: str, students: Iterable[str], done: Callable[[str], None] = lambda student: None
) -> Failures:
    """Write the students' feedback pages from autograded/ and the gradebook into feedback/."""
    return _for_each(_DirectFeedback, _Errand(course_root, assignment), students, done)


@dataclass(frozen=True)
class _Errand:
    """What is to be done for every student."""

    course_root: Path
    assignment: str
    results: Mapping[str, SubmissionResult] = field(default_factory=dict)


class _Direct:
    """nbgrader's way of converting one student's folder, without its change of folder and its catch-all."""

    writes: str  # the setting of nbgrader's CourseDirectory that names the folder

    def start(self: Any) -> None:
        """Convert the one student that the course folder is narrowed to; whatever goes wrong is raised."""
        course, student = self.coursedir, self.student
        place = Path(course.format_path(getattr(course, self.writes), student, course.assignment_id))
        setattr(course, self.writes, f"{getattr(course, self.writes)}/{UNFINISHED}")
        made = Path(course.format_path(getattr(course, self.writes), student, course.assignment_id))
        shutil.rmtree(made.parent, ignore_errors=True)
        try:
            self.convert()
            _put(made, place)
        finally:
            shutil.rmtree(made.parent.parent, ignore_errors=True)

    def convert(self: Any) -> None:
        """Convert the student's notebooks."""
        self.init_notebooks()
        self.writer = FilesWriter(parent=self, config=self.config)
        self.exporter = self.exporter_class(parent=self, config=self.config)
        for preprocessor in self.preprocessors:
            self.exporter.register_preprocessor(preprocessor)
        self.convert_notebooks()

    def init_notebooks(self: Any) -> None:
        """Find the student's notebooks; nbgrader takes the brackets in a name for a pattern, and finds none."""
        folder = Path(self._format_source(self.coursedir.assignment_id, self.student))
        found = sorted(str(path) for path in folder.glob("*.ipynb"))
        if not found:
            raise FileNotFoundError(f"There is no notebook in {folder}. Grade again.")
        self.assignments = {str(folder): found}

    def convert_notebooks(self: Any) -> None:
        """Convert all notebooks of the student."""
        (self.notebooks,) = self.assignments.values()
        assignment, student = self.coursedir.assignment_id, self.student
        if not self.init_destination(assignment, student):
            return
        self.run_pre_convert_hook()
        self.init_assignment(assignment, student)
        for notebook in self.notebooks:
            self.convert_single_notebook(notebook)
        self.set_permissions(assignment, student)
        self.run_post_convert_hook()


def _put(made: Path, place: Path) -> None:
    """Put a finished folder, if there is one, in the place of the one that was there."""
    if not made.is_dir():
        return
    old = made.with_name(f"{made.name}.old")
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        place.rename(old)
    made.rename(place)


class _DirectAutograde(_Direct, Autograde):
    """Carries the verdicts that are known to the Judge, which asks its converter for them."""

    writes = "autograded_directory"
    student: str
    known_results: Mapping[str, SubmissionResult]

    def init_notebooks(self) -> None:
        """Find the student's notebook; nbgrader takes it under the assignment's own name only."""
        name = self.coursedir.assignment_id
        folder = Path(self._format_source(name, self.student))
        if not (folder / f"{name}.ipynb").exists():
            raise FileNotFoundError(f"There is no {folder / name}.ipynb. Give the notebook that name and grade again.")
        for path in folder.rglob("*"):  # nbgrader copies all of them, links to the ends of the machine included
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise FileExistsError(f"{path} is a link or a device. Take it away and grade again.")
        super().init_notebooks()


class _DirectFeedback(_Direct, GenerateFeedback):
    writes = "feedback_directory"


def _for_each(
    converter: Callable[..., Any], errand: _Errand, students: Iterable[str], done: Callable[[str], None]
) -> Failures:
    config = course_config(errand.course_root)
    failures: Failures = {}
    for student in students:
        course = CourseDirectory(config=config, assignment_id=errand.assignment, student_id=glob.escape(student))
        command = converter(coursedir=course, config=config, force=True, log=quiet_log())
        command.student, command.known_results = student, errand.results
        try:
            with warnings.catch_warnings(), silent_nbgrader():
                warnings.simplefilter("ignore", SAWarning)  # nbgrader's own order of adding to a session; harmless
                command.start()
        except CourseError:
            raise
        except Exception as error:  # one student's notebook must not stop the others
            if (refusal := refused(error)) is not None:
                raise database_fault(course, refusal) from error
            if isinstance(error, OSError) and of_the_machine(error):
                raise file_fault(error) from error
            failures[student] = f"{type(error).__name__}: {error}"
        done(student)
    return failures
