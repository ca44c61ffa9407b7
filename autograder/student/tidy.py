"""Empties a folder that a student's code could write to, whatever is in it. Of the standard library alone.

There may be names of any bytes, folders without rights, links, and folders nested deeper than a path can be long. No
process that could write to it may be left.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable


def clear(path: str | os.PathLike[str]) -> None:
    """Take away all that is in the folder; OSError if it is not there, or something cannot be removed."""
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        while names := os.listdir(top):
            for name in names:
                _take_away(top, name)
    finally:
        os.close(top)


def remove(path: str | os.PathLike[str]) -> None:
    """Take away the folder with all that is in it, if it is still there."""
    with contextlib.suppress(FileNotFoundError):
        clear(path)
        os.rmdir(path)


def make_new(folders: Iterable[tuple[str, int]]) -> None:
    """Clear folders, each with the mode that it had, and undo what their owner may have changed of themselves."""
    for path, mode in folders:
        if os.stat(path).st_uid == os.geteuid():
            os.chmod(path, mode)
            os.utime(path)
        clear(path)


def _take_away(top: int, name: str) -> None:
    """Remove one entry of the open folder; a folder's own folders are lifted up to it first, so that none is deep."""
    if not _is_folder(top, name):
        os.unlink(name, dir_fd=top)
        return
    inner = _open_folder(top, name)
    try:
        for child in os.listdir(inner):
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
