"""The one folder that a sandbox without a file system of its own may write to. Of the standard library alone.

In it files and folders can be made, but neither renamed nor linked, and what is deleted only seems to be: so a walk
finds all that was written, and nothing moves under the walker. It may hold anything else that a student's code can
think of: names of any bytes, folders without rights, nested deeper than a path can be long.
"""

import contextlib
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

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
        try:
            top = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # gone with its sandbox
            return
        try:
            while names := os.listdir(top):  # noqa: PTH208 - an open folder, not a path
                for name in names:
                    _take_away(top, name)
        finally:
            os.close(top)

    def remove(self) -> None:
        """Take it away with all that is in it, if it is still there."""
        self.clear()
        with contextlib.suppress(FileNotFoundError):
            self.path.rmdir()


def _take_away(top: int, name: str) -> None:
    """Remove one entry of the open folder; a folder's own folders are lifted up to it first, so that none is deep."""
    if not _is_folder(top, name):
        os.unlink(name, dir_fd=top)
        return
    inner = _open_folder(top, name)
    try:
        for child in os.listdir(inner):  # noqa: PTH208 - as above
            if _is_folder(inner, child):
                os.close(_open_folder(inner, child))  # its owner must have all rights to it before it can be moved
                os.rename(child, secrets.token_hex(16), src_dir_fd=inner, dst_dir_fd=top)
            else:
                os.unlink(child, dir_fd=inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _is_folder(above: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)


def _open_folder(above: int, name: str) -> int:
    os.chmod(name, 0o700, dir_fd=above)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
