"""A new practical: the files of ``skeleton/``, with the practical's name wherever they say PRACTICAL."""

import re
from pathlib import Path

from autograder.course.configuration import course_config
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.notebook.cells import cells_of

SKELETON = Path(__file__).parent / "skeleton"
PLACEHOLDER = "PRACTICAL"
TO_CHANGE = "TO CHANGE"  # what the skeleton says wherever its text is to be replaced
PARTS = ("source", "release", "solutions")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # it names files, and an assignment of nbgrader


def new_practical(root: Path, name: str) -> list[Path]:
    """Write a small practical of that name into a course, to be changed into another; the paths.

    It can be generated, verified and graded as it stands. CourseError if the folder is no course, if the name is none
    for a practical, or if anything of that name is there.
    """
    _ = course_config(root)
    _check_name(root, name)
    written = []
    for path in sorted(SKELETON.rglob("*.*")):
        if path.is_file() and "__pycache__" not in path.parts:
            target = root / str(path.relative_to(SKELETON)).replace(PLACEHOLDER, name)
            write_atomically(target, path.read_text(encoding="utf-8").replace(PLACEHOLDER, name))
            written.append(target)
    return written


def _check_name(root: Path, name: str) -> None:
    if not _NAME.fullmatch(name):
        step = "Choose one of letters, digits, '-', '_' and '.', such as hw-1, that begins with a letter or a digit."
        raise CourseError(f"{name!r} is no name for a practical.", step)
    for there in (path for part in PARTS for path in sorted((root / part).glob("*"))):
        if there.name.casefold() == name.casefold():
            raise CourseError(f"{there} is there already.", "Choose another name, or move it away.")


def unchanged(practical: Practical) -> list[str]:
    """Where a practical still says that it is to be changed: cells of its notebook, and files."""
    cells = [cell.name for cell in cells_of(practical.source) if TO_CHANGE in cell.source]
    files = [path for kind in ("*.toml", "*.py") for path in sorted(practical.folder.rglob(kind))]
    return [*cells, *(str(path) for path in files if TO_CHANGE in path.read_text(encoding="utf-8", errors="replace"))]
