"""A student's code is asked in a process of its own, walled off, and whatever it does costs it that answer alone."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import PATIENT, QUICK

from autograder.confined.barrier import Confined
from autograder.course.practical import Practical
from autograder.doctor.barriers import what_comes_through
from autograder.judging.answer_key import AnswerKey
from autograder.judging.process import StudentProcess
from autograder.judging.session import Answered, Defined, Gone, Outcome, Raised
from autograder.sandbox import HOST_IN_REACH, NAMES, Barrier, Bubblewrap, choose_barrier
from autograder.sandbox.view import environment
from autograder.student.walls import landlock_version

PROBES = """
def call(session, x):
    return {"y": session.student["f"](x)}

def count(session, times):
    return {"sum": sum(session.ask_judge("next")["value"] for _ in range(times))}
"""


@pytest.fixture(scope="module", params=NAMES)
def barrier(request: pytest.FixtureRequest) -> Barrier:
    return choose_barrier(insist=request.param)


def ask(process: StudentProcess, code: str, x: float = 3.0) -> Outcome:
    """What f(x) answers once that code is defined, in a fresh copy of the process."""
    process.load([("cell 1", code)], PROBES)
    with process.session() as session:
        defined = session.define()
        return defined if isinstance(defined, Gone) else session.ask("call", {"x": x})


def answer_of(outcome: Outcome) -> object:
    assert isinstance(outcome, Answered), outcome
    assert isinstance(outcome.values, dict)
    return outcome.values["y"]


def test_an_answer_comes_back_as_plain_data(process: StudentProcess) -> None:
    answer = answer_of(
        ask(process, "import numpy as np\ndef f(x): return np.full((2, 3), x), [x, 'text', None], {'k': True}")
    )
    assert isinstance(answer, list)
    array, items, mapping = answer
    np.testing.assert_array_equal(array, np.full((2, 3), 3.0))
    assert items == [3.0, "text", None]
    assert mapping == {"k": True}


def test_what_cannot_be_sent_comes_back_as_the_name_of_its_type(process: StudentProcess) -> None:
    assert repr(answer_of(ask(process, "def f(x): return f"))) == "Opaque(type_name='function')"


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("import os\ndef f(x): os._exit(0)", "it ended itself with exit code 0"),
        ("import os\ndef f(x): os._exit(7)", "it ended itself with exit code 7"),
        ("import os\ndef f(x): os.kill(os.getpid(), 9)", "it was ended by SIGKILL"),
        ("import ctypes\ndef f(x): ctypes.string_at(0)", "it was ended by SIGSEGV"),
        ("import os\ndef f(x): os.abort()", "it was ended by SIGABRT"),
        ("import os\ndef f(x): os.kill(os.getpid(), 40)", "it was ended by signal 40"),
    ],
)
def test_code_that_ends_its_process_is_told_how(process: StudentProcess, code: str, how: str) -> None:
    outcome = ask(process, code)
    assert isinstance(outcome, Gone)
    assert how in outcome.how
    assert not outcome.hung
    assert answer_of(ask(process, "def f(x): return x + 1")) == 4


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    while True: pass",
        "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        "import signal as s, time\ndef f(x):\n    s.pthread_sigmask(s.SIG_BLOCK, range(1, 65))\n    time.sleep(10**6)",
        "def f(x): return input()",
    ],
    ids=["endless loop", "loop that swallows everything", "blocked signals", "waits for the keyboard"],
)
def test_code_that_waits_or_never_ends_is_given_up_and_the_next_is_answered(
    impatient: StudentProcess, code: str
) -> None:
    outcome = ask(impatient, code)
    assert isinstance(outcome, Gone | Raised)
    assert answer_of(ask(impatient, "def f(x): return x + 1")) == 4


@pytest.mark.parametrize(("others_ran", "in_time"), [(0.0, False), (60.0, True)], ids=["idle machine", "busy machine"])
def test_the_time_in_which_others_ran_in_its_place_is_not_counted(
    impatient: StudentProcess, monkeypatch: pytest.MonkeyPatch, others_ran: float, in_time: bool
) -> None:
    kept_waiting = iter(
        [{os.getpid(): 0.0, 1: 0.0}, {os.getpid(): 0.0, 1: 0.0}]
    )  # as it is loaded, and as the session begins
    monkeypatch.setattr(impatient, "waits", lambda: next(kept_waiting, {os.getpid(): 0.0, 1: others_ran}))
    outcome = ask(impatient, "import time\ndef f(x):\n    end = time.time() + 1.5\n    while time.time() < end: pass")
    assert isinstance(outcome, Answered if in_time else Gone)


def test_a_definition_that_never_ends_names_its_cell(impatient: StudentProcess) -> None:
    impatient.load([("cell 1", "def f(x): return x"), ("cell 2", "class A:\n    while True: pass")], PROBES)
    with impatient.session() as session:
        outcome = session.define(announce=True)
        assert isinstance(outcome, Gone)
        assert session.place.cell == "cell 2"


def test_an_exception_is_told_with_the_students_own_cell_line_and_code(process: StudentProcess) -> None:
    outcome = ask(process, "def g(x):\n    return 1 / 0\ndef f(x):\n    return g(x)")
    assert outcome == Raised("ZeroDivisionError", "division by zero", "cell 1", 2, "return 1 / 0")


def test_a_statement_that_raises_is_noted_and_the_others_still_run(process: StudentProcess) -> None:
    process.load([("cell 1", "a = undefined\ndef f(x): return x")], PROBES)
    with process.session() as session:
        outcome = session.define()
        assert isinstance(outcome, Defined)
        assert [fault.type for fault in outcome.faults] == ["NameError"]
        assert answer_of(session.ask("call", {"x": 1.0})) == 1


@pytest.mark.parametrize(
    "code",
    ["import sys\ndef f(x): sys.exit()", "def f(x): raise KeyboardInterrupt", "def f(x): raise SystemError('odd')"],
)
def test_every_exception_is_only_an_answer(process: StudentProcess, code: str) -> None:
    assert isinstance(ask(process, code), Raised)


def test_what_one_copy_changes_no_other_copy_sees(process: StudentProcess) -> None:
    spoil = """
