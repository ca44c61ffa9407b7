"""Rights that a process can give up for ever, by asking the kernel. It needs only the standard library.

The launcher's child gives them up before it becomes the student host; the host and each of its copies give up more.
Neither that process nor any process that it starts can get them back.

Sources: landlock(7), linux/landlock.h, prctl(2), capabilities(7), seccomp(2).
"""

import ctypes
import os
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SET_PDEATHSIG, SET_DUMPABLE, SET_KEEPCAPS, SET_SECCOMP, SET_NO_NEW_PRIVS, CAP_AMBIENT = 1, 4, 8, 22, 38, 47
AMBIENT_RAISE, FILTER_MODE = 2, 2
CAPABILITY_VERSION = 0x20080522
READ_SEARCH = 2  # CAP_DAC_READ_SEARCH
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # of Landlock, on every architecture
WHICH_VERSION, PATH_BENEATH = 1, 1
EXECUTE, WRITE, READ, LIST, MAKE_FOLDER, MAKE_FILE, TRUNCATE = (1 << bit for bit in (0, 1, 2, 3, 7, 8, 14))
OF_FILES = EXECUTE | WRITE | READ | TRUNCATE
HANDLED = {1: 13, 2: 14, 3: 15, 4: 15}  # version of Landlock -> how many file rights it knows; 16 from 5 on
WITH_NETWORK, WITH_SCOPES = 4, 6  # the first versions that block TCP, and signals and abstract sockets to outside
# what may be done with everything below a path, by the name of the list that holds the path
RIGHTS = {
    "read": EXECUTE | READ | LIST,
    "list": LIST,
    "devices": READ | WRITE,
    "keep": READ | LIST | WRITE | TRUNCATE | MAKE_FOLDER | MAKE_FILE,  # nothing is deleted or moved
    "all": -1,
}

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """The result of a call into the C library; OSError if it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, *arguments: int) -> None:
    """Set one of the process's own attributes; OSError if that fails."""
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    checked(libc.prctl(option, *padded), f"prctl {option}")


def call(number: int, what: str, *arguments: Any) -> int:
    """Make a system call for which the C library has no function; OSError if it fails."""
    return checked(libc.syscall(ctypes.c_long(number), *arguments), what)


def take_user(user: int | None, search: bool = False) -> None:
    """Become that user, if any, and drop every capability; with ``search``, keep the one to pass through folders."""
    if user is not None:
        prctl(SET_KEEPCAPS, int(search))
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    kept = 1 << READ_SEARCH if search else 0
    header = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    sets = struct.pack("=IIIIII", kept, kept, kept, 0, 0, 0)  # effective, permitted, inheritable; the upper halves
    checked(libc.capset(header, sets), "capset")
    if search:
        prctl(CAP_AMBIENT, AMBIENT_RAISE, READ_SEARCH)


def landlock_version() -> int:
    """The version (ABI) of Landlock that this kernel offers; 0 if it does not."""
    found: int = libc.syscall(ctypes.c_long(CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint(WHICH_VERSION))
    return max(found, 0)


def landlock_rules(version: int, granted: Mapping[str, Iterable[str]]) -> int:
    """An open set of rules: paths in a list of ``granted`` get the rights of its name in RIGHTS; all others get none.

    ``version`` is the version of Landlock to use. OSError if the kernel has no Landlock, or a path does not exist.
    """
    if version < 1:
        raise OSError("this kernel has no Landlock")
    handled = (1 << HANDLED.get(version, 16)) - 1
    network, scoped = (3 if version >= WITH_NETWORK else 0), (3 if version >= WITH_SCOPES else 0)
    length = 8 if version < WITH_NETWORK else 16 if version < WITH_SCOPES else 24
    attributes = struct.pack("=QQQ", handled, network, scoped)[:length]
    rules = call(CREATE_RULESET, "Landlock", attributes, ctypes.c_size_t(length), ctypes.c_uint(0))
    for name, paths in granted.items():
        for path in paths:
            _grant(rules, path, RIGHTS[name] & handled)
    return rules


def _grant(rules: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    fitting = rights if Path(path).is_dir() else rights & OF_FILES
    beneath = struct.pack("=Qi", fitting, descriptor)
    call(ADD_RULE, f"Landlock, {path}", ctypes.c_int(rules), ctypes.c_int(PATH_BENEATH), beneath, ctypes.c_uint(0))
    os.close(descriptor)


def take_landlock(rules: int) -> None:
    """From now on, only what the rules name can be opened, and nothing outside can be traced; closes the rules."""
    call(RESTRICT_SELF, "Landlock", ctypes.c_int(rules), ctypes.c_uint(0))
    os.close(rules)


def take_filter(program: bytes) -> None:
    """From now on, the kernel refuses the system calls that the filter refuses."""
    instructions = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    pointer = ctypes.create_string_buffer(described, len(described))
    prctl(SET_SECCOMP, FILTER_MODE, ctypes.addressof(pointer))
