"""The wire format between the judge and the student's process: only data, limited in both directions.

A frame is four bytes of length (big-endian) and one msgpack value made of None, bool, int, float, str, list, dict with
string keys, and two extensions: 1, an array (dtype, shape, bytes), and 2, the type name of something that is none of
these. Anything else is a ``WireError``. Nothing is ever unpickled, evaluated or imported.

One byte on the wire can become a whole object in memory. So the headers of a frame are surveyed before any object is
built: the objects of the largest frame take a few times its size.
"""

import math
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

import msgpack
import numpy as np
import numpy.typing as npt

LARGEST_FRAME = 16 * 2**20  # bytes
MOST_VALUES = 65_536  # in one frame; both containers and their items count
LONGEST_LIST = 4096  # items of a list, or pairs of a dict
DEEPEST = 32  # levels of lists and dicts in one another
LONGEST_TYPE_NAME = 400  # bytes
LONGEST_VERB = 7  # bytes; every verb on the control channel is padded to this length
TICK = 0.2  # seconds between two calls of ``meanwhile``
ARRAY, OPAQUE = 1, 2
SMALL = 1024  # bytes that a message is first packed into; msgpack's own 256 KiB cost more to get than a message to pack
DTYPES = frozenset({"<f2", "<f4", "<f8", "<i4", "<i8", "|u1", "|i1", "|b1"})
NAMES = {name.encode(): name for name in DTYPES}
MOST_USUAL = 4  # dimensions of an array
WIDTHS = {b"\xcc": 1, b"\xcd": 2, b"\xce": 4}  # bytes of an int after its first one, where there are any
MOST_BEGINNINGS = 1024  # of arrays that are kept
Meanwhile = Callable[[], object]
Deadline = float | Callable[[], float]  # of time.monotonic, or what tells it now
T = TypeVar("T")


class WireError(Exception):
    """What arrived is not in the wire format, or is too large; or the other side has closed the channel."""


class LateError(WireError):
    """No whole frame arrived before the deadline."""


@dataclass(frozen=True)
class Opaque:
    """Stands for a value that cannot be sent; only the name of its type is sent."""

    type_name: str


# ---- values to bytes and back ------------------------------------------------------------------------------------


def pack(value: Any) -> bytes:
    """The frame's content for a value; objects that cannot be sent become Opaque.

    WireError for what is too large, and for what msgpack cannot hold, such as an int beyond 64 bits.
    """
    try:
        packed: bytes = msgpack.packb(
            value, default=_encode, strict_types=True, unicode_errors="backslashreplace", buf_size=SMALL
        )
    except (OverflowError, ValueError) as error:
        raise WireError(f"a value cannot be sent: {error}") from None
    if len(packed) > LARGEST_FRAME:
        raise WireError(f"a message of {len(packed)} bytes is larger than the {LARGEST_FRAME} allowed")
    _survey(packed)
    return packed


