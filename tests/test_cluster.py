"""A class graded by the workers of a cluster: a scheduler and workers, real processes, on the loopback interface."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import pytest
from cluster_processes import (
    TLS,
    LoopbackCluster,
    killed_by_zoe,
    loopback,
    of_another_version,
    with_a_full_disk,
    without_a_sandbox,
)
from grader_process import Grader
from small_course import CHECKS, hand_in, run, said, small_course
from small_course import handed_in as notebook_of

from autograder.cluster import batch, calling, desk
from autograder.cluster.parcels import Parcel, digest_of_practical, packed_practical
from autograder.course.folders import course_in
from autograder.grading.mark import Marking

ANSWERS = {"ada": "2 * x", "bob": "3 * x", "cleo": "abs(2 * x)", "dan": "1 / 0"}


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class, with one whose file is no notebook and one who handed in two."""
    root = small_course(tmp_path_factory.mktemp("class") / "my course")
    for student, answer in ANSWERS.items():
        hand_in(root, student, double=answer)
    hand_in(root, "fay", "no notebook")
    hand_in(root, "gil")
    (root / "submitted/gil.ipynb").write_text("{}", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def local(handed_in: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run without a cluster finds out."""
    root = Path(shutil.copytree(handed_in, tmp_path_factory.mktemp("local") / "my course"))
    run("grade", root, "--jobs", "1", "--no-gradebook")
    return found(root)


@pytest.fixture
def course(handed_in: Path, tmp_path: Path) -> Path:
    """The class for one test, not graded yet."""
    return Path(shutil.copytree(handed_in, tmp_path / "my course"))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LoopbackCluster]:
    """A cluster for one test, without workers."""
    with loopback(tmp_path) as started:
        yield started


def found(root: Path) -> dict[str, Any]:
    """The results that are kept, by student, but for what differs from course to course and from run to run."""
    files = sorted((root / "results/hw-1/students").glob("[!.]*.json"))
    texts = [file.read_text(encoding="utf-8").replace(str(root), "the course") for file in files]
    return {each["student"]: {**each, "seconds": 0} for each in map(json.loads, texts)}


def mended(root: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (root / "results/hw-1/mended").glob("[!.]*.ipynb")}


def test_workers_that_die_join_late_or_must_refuse_change_no_mark(
    cluster: LoopbackCluster, course: Path, local: dict[str, Any]
) -> None:
    cluster.worker(without_a_sandbox)
    cluster.worker(of_another_version)
    first = cluster.command()
    grader = Grader(course, "--scheduler", cluster.address, "--no-gradebook")
    grader.wait_for(lambda: len(found(course)) > len({"gil"}))
    os.kill(first.workers[0], signal.SIGKILL)
    cluster.worker()
    assert grader.finished() == 1, grader.said  # fay and gil could not be graded
    assert found(course) == local
    assert grader.said.count("does not grade: This machine has no sandbox that works.") == 1
    assert "does not grade: It would give other marks: the kit is 0.9 (" in grader.said
    assert "Traceback" not in grader.said
    os.kill(first.process.pid or 0, signal.SIGINT)
    assert first.finished() == 130
    assert "Stopped. The workers have left; what they were grading goes to others." in first.said


def test_what_kills_its_worker_twice_is_given_up_alone_and_a_worker_that_fails_is_left_out(
    cluster: LoopbackCluster, tmp_path: Path
) -> None:
    course = small_course(tmp_path / "my course")
    for student in ("ada", "zoe"):
        hand_in(course, student)
    cluster.worker(with_a_full_disk)
    for _ in range(3):
        cluster.worker(killed_by_zoe)
    done = run("grade", course, "--scheduler", cluster.address, "--no-gradebook")
    assert done.exit_code == 1
    assert found(course).keys() == {"ada"}
    assert found(course)["ada"]["points"] == 5
    assert "The process that graded this submission was killed twice" in said(done)
    assert "--student zoe --jobs 1" in said(done)
    ended = [each for each in cluster.processes if each.exitcode is not None]
    assert len(ended) == 2, ended


def test_over_tls_as_dask_is_configured_a_class_is_graded_and_what_is_known_is_asked_of_nobody(tmp_path: Path) -> None:
    course = small_course(tmp_path / "my course")
    hand_in(course, "ada", double="3 * x")
    with loopback(tmp_path, "tls", TLS) as cluster, dask.config.set(TLS):
        assert cluster.address.startswith("tls://")
        cluster.worker()
        words = ("grade", course, "--scheduler", cluster.address, "--no-gradebook")
        first, again = run(*words), run(*words)
    assert "1 graded now, 0 unchanged" in said(first)
    assert "0 graded now, 1 unchanged" in said(again)
    assert found(course)["ada"]["points"] == 3
    assert (course / "results/hw-1/results.csv").exists()  # published here, and not by a worker


def test_stopped_it_says_how_far_it_came_and_a_scheduler_that_goes_is_told(
    cluster: LoopbackCluster, tmp_path: Path
) -> None:
    course = small_course(tmp_path / "my course")
    hand_in(course, "ada")
    hand_in(course, "zoe", double="__import__('time').sleep(1000)")
    worker = cluster.worker()
    stopped = Grader(course, "--scheduler", cluster.address)
    stopped.wait_for(lambda: "ada" in found(course))
    assert stopped.killed(signal.SIGINT) == 130
    assert "Stopped. 1 of 2 are graded and kept. Run the same command again to go on." in stopped.said
    worker.kill()  # it is still at zoe's
    cluster.worker()
    left = Grader(course, "--scheduler", cluster.address, "--force")
    before = found_at(course, "ada")
    left.wait_for(lambda: found_at(course, "ada") != before)
    cluster.scheduler.kill()
    assert left.finished() == 2
    assert f"The scheduler at {cluster.address} has gone, and the workers with it." in left.said
    assert "run the same command again to go on" in left.said
    assert "Traceback" not in stopped.said + left.said


def found_at(course: Path, student: str) -> int:
    """When that student's result was kept."""
    return (course / f"results/hw-1/students/{student}.json").stat().st_mtime_ns


@pytest.mark.parametrize(
    ("command", "address"),
    [
        ("grade", "tcp://127.0.0.1:9"),
        ("grade", "here://127.0.0.1:9"),
        ("grade", "tls://127.0.0.1:9"),
        ("grade", "tcp://127.0.0.1"),
        ("worker", "tcp://127.0.0.1:9"),
    ],
)
def test_a_scheduler_that_is_not_there_is_named(
    course: Path, monkeypatch: pytest.MonkeyPatch, command: str, address: str
) -> None:
    monkeypatch.setattr(calling, "CONNECT", 0.1)
    done = run("grade", course, "--scheduler", address) if command == "grade" else run("worker", address)
    assert done.exit_code == 2
    assert f"No scheduler can be reached at {address}: " in said(done)
    assert "Start one there (dask scheduler), or correct the address" in said(done)


def test_a_cluster_without_workers_is_waited_for_and_then_told(
    cluster: LoopbackCluster, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "PATIENCE", 0.0)
    done = run("grade", course, "--scheduler", cluster.address, "--no-gradebook")
    assert done.exit_code == 2
    assert f"No worker of {cluster.address} can grade. None has joined." in said(done)
    assert f"Start one: autograder worker {cluster.address}" in said(done)


@pytest.mark.parametrize("words", [("grade", "--scheduler", "tcp://127.0.0.1:9"), ("worker", "tcp://127.0.0.1:9")])
def test_without_dask_it_is_said_how_to_install_it(
    course: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.chdir(course)
    done = run(*words)
    assert done.exit_code == 2
    assert "pip install --constraint constraints.txt --editable '.[cluster]'" in said(done)


# --- a worker's desk, in this process


RAISES = CHECKS.replace('    note(exam, "shift")\n', '    assert type(exam).__name__ == "LocalExam"\n')


def test_a_worker_names_the_files_of_the_course_and_not_those_of_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = small_course(tmp_path / "my course", files={"checks.py": RAISES})
    content = json.dumps(notebook_of(course)).encode()
    packed = packed_practical(Marking(course_in(course)))
    (tmp_path / "worker").mkdir()
    monkeypatch.setattr(desk, "_practicals", lambda: tmp_path / "worker")
    parcel = Parcel(digest_of_practical(packed), "ada", "hw-1.ipynb", content)
    assert json.loads(desk.grade_parcel(parcel.packed())) == {"unknown": True}
    assert desk.prepare(packed) == ""
    answer = json.loads(desk.grade_parcel(parcel.packed()))
    assert answer["lost"]
    assert answer["result"]["fault"].startswith(f"{course}/solutions/hw-1/checks.py, line ")
    assert str(tmp_path / "worker") not in answer["result"]["fault"]


def test_the_practical_is_sent_under_one_digest_until_it_changes_and_without_its_solved_notebook(
    tmp_path: Path,
) -> None:
    course = small_course(tmp_path / "my course")
    (course / "solutions/hw-1/hw-1.ipynb").write_text("{}", encoding="utf-8")
    marking = Marking(course_in(course))
    first = packed_practical(marking)
    assert packed_practical(marking) == first
    assert b"solutions/hw-1/hw-1.ipynb" not in first
    (course / "solutions/hw-1/checks.py").write_text(RAISES, encoding="utf-8")
    assert digest_of_practical(packed_practical(marking)) != digest_of_practical(first)
