"""Copies of the gradebook, made before anything of the kit changes it; the last ten stay, with dates in their names."""

import contextlib
import sqlite3
from datetime import datetime
from pathlib import Path

from autograder.files import check_writable
from autograder.nbgrader.database import database_fault

FOLDER = "backups"
KEPT = 10


def back_up(root: Path, gradebook: Path | None) -> Path | None:
    """Copy the gradebook into the course's backups/; the copy. None where there is none yet, or a server keeps it.

    CourseError where it cannot be read. Raises OSError where the copy cannot be written.
    """
    if gradebook is None or not gradebook.exists():
        return None
    folder = root / FOLDER
    check_writable(folder)
    made = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S-%f")
    copy = folder / f"gradebook-{made}.db"
    part = copy.with_suffix(".part")
    try:
        with contextlib.closing(sqlite3.connect(gradebook)) as old, contextlib.closing(sqlite3.connect(part)) as new:
            old.backup(new)
        part.replace(copy)
    except sqlite3.DatabaseError as error:
        raise database_fault(f"sqlite:///{gradebook}", error) from error
    finally:
        part.unlink(missing_ok=True)
    for older in backups(root)[KEPT:]:
        older.unlink()
    return copy


def backups(root: Path) -> list[Path]:
    """The copies that are there, the newest first."""
    return sorted((root / FOLDER).glob("gradebook-*.db"), reverse=True)
