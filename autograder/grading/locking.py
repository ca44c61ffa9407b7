"""One grader at a time in a folder of results, or several of one part of the class each.

A lock ends with the process that holds it, however that ends.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from autograder.errors import CourseError
from autograder.files import write_atomically

LOCK = ".grading.lock"
HOLDER = ".grading.json"


@contextlib.contextmanager
def only_grader(*folders: Path) -> Iterator[None]:
    """Hold the locks of these folders; CourseError says which process holds one already, and since when.

    Raises OSError where a folder cannot be made or written.
    """
    with contextlib.ExitStack() as held:
        for folder in sorted(set(folders)):  # always in the same order, so that no two wait for each other
            held.enter_context(_locked(folder))
        yield


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(folder / LOCK, mode=0o664), folder / HOLDER
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise _at_work(folder) from None
    try:
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        write_atomically(holder, json.dumps({"process": os.getpid(), "host": os.uname().nodename, "since": since}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def shard_grader(folder: Path) -> Iterator[None]:
    """Hold the folder's lock together with the graders of other shards, against one that would have it alone.

    CourseError and OSError as ``only_grader`` raises them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _at_work(folder) from None
        yield


def _at_work(folder: Path) -> CourseError:
    return CourseError(
        f"Another grader is at work on {folder}{_who(folder / HOLDER)}.",
        "Wait until it is done, or stop it (what it has graded is kept), and run the same command again.",
    )


def _who(holder: Path) -> str:
    """Who holds the lock, in words; empty if that was not written down yet."""
    try:
        noted = json.loads(holder.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(noted["since"]).strftime("%H:%M:%S on %d %B %Y")
        return f": process {noted['process']} on {noted['host']}, since {since}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
