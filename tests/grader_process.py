"""The grader as a process of its own: a class with many faults, what the gradebook holds of it, and how it is ended."""

import contextlib
import ctypes
import itertools
import multiprocessing
import os
import random
import resource
import signal
import sqlite3
import sys
import time
import types
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from small_course import hand_in

from autograder import cli

FAULTS = (  # what becomes of double, and the points that the student then has
    ("2 * x", 5.0),
    ("3 * x", 3.0),
    ("abs(2 * x)", 4.5),
    ("1 / 0", 3.0),
    ("__import__('os')._exit(0)", 3.0),
    ("__import__('os').kill(0, 9)", 3.0),
    ("float('nan')", 3.0),
    ("print('points: 5' * 10**5)", 3.0),
)


def hand_in_for_all(root: Path, students: int, seed: int) -> dict[str, float]:
    """Hand in for a class with many faults; the points that each should have."""
    draw = random.Random(seed)
    earned = {}
    for number in range(students):
        expression, points = draw.choice(FAULTS)
        hand_in(root, f"s{number:02}", double=expression)
        earned[f"s{number:02}"] = points
    return earned


def marks(root: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the gradebook holds of every student: a cell's marks by machine and by hand, and whether it waits."""
    query = """
        SELECT student.id, base_cell.name, grade.auto_score, grade.manual_score, grade.needs_manual_grade
        FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
        JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
        JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
        JOIN student ON student.id = submitted_assignment.student_id ORDER BY student.id, base_cell.name"""
    found: dict[str, list[tuple[object, ...]]] = {}
    if not (root / "gradebook.db").exists():
        return found
    with closing(sqlite3.connect(root / "gradebook.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'grade'").fetchall():
            return found
        for student, *row in connection.execute(query):
            found.setdefault(student, []).append(tuple(row))
    return found


def give_up_override() -> None:
    """Let the rights of files bind this process, as they bind everyone but the superuser."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # version 3; this process
    assert libc.capget(header, sets) == 0
    for low_half in (0, 1):  # effective and permitted
        sets[low_half] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(header, sets) == 0


def serve(words: Sequence[str], log: str, file_size: int, rights_bind: bool, most_put: int | None) -> None:
    """Be the grader: its output goes to a file; with a limit on the size of files, and no rights beyond its own.

    Once ``most_put`` folders of students are in place, it waits in the middle of the next for SIGUSR1.
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as on a terminal, however the tests were started
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if file_size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    if rights_bind:
        give_up_override()
    os.environ["COLUMNS"] = "400"
    sys.modules["__main__"] = types.ModuleType("__main__")  # its workers are to import no program of tests
    if most_put is not None:
        from autograder.nbgrader import sinks

        vars(sinks)["apart"] = held_back_after(most_put, vars(sinks)["apart"])
    cli.app(list(words))


def held_back_after(times: int, act: Callable[..., bytes]) -> Callable[..., bytes]:
    """The same, but for the call after so many others, which waits for SIGUSR1."""
    calls = itertools.count()

    def held(*arguments: object, **named: object) -> bytes:
        if next(calls) == times:
            signal.sigwait({signal.SIGUSR1})
        return act(*arguments, **named)

    return held


CONTEXT = multiprocessing.get_context("forkserver")  # imports once, so that a grader is there in a moment
PRELOADED = ["autograder.cli", "autograder.grading.run", "autograder.nbgrader.gradebook", "autograder.nbgrader.plugin"]
CONTEXT.set_forkserver_preload(PRELOADED)
PATIENCE = 100.0  # seconds until something that must happen counts as not happening


class Grader:
    """``autograder grade``, or another command, on a course, in a process of its own."""

    def __init__(
        self,
        course: Path,
        *words: str,
        command: str = "grade",
        file_size: int = 0,
        rights_bind: bool = False,
        most_put: int | None = None,
        log: str = "grader.log",
    ) -> None:
        self.log = course / log
        self.log.unlink(missing_ok=True)
        self.log.touch()
        line = (command, "--course", str(course), *words)
        self.process = CONTEXT.Process(target=serve, args=(line, str(self.log), file_size, rights_bind, most_put))
        self.process.start()

    @property
    def pid(self) -> int:
        assert self.process.pid
        return self.process.pid

    def finished(self) -> int:
        """Its exit code, once it has come to an end by itself."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, self.said
        return self.process.exitcode

    @property
    def said(self) -> str:
        """All that it printed, in one line."""
        return " ".join(self.log.read_text(encoding="utf-8").split())

    def go_on(self) -> None:
        """Let it go on where it waits."""
        os.kill(self.pid, signal.SIGUSR1)

    def wait_for(self, event: Callable[[], bool]) -> None:
        """Return as soon as the event is there, or the grader gone."""
        deadline = time.monotonic() + PATIENCE
        while self.process.is_alive() and not event():
            assert time.monotonic() < deadline, f"it did not happen: {self.said}"
            time.sleep(0.01)  # looking costs the processor more than waiting

    @property
    def workers(self) -> list[int]:
        """The processes in which it does its work."""
        return [pid for pid in below(self.pid) if "spawn_main" in command_line(pid)]

    def killed(self, number: signal.Signals = signal.SIGKILL, kill: Callable[[int, int], None] = os.killpg) -> int:
        """Its exit code after the signal to its process group; none of its workers and sandboxes is left."""
        assert self.process.is_alive(), f"it has come to an end: {self.said}"
        family = below(self.pid)
        kill(self.pid, number)
        code = self.finished()
        deadline = time.monotonic() + PATIENCE
        while family := {pid for one in family for pid in (one, *below(one)) if is_alive(pid)}:
            assert time.monotonic() < deadline, f"left behind: {family}"
            time.sleep(0.003)
        return code


def below(pid: int) -> set[int]:
    """All processes that a process started, and those that they started."""
    listed: list[str] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            listed += (thread / "children").read_text(encoding="ascii").split()
    return {found for child in map(int, listed) for found in (child, *below(child))}


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


def command_line(pid: int) -> str:
    """What a process was started with; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
