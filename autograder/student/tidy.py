"""Empties a folder that student code could write to, whatever is in it. It needs only the standard library.

The folder may hold names of any bytes, folders without rights, links, and folders nested deeper than a path can be
long. No process that could write to it may be alive.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable


def clear(path: str | os.PathLike[str]) -> None:
    """Remove everything in the folder; OSError if it does not exist, or something cannot be removed."""
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        while names := os.listdir(top):
            for name in names:
                _remove_entry(top, name)
    finally:
        os.close(top)


def remove(path: str | os.PathLike[str]) -> None:
    """Remove the folder with everything in it, if it still exists."""
    with contextlib.suppress(FileNotFoundError):
        clear(path)
        os.rmdir(path)


def make_new(folders: Iterable[tuple[str, int]]) -> None:
    """Clear folders; where this user owns one, reset its mode and times, which student code may have changed."""
    for path, mode in folders:
        if os.stat(path).st_uid == os.geteuid():
            os.chmod(path, mode)
            os.utime(path)
        clear(path)


def _remove_entry(top: int, name: str) -> None:
    """Remove one entry of the open folder; the folders inside it are first moved up into ``top``: so none lies deep."""
    if not _is_folder(top, name):
        os.unlink(name, dir_fd=top)
        return
    inner = _open_folder(top, name)
    try:
        for child in os.listdir(inner):
            if _is_folder(inner, child):
                os.close(_open_folder(inner, child))  # a folder can be moved only where its owner has all rights to it
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