def _encode(value: Any) -> Any:
    if isinstance(value, Opaque):
        return msgpack.ExtType(OPAQUE, value.type_name[:100].encode(errors="backslashreplace")[:LONGEST_TYPE_NAME])
    if type(value) is np.ndarray and (dtype := value.dtype.str) in DTYPES:
        # as ExtType(...), which checks again what is right here, and takes as long as all the rest
        return msgpack.ExtType._make((ARRAY, _beginning(dtype, value.shape)[0] + value.tobytes()))
    if isinstance(value, np.generic) and value.dtype.str in DTYPES:
        return value.item()
    if isinstance(value, tuple | list):
        return list(value)
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    for plain in (bool, int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return _encode(Opaque(type(value).__name__))


@lru_cache(maxsize=MOST_BEGINNINGS)
def _beginning(dtype: str, shape: tuple[int, ...]) -> tuple[bytes, int]:
    """What stands before the bytes of such an array, a list of type, shape and bytes, and the number of these bytes."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    first, width = next((each for each in ((0xC4, 1), (0xC5, 2)) if size < 256 ** each[1]), (0xC6, 4))
    described = b"\x93" + bytes(msgpack.packb(dtype)) + bytes(msgpack.packb(list(shape)))
    return described + bytes([first]) + size.to_bytes(width, "big"), size


def unpack(content: bytes | bytearray) -> Any:
    """The value of a frame's content; WireError if it is not in the format above."""
    _survey(content)
    try:
        return msgpack.unpackb(content, ext_hook=_decode)
    except WireError:
        raise
    except Exception as error:  # msgpack raises many kinds on malformed input, each meaning the same here
        raise WireError(f"malformed message: {type(error).__name__}") from None


def _decode(code: int, data: bytes) -> Any:
    if code == OPAQUE and len(data) <= LONGEST_TYPE_NAME:
        return Opaque(data.decode("utf-8", "replace"))
    if code != ARRAY:
        raise WireError(f"unknown extension {code}")
    if (usual := _usual(data)) is not None:
        return usual
    _survey(data, most=16, raw=True)
    content = msgpack.unpackb(data)
    if not (isinstance(content, list) and len(content) == 3):
        raise WireError("malformed array")
    dtype, shape, raw = content
    if not (isinstance(dtype, str) and dtype in DTYPES and isinstance(shape, list) and isinstance(raw, bytes)):
        raise WireError("malformed array")
    # a sum or mean over any axis must fit in memory too, even where another axis has length 0
    if not all(type(size) is int and size >= 0 for size in shape) or math.prod(filter(None, shape)) > LARGEST_FRAME:
        raise WireError("malformed array shape")
    if math.prod(shape) * np.dtype(dtype).itemsize != len(raw):
        raise WireError("array shape and content do not agree")
    return _array(dtype, shape, raw)


def _usual(data: bytes) -> npt.NDArray[np.generic] | None:
    """The array, if it is packed as ``pack`` does it, of which the same few beginnings come again and again.

    None if a closer look has to say what it is.
    """
    dtype, shape, at = NAMES.get(data[2:5], ""), [], 6
    if not dtype or len(data) < at or not 0 <= (dimensions := data[5] - 0x90) <= MOST_USUAL:
        return None
    for _ in range(dimensions):
        width = WIDTHS.get(data[at : at + 1], 0)
        shape.append(int.from_bytes(data[at + bool(width) : at + 1 + width], "big"))
        at += 1 + width
    if not 0 < math.prod(shape) <= LARGEST_FRAME:
        return None
    beginning, size = _beginning(dtype, tuple(shape))
    if len(data) != len(beginning) + size or not data.startswith(beginning):
        return None
    return _array(dtype, shape, data[len(beginning) :])


def _array(dtype: str, shape: Sequence[int], raw: bytes) -> npt.NDArray[np.generic]:
    if dtype == "|b1":
        return np.asarray(np.frombuffer(raw, "|u1").reshape(shape) != 0)  # without dimensions, != alone gives no array
    return np.frombuffer(raw, dtype).reshape(shape)


# ---- the survey --------------------------------------------------------------------------------------------------


def _layout() -> list[tuple[str, int, int]]:
    """For every first byte of a msgpack value: its kind, the bytes of its length field, or its length if it has none.

    The length is in bytes; for containers it is the number of items. Source: the msgpack specification.
    """
    table = [("plain", 0, 0)] * 256  # the small ints, None, False and True
    table[0x80:0x90] = [("dict", 0, number) for number in range(16)]
    table[0x90:0xA0] = [("list", 0, number) for number in range(16)]
    table[0xA0:0xC0] = [("str", 0, number) for number in range(32)]
    table[0xC1] = ("nothing", 0, 0)
    table[0xC4:0xC7] = [("bytes", width, 0) for width in (1, 2, 4)]
    table[0xC7:0xCA] = [("extension", width, 0) for width in (1, 2, 4)]
    # floats, then unsigned and signed ints
    table[0xCA:0xD4] = [("plain", 0, size) for size in (4, 8, 1, 2, 4, 8, 1, 2, 4, 8)]
    table[0xD4:0xD9] = [("extension", 0, size) for size in (1, 2, 4, 8, 16)]
    table[0xD9:0xDC] = [("str", width, 0) for width in (1, 2, 4)]
    table[0xDC:0xDE] = [("list", width, 0) for width in (2, 4)]
    table[0xDE:0xE0] = [("dict", width, 0) for width in (2, 4)]
    return table


LAYOUT = _layout()


def _skips(kinds: Sequence[str]) -> list[int]:
    """For every first byte how many bytes to skip, where it says that alone; -1 for all others and other kinds."""
    return [-1 if width or kind not in kinds else length for kind, width, length in LAYOUT]


SKIPS, SKIPS_OF_KEYS = _skips(["plain", "str"]), _skips(["str"])
EXTENSIONS = [width if kind == "extension" else 0 for kind, width, _ in LAYOUT]  # bytes of their length fields
KNOWN = (bytes([ARRAY]), bytes([OPAQUE]))
TOO_MANY = f"a message of more than {{}} values, or of lists more than {DEEPEST} deep"


def _survey(content: bytes | bytearray, most: int = MOST_VALUES, raw: bool = False) -> None:
    """WireError unless the content is one whole value of the allowed kinds, within the limits on number and depth.

    Only headers are read. ``raw`` is for the content of an array, where bytes are allowed but no extension.
    """
    allowed = ("plain", "str", "list", "bytes") if raw else ("plain", "str", "list", "dict", "extension")
    at, seen, size = 0, 0, len(content)
    above: list[tuple[int, bool]] = []  # the containers around the innermost, as it is described next
    left, of_dict = 1, False  # how many values it still expects; in a dict keys and values take turns
    while True:
        while not left:
            if not above:
                if at != size:
                    raise WireError("a message of the wrong length")
                return
            left, of_dict = above.pop()
        key = of_dict and left % 2 == 0
        left -= 1
        seen += 1
        if seen > most:
            raise WireError(TOO_MANY.format(most))
        if at >= size:
            raise WireError("a message cut short")
        first = content[at]
        if (skipped := (SKIPS_OF_KEYS if key else SKIPS)[first]) >= 0:
            at += 1 + skipped  # most values are small ones
            continue
        if not key and not raw and (width := EXTENSIONS[first]) and content[at + 1 + width : at + 2 + width] in KNOWN:
            at += 2 + width + int.from_bytes(content[at + 1 : at + 1 + width], "big")  # most others are arrays
            continue
        kind, length, at = _header(content, at)
        if kind not in allowed or (key and kind != "str"):
            raise WireError(f"{kind} where none may be")
        if kind in ("list", "dict"):
            above.append((left, of_dict))
            left, of_dict = (length, False) if kind == "list" else (2 * length, True)
            if left and len(above) >= DEEPEST:
                raise WireError(TOO_MANY.format(most))
        else:
            at += length


def _header(content: bytes | bytearray, at: int) -> tuple[str, int, int]:
    """Kind and length of the value that begins at ``at``, and where its payload begins."""
    kind, width, length = LAYOUT[content[at]]
    at += 1
    if width:
        length = int.from_bytes(content[at : at + width], "big")
        at += width
    if kind in ("list", "dict") and length > LONGEST_LIST:
        raise WireError(f"a {kind} of more than {LONGEST_LIST} items")
    if kind == "extension":
        if content[at : at + 1] not in KNOWN:
            raise WireError("unknown extension")  # such as msgpack's own type for times
        at += 1
    return kind, length, at


# ---- frames over a socket ----------------------------------------------------------------------------------------


def send(channel: socket.socket, value: Any, deadline: Deadline, meanwhile: Meanwhile | None = None) -> None:
    """Send one frame before ``deadline``; LateError or WireError if that fails.

    ``meanwhile`` is called again and again while this waits for the other side; what it raises is passed on.
    """
    content = pack(value)
    left = memoryview(len(content).to_bytes(4, "big") + content)
    while left:
        sent = _in_time(channel, partial(channel.send, left), select.POLLOUT, deadline, meanwhile)
        left = left[sent:]


def receive(channel: socket.socket, deadline: Deadline, meanwhile: Meanwhile | None = None) -> Any:
    """The next frame's value, whole before ``deadline``; ``meanwhile`` as for send."""
    size = int.from_bytes(_exactly(channel, 4, deadline, meanwhile), "big")
    if size > LARGEST_FRAME:
        raise WireError(f"a message of {size} bytes is larger than the {LARGEST_FRAME} allowed")
    return unpack(_exactly(channel, size, deadline, meanwhile))


def receive_message(channel: socket.socket, deadline: Deadline, meanwhile: Meanwhile | None = None) -> dict[str, Any]:
    """As receive, for a message: a dict whose "verb" is text. Nothing else in it has been checked."""
    message = receive(channel, deadline, meanwhile)
    if not isinstance(message, dict) or not isinstance(message.get("verb"), str):
        raise WireError("it said something that is no message")
    return message


def _exactly(channel: socket.socket, size: int, deadline: Deadline, meanwhile: Meanwhile | None) -> bytes | bytearray:
    parts: bytes | bytearray = b""
    while len(parts) < size:
        most = min(size - len(parts), 1 << 20)
        part = _in_time(channel, partial(channel.recv, most), select.POLLIN, deadline, meanwhile)
        if not part:
            raise WireError("the other side has gone")
        parts = bytearray(parts) if parts and isinstance(parts, bytes) else parts
        parts += part  # the first one, and most often the only one, is not copied
    return parts


def _in_time(
    channel: socket.socket, act: Callable[[int], T], event: int, deadline: Deadline, meanwhile: Meanwhile | None
) -> T:
    """What a call on the channel returns; LateError if it does not return before the deadline.

    The call is given the flags. Where no time is limited, it may itself wait for the ``event``.
    """
    forever = deadline == math.inf and not meanwhile
    while True:
        if meanwhile:
            meanwhile()
        left = (deadline() if callable(deadline) else deadline) - time.monotonic()
        if left <= 0:
            raise LateError("the other side did not answer in time")
        try:
            return act(0 if forever else socket.MSG_DONTWAIT)
        except BlockingIOError:
            waiting = select.poll()
            waiting.register(channel, event)
            wait = min(left, TICK) if meanwhile else left
            waiting.poll(None if math.isinf(wait) else math.ceil(1000 * wait))
        except OSError:
            raise WireError("the other side has gone") from None
