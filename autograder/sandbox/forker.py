"""The small process from which every process for work apart is copied (see apart.py), one after the other."""

import contextlib
import gc
import itertools
import math
import os
import pickle
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from autograder.course.limits import MIB
from autograder.files import ENGINE
from autograder.sandbox import filters
from autograder.sandbox.apart import (
    DIED,
    DONE,
    LENGTH,
    MOST_WORDS,
    NO_MEMORY,
    RAISED,
    REPLY,
    TOO_LONG,
    TOO_MUCH,
    Bounds,
    received,
)
from autograder.sandbox.view import libraries, system_paths
from autograder.student import walls

MOST_FILES = 4  # that come with one piece of work
MAPPED = 64 * MIB  # address space for libraries that are imported late


def serve(descriptor: int) -> None:
    """Do what comes through that socket, until its other end is closed."""
    channel = socket.socket(fileno=descriptor)
    _wall_of()  # every copy then has it
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            head, files, _, _ = socket.recv_fds(channel, LENGTH.size, MOST_FILES)
            if len(head) < LENGTH.size:
                return
            request = received(channel, *LENGTH.unpack(head))
            try:
                reply = _reply(channel, request, files)
            finally:
                for file in files:
                    os.close(file)
            channel.sendall(reply)


def _reply(channel: socket.socket, request: bytes, files: Sequence[int]) -> bytes:
    pickled, arguments, bounds = pickle.loads(request)  # noqa: S301 - it comes from the grader's own process
    try:
        work = _work(pickled)
    except Exception as error:
        content = _said(error)
        return REPLY.pack(RAISED, 0.0, 0.0, 0, len(content)) + content
    began = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _do(work, arguments, files, bounds, writing)
    os.close(writing)
    how, content = _heard(channel, child, reading, bounds)
    os.close(reading)
    _, status, used = os.wait4(child, 0)
    if how == DONE and status:
        how = os.waitstatus_to_exitcode(status)
        how = how if how in (RAISED, NO_MEMORY) else TOO_LONG if how == -signal.SIGXCPU else DIED
    seconds = used.ru_utime + used.ru_stime
    return REPLY.pack(how, seconds, time.monotonic() - began, used.ru_maxrss, len(content)) + content


@lru_cache(maxsize=4)
def _work(pickled: bytes) -> Callable[..., bytes]:
    """What is to be done, unpickled and prepared once for many pieces of work."""
    work: Callable[..., bytes] = pickle.loads(pickled)  # noqa: S301 - it comes from the grader's own process
    if hasattr(work, "prepare"):
        work.prepare()
    gc.collect()
    gc.freeze()  # a copy that collects garbage would else write to all that it shares
    return work


def _heard(channel: socket.socket, child: int, reading: int, bounds: Bounds) -> tuple[int, bytes]:
    """All that the child writes; it is killed when it takes too long, writes too much, or nobody waits for it."""
    parts: list[bytes] = []
    left = bounds.output
    until = time.monotonic() + bounds.seconds
    with selectors.DefaultSelector() as waiting:
        waiting.register(reading, selectors.EVENT_READ)
        waiting.register(channel, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in waiting.select(max(0.0, until - time.monotonic()))}
            if channel.fileno() in ready:  # the grader has ended: it says nothing before it has its answer
                os.kill(child, signal.SIGKILL)
                raise EOFError
            if reading not in ready:
                os.kill(child, signal.SIGKILL)
                return TOO_LONG, b""
            part = os.read(reading, MIB)
            if not part:
                return DONE, b"".join(parts)
            parts.append(part)
            left -= len(part)
            if left < 0:
                os.kill(child, signal.SIGKILL)
                return TOO_MUCH, b""


def _do(work: Callable[..., bytes], arguments: bytes, files: Sequence[int], bounds: Bounds, writing: int) -> None:
    """The life of a copy: it gives up its rights, does its work, writes what comes of it, and ends."""
    code = DIED
    try:
        _limit(bounds, {*files, writing})
        content = work(*pickle.loads(arguments), *files)  # noqa: S301 - it comes from the grader's own process
        code = DONE
    except MemoryError:
        code, content = NO_MEMORY, b""
    except BaseException as error:
        code, content = RAISED, _said(error)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(writing, view) :]
    finally:
        os._exit(code)


def _said(error: BaseException) -> bytes:
    return f"{type(error).__name__}: {error}".encode(errors="replace")[:MOST_WORDS]


def _limit(bounds: Bounds, kept: set[int]) -> None:
    """Take the limits on; a ``walled`` process gives up files, network, and calls that no reading needs."""
    edges = [2, *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    for before, after in itertools.pairwise(edges):
        os.closerange(before + 1, after)
    held = _held()
    for name, most in (
        ("RLIMIT_DATA", held["VmData"] + bounds.memory),
        ("RLIMIT_AS", held["VmSize"] + bounds.memory + MAPPED),
        ("RLIMIT_CPU", math.ceil(bounds.seconds)),
        ("RLIMIT_CORE", 0),
    ):
        resource.setrlimit(getattr(resource, name), (most, most + (name == "RLIMIT_CPU")))
    if bounds.walled:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        version, granted, program = _wall_of()
        walls.prctl(walls.SET_NO_NEW_PRIVS, 1)
        if version:
            walls.take_landlock(walls.landlock_rules(version, granted))
        if program:
            walls.take_filter(program)


def _held() -> dict[str, int]:
    """What this process holds, in bytes, by the kernel's names."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - it takes no time
        rows = [line.split() for line in file if line.startswith(("VmData:", "VmSize:"))]
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}


@lru_cache(maxsize=1)
def _wall_of() -> tuple[int, dict[str, list[str]], bytes]:
    """Landlock's version, what may still be read (Python, its libraries and the kit), the filter of system calls."""
    paths = {str(path) for path in (*system_paths(), *libraries(), ENGINE, Path(sys.prefix))}
    program = filters.assemble(filters.IN_NAMESPACES) if filters.supported() else b""
    return walls.landlock_version(), {"read": sorted(paths)}, program
