"""An nbgrader course as the kit meets it: its configuration, its database, and the assignment in it."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from nbconvert.exporters import NotebookExporter
from nbgrader.api import Base, Gradebook, InvalidEntry
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.dbutil import _temp_alembic_ini
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DatabaseError, DBAPIError, InternalError, OperationalError, SQLAlchemyError
from tornado.log import app_log

from autograder.configuration import course_config
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
        with silent_nbgrader():
            _create_database(course.db_url)
            with Gradebook(course.db_url, course.course_id) as gradebook:
                gradebook.update_or_create_assignment(assignment)
            exporter.from_filename(source, resources=converter.init_single_notebook_resources(source))
    except (SQLAlchemyError, InvalidEntry) as error:
        raise database_fault(course, refused(error) or error) from error
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
            connection.execute(text("BEGIN"))  # by itself, Python's sqlite3 does not put tables into a transaction
            Base.metadata.create_all(connection)
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": head})
    finally:
        engine.dispose()


REMEDIES = {  # what SQLite says -> what to do
    "locked": "Another program is writing to it, such as formgrader or a grader on another machine: wait, or close it.",
    "full": "Make room there.",
    "readonly": "Look at the rights of the file and its folder.",
    "unable to open": "Look at the rights of the file and its folder.",
    "malformed": "Bring back a backup of it.",
    "not a database": "Bring back a backup of it, or move it away to start anew.",
}


def database_fault(course: CourseDirectory, error: Exception) -> CourseError:
    """The fault to raise where the gradebook's database refuses."""
    said = str(getattr(error, "orig", None) or error)
    known = [remedy for sign, remedy in REMEDIES.items() if sign in said]
    unknown = "Close other programs that use it; after an update of nbgrader, back it up and run: nbgrader db upgrade"
    path = course.db_url.removeprefix("sqlite:///").partition("?")[0]
    return CourseError(f"The gradebook {path} cannot be used: {said}.", known[0] if known else unknown)


def refused(error: BaseException | None) -> DBAPIError | None:
    """The database's own refusal behind an error; nbgrader turns some of them into complaints about its entries."""
    while error is not None:
        if isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError:
            return error
        error = error.__cause__ or error.__context__
    return None


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
