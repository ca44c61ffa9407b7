"""Work on what was handed in, done in a process apart, whose end costs that piece of work alone.

No student code runs there. Untrusted text is read, mended, parsed and rendered there, within limits on time, memory and
output. Such a process is a copy of a small one that has the modules imported already (``forker.py``), so that it costs
milliseconds to start.
"""

import contextlib
import os
import pickle
import socket
import struct
import subprocess
import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autograder.course.limits import MIB, Limits, in_words
from autograder.errors import CourseError

ROOT = Path(__file__).parents[2]  # from which the kit is imported
START = "import sys; sys.path[:] = {path}; from autograder.sandbox.forker import serve; serve({descriptor})"
LENGTH = struct.Struct("=Q")
REPLY = struct.Struct("=BddQQ")  # how it ended, seconds of processor and of wall clock, KiB, bytes that follow
DONE, RAISED, NO_MEMORY, TOO_LONG, TOO_MUCH, DIED = range(6)
MOST_WORDS = 1_000  # bytes of what an exception said
BUSY = 1 / 3  # of the time allowed: who got less of the processor than this was kept waiting by the machine


class OverrunError(Exception):
    """Work apart came to no end within its limits; the message says which one it reached."""


class BusyError(CourseError):
    """The machine was too busy for work apart to come to its end in time."""


class RaisedApartError(Exception):
    """Work apart raised an exception; the message names it."""


@dataclass(frozen=True)
class Bounds:
    """What one piece of work may use."""

    seconds: float  # wall clock, and of the processor
    memory: int  # bytes beyond what the process that it is copied from holds
    output: int  # bytes
    walled: bool = True  # whether it can neither open files nor use system calls that reading needs not

    @classmethod
    def of(cls, limits: Limits, walled: bool = True) -> "Bounds":
        """As a course's limits have it."""
        return cls(limits.seconds_to_read, limits.memory_to_read, 32 * MIB, walled)


class Packed:
    """A work that many pieces are done with, pickled once."""

    def __init__(self, work: Callable[..., bytes]) -> None:
        self.content = pickle.dumps(work)


Work = Callable[..., bytes] | Packed


@dataclass(frozen=True)
class Reply:
    """What a piece of work came to, and what it used."""

    content: bytes
    processor_seconds: float
    peak_memory: int  # bytes, what it shares with others included


def apart(work: Work, *arguments: object, bounds: Bounds, files: Sequence[int] = ()) -> bytes:
    """What ``work(*arguments)`` returns, done in a process apart.

    ``work`` is a function of a module or a record that can be called; both it and the arguments are pickled, and a work
    that has a method ``prepare`` is prepared once for many calls. Where ``files`` are given, they are open in that
    process too, and their numbers there are the last arguments. OverrunError, BusyError or RaisedApartError say why
    there is nothing to return.
    """
    return measured(work, *arguments, bounds=bounds, files=files).content


def measured(
    work: Callable[..., bytes] | Packed, *arguments: object, bounds: Bounds, files: Sequence[int] = ()
) -> Reply:
    """The same, with what was used for it."""
    pickled = work.content if isinstance(work, Packed) else pickle.dumps(work)
    request = pickle.dumps((pickled, pickle.dumps(arguments), bounds))
    try:
        how, used, taken, peak, content = _forker().ask(request, files)
    except (OSError, EOFError):  # it was killed from outside
        _forker.cache_clear()
        how, used, taken, peak, content = _forker().ask(request, files)
    if how == TOO_LONG and used < BUSY * bounds.seconds:
        said = f"{taken:.0f} seconds passed, of which it had the processor for {used:.1f}"
        raise BusyError(f"The machine was too busy to read a submission: {said}.", "Grade again when less is running.")
    if how == RAISED:
        raise RaisedApartError(content.decode(errors="replace"))
    if how != DONE:
        raise OverrunError(_words(how, bounds))
    return Reply(content, used, 1024 * peak)


def _words(how: int, bounds: Bounds) -> str:
    return {
        NO_MEMORY: f"it takes more memory than {in_words(bounds.memory)}",
        TOO_LONG: f"it takes longer than {bounds.seconds:g} seconds",
        TOO_MUCH: f"what comes of it is larger than {in_words(bounds.output)}",
        DIED: "the process that did it died",
    }[how]


class _Forker:
    """The process from which those for the work are copied; it ends with this record and with this process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        path = [str(ROOT), *(entry for entry in sys.path if entry)]
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-c", START.format(path=path, descriptor=theirs.fileno())],
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},  # a fork keeps no threads
                cwd="/",
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C on the terminal is for the grader
            )
        self._channel = ours
        weakref.finalize(self, _end, ours, process)

    def ask(self, request: bytes, files: Sequence[int]) -> tuple[int, float, float, int, bytes]:
        """Send a request; the reply. OSError or EOFError if the process is gone."""
        socket.send_fds(self._channel, [LENGTH.pack(len(request))], list(files))
        self._channel.sendall(request)
        how, used, taken, peak, length = REPLY.unpack(received(self._channel, REPLY.size))
        return how, used, taken, peak, received(self._channel, length)


def _end(channel: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    channel.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    process.kill()
    process.wait()


def received(channel: socket.socket, length: int) -> bytes:
    """So many bytes; EOFError if the other end is closed before."""
    parts: list[bytes] = []
    while length:
        parts.append(channel.recv(min(length, MIB)))
        if not parts[-1]:
            raise EOFError
        length -= len(parts[-1])
    return b"".join(parts)


@lru_cache(maxsize=1)
def _forker() -> _Forker:
    """The one of this process."""
    return _Forker()
