"""Starts a command with the rights of nobody: no privileges, no files but those named, harmless system calls alone.

Run as ``launcher.py SETTINGS COMMAND...``; a program of its own, of the standard library alone, in which no student's
code ever runs. It splits in two. The child takes the walls around itself, none of which it can take down again, and
becomes the command; the parent stays outside, adopts what the command leaves behind, and ends all of it when it is told
to (SIGTERM), when the command ends, or when the process that started it dies.

SETTINGS is JSON: judge (the id of the process that starts this one), user (the user id to become, or null), folder (the
one to work in and write to), read (files and folders to be read and run), list (folders whose names alone may be read),
devices (files to be read and written), environment, abi (of Landlock, as found), search (whether to keep the right to
pass through any folder) and filter (of system calls, in base64). The command inherits the open descriptors.

Sources: landlock(7), linux/landlock.h, prctl(2), capabilities(7), seccomp(2).
"""

import base64
import contextlib
import ctypes
import json
import os
import signal
import struct
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SET_PDEATHSIG, SET_KEEPCAPS, SET_SECCOMP, SET_SUBREAPER, SET_NO_NEW_PRIVS, CAP_AMBIENT = 1, 8, 22, 36, 38, 47
AMBIENT_RAISE, FILTER_MODE = 2, 2
CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION = 0x20080522
READ_SEARCH = 2  # CAP_DAC_READ_SEARCH
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # of Landlock, on every architecture
PATH_BENEATH = 1
EXECUTE, WRITE, READ, LIST, MAKE_FOLDER, MAKE_FILE, TRUNCATE = (1 << bit for bit in (0, 1, 2, 3, 7, 8, 14))
OF_FILES = EXECUTE | WRITE | READ | TRUNCATE
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights of files an ABI knows; 16 from 5 on
STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """The result of a call into the C library; OSError if it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, *arguments: int) -> None:
    """One of the process's own attributes."""
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    checked(libc.prctl(option, *padded), f"prctl {option}")


def call(number: int, what: str, *arguments: Any) -> int:
    """A system call that the C library has no name for."""
    return checked(libc.syscall(ctypes.c_long(number), *arguments), what)


def take_user(user: int | None, search: bool) -> None:
    """Become that user, if any, and drop every capability but, where ``search`` says so, the one to pass folders."""
    if user is not None:
        prctl(SET_KEEPCAPS, int(search))
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    kept = 1 << READ_SEARCH if search else 0
    header = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    sets = struct.pack("=IIIIII", kept, kept, kept, 0, 0, 0)  # effective, permitted, inheritable; the upper halves
    call(CAPSET[os.uname().machine], "capset", header, sets)
    if search:
        prctl(CAP_AMBIENT, AMBIENT_RAISE, READ_SEARCH)


def take_landlock(settings: dict[str, Any]) -> None:
    """From here on, only what the settings name can be opened."""
    abi = settings["abi"]
    if abi < 1:
        raise OSError("this kernel has no Landlock")
    handled = (1 << RIGHTS.get(abi, 16)) - 1
    network, scoped = (3 if abi >= 4 else 0), (3 if abi >= 6 else 0)
    attributes = struct.pack("=QQQ", handled, network, scoped)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    size = ctypes.c_size_t(len(attributes))
    rules = call(CREATE_RULESET, "Landlock", attributes, size, ctypes.c_uint(0))
    allow(rules, settings["read"], handled & (EXECUTE | READ | LIST))
    allow(rules, settings["list"], LIST)
    allow(rules, settings["devices"], READ | WRITE)
    allow(rules, [settings["folder"]], handled & (READ | LIST | WRITE | TRUNCATE | MAKE_FOLDER | MAKE_FILE))
    call(RESTRICT_SELF, "Landlock", ctypes.c_int(rules), ctypes.c_uint(0))
    os.close(rules)


def allow(rules: int, paths: Iterable[str], rights: int) -> None:
    """Give these rights to all below each path."""
    for path in paths:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        fitting = rights if Path(path).is_dir() else rights & OF_FILES
        beneath = struct.pack("=Qi", fitting, descriptor)
        call(ADD_RULE, f"Landlock, {path}", ctypes.c_int(rules), ctypes.c_int(PATH_BENEATH), beneath, ctypes.c_uint(0))
        os.close(descriptor)


def take_filter(program: bytes) -> None:
    """From here on, the kernel refuses the system calls that the filter refuses."""
    instructions = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    pointer = ctypes.create_string_buffer(described, len(described))
    prctl(SET_SECCOMP, FILTER_MODE, ctypes.addressof(pointer))


def become(command: list[str], settings: dict[str, Any], parent: int) -> None:
    """Take every wall, in an order in which each can still be taken, and run the command in this process's place."""
    os.setsid()
    os.chdir(settings["folder"])
    take_user(settings["user"], settings["search"])
    prctl(SET_PDEATHSIG, signal.SIGKILL)  # a change of user undoes it, so it comes after
    if os.getppid() != parent:
        return
    prctl(SET_NO_NEW_PRIVS, 1)
    take_landlock(settings)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    take_filter(base64.b64decode(settings["filter"]))
    os.execve(command[0], command, settings["environment"])  # noqa: S606 - what this is for


def watch(first: int) -> int:
    """Wait until the command ends or this process is told to stop; the exit code."""
    while True:
        if signal.sigwait({*STOPS, signal.SIGCHLD}) != signal.SIGCHLD:
            return 0
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == first:
                    return os.waitstatus_to_exitcode(ended[1])


def end_all(user: int | None) -> None:
    """Kill everything that came of the command, and stay until it is gone."""
    while True:
        if user is not None:
            end_user(user)
        below = usage.descendants(os.getpid())
        for pid in below:
            with contextlib.suppress(OSError):
                if (group := os.getpgid(pid)) != os.getpgrp():
                    os.killpg(group, signal.SIGKILL)  # at once: nobody in it can fork himself out of reach
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.001)
            continue
        return


def end_user(user: int) -> None:
    """Kill every process of a user who has nothing but the sandbox; by one call, so that no fork slips through."""
    helper = os.fork()
    if helper:
        os.waitpid(helper, 0)
        return
    try:
        os.setresuid(user, user, user)
        os.kill(-1, signal.SIGKILL)
    finally:
        os._exit(0)


def main() -> int:
    """Split, wall in, watch, clean up."""
    settings, command = json.loads(sys.argv[1]), sys.argv[2:]
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPS, signal.SIGCHLD})
    prctl(SET_PDEATHSIG, signal.SIGTERM)
    prctl(SET_SUBREAPER, 1)
    if os.getppid() != settings["judge"]:
        return 0
    here = os.getpid()
    first = os.fork()
    if first == 0:
        try:
            become(command, settings, here)
        except Exception as error:
            print(error, file=sys.stderr, flush=True)
        finally:
            os._exit(126)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # or nobody would see it when the command hangs up
    code = watch(first)
    end_all(settings["user"])
    folder.PrivateFolder(Path(settings["folder"])).remove()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import folder
    import usage

    sys.exit(main())
