"""Behind the barrier for machines without namespaces, nothing gets out either; where it is weaker, it says so."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import QUICK
from small_course import hand_in, small_course

from autograder.confined.barrier import Confined
from autograder.doctor.barriers import what_comes_through
from autograder.errors import CourseError
from autograder.grading.store import as_data, from_data
from autograder.judging.process import StudentProcess
from autograder.judging.session import Answered, Gone, Outcome
from autograder.records import SubmissionResult
from autograder.reports.tables import report_lines
from autograder.sandbox import NAMES, VARIABLE, Barrier, NoBarrier, choose_barrier, look_for, why_not
from autograder.sandbox.filters import ON_SHARED_DISK
from autograder.sandbox.folder import MOST_FILES, overflow, private_folder
from autograder.sandbox.syscalls import NUMBERS
from autograder.sandbox.users import spare_user
from autograder.student.tidy import clear, remove

HERE = Path(__file__).parent
ORDINARY = 65534  # a user without rights
AS_ROOT = os.geteuid() == 0
USERS = (0, ORDINARY) if AS_ROOT else (os.geteuid(),)
# as this machine has it; as where the grader is an ordinary user; and there on a kernel before Linux 6.12
BARRIERS = {
    "as found": Confined.here(),
    "the grader's user": replace(Confined.here(), own_user=False),
    "the grader's user, old kernel": replace(Confined.here(), own_user=False, abi=min(Confined.here().abi, 3)),
}
PROBES = """
def call(session, x):
    return {"y": session.student["f"](x)}
"""


@pytest.fixture(params=BARRIERS)
def barrier(request: pytest.FixtureRequest) -> Barrier:
    return BARRIERS[request.param]


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    """The choice of a barrier is made anew, and again after the test."""
    choose_barrier.cache_clear()
    yield
    choose_barrier.cache_clear()


def ask(process: StudentProcess, code: str, x: Any = 3.0) -> Outcome:
    process.load([("cell 1", code)], PROBES)
    with process.session() as session:
        session.define()
        return session.ask("call", {"x": x})


def answer_of(outcome: Outcome) -> object:
    assert isinstance(outcome, Answered), outcome
    assert isinstance(outcome.values, dict)
    return outcome.values["y"]


def restricted(user: int, *command: str, forbidden: str = "namespaces") -> tuple[int, Any]:
    """What a command prints as JSON where namespaces are forbidden, and its exit code."""
    script = [sys.executable, str(HERE / "restricted.py"), str(user), forbidden, *command]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop(VARIABLE, None)
    done = subprocess.run(script, capture_output=True, env=environment, timeout=300, check=False)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


LOOK = """
import json
from autograder.errors import CourseError
from autograder.sandbox import NAMES, NoBarrier, choose_barrier, look_for
from autograder.doctor.barriers import what_comes_through
found = {"problems": {name: look_for(name).problem for name in NAMES}}
found["without"] = what_comes_through(NoBarrier())
try:
    barrier = choose_barrier()
    found |= {"chosen": barrier.name, "behind": what_comes_through(barrier), "weaknesses": barrier.weaknesses}
except CourseError as error:
    found |= {"refused": error.message, "mend": error.next_step}
