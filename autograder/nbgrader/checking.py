"""What would fail later, found before the first submission is graded: the term, plug-ins, the gradebook's cells."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.course.configuration import CONFIG, course_config, importable
from autograder.course.folders import Course
from autograder.course.term import TERM, read_term
from autograder.errors import CourseError
from autograder.nbgrader.backups import backups
from autograder.nbgrader.database import Database, cells_by_name, database_of
from autograder.notebook.cells import cells_of

LATE_RULE = "autograder.nbgrader.late.LatePolicy"


def check_course(course: Course) -> None:
    """CourseError on the first fault of the term, of a plug-in, or of the gradebook."""
    config = course_config(course.root)
    check_plugins(course.root, config)
    rule, plugin = read_term(course.root).late, config.AssignLatePenalties.get("plugin_class", "")
    if rule is not None and plugin != LATE_RULE:
        message = f"{course.root / TERM} says what late work costs, and {course.root / CONFIG} does not apply it."
        step = f'Write there: c.AssignLatePenalties.plugin_class = "{LATE_RULE}", or take [late] out of {TERM}.'
        raise CourseError(message, step)
    database = database_of(course)
    if database.path is None and not config.CourseDirectory.get("course_id"):
        message = f"{course.root / CONFIG} gives the course no id, without which nbgrader can use no database server."
        raise CourseError(message, f'Write there: c.CourseDirectory.course_id = "{course.root.resolve().name}"')
    check_gradebook(course, database)
    check_cells(course, database)


def check_plugins(root: Path, config: Any) -> None:
    """CourseError names a step or plug-in in the course's configuration that cannot be imported."""
    with importable(root):
        for setting, name in _named(config):
            module, _, attribute = name.rpartition(".")
            try:
                getattr(importlib.import_module(module), attribute)
            except Exception as error:  # a plug-in is Python, and may raise whatever it likes
                message = f"{root / CONFIG}: {setting} names {name}, which cannot be imported ({error})."
                raise CourseError(message, f"Put the module into {root}, or correct the name.") from error


def _named(config: Any) -> Iterator[tuple[str, str]]:
    """The settings that name steps and plug-ins of others than nbgrader's and the kit's, and those names."""
    for section, settings in config.items():
        for key, value in settings.items() if isinstance(settings, dict) else ():
            for name in value if isinstance(value, list) else [value]:
                ours = not isinstance(name, str) or name.startswith(("nbgrader.", "nbconvert.", "autograder."))
                if key.endswith(("_class", "preprocessors", "_hook")) and not ours and "." in name:
                    yield f"c.{section}.{key}", name


def check_gradebook(course: Course, database: Database) -> None:
    """CourseError where students were entered into a gradebook that is no longer there."""
    path, entered = database.path, sorted((course.results / "published").glob("[!.]*.json"))
    if path is None or path.exists() or not entered:
        return
    newest = backups(course.root)[:1]
    back = f"Bring it back: cp '{newest[0]}' '{path}'." if newest else "Bring it back from a backup of yours."
    message = f"There is no gradebook {path}, although {len(entered)} students were entered into it."
    raise CourseError(
        message, f"{back} To begin a new one, without marks given by hand, take {entered[0].parent} away."
    )


def check_cells(course: Course, database: Database) -> None:
    """CourseError where the gradebook, which holds submissions, has other cells than the source."""
    there = database.sources()
    now = cells_by_name(cells_of(course.practical.source, course.practical.source_path)).keys()
    if there and there != now and database.entries():
        new, gone = sorted(now - there), sorted(there - now)
        changes = [f"new: {', '.join(new)}"] * bool(new) + [f"gone: {', '.join(gone)}"] * bool(gone)
        where = course.practical.source_path
        message = f"The gradebook holds submissions to other cells than {where} ({'; '.join(changes)})."
        step = "To bring the gradebook up to date, with all marks given by hand"
        raise CourseError(message, f"{step}: autograder migrate --assignment {course.name}")
