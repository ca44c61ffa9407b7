"""The one folder that a sandbox without a file system of its own may write to.

In it files and folders can be made, but neither renamed nor linked, and what is deleted only seems to be: so a walk
finds all that was written, and nothing moves under the walker. It may hold anything else that a student's code can
think of (see student/tidy.py).
"""

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autograder.student.tidy import clear, remove

MOST_FILES = 4096  # files and folders, as a whole


@dataclass(frozen=True)
class PrivateFolder:
    """A folder on the machine's disk that belongs to one sandbox."""

    path: Path

    @classmethod
    def make(cls, owner: int | None) -> "PrivateFolder":
        """A new one, in the temporary folder; ``owner`` is the user id that it is given to. OSError if it cannot be."""
        path = Path(tempfile.mkdtemp(prefix="sandbox-")).resolve()
        if owner is not None:
            os.chown(path, owner, owner)
        return cls(path)

    def overflow(self, most_bytes: int) -> str:
        """What there is too much of, in words; empty if all is well."""
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
        """Take away what is in it, if it is still there. No process that could write to it may be left."""
        with contextlib.suppress(FileNotFoundError):  # gone with its sandbox
            clear(self.path)

    def remove(self) -> None:
        """Take it away with all that is in it, if it is still there."""
        remove(self.path)