import builtins, numpy, os, pathlib, tempfile
def f(x):
    builtins.sum = None
    numpy.float64 = None
    os.environ["SPOILT"] = "1"
    pathlib.Path(tempfile.gettempdir(), "spoilt").write_text("spoilt")
    return x
"""
    look = """
import os
def f(x):
    try:
        shared = os.listdir("/dev/shm")
    except PermissionError:  # nothing there is shown
        shared = []
    return [sum([1]), os.environ.get("SPOILT"), os.listdir(os.getcwd()), shared]
"""
    assert answer_of(ask(process, spoil)) == 3
    assert answer_of(ask(process, look)) == [1, None, [], []]


def test_behind_namespaces_right_code_may_move_files_and_open_terminals_of_its_own() -> None:
    """Landlock, on top of them, takes away nothing that only the sandbox's own folders and devices are part of."""
    use = """
import os, pty
def f(x):
    os.mkdir("/tmp/one")
    os.mkdir("/tmp/other")
    for device in ("/dev/null", "/dev/full", "/dev/tty"):
        assert os.path.exists(device)
    open("/tmp/one/file", "w").write("kept")
    os.replace("/tmp/one/file", "/tmp/other/file")
    os.link("/tmp/other/file", "/tmp/one/file")
    os.symlink("/tmp/one/file", "/dev/shm/link")
    master, slave = pty.openpty()
    os.write(slave, b"x")
    return [open("/dev/shm/link").read(), os.read(master, 1) == b"x", "Name:" in open("/proc/self/status").read()]
"""
    with StudentProcess(choose_barrier(insist=Bubblewrap.name), PATIENT) as process:
        assert answer_of(ask(process, use)) == ["kept", True, True]


SPOIL = """
import contextlib, os
def f(x):
    for name in ("long" * 60, "b") * (x == "/tmp"):  # elsewhere, folders too deep for a path end the session
        for _ in range(1500):
            os.mkdir(name)
            os.chdir(name)
        os.chdir(x)
    for folder in (x, "/tmp", "/dev/shm"):
        for act in (
            lambda: os.setxattr(folder, "user.note", b"left behind"),
            lambda: os.utime(folder, (1, 2)),
            lambda: open(f"{folder}/file", "w").close(),
            lambda: os.chmod(folder, 0),
        ):
            with contextlib.suppress(OSError):
                act()
    return x
"""
NEW = """
import os
def f(x):
    seen = []
    for folder in {x, *("/tmp", "/dev/shm") * (x == "/tmp")}:
        about = os.stat(folder)
        seen += os.listdir(folder) + os.listxattr(folder) + [about.st_mtime < 1000]
        open(f"{folder}/file", "w").close()
    return [name for name in seen if name]
"""


