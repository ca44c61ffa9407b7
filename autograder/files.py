"""Files are written whole or not at all; and a digest of the engine's own, which tells whether it has changed."""

import contextlib
import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

from autograder.errors import CourseError

ENGINE = Path(__file__).parent


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that no reader ever sees half of it, even after a crash.

    Text is written as UTF-8, its newlines kept. Missing parent folders are made. The owner may write the file, everyone
    may read it. If it cannot be written, OSError names the path, and the old content stays.
    """
    try:
        _write(path, content)
    except OSError as error:  # the error of a full disk names no file, that of a closed folder names the temporary file
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)  # mkstemp's 0600 would lock out other users of the course
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to report
            part.unlink(missing_ok=True)
        raise


def read_own(path: Path) -> str:
    """The text of one of the course's files. CourseError names the line where it is not UTF-8; OSError as always."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        raise CourseError(f"{path}, line {row}: the file is not in UTF-8.", "Save it as UTF-8.") from error


def check_writable(folder: Path) -> None:
    """OSError, which names the folder, if no file can be written there now. A missing folder is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


@cache
def engine_digest(*patterns: str) -> str:
    """A digest of the engine's own files that match, such as ``notebook/*.py``. They are read once a process."""
    paths = [path for pattern in patterns for path in sorted(ENGINE.glob(pattern))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()
