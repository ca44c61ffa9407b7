"""What the processes of a sandbox use, as the kernel tells those outside. Of the standard library alone."""

import os
import sys
from collections.abc import Collection
from pathlib import Path

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes


def descendants(pid: int, most: int = sys.maxsize) -> dict[int, int]:
    """The processes below this one, each with its number of threads; the search stops beyond ``most`` of these."""
    found: dict[int, int] = {}
    to_visit = _children(pid)[0]
    while to_visit and sum(found.values()) <= most:
        visited = to_visit.pop()
        children, threads = _children(visited)
        if visited not in found:
            found[visited] = threads
            to_visit.extend(children)
    return found


def _children(pid: int) -> tuple[list[int], int]:
    """A process's children, of all its threads, and the number of its threads."""
    children: list[int] = []
    try:
        threads = list((PROC / str(pid) / "task").iterdir())
    except OSError:  # it has just ended
        return [], 1
    for thread in threads:
        try:
            listed = (thread / "children").read_text(encoding="ascii")
        except OSError:
            continue
        children += [int(word) for word in listed.split()]
    return children, len(threads)


def memory_of_all(pids: Collection[int], most: int) -> int:
    """Bytes of memory that these processes hold together; a rough figure that is too high if it is below ``most``.

    What is resident counts anew in every process that shares it, and is told at once; the true figure takes the kernel
    milliseconds a process.
    """
    resident = sum(_pages(PROC / str(pid)) or _pages(_thread_of(pid)) for pid in pids) * PAGE
    return resident if resident <= most else sum(map(memory_of, pids))


def _pages(process: Path) -> int:
    """Resident pages, as a process or one of its threads tells; 0 if it has ended."""
    try:
        return int((process / "statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0


def _thread_of(pid: int) -> Path:
    """Where to read of a process whose first thread may have ended: its memory lives on with the others."""
    process = PROC / str(pid)
    try:
        return next(filter(_pages, (process / "task").iterdir()), process)
    except OSError:  # it has just ended
        return process


def memory_of(pid: int) -> int:
    """Bytes of memory that a process holds; what it shares with others (a fork's pages) is counted in parts.

    Where that is not told (the process is another user's, and this one may not trace it), what it shares counts whole.
    """
    thread = _thread_of(pid)
    try:
        lines = (thread / "smaps_rollup").read_text(encoding="ascii").splitlines()
        return _kilobytes(lines, ("Pss:",))
    except PermissionError:
        pass
    except OSError:  # it has just ended
        return 0
    try:
        lines = (thread / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return _kilobytes(lines, ("RssAnon:", "RssShmem:"))


def _kilobytes(lines: list[str], names: tuple[str, ...]) -> int:
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))
