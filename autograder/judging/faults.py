"""Faults of a check's author: told with file and line as faults of the course, and never taken for a student's."""

import traceback
from pathlib import Path

from autograder.errors import OF_MACHINE, CheckError, CourseError
from autograder.judging.checks import Check, Exam, Mistake


def mistake_in(check: Check, exam: Exam) -> Mistake | None:
    """What a check finds wrong; None if it finds nothing.

    CheckError names file and line where the check itself is at fault: where it, a handler of its own, or what it asks
    for raises anything but Mistake.
    """
    try:
        check.run(exam)
    except Mistake as mistake:
        return mistake
    except CheckError as error:
        raise CheckError(f"{place_of(error, check)}: {error.message}", error.next_step) from error
    except CourseError:
        raise  # of the machine, or of a file that it names
    except (Exception, SystemExit) as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in OF_MACHINE):
            raise
        message = f"{place_of(error, check)}: the check fails: {reason_of(error)}."
        step = (
            f"Correct it, and run the same command again. Until then --skip {check.question} leaves its question out."
        )
        raise CheckError(message, step) from error
    return None


def place_of(error: BaseException, check: Check) -> str:
    """File and line within the practical's folder where an error arose while a check was run, and the check's name."""
    folder = Path(check.run.__code__.co_filename).parent
    lines = (line_in(folder, each) for each in (error.__cause__, error) if each is not None)
    return f"{next(filter(None, lines), check.place)} ({check.name})"


def line_in(folder: Path, error: BaseException) -> str:
    """File and line where an error left the files of that folder; empty if it never was in one."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(folder):
        return f"{error.filename}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    return f"{inside[-1].filename}, line {inside[-1].lineno}" if inside else ""


def reason_of(error: BaseException) -> str:
    """What an error says, without a full stop."""
    if isinstance(error, CourseError):
        return error.message.rstrip(".")
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {words}".rstrip(".: ")
