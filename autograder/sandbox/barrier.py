"""The seam: what every barrier can say of itself, and what it makes ready for one sandbox."""

import base64
import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from autograder.limits import Limits
from autograder.sandbox.folder import PrivateFolder
from autograder.sandbox.usage import descendants
from autograder.sandbox.view import HOST, environment, libraries

HOST_IN_REACH = (
    "Student code can end the process that its copies are forked from, for this kernel's Landlock does not keep signals"
    " apart (Linux 6.12 does): its own submission then waits for another."
)
PATIENCE = 30.0  # seconds until a supervisor that does not end is killed


@dataclass(frozen=True)
class Prepared:
    """One sandbox, ready to be started: run ``words`` and then the command by ``run``, and ``end`` it.

    Nothing of this process goes along but what is named here: neither environment, nor working directory, nor open
    files; and the command line, which others can read, holds nothing but programs and numbers.
    """

    words: tuple[str, ...]
    host: str  # where the student host's folder lies for the process
    libraries: tuple[str, ...]  # the third-party folders as the process sees them
    environment: Mapping[str, str]  # all of it
    descriptors: tuple[int, ...] = ()
    user: int | None = None  # the user id that the host must take on by itself
    alone: bool = False  # whether the host may kill all that it can reach: that is its own sandbox and nothing else
    folders: tuple[str, ...] = ()  # the sandbox's own, which the host clears after each session
    landlock: int = 0  # the version that each copy of the host takes walls from; 0 for none
    granted: Mapping[str, Sequence[str]] = field(default_factory=dict)  # what these walls leave open to a copy
    copy_filter: bytes = b""  # of system calls, which each copy of the host takes besides
    folder: PrivateFolder | None = None  # on the machine's disk: the judge watches and clears it
    counted: bool = True  # whether the kernel can count the processes; if not, the judge alone does
    supervised: bool = False  # whether the first process ends all others when it is asked to, by SIGTERM

    def settings(self, limits: Limits) -> dict[str, Any]:
        """What the host is told: see student/host.py."""
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
        """Start the command in the sandbox; OSError if it cannot be. What it says goes to the open file ``said``.

        It inherits ``descriptors``. Those that were opened for the sandbox are closed here.
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
            if self.folder is not None:
                self.folder.remove()
            raise
        finally:
            for descriptor in self.descriptors:
                os.close(descriptor)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End the first process and all others, and take away what was made for this sandbox."""
        if self.supervised:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
        process.kill()
        process.wait()
        if self.folder is not None:
            self.folder.remove()

    def overflow(self, limits: Limits) -> str:
        """What was written too much of, in words, where the kernel does not count it; empty if all is well."""
        return self.folder.overflow(limits.tmp_size) if self.folder is not None else ""

    def clear(self, process: subprocess.Popen[bytes]) -> bool:
        """Take away what a session left on the disk, as soon as the host is all that lives on; False if others do."""
        if self.folder is None:
            return True
        latest = time.monotonic() + PATIENCE
        while len(descendants(process.pid)) > 1:  # killed ones take a moment to end
            if time.monotonic() > latest:
                return False
            time.sleep(0.001)
        self.folder.clear()
        return True


class Barrier(Protocol):
    """One way of walling a process off."""

    @property
    def name(self) -> str:
        """What results call it."""
        ...

    @property
    def promise(self) -> str:
        """One sentence: what it keeps apart, and by what."""
        ...

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """Where it is weaker than the strongest, each a sentence."""
        ...

    def prepare(self, limits: Limits) -> Prepared:
        """Make one sandbox ready; CourseError or OSError if the machine does not allow it."""
        ...


@dataclass(frozen=True)
class NoBarrier:
    """Nothing: only limits and a separate process. For trusted code on a machine that cannot do better."""

    name: str = "none"
    promise: str = "nothing is kept apart: the student's code can read and change what the grader can"
    weaknesses: tuple[str, ...] = ("Nothing stands between the student's code and the machine.",)

    def prepare(self, limits: Limits) -> Prepared:
        """See Barrier."""
        everybodys = environment("/tmp")  # noqa: S108 - as it is anywhere
        return Prepared((), str(HOST), tuple(map(str, libraries())), everybodys)


@dataclass(frozen=True)
class Looked:
    """What came of looking for a barrier here: the barrier if it works, else the problem and its mend."""

    name: str
    barrier: Barrier | None
    problem: str = ""
    mend: str = ""


def opened(content: bytes) -> int:
    """An open file with that content, to be read once by a process that inherits it; to be closed."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        return os.dup(file.fileno())
