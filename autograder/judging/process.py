"""The judge's end of a student's process: start it, ask it, replace it when it dies.

student/host.py describes the protocol.
"""

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.judging.session import TOO_SLOW, Gone, Place, Session, TooMuchUsedError, place_in, text_in
from autograder.notebook.leaving_out import QUIET
from autograder.sandbox import Barrier, Prepared
from autograder.sandbox.usage import descendants, memory_of_all, waited
from autograder.sandbox.view import interpreter
from autograder.student import wire

MOST_STRETCH = 4  # times the seconds allowed


class StudentProcess:
    """A sandboxed process with the libraries imported, from which every session gets a fresh copy.

    Use it as a context manager. It starts with the first session, and again after it has died. Where the kernel lets
    it, the sandbox stays when a submission is done with (``leave``): then the next one waits for no imports.
    """

    def __init__(
        self,
        barrier: Barrier,
        limits: Limits,
        warmup: str = "",
        imports: Sequence[str] = (),
        modules: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.barrier = barrier
        self.limits = limits
        self._warmup = {"modules": list(modules), "warmup": warmup, "imports": list(imports)}
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared: Prepared | None = None
        self._control: socket.socket | None = None
        self._ready = False  # whether a submission's host serves this process
        self._stays = False  # whether the sandbox may serve further submissions
        self._waits = False  # whether it waits for one
        self._first = 0  # the id of the sandbox's first process
        self._next_look = 0.0  # of time.monotonic
        self.starts = 0  # how often the sandbox was started
        self._loaded: dict[str, Any] = {"cells": [], "probes": ""}
        self.unfit: tuple[Place, Gone] | None = None  # the loaded statement that it could not compile, and the outcome
        # what the host prints if it fails to start; closed with the process
        self._words = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> "StudentProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it for good."""
        self.stop()
        self._words.close()

    def start(self) -> None:
        """Start the sandbox unless it runs already; do not wait until it is ready."""
        if self._control is not None:
            return
        ours, theirs = socket.socketpair()
        prepared = self.barrier.prepare(self.limits)
        settings = json.dumps({**self._warmup, **prepared.settings(self.limits)}).encode()
        host = [interpreter(), "-I", "-S", f"{prepared.host}/host.py", str(theirs.fileno())]
        with theirs:
            self._process = prepared.run(host, self._words.fileno(), [theirs.fileno()])
        self._prepared = prepared
        with contextlib.suppress(OSError):  # a host that ended at once has said why
            ours.sendall(len(settings).to_bytes(4, "big") + settings)
        self._control = ours
        self._ready = self._waits = False
        self.starts += 1

    def _make_ready(self) -> None:
        """Start the sandbox and load it. CourseError if it does not start, since that is never the student's fault."""
        if self._ready or self.unfit:
            return
        self.start()
        assert self._control is not None
        waited, self._waits = self._waits, False
        try:
            deadline = time.monotonic() + self.limits.seconds_to_start
            if not waited:
                self._stays = wire.receive_message(self._control, deadline).get("stays") is True
                self._first = self._only_process()
            self._control.sendall(b"begin".ljust(wire.LONGEST_VERB))
            wire.receive(self._control, deadline)
            self._ready = True
            self.unfit = self._hand_over_loaded()  # no student code has run here yet
            if self.unfit and not self.unfit[0].cell:  # nor was any read: the probes come first
                message = f"The practical's probes.py {self.unfit[1].how.replace('compiled', 'read')} in the sandbox."
                raise CourseError(message, "It finds installed libraries there, and no file of the course.")
        except (OSError, wire.WireError) as error:
            self._words.seek(0)
            said = self._words.read(4000).decode(errors="replace").strip()
            self.stop()
            if waited:
                return  # it ended while it waited for a submission, and is started again
            raise CourseError(
                f"The student process does not start: {said or error}", "Run autograder doctor."
            ) from None

    def load(
        self,
        cells: Sequence[tuple[str, str]],
        probes: str,
        without: Iterable[tuple[str, int]] = (),
        definitions: bool = False,
    ) -> None:
        """Set what every later session defines: the notebook's cells, (label, source) each, and the probes.

        ``without`` are statements that are left out, (label, number in the cell); with ``definitions``, all but
        definitions are.
        """
        self._loaded = {
            "cells": [list(cell) for cell in cells],
            "probes": probes,
            "without": [list(each) for each in without],
            "definitions": definitions,
            "quiet": QUIET,
        }
        self.unfit = None
        if self._ready:
            self._hand_over_loaded()

    def _hand_over_loaded(self) -> tuple[Place, Gone] | None:
        """Send the cells and the probes. If that ends the process: statement and outcome (it is not sent again)."""
        assert self._control is not None
        deadline, place = self.deadline(self.limits.seconds_to_define, self.waits()), Place("")
        try:
            self._control.sendall(b"load".ljust(wire.LONGEST_VERB))
            wire.send(self._control, self._loaded, deadline)
            while (reply := wire.receive_message(self._control, deadline, self.look_now_and_then))["verb"] != "ready":
                place = place_in(reply)
        except (OSError, wire.WireError) as error:
            self.stop()
            late = isinstance(error, wire.LateError)
            return place, Gone(TOO_SLOW if late else "ended the whole process while it was compiled", hung=late)
        return None

    def leave(self) -> None:
        """Be done with a submission: nothing of it is left in the sandbox, which stays only where that is certain."""
        self._loaded, self.unfit = {"cells": [], "probes": ""}, None
        if not self._ready:
            return  # nothing of a submission has been handed over
        ended = self._stays and self._told(b"leave") is not None
        self._ready = False
        if ended and self._clear():
            self._waits = True
        else:
            self.stop()

    def stop(self) -> None:
        """Kill the sandbox and everything in it."""
        if self._control is not None:
            self._control.close()
        if self._process is not None and self._prepared is not None:
            self._prepared.end(self._process)
        self._control = self._process = self._prepared = None
        self._ready = self._waits = False

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A fresh copy; at the end it is killed with all its descendants."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._hand_over(theirs)
            yield Session(self, ours)
        self.end_copy(b"end")
        if not self._clear():
            self.stop()

    def _clear(self) -> bool:
        """Remove what a session left on the disk, where the host cannot; False if that fails or the sandbox is gone."""
        if self._process is None or self._prepared is None:
            return False
        return self._prepared.clear(self._process, self._hosts)

    def _only_process(self) -> int:
        """The id of the one process that there is in a sandbox before any student code has run."""
        found = descendants(self._process.pid) if self._process is not None else {}
        return next(iter(found), 0)

    @property
    def _hosts(self) -> int:
        """How many processes of the sandbox run no student code: a submission's host is a second one if one stays."""
        return 2 if self._stays and self._ready else 1

    def _hand_over(self, channel: socket.socket) -> None:
        for _ in range(2):
            self._make_ready()
            if self.unfit or self._told(b"session", channel.fileno()):
                return
        raise CourseError("The student process does not answer although it is new.", "Run autograder doctor.")

    def _told(self, verb: bytes, *descriptors: int) -> dict[str, Any] | None:
        """The host's reply; None if there is none. A host that a session has killed or blocked is stopped."""
        if self._control is None:
            return None
        try:
            socket.send_fds(self._control, [verb.ljust(wire.LONGEST_VERB)], descriptors)
            deadline = time.monotonic() + self.limits.seconds_per_ask
            return wire.receive_message(self._control, deadline, self.look_now_and_then)
        except (OSError, wire.WireError):
            self.stop()
            return None

    def end_copy(self, verb: bytes) -> str:
        """Kill the copy ("end"), or first let it end ("bury"): how it ended by itself, in words, or empty."""
        return text_in((self._told(verb) or {}).get("how"))

    def waits(self) -> Mapping[int, float]:
        """How long this process and those of the sandbox have waited for a processor until now, in seconds."""
        members = descendants(self._process.pid, self.limits.processes) if self._process is not None else ()
        return waited([os.getpid(), *members])

    def deadline(self, seconds: float, before: Mapping[int, float]) -> Callable[[], float]:
        """When so many seconds will have passed, not counted those since ``before`` in which others ran in their place.

        The machine's other work is nobody's fault. In all it never takes more than MOST_STRETCH times as long: a
        student's own processes keep each other waiting, too.
        """
        end = time.monotonic() + seconds

        def now() -> float:
            if time.monotonic() < end:
                return end
            since = {pid: each - before.get(pid, 0.0) for pid, each in self.waits().items()}
            kept_waiting = since.pop(os.getpid()) + max(since.values(), default=0.0)
            return end + min(kept_waiting, (MOST_STRETCH - 1) * seconds)

        return now

    def look_now_and_then(self) -> None:
        """Call ``look_at_usage`` if the last look was long enough ago, also while the process sends without a pause."""
        if time.monotonic() >= self._next_look:
            self.look_at_usage()
            self._next_look = time.monotonic() + wire.TICK

    def look_at_usage(self) -> None:
        """Stop the sandbox and raise TooMuchUsedError if its processes are too many, or together use too much.

        The kernel's own limits act first. But behind some barriers the kernel limits neither the number of processes
        nor what they write to disk, and it has no limit on the memory of several processes together.
        """
        if self._process is None or self._prepared is None:
            return
        members = descendants(self._process.pid, self.limits.processes + self._hosts - 1)
        if sum(members.values()) > self.limits.processes + self._hosts - 1:
            self._too_much("started more processes than allowed")
        shared = self._first if self._hosts > 1 else 0  # what it holds, the submission's host holds too
        if memory_of_all(members, self.limits.memory_of_all, shared) > self.limits.memory_of_all:
            self._too_much("used more memory than allowed")
        if written := self._prepared.overflow(self.limits, members):
            self._too_much(written)

    def _too_much(self, how: str) -> None:
        self.stop()
        raise TooMuchUsedError(how)
