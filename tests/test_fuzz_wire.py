"""Whatever bytes either side of the protocol is told, there is an outcome: no crash, no hang, no large memory.

benchmarks/fuzz_wire.py asks the same of millions of inputs, guided by coverage.
"""

import socket
import struct
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
from conftest import QUICK
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_wire import BOMBS, REFUSED, values

from autograder.judging.checks import Answer, Handler
from autograder.judging.process import StudentProcess
from autograder.judging.session import Answered, Defined, Gone, Outcome, Place, Raised, Session
from autograder.sandbox import NoBarrier
from autograder.student.wire import LARGEST_FRAME, pack
from benchmarks.fuzz_wire import NEVER, Judge, decoded, framed, host_hears, looked_at


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with StudentProcess(NoBarrier(), NEVER) as process:
        yield Judge(process)


verbs = st.sampled_from(["answer", "raised", "call", "cell", "defined", "reply", "refuse", "define", "ask", "", "x"])
fields = st.sampled_from(["values", "name", "faults", "label", "line", "type", "message", "code", "probe", "announce"])
messages = st.builds(lambda verb, rest: {**rest, "verb": verb}, verbs, st.dictionaries(fields, values, max_size=4))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The content of a valid frame, with some of its bytes changed, doubled or left out."""
    content = bytearray(pack(draw(messages | values)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        until = at + draw(st.integers(0, 4))
        content[at:until] = draw(st.binary(max_size=4)) + draw(st.sampled_from([b"", bytes(content[at:until]) * 2]))
    return bytes(content)


def conversation(contents: list[bytes]) -> bytes:
    return b"".join(map(framed, contents))


talk = st.lists(messages.map(pack) | mutated() | st.binary(max_size=40), max_size=4).map(conversation)


@given(st.binary(max_size=200) | mutated())
@settings(deadline=None)
def test_bytes_decode_to_a_value_of_the_format_or_are_refused(content: bytes) -> None:
    decoded(content)


@given(talk | st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
@example(framed(pack({"verb": "defined", "faults": [{"line": 2**64 - 1, "cell": [], "type": None}, 3]})))
@example(framed(pack({"verb": "answer"})))
@example(framed(pack({"verb": "call", "values": {}})) + framed(pack({"verb": "raised", "line": True})))
def test_whatever_the_student_says_the_judge_has_an_outcome(judge: Judge, stream: bytes) -> None:
    judge.hears(stream)


@given(talk | st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
@example(framed(pack({"verb": "ask", "probe": ["probe"], "values": {"_session": 1}})))
@example(framed(pack({"verb": "define"})))
def test_whatever_the_judge_says_the_host_answers_or_ends_the_conversation(stream: bytes) -> None:
    host_hears(stream)


@given(st.dictionaries(st.sampled_from(["y", "values", "mean"]), values))
@settings(max_examples=100, deadline=None)
def test_an_answer_gives_right_numbers_or_says_what_is_wrong(brought: dict[str, object]) -> None:
    looked_at(Answer(brought))  # type: ignore[arg-type]


# ---- a peer in a thread of its own, for what does not fit into a socket's buffer ---------------------------------


@pytest.fixture
def hasty() -> Iterator[StudentProcess]:
    with StudentProcess(NoBarrier(), replace(QUICK, seconds_per_ask=0.5)) as process:
        yield process


def told(process: StudentProcess, stream: bytes, handler: Handler | None = None, times: int = 1) -> Outcome:
    """What asking comes to when the other side says these bytes, ``times`` over, as long as anybody listens."""
    ours, theirs = socket.socketpair()

    def say() -> None:
        try:
            for _ in range(times):
                theirs.sendall(stream)
        except OSError:  # nobody listens any more
            pass

    speaker = threading.Thread(target=say)
    speaker.start()
    try:
        return Session(process, ours).ask("probe", {}, handler)
    finally:
        ours.close()
        speaker.join()
        theirs.close()


@pytest.mark.parametrize("frame", [*BOMBS.values(), *REFUSED.values()], ids=[*BOMBS, *REFUSED])
def test_no_answer_of_any_size_costs_the_judge_more_than_a_few_frames(hasty: StudentProcess, frame: bytes) -> None:
    tracemalloc.start()
    try:
        outcome = told(hasty, framed(frame))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(outcome, Gone)
    assert peak < 8 * LARGEST_FRAME


def test_a_right_answer_of_the_largest_size_arrives(hasty: StudentProcess) -> None:
    answer = pack({"verb": "answer", "values": {"y": "a" * (LARGEST_FRAME - 100)}})
    assert isinstance(told(hasty, framed(answer)), Answered)


@pytest.mark.parametrize("stream", [b"", b"\x00", b"\x00\x00\x01\x00", b"\x00\x00\x01\x00abc"], ids=repr)
def test_who_stops_within_a_message_has_hung(hasty: StudentProcess, stream: bytes) -> None:
    assert told(hasty, stream) == Gone("did not come to an end in the time allowed", hung=True)


@pytest.mark.parametrize("verb", ["call", "cell", "chatter"])
def test_who_talks_without_end_is_given_up(hasty: StudentProcess, verb: str) -> None:
    """Even where each message is one that the judge would answer, and nobody reads what it says."""
    outcome = told(hasty, framed(pack({"verb": verb, "name": "step", "values": {}})), lambda *_: None, times=10**9)
    assert isinstance(outcome, Gone)


def test_who_announces_cells_without_end_is_given_up(hasty: StudentProcess) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = StudentProcess(NoBarrier(), replace(QUICK, seconds_to_define=0.5))
        theirs.setblocking(False)
        message = framed(pack({"verb": "cell", "label": "cell 1"}))
        theirs.send(1000 * message)
        with process:
            outcome = Session(process, ours).define()
        assert outcome == Gone("did not come to an end in the time allowed", hung=True)


def test_a_fault_may_claim_anything(hasty: StudentProcess) -> None:
    claim = {"verb": "raised", "type": 1, "message": "m" * 10**6, "cell": None, "line": "x", "code": b"".hex()}
    assert told(hasty, framed(pack(claim))) == Raised("", "m" * 2000, "", 0, "")


@pytest.mark.parametrize("size", [LARGEST_FRAME + 1, 2**32 - 1])
def test_a_length_that_no_frame_has_ends_the_conversation(hasty: StudentProcess, size: int) -> None:
    outcome = told(hasty, struct.pack(">I", size), times=1)
    assert isinstance(outcome, Gone)
    assert "larger than" in outcome.how


def test_definitions_may_report_any_number_of_faults(judge: Judge) -> None:
    faults = [{"type": "E", "line": -1}] * 4000
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(framed(pack({"verb": "defined", "faults": faults})))
        outcome = Session(judge.process, ours).define()
    assert outcome == Defined((Raised("E", "", "", -1, ""),) * 4000, (Place(""),) * 4000)
