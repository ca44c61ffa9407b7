"""Enters an assignment, its dates and the students into a course's gradebook, which is made where there is none."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from alembic.script import ScriptDirectory
from nbconvert.exporters import NotebookExporter
from nbgrader.api import Base, Gradebook, InvalidEntry
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from tornado.log import app_log

from autograder.course.configuration import course_config, importable
from autograder.course.term import read_term
from autograder.errors import CourseError
from autograder.nbgrader.database import database_fault, refused
from autograder.nbgrader.late import enter_dates, enter_roster


def register_assignment(course_root: Path, assignment: str) -> None:
    """Enter the assignment's cells and points into the gradebook as ``nbgrader generate_assignment`` does.

    The release folder is left alone. CourseError if there is no source, or if cells came or went since the gradebook
    took its first submissions.
    """
    with importable(course_root):
        _register(course_root, assignment)


def _register(course_root: Path, assignment: str) -> None:
    config, term = course_config(course_root), read_term(course_root)
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
        with silent_nbgrader():
            _create_database(course.db_url)
            with Gradebook(course.db_url, course.course_id) as gradebook:
                gradebook.update_or_create_assignment(assignment)
                enter_roster(gradebook, term)
                enter_dates(gradebook, term, assignment)
            exporter.from_filename(source, resources=converter.init_single_notebook_resources(source))
    except (SQLAlchemyError, InvalidEntry) as error:
        raise database_fault(course.db_url, refused(error) or error) from error
    except RuntimeError as error:  # SaveCells: cells were added or removed under existing submissions
        raise CourseError(
            f"The gradebook does not take the source notebook {source}: {error}.",
            f"Bring the cells back, or run: autograder migrate --assignment {assignment}",
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
        head = ScriptDirectory(ALEMBIC_DIR).get_current_head()
        with engine.begin() as connection:
            connection.execute(text("BEGIN"))  # by itself, Python's sqlite3 does not put tables into a transaction
            Base.metadata.create_all(connection)
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": head})
    finally:
        engine.dispose()


@contextlib.contextmanager
def silent_nbgrader() -> Iterator[None]:
    """Keep nbgrader's API from printing the traceback of every refusal of the database, which it raises too."""
    before, app_log.disabled = app_log.disabled, True
    try:
        yield
    finally:
        app_log.disabled = before


def quiet_log() -> logging.Logger:
    """A log of its own for nbgrader's progress lines, which say nothing that the caller does not hear."""
    log = logging.Logger("autograder.nbgrader")
    log.addHandler(logging.NullHandler())
    return log
