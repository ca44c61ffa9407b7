"""The judge's end of a student's process: start it, ask it, replace it when it dies.

student/host.py describes the protocol.
"""

import contextlib
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.judging.checks import Handler, Refused, Value
from autograder.sandbox import Barrier, Prepared
from autograder.sandbox.usage import descendants, memory_of_all
from autograder.sandbox.view import interpreter
from autograder.student import wire

TICK = 0.2  # seconds between two looks at the memory used
TOO_SLOW = "did not come to an end in the time allowed"


@dataclass(frozen=True)
class Raised:
    """The student's code raised. ``cell`` and ``line`` are its own; empty and 0 if none of it was running."""

    type: str
    message: str
    cell: str
    line: int
    code: str


def words_for(raised: Raised) -> str:
    """What the student's code raised, and where, as a sentence."""
    if raised.type == "MissingDefinitionError":
        return f"{raised.message[:1].upper()}{raised.message[1:]}."
    if raised.type == "NotImplementedError" and "YOUR CODE HERE" in raised.message:
        return f"A blank is still open: {raised.message}."
    said = f"{raised.type}: {raised.message}" if raised.message else raised.type
    where = f" in {raised.cell}, line {raised.line}: {raised.code}" if raised.cell else ""
    return f"Your code raised {said}{where}."


@dataclass(frozen=True)
class Gone:
    """The student's process hung, died or sent nonsense: ``how``, in words. ``hung`` if the deadline passed."""

    how: str
    hung: bool = False
    lost: bool = field(default=False, compare=False)  # whether the whole sandbox ended with it


@dataclass(frozen=True)
class Answered:
    """What a probe returned."""

    values: Value


Outcome = Answered | Raised | Gone


@dataclass(frozen=True)
class Defined:
    """The definitions were run; ``faults`` are what they raised."""

    faults: tuple[Raised, ...]