def test_whatever_a_copy_does_to_its_folders_the_next_finds_them_as_new(process: StudentProcess) -> None:
    process.load([("cell 1", "import os\ndef f(x): return os.getcwd()")], PROBES)
    with process.session() as session:
        session.define()
        home = str(answer_of(session.ask("call", {"x": 0.0})))
    outcomes = []
    for code in (SPOIL, NEW, SPOIL, NEW):
        process.load([("cell 1", code)], PROBES)
        with process.session() as session:
            session.define()
            outcomes.append(answer_of(session.ask("call", {"x": home})))
    assert outcomes == [home, [], home, []]
    assert process.starts == 1


KERNELS_MEMORY = """
import asyncio, os, socket
def sockets():
    pairs = []
    try:
        while len(pairs) < 1000:
            pairs.append(socket.socketpair())
    except OSError:
        return len(pairs)

def files():
    number = 0
    while True:
        number += 1
        os.close(os.open(f"{os.environ['TMPDIR']}/{number}", os.O_CREAT | os.O_WRONLY))

async def three():
    return 3

def f(what):
    return sockets() if what == "sockets" else asyncio.run(three()) if what == "asyncio" else files()
"""


def test_memory_of_the_kernel_that_no_limit_counts_is_kept_small(process: StudentProcess) -> None:
    """What waits in sockets, and the entries of files that hold nothing."""
    process.load([("cell 1", KERNELS_MEMORY)], PROBES)

    def asked(what: str) -> Outcome:
        with process.session() as session:
            session.define()
            return session.ask("call", {"x": what})

    assert asked("asyncio") == Answered({"y": 3})
    assert asked("sockets") == Answered({"y": 8})
    assert asked("files") == Gone("wrote more to its disk than allowed")


OWNERS = """
import array, ctypes, fcntl, os, socket
def refused(act):
    try:
        act()
    except OSError:
        return True
    return False

def f(path):
    file = os.open(path, os.O_RDONLY)
    pair = socket.socketpair()
    flags = array.array("i", [0])
    return {
        "a lease": refused(lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)),
        "a lease for reading": refused(lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)),
        "flags that are read": refused(lambda: fcntl.ioctl(file, 0x80086601, flags)),
        "flags": refused(lambda: fcntl.ioctl(file, 0x40086602, flags)),
        "flags of XFS": refused(lambda: fcntl.ioctl(file, 0x401C5820, bytes(28))),
        "version": refused(lambda: fcntl.ioctl(file, 0x40087602, flags)),
        "verity": refused(lambda: fcntl.ioctl(file, 0x40806685, bytes(128))),
        "attributes": refused(lambda: os.setxattr(path, "user.note", b"x")),
        "attributes of its own": refused(lambda: os.setxattr(os.getcwd(), "user.note", b"x")),
        "notice of changes": ctypes.CDLL(None).inotify_init() < 0,
        "datagrams": refused(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)),
        "raw messages": refused(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)),
        "who is at the other end": refused(lambda: pair[0].getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)),
        "its groups": refused(lambda: pair[0].getsockopt(socket.SOL_SOCKET, 59, 400)),
        "its process": refused(lambda: pair[0].getsockopt(socket.SOL_SOCKET, 77, 4)),
        "who sends": refused(lambda: pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)),
    }
"""


def test_what_a_files_owner_may_do_without_a_right_to_write_is_refused(
    barrier: Barrier, process: StudentProcess, kit: Path
) -> None:
    """The libraries and the student host may be the grader's own files, and so those of student code's user."""
    folder = "/host" if isinstance(barrier, Bubblewrap) else kit / "autograder" / "student"
    process.load([("cell 1", OWNERS)], PROBES)
    with process.session() as session:
        session.define()
        seen = answer_of(session.ask("call", {"x": f"{folder}/wire.py"}))
    assert isinstance(seen, dict)
    assert [name for name, done in seen.items() if not done] == []


def test_memory_counts_although_the_first_thread_of_its_process_has_ended(barrier: Barrier) -> None:
    """The process is then told to hold nothing, while its other threads go on."""
    hide = """
import ctypes, os, threading, time
def hold():
    held = bytearray(300 * 2**20)
    time.sleep(1000)

def f(x):
    if os.fork() == 0:
        threading.Thread(target=hold).start()
        ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)
    time.sleep(1000)
"""
    with StudentProcess(barrier, replace(PATIENT, memory_of_all=200 * 2**20)) as process:
        assert ask(process, hide) == Gone("used more memory than allowed")


