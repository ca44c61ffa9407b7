"""Starts a command with as few rights as possible: no privileges, only the named files, only harmless system calls.

Run as ``launcher.py DESCRIPTOR COMMAND...``. It is a program of its own, needs only the standard library, and runs no
student code itself. It splits in two. The child gives up its rights (student/walls.py) and becomes the command. The
parent keeps its rights, adopts every process that the command leaves behind, and ends them all when it gets SIGTERM,
when the command ends, or when the process that started it dies.

From the open DESCRIPTOR it reads its settings, as JSON: judge (the id of the process that starts this one), user (the
user id to become, or null), folder (where to work and write), granted (paths by right: see walls.RIGHTS), landlock (the
version to use), search (whether to keep the right to pass through any folder) and filter (of system calls, in base64).
The command inherits the environment and the other open descriptors.
"""

import base64
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

SET_SUBREAPER = 36
STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def become(command: list[str], settings: dict[str, Any], parent: int) -> None:
    """Give up every right, in an order in which each step is still allowed, and become the command."""
    os.setsid()
    os.chdir(settings["folder"])
    walls.take_user(settings["user"], settings["search"])
    walls.prctl(walls.SET_PDEATHSIG, signal.SIGKILL)  # changing the user cancels it, so it comes after
    if os.getppid() != parent:
        return
    walls.prctl(walls.SET_NO_NEW_PRIVS, 1)
    walls.take_landlock(walls.landlock_rules(settings["landlock"], settings["granted"]))
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    walls.take_filter(base64.b64decode(settings["filter"]))
    os.execv(command[0], command)  # noqa: S606 - what this is for


def watch(first: int) -> int:
    """Wait until the command ends or a signal stops this process; the exit code."""
    while True:
        if signal.sigwait({*STOPS, signal.SIGCHLD}) != signal.SIGCHLD:
            return 0
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == first:
                    return os.waitstatus_to_exitcode(ended[1])


def end_all(user: int | None) -> None:
    """Kill every process that descends from the command, and wait until all are gone."""
    while True:
        if user is not None:
            end_user(user)
        below = usage.descendants(os.getpid())
        for pid in below:
            with contextlib.suppress(OSError):
                if (group := os.getpgid(pid)) != os.getpgrp():
                    os.killpg(group, signal.SIGKILL)  # the whole group at once, so that none of it escapes by a fork
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.001)
            continue
        return


def end_user(user: int) -> None:
    """Kill every process of the sandbox's own user, by one call, so that none escapes by a fork."""
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
    """Split, watch, clean up."""
    with os.fdopen(int(sys.argv[1]), encoding="utf-8") as file:
        settings, command = json.load(file), sys.argv[2:]
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPS, signal.SIGCHLD})
    walls.prctl(walls.SET_PDEATHSIG, signal.SIGTERM)
    walls.prctl(SET_SUBREAPER, 1)
    # if the judge has ended already, nothing would end the command
    code = run(command, settings) if os.getppid() == settings["judge"] else 0
    tidy.remove(settings["folder"])
    return code if code >= 0 else 128 - code


def run(command: list[str], settings: dict[str, Any]) -> int:
    """Start the command inside, watch it, and end every process that descends from it; its exit code."""
    here = os.getpid()
    first = os.fork()
    if first == 0:
        try:
            become(command, settings, here)
        except Exception as error:
            print(error, file=sys.stderr, flush=True)
        finally:
            os._exit(126)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # else the judge would not notice that the command closed its socket
    code = watch(first)
    end_all(settings["user"])
    return code


if __name__ == "__main__":
    here = Path(__file__).parent
    sys.path[:0] = [str(here.parent / "sandbox"), str(here.parent / "student")]
    import tidy
    import usage
    import walls

    sys.exit(main())