print(json.dumps(found))
"""


@pytest.mark.parametrize("user", USERS)
def test_where_namespaces_are_forbidden_the_second_barrier_is_taken_and_holds(user: int) -> None:
    _, found = restricted(user, sys.executable, "-c", LOOK)
    assert found["problems"]["bubblewrap"]
    assert found["problems"]["confined"] == ""
    assert found["chosen"] == "confined"
    assert found["behind"] == []
    assert any("grader's own user" in sentence for sentence in found["weaknesses"]) == (user != 0)
    # the same attack without a barrier: all but what this machine forbids anyway comes through
    assert set(found["without"]) >= {
        "network",
        "reading of files that are not shown",
        "signals to the outside",
        "writing outside",
    }
    assert "new user namespaces" not in found["without"]


@pytest.mark.parametrize("user", USERS[-1:])
def test_where_landlock_is_missing_too_nothing_is_run_half_open(user: int) -> None:
    _, found = restricted(user, sys.executable, "-c", LOOK, forbidden="namespaces,landlock")
    assert found["problems"]["confined"] == "this kernel offers no Landlock"
    assert "chosen" not in found
    assert "bubblewrap" in found["refused"]
    assert "no Landlock" in found["refused"]
    assert "user namespaces" in found["mend"]


@pytest.mark.parametrize("user", USERS)
def test_a_right_submission_gets_full_marks_where_namespaces_are_forbidden(
    user: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("handed_in")
    for path in (folder, *folder.parents):
        if path.name.startswith(("handed_in", "popen-", "pytest-")):
            path.chmod(0o755)  # pytest's own would be closed to the ordinary user
    course = small_course(folder / "course")
    notebook = hand_in(course, "alice")
    for path in (course, *course.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)  # it notes there what is asked
    words = ("check", str(notebook), "--course", str(course), "--json")
    code, result = restricted(user, sys.executable, "-m", "autograder", *words)
    assert code == 0
    assert result["points"] == result["max_points"] > 0
    assert result["barrier"] == "confined"
    assert result["weaknesses"]


@pytest.mark.parametrize("user", USERS[:1])
def test_the_doctor_says_which_barriers_work_and_why_the_others_do_not(user: int, tmp_path: Path) -> None:
    words = ("doctor", "--course", str(small_course(tmp_path / "course")), "--json")
    _, findings = restricted(user, sys.executable, "-m", "autograder", *words)
    found = {item["subject"]: item for item in findings}
    assert found["bubblewrap"]["well"]  # it is not needed
    assert "does not work here" in found["bubblewrap"]["found"]
    assert found["bubblewrap"]["next_step"]
    assert found["confined"]["found"].startswith("works; from inside: no network")
    assert found["sandbox"]["well"]
    assert "weaker than bubblewrap" in found["sandbox"]["found"]


HOARD = """
import json
from dataclasses import replace
from autograder.course.limits import Limits
from autograder.judging.process import StudentProcess
from autograder.sandbox import choose_barrier
code = (
    "import os\\ndef f(x):\\n    for _ in range(4):\\n        if os.fork() == 0: break\\n"
    "    held = bytearray(80 * 2**20)\\n    while True: pass"
)
with StudentProcess(choose_barrier(), replace(Limits(), memory_of_all=200 * 2**20, seconds_per_ask=20)) as process:
    process.load([("cell 1", code)], "def call(session, x): return session.student['f'](x)")
    with process.session() as session:
        session.define()
        outcome = session.ask("call", {"x": 1.0})
        print(json.dumps(outcome.how))
"""


@pytest.mark.parametrize("user", USERS)
def test_memory_is_counted_where_the_judge_may_not_look_into_processes(user: int) -> None:
    """A container's root lacks the privilege to trace other users' processes."""
    assert restricted(user, sys.executable, "-c", HOARD) == (0, "used more memory than allowed")


def test_a_launcher_without_landlock_refuses_to_start_the_command() -> None:
    assert "no Landlock" in why_not(replace(Confined.here(), abi=0))


@pytest.mark.parametrize("abi", range(1, Confined.here().abi + 1))
@pytest.mark.parametrize("own_user", [True, False] if AS_ROOT else [False])
def test_it_holds_with_the_landlock_of_every_kernel(abi: int, own_user: bool) -> None:
    assert what_comes_through(replace(Confined.here(), abi=abi, own_user=own_user)) == ()


def test_without_a_barrier_the_same_attacks_come_through() -> None:
    assert set(what_comes_through(NoBarrier())) >= {
        "network",
        "reading of files that are not shown",
        "signals to the outside",
        "writing outside",
    }


# --- the filter of system calls

CALLS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def f(numbers):
    errors = {}
    for name, number in numbers.items():
        ctypes.set_errno(0)
        libc.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 6)
        errors[name] = ctypes.get_errno()
    return errors
"""