def test_a_daemon_does_not_outlive_its_question(process: StudentProcess) -> None:
    leave = """
import contextlib, os, time
def f(x):
    if os.fork() == 0:
        with contextlib.suppress(PermissionError):
            os.setsid()
        if os.fork() == 0:
            time.sleep(10**6)
        os._exit(0)
    return x
"""
    assert answer_of(ask(process, "def f(x): return x")) == 3
    before = psutil.Process().children(recursive=True)
    assert answer_of(ask(process, leave)) == 3
    left = set(psutil.Process().children(recursive=True)) - set(before)
    assert not psutil.wait_procs(left, timeout=10)[1]  # killed, they take a moment to end


def test_a_copy_that_kills_its_host_costs_nothing_but_a_new_start(process: StudentProcess) -> None:
    ask(process, "import os\ndef f(x): os.kill(os.getppid(), 9)")
    assert answer_of(ask(process, "def f(x): return x + 1")) == 4


def test_memory_is_limited(process: StudentProcess) -> None:
    outcome = ask(process, "def f(x): return bytearray(10**11)")
    assert isinstance(outcome, Raised)
    assert outcome.type == "MemoryError"


def test_the_memory_of_all_processes_together_is_limited(barrier: Barrier) -> None:
    hoard = """
import os
def f(x):
    for _ in range(4):
        if os.fork() == 0:
            break
    held = bytearray(80 * 2**20)
    while True: pass
"""
    limits = replace(QUICK, memory_of_all=200 * 2**20, seconds_per_ask=20)
    with StudentProcess(barrier, limits) as process:
        outcome = ask(process, hoard)
        assert isinstance(outcome, Gone)
        assert "memory" in outcome.how
        assert answer_of(ask(process, "def f(x): return x + 1")) == 4


def test_the_number_of_processes_is_limited(process: StudentProcess) -> None:
    outcome = ask(process, "import os\ndef f(x):\n    while True: os.fork()")
    if isinstance(outcome, Raised):
        assert outcome.type == "BlockingIOError"
    else:
        assert isinstance(outcome, Gone)
        assert "processes" in outcome.how
    assert answer_of(ask(process, "def f(x): return x + 1")) == 4


def test_the_disk_is_limited(process: StudentProcess) -> None:
    large = "def f(x):\n    with open('a', 'wb') as file: file.write(bytes(10**8))"
    outcome = ask(process, large)
    assert isinstance(outcome, Raised)
    assert "File too large" in outcome.message
    many = "def f(x):\n    for i in range(10**6):\n        with open(f'{i}', 'wb') as file: file.write(bytes(10**6))"
    outcome = ask(process, many)
    how = outcome.message if isinstance(outcome, Raised) else outcome.how if isinstance(outcome, Gone) else ""
    assert "No space left" in how or "wrote more to its disk" in how
    assert answer_of(ask(process, "def f(x): return x + 1")) == 4


def test_output_is_thrown_away_however_much_it_is(process: StudentProcess) -> None:
    shout = """
import os
def f(x):
    for _ in range(200):
        os.write(1, bytes(10**6))
        os.write(2, b"25/25")
    print("25/25")
    return x
"""
    assert answer_of(ask(process, shout)) == 3


def test_an_answer_that_is_too_large_is_an_error(process: StudentProcess) -> None:
    outcome = ask(process, "import numpy as np\ndef f(x): return np.zeros(3 * 10**6)")
    assert isinstance(outcome, Raised)
    assert "larger than" in outcome.message


def test_the_judge_is_called_back_and_answers(process: StudentProcess) -> None:
    values = iter(range(100))
    process.load([], PROBES)
    with process.session() as session:
        session.define()
        outcome = session.ask("count", {"times": 10}, handler=lambda _name, _values: {"value": next(values)})
    assert outcome == Answered({"sum": 45})


def test_a_call_that_nobody_asked_for_ends_the_conversation(process: StudentProcess) -> None:
    process.load([], PROBES)
    with process.session() as session:
        session.define()
        assert isinstance(session.ask("count", {"times": 1}), Gone)


FORGE = """
import os, socket
def f(x):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, {message!r})
        except OSError:
            pass
    return x
"""


