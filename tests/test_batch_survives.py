"""The grader is killed, stopped, starved and shut out, as a process of its own: what it has found out stays."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from grader_process import Grader, hand_in_for_all, marks
from small_course import hand_in, small_course

from autograder.grading.locking import only_grader

STUDENTS = 8
KILLS = 10
SEED = 7


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """A class with faults, not graded yet, and the points that each should have."""
    course = small_course(tmp_path_factory.mktemp("class") / "my course")
    return course, hand_in_for_all(course, STUDENTS, SEED)


@pytest.fixture(scope="module")
def undisturbed(handed_in: tuple[Path, dict[str, float]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class, graded in peace."""
    course = Path(shutil.copytree(handed_in[0], tmp_path_factory.mktemp("undisturbed") / "my course"))
    grader = Grader(course, "--jobs", "1")
    assert grader.finished() == 0, grader.said
    return course


@pytest.fixture
def course(handed_in: tuple[Path, dict[str, float]], tmp_path: Path) -> Path:
    """The class for one test, not graded yet."""
    return Path(shutil.copytree(handed_in[0], tmp_path / "my course"))


@pytest.fixture
def unpublished(undisturbed: Path, tmp_path: Path) -> Path:
    """The class for one test, graded, and nothing of it in the gradebook yet."""
    course = Path(shutil.copytree(undisturbed, tmp_path / "my course"))
    (course / "gradebook.db").unlink()
    for folder in ("autograded", "feedback", "results/hw-1/published"):
        shutil.rmtree(course / folder)
    return course


def kept(course: Path) -> dict[str, tuple[int, str]]:
    """The results that are kept: when each was written, and what it says."""
    files = (course / "results/hw-1/students").glob("[!.]*.json")
    return {file.stem: (file.stat().st_mtime_ns, file.read_text(encoding="utf-8")) for file in files}


def published(course: Path) -> dict[str, int]:
    """When each student's notebook and page were put in place."""
    files = [*course.glob("autograded/s*/hw-1/hw-1.ipynb"), *course.glob("feedback/s*/hw-1/hw-1.html")]
    found = {}
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # a grader at work is just replacing it
            found[str(file)] = file.stat().st_mtime_ns
    return found


def changed(before: dict[str, int], after: dict[str, int]) -> int:
    return sum(before.get(name) != time for name, time in after.items())


def is_at_work(course: Path, grader: Grader) -> bool:
    """Whether this grader, and not one that was killed before it, holds the lock."""
    with contextlib.suppress(OSError, ValueError):
        return bool(json.loads((course / "results/hw-1/.grading.json").read_text())["process"] == grader.pid)
    return False


def assert_nothing_is_half(course: Path, undisturbed: Path) -> None:
    """Results can be read; a student's marks are all there or none; notebooks and pages are as they should be."""
    for _, text in kept(course).values():
        json.loads(text)
    right = marks(undisturbed)
    for student, rows in marks(course).items():
        assert rows == right[student] or all(auto is None for _, auto, *_ in rows), student
    for path in map(Path, published(course)):
        assert path.read_bytes() == (undisturbed / path.relative_to(course)).read_bytes()


# --- killed


