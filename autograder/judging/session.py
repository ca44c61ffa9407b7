"""A session with a student's process: what is said in it, and what comes of it.

student/host.py describes the protocol.
"""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from autograder.judging.checks import Handler, Refused, Value
from autograder.student import wire

if TYPE_CHECKING:
    from autograder.judging.process import StudentProcess

PATIENCE = 5  # times the seconds of a statement until it counts as hung; it is interrupted after four
TOO_SLOW = "did not come to an end in the time allowed"


@dataclass(frozen=True)
class Raised:
    """The student's code raised. ``cell`` and ``line`` are its own; empty and 0 if none of it was running."""

    type: str
    message: str
    cell: str
    line: int
    code: str


YOURS = "Your code raised"


def words_for(raised: Raised) -> str:
    """What the student's code raised, and where, as a sentence."""
    if raised.type == "MissingDefinitionError":
        return f"{raised.message[:1].upper()}{raised.message[1:]}."
    if raised.type == "NotImplementedError" and "YOUR CODE HERE" in raised.message:
        return f"A blank is still open: {raised.message}."
    said = f"{raised.type}: {raised.message}" if raised.message else raised.type
    where = f" in {raised.cell}, line {raised.line}" if raised.cell else ""
    where += f": {raised.code}" if raised.cell and raised.code else ""
    return f"{YOURS} {said}{where}."


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
class Place:
    """A statement of a student's cell: its number there, from 0, its lines, and whether it is no definition."""

    cell: str
    number: int = 0
    line: int = 0
    last: int = 0
    loose: bool = False

    @property
    def words(self) -> str:
        """Where it stands."""
        return f"{self.cell}, line {self.line}" if self.line else self.cell or "a cell"


@dataclass(frozen=True)
class Defined:
    """The definitions were run; ``faults`` are what they raised, ``places`` the statements that did."""

    faults: tuple[Raised, ...]
    places: tuple[Place, ...] = ()

    @property
    def met(self) -> Iterator[tuple[Place, Raised]]:
        """The statements and what each of them raised."""
        return zip(self.places, self.faults, strict=False)


class Session:
    """One fresh copy of the student's process."""

    def __init__(self, process: "StudentProcess", channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self._look = process.look_now_and_then  # at what the sandbox uses, while this waits
        self._waits = process.waits()  # before anything is asked
        self.place = Place("")  # the statement that began last

    def define(self, announce: bool = False, seconds: float = 0) -> Defined | Gone:
        """Run the notebook's loaded cells; with ``announce``, ``place`` is the statement that began last.

        With ``seconds``, a statement that is no definition gets no more than that, and counts as hung if it cannot be
        interrupted either.
        """
        if self._process.unfit:
            self.place, outcome = self._process.unfit
            return outcome
        deadline = self._process.deadline(self._process.limits.seconds_to_define, self._waits)
        try:
            wire.send(self._channel, {"verb": "define", "announce": announce, "seconds": seconds}, deadline)
            while True:
                latest = [deadline]
                if seconds and self.place.loose:
                    latest.append(self._process.deadline(PATIENCE * seconds, self._waits))
                reply = wire.receive_message(self._channel, partial(_first, latest), self._look)
                if reply["verb"] == "defined":
                    faults = _dicts(reply.get("faults"))
                    return Defined(
                        tuple(map(raised_in, faults)), tuple(place_in(each.get("statement")) for each in faults)
                    )
                self.place = place_in(reply)
        except wire.WireError as error:
            return self._gone(error)

    def ask(
        self, probe: str, values: Mapping[str, Value], handler: Handler | None = None, seconds: float | None = None
    ) -> Outcome:
        """Ask one question; the handler answers what the process calls meanwhile."""
        deadline = self._process.deadline(self._process.limits.seconds_for(seconds), self._waits)
        try:
            question = {"verb": "ask", "probe": probe, "values": dict(values)}
            wire.send(self._channel, question, deadline, self._look)
            while True:
                reply = wire.receive_message(self._channel, deadline, self._look)
                if reply["verb"] == "answer":
                    return Answered(reply.get("values"))
                if reply["verb"] == "raised":
                    return raised_in(reply)
                self._serve(reply, handler, deadline)
        except wire.WireError as error:
            return self._gone(error)

    def _serve(self, call: dict[str, Any], handler: Handler | None, deadline: wire.Deadline) -> None:
        values = call.get("values")
        if call["verb"] != "call" or handler is None or not isinstance(values, dict):
            raise wire.WireError("it said something that nobody asked for")
        try:
            reply: dict[str, Any] = {"verb": "reply", "value": handler(text_in(call.get("name")), values)}
        except Refused as refused:
            reply = {"verb": "refuse", "message": str(refused)}
        wire.send(self._channel, reply, deadline, self._look)

    def _gone(self, error: wire.WireError) -> Gone:
        if isinstance(error, wire.LateError):
            return Gone(TOO_SLOW, hung=True)
        how = self._process.end_copy(b"bury")
        if isinstance(error, TooMuchUsedError):
            return Gone(str(error), lost=True)
        return Gone(f"ended the whole process ({how})" if how else f"broke the conversation: {error}")


class TooMuchUsedError(wire.WireError):
    """The sandbox as a whole uses more than allowed."""


def _first(deadlines: Sequence[Callable[[], float]]) -> float:
    return min(each() for each in deadlines)


def text_in(value: object) -> str:
    """What a student's process sent, if it is a text, and no more of it than a message needs; else empty."""
    return value[:2000] if isinstance(value, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def place_in(said: object) -> Place:
    """A statement that the process names; of no place where what it says makes no sense."""
    said = said if isinstance(said, dict) else {}
    number, line, last = (value if isinstance(value := said.get(key), int) else 0 for key in ("number", "line", "last"))
    return Place(text_in(said.get("label")), number, line, last, said.get("loose") is True)


def raised_in(reply: Mapping[str, Any]) -> Raised:
    """What the process says that the student's code raised."""
    line = reply.get("line")
    words = {name: text_in(reply.get(name)) for name in ("type", "message", "cell", "code")}
    return Raised(line=line if isinstance(line, int) else 0, **words)
