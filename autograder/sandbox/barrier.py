"""What every barrier offers, and what it prepares for one sandbox."""

import base64
import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from autograder.course.limits import Limits
from autograder.sandbox.folder import MOST_FILES, TOO_MANY, overflow
from autograder.sandbox.usage import descendants, files_in
from autograder.sandbox.view import HOST, environment, libraries
from autograder.student import tidy

HOST_IN_REACH = (
    "Student code can end the process that its copies are forked from, because this kernel's Landlock does not block"
    " signals (Linux 6.12 does). Its own submission then waits until a new process has started."
)
PATIENCE = 30.0  # seconds until a supervisor that does not end is killed


@dataclass(frozen=True)
class Prepared:
    """One sandbox, ready to start: ``run`` runs ``words`` followed by a command, ``end`` ends it.

    The sandbox gets nothing from this process except what is named here: no environment, no working directory, no open
    files. Its command line, which other users can read, holds only programs and numbers.
    """

    words: tuple[str, ...]
    host: str  # the student host's folder as the process sees it
    libraries: tuple[str, ...]  # the third-party folders as the process sees them
    environment: Mapping[str, str]  # the whole environment
    descriptors: tuple[int, ...] = ()
    user: int | None = None  # the user id that the host itself must change to
    alone: bool = False  # whether every process that the host can signal belongs to its own sandbox
    folders: tuple[str, ...] = ()  # the sandbox's own folders, which the host clears after each session
    landlock: int = 0  # the version of Landlock that limits each copy of the host; 0 for none
    granted: Mapping[str, Sequence[str]] = field(default_factory=dict)  # what Landlock allows a copy: see walls.RIGHTS
    copy_filter: bytes = b""  # the filter of system calls for each copy of the host
    folder: Path | None = None  # on the machine's disk: the judge watches and clears it
    counted: bool = True  # whether the kernel limits the number of processes; if not, only the judge does
    supervised: bool = False  # whether the first process ends all others when it gets SIGTERM

    def settings(self, limits: Limits) -> dict[str, Any]:
        """The settings for the host: see student/host.py."""
        rlimits = limits.rlimits()
        if not self.counted:
            del rlimits["RLIMIT_NPROC"]
        return {
            "libraries": list(self.libraries),
            "limits": rlimits,
            "uid": self.user,
            "alone": self.alone,
            "folders": list(self.folders),
            "landlock": self.landlock,
            "granted": {name: list(paths) for name, paths in self.granted.items()},
            "copy_filter": base64.b64encode(self.copy_filter).decode(),
        }

    def run(self, command: Sequence[str], said: int, descriptors: Sequence[int] = ()) -> "subprocess.Popen[bytes]":
        """Start the command in the sandbox; what it prints goes to the open file ``said``. OSError if it cannot start.

        It inherits ``descriptors``. The descriptors that were opened for the sandbox are closed here.
        """
        try:
            return subprocess.Popen(  # noqa: S603 - our own command
                [*self.words, *command],
                env=dict(self.environment),
                cwd=self.environment["HOME"],
                pass_fds=[*descriptors, *self.descriptors],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        except OSError:
            self._remove_folder()
            raise
        finally:
            for descriptor in self.descriptors:
                os.close(descriptor)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End the first process and all others, and remove what was made for this sandbox."""
        if self.supervised:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
        if process.poll() is None:  # else its number may be another process's by now
            for pid in descendants(process.pid):  # bubblewrap's end does not reach those that are another user's
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self.folder:
            tidy.remove(self.folder)

    def overflow(self, limits: Limits, members: Collection[int]) -> str:
        """What was written beyond the limits, in words, where the kernel does not limit it; empty if nothing was.

        ``members`` are the sandbox's processes.
        """
        if self.folder:
            return overflow(self.folder, limits.tmp_size)
        return TOO_MANY if files_in(members, self.folders) > MOST_FILES else ""

    def clear(self, process: subprocess.Popen[bytes], hosts: int = 1) -> bool:
        """Remove what a session left on the disk once only that many hosts live; False if others do not end."""
        if not self.folder:
            return True
        latest = time.monotonic() + PATIENCE
        while len(descendants(process.pid)) > hosts:  # killed ones take a moment to end
            if time.monotonic() > latest:
                return False
            time.sleep(0.001)
        with contextlib.suppress(FileNotFoundError):  # removed with its sandbox
            tidy.clear(self.folder)
        return True


class Barrier(Protocol):
    """One way to separate a process from the machine."""

    @property
    def name(self) -> str:
        """The name that results show."""

    @property
    def promise(self) -> str:
        """One sentence: what it protects, and by what means."""

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """Where it is weaker than the strongest barrier, one sentence each."""

    def prepare(self, limits: Limits) -> Prepared:
        """Prepare one sandbox. CourseError or OSError if the machine does not allow it."""


@dataclass(frozen=True)
class NoBarrier:
    """No barrier: only limits and a separate process. For trusted code on a machine without a sandbox."""

    name: str = "none"
    promise: str = "nothing is protected: the student's code can read and change all that the grader can"
    weaknesses: tuple[str, ...] = ("Nothing stands between the student's code and the machine.",)

    def prepare(self, limits: Limits) -> Prepared:
        """See Barrier."""
        return Prepared((), str(HOST), tuple(map(str, libraries())), environment("/tmp"))  # noqa: S108 - no private one


@dataclass(frozen=True)
class Looked:
    """The outcome of trying a barrier on this machine: the barrier if it works, else the problem and the next step."""

    name: str
    barrier: Barrier | None
    problem: str = ""
    next_step: str = ""


def opened(content: bytes) -> int:
    """An open file with that content, for one process that inherits it. The caller closes it."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        return os.dup(file.fileno())