@pytest.mark.parametrize(
    "message",
    [b"\xff" * 64, b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x01\x90", b"\x00\x00\x00\x02\x81\xa1"],
    ids=["noise", "empty frame", "endless frame", "frame with a list", "frame cut short"],
)
def test_bytes_written_to_every_descriptor_harm_nothing_but_the_answer(
    impatient: StudentProcess, message: bytes
) -> None:
    outcome = ask(impatient, FORGE.format(message=message))
    assert isinstance(outcome, Gone | Raised | Answered)
    assert answer_of(ask(impatient, "def f(x): return x + 1")) == 4


def test_there_is_no_network_no_privilege_and_no_trace_of_the_grader(
    barrier: Barrier, process: StudentProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_TOKEN", "secret")
    look = """
import os, socket
def tried(act):
    try:
        return act()
    except OSError:
        return None

def f(x):
    return {
        "socket": tried(lambda: socket.socket() and True),
        "interfaces": tried(socket.if_nameindex),
        "uid": os.getuid(),
        "listed": tried(lambda: sum(name.isdigit() for name in os.listdir("/proc"))),
        "environment": sorted(os.environ),
    }
"""
    process.load([("cell 1", look)], PROBES)
    with process.session() as session:
        session.define()
        seen = answer_of(session.ask("call", {"x": 1.0}))
        copy = psutil.Process().children(recursive=True)[-1]
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{copy.pid}/status").read_text().splitlines())
    assert isinstance(seen, dict)
    assert (seen["socket"], seen["interfaces"]) == (None, None)
    assert seen["uid"] != 0
    assert (seen["uid"] == os.getuid()) == (isinstance(barrier, Confined) and not barrier.own_user)
    assert seen["listed"] in (None, 3)  # the first process, the host and this copy
    assert isinstance(seen["environment"], list)
    assert set(map(str, seen["environment"])) <= {*environment("/"), "PWD"}
    kept = 1 << 2 if isinstance(barrier, Confined) and barrier.search else 0  # CAP_DAC_READ_SEARCH
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == kept
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"  # a filter


def test_no_signal_from_inside_ends_or_stops_the_host(barrier: Barrier, process: StudentProcess) -> None:
    signals = """
import os, signal
def f(x):
    for number in [*range(1, 65), signal.SIGSTOP, signal.SIGKILL]:
        for pid in (os.getppid(), 1):
            try:
                os.kill(pid, number)
            except OSError:
                pass
    return x
"""
    outcome = ask(process, signals)
    assert answer_of(ask(process, "def f(x): return x + 1")) == 4
    assert (process.starts == 1 and answer_of(outcome) == 3) == (HOST_IN_REACH not in barrier.weaknesses)


@pytest.mark.parametrize("version", range(landlock_version() + 1))
def test_bubblewrap_holds_with_the_landlock_of_every_kernel_and_with_none(version: int) -> None:
    barrier = choose_barrier(insist=Bubblewrap.name)
    assert isinstance(barrier, Bubblewrap)
    assert what_comes_through(replace(barrier, landlock=version)) == ()


GRADER = """
import sys
from autograder.judging.process import StudentProcess
from autograder.sandbox import choose_barrier
from conftest import PATIENT
with StudentProcess(choose_barrier(insist={name!r}), PATIENT, warmup={warmup!r}) as process:
    process.start()
    if not {warmup!r}:
        process.load([("cell 1", {daemons!r})], "def q(session): return session.student['f']()")
        with process.session() as session:
            session.define()
            session.ask("q", {{}})
            print("ready", flush=True)
            sys.stdin.read()
    print("ready", flush=True)
    sys.stdin.read()
"""
DAEMONS = """
import contextlib, os, time
def f():
    for _ in range(3):
        if os.fork() == 0:
            with contextlib.suppress(OSError):
                os.setsid()
            time.sleep(1000)
"""


@pytest.mark.parametrize("warmup", ["", "while True: pass"], ids=["while it works", "while it starts"])
@pytest.mark.parametrize("name", NAMES)
def test_when_the_grader_is_killed_nothing_of_its_sandbox_is_left(name: str, warmup: str) -> None:
    command = [sys.executable, "-c", GRADER.format(name=name, warmup=warmup, daemons=DAEMONS)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (Path(__file__).parent, Path(__file__).parents[1])))}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=paths) as grader:
        assert grader.stdout
        assert grader.stdout.readline() == b"ready\n"
        inside: list[psutil.Process] = []
        while len(inside) < (2 if warmup else 6):  # the barrier's own and the host; the copy and what it left behind
            assert grader.poll() is None
            inside = psutil.Process(grader.pid).children(recursive=True)
        grader.kill()
    assert psutil.wait_procs(inside, timeout=60)[1] == []