def test_every_system_call_of_the_list_is_refused() -> None:
    column = {"x86_64": 0, "aarch64": 1}[os.uname().machine]
    rules = [rule for rule in ON_SHARED_DISK if not rule.conditions]
    numbers = {rule.call: NUMBERS[rule.call][column] for rule in rules}
    expected = {rule.call: rule.error for rule in rules if numbers[rule.call] is not None}
    with StudentProcess(Confined.here(), QUICK) as process:
        seen = answer_of(ask(process, CALLS, {name: number for name, number in numbers.items() if number is not None}))
    assert seen == expected
    assert len(expected) > 80


@pytest.mark.parametrize("name", NAMES)
def test_calls_that_no_table_knows_and_other_architectures_are_not_let_through(name: str) -> None:
    unknown = "import ctypes, errno\nl = ctypes.CDLL(None, use_errno=True)\ndef f(x):\n    l.syscall(463 + int(x))"
    with StudentProcess(choose_barrier(insist=name), QUICK) as process:
        assert answer_of(ask(process, f"{unknown}\n    return ctypes.get_errno()")) == 38  # ENOSYS
        if os.uname().machine == "x86_64":
            outcome = ask(process, "import ctypes\ndef f(x): ctypes.CDLL(None).syscall(ctypes.c_long(0x40000000 + 39))")
            assert isinstance(outcome, Gone)
            assert "SIGSYS" in outcome.how


@pytest.mark.parametrize("name", NAMES)
def test_no_namespace_can_be_made_in_any_way(name: str) -> None:
    make = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
NEW = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
def f(x):
    made = [libc.unshare(flag) for flag in NEW]
    numbers = {"x86_64": (56, 435), "aarch64": (220, 435)}[os.uname().machine]
    made += [libc.syscall(ctypes.c_long(numbers[0]), ctypes.c_ulong(flag | 17), 0, 0, 0, 0) for flag in NEW]
    made.append(libc.syscall(ctypes.c_long(numbers[1]), ctypes.create_string_buffer(88), ctypes.c_size_t(88)))
    return made
"""
    with StudentProcess(choose_barrier(insist=name), QUICK) as process:
        made = answer_of(ask(process, make))
    assert made == [-1] * 15


@pytest.mark.parametrize("name", NAMES)
def test_what_right_code_may_need_works(name: str) -> None:
    needed = """
import contextlib, multiprocessing, socket, subprocess, sys, tempfile, threading
import torch
def f(x):
    seen = []
    thread = threading.Thread(target=seen.append, args=(1,))
    thread.start()
    thread.join()
    left, right = socket.socketpair()
    left.sendall(b"x")
    with tempfile.TemporaryDirectory() as folder:
        torch.save(torch.ones(3), f"{folder}/weights.pt")
        loaded = float(torch.load(f"{folder}/weights.pt").sum())
    with tempfile.TemporaryFile() as file:
        file.write(b"kept")
    child = multiprocessing.get_context("fork").Process(target=print)
    child.start()
    child.join()
    layer = torch.nn.Linear(3, 1)
    layer(torch.ones(2, 3)).sum().backward()
    return [seen, right.recv(1) == b"x", loaded, child.exitcode, layer.bias.grad.item()]
"""
    limits = replace(QUICK, seconds_to_define=30.0, seconds_per_ask=30.0)
    with StudentProcess(choose_barrier(insist=name), limits, imports=["torch"]) as process:
        assert answer_of(ask(process, needed)) == [[1], True, 3.0, 0, 2.0]


# --- what namespaces would keep apart

NEIGHBOUR = """
import ctypes, os, signal
def tried(act):
    try:
        return act() is not None
    except OSError:
        return False

