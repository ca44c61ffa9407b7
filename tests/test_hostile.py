"""What broken and hostile submissions do costs them the question that they do it in, and nobody anything else.

Each folder of tests/hostile is one such thing; its README.md says which of the thirty it is. They are handed in as a
class, several to a student where each stays within its own function, and graded once: those that need PyTorch, an
environment or a long notebook in SAC, all others in a small NumPy practical.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import sac_course
from hostile_class import HOSTILE, Fault, hand_in, handed_in, load_faults, seated
from hostile_practical import NAME, PLACES, numbers_course
from typer.testing import CliRunner

from autograder.authoring import read_marked
from autograder.cli import app
from autograder.confined.barrier import Confined
from autograder.course.practical import load_practical
from autograder.sandbox import NAMES

KIT = Path(__file__).parent.parent
FAULTS = {name: fault for name, fault in load_faults().items() if not fault.of_training}
SECRET = "not-for-students-8d1f"
CONFIG = """
c = get_config()
c.Limits.seconds_per_ask = {seconds}
c.Limits.seconds_to_define = 1
c.Limits.memory_of_all = "512 MiB"
"""
OF_SAC = "c = get_config()\nc.Limits.seconds_per_ask = 120\n"
SHORT, LONG = 1, 120  # seconds an ask: for what hangs, and for what meets another limit, however slow the machine
LONGEST_RESULT = 100_000  # characters; one of ten questions with all their words has some 10,000


@dataclass(frozen=True)
class Listener:
    """A server that the sandbox must not reach, on all of this machine's addresses."""

    stream: socket.socket
    datagrams: socket.socket

    @property
    def port(self) -> int:
        """Of both kinds."""
        return int(self.stream.getsockname()[1])

    def heard(self) -> list[str]:
        """What has arrived."""
        found = []
        for kind, receiver in (("stream", self.stream.accept), ("datagram", lambda: self.datagrams.recv(100))):
            try:
                received = receiver()
                found.append(kind)
                if isinstance(received, tuple):
                    received[0].close()
            except BlockingIOError:
                pass
        return found


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with socket.socket() as stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        stream.bind(("127.0.0.1", 0))
        stream.listen()
        datagrams.bind(("127.0.0.1", stream.getsockname()[1]))
        stream.setblocking(False)
        datagrams.setblocking(False)
        yield Listener(stream, datagrams)


@dataclass(frozen=True)
class Graded:
    """The class, in its courses, and what came of it."""

    courses: dict[str, list[str]]  # a course's folder -> its students
    students: dict[str, list[Fault]]
    results: dict[str, dict[str, Any]]

    def student(self, fault: str) -> str:
        """Who handed that fault in."""
        return next(name for name, faults in self.students.items() if fault in [each.name for each in faults])

    def fault(self, name: str) -> Fault:
        """That fault, where it was seated."""
        return next(each for each in self.students[self.student(name)] if each.name == name)

    def attacked(self, student: str) -> set[str]:
        """The questions that a student's faults stand in."""
        return {question for fault in self.students[student] for question in fault.questions}

    def questions(self, student: str) -> dict[str, dict[str, Any]]:
        """A student's questions by name."""
        return {item["question"]: item for item in self.results[student]["questions"]}


@pytest.fixture(scope="module", params=NAMES)
def graded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Graded:
    """Everybody, graded with a secret in the grader's environment."""
    folder = tmp_path_factory.mktemp("hostile")
    made = Graded({}, {}, {})
    courses = {
        "sac": sac_course(folder / "sac", OF_SAC),
        "short": numbers_course(folder / "short", CONFIG.format(seconds=SHORT)),
        "patient": numbers_course(folder / "patient", CONFIG.format(seconds=LONG)),
    }
    for name, course in courses.items():
        handed = class_of(course, [fault for fault in FAULTS.values() if course_of(fault) == name], listener.port)
        made.courses[str(course)] = list(handed)
        made.students.update(handed)
        made.results.update({item["student"]: item for item in grade(course, request.param)})
    assert {result["barrier"] for result in made.results.values()} <= {request.param, ""}
    return made


def course_of(fault: Fault) -> str:
    """The course in which it is handed in."""
    return fault.practical or ("patient" if fault.patient else "short")


def class_of(course: Path, faults: Sequence[Fault], port: int) -> dict[str, list[Fault]]:
    """Hand these faults in; who hands in what."""
    name = next((course / "source").iterdir()).name
    practical = load_practical(course, name)
    marked = read_marked(practical.source, practical)
    places = {"course": str(course), "kit": str(KIT), "port": str(port), "secret": SECRET, "practical": name}
    seats = seated([fault.at(places) for fault in faults], PLACES if name == NAME else ())
    students = {f"{student} of {course.name}": handed for student, handed in seats.items()}
    for student, handed in students.items():
        hand_in(course / "submitted" / student, handed_in(marked, handed), handed, name)
    return students