def test_only_its_own_folders_can_be_written_to(barrier: Barrier, process: StudentProcess) -> None:
    """Tried, not asked, in every folder that lies at most two deep on this machine, and where the kit lies."""
    look = """
import os, tempfile
def f(x):
    written = []
    for folder in [*x, os.getcwd()]:
        try:
            open(os.path.join(folder, "sandboxed"), "x").close()
            written.append(folder)
        except OSError:
            pass
    return [os.getcwd(), tempfile.gettempdir(), written]
"""
    upper = [path for path in Path("/").iterdir() if path.is_dir() and path.name not in ("proc", "sys")]
    listed = [folder for folder in upper if os.access(folder, os.R_OK | os.X_OK)]  # others are closed to this user
    folders = [
        *upper,
        *(path for folder in listed for path in folder.iterdir() if path.is_dir()),
        Path(__file__).parent,
    ]
    process.load([("cell 1", look)], PROBES)
    with process.session() as session:
        session.define()
        answer = answer_of(session.ask("call", {"x": [str(path) for path in folders]}, seconds=60))
    assert isinstance(answer, list)
    own, temporary, written = answer
    assert own == temporary
    assert not [path for path in folders if os.path.exists(path / "sandboxed")]  # noqa: PTH110 - some are closed
    allowed = {"/tmp", "/dev/shm"} if barrier.name == "bubblewrap" else set()
    assert isinstance(written, list)
    assert set(written) == {own, *allowed}


SEARCH = """
import os, sys

def readable(path):
    try:
        with open(path, "rb") as file:
            return b"" if file.read(4) == b"\\x7fELF" else file.read()
    except OSError:
        return b""

def search(session, needles, secrets, roots):
    needles = [needle.encode() for needle in needles]
    seen = {path: readable(path) for path in secrets}
    for root in roots or ["/", os.getcwd(), sys.path[0]]:
        for folder, folders, names in os.walk(root):
            if folder == "/":
                folders[:] = [name for name in folders if name not in ("proc", "sys", "dev")]
            for path in (os.path.join(folder, name) for name in names):
                if path not in seen and os.path.isfile(path) and not os.path.islink(path):
                    content = readable(path)
                    seen[path] = [needle.decode() for needle in needles if needle in content]
    return {"hits": {path: hits for path, hits in seen.items() if hits}, "files": len(seen)}
"""


def test_no_file_that_a_student_can_read_holds_a_hidden_check_or_the_reference(
    barrier: Barrier, sac: Practical, sac_key: AnswerKey, kit: Path
) -> None:
    """Searched from inside: all that can be listed, and hidden files by name. The host shows that the search finds.

    Third-party libraries are the same folder behind each barrier, and searched where a disk view shows all there is.
    """
    hidden = {check.question: check.sentence for check in sac_key.checks}.values()  # one for all of a module
    sources = [*sac.folder.glob("*.py"), sac.source_path]
    first_lines = [path.read_text(encoding="utf-8").splitlines()[0].strip('"') for path in sources[:-1]]
    first_lines.append("std = log_std.exp()")  # of the reference
    secrets = [str(path) for path in (*sources, kit / "pyproject.toml", Path("/etc/passwd"), Path("/proc/1/environ"))]
    limits = replace(QUICK, seconds_per_ask=300)
    roots = ["/"] if barrier.name == "bubblewrap" else []
    control = "bury      the same, after the copy has closed its socket by itself"
    needles = [*hidden, *first_lines, control]
    with StudentProcess(barrier, limits) as process:
        process.load([], SEARCH)
        with process.session() as session:
            session.define()
            outcome = session.ask("search", {"needles": [*needles], "secrets": [*secrets], "roots": [*roots]})
    assert isinstance(outcome, Answered)
    assert isinstance(outcome.values, dict)
    host = "/host" if barrier.name == "bubblewrap" else str(kit / "autograder" / "student")
    hits = outcome.values["hits"]
    assert isinstance(hits, dict)
    assert hits[f"{host}/host.py"] == [control]
    assert all(path.startswith(f"{host}/") and found == [control] for path, found in hits.items())  # and its .pyc
    assert isinstance(outcome.values["files"], int)
    assert outcome.values["files"] > (1000 if roots else len(secrets))
