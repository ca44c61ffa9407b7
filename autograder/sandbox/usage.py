"""What the processes of a sandbox use, read from /proc. It needs only the standard library."""

import os
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes


def descendants(pid: int, most: int = sys.maxsize) -> dict[int, int]:
    """The descendants of this process, each with its number of threads; the search stops after ``most`` threads."""
    found: dict[int, int] = {}
    to_visit = _children(pid)[0]
    while to_visit and sum(found.values()) <= most:
        visited = to_visit.pop()
        children, threads = _children(visited)
        if visited not in found:
            found[visited] = threads
            to_visit.extend(children)
    return found


def waited(pids: Iterable[int]) -> dict[int, float]:
    """For how many seconds each of these processes was ready to run, and others ran in its place.

    0 where the kernel does not say, and for one that has just ended.
    """
    return {pid: _waited(PROC / str(pid)) for pid in pids}


def _waited(process: Path) -> float:
    try:
        return int((process / "schedstat").read_text(encoding="ascii").split()[1]) / 1e9  # nanoseconds
    except (OSError, IndexError, ValueError):
        return 0.0


def files_in(pids: Collection[int], folders: Iterable[str]) -> int:
    """How many files the file systems at these paths hold, as the first process that can be asked sees them.

    Each file is memory of the kernel's that no limit on sizes counts. 0 where the kernel tells nothing about them.
    """
    for pid in pids:
        try:
            found = [os.statvfs(f"{PROC}/{pid}/root{folder}") for folder in folders]
        except OSError:  # it has just ended, or is another user's
            continue
        return sum(each.f_files - each.f_ffree for each in found)
    return 0


def _children(pid: int) -> tuple[list[int], int]:
    """The children of all of a process's threads, and the number of these threads."""
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


def memory_of_all(pids: Collection[int], most: int, shared: int = 0) -> int:
    """Bytes of memory that these processes hold together; a rough figure, too high, if it is below ``most``.

    Another of them holds all that the process ``shared`` holds: where shared pages count whole, it counts nothing.

    The resident memory is quick to read, but it counts shared pages once in every process. The true figure takes the
    kernel milliseconds for each process, so it is read only where the rough one exceeds ``most``.
    """
    resident = sum(_pages(PROC / str(pid)) or _pages(_thread_of(pid)) for pid in pids) * PAGE
    return resident if resident <= most else sum(memory_of(pid, pid == shared) for pid in pids)


def _pages(process: Path) -> int:
    """Resident pages of a process, or of one of its threads; 0 if it has ended."""
    try:
        return int((process / "statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0


def _thread_of(pid: int) -> Path:
    """Where to read about a process whose first thread may have ended: the other threads still hold its memory."""
    process = PROC / str(pid)
    try:
        return next(filter(_pages, (process / "task").iterdir()), process)
    except OSError:  # it has just ended
        return process


def memory_of(pid: int, shared: bool = False) -> int:
    """Bytes of memory that a process holds; pages that it shares (after a fork) are divided among their processes.

    Where the kernel does not tell that (about another user's process, for instance), shared pages count whole, or not
    at all if another process holds all of them.
    """
    thread = _thread_of(pid)
    for file, names in (("smaps_rollup", ("Pss:",)), ("status", ("RssAnon:", "RssShmem:"))):
        try:
            lines = (thread / file).read_text(encoding="utf-8", errors="replace").splitlines()
        except PermissionError:
            if shared:
                return 0
            continue
        except OSError:  # it has just ended
            return 0
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))
    return 0