def f(x):
    pid, folder = x
    secret = os.path.join(folder, "secret")
    ptrace = {"x86_64": 101, "aarch64": 117}[os.uname().machine]
    return {
        "read": tried(lambda: open(secret).read()),
        "listed": tried(lambda: os.listdir(folder)),
        "written": tried(lambda: open(os.path.join(folder, "new"), "w")),
        "emptied": tried(lambda: open(secret, "w")),
        "renamed": tried(lambda: os.rename(secret, secret + "2") or 1),
        "closed": tried(lambda: os.chmod(folder, 0) or 1),
        "memory": tried(lambda: open(f"/proc/{pid}/mem", "rb")),
        "traced": ctypes.CDLL(None).syscall(ctypes.c_long(ptrace), 16, pid, 0, 0) == 0,
        "limited": tried(lambda: __import__("resource").prlimit(pid, 7, (1, 1))),
        "signalled": tried(lambda: os.kill(pid, 0) or 1),
        "killed": tried(lambda: os.kill(pid, signal.SIGKILL) or 1),
    }
"""


def test_two_sandboxes_side_by_side_do_not_reach_each_other(barrier: Barrier) -> None:
    wait = "import os\nopen('secret', 'w').write('secret')\ndef f(x): return [os.getpid(), os.getcwd()]"
    with StudentProcess(barrier, QUICK) as one, StudentProcess(barrier, QUICK) as other:
        one.load([("cell 1", wait)], PROBES)
        with one.session() as session:
            session.define()
            where = answer_of(session.ask("call", {"x": 1.0}))
            seen = answer_of(ask(other, NEIGHBOUR, where))
            assert answer_of(session.ask("call", {"x": 1.0})) == where  # it is well
    assert isinstance(seen, dict)
    assert [name for name, done in seen.items() if done] == []


def test_killing_everything_in_reach_reaches_only_the_sandbox(barrier: Barrier) -> None:
    """A bystander of the same user, and the test itself, survive what a student's code sends to everyone."""
    everyone = (
        "import os\ndef f(x):\n    try:\n        os.kill(-1, 9)\n    except PermissionError:\n        return None"
    )
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        with StudentProcess(barrier, QUICK) as process:
            ask(process, everyone)
            assert answer_of(ask(process, "def f(x): return x + 1")) == 4
        assert bystander.poll() is None


DAEMON = """
import contextlib, os, time
def f(x):
    for _ in range(5):
        if os.fork() == 0:
            with contextlib.suppress(PermissionError):
                os.setsid()
            with contextlib.suppress(PermissionError):
                os.setpgid(0, 0)
            if os.fork() == 0:
                time.sleep(10**6)
            os._exit(0)
    return x
"""


def test_daemons_do_not_outlive_their_question(barrier: Barrier) -> None:
    with StudentProcess(barrier, QUICK) as process:
        others = set(psutil.Process().children(recursive=True))  # of tests before
        assert answer_of(ask(process, "def f(x): return x")) == 3
        before = len(psutil.Process().children(recursive=True))
        assert answer_of(ask(process, DAEMON)) == 3
        assert len(psutil.Process().children(recursive=True)) == before
        process.load([("cell 1", DAEMON)], PROBES)
        with process.session() as session:
            session.define()
            answer_of(session.ask("call", {"x": 1.0}))
            inside = psutil.Process().children(recursive=True)
            assert len(inside) > before + 5
            process.stop()
    assert not psutil.wait_procs(set(inside) - others, timeout=0)[1]


GRADER = """
import sys
from dataclasses import replace
from autograder.course.limits import Limits
from autograder.judging.process import StudentProcess
from autograder.confined.barrier import Confined
barrier = replace(Confined.here(), own_user={own_user}, abi={abi})
with StudentProcess(barrier, Limits()) as process:
    process.load([("cell 1", {code!r})], {probes!r})
    with process.session() as session:
        session.define()
        session.ask("call", {{"x": 1.0}})
        folder = session.ask("call", {{"x": 0.0}})
        print("ready", flush=True)
        sys.stdin.read()
"""


