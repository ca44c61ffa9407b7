"""The probe that runs inside a sandbox and tries everything that a student's code must not be able to do.

It is sent to the student process as text, like a practical's probes, and imports nothing of the kit. What it calls,
kills, reads and writes to was made for it by barriers.py. Secrets are found by their form, ``canary-<place>-<16
hexadecimal digits>``, so that no secret has to be handed in.
"""

import contextlib
import ctypes
import os
import re
import resource
import signal
import socket
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

BEGINNING = b"canary-"
SECRET = re.compile(rb"canary-([a-z ]+)-[0-9a-f]{16}")
MOST = 2**26  # bytes that are read of any one thing
NEW_USER_NAMESPACE = 0x10000000
ATTACH, DETACH = 16, 17  # of ptrace(2)


def look(session: Any, folder: str, port: int, bystander: int, grader: int) -> dict[str, object]:
    """Try everything; what came through, and the secrets that were seen, as "place in where"."""
    libc = ctypes.CDLL(None)
    visible = [int(name) for name in listed("/proc") if name.isdigit()]
    seen = [*visible_secrets([*visible, grader, bystander]), *own_secrets()]
    attempts: dict[str, Callable[[], object]] = {
        "network": lambda: socket.create_connection(("127.0.0.1", port), timeout=1),
        "files": Path(folder, "secret").read_text,
        "privileges": lambda: os.setgroups([]),
        "namespaces": lambda: libc.unshare(NEW_USER_NAMESPACE) == 0,
        "reading of the host": lambda: any(readable(f"/proc/{host}") for host in hosts()),
        "tracing of the host": lambda: any(traced(libc, host) for host in hosts()),
        "limits of the host": lambda: any(
            succeeds(partial(resource.prlimit, host, resource.RLIMIT_CORE)) for host in hosts()
        ),
        "writing": lambda: Path(folder, "written").write_text("written", encoding="utf-8"),
        "signals": lambda: os.kill(bystander, signal.SIGKILL),
    }
    came = {name: succeeds(attempt) for name, attempt in attempts.items()}
    return {"came": came, "secrets": sorted(set(seen))}


def end_host(session: Any) -> None:
    """Send the host whatever could stop or end it; the judge sees whether it lives."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGSTOP, signal.SIGKILL):
        for host in hosts():
            with contextlib.suppress(OSError):
                os.kill(host, number)


def hosts() -> list[int]:
    """The process that this one was forked from, and that one's own, if it is the sandbox's first."""
    host = os.getppid()
    found = re.search(rb"PPid:\s*(\d+)", content(f"/proc/{host}/status"))
    return [host, 1] if found and int(found[1]) == 1 else [host]


def succeeds(attempt: Callable[[], object]) -> bool:
    """Whether an attempt goes through: it neither raises nor returns False."""
    try:
        return attempt() is not False
    except Exception:
        return False


def readable(process: str) -> bool:
    """Whether anything of the process can be opened that its user alone may read, or its memory be written."""
    private = {"environ": os.O_RDONLY, "maps": os.O_RDONLY, "mem": os.O_RDWR}
    return any(succeeds(partial(os.open, f"{process}/{name}", how)) for name, how in private.items())


def traced(libc: ctypes.CDLL, pid: int) -> bool:
    """Whether the process can be traced; it is let go at once."""
    attached = bool(libc.ptrace(ATTACH, pid, None, None) == 0)
    libc.ptrace(DETACH, pid, None, None)
    return attached


def visible_secrets(pids: Sequence[int]) -> Iterator[str]:
    """The secrets in environment, command line, folders, descriptors and memory of these processes."""
    for pid in dict.fromkeys(pids):
        about = f"/proc/{pid}"
        for name in ("environ", "cmdline"):
            yield from secrets_in(content(f"{about}/{name}"), f"{about}/{name}")
        for name in ("cwd", "root", "exe"):
            yield from secrets_in(target(f"{about}/{name}"), f"{about}/{name}")
        for number in listed(f"{about}/fd"):
            path = f"{about}/fd/{number}"
            yield from secrets_in(target(path) + b"\n" + content(path), path)
        for stretch in memory(pid):
            yield from secrets_in(stretch, f"{about}/mem")


def own_secrets() -> Iterator[str]:
    """The secrets in what this process was started with, also where /proc cannot be read."""
    for name, value in os.environ.items():
        yield from secrets_in(os.fsencode(f"{name}={value}"), "its own environment")
    for number in range(os.sysconf("SC_OPEN_MAX")):
        with contextlib.suppress(OSError):
            yield from secrets_in(os.pread(number, MOST, 0), "a descriptor that it inherited")


def secrets_in(text: bytes, where: str) -> Iterator[str]:
    """The places whose secrets stand in a text."""
    for place in set(SECRET.findall(text)) if BEGINNING in text else ():  # much memory is looked through
        yield f"{place.decode()} in {where}"


def listed(folder: str) -> list[str]:
    """The names in a folder; none if it is closed."""
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []


def target(link: str) -> bytes:
    """Where a symbolic link leads."""
    with contextlib.suppress(OSError):
        return os.fsencode(os.readlink(link))
    return b""


def content(path: str) -> bytes:
    """What a file holds; nothing of one that is closed, or that reading could wait for."""
    with contextlib.suppress(OSError), open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        return file.read(MOST) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    return b""


def memory(pid: int) -> Iterator[bytes]:
    """What can be written to of a process's memory, stretch by stretch."""
    for line in content(f"/proc/{pid}/maps").decode(errors="replace").splitlines():
        addresses, rights = line.split()[:2]
        first, last = (int(number, 16) for number in addresses.split("-"))
        if rights.startswith("rw") and last - first < MOST:
            with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/mem", "rb", 0) as file:
                file.seek(first)
                yield file.read(last - first)
