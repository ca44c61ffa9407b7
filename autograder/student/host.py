"""The student host: it runs a student's definitions in a sandbox and answers questions about them. Nothing else.

It knows no check, no reference and no score. The protocol uses the frames of ``wire.py``; every message is a dict with
a "verb". On the control channel, a Unix socket that is open from the start, the process that imports the libraries
first says ready, and whether it stays for further submissions. Then the judge sends
    begin     a submission follows: it is served by a copy of that process, the host. Answer: ready.
    load      followed by a frame, cells: list of [label, source], probes: source text, without: list of [label,
              number], the statements to leave out, definitions: whether all are left out but definitions. The cells'
              statements are compiled, not run; "cell" names each one before (label, number in the cell, line, last
              line, loose: whether it is no definition). The probes, which are the judge's own, are run. Answer: ready.
    session   with a new socket attached: a copy of this process serves it (a fork, with the libraries imported and
              no student code run yet). Answer: ready.
    end       every other process of the sandbox is killed. Answer: ended.
    bury      the same, after the copy has closed its socket by itself. Answer: ended, with its exit code or signal.
    leave     the submission is done with: its host ends, too. Answer: ended, if the first process stays.

On a session's socket the judge sends
    define    announce: bool, seconds: float. The loaded statements are run, cell by cell; with announce, "cell" names
              each one before, and one that is no definition is interrupted after so many seconds of processor
              time, and after fewer once all together have taken five times as long. Answer: defined, with the faults.
    ask       probe: name, values: dict. If the name is "play", a scene is played (see stage.py); else the function of
              that name in the probes is called with the session and these values. Answer: answer with values, or
              raised with type, message, cell, line and code.
    reply     value: the answer to a call; or refuse, message: the call raises.
and while a probe works, the copy may send
    call      name, values: what the judge should do meanwhile, such as one step of its simulation.

Start: ``host.py CHANNEL_FD``. First the judge sends four bytes, a length, and that many bytes of JSON, since
``wire.py`` needs the libraries. These are the settings: libraries (paths to add to sys.path), modules (name and
source text of each module that the texts after it may import), warmup (source text to run next), imports (modules to
import), limits (rlimit name -> value), uid (to become, or null), alone (whether every process that this one can signal
belongs to its sandbox), folders (to clear after each session), and the rights of each copy (see walls.py): landlock
(the version, or 0), granted (paths by right) and copy_filter (of system calls, in base64; or empty).

A copy can neither read, trace nor limit its host and the first process, nor signal them where the kernel prevents that:
otherwise it would decide what the next copies are.
"""

import base64
import contextlib
import errno
import functools
import gc
import os
import select
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

FOREVER = float("inf")
PAIRS = 8  # of sockets that one copy may use
LOOK = 0.5  # seconds between two looks whether the judge is still there


class RefusedError(Exception):
    """The judge refused a call."""


class SandboxSession:
    """What a probe works with: the student's names, and a channel to the judge."""

    def __init__(self, channel: socket.socket, loaded: "runner.Loaded") -> None:
        self.channel = channel
        self.loaded = loaded
        self.student = runner.Student(quiet.NotRunWhenMarked)

    def serve(self) -> None:
        """Answer the judge until it closes the channel."""
        while True:
            message = wire.receive_message(self.channel, FOREVER)
            if message["verb"] == "define":
                self.define(bool(message.get("announce")), float(message.get("seconds") or 0))
            elif message["verb"] == "ask":
                self.answer(message.get("probe"), message.get("values"))

    def define(self, announce: bool, seconds: float) -> None:
        """Run the student's cells."""
        sys.modules["__main__"] = self.student.module
        quiet.find_modules(self.loaded.quiet)
        clock = runner.Clock(seconds) if announce and seconds else None
        for statement in self.loaded.statements:
            if announce:
                self.say("cell", **statement.said)
            self.student.run(statement, clock)
        self.say("defined", faults=[*self.loaded.faults, *self.student.faults][:100])

    def answer(self, probe: Any, values: Any) -> None:
        """Call one probe; whatever it raises is an answer too."""
        try:
            content = wire.pack({"verb": "answer", "values": stage.plain(self.probe(probe)(**values))})
        except BaseException as error:
            content = wire.pack({"verb": "raised", **runner.described(error)})
        self.channel.settimeout(None)
        self.channel.sendall(len(content).to_bytes(4, "big") + content)

    def probe(self, name: Any) -> Callable[..., Any]:
        """The function of that name: the one that plays scenes, or one of the practical's own probes."""
        if name == "play":
            return functools.partial(stage.play, stage.Stage(self.student, self.loaded.probes, self.ask_judge))
        return functools.partial(self.loaded.probes[name], self)

    def ask_judge(self, name: str, **values: Any) -> Any:
        """Have the judge do something, such as one step of its simulation; RefusedError if it does not."""
        self.say("call", name=name, values=stage.plain(values))
        reply = wire.receive_message(self.channel, FOREVER)
        if reply["verb"] == "refuse":
            raise RefusedError(str(reply.get("message")))
        return reply.get("value")

    def say(self, verb: str, **values: Any) -> None:
        """Send one message to the judge."""
        wire.send(self.channel, {"verb": verb, **values}, FOREVER)


