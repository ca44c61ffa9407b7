"""The judge's end of a student's process: start it, ask it, replace it when it dies.

The protocol stands in student/host.py.
"""

import contextlib
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.checks import Handler, Refused, Value
from autograder.errors import CourseError
from autograder.limits import Limits
from autograder.sandbox import Barrier, interpreter, paths_for
from autograder.student import wire

TICK = 0.2  # seconds between two looks at the memory used


@dataclass(frozen=True)
class Raised:
    """The student's code raised. ``cell`` and ``line`` are its own; empty and 0 if it never got there."""

    type: str
    message: str
    cell: str
    line: int
    code: str


@dataclass(frozen=True)
class Gone:
    """The student's process hung, died or answered nonsense; ``how`` in words. ``hung`` if it was the deadline."""

    how: str
    hung: bool = False


@dataclass(frozen=True)
class Answered:
    """What a probe brought back."""

    values: Value


Outcome = Answered | Raised | Gone


@dataclass(frozen=True)
class Defined:
    """The definitions were run; what raised meanwhile."""

    faults: tuple[Raised, ...]


class Session:
    """One fresh copy of the student's process."""

    def __init__(self, process: "StudentProcess", channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self.cell = ""  # the cell that was last begun

    def define(self) -> Defined | Gone:
        """Run the notebook's definitions that were loaded."""
        deadline = time.monotonic() + self._process.limits.seconds_to_define
        try:
            wire.send(self._channel, {"verb": "define"}, deadline)
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
        """Put one question; the handler does what the process asks for meanwhile."""
        deadline = time.monotonic() + (seconds or self._process.limits.seconds_per_ask)
        try:
            wire.send(self._channel, {"verb": "ask", "probe": probe, "values": dict(values)}, deadline)
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
        wire.send(self._channel, reply, deadline)

    def _receive(self, deadline: float) -> dict[str, Any]:
        """The next message; meanwhile, in ticks, an eye on the memory that the sandbox uses."""
        while True:
            self._channel.settimeout(TICK)
            try:
                self._channel.recv(1, socket.MSG_PEEK)
                break
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise wire.LateError("no answer in time") from None
                self._process.look_at_usage()
            except OSError:
                break  # the next read says what is wrong
        message = wire.receive(self._channel, deadline)
        if not isinstance(message, dict) or not isinstance(message.get("verb"), str):
            raise wire.WireError("it said something that is no message")
        return message

    def _gone(self, error: wire.WireError) -> Gone:
        if isinstance(error, wire.LateError):
            return Gone("did not come to an end in the time allowed", hung=True)
        how = self._process.bury()
        if isinstance(error, TooMuchUsedError):
            return Gone(str(error))
        return Gone(f"ended the whole process ({how})" if how else f"broke the conversation: {error}")


def _descendants(pid: int, most: int) -> list[int]:
    """The processes below this one, by the kernel's own lists of children; the search stops beyond ``most``."""
    found: list[int] = []
    to_visit = [pid]
    while to_visit and len(found) <= most:
        visited = to_visit.pop()
        try:
            listed = Path(f"/proc/{visited}/task/{visited}/children").read_text(encoding="ascii")
        except OSError:  # it has just ended
            continue
        children = [int(word) for word in listed.split()]
        found.extend(children)
        to_visit.extend(children)
    return found


def _proportional_share(pid: int) -> int:
    """Bytes of memory that a process holds; what it shares with others (a fork's pages) is counted in parts."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:  # it has just ended
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


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

    Use it as a context manager. It starts with the first session, and again after it was lost.
    """

    def __init__(self, barrier: Barrier, limits: Limits, warmup: str = "", imports: Sequence[str] = ()) -> None:
        self.barrier = barrier
        self.limits = limits
        self._warmup = {"warmup": warmup, "imports": list(imports)}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready = False
        self._loaded: dict[str, Any] = {"cells": [], "probes": ""}
        # what the host says before it is ready, if it fails; closed with the process
        self._words = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> "StudentProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._words.close()

    def start(self) -> None:
        """Start the sandbox, unless it runs already, without waiting until it is ready."""
        if self._control is not None:
            return
        ours, theirs = socket.socketpair()
        settings = {
            "libraries": paths_for(self.barrier),
            **self._warmup,
            "limits": self.limits.rlimits(),
            "uid": self.barrier.user(),
            "alone": self.barrier.own_processes,
        }
        host = [interpreter(), "-I", "-S", f"{self.barrier.host}/host.py", str(theirs.fileno()), json.dumps(settings)]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                self.barrier.command(host, self.limits),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._words,
                stderr=self._words,
            )
        self._control = ours
        self._ready = False

    def _await_ready(self, control: socket.socket) -> None:
        """CourseError if the sandbox does not come up, since that is never the student's fault."""
        try:
            wire.receive(control, time.monotonic() + self.limits.seconds_to_start)
            self._ready = True
            self._hand_over_loaded()
        except wire.WireError as error:
            self._words.seek(0)
            said = self._words.read(4000).decode(errors="replace").strip()
            self.stop()
            raise CourseError(
                f"The student process does not start: {said or error}", "Run autograder doctor."
            ) from None

    def load(self, cells: Sequence[tuple[str, str]], probes: str) -> None:
        """What every session from now on defines: the notebook's cells, (label, source) each, and the probes."""
        self._loaded = {"cells": [list(cell) for cell in cells], "probes": probes}
        if self._ready:
            self._hand_over_loaded()

    def _hand_over_loaded(self) -> None:
        if self._control is None:
            return
        deadline = time.monotonic() + self.limits.seconds_to_define
        try:
            self._control.sendall(_padded(b"load"))
            wire.send(self._control, self._loaded, deadline)
            wire.receive(self._control, deadline)
        except (OSError, wire.WireError):  # it is replaced with the next session
            self.stop()

    def stop(self) -> None:
        """Kill the sandbox and everything in it."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None
        self._ready = False

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A fresh copy, killed with all its descendants at the end."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._hand_over(theirs)
            yield Session(self, ours)
        self._control_says(b"end")

    def _hand_over(self, channel: socket.socket) -> None:
        for _ in range(2):
            if self._control is None:
                self.start()
            assert self._control is not None
            if not self._ready:
                self._await_ready(self._control)
            try:
                if self._control is None:
                    continue
                socket.send_fds(self._control, [_padded(b"session")], [channel.fileno()])
                wire.receive(self._control, time.monotonic() + self.limits.seconds_per_ask)
                return
            except (OSError, wire.WireError):  # an earlier session killed or blocked it: replace it
                self.stop()
        raise CourseError("The student process does not answer although it is new.", "Run autograder doctor.")

    def _control_says(self, verb: bytes) -> str:
        if self._control is None:
            return ""
        try:
            self._control.sendall(_padded(verb))
            reply = wire.receive(self._control, time.monotonic() + self.limits.seconds_per_ask)
            return _text(reply.get("how")) if isinstance(reply, dict) else ""
        except (OSError, wire.WireError):
            self.stop()
            return ""

    def bury(self) -> str:
        """How the copy ended that hung up by itself, in words; empty if it did not."""
        return self._control_says(b"bury")

    def look_at_usage(self) -> None:
        """TooMuchUsedError, and the sandbox stopped, if its processes are too many or hold too much memory together.

        The kernel's own limits come first, but it does not count the processes of its root user, whom a sandbox inside
        a container may come down to, and it has no limit on the memory of several.
        """
        if self._process is None:
            return
        members = _descendants(self._process.pid, self.limits.processes)
        if len(members) > self.limits.processes:
            self.stop()
            raise TooMuchUsedError("started more processes than allowed")
        if sum(map(_proportional_share, members)) > self.limits.memory_of_all:
            self.stop()
            raise TooMuchUsedError("used more memory than allowed")
