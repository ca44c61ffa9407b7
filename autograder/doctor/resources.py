"""Whether the kernel limits all that grading uses together, by a control group."""

import os
from pathlib import Path

from autograder.course.limits import MIB, in_words

CGROUPS, OWN, BUSES = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"), Path("/run/user")
NO_LIMIT = 2**60  # bytes; version 1 writes a number beyond all memory where there is no limit
RUN = "systemd-run --user --scope -p MemoryMax=8G -p TasksMax=2000 autograder grade"


def group_of_grader(root: Path = CGROUPS, own: Path = OWN, buses: Path = BUSES) -> str:
    """What control groups limit here, and what could be done; the kit itself makes no control group."""
    if (limit := _limit(root, own)) is not None:
        return f"the kernel limits all memory of grading together to {in_words(limit // MIB * MIB)}"
    counted = "no control group limits memory: the kit counts processes, memory, sockets and files itself"
    bus = buses / str(os.geteuid()) / "bus"
    shared = _text(root / "cgroup.controllers").split()
    return f"{counted}; for the kernel to count too: {RUN}" if "memory" in shared and bus.exists() else counted


def _limit(root: Path, own: Path) -> int | None:
    """The smallest limit of memory above this process, in bytes, of either version of control groups."""
    found = []
    for line in _text(own).splitlines():
        _, names, path = line.split(":", 2)
        base, name = {"": (root, "memory.max"), "memory": (root / "memory", "memory.limit_in_bytes")}.get(
            names, (root, "")
        )
        groups = [base / path.strip("/"), *(base / path.strip("/")).parents] if name else []
        texts = [_text(group / name).strip() for group in groups if group == base or base in group.parents]
        found += [int(text) for text in texts if text.isdigit() and int(text) < NO_LIMIT]
    return min(found, default=None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
