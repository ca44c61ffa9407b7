"""Takes a source notebook through the course's own nbgrader steps, without nbgrader's gradebook and folders."""

from pathlib import Path
from typing import Any

import nbformat
from nbgrader.converters import GenerateAssignment, GenerateSolution
from nbgrader.converters.base import BaseConverter
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import ValidationError
from nbgrader.nbgraderformat.common import SchemaMismatchError
from nbgrader.preprocessors import Execute, SaveCells
from traitlets.utils.importstring import import_item

from autograder.authoring.markers import stretches_of
from autograder.course.configuration import CONFIG, course_config
from autograder.course.practical import source_path
from autograder.errors import CourseError
from autograder.notebook.cells import cells_of

SOLUTION = [  # where a course's configuration names no steps: nbgrader's own would run the notebook
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "autograder.nbgrader.solution.Solve",
]


def release_text(course_root: Path, name: str) -> str:
    """The text of the release notebook that ``nbgrader generate_assignment`` writes in this course.

    Raises CourseError if the configuration cannot be read, if nbgrader's metadata are at fault, or if a marker would
    reach the students.
    """
    return _converted(course_root.absolute(), name, GenerateAssignment, "Release and StripMarkSchemes")


def solution_text(course_root: Path, name: str) -> str:
    """The text of the solved notebook that ``nbgrader generate_solution`` writes; raises CourseError likewise."""
    return _converted(course_root.absolute(), name, GenerateSolution, "Solve")


def _converted(course_root: Path, name: str, command: type[BaseConverter], needed: str) -> str:
    """What an nbgrader command makes of the source notebook; ``needed`` are the kit's steps in it.

    The command itself would change its working folder and its gradebook, so its steps are run one after the other here,
    all but those that fill the gradebook or run the notebook's code.
    """
    config = course_config(course_root)
    if command is GenerateSolution:
        config.GenerateSolution.setdefault("preprocessors", SOLUTION)
    course = CourseDirectory(config=config)
    converter = command(coursedir=course, config=config)
    exporter = converter.exporter_class(parent=converter, config=converter.config)
    for step in converter.preprocessors:
        kind = import_item(step) if isinstance(step, str) else step
        if not issubclass(kind, SaveCells | Execute):
            exporter.register_preprocessor(kind)
    path = source_path(course_root, name)
    try:
        text, _ = exporter.from_filename(str(path), resources=_resources(course, name))
    except (ValidationError, SchemaMismatchError) as error:
        reason = str(error).splitlines()[0]
        raise CourseError(f"nbgrader refuses the metadata of {path}: {reason}.", "Correct them in Jupyter.") from error
    _check_no_marker(text, command.__name__, needed)
    return str(text)


def _resources(course: CourseDirectory, name: str) -> dict[str, Any]:
    """What nbgrader hands its steps about the notebook; a release belongs to the student '.'."""
    about = {"student": ".", "assignment": name, "notebook": name, "db_url": course.db_url}
    return {"unique_key": name, "output_files_dir": f"{name}_files", "nbgrader": about}


def _check_no_marker(text: str, command: str, needed: str) -> None:
    for cell in cells_of(nbformat.reads(text, as_version=4)):
        if stretches_of(cell):
            message = f"the steps in {CONFIG} would leave a marker for students to see."
            step = f"Name the kit's {needed} among {command}.preprocessors."
            raise cell.fault(message, step, stretches_of(cell)[0].first)
