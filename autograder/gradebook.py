"""The gradebook and the feedback as nbgrader makes them, from within this process and one student at a time.

nbgrader's own converters do the work, so that gradebook.db, autograded/ and feedback/ are what ``nbgrader autograde``
and ``nbgrader generate_feedback`` leave. Only the frame is the kit's: no change of folder, no catch-all, and a student
whose notebook fails is named, with the reason, while the others go on.
"""

import glob
import logging
import shutil
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from nbconvert.exporters import NotebookExporter
from nbconvert.writers import FilesWriter
from nbgrader.api import Base, Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.dbutil import _temp_alembic_ini
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import OperationalError, SAWarning, SQLAlchemyError
from traitlets.config import Config, PyFileConfigLoader

from autograder.errors import CourseError

Failures = dict[str, str]
"""Why nothing was written for a student: name -> reason."""


def write_gradebook(course_root: Path, assignment: str, students: Iterable[str]) -> Failures:
    """Enter the students' marks into gradebook.db and write autograded/; manual marks and comments stay as they are.

    The assignment is entered first, as it stands in source/. CourseError if the course is not fit for that.
    """
    register_assignment(course_root, assignment)
    return _for_each(_DirectAutograde, course_root, assignment, students)


def write_feedback(course_root: Path, assignment: str, students: Iterable[str]) -> Failures:
    """Write the students' feedback pages from autograded/ and the gradebook into feedback/."""
    return _for_each(_DirectFeedback, course_root, assignment, students)


def course_config(course_root: Path) -> Config:
    """The course's own nbgrader_config.py with its root made absolute; CourseError if it is missing or broken."""
    root = course_root.resolve()
    try:
        config: Config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    except FileNotFoundError:
        raise CourseError(
            f"{root} has no nbgrader_config.py, so it is no nbgrader course.",
            "Name the course folder, or copy the kit's nbgrader_config.py into it.",
        ) from None
    except Exception as error:  # the file is Python: whatever it raises is a fault of the course
        raise CourseError(f"{root / 'nbgrader_config.py'} fails: {error}", "Mend the file.") from error
    config.CourseDirectory.root = str(root)
    return config


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
    converter = GenerateAssignment(coursedir=course, config=config, log=_quiet_log())
    exporter = NotebookExporter(parent=converter, config=converter.config)
    for preprocessor in converter.preprocessors:
        exporter.register_preprocessor(preprocessor)
    try:
        _create_database(course.db_url)
        with Gradebook(course.db_url, course.course_id) as gradebook:
            gradebook.update_or_create_assignment(assignment)
        exporter.from_filename(source, resources=converter.init_single_notebook_resources(source))
    except SQLAlchemyError as error:
        raise _database_fault(course, error) from error
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


def _database_fault(course: CourseDirectory, error: Exception) -> CourseError:
    return CourseError(
        f"The gradebook {course.db_url} cannot be used: {error}",
        "Close other programs that use it; after an update of nbgrader, back it up and run: nbgrader db upgrade",
    )


def _quiet_log() -> logging.Logger:
    """A log of its own for nbgrader's progress lines, which say nothing that the caller does not hear."""
    log = logging.Logger("autograder.nbgrader")
    log.addHandler(logging.NullHandler())
    return log


class _Direct:
    """nbgrader's way of converting one student's folder, without its change of folder and its catch-all."""

    def start(self: Any) -> None:
        """Convert the one student that the course folder is narrowed to; whatever goes wrong is raised."""
        self.init_notebooks()
        self.writer = FilesWriter(parent=self, config=self.config)
        self.exporter = self.exporter_class(parent=self, config=self.config)
        for preprocessor in self.preprocessors:
            self.exporter.register_preprocessor(preprocessor)
        self.convert_notebooks()

    def convert_notebooks(self: Any) -> None:
        """Convert all notebooks of the student; on failure nothing half done stays."""
        (self.notebooks,) = self.assignments.values()
        names = self.init_single_notebook_resources(self.notebooks[0])["nbgrader"]
        assignment, student = names["assignment"], names["student"]
        if not self.init_destination(assignment, student):
            return
        try:
            self.run_pre_convert_hook()
            self.init_assignment(assignment, student)
            for notebook in self.notebooks:
                self.convert_single_notebook(notebook)
            self.set_permissions(assignment, student)
            self.run_post_convert_hook()
        except BaseException:
            shutil.rmtree(self._format_dest(assignment, student), ignore_errors=True)
            raise


class _DirectAutograde(_Direct, Autograde):
    pass


class _DirectFeedback(_Direct, GenerateFeedback):
    pass


def _for_each(converter: type[_Direct], course_root: Path, assignment: str, students: Iterable[str]) -> Failures:
    config = course_config(course_root)
    failures: Failures = {}
    for student in students:
        course = CourseDirectory(config=config, assignment_id=assignment, student_id=glob.escape(student))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # nbgrader's own order of adding to a session; harmless
                converter(coursedir=course, config=config, force=True, log=_quiet_log()).start()
        except CourseError:
            raise
        except OperationalError as error:
            raise _database_fault(course, error) from error
        except Exception as error:  # one student's notebook must not stop the others
            failures[student] = f"{type(error).__name__}: {error}"
    return failures
