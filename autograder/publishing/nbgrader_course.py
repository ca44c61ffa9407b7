"""An nbgrader course as the kit meets it: its configuration, its database, and the assignment in it."""

import logging
from pathlib import Path

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from nbconvert.exporters import NotebookExporter
from nbgrader.api import Base, Gradebook
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.dbutil import _temp_alembic_ini
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from autograder.authoring.release import course_config
from autograder.errors import CourseError


def register_assignment(course_root: Path, assignment: str) -> None:
    """Enter the assignment's cells and points into the gradebook as ``nbgrader generate_assignment`` does.

    The release folder is left alone. CourseError if there is no source, or if cells came or went since the gradebook
    took its first submissions.
    """
    config = course_config(course_root)
    course = CourseDirectory(config=config)
    # as text: nbgrader matches names against "source/./<assignment>", and a Path would drop the dot
    source = f"{course.format_path(course.source_directory, '.', assignment)}/{assignment}.ipynb"
    if not Path(source).is_file():
        raise CourseError(f"There is no source notebook {source}.", "Put it there, or name another course folder.")
    converter = GenerateAssignment(coursedir=course, config=config, log=quiet_log())
    exporter = NotebookExporter(parent=converter, config=converter.config)
    for preprocessor in converter.preprocessors:
        exporter.register_preprocessor(preprocessor)
    try:
        _create_database(course.db_url)
        with Gradebook(course.db_url, course.course_id) as gradebook:
            gradebook.update_or_create_assignment(assignment)
        exporter.from_filename(source, resources=converter.init_single_notebook_resources(source))
    except SQLAlchemyError as error:
        raise database_fault(course, error) from error
    except RuntimeError as error:  # SaveCells: cells were added or removed under existing submissions
        raise CourseError(
            f"The gradebook does not take the source notebook {source}: {error}.",
            f"Bring the cells back, or start anew: nbgrader db assignment remove {assignment} --force",
        ) from error


def _create_database(db_url: str) -> None:
    """Make the gradebook's tables if there are none.

    nbgrader does the same, but asks a program ``alembic`` on the PATH for the schema's version, and leaves a database
    that cannot be upgraded where that is not found, as in a virtual environment that is not activated.
    """
    engine = create_engine(db_url)
    try:
        if inspect(engine).get_table_names():
            return
        with _temp_alembic_ini(db_url) as ini:
            head = ScriptDirectory.from_config(AlembicConfig(ini)).get_current_head()
        with engine.begin() as connection:
            Base.metadata.create_all(connection)
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": head})
    finally:
        engine.dispose()


def database_fault(course: CourseDirectory, error: Exception) -> CourseError:
    """The fault to raise where the gradebook's database refuses."""
    return CourseError(
        f"The gradebook {course.db_url} cannot be used: {error}",
        "Close other programs that use it; after an update of nbgrader, back it up and run: nbgrader db upgrade",
    )


def quiet_log() -> logging.Logger:
    """A log of its own for nbgrader's progress lines, which say nothing that the caller does not hear."""
    log = logging.Logger("autograder.nbgrader")
    log.addHandler(logging.NullHandler())
    return log