class Session:
    """One fresh copy of the student's process."""

    def __init__(self, process: "StudentProcess", channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self.cell = ""  # the cell that began last
        self._unfit: Gone | None = None

    def refuse(self, cell: str, outcome: Gone) -> None:
        """Make this session define nothing, since compiling that cell had this outcome."""
        self.cell, self._unfit = cell, outcome

    def define(self, announce: bool = False) -> Defined | Gone:
        """Run the notebook's loaded definitions; with ``announce``, ``cell`` is the cell that began last."""
        if self._unfit:
            return self._unfit
        deadline = time.monotonic() + self._process.limits.seconds_to_define
        try:
            wire.send(self._channel, {"verb": "define", "announce": announce}, deadline)
            while True:
                reply = self._receive(deadline)
                if reply["verb"] == "defined":
                    return Defined(tuple(_raised(fault) for fault in _dicts(reply.get("faults"))))
                self.cell = _text(reply.get("label"))
        except wire.WireError as error:
            return self._gone(error)

    def ask(
        self, probe: str, values: Mapping[str, Value], handler: Handler | None = None, seconds: float | None = None
    ) -> Outcome:
        """Ask one question; the handler answers what the process calls meanwhile."""
        deadline = time.monotonic() + self._process.limits.seconds_for(seconds)
        try:
            question = {"verb": "ask", "probe": probe, "values": dict(values)}
            wire.send(self._channel, question, deadline, self._process.look_now_and_then)
            while True:
                reply = self._receive(deadline)
                if reply["verb"] == "answer":
                    return Answered(reply.get("values"))
                if reply["verb"] == "raised":
                    return _raised(reply)
                self._serve(reply, handler, deadline)
        except wire.WireError as error:
            return self._gone(error)

    def _serve(self, call: dict[str, Any], handler: Handler | None, deadline: float) -> None:
        values = call.get("values")
        if call["verb"] != "call" or handler is None or not isinstance(values, dict):
            raise wire.WireError("it said something that nobody asked for")
        try:
            reply: dict[str, Any] = {"verb": "reply", "value": handler(_text(call.get("name")), values)}
        except Refused as refused:
            reply = {"verb": "refuse", "message": str(refused)}
        wire.send(self._channel, reply, deadline, self._process.look_now_and_then)

    def _receive(self, deadline: float) -> dict[str, Any]:
        """The next message; meanwhile the memory that the sandbox uses is watched."""
        return wire.receive_message(self._channel, deadline, self._process.look_now_and_then)

    def _gone(self, error: wire.WireError) -> Gone:
        if isinstance(error, wire.LateError):
            return Gone(TOO_SLOW, hung=True)
        how = self._process.bury()
        if isinstance(error, TooMuchUsedError):
            return Gone(str(error), lost=True)
        return Gone(f"ended the whole process ({how})" if how else f"broke the conversation: {error}")


class TooMuchUsedError(wire.WireError):
    """The sandbox as a whole uses more than allowed."""


def _padded(verb: bytes) -> bytes:
    return verb.ljust(7)


def _text(value: object) -> str:
    return value[:2000] if isinstance(value, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _raised(reply: Mapping[str, Any]) -> Raised:
    line = reply.get("line")
    words = {name: _text(reply.get(name)) for name in ("type", "message", "cell", "code")}
    return Raised(line=line if isinstance(line, int) else 0, **words)


class StudentProcess:
    """A sandboxed process with the libraries imported, from which every session gets a fresh copy.

    Use it as a context manager. It starts with the first session, and again after it has died.
    """

    def __init__(self, barrier: Barrier, limits: Limits, warmup: str = "", imports: Sequence[str] = ()) -> None:
        self.barrier = barrier
        self.limits = limits
        self._warmup = {"warmup": warmup, "imports": list(imports)}
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared: Prepared | None = None
        self._control: socket.socket | None = None
        self._ready = False
        self._next_look = 0.0  # of time.monotonic
        self.starts = 0  # how often the sandbox was started
        self._loaded: dict[str, Any] = {"cells": [], "probes": ""}
        self._unfit: tuple[str, Gone] | None = None  # the cell that it could not compile, and the outcome
        # what the host prints if it fails to start; closed with the process
        self._words = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> "StudentProcess":
        return self

    def __exit__(self, *_: object) -> None:
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
        self._ready = False
        self.starts += 1

    def _await_ready(self, control: socket.socket) -> None:
        """CourseError if the sandbox does not start, since that is never the student's fault."""
        try:
            wire.receive(control, time.monotonic() + self.limits.seconds_to_start)
            self._ready = True
            self._unfit = self._hand_over_loaded()  # no student code has run here yet
            if self._unfit and not self._unfit[0]:  # nor was any read: the probes come first
                message = f"The practical's probes.py {self._unfit[1].how.replace('compiled', 'read')} in the sandbox."
                raise CourseError(message, "It finds installed libraries there, and no file of the course or the kit.")
        except wire.WireError as error:
            self._words.seek(0)
            said = self._words.read(4000).decode(errors="replace").strip()
            self.stop()
            raise CourseError(
                f"The student process does not start: {said or error}", "Run autograder doctor."
            ) from None

    def load(self, cells: Sequence[tuple[str, str]], probes: str) -> None:
        """Set what every later session defines: the notebook's cells, (label, source) each, and the probes."""
        self._loaded, self._unfit = {"cells": [list(cell) for cell in cells], "probes": probes}, None
        if self._ready:
            self._hand_over_loaded()

    def _hand_over_loaded(self) -> tuple[str, Gone] | None:
        """Send the cells and the probes. If that ends the process: the cell and the outcome (it is not sent again)."""
        if self._control is None:
            return None
        deadline, cell = time.monotonic() + self.limits.seconds_to_define, ""
        try:
            self._control.sendall(_padded(b"load"))
            wire.send(self._control, self._loaded, deadline)
            while (reply := wire.receive_message(self._control, deadline, self.look_now_and_then))["verb"] != "ready":
                cell = _text(reply.get("label"))
        except (OSError, wire.WireError) as error:
            self.stop()
            late = isinstance(error, wire.LateError)
            return cell, Gone(TOO_SLOW if late else "ended the whole process while it was compiled", hung=late)
        return None

    def stop(self) -> None:
        """Kill the sandbox and everything in it."""
        if self._control is not None:
            self._control.close()
        if self._process is not None and self._prepared is not None:
            self._prepared.end(self._process)
        self._control = self._process = self._prepared = None
        self._ready = False

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A fresh copy; at the end it is killed with all its descendants."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._hand_over(theirs)
            session = Session(self, ours)
            if self._unfit:
                session.refuse(*self._unfit)
            yield session
        self._control_says(b"end")
        self._clear()

    def _hand_over(self, channel: socket.socket) -> None:
        for _ in range(2):
            if self._unfit:
                return
            if self._control is None:
                self.start()
            assert self._control is not None
            if not self._ready:
                self._await_ready(self._control)
            if self._unfit or self._control is None:
                return
            try:
                socket.send_fds(self._control, [_padded(b"session")], [channel.fileno()])
                deadline = time.monotonic() + self.limits.seconds_per_ask
                wire.receive(self._control, deadline, self.look_now_and_then)
                return
            except (OSError, wire.WireError):  # an earlier session killed or blocked it: replace it
                self.stop()
        raise CourseError("The student process does not answer although it is new.", "Run autograder doctor.")

    def _control_says(self, verb: bytes) -> str:
        if self._control is None:
            return ""
        try:
            self._control.sendall(_padded(verb))
            deadline = time.monotonic() + self.limits.seconds_per_ask
            reply = wire.receive(self._control, deadline, self.look_now_and_then)
            return _text(reply.get("how")) if isinstance(reply, dict) else ""
        except (OSError, wire.WireError):
            self.stop()
            return ""

    def _clear(self) -> None:
        """Remove what a session left on the disk, where the host cannot."""
        if self._process is not None and self._prepared is not None and not self._prepared.clear(self._process):
            self.stop()

    def bury(self) -> str:
        """How the copy ended that closed its socket, in words; empty if it did not end."""
        return self._control_says(b"bury")

    def look_now_and_then(self) -> None:
        """Call ``look_at_usage`` if the last look was long enough ago, also while the process sends without a pause."""
        if time.monotonic() >= self._next_look:
            self.look_at_usage()
            self._next_look = time.monotonic() + TICK

    def look_at_usage(self) -> None:
        """Stop the sandbox and raise TooMuchUsedError if its processes are too many, or together use too much.

        The kernel's own limits act first. But behind some barriers the kernel limits neither the number of processes
        nor what they write to disk, and it has no limit on the memory of several processes together.
        """
        if self._process is None or self._prepared is None:
            return
        members = descendants(self._process.pid, self.limits.processes)
        if sum(members.values()) > self.limits.processes:
            self._too_much("started more processes than allowed")
        if memory_of_all(members, self.limits.memory_of_all) > self.limits.memory_of_all:
            self._too_much("used more memory than allowed")
        if written := self._prepared.overflow(self.limits):
            self._too_much(written)

    def _too_much(self, how: str) -> None:
        self.stop()
        raise TooMuchUsedError(how)
