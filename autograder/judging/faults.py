"""Faults of a check's author: told with file and line as faults of the course, and never taken for a student's."""

import contextlib
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from autograder.errors import OF_MACHINE, CheckError, CourseError
from autograder.judging.checks import Check, Exam, Mistake

LONGEST = 60.0  # seconds of processor time for one check: to be proven, the longest of the kit's own takes 0.7


class _EndlessError(BaseException):
    """Not an Exception: a check that catches those must not catch this."""


def mistake_in(check: Check, exam: Exam) -> Mistake | None:
    """What a check finds wrong; None if it finds nothing.

    CheckError names file and line where the check itself is at fault: where it, a handler of its own, or what it asks
    for raises anything but Mistake, where it returns something, and where it does not come to an end.
    """
    run: Callable[[Exam], object] = check.run
    try:
        # waiting for a student's process does not count
        with exam.key.draw.in_use(), alarm(LONGEST, _EndlessError, signal.ITIMER_VIRTUAL):
            returned = run(exam)
    except Mistake as mistake:
        return mistake
    except CheckError as error:
        raise CheckError(f"{place_of(error, check)}: {error.message}", error.next_step) from error
    except _EndlessError as error:
        frame = traceback.extract_tb(error.__traceback__)[-2]  # the last one is the alarm's
        message = f"the check did not come to an end: after {LONGEST:g} seconds it was in {frame.filename}, line"
        step = "Look for a loop that never ends, there or in what the check calls."
        raise CheckError(f"{place_of(error, check)}: {message} {frame.lineno}.", step) from error
    except CourseError:
        raise  # of the machine, or of a file that it names
    except (Exception, SystemExit) as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in OF_MACHINE):
            raise
        message = f"{place_of(error, check)}: the check fails: {reason_of(error)}."
        left_out = f"Until then autograder grade --skip {check.question} leaves its question out."
        raise CheckError(message, f"Correct it, and run the same command again. {left_out}") from error
    if returned is not None:
        message = f"{check.place} ({check.name}): the check returns {returned!r:.100}, which decides nothing."
        raise CheckError(
            message, 'Let it raise Mistake("what happened") where the answer is wrong, and return nothing.'
        )
    return None


def place_of(error: BaseException, check: Check) -> str:
    """File and line within the practical's folder where an error arose while a check was run, and the check's name.

    Where that is in something that the check calls, the check's own line follows its name.
    """
    code = check.run.__code__
    folder = Path(code.co_filename).parent
    lines = (line_in(folder, each) for each in (error.__cause__, error) if each is not None)
    where = next(filter(None, lines), check.place)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if (frame.filename, frame.name) == (code.co_filename, code.co_name)]
    if not own or where in (check.place, f"{code.co_filename}, line {own[0]}"):
        return f"{where} ({check.name})"
    return f"{where} ({check.name}, line {own[0]})"


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


@contextlib.contextmanager
def alarm(seconds: float, error: type[BaseException], timer: int = signal.ITIMER_PROF) -> Iterator[None]:
    """Raise the error once so much processor time has been used; 0 stands for no limit, as any other thread does.

    Processor time, since it is the same on a busy machine. ``signal.ITIMER_VIRTUAL`` does not count the kernel's work,
    and may be used within one of ``signal.ITIMER_PROF``.
    """
    if not seconds or threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield
        return

    def ring(_: int, __: FrameType | None) -> NoReturn:
        raise error

    rings = signal.SIGPROF if timer == signal.ITIMER_PROF else signal.SIGVTALRM
    before = signal.signal(rings, ring)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(rings, before)
