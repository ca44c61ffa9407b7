"""Takes a source notebook through the course's own nbgrader steps, without nbgrader's gradebook and folders."""

from pathlib import Path
from typing import Any

import nbformat
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import ValidationError
from nbgrader.nbgraderformat.common import SchemaMismatchError
from nbgrader.preprocessors import SaveCells
from traitlets.utils.importstring import import_item

from autograder.authoring.cells import cells_of
from autograder.authoring.markers import stretches_of
from autograder.configuration import CONFIG, course_config
from autograder.errors import CourseError


def release_text(course_root: Path, assignment_name: str) -> str:
    """The text of the release notebook that ``nbgrader generate_assignment`` writes in this course.

    nbgrader's own command would change its working folder and its gradebook, so its steps are run one after the other
    here, all but the one that fills the gradebook and leaves the notebook alone. Raises CourseError if the
    configuration cannot be read, if nbgrader's metadata are at fault, or if a marker would reach the students.
    """
    course_root = course_root.absolute()
    config = course_config(course_root)
    course = CourseDirectory(config=config)
    converter = GenerateAssignment(coursedir=course, config=config)
    exporter = converter.exporter_class(parent=converter, config=converter.config)
    for step in converter.preprocessors:
        kind = import_item(step) if isinstance(step, str) else step
        if not issubclass(kind, SaveCells):
            exporter.register_preprocessor(kind)
    path = course_root / "source" / assignment_name / f"{assignment_name}.ipynb"
    try:
        text, _ = exporter.from_filename(str(path), resources=_resources(course, assignment_name))
    except (ValidationError, SchemaMismatchError) as error:
        reason = str(error).splitlines()[0]
        raise CourseError(f"nbgrader refuses the metadata of {path}: {reason}.", "Mend them in Jupyter.") from error
    _check_no_marker(text)
    return str(text)


def _resources(course: CourseDirectory, assignment_name: str) -> dict[str, Any]:
    """What nbgrader tells its steps about the notebook at hand; a release belongs to the student '.'."""
    about = {"student": ".", "assignment": assignment_name, "notebook": assignment_name, "db_url": course.db_url}
    return {"unique_key": assignment_name, "output_files_dir": f"{assignment_name}_files", "nbgrader": about}


def _check_no_marker(text: str) -> None:
    for cell in cells_of(nbformat.reads(text, as_version=4)):
        if stretches_of(cell):
            message = f"the steps in {CONFIG} would leave a marker in the release."
            step = "Name the kit's Release and StripMarkSchemes among GenerateAssignment.preprocessors."
            raise cell.fault(message, step, stretches_of(cell)[0].first)
