"""The wire carries data and nothing else: what is sent arrives as it was, and what is not of the format is refused."""

import contextlib
import datetime
import math
import resource
import socket
import struct
import time
import tracemalloc
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autograder.student import wire
from autograder.student.wire import LARGEST_FRAME, Opaque, WireError, pack, unpack

SOON = 10.0  # seconds, generous: what is expected comes at once

numbers = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
matrices = arrays.arrays(
    st.sampled_from(sorted(wire.DTYPES)), arrays.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=4)
)
opaques = st.builds(Opaque, st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
values = st.recursive(
    numbers | matrices | opaques,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
)


def same(sent: Any, arrived: Any) -> bool:
    """Whether one value is the other, in type and to the bit."""
    if isinstance(sent, np.ndarray):
        like = isinstance(arrived, np.ndarray) and (sent.dtype, sent.shape) == (arrived.dtype, arrived.shape)
        return like and sent.tobytes() == arrived.tobytes()
    if isinstance(sent, list):
        return type(arrived) is list and len(sent) == len(arrived) and all(map(same, sent, arrived))
    if isinstance(sent, dict):
        return type(arrived) is dict and list(sent) == list(arrived) and all(same(sent[k], arrived[k]) for k in sent)
    if isinstance(sent, float) and math.isnan(sent):
        return isinstance(arrived, float) and math.isnan(arrived)
    return type(sent) is type(arrived) and sent == arrived


@given(values)
@settings(deadline=None)
def test_every_value_of_the_format_arrives_as_it_was_sent(value: Any) -> None:
    assert same(value, unpack(pack(value)))


@given(values)
@settings(max_examples=20, deadline=None)
def test_every_value_arrives_over_a_socket(value: Any) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire.send(ours, value, time.monotonic() + SOON)
        assert same(value, wire.receive(theirs, time.monotonic() + SOON))


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        ((1, (2,)), [1, [2]]),
        (np.float32(0.5), 0.5),
        (type("Whole", (int,), {})(3), 3),
        (type("Text", (str,), {})("a"), "a"),
        (object(), Opaque("object")),
        (3 + 4j, Opaque("complex")),
        (datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), Opaque("datetime")),
        (np.array(["a"]), Opaque("ndarray")),
        ("\ud800", "\\ud800"),
    ],
    ids=lambda value: type(value).__name__,  # no address in it: every process must find the same tests
)
def test_what_is_like_data_arrives_as_data_and_the_rest_as_a_name(value: object, arrives: object) -> None:
    assert same(arrives, unpack(pack(value)))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


UNSENDABLE = {
    "an int beyond 64 bits": 2**64,
    "bytes": b"a",
    "a key that is no text": {1: 2},
    "a long list": [0] * 4097,
    "a deep list": nested(40),
    "a very deep list": nested(2000),
    "many values": [[0] * 4000] * 20,
    "a large text": "a" * LARGEST_FRAME,
    "a large array": np.zeros(LARGEST_FRAME, "u1"),
}


@pytest.mark.parametrize("value", UNSENDABLE.values(), ids=list(UNSENDABLE))
def test_what_would_be_refused_is_not_sent(value: object) -> None:
    with pytest.raises(WireError):
        pack(value)


def array(dtype: object, shape: object, raw: object) -> bytes:
    """A frame with an array of those parts."""
    return extension(1, msgpack.packb([dtype, shape, raw]))


def extension(code: int, content: bytes) -> bytes:
    packed: bytes = msgpack.packb(msgpack.ExtType(code, content))
    return packed


@given(matrices)
@settings(deadline=None)
def test_an_array_is_packed_as_a_list_of_type_shape_and_bytes(matrix: Any) -> None:
    assert pack(matrix) == array(matrix.dtype.str, list(matrix.shape), matrix.tobytes())


def test_an_array_arrives_whatever_bytes_its_size_takes() -> None:
    longer = (b"\xcc\x03", b"\xcd\x00\x03", b"\xce\x00\x00\x00\x03", b"\xcf" + bytes(7) + b"\x03")
    for size in (b"\x03", *longer):
        arrived = unpack(extension(1, b"\x93\xa3|u1\x91" + size + b"\xc4\x03abc"))
        assert same(np.frombuffer(b"abc", "u1"), arrived)


