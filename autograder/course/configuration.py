"""The one reader of a course's nbgrader_config.py."""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from autograder.course.limits import Limits, limits_from
from autograder.errors import CourseError

CONFIG = "nbgrader_config.py"


def course_config(course_root: Path) -> Config:
    """The course's own nbgrader_config.py with its root made absolute; CourseError if it is missing or broken."""
    root = course_root.absolute()
    try:
        with importable(root):
            config = PyFileConfigLoader(CONFIG, str(root)).load_config()
    except ConfigFileNotFound:
        message = f"There is no {CONFIG} in {root}, so it is no nbgrader course."
        step = (
            f"Name the course's root folder, make a course with autograder init, or copy the kit's {CONFIG} into this."
        )
        raise CourseError(message, step) from None
    except Exception as error:  # the file is Python, and may raise whatever it likes
        reason = f"{type(error).__name__}: {error}"
        raise CourseError(f"{root / CONFIG} cannot be loaded: {reason}.", "Correct the file.") from error
    config.CourseDirectory.root = str(root)
    return config


@contextlib.contextmanager
def importable(course_root: Path) -> Iterator[None]:
    """Let the modules in a course's folder be imported, such as a plug-in of the instructor's, as nbgrader does.

    Afterwards they are forgotten: another course may have a module of the same name, and a file may change.
    """
    folder = str(course_root.absolute())
    if folder in sys.path:
        yield
        return
    sys.path.append(folder)  # last, so that no file of the course stands in the place of a library
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(folder)
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).rpartition("/")[0] == folder:  # no Path: there are thousands
                del sys.modules[name]


def course_limits(course_root: Path) -> Limits:
    """The limits that the course sets (``c.Limits``); the defaults where it sets none, or has no configuration.

    CourseError where course_config or limits_from raises it.
    """
    path = course_root.absolute() / CONFIG
    if not path.exists():
        return Limits()
    config = course_config(course_root)
    for name in config:
        if name != "Limits" and name.casefold() in ("limit", "limits"):
            raise CourseError(f"{path}: c.{name} means nothing.", "Write c.Limits, with a capital letter and an s.")
    return limits_from(config.get("Limits", {}), str(path))
