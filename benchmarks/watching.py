"""What a command costs, with all processes that come of it: seconds, seconds of processor, memory."""

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course.limits import MIB
from autograder.sandbox.usage import descendants, memory_of

SET_CHILD_SUBREAPER = 36  # of prctl: processes whose parent has ended become children of this one, and are counted
PAUSE = 0.1  # seconds between two looks at the memory
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """What a command used: wall clock and processor in seconds, and memory in MiB.

    ``memory`` is the most that all its processes held together, ``largest`` the most of one that is in no sandbox.
    """

    wall: float
    processor: float
    memory: float
    largest: float


def used_by(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    fine: Collection[int] = (0,),
) -> Used:
    """Run a command and say what it used, SystemExit with its words if its exit code is not a ``fine`` one.

    Memory is what the processes hold, where those that share pages share them (Pss). Nothing else that this process
    started may be running.
    """
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before, began, most, largest = _processor_of_ended(), time.monotonic(), 0, 0
    environment = {**os.environ, **(env or {})}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=said, stderr=said)  # noqa: S603 - our own
        while process.poll() is None:
            held = _held_by_tree(process.pid)
            most = max(most, sum(held.values()))
            largest = max([largest, *(held[pid] for pid in held if not _in_sandbox(pid))])
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PAUSE)
        wall = time.monotonic() - began
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)  # what outlives the command for a moment
        if process.returncode not in fine:
            said.seek(0)
            raise SystemExit(said.read().decode(errors="replace")[-5000:])
    return Used(wall, _processor_of_ended() - before, most / MIB, largest / MIB)


def grading(root: Path, *words: str, jobs: int = 1) -> Used:
    """What ``autograder grade`` of a course's folder uses."""
    command = [sys.executable, "-m", "autograder", "grade", str(root), "--jobs", str(jobs), *words]
    return used_by(command, fine=(0, 1))


def memory_of_tree(pid: int) -> int:
    """Bytes that a process and those that came of it hold."""
    return sum(_held_by_tree(pid).values())


def _held_by_tree(pid: int) -> dict[int, int]:
    return {each: memory_of(each) for each in (pid, *descendants(pid))}


def _in_sandbox(pid: int) -> bool:
    """Whether a process has process ids of its own; it may just have ended."""
    try:
        return Path(f"/proc/{pid}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
    except OSError:
        return False


def processor_of_tree() -> float:
    """Processor seconds of this process and of all that came of it, whether they live or have ended."""
    return time.process_time() + _processor_of_ended() + sum(map(processor_of, descendants(os.getpid())))


def processor_of(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def _processor_of_ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
