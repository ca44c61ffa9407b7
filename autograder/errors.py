"""Faults of the course or the machine. (Students' faults are values in the records, never exceptions.)"""

import difflib
import errno
from collections.abc import Iterable

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
OF_MACHINE = (*FULL, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class CourseError(Exception):
    """The course folder, its source notebook or the machine does not allow what the command asks.

    ``message`` says what is wrong and where; ``next_step`` says what to do about it.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


def file_fault(error: OSError) -> CourseError:
    """The fault to report where a file or folder could not be read or written."""
    what = error.strerror or str(error) or type(error).__name__
    message = f"{error.filename}: {what}." if error.filename else f"{what}."
    if error.errno in FULL:
        return CourseError(message, "Make room there and run the same command again; what was kept before stays.")
    if error.errno in FORBIDDEN:
        return CourseError(message, "Look at the rights of the file and its folder, or name another folder.")
    return CourseError(message, "Look at the path and its rights.")


def raise_unless_of_submission(error: Exception) -> None:
    """CourseError where an error that was met while grading comes from the course or from the machine's state."""
    if isinstance(error, CourseError):
        raise error
    if isinstance(error, OSError) and error.errno in OF_MACHINE:
        raise file_fault(error) from error


def unforeseen(error: Exception, what: str) -> str:
    """The fault of a submission that the grader failed on, in words; raises as ``raise_unless_of_submission``."""
    raise_unless_of_submission(error)
    return f"{what} cannot be graded ({type(error).__name__}: {error}). Look at it by hand."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that offers the known names close to the given one; empty if none is close."""
    by_folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(by_folded[each] for each in near)}? " if near else ""
