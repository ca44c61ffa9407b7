"""The student host: runs a student's definitions in a sandbox and answers questions about them. Nothing else.

It knows no check, no reference and no score. The protocol (frames of ``wire.py``; every message a dict with a "verb"):

On the control channel, one Unix socket inherited at start, the judge says
    load      followed by a frame, cells: list of [label, source], probes: source text. The cells are compiled, not
              run, each named by "cell" before; the probes, which are the judge's own, are run. Answer: ready.
    session   with a new socket attached: a copy of this process (a fork, the libraries imported and nothing of the
              student's run yet) takes it. Answer: ready.
    end       every other process of the sandbox is killed. Answer: ended.
    bury      the same, when the copy has hung up by itself. Answer: ended, with its exit code or signal in words.

On a session's socket the judge says
    define    announce: bool. The definitions that were loaded are run, cell by cell; if announce, each cell is named
              by "cell" before it starts. Answer: defined, with the faults met.
    ask       probe: name, values: dict. The function of that name in the probes is called with the session and these
              values. Answer: answer with values, or raised with type, message, cell, line and code.
    reply     value: the answer to a call; or refuse, message: the call raises.
and the copy may say, while a probe works,
    call      name, values: what the judge should do meanwhile, such as one step of its environment.

Start: ``host.py CHANNEL_FD``. The first thing that the judge says is four bytes, a length, and so many of JSON, since
``wire.py`` needs the libraries; the settings: libraries (paths put on sys.path), warmup (source text to run first),
imports (modules to have ready), limits (rlimit name -> value), uid (to become, or null), alone (true where all that
this process can signal is its own), folders (to be cleared after each session), and the walls around each copy (see
walls.py): landlock (the version to use, or 0), granted (paths, by what a copy may do there) and copy_filter (of system
calls, in base64; or empty).

A copy can neither read, trace, limit nor, where the kernel keeps signals apart, signal this process: it would then
decide what the next copies are.
"""

import ast
import base64
import contextlib
import gc
import importlib
import json
import linecache
import os
import resource
import signal
import socket
import stat
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

FOREVER = float("inf")
LONGEST_VERB = 7  # bytes; every verb of the control channel is padded to it
LONGEST_TEXT = 500  # characters of any message that is sent back


class MissingDefinitionError(Exception):
    """The notebook does not define a name that is asked for."""


class RefusedError(Exception):
    """The judge refused a call."""


