"""The gradebook and the feedback as nbgrader makes them, from within this process and one student at a time.

nbgrader's own converters do the work, so that gradebook.db, autograded/ and feedback/ are what ``nbgrader autograde``
and ``nbgrader generate_feedback`` leave. But the working folder stays as it is, and why a notebook failed is returned.
A student's old folder stays until the new one is whole: neither a failure nor a killed grader leaves half of one.
"""

import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbconvert.writers.files import FilesWriter
from nbgrader.converters import Autograde, BaseConverter, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import configure_mappers

from autograder.course.configuration import course_config, importable
from autograder.course.folders import TIMESTAMP
from autograder.errors import CourseError, file_fault, raise_unless_of_submission
from autograder.grading.store import mended_path
from autograder.nbgrader.database import database_fault, refused
from autograder.nbgrader.inputs import Inputs, unfinished
from autograder.nbgrader.late import assign_penalty
from autograder.nbgrader.page import use_once
from autograder.nbgrader.registration import quiet_log, silent_nbgrader
from autograder.records import Submission

STAGED = "staged"  # within results/<practical>/: a copy under the assignment's own name, while it is entered
LONGEST_TIME = 200  # bytes of the file that holds a submission's time
MOST_WORDS = 1_000  # characters of why a step failed


@dataclass(frozen=True)
class Steps:
    """nbgrader's two steps for one student after the other: a work that is done apart, since it renders their text."""

    inputs: Inputs

    def prepare(self) -> None:
        """Read once what all students have in common, and make what the first entry and the first page would make."""
        _ = self.inputs.course.practical.source, self.inputs.course.release
        configure_mappers()
        use_once()

    def __call__(self, what: str, student: str) -> bytes:
        """Why the step failed, or nothing, and a fault of the course, as JSON; see ``sinks``."""
        fault: list[str] = []
        why = ""
        try:
            why = {"entry": write_entry, "penalty": write_penalty, "page": write_page}[what](self.inputs, student)
        except CourseError as error:
            fault = [error.message, error.next_step]
        return json.dumps({"why": why[:MOST_WORDS], "fault": fault}).encode()


def write_entry(inputs: Inputs, student: str) -> str:
    """Enter a student's marks into gradebook.db and write autograded/; what a person gave stays as it is.

    Returns why that failed, or nothing. CourseError if the course, its gradebook or the machine is not fit for it.
    """
    return _told(_enter, inputs, student)


def write_page(inputs: Inputs, student: str) -> str:
    """Write a student's feedback page from autograded/ and the gradebook; returns and raises as ``write_entry``."""
    return _told(_make_page, inputs, student)


def write_penalty(inputs: Inputs, student: str) -> str:
    """Take off anew what a student's lateness costs, after marks were given by hand; returns and raises as above."""
    return _told(_take_off, inputs, student)


def _told(step: Callable[[CourseDirectory, Inputs, str], None], inputs: Inputs, student: str) -> str:
    """Why a step failed for a student, or nothing."""
    config = course_config(inputs.course.root)
    course = CourseDirectory(config=config, assignment_id=inputs.course.name, student_id=student)
    try:
        with warnings.catch_warnings(), silent_nbgrader(), importable(inputs.course.root):
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own order of adding to a session; harmless
            step(course, inputs, student)
    except Exception as error:  # one student's notebook must not stop the others
        raise_unless_of_submission(error)
        if (refusal := refused(error)) is not None:
            raise database_fault(course.db_url, refusal) from error
        if isinstance(error, _FileFaultError):
            return str(error)
        if isinstance(error, OSError) and error.filename:
            fault = file_fault(error)
            return f"{fault.message} {fault.next_step}"
        place = Path(course.format_path(course.submitted_directory, student, inputs.course.name))
        return f"nbgrader refuses what is in {place} ({type(error).__name__}: {error}). Look at it there."
    return ""


class _FileFaultError(Exception):
    """A file of a student's is at fault; the message names it and the next step."""


def _check_name(student: str) -> None:
    """Raise where the gradebook cannot hold a student's name, or nbgrader does not find it in a path."""
    found = "is not UTF-8 text" if student.encode(errors="replace").decode() != student else ""
    found = "holds a line break" if "\n" in student else found
    if found:
        raise _FileFaultError(f"The name of the folder {student!r} {found}. Rename it, and grade again.")


def _check_time(path: Path) -> None:
    """Raise where a submission's time cannot be read: nbgrader would, in words that name no file."""
    try:
        if path.is_file() and path.stat().st_size <= LONGEST_TIME:
            parse_utc(path.read_text(encoding="utf-8").strip())
        elif path.exists():
            raise ValueError
    except (ValueError, OverflowError, TypeError):
        step = "Write one such as 2026-01-31 23:59:00 UTC, or take the file away, and grade again."
        raise _FileFaultError(f"{path} holds no time. {step}") from None


