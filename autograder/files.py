"""Files that are either there in full or as they were before."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that no reader, and no crash, ever sees half of it.

    Text is written as UTF-8, its newlines kept. Missing parent folders are made. The owner may write the file, all may
    read it. Raises OSError, which names the path, where it cannot be written; what was there before then stays.
    """
    try:
        _write(path, content)
    except OSError as error:  # a full disk names no file, a folder without rights the name of the half one
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
        part.chmod(0o644)  # mkstemp's 0600 would lock out the others of a course
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the reason is what counts, not that it cannot be tidied either
            part.unlink(missing_ok=True)
        raise


def check_writable(folder: Path) -> None:
    """OSError, which names the folder, if no file can be written there now. It is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