class Student(Mapping[str, Any]):
    """The names that the student's notebook defines."""

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.module.__dict__.update(display=lambda *_: None, get_ipython=lambda: None)
        self.faults: list[dict[str, Any]] = []

    def __getitem__(self, name: str) -> Any:
        if name in self.module.__dict__:
            return self.module.__dict__[name]
        raise MissingDefinitionError(f"your notebook does not define {name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.module.__dict__)

    def __len__(self) -> int:
        return len(self.module.__dict__)

    def run(self, statements: list[types.CodeType]) -> None:
        """Run one cell, statement by statement; one that raises is noted, and the next ones still run."""
        for code in statements:
            try:
                exec(code, self.module.__dict__)  # noqa: S102 - running student code is what the sandbox is for
            except BaseException as error:
                self.faults.append(described(error))


class Loaded:
    """The student's cells and the probes, compiled once for all copies."""

    def __init__(self, cells: list[list[str]], probes: str, announce: Callable[[str], object] = str) -> None:
        self.cells: list[tuple[str, list[types.CodeType]]] = []
        self.faults: list[dict[str, Any]] = []
        self.probes: dict[str, Any] = {"__name__": "probes"}
        exec(compile(probes, "<probes>", "exec"), self.probes)  # noqa: S102 - the judge's own text
        for label, source in cells:
            announce(label)
            linecache.cache[label] = (len(source), None, source.splitlines(keepends=True), label)
            try:
                tree = ast.parse(source, label)
                codes = [compile(ast.Module([statement], []), label, "exec") for statement in tree.body]
                self.cells.append((label, codes))
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                self.faults.append(described(error))


class Session:
    """What a probe works with: the student's names, and the judge to call back."""

    def __init__(self, channel: socket.socket, loaded: Loaded) -> None:
        self.channel = channel
        self.loaded = loaded
        self.student = Student()

    def serve(self) -> None:
        """Answer the judge until it hangs up."""
        while True:
            message = wire.receive_message(self.channel, FOREVER)
            if message["verb"] == "define":
                self.define(bool(message.get("announce")))
            elif message["verb"] == "ask":
                self.answer(message.get("probe"), message.get("values"))

    def define(self, announce: bool) -> None:
        """Run the student's cells."""
        sys.modules["__main__"] = self.student.module
        for label, statements in self.loaded.cells:
            if announce:
                self.say("cell", label=label)
            self.student.run(statements)
        self.say("defined", faults=[*self.loaded.faults, *self.student.faults][:100])

    def answer(self, probe: Any, values: Any) -> None:
        """Call one probe; whatever it raises is an answer too."""
        try:
            content = wire.pack({"verb": "answer", "values": plain(self.loaded.probes[probe](self, **values))})
        except BaseException as error:
            content = wire.pack({"verb": "raised", **described(error)})
        self.channel.settimeout(None)
        self.channel.sendall(len(content).to_bytes(4, "big") + content)

    def ask_judge(self, name: str, **values: Any) -> Any:
        """Have the judge do something, such as one step of its environment; RefusedError if it does not."""
        self.say("call", name=name, values=plain(values))
        reply = wire.receive_message(self.channel, FOREVER)
        if reply["verb"] == "refuse":
            raise RefusedError(str(reply.get("message")))
        return reply.get("value")

    def say(self, verb: str, **values: Any) -> None:
        """Send one message to the judge."""
        wire.send(self.channel, {"verb": verb, **values}, FOREVER)


def plain(value: Any) -> Any:
    """Tensors as arrays, through lists, tuples and dicts; wire.py sees to the rest."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return value.detach().cpu().resolve_conj().resolve_neg().numpy()
    return value


def described(error: BaseException) -> dict[str, Any]:
    """An exception in words: type, message, and the student's own cell, line and code that it came from."""
    try:
        message = str(error)[:LONGEST_TEXT]
    except BaseException:
        message = ""
    where: dict[str, Any] = {"cell": "", "line": 0, "code": "", "function": ""}
    if isinstance(error, SyntaxError):
        where.update(cell=str(error.filename), line=int(error.lineno or 0), code=str(error.text or "").strip()[:200])
        message = str(error.msg)
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith("cell "):
            where.update(
                cell=frame.filename, line=frame.lineno or 0, code=(frame.line or "")[:200], function=frame.name
            )
    return {"type": type(error).__name__[:100], "message": message, **where}


class Host:
    """The process that forks a copy for every session and buries it afterwards."""

    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        self.control = control
        # only as the first of a namespace, or where it cannot reach its parent, may it kill everything but itself
        self.alone = settings["alone"] and (os.getpid() == 1 or not reaches(os.getppid()))
        self.folders = [(path, stat.S_IMODE(os.stat(path).st_mode)) for path in settings["folders"]]
        # made here, so that a machine without it is told before a student's code runs
        self.rules = walls.landlock_rules(settings["landlock"], settings["granted"]) if settings["landlock"] else None
        self.copy_filter = base64.b64decode(settings["copy_filter"])
        self.copy = 0
        self.loaded = Loaded([], "")

    def serve(self) -> None:
        """Answer the judge until it hangs up."""
        wire.send(self.control, {"verb": "ready"}, FOREVER)
        while True:
            said, descriptors, _, _ = socket.recv_fds(self.control, LONGEST_VERB, 1)
            verb = said.rstrip()
            if verb == b"session" and descriptors:
                self.end(patience=0)
                self.start(descriptors[0])
                wire.send(self.control, {"verb": "ready"}, FOREVER)
            elif verb == b"load":
                self.loaded = Loaded(**wire.receive(self.control, FOREVER), announce=self.name_cell)
                wire.send(self.control, {"verb": "ready"}, FOREVER)
            elif verb in (b"end", b"bury"):
                how = self.end(patience=0.5 if verb == b"bury" else 0)
                wire.send(self.control, {"verb": "ended", "how": how}, FOREVER)
            else:
                return

    def name_cell(self, label: str) -> None:
        """Tell the judge which cell is about to be compiled: compiling may take long, or end this process."""
        wire.send(self.control, {"verb": "cell", "label": label}, FOREVER)

    def start(self, descriptor: int) -> None:
        """Fork the copy that serves a session on that descriptor."""
        self.copy = os.fork()
        if self.copy:
            os.close(descriptor)
            return
        try:
            with contextlib.suppress(PermissionError):  # where a barrier keeps all in one session
                os.setsid()
            self.control.close()
            self.wall_in()
            Session(socket.socket(fileno=descriptor), self.loaded).serve()
        finally:
            os._exit(0)

    def wall_in(self) -> None:
        """Keep this copy apart from the process that it was forked from."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        walls.prctl(walls.SET_DUMPABLE, 1)  # the judge looks at what a copy uses
        if self.rules is not None:
            walls.take_landlock(self.rules)
        if self.copy_filter:
            walls.prctl(walls.SET_NO_NEW_PRIVS, 1)
            walls.take_filter(self.copy_filter)

    def end(self, patience: float) -> str:
        """Kill what is left of a session; how the copy ended, in words, if it did so within ``patience`` seconds."""
        if not self.copy:
            return ""
        latest = time.monotonic() + patience
        pid, status = os.waitpid(self.copy, os.WNOHANG)
        while not pid and time.monotonic() < latest:
            time.sleep(0.002)
            pid, status = os.waitpid(self.copy, os.WNOHANG)
        self.kill()
        if not pid:
            os.waitpid(self.copy, 0)
        self.copy = 0
        with contextlib.suppress(ChildProcessError):
            while True:  # as the first of a namespace this process is left with what others started
                os.waitpid(-1, 0)
        tidy.make_new(self.folders)
        if pid and os.WIFSIGNALED(status):
            return f"it was ended by {named(os.WTERMSIG(status))}"
        return f"it ended itself with exit code {os.WEXITSTATUS(status)}" if pid else ""

    def kill(self) -> None:
        """Kill the copy and all that it started."""
        try:
            if self.alone:
                os.kill(-1, signal.SIGKILL)
            else:
                os.killpg(self.copy, signal.SIGKILL)
        except OSError:  # nothing was left
            pass


def reaches(pid: int) -> bool:
    """Whether this process may signal another."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return False
    return True


def named(number: int) -> str:
    """A signal's name; those that programs use as they like have none."""
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def prepare(settings: dict[str, Any], judge: socket.socket) -> None:
    """Give up privileges, take on limits, and have the libraries ready, in this order: no limit can be raised again."""
    os.umask(0o022)  # not the grader's
    if settings["uid"] is not None:
        walls.take_user(settings["uid"])
        walls.prctl(walls.SET_PDEATHSIG, signal.SIGKILL)  # a change of user undoes the barrier's own
    if has_gone(judge):  # before this process was told to end with it
        sys.exit()
    for name, value in settings["limits"].items():
        limit = getattr(resource, name)
        _, hard = resource.getrlimit(limit)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (ceiling, ceiling))
    exec(compile(settings["warmup"], "<warmup>", "exec"), {"__name__": "warmup"})  # noqa: S102 - the judge's own text
    for name in settings["imports"]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector must not touch, and so copy, the pages that all copies share
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    os.close(silence)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler could be called from inside
    walls.prctl(walls.SET_DUMPABLE, 0)  # closes its memory, environment, descriptors and folders to its own user


def settings_from(judge: socket.socket) -> dict[str, Any]:
    """The first thing that the judge says."""
    length = int.from_bytes(judge.recv(4, socket.MSG_WAITALL), "big")
    return dict(json.loads(judge.recv(length, socket.MSG_WAITALL)))


def has_gone(judge: socket.socket) -> bool:
    """Whether the judge has hung up."""
    try:
        return not judge.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import tidy
    import walls

    channel = socket.socket(fileno=int(sys.argv[1]))
    given = settings_from(channel)
    sys.path[1:1] = given["libraries"]
    import wire

    prepare(given, channel)
    Host(channel, given).serve()