@pytest.mark.parametrize("name", BARRIERS)
def test_when_the_grader_is_killed_its_sandboxes_and_their_daemons_end_too(name: str) -> None:
    barrier = BARRIERS[name]
    code = GRADER.format(own_user=barrier.own_user, abi=barrier.abi, code=DAEMON, probes=PROBES)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE.parent) as grader:
        assert grader.stdout
        assert grader.stdout.readline() == b"ready\n"
        inside = psutil.Process(grader.pid).children(recursive=True)
        folder = Path(inside[0].cwd())  # the launcher's; nobody may look into the host
        assert len(inside) > 5
        grader.send_signal(signal.SIGKILL)
    assert not psutil.wait_procs(inside, timeout=30)[1]
    assert folder.name.startswith("sandbox-")
    assert not folder.exists()


def test_many_processes_are_stopped_where_the_kernel_does_not_count_them(barrier: Barrier) -> None:
    many = """
import os, time
def f(x):
    for _ in range(200):
        if os.fork() == 0: time.sleep(60)
    time.sleep(60)
"""
    with StudentProcess(barrier, replace(QUICK, seconds_per_ask=20.0)) as process:
        outcome = ask(process, many)
        said = outcome.how if isinstance(outcome, Gone) else getattr(outcome, "type", "")
        assert said in ("started more processes than allowed", "BlockingIOError")
        assert answer_of(ask(process, "def f(x): return x + 1")) == 4


def test_threads_count_as_processes_and_so_do_their_children() -> None:
    """Without the kernel's own limit: a process that a thread starts is its thread's child, not the main thread's."""
    hidden = """
import os, threading, time
def start():
    for _ in range(20):
        if os.fork() == 0: time.sleep(60)
    time.sleep(60)
def f(x):
    threading.Thread(target=start).start()
    time.sleep(60)
"""
    limits = replace(QUICK, seconds_per_ask=20.0, processes=16)
    with StudentProcess(replace(Confined.here(), own_user=False), limits) as process:
        outcome = ask(process, hidden)
    assert isinstance(outcome, Gone)
    assert outcome.how == "started more processes than allowed"


FILES = """
import os
def refused(act):
    try:
        act()
    except OSError:
        return True
    return False

def f(x):
    open("a", "w").write("kept")
    return {
        "chmod": refused(lambda: os.chmod("a", 0o777)),
        "utime": refused(lambda: os.utime("a")),
        "truncate": refused(lambda: os.truncate("a", 0)),
        "emptied for reading": refused(lambda: os.open("a", os.O_RDONLY | os.O_TRUNC)),
        "renamed": refused(lambda: os.rename("a", "b")),
        "link to what may be read": refused(lambda: os.link(x, "b")),
        "symlink": refused(lambda: os.symlink("/etc", "b")),
        "pipe": refused(lambda: os.mkfifo("b")),
        "content": open("a").read() == "kept",
    }
"""


def test_what_landlock_leaves_to_a_files_owner_the_filter_refuses(barrier: Barrier) -> None:
    with StudentProcess(barrier, QUICK) as process:
        seen = answer_of(ask(process, FILES, str(HERE.parent / "autograder" / "student" / "wire.py")))
    assert isinstance(seen, dict)
    assert [name for name, done in seen.items() if not done] == []


def test_what_is_deleted_while_open_still_counts(barrier: Barrier) -> None:
    hide = """
import os
def f(x):
    files = []
    for number in range(10**6):
        files.append(open("a" + str(number), "wb"))
        os.unlink("a" + str(number))
        files[-1].write(bytes(10**6))
        files[-1].flush()
        files = files[-10:]
"""
    limits = replace(QUICK, seconds_per_ask=20.0, tmp_size=2**25)
    with StudentProcess(barrier, limits) as process:
        outcome = ask(process, hide)
        assert isinstance(outcome, Gone)
        assert outcome.how == "wrote more to its disk than allowed"


# --- the private folder


@pytest.fixture
def folder() -> Iterator[Path]:
    made = private_folder(None)
    yield made
    remove(made)
    assert not made.exists()


