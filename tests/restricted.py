"""A machine on which namespaces are not allowed, made for real: run a command as most containers would run it.

``python restricted.py USER FORBIDDEN COMMAND...`` becomes the user (0 with the capabilities that Docker leaves to root,
or an ordinary one), has the kernel refuse the groups of system calls named (separated by commas), and runs the command.
"""

import ctypes
import errno
import os
import sys

from autograder.confined.barrier import reachable, shown_paths
from autograder.sandbox import filters
from autograder.student import walls

DOCKER_LEAVES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)  # capabilities, by their numbers
CAPBSET_DROP = 24
NAMESPACES = (
    *(filters.Rule(name) for name in ("unshare", "setns", "mount", "umount2", "pivot_root")),
    filters.Rule("clone", (filters.Holds(0, 0, filters.NAMESPACES, wanted=False),)),
    filters.Rule("clone3", error=errno.ENOSYS),
)
LANDLOCK = tuple(
    filters.Rule(name, error=errno.ENOSYS)
    for name in ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
)
GROUPS = {"namespaces": NAMESPACES, "landlock": LANDLOCK}


def become(user: int) -> None:
    """Root as in a container, or an ordinary user; who may still pass folders if Python lies behind a closed one.

    An ordinary user stays who they are.
    """
    if user:
        if user != os.geteuid():
            walls.take_user(user, search=not reachable(shown_paths()[0], user, ()))
        return
    for capability in set(range(64)) - {*DOCKER_LEAVES, walls.READ_SEARCH}:
        ctypes.CDLL(None).prctl(CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)
    walls.prctl(walls.CAP_AMBIENT, 4)  # PR_CAP_AMBIENT_CLEAR_ALL


def forbid(*groups: str) -> None:
    """Have the kernel refuse these groups of system calls to this process and to all that it starts."""
    rules = [rule for name in groups for rule in GROUPS[name]]
    walls.prctl(walls.SET_NO_NEW_PRIVS, 1)
    walls.take_filter(filters.assemble(rules))


def main() -> None:
    """Become, forbid, run."""
    user, forbidden, *command = sys.argv[1:]
    become(int(user))
    forbid(*forbidden.split(","))
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
