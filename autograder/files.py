"""Files that are either there in full or as they were before."""

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that no reader, and no crash, ever sees half of it.

    Text is written as UTF-8, its newlines kept. Missing parent folders are made. The owner may write the file, all may
    read it. Raises OSError where the folder cannot be written; what was there before then stays.
    """
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
        part.unlink(missing_ok=True)
        raise
