"""The one folder that a sandbox without its own file system may write to.

Student code can make files and folders in it, but cannot rename or link them, and deleting only seems to work. So a
search of the folder finds everything that was written, and nothing moves meanwhile. See also student/tidy.py.
"""

import os
import tempfile
from pathlib import Path

MOST_FILES = 4096  # files and folders together
TOO_MANY = "wrote more to its disk than allowed"


def private_folder(owner: int | None) -> Path:
    """A new one in the machine's temporary folder, owned by the user id ``owner``. OSError if it cannot be made."""
    path = Path(tempfile.mkdtemp(prefix="sandbox-")).resolve()
    if owner is not None:
        os.chown(path, owner, owner)
    return path


def overflow(folder: Path, most_bytes: int) -> str:
    """What in the folder exceeds the limits, in words; empty if nothing does."""
    held, files, to_visit = 0, 0, [str(folder)]
    while to_visit:
        try:
            with os.scandir(to_visit.pop()) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    held, files = held + max(found.st_size, 512 * found.st_blocks), files + 1
                    if entry.is_dir(follow_symlinks=False):
                        to_visit.append(entry.path)
                    if held > most_bytes or files > MOST_FILES:
                        return TOO_MANY
        except FileNotFoundError:
            continue
        except OSError:  # closed to the owner, or nested too deep for a path
            return "made folders that cannot be looked into"
    return ""
