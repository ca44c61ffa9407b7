"""The gradebook and the feedback as nbgrader makes them, from within this process and one student at a time.

nbgrader's own converters do the work, so that gradebook.db, autograded/ and feedback/ are what ``nbgrader autograde``
and ``nbgrader generate_feedback`` leave. But the working folder stays as it is, and why a notebook failed is returned.
A student's old folder stays until the new one is whole: neither a failure nor a killed grader leaves half of one.
"""

# nbgrader has no types:
# mypy: allow-subclassing-any

import glob
import shutil
import warnings
from pathlib import Path
from typing import Any

from nbconvert.writers.files import FilesWriter
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning

from autograder.course.configuration import course_config
from autograder.errors import raise_unless_of_submission
from autograder.nbgrader.database import database_fault, refused
from autograder.nbgrader.inputs import UNFINISHED, Inputs
from autograder.nbgrader.registration import quiet_log, silent_nbgrader


def write_entry(inputs: Inputs, student: str) -> str:
    """Enter a student's marks into gradebook.db and write autograded/; what a person gave stays as it is.

    Returns why that failed, or nothing. CourseError if the course, its gradebook or the machine is not fit for it.
    """
    return _convert(_DirectAutograde, inputs, student)


def write_page(inputs: Inputs, student: str) -> str:
    """Write a student's feedback page from autograded/ and the gradebook; returns and raises as ``write_entry``."""
    return _convert(_DirectFeedback, inputs, student)


class _Direct:
    """nbgrader's way of converting one student's folder, without its change of folder and its catch-all."""

    writes: str  # the setting of nbgrader's CourseDirectory that names the folder
    student: str
    inputs: Inputs

    def start(self: Any) -> None:
        """Convert the one student that the course folder is narrowed to; whatever goes wrong is raised."""
        course, student = self.coursedir, self.student
        place = Path(course.format_path(getattr(course, self.writes), student, course.assignment_id))
        setattr(course, self.writes, f"{getattr(course, self.writes)}/{UNFINISHED}")
        made = Path(course.format_path(getattr(course, self.writes), student, course.assignment_id))
        unfinished = next(folder for folder in made.parents if folder.name == UNFINISHED)
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            self.convert()
            _put(made, place)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

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
    writes = "autograded_directory"

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


def _convert(kind: type[_Direct], inputs: Inputs, student: str) -> str:
    config = course_config(inputs.course.root)
    course = CourseDirectory(config=config, assignment_id=inputs.course.name, student_id=glob.escape(student))
    command = kind(coursedir=course, config=config, force=True, log=quiet_log())  # type: ignore[call-arg]
    command.student, command.inputs = student, inputs
    try:
        with warnings.catch_warnings(), silent_nbgrader():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own order of adding to a session; harmless
            command.start()
    except Exception as error:  # one student's notebook must not stop the others
        raise_unless_of_submission(error)
        if (refusal := refused(error)) is not None:
            raise database_fault(course.db_url, refusal) from error
        return f"{type(error).__name__}: {error}"
    return ""
