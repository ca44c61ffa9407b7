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
    resident = sum(map(_resident, pids))
    return resident if resident <= most else sum(map(memory_of, pids))


def _resident(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1]) * PAGE
    except OSError:  # it has just ended
        return 0


def memory_of(pid: int) -> int:
    """Bytes of memory that a process holds; what it shares with others (a fork's pages) is counted in parts.

    Where that is not told (the process is another user's, and this one may not trace it), what it shares counts whole.
    """
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
        return _kilobytes(lines, ("Pss:",))
    except PermissionError:
        pass
    except OSError:  # it has just ended
        return 0
    try:
        lines = (PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return _kilobytes(lines, ("RssAnon:", "RssShmem:"))


def _kilobytes(lines: list[str], names: tuple[str, ...]) -> int:
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))