class Preloaded:
    """The process with the libraries imported, of which every submission gets a copy, its host.

    It runs no student code, and reads no message that holds any: nothing of a submission gets into the memory with
    which the next one starts.
    """

    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        self.control = control
        self.first = os.getpid() == 1  # of its namespace: no signal from inside reaches it
        # it may kill all it can signal only as the first of a namespace, or where it cannot signal its parent
        self.alone = settings["alone"] and (self.first or not reaches(os.getppid()))
        self.folders = [(path, stat.S_IMODE(os.stat(path).st_mode)) for path in settings["folders"]]
        # made here, so that a machine without Landlock is noticed before student code runs
        self.rules = walls.landlock_rules(settings["landlock"], settings["granted"]) if settings["landlock"] else None
        self.copy_filter = base64.b64decode(settings["copy_filter"])
        # a host kills all it can signal, which must not be this process
        self.stays = self.alone and (self.first or settings["landlock"] >= walls.WITH_SCOPES)

    def serve(self) -> None:
        """Start a host for each submission, until the judge closes the channel or a host ends by itself."""
        wire.send(self.control, {"verb": "ready", "stays": self.stays}, FOREVER)
        while self.control.recv(wire.LONGEST_VERB).rstrip() == b"begin":
            if not self.stays:
                Host(self).serve()
                return
            pid = os.fork()
            if not pid:
                self.become_host()
            if not ended_well(pid, self.control):
                return  # what it has read of the channel is not known, or nobody listens any more
            kill(-1)
            reap()
            tidy.make_new(self.folders)
            wire.send(self.control, {"verb": "ended", "how": ""}, FOREVER)

    def become_host(self) -> NoReturn:
        """Serve one submission in this copy, which no signal to all processes of the sandbox ends."""
        code = 1
        try:
            walls.prctl(walls.SET_PDEATHSIG, signal.SIGKILL)
            if self.rules is not None:
                walls.take_landlock(os.dup(self.rules))
            Host(self).serve()
            code = 0
        finally:
            os._exit(code)


def few_pairs() -> Callable[..., tuple[socket.socket, socket.socket]]:
    """A ``socket.socketpair`` for a copy, which may make none: it hands out some that are made now (for asyncio)."""
    pairs = [socket.socketpair() for _ in range(PAIRS)]

    def socketpair(family: int = socket.AF_UNIX, kind: int = socket.SOCK_STREAM, proto: int = 0) -> Any:
        if not pairs or (family, kind & 0xF, proto) != (socket.AF_UNIX, socket.SOCK_STREAM, 0):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        return pairs.pop()

    return socketpair