def grade(course: Path, barrier: str) -> list[dict[str, Any]]:
    """What ``autograder grade`` prints of that course, two questions of SAC that take long left out.

    The second barrier is taken by itself, where the kernel forbids namespaces.
    """
    skipped = ["--skip", "training", "--skip", "get-action"] if (course / "source/sac").is_dir() else []
    words = ["grade", str(course), *skipped, "--no-gradebook", "--jobs", "1", "--json"]
    if barrier == Confined.name:
        there = [sys.executable, str(KIT / "tests" / "restricted.py"), "0" if os.geteuid() == 0 else str(os.geteuid())]
        command = [*there, "namespaces", sys.executable, "-m", "autograder", *words]
        environment = {**os.environ, "PYTHONPATH": str(KIT), "GRADER_SECRET": SECRET}
        text = subprocess.run(command, capture_output=True, env=environment, check=True).stdout.decode()
    else:
        done = CliRunner().invoke(app, words, env={"GRADER_SECRET": SECRET})
        assert done.exit_code == 0, done.output
        text = done.stdout
    return list(json.loads(text)["results"])


def lost(question: dict[str, Any]) -> bool:
    return bool(question["points"] < question["max_points"])


# --- one test a fault


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.earns == "nothing"])
def test_it_costs_the_question_that_it_stands_in(graded: Graded, name: str) -> None:
    questions = graded.questions(graded.student(name))
    assert graded.fault(name).attacked
    for attacked in graded.fault(name).attacked:
        question = questions[attacked]
        words = [check["happened"] for check in question["checks"]] or [question["remark"]]
        assert question["points"] == 0
        assert all(words), "no points, and no reason"
        assert any(re.search(FAULTS[name].says, each) for each in words), words


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.earns == "everything"])
def test_it_gains_nothing_and_costs_nothing(graded: Graded, name: str) -> None:
    student = graded.student(name)
    questions = graded.questions(student)
    for question in graded.fault(name).questions or questions.keys() - graded.attacked(student):
        assert questions[question]["status"] == "right", questions[question]


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.earns == "a part"])
def test_it_costs_the_check_that_it_fails(graded: Graded, name: str) -> None:
    questions = graded.questions(graded.student(name))
    for question in graded.fault(name).questions:
        assert questions[question]["status"] == "partly right"
        assert any(re.search(FAULTS[name].says, check["happened"]) for check in questions[question]["checks"])


# --- everybody and everything else


def test_nobody_was_left_ungraded(graded: Graded) -> None:
    assert graded.results.keys() == graded.students.keys()
    assert {name: result["fault"] for name, result in graded.results.items() if result["fault"]} == {}


def test_all_questions_that_nobody_attacked_keep_full_marks(graded: Graded) -> None:
    bystanders = [
        (student, question)
        for student in graded.students
        for question in graded.questions(student).keys() - graded.attacked(student)
    ]
    assert len(bystanders) > len(graded.students) * 3
    assert [each for each in bystanders if lost(graded.questions(each[0])[each[1]])] == []


def test_what_is_kept_of_a_submission_is_short_however_much_it_says(graded: Graded) -> None:
    lengths = {student: len(json.dumps(result)) for student, result in graded.results.items()}
    assert {student: length for student, length in lengths.items() if length > LONGEST_RESULT} == {}


def test_nothing_reached_the_network(graded: Graded, listener: Listener) -> None:
    assert graded.results
    assert listener.heard() == []
    socket.create_connection(("127.0.0.1", listener.port)).close()  # it does listen
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"x", ("127.0.0.1", listener.port))
    assert sorted(listener.heard()) == ["datagram", "stream"]


def test_nothing_was_written_outside_the_sandbox(graded: Graded) -> None:
    planted = ("mallory.json", "usercustomize.py")
    own = [KIT / "autograder", KIT / "solutions", KIT / "source", Path(sysconfig.get_path("purelib"))]
    roots = [*map(Path, graded.courses), *own]
    assert [path for root in roots for name in planted for path in root.glob(f"**/{name}")] == []
    for course, students in graded.courses.items():
        assert {path.stem for path in Path(course).glob("results/*/students/*.json")} == set(students)
        assert not (Path(course) / "gradebook.db").exists()
    assert not Path("/tmp/unpickled").exists()


def test_no_process_is_left(graded: Graded) -> None:
    assert graded.results
    left = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            above = ancestors(process.pid)
            # below this process, or with nobody but the first process above
            if any("host.py" in word for word in process.cmdline()) and (os.getpid() in above or above == {1}):
                left.append(process)
    _, alive = psutil.wait_procs(left, timeout=60)  # other tests may have killed a grader just now: what is ending ends
    assert alive == []


def ancestors(pid: int) -> set[int]:
    """The processes above one."""
    found: set[int] = set()
    while pid > 1:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            break
        pid = int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))
        found.add(pid)
    return found


# --- the folder that instructors open


def test_the_readme_names_every_folder_and_all_thirty() -> None:
    text = (HOSTILE / "README.md").read_text(encoding="utf-8")
    rows = {int(row[1]): row[0] for row in re.finditer(r"^\| (\d+) \|.*$", text, re.M)}
    assert rows.keys() == set(range(1, 31))
    for fault in load_faults().values():
        assert f"`{fault.name}`" in (rows[fault.of] if fault.of else text)
    for row in rows.values():
        assert all((KIT / path).is_file() for path in re.findall(r"`(tests/\w+\.py)`", row))
        assert re.search(r"`[\w/.-]+`", row)


def test_at_least_fifteen_are_aimed_at_the_kits_own_seams() -> None:
    assert sum(fault.of == 0 for fault in load_faults().values()) >= 15