def test_killed_at_ten_moments_it_resumes_grades_nothing_twice_and_ends_with_the_same_marks(
    course: Path, undisturbed: Path, handed_in: tuple[Path, dict[str, float]]
) -> None:
    draw = random.Random(SEED)
    seen: dict[str, tuple[int, str]] = {}
    for number in range(KILLS):
        before, pages, steps = len(kept(course)), published(course), draw.randrange(4)
        grader = Grader(course, "--jobs", draw.choice("122"))
        grader.wait_for(lambda: is_at_work(course, grader))  # noqa: B023 - used up at once, as are those below
        if number < KILLS - 4:
            grader.wait_for(lambda: len(kept(course)) >= min(before + steps, STUDENTS))  # noqa: B023
        else:
            grader.wait_for(lambda: changed(pages, published(course)) > 2 * (steps // 2))  # noqa: B023
        assert grader.killed() == -signal.SIGKILL
        now = kept(course)
        assert {name: now[name] for name in seen} == seen  # not written again: graded once
        seen = now
        assert_nothing_is_half(course, undisturbed)
    pages = published(course)
    last = Grader(course, "--jobs", "2")
    assert last.finished() == 0, last.said
    assert kept(course) == seen
    rewritten = [name for name, time in pages.items() if published(course)[name] != time]
    assert len(rewritten) <= 1  # whom it was at when it was killed
    assert f"0 graded now, {STUDENTS} unchanged" in last.said
    assert json.loads((course / "results/hw-1/results.json").read_text()) == [
        json.loads(text) for _, text in seen_in_order(seen)
    ]
    assert csv_without_seconds(course) == csv_without_seconds(undisturbed)
    assert marks(course) == marks(undisturbed)
    assert len(published(course)) == 2 * STUDENTS
    assert_nothing_is_half(course, undisturbed)


def seen_in_order(seen: dict[str, tuple[int, str]]) -> list[tuple[int, str]]:
    return [seen[name] for name in sorted(seen)]


def csv_without_seconds(course: Path) -> str:
    return (course / "results/hw-1/results.csv").read_text(encoding="utf-8")


def test_an_undisturbed_class_with_every_fault_gets_the_marks_that_each_has_earned(
    undisturbed: Path, handed_in: tuple[Path, dict[str, float]]
) -> None:
    whole = json.loads((undisturbed / "results/hw-1/results.json").read_text(encoding="utf-8"))
    assert {item["student"]: item["points"] for item in whole} == handed_in[1]
    by_machine = {
        name: sum(float(str(auto)) for _, auto, *_ in rows if auto) for name, rows in marks(undisturbed).items()
    }
    assert by_machine == handed_in[1]


@pytest.mark.parametrize(("number", "jobs"), [(signal.SIGINT, "2"), (signal.SIGINT, "1"), (signal.SIGTERM, "2")])
def test_told_to_stop_it_says_how_far_it_came_and_leaves_nothing_running(
    course: Path, undisturbed: Path, number: signal.Signals, jobs: str
) -> None:
    hand_in(course, "zoe", double="__import__('time').sleep(1000)")  # the last, who keeps it at work
    grader = Grader(course, "--jobs", jobs)
    grader.wait_for(lambda: len(kept(course)) >= 2)
    assert grader.killed(number) == 128 + number
    found = re.search(r"Stopped\. (\d+) of 9 are graded and kept\. Run the same command again to go on\.", grader.said)
    assert found, grader.said
    assert int(found[1]) <= len(kept(course)) <= int(found[1]) + int(jobs)  # a worker may have kept one just now
    assert "Traceback" not in grader.said
    for name, (_, text) in kept(course).items():  # none is marked down because its sandbox was stopped
        right = json.loads((undisturbed / f"results/hw-1/students/{name}.json").read_text(encoding="utf-8"))
        assert {**json.loads(text), "seconds": 0} == {**right, "seconds": 0}


def test_stopped_while_it_publishes_it_says_that_all_results_are_kept(unpublished: Path, undisturbed: Path) -> None:
    grader = Grader(unpublished, "--jobs", "1", most_put=3)
    grader.wait_for(lambda: len(published(unpublished)) >= 3)
    assert grader.killed(signal.SIGINT) == 130
    assert "Stopped. All results are kept; the gradebook and the feedback are not written in full." in grader.said
    assert "Traceback" not in grader.said
    assert_nothing_is_half(unpublished, undisturbed)


# --- a worker killed


def test_a_worker_that_is_killed_costs_nobody_anything(course: Path, undisturbed: Path) -> None:
    grader = Grader(course, "--jobs", "2", "--no-gradebook")
    grader.wait_for(lambda: len(kept(course)) >= 1)
    os.kill(grader.workers[0], signal.SIGKILL)
    assert grader.finished() == 0, grader.said
    assert csv_without_seconds(course) == csv_without_seconds(undisturbed)


CORPUS = """
[[variant]]
id = "triples"
verdict = "wrong"
summary = "three times the number"
loses = ["double"]
fills = { "double.body" = "3 * x" }

[[variant]]
id = "adds"
verdict = "right"
summary = "the number and itself"
fills = { "double.body" = "x + x" }
"""


@pytest.fixture
def verified(course: Path) -> Grader:
    """A verification of the course's corpus, with two workers that are there already."""
    (course / "solutions/hw-1/variants").mkdir()
    (course / "solutions/hw-1/variants/all.toml").write_text(CORPUS, encoding="utf-8")
    grader = Grader(course, "--jobs", "2", command="verify")
    grader.wait_for(lambda: len(grader.workers) == 2)
    return grader


def test_a_worker_of_a_verification_that_is_killed_changes_no_verdict(verified: Grader) -> None:
    os.kill(verified.workers[0], signal.SIGKILL)
    assert verified.finished() == 0, verified.said
    assert "right kept: 1 / 1 wrong caught: 1 / 1 blame exact: 1 / 1" in verified.said


def test_no_worker_outlives_a_verification_that_is_killed_alone(verified: Grader) -> None:
    assert verified.killed(kill=os.kill) == -signal.SIGKILL


# --- starved and shut out


def test_a_disk_that_fills_up_while_grading_is_told_and_costs_no_result(course: Path) -> None:
    grader = Grader(course, "--jobs", "1", file_size=5000)  # bytes: room for one student's result, not for the class
    assert grader.finished() == 2
    assert (
        f"{course}/results/hw-1/results.json: File too large. Make room there and run the same command" in grader.said
    )
    assert "Traceback" not in grader.said
    assert len(kept(course)) == STUDENTS


def test_a_disk_without_room_for_the_gradebook_is_told_and_room_mends_it(unpublished: Path, undisturbed: Path) -> None:
    before = kept(unpublished)
    grader = Grader(unpublished, "--jobs", "1", file_size=60_000)
    assert grader.finished() == 2
    assert f"The gradebook {unpublished}/gradebook.db cannot be used: " in grader.said
    assert f"All results are kept in {unpublished}/results/hw-1; the same command then writes the rest." in grader.said
    assert "Traceback" not in grader.said
    assert Grader(unpublished, "--jobs", "1").finished() == 0
    assert (kept(unpublished), marks(unpublished)) == (before, marks(undisturbed))


@pytest.mark.parametrize("folder", ["results", "autograded", "feedback"])
def test_a_folder_that_cannot_be_written_is_named_before_anything_is_graded(course: Path, folder: str) -> None:
    (course / folder).mkdir(mode=0o555)
    grader = Grader(course, "--jobs", "1", rights_bind=True)
    assert grader.finished() == 2
    assert re.search(rf"{course}/{folder}\S*: Permission denied\. Look at the rights of the file", grader.said)
    assert kept(course) == {}


def test_a_gradebook_that_cannot_be_written_is_named_and_the_results_are_kept(unpublished: Path) -> None:
    before = kept(unpublished)
    with closing(sqlite3.connect(unpublished / "gradebook.db")):
        (unpublished / "gradebook.db").chmod(0o444)
    grader = Grader(unpublished, "--jobs", "1", rights_bind=True)
    assert grader.finished() == 2
    assert "gradebook.db cannot be used: attempt to write a readonly database. Look at the rights" in grader.said
    assert kept(unpublished) == before


def test_a_locked_gradebook_is_named_and_everything_else_is_kept(unpublished: Path) -> None:
    before = kept(unpublished)
    with (unpublished / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f'\nc.CourseDirectory.db_url = "sqlite:///{unpublished}/gradebook.db?timeout=0.1"\n')
    with closing(sqlite3.connect(unpublished / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        grader = Grader(unpublished, "--jobs", "1")
        assert grader.finished() == 2
    assert f"The gradebook {unpublished}/gradebook.db cannot be used: database is locked." in grader.said
    assert "Another program is writing to it, such as formgrader" in grader.said
    assert "Traceback" not in grader.said
    assert kept(unpublished) == before


@pytest.mark.parametrize("words", [(), ("--output", "elsewhere")])
def test_a_second_grader_is_told_who_is_at_work_and_does_nothing(course: Path, words: tuple[str, ...]) -> None:
    with only_grader(course / "results/hw-1"):
        grader = Grader(course, *words)
        assert grader.finished() == 2
    assert f"Another grader is at work on {course}/results/hw-1: process {os.getpid()} on " in grader.said
    assert "Wait until it is done, or stop it (what it has graded is kept)" in grader.said
    assert kept(course) == {}
    assert not (course / "gradebook.db").exists()
