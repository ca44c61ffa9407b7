"""One sandbox serves several submissions, and nothing of one reaches the next."""

import contextlib
import os
from dataclasses import replace

import psutil
import pytest
from conftest import PATIENT

from autograder.confined.barrier import Confined
from autograder.judging.checks import Value
from autograder.judging.process import StudentProcess
from autograder.judging.session import Answered, Gone, Outcome
from autograder.sandbox import HOST_IN_REACH, NAMES, Barrier, Bubblewrap, choose_barrier
from autograder.sandbox.usage import descendants

PROBES = "def call(session, x):\n    return session.student['f'](x)\n"


@pytest.fixture(scope="module", params=NAMES)
def barrier(request: pytest.FixtureRequest) -> Barrier:
    return choose_barrier(insist=request.param)


def submitted(process: StudentProcess, code: str, x: Value = 3.0) -> Outcome:
    """What f(x) answers for a submission of that code, which is done with then."""
    process.load([("cell 1", code)], PROBES)
    try:
        with process.session() as session:
            defined = session.define()
            return defined if isinstance(defined, Gone) else session.ask("call", {"x": x})
    finally:
        process.leave()


def answer_of(outcome: Outcome) -> object:
    assert isinstance(outcome, Answered), outcome
    return outcome.values


LEAVE = """
import os, sys, threading, time
def f(x):
    note = "autumn leaves of this submission"
    kept = [note * 1000]
    os.environ["NOTE"], sys.modules["note"] = note, os
    import numpy, json
    numpy.zeros = json.dumps = None
    for folder in {os.getcwd(), "/tmp", "/dev/shm"}:
        try:
            with open(f"{folder}/note", "w") as file:
                file.write(note)
        except OSError:
            pass
    if os.fork() == 0:
        try:
            os.setsid()
        except OSError:
            pass
        if os.fork() == 0:
            time.sleep(10**6)
        os._exit(0)
    return note
"""
FIND = """
import os, re, sys
def memory():
    for line in open("/proc/self/maps"):
        addresses, rights = line.split()[:2]
        first, last = (int(number, 16) for number in addresses.split("-"))
        if rights.startswith("r") and "[v" not in line:
            with open("/proc/self/mem", "rb", 0) as file:
                try:
                    file.seek(first)
                    yield file.read(last - first)
                except (OSError, ValueError, OverflowError):
                    pass

def f(x):
    note = re.compile(b"autumn[ ]leaves[ ]of[ ]this")  # which does not match its own text
    found = ["memory"] if any(note.search(stretch) for stretch in memory()) else []
    found += ["environment"] if "NOTE" in os.environ else []
    found += ["modules"] if "note" in sys.modules else []
    for folder in {os.getcwd(), "/tmp", "/dev/shm"}:
        try:
            found += [f"{folder}/{name}" for name in os.listdir(folder) if name == "note"]
        except OSError:
            pass
    import json
    import numpy
    return {"found": found, "works": [float(numpy.zeros(1)[0]), json.dumps(1)]}
"""


def test_nothing_of_a_submission_is_left_for_the_next(barrier: Barrier) -> None:
    with StudentProcess(barrier, PATIENT, imports=["numpy", "json"]) as process:
        assert answer_of(submitted(process, LEAVE))
        below = descendants(process._process.pid if process._process else 0)
        assert len(below) == 1, "only the first process is left"
        if can_read_its_memory(barrier):
            seen = answer_of(submitted(process, FIND))
            assert seen == {"found": [], "works": [0.0, "1"]}
        assert process.starts == 1


def can_read_its_memory(barrier: Barrier) -> bool:
    """Behind the second barrier /proc is closed, so that code cannot search even its own memory in this way."""
    return isinstance(barrier, Bubblewrap)


def test_the_search_finds_what_is_in_memory(barrier: Barrier) -> None:
    if not can_read_its_memory(barrier):
        return
    here = "KEPT = 'autumn leaves of this submission'\n" + FIND
    with StudentProcess(barrier, PATIENT) as process:
        seen = answer_of(submitted(process, here))
    assert isinstance(seen, dict)
    assert seen["found"] == ["memory"]