REFUSED = {
    "nothing": b"",
    "two values": b"\x01\x02",
    "a byte that no format has": b"\xc1",
    "bytes": msgpack.packb(b"abc"),
    "bytes for a key": msgpack.packb({b"a": 1}),
    "a number for a key": msgpack.packb({1: 1}),
    "a time": msgpack.packb(msgpack.Timestamp(1)),
    "another extension": extension(3, b"abc"),
    "no UTF-8": b"\xa2\xff\xfe",
    "a list cut short": b"\x92\x01",
    "a text cut short": b"\xa5ab",
    "a list of billions": b"\xdd\xff\xff\xff\xff",
    "a dict of billions": b"\xdf\xff\xff\xff\xff",
    "a text of billions": b"\xdb\xff\xff\xff\xff",
    "an extension of billions": b"\xc9\xff\xff\xff\xff\x01",
    "a header cut short": b"\xdc\x00",
    "an extension's header cut short": b"\xc7\x03",
    "lists without end": b"\x91" * 100_000,
    "dicts without end": b"\x81\xa1a" * 100_000,
    "a long type name": extension(2, b"a" * 401),
    "an array that is none": extension(1, b"abc"),
    "an empty array": extension(1, b""),
    "an array in an array": array("<f4", [1], msgpack.ExtType(1, b"")),
    "an array of objects": array("|O", [1], b"12345678"),
    "an array of text": array("<U1", [1], b"1234"),
    "an array of big-endian numbers": array(">f4", [1], b"1234"),
    "an array with fields": array([["a", "<f4"]], [1], b"1234"),
    "an array that is too short": array("<f4", [2], b"1234"),
    "an array that is too long": array("<f4", [1], b"12345678"),
    "an array of negative size": array("<f4", [-1, -1], b"1234"),
    "an array of fractional size": array("<f4", [1.0], b"1234"),
    "an array of true size": array("<f4", [True], b"1234"),
    "an array of sizes that overflow": array("<f4", [2**32, 2**32], b""),
    "an array of nothing, endlessly wide": array("<f4", [0, 2**24, 2**24], b""),
    "an array of a hundred dimensions": array("<f4", [1] * 100, b"1234"),
    "an array of dimensions of dimensions": array("<f4", [[[[1]]]], b"1234"),
    "an array of the next size": extension(1, b"\x93\xa3|u1\x91\x03\xc4\x02ab"),
    "an array cut short after its type": extension(1, b"\x93\xa3|u1"),
    "an array cut short after its shape": extension(1, b"\x93\xa3|u1\x91\x03"),
    "an array of a text": array("<f4", [1], "1234"),
}


@pytest.mark.parametrize("frame", REFUSED.values(), ids=list(REFUSED))
def test_what_is_not_of_the_format_is_refused(frame: bytes) -> None:
    with pytest.raises(WireError):
        unpack(frame)


# ---- a small frame makes no large memory -------------------------------------------------------------------------


def listed(item: bytes, size: int = LARGEST_FRAME) -> bytes:
    """A frame of lists of as many items as a list and a frame may hold."""
    one = b"\xdc" + struct.pack(">H", 4095) + 4095 * item
    number = min(4094, (size - 3) // len(one))
    return b"\xdc" + struct.pack(">H", number) + number * one


def tree(size: int) -> bytes:
    """Lists of 32 lists, in one another, the innermost empty."""
    found = b"\x90"
    while 32 * len(found) + 3 < size:
        found = b"\xdc\x00\x20" + 32 * found
    return found


SMALLEST_ARRAY = array("|u1", [0], b"")
BOMBS = {
    "ints": listed(b"\xe0"),
    "nones": listed(b"\xc0"),
    "texts": listed(b"\xa2ab"),
    "type names": listed(b"\xd4\x02a"),
    "arrays": listed(SMALLEST_ARRAY),
    "empty lists": listed(b"\x90"),
    "empty dicts": listed(b"\x80"),
    "lists in one another, each full but for its last": 30 * (b"\xdc\x10\x00" + 4095 * b"\xe0") + b"\x90",
    "lists in a tree": tree(LARGEST_FRAME),
    "lists in a tree, within an array": extension(1, tree(LARGEST_FRAME - 64)),
    "a text of wide characters": b"\xdb"
    + struct.pack(">I", LARGEST_FRAME - 8)
    + "😀".encode().ljust(LARGEST_FRAME - 8),
    "an array": pack(np.zeros(LARGEST_FRAME - 64, "u1")),
    "truths": pack(np.zeros(LARGEST_FRAME - 64, "?")),
}


@pytest.mark.parametrize("frame", BOMBS.values(), ids=list(BOMBS))
def test_no_frame_makes_more_than_a_few_times_its_largest_size_of_itself(frame: bytes) -> None:
    assert len(frame) <= LARGEST_FRAME
    tracemalloc.start()
    try:
        with contextlib.suppress(WireError):
            unpack(frame)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * LARGEST_FRAME


@pytest.mark.parametrize("frame", BOMBS.values(), ids=list(BOMBS))
def test_no_frame_takes_long_to_read(frame: bytes) -> None:
    began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with contextlib.suppress(WireError):
        unpack(frame)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - began < 2


# ---- time --------------------------------------------------------------------------------------------------------

PIECES = (b"", b"\x00\x00", b"\x00\x00\x00\x05\x01")


def test_who_says_nothing_or_too_little_is_late() -> None:
    for said in PIECES:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(said)
            with pytest.raises(wire.LateError):
                wire.receive(ours, time.monotonic() + 0.05)


def test_who_takes_nothing_is_late() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(wire.LateError):
        wire.send(ours, "a" * (LARGEST_FRAME - 8), time.monotonic() + 0.05)


def test_who_hangs_up_has_gone() -> None:
    for said in PIECES:
        ours, theirs = socket.socketpair()
        with ours:
            theirs.sendall(said)
            theirs.close()
            with pytest.raises(WireError, match="has gone"):
                wire.receive(ours, time.monotonic() + SOON)


@pytest.mark.parametrize("size", [LARGEST_FRAME + 1, 2**31, 2**32 - 1])
def test_a_length_beyond_the_largest_is_refused_before_anything_is_read(size: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(struct.pack(">I", size))
        with pytest.raises(WireError, match="larger than"):
            wire.receive(ours, time.monotonic() + SOON)


def test_what_is_to_be_done_meanwhile_is_done_while_waiting_and_may_end_the_wait() -> None:
    class EnoughError(Exception):
        pass

    calls = []

    def meanwhile() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise EnoughError

    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(EnoughError):
        wire.receive(ours, math.inf, meanwhile)
