"""The one folder that a sandbox without its own file system may write to.

Student code can make files and folders in it, but cannot rename or link them, and deleting only seems to work. So a
search of the folder finds everything that was written, and nothing moves meanwhile. See also student/tidy.py.
"""

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autograder.student.tidy import clear, remove

MOST_FILES = 4096  # files and folders together


@dataclass(frozen=True)
class PrivateFolder:
    """A folder on the machine's disk that belongs to one sandbox."""

    path: Path

    @classmethod
    def make(cls, owner: int | None) -> "PrivateFolder":
        """A new one in the machine's temporary folder, owned by the user id ``owner``. OSError if it cannot be made."""
        path = Path(tempfile.mkdtemp(prefix="sandbox-")).resolve()
        if owner is not None:
            os.chown(path, owner, owner)
        return cls(path)

    def overflow(self, most_bytes: int) -> str:
        """What exceeds the limits, in words; empty if nothing does."""
        held, files, to_visit = 0, 0, [str(self.path)]
        while to_visit:
            try:
                with os.scandir(to_visit.pop()) as entries:
                    for entry in entries:
                        found = entry.stat(follow_symlinks=False)
                        held, files = held + max(found.st_size, 512 * found.st_blocks), files + 1
                        if entry.is_dir(follow_symlinks=False):
                            to_visit.append(entry.path)
                        if held > most_bytes or files > MOST_FILES:
                            return "wrote more to its disk than allowed"
            except FileNotFoundError:
                continue
            except OSError:  # closed to the owner, or nested too deep for a path
                return "made folders that cannot be looked into"
        return ""

    def clear(self) -> None:
        """Remove what is in it, if it still exists. No process that could write to it may be alive."""
        with contextlib.suppress(FileNotFoundError):  # removed with its sandbox
            clear(self.path)

    def remove(self) -> None:
        """Remove it with everything in it, if it still exists."""
        remove(self.path)