ATTACK = """
import ctypes, os, resource, signal
def came_through(act):
    try:
        act()
    except (OSError, PermissionError):
        return False
    return True

def traced(pid):
    libc = ctypes.CDLL(None)
    if libc.ptrace(16, pid, None, None):
        raise OSError("refused")
    libc.ptrace(17, pid, None, None)

def f(pids):
    tried = {}
    for pid in pids:
        for name in ("mem", "environ", "maps", "fd/0"):
            tried[f"reads {name} of {pid}"] = came_through(lambda: os.open(f"/proc/{pid}/{name}", os.O_RDONLY))
        tried[f"writes to {pid}"] = came_through(lambda: os.open(f"/proc/{pid}/mem", os.O_RDWR))
        tried[f"traces {pid}"] = came_through(lambda: traced(pid))
        tried[f"limits {pid}"] = came_through(lambda: resource.prlimit(pid, resource.RLIMIT_CORE))
        for number in (signal.SIGSTOP, signal.SIGKILL):
            came_through(lambda: os.kill(pid, number))
    return [name for name, came in tried.items() if came]
"""


def test_no_copy_reaches_the_process_that_serves_the_next_submission(barrier: Barrier) -> None:
    with StudentProcess(barrier, PATIENT) as process:
        assert answer_of(submitted(process, "def f(x): return x")) == 3.0
        assert process._process is not None
        (first,) = descendants(process._process.pid)
        process.load([("cell 1", ATTACK)], PROBES)
        with process.session() as session:
            session.define()
            host = next(pid for pid in descendants(process._process.pid) if psutil.Process(pid).ppid() == first)
            inside: list[Value] = [1, 2, os.getppid()] if isinstance(barrier, Bubblewrap) else [first, host]
            assert answer_of(session.ask("call", {"x": inside})) == []
        process.leave()
        assert answer_of(submitted(process, "def f(x): return x")) == 3.0
        assert process.starts == 1 or HOST_IN_REACH in barrier.weaknesses


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    held = b'1' * 400 * 2**20\n    while True: pass",
        "import os\ndef f(x): os._exit(3)",
        "def f(x):\n    while True: pass",
        "while True: pass",
        "x = " + "(" * 90 + "0" + ")" * 90 + "\ndef f(x): raise SystemExit",
    ],
    ids=["memory", "exit", "endless", "endless definition", "exit by an exception"],
)
def test_however_a_submission_ends_the_next_is_served(barrier: Barrier, code: str) -> None:
    limits = replace(PATIENT, memory_of_all=300 * 2**20, seconds_per_ask=1.5, seconds_to_define=1.5)
    with StudentProcess(barrier, limits) as process:
        for _ in range(2):
            assert not isinstance(submitted(process, code), Answered)
            assert answer_of(submitted(process, "def f(x): return x + 1")) == 4.0


def test_a_sandbox_that_is_gone_is_replaced_for_the_next_submission(barrier: Barrier) -> None:
    with StudentProcess(barrier, PATIENT) as process:
        assert answer_of(submitted(process, "def f(x): return x")) == 3.0
        assert process._process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process._process.pid).children(recursive=True):
                child.kill()
        assert answer_of(submitted(process, "def f(x): return x")) == 3.0
        assert process.starts == 2


def test_where_the_kernel_cannot_protect_the_first_process_every_submission_gets_a_new_one() -> None:
    """Landlock blocks signals from version 6 on; behind namespaces the first process is protected without it."""
    for barrier, starts in ((replace(Confined.here(), abi=5), 2), (replace(first_barrier(), landlock=5), 1)):
        with StudentProcess(barrier, PATIENT) as process:
            for _ in range(2):
                assert answer_of(submitted(process, "def f(x): return x")) == 3.0
            assert process.starts == starts
        assert (HOST_IN_REACH in barrier.weaknesses) or not getattr(barrier, "own_user", True)


def first_barrier() -> Bubblewrap:
    found = choose_barrier(insist=Bubblewrap.name)
    assert isinstance(found, Bubblewrap)
    return found


def test_every_submission_has_the_whole_disk_to_itself(barrier: Barrier) -> None:
    fill = "import os\ndef f(x):\n    open(os.path.expanduser('~/a'), 'wb').write(bytes(3 * 2**20))\n    return x"
    limits = replace(PATIENT, tmp_size=4 * 2**20)
    with StudentProcess(barrier, limits) as process:
        for _ in range(3):
            assert answer_of(submitted(process, fill)) == 3.0
        assert process.starts == 1
