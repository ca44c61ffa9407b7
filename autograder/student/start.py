"""How the first process of a sandbox begins: it takes its settings and limits, and imports the libraries.

All that a submission's host and its copies share is made here, so that each of them costs little.
"""

import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import types
from typing import Any

import walls

LARGE_PAGE = 2 * 2**20  # bytes; kernels with other sizes of pages refuse what does not fit theirs
COLLAPSE = 25  # of madvise


def prepare(settings: dict[str, Any], judge: socket.socket) -> None:
    """Give up privileges, set the limits and import the libraries, in this order: no limit can be raised again."""
    os.umask(0o022)  # not the grader's
    if settings["uid"] is not None:
        walls.take_user(settings["uid"])
        walls.prctl(walls.SET_PDEATHSIG, signal.SIGKILL)  # changing the user cancelled the barrier's own
    if has_gone(judge):  # before this process was set to end with it
        sys.exit()
    for name, value in settings["limits"].items():
        limit = getattr(resource, name)
        _, hard = resource.getrlimit(limit)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (ceiling, ceiling))
    for name, text in settings["modules"]:
        make_module(name, text)
    exec(compile(settings["warmup"], "<warmup>", "exec"), {"__name__": "warmup"})  # noqa: S102 - the judge's own text
    for name in settings["imports"]:
        importlib.import_module(name)
    gc.collect()
    use_up_gaps()
    gc.freeze()  # the collector must not touch, and so copy, the pages that all copies share
    take_large_pages()
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    os.close(silence)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # student code could make Python's own handler run
    walls.prctl(walls.SET_DUMPABLE, 0)  # even its own user cannot open its memory, environment, descriptors or folders


class Heap(ctypes.Structure):
    """What the C library says of its memory, its mallinfo2: the last number is of bytes that are free at its end."""

    _fields_ = (*((f"other{number}", ctypes.c_size_t) for number in range(9)), ("at_end", ctypes.c_size_t))


def use_up_gaps() -> None:
    """Take what is free between other pieces of the C library's memory, less than a MiB.

    Copies then get memory that lies side by side, and write to fewer of the pages that they share.
    """
    try:
        told, take, give, move = (getattr(walls.libc, name) for name in ("mallinfo2", "malloc", "free", "sbrk"))
    except AttributeError:  # another C library
        return
    told.restype, take.restype, move.restype = Heap, ctypes.c_size_t, ctypes.c_size_t
    end = move(ctypes.c_ssize_t(0)) - told().at_end
    for size in [*(2**power for power in range(16, 10, -1)), *range(1016, 8, -16)]:  # every size that is kept apart
        while 0 < (at := take(ctypes.c_size_t(size))) < end:
            pass
        give(ctypes.c_size_t(at))


def take_large_pages() -> None:
    """Move this process's memory to large pages, where the kernel can (from Linux 6.1 on): forks then copy less."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            rows = [line.split() for line in file]
    except OSError:  # behind a barrier that shows nothing of the kernel's books
        return
    for addresses, rights, _, _, node, *_ in rows:
        first, last = (int(number, 16) for number in addresses.split("-"))
        first, last = -(-first // LARGE_PAGE) * LARGE_PAGE, last // LARGE_PAGE * LARGE_PAGE
        if rights == "rw-p" and node == "0" and first < last:  # memory of its own, no file's
            walls.libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), COLLAPSE)


def make_module(name: str, text: str) -> None:
    """Run a module's text, so that others can import it by that name, which has dots in it."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, f"<{name}>", "exec"), module.__dict__)  # noqa: S102 - the judge's own text
    while "." in name:  # its packages, which are empty but for it
        name, _, last = name.rpartition(".")
        package = sys.modules.setdefault(name, types.ModuleType(name))
        setattr(package, last, module)
        module = package


def settings_from(judge: socket.socket) -> dict[str, Any]:
    """The settings, which the judge sends first."""
    length = int.from_bytes(judge.recv(4, socket.MSG_WAITALL), "big")
    return dict(json.loads(judge.recv(length, socket.MSG_WAITALL)))


def has_gone(judge: socket.socket) -> bool:
    """Whether the judge has closed the channel."""
    try:
        return not judge.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