def _enter(course: CourseDirectory, inputs: Inputs, student: str) -> None:
    name = course.assignment_id
    _check_name(student)
    folder = Path(course.format_path(course.submitted_directory, student, name))
    if not (folder / f"{name}.ipynb").exists():  # nbgrader takes it under the assignment's own name only
        folder = _staged(course, inputs, student, folder)
    for path in folder.rglob("*"):  # nbgrader copies all of them, links to the ends of the machine included
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise _FileFaultError(f"{path} is a link or a device. Take it away and grade again.")
    _check_time(folder / TIMESTAMP)
    command = Autograde(coursedir=course, config=course.config, force=True, log=quiet_log())
    command.inputs = inputs
    try:
        _convert(command, folder, student, "autograded_directory")
    finally:
        shutil.rmtree(inputs.folder / STAGED, ignore_errors=True)


def _staged(course: CourseDirectory, inputs: Inputs, student: str, folder: Path) -> Path:
    """A copy of what a student handed in under another name, as nbgrader wants it; an error says if there is none.

    Its time of handing in goes with it, wherever that stands beside the notebook.
    """
    name, handed_in = course.assignment_id, inputs.submissions.get(student)
    if handed_in is None:
        raise _FileFaultError(f"There is no {folder / name}.ipynb. Put the notebook there and grade again.")
    course.submitted_directory = str((inputs.folder / STAGED).relative_to(course.root))
    made = Path(course.format_path(course.submitted_directory, student, name))
    made.mkdir(parents=True)
    mended = mended_path(inputs.folder, student)  # the kit's exporter takes what was mended, whatever stands here
    shutil.copy(mended, made / f"{name}.ipynb")
    beside = handed_in.path.parent if isinstance(handed_in, Submission) else folder
    for time in (folder / TIMESTAMP, *([beside / TIMESTAMP] if beside.name in (student, name) else [])):
        if time.is_file() and not time.is_symlink():
            shutil.copy(time, made)
    return made


def _take_off(course: CourseDirectory, _: Inputs, student: str) -> None:
    assign_penalty(Autograde(coursedir=course, config=course.config, log=quiet_log()), course, student)


def _make_page(course: CourseDirectory, _: Inputs, student: str) -> None:
    folder = Path(course.format_path(course.autograded_directory, student, course.assignment_id))
    command = GenerateFeedback(coursedir=course, config=course.config, force=True, log=quiet_log())
    _convert(command, folder, student, "feedback_directory")


def _convert(command: BaseConverter, folder: Path, student: str, writes: str) -> None:
    """Convert the notebooks in a student's folder; ``writes`` is the setting that names the folder to write to."""
    course = command.coursedir
    place = Path(course.format_path(getattr(course, writes), student, course.assignment_id))
    name = unfinished(course.assignment_id)
    setattr(course, writes, f"{getattr(course, writes)}/{name}")
    made = Path(course.format_path(getattr(course, writes), student, course.assignment_id))
    growing = next(parent for parent in made.parents if parent.name == name)
    shutil.rmtree(growing, ignore_errors=True)
    try:
        _run(command, folder, student)
        _put(made, place)
    finally:
        shutil.rmtree(growing, ignore_errors=True)


def _run(command: BaseConverter, folder: Path, student: str) -> None:
    """The steps of nbgrader's own ``start`` for one student; but it stays in this folder, and raises what goes wrong.

    It names the one notebook by itself: nbgrader takes the brackets in a name for a pattern, and finds none; and what
    else a student put there is not graded.
    """
    notebook = folder / f"{command.coursedir.assignment_id}.ipynb"
    if not notebook.exists():
        raise _FileFaultError(f"There is no notebook {notebook}. Grade again.")
    command.notebooks = [str(notebook)]
    command.writer = FilesWriter(parent=command, config=command.config)
    command.exporter = command.exporter_class(parent=command, config=command.config)
    for preprocessor in command.preprocessors:
        command.exporter.register_preprocessor(preprocessor)
    names = command.coursedir.assignment_id, student
    if command.init_destination(*names):
        command.run_pre_convert_hook()
        command.init_assignment(*names)
        for notebook in command.notebooks:
            command.convert_single_notebook(notebook)
        command.set_permissions(*names)
        command.run_post_convert_hook()


def _put(made: Path, place: Path) -> None:
    """Put a finished folder, if there is one, in the place of the one that was there."""
    if not made.is_dir():
        return
    if place.exists() and not place.is_dir():
        raise _FileFaultError(f"{place} is no folder. Take it away and grade again.")
    old = made.with_name(f"{made.name}.old")
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        place.rename(old)
    made.rename(place)