def test_a_folder_deeper_than_any_path_is_found_out_and_taken_away(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(700):
        os.mkdir("deeper", dir_fd=descriptor)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    assert overflow(folder, 10**12)
    clear(folder)
    assert list(folder.iterdir()) == []


def test_folders_without_rights_and_names_of_any_bytes_are_taken_away(folder: Path) -> None:
    name = os.fsencode(folder) + b"/\xff\n-rf \xc3"
    closed = Path(os.fsdecode(name)) / "closed"
    closed.mkdir(parents=True)
    closed.joinpath("file").write_text("text")
    closed.chmod(0)
    closed.parent.chmod(0)
    clear(folder)
    assert list(folder.iterdir()) == []


def test_links_are_taken_away_and_not_followed(folder: Path, tmp_path: Path) -> None:
    tmp_path.joinpath("kept").write_text("kept")
    folder.joinpath("link").symlink_to(tmp_path)
    folder.joinpath("inner").mkdir()
    folder.joinpath("inner", "link").symlink_to(tmp_path)
    clear(folder)
    assert tmp_path.joinpath("kept").read_text() == "kept"


def test_bytes_and_files_are_counted_at_every_depth(folder: Path) -> None:
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    inner.joinpath("file").write_bytes(bytes(10**5))
    assert overflow(folder, 10**6) == ""
    assert "disk" in overflow(folder, 10**5)
    for number in range(MOST_FILES):
        inner.joinpath(str(number)).touch()
    assert "disk" in overflow(folder, 10**12)


# --- choosing, and saying which


@pytest.mark.usefixtures("fresh_choice")
def test_without_bubblewrap_the_second_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sandbox.find_bubblewrap", lambda: None)
    assert choose_barrier().name == "confined"


@pytest.mark.usefixtures("fresh_choice")
@pytest.mark.parametrize("name", NAMES)
def test_a_course_can_insist_on_a_barrier_by_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, name)
    assert choose_barrier().name == name


@pytest.mark.usefixtures("fresh_choice")
def test_a_barrier_that_is_insisted_on_and_does_not_work_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "bubblewrap")
    monkeypatch.setattr("autograder.sandbox.find_bubblewrap", lambda: None)
    with pytest.raises(CourseError, match="bubblewrap: it was not found"):
        choose_barrier()


def test_an_unknown_barrier_is_a_fault_that_names_the_known() -> None:
    with pytest.raises(CourseError, match="no barrier named 'wall'") as raised:
        look_for("wall")
    assert "bubblewrap, confined" in raised.value.next_step


def test_a_result_keeps_where_its_barrier_is_weaker_and_its_report_says_so() -> None:
    result = SubmissionResult("alice", "sac", barrier="confined", weaknesses=("It is weaker.",))
    assert from_data(json.loads(json.dumps(as_data(result)))) == result
    assert "'confined', which is not the strongest" in "\n".join(map(str, report_lines(result)))
    assert "strongest" not in "\n".join(map(str, report_lines(replace(result, barrier="bubblewrap", weaknesses=()))))


def test_users_for_sandboxes_lie_within_those_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("autograder.sandbox.users._effective", lambda: 2**41 - 1)
    for mapped, lowest, highest in (((0, 2**32 - 1), 2**30, 2**32), ((0, 65536), 32768, 65534)):
        monkeypatch.setattr("autograder.sandbox.users._mapped", lambda mapped=mapped: [mapped])
        drawn = [spare_user() for _ in range(10)]
        assert len(set(drawn)) == 10
        assert all(user is not None and lowest <= user < highest for user in drawn)
    monkeypatch.setattr("autograder.sandbox.users._mapped", lambda: [(0, 1)])
    assert spare_user() is None


@pytest.mark.parametrize("name", ["confined/launcher", "sandbox/usage", "student/tidy", "student/walls"])
def test_what_the_launcher_runs_is_of_the_standard_library_alone(name: str, kit: Path) -> None:
    import ast

    tree = ast.parse((kit / "autograder" / f"{name}.py").read_text(encoding="utf-8"))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in modules} <= {*sys.stdlib_module_names, "tidy", "usage", "walls"}
