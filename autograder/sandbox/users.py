"""User ids for sandboxes: each gets its own, where this process may become another user."""

import itertools
import os
from pathlib import Path

# of linux/capability.h: to give away and clear the private folder, and to become another user
CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID = 0, 1, 3, 6, 7
DAC_READ_SEARCH = 2  # to pass through closed folders
LOWEST = 0x40000000  # far above any user of a machine
EACH = 64  # ids for one grading process
_slots = itertools.count()


def spare_user() -> int | None:
    """A user id for one sandbox; None where this process may not become another user.

    Every sandbox gets its own, so that no two share a limit on processes or can signal each other. In a user namespace
    with few ids it is one of the upper half.
    """
    if os.geteuid() != 0 or not may(CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID):
        return None
    wanted = (os.getpid() * EACH) + next(_slots) % EACH
    for inside, count in _mapped():
        if inside <= LOWEST and LOWEST + wanted < inside + count:
            return LOWEST + wanted
        if count >= 1 << 15:
            return inside + count // 2 + wanted % (count // 2 - 1)  # the last one often belongs to the user nobody
    return None


def may(*capabilities: int) -> bool:
    """Whether this process has all of these capabilities, by their numbers in linux/capability.h."""
    held = _effective()
    return all(held >> bit & 1 for bit in capabilities)


def _effective() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:")), 0)


def _mapped() -> list[tuple[int, int]]:
    """The ranges of user ids that exist here, as (first, how many)."""
    lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    return [(int(line.split()[0]), int(line.split()[2])) for line in lines]
