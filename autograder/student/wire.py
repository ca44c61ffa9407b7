"""The wire format between the judge and the student's process: data only, capped both ways.

A frame is four bytes of length (big-endian) and one msgpack value made of None, bool, int, float, str, list, dict with
string keys, and two extensions: 1, an array (dtype, shape, bytes), and 2, the type name of something that is none of
these. Whatever else arrives is a ``WireError``. Nothing is ever unpickled, evaluated or imported.
"""

import math
import socket
import time
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

LARGEST_FRAME = 16 * 2**20  # bytes
MOST_CONTAINERS = 4096  # lists and dicts in one frame
LONGEST_LIST = 4096
ARRAY, OPAQUE = 1, 2
DTYPES = frozenset({"<f2", "<f4", "<f8", "<i4", "<i8", "|u1", "|i1", "|b1"})


class WireError(Exception):
    """What arrived is not of the wire format, or is too large; or the other side has gone."""


class LateError(WireError):
    """Nothing whole arrived before the deadline."""


@dataclass(frozen=True)
class Opaque:
    """Stands for a value that cannot be sent; only the name of its type came along."""

    type_name: str


def pack(value: Any) -> bytes:
    """The frame's content for a value; what cannot be sent becomes Opaque."""
    packed: bytes = msgpack.packb(value, default=_encode, strict_types=True)
    if len(packed) > LARGEST_FRAME:
        raise WireError(f"a message of {len(packed)} bytes is larger than the {LARGEST_FRAME} allowed")
    return packed


def _encode(value: Any) -> Any:
    if isinstance(value, Opaque):
        return msgpack.ExtType(OPAQUE, value.type_name[:100].encode())
    if type(value) is np.ndarray and value.dtype.str in DTYPES:
        content = [value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]
        return msgpack.ExtType(ARRAY, msgpack.packb(content))
    if isinstance(value, np.generic) and value.dtype.str in DTYPES:
        return value.item()
    if isinstance(value, tuple | list):
        return list(value)
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    for plain in (bool, int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return msgpack.ExtType(OPAQUE, type(value).__name__[:100].encode())


def unpack(content: bytes) -> Any:
    """The value of a frame's content; WireError if it is not of the format above."""
    seen = 0

    def count(container: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen > MOST_CONTAINERS:
            raise WireError(f"more than {MOST_CONTAINERS} lists and dicts in one message")
        return container

    try:
        return msgpack.unpackb(
            content,
            ext_hook=_decode,
            list_hook=count,
            object_hook=count,
            max_array_len=LONGEST_LIST,
            max_map_len=LONGEST_LIST,
        )
    except WireError:
        raise
    except Exception as error:  # msgpack raises many kinds on malformed input, each meaning the same here
        raise WireError(f"malformed message: {type(error).__name__}") from None


def _decode(code: int, data: bytes) -> Any:
    if code == OPAQUE and len(data) <= 400:
        return Opaque(data.decode("utf-8", "replace"))
    if code != ARRAY:
        raise WireError(f"unknown extension {code}")
    content = msgpack.unpackb(data, max_array_len=32, ext_hook=_refuse)
    if not (isinstance(content, list) and len(content) == 3):
        raise WireError("malformed array")
    dtype, shape, raw = content
    if not (isinstance(dtype, str) and dtype in DTYPES and isinstance(shape, list) and isinstance(raw, bytes)):
        raise WireError("malformed array")
    if len(shape) > 8 or not all(type(size) is int and 0 <= size <= LARGEST_FRAME for size in shape):
        raise WireError("malformed array shape")
    if math.prod(shape) * np.dtype(dtype).itemsize != len(raw):
        raise WireError("array shape and content do not agree")
    if dtype == "|b1":
        return np.frombuffer(raw, "|u1").reshape(shape) != 0
    return np.frombuffer(raw, dtype).reshape(shape)


def _refuse(code: int, _data: bytes) -> Any:
    raise WireError(f"extension {code} where none may be")


def send(channel: socket.socket, value: Any, deadline: float) -> None:
    """Send one frame before ``deadline`` (of ``time.monotonic``); LateError or WireError if it is not taken."""
    content = pack(value)
    try:
        channel.settimeout(_left(deadline))
        channel.sendall(len(content).to_bytes(4, "big") + content)
    except TimeoutError:
        raise LateError("the other side takes nothing") from None
    except OSError:
        raise WireError("the other side has gone") from None


def receive(channel: socket.socket, deadline: float) -> Any:
    """The next frame's value, whole before ``deadline`` (of ``time.monotonic``)."""
    size = int.from_bytes(_exactly(channel, 4, deadline), "big")
    if size > LARGEST_FRAME:
        raise WireError(f"a message of {size} bytes is larger than the {LARGEST_FRAME} allowed")
    return unpack(_exactly(channel, size, deadline))


def _exactly(channel: socket.socket, size: int, deadline: float) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        try:
            channel.settimeout(_left(deadline))
            part = channel.recv(min(size - len(parts), 1 << 20))
        except TimeoutError:
            raise LateError("no answer in time") from None
        except OSError:
            raise WireError("the other side has gone") from None
        if not part:
            raise WireError("the other side has gone")
        parts += part
    return bytes(parts)


def _left(deadline: float) -> float | None:
    if math.isinf(deadline):
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