class Host:
    """The process of one submission. It forks a copy for every session, which runs the student's code, and ends it."""

    def __init__(self, preloaded: Preloaded) -> None:
        self.control = preloaded.control
        self.alone = preloaded.alone
        self.first = preloaded.first
        self.folders = preloaded.folders
        self.rules = preloaded.rules
        self.copy_filter = preloaded.copy_filter
        self.copy = 0
        self.loaded = runner.Loaded([], "")

    def serve(self) -> None:
        """Answer the judge until the submission is done with."""
        wire.send(self.control, {"verb": "ready"}, FOREVER)
        while True:
            said, descriptors, _, _ = socket.recv_fds(self.control, wire.LONGEST_VERB, 1)
            verb = said.rstrip()
            if verb == b"session" and descriptors:
                self.end(patience=0)
                self.start(descriptors[0])
                wire.send(self.control, {"verb": "ready"}, FOREVER)
            elif verb == b"load":
                self.loaded = runner.Loaded(**wire.receive(self.control, FOREVER), announce=self.name_statement)
                gc.freeze()
                wire.send(self.control, {"verb": "ready"}, FOREVER)
            elif verb in (b"end", b"bury"):
                how = self.end(patience=0.5 if verb == b"bury" else 0)
                wire.send(self.control, {"verb": "ended", "how": how}, FOREVER)
            else:
                self.end(patience=0)
                return

    def name_statement(self, said: dict[str, Any]) -> None:
        """Name the statement that is compiled next: compiling may take long, or end this process."""
        wire.send(self.control, {"verb": "cell", **said}, FOREVER)

    def start(self, descriptor: int) -> None:
        """Fork the copy that serves the session on that socket."""
        self.copy = os.fork()
        if self.copy:
            os.close(descriptor)
            return
        try:
            with contextlib.suppress(PermissionError):  # where the barrier forbids it
                os.setsid()
            self.control.close()
            self.wall_in()
            SandboxSession(socket.socket(fileno=descriptor), self.loaded).serve()
        finally:
            os._exit(0)

    def wall_in(self) -> None:
        """Protect the process that this copy was forked from."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        walls.prctl(walls.SET_DUMPABLE, 1)  # so that the judge can measure what a copy uses
        if self.rules is not None:
            walls.take_landlock(self.rules)
        if self.copy_filter:
            walls.prctl(walls.SET_NO_NEW_PRIVS, 1)
            socket.socketpair = few_pairs()
            walls.take_filter(self.copy_filter)

    def end(self, patience: float) -> str:
        """Kill what is left of a session. Says how the copy ended by itself, if within ``patience`` seconds."""
        if not self.copy:
            return ""
        latest = time.monotonic() + patience
        pid, status = os.waitpid(self.copy, os.WNOHANG)
        while not pid and time.monotonic() < latest:
            time.sleep(0.002)
            pid, status = os.waitpid(self.copy, os.WNOHANG)
        kill(-1 if self.alone else -self.copy)
        if not pid:
            os.waitpid(self.copy, 0)
        self.copy = 0
        reap()
        if self.first:
            kill_all()
        tidy.make_new(self.folders)
        if pid and os.WIFSIGNALED(status):
            return f"it was ended by {named(os.WTERMSIG(status))}"
        return f"it ended itself with exit code {os.WEXITSTATUS(status)}" if pid else ""


def kill(whom: int) -> None:
    """Kill a process group (a number below -1), or all that this process can signal (-1)."""
    with contextlib.suppress(OSError):  # nothing was left
        os.kill(whom, signal.SIGKILL)


def kill_all() -> None:
    """Kill all other processes of this namespace but its first, and wait until that one has seen all of them end."""
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(-1, signal.SIGKILL)
            time.sleep(0.0005)


def reap() -> None:
    """Wait for all children; the first process of a namespace inherits what others started."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def ended_well(pid: int, judge: socket.socket) -> bool:
    """Wait for a child, and for what others leave behind meanwhile; whether it ended by itself without a fault.

    False, too, once the judge has closed the channel, which a busy child does not see. The kernel does not tell this
    process of the end of the one that started it, where that is another user's.
    """
    closed = select.poll()
    closed.register(judge, 0)  # tells of nothing but that
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    try:
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == pid:
                return status == 0
            if not ended:
                if closed.poll(0):
                    return False
                signal.sigtimedwait({signal.SIGCHLD}, LOOK)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def reaches(pid: int) -> bool:
    """Whether this process may signal another."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return False
    return True


def named(number: int) -> str:
    """A signal's name, or its number where it has no name."""
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import start
    import tidy
    import walls

    channel = socket.socket(fileno=int(sys.argv[1]))
    given = start.settings_from(channel)
    sys.path[1:1] = given["libraries"]
    import quiet
    import runner
    import stage
    import wire

    start.prepare(given, channel)
    Preloaded(channel, given).serve()
