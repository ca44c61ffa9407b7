"""The doctor finds a fit machine and a fit practical fit, and says what to do about what is not."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from small_course import CHECKS, CORPUS, NAME, notebook, run, small_course, write_source

from autograder.course.limits import Limits
from autograder.doctor.barriers import PLACES, what_comes_through
from autograder.doctor.resources import group_of_grader
from autograder.hints.recognise import Known
from autograder.hints.storage import save
from autograder.sandbox import NAMES, Barrier, Looked, NoBarrier, Prepared, choose_barrier


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    """The choice of a barrier is made anew, and again after the test."""
    choose_barrier.cache_clear()
    yield
    choose_barrier.cache_clear()


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return small_course(tmp_path / "my course")


def findings(*options: str | Path) -> tuple[int, dict[str, dict[str, str]]]:
    done = run("doctor", "--json", *options)
    return done.exit_code, {item["subject"]: item for item in json.loads(done.stdout)}


@pytest.fixture
def no_barrier(fresh_choice: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with neither bubblewrap nor Landlock."""
    monkeypatch.setattr("autograder.sandbox.find_bubblewrap", lambda: None)
    monkeypatch.setattr("autograder.sandbox.landlock_version", lambda: 0)


# --- the practicals


def test_the_kit_is_found_well(kit: Path) -> None:
    code, found = findings("--course", kit)
    assert "autograder init --secret" in found.pop("secret")["next_step"]  # a clone asks everybody the same
    assert [item for item in found.values() if not item["well"] or item["next_step"]] == []
    assert code == 0


@pytest.mark.usefixtures("fresh_choice")
def test_all_barriers_are_found_well(course: Path) -> None:
    code, found = findings("--course", course)
    assert all(found[name]["found"].startswith("works; from inside: no network") for name in NAMES)
    assert found["sandbox"]["found"].startswith(f"{NAMES[0]}: ")
    assert code == 0


@pytest.mark.usefixtures("no_barrier")
def test_every_practical_of_the_course_is_looked_at_unless_one_is_named(course: Path) -> None:
    small_course(course, name="hw-2")
    assert {"hw-1", "release of hw-1", "known mistakes of hw-1", "hw-2"} <= findings("--course", course)[1].keys()
    assert "hw-1" not in findings("--course", course, "--assignment", "hw-2")[1]


def break_checks(course: Path) -> None:
    (course / "solutions" / NAME / "checks.py").write_text(CHECKS.replace("@check(", "@check(1, "), "utf-8")


def import_what_is_missing(course: Path) -> None:
    made = notebook()
    made.cells[1].source = "import numpy as np\nimport nowhere_to_be_found"
    write_source(course, made)


def change_the_release(course: Path) -> None:
    other = notebook()
    del other.cells[4]
    write_source(course, other, "other")
    (course / "source/other/other.ipynb").replace(course / "release" / NAME / f"{NAME}.ipynb")


def keep_older_mistakes(course: Path) -> None:
    save(course / "solutions" / NAME / "known.json", Known({}, (), "older"))


def write_a_corpus(course: Path) -> None:
    folder = course / "solutions" / NAME / "variants"
    folder.mkdir()
    (folder / "all.toml").write_text(CORPUS, encoding="utf-8")


@pytest.mark.usefixtures("no_barrier")
@pytest.mark.parametrize(
    ("change", "subject", "words", "step"),
    [
        (break_checks, "hw-1", "solutions/hw-1/checks.py, line", "Correct"),
        (import_what_is_missing, "hw-1", "hw-1.ipynb imports what is not installed here: nowhere", "pip install now"),
        (change_the_release, "release of hw-1", "release/hw-1/hw-1.ipynb was made from another", "autograder generate"),
        (
            lambda course: (course / "release/hw-1/hw-1.ipynb").unlink(),
            "release of hw-1",
            "the students' version was never made",
            "autograder generate --assignment hw-1",
        ),
        (keep_older_mistakes, "known mistakes of hw-1", "known.json was made before", "verify --learn"),
        (write_a_corpus, "known mistakes of hw-1", "There is no", "autograder verify --learn --assignment hw-1"),
    ],
    ids=["checks", "libraries", "another release", "no release", "older known mistakes", "no known mistakes"],
)
def test_what_is_wrong_with_a_practical_is_named_with_its_file_and_the_next_step(
    course: Path, change: Callable[[Path], object], subject: str, words: str, step: str
) -> None:
    change(course)
    code, found = findings("--course", course)
    assert code == 1
    assert not found[subject]["well"]
    assert words in found[subject]["found"]
    assert step in found[subject]["next_step"]


@pytest.mark.usefixtures("no_barrier")
def test_a_release_with_older_prose_can_be_graded_by_and_that_is_said(course: Path) -> None:
    assert run("generate", "--course", course).exit_code == 0
    assert not findings("--course", course)[1]["release of hw-1"]["next_step"]
    write_source(course, notebook(prose="Fill in both blanks."))
    found = findings("--course", course)[1]["release of hw-1"]
    assert found["well"]
    assert "source's text was changed since" in found["found"]
    assert "autograder generate" in found["next_step"]


# --- the machine


@pytest.mark.usefixtures("no_barrier")
def test_without_any_barrier_it_is_said_of_each_what_to_do(course: Path) -> None:
    code, found = findings("--course", course)
    assert code == 1
    assert not any(found[subject]["well"] for subject in ("bubblewrap", "confined", "sandbox"))
    assert "apt install bubblewrap" in found["bubblewrap"]["next_step"]
    assert "Landlock" in found["confined"]["next_step"]
    assert "apt install bubblewrap" in found["sandbox"]["next_step"]


@pytest.mark.usefixtures("fresh_choice")
def test_without_bubblewrap_the_other_barrier_is_well_and_said_to_be_weaker(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.sandbox.find_bubblewrap", lambda: None)
    _, found = findings("--course", course)
    assert "apt install bubblewrap" in found["bubblewrap"]["next_step"]
    assert found["bubblewrap"]["well"]  # it is not needed, but an advice
    assert found["sandbox"]["well"]
    assert found["sandbox"]["found"].startswith("confined: ")
    assert "Where it is weaker than bubblewrap: " in found["sandbox"]["found"]


@pytest.mark.usefixtures("no_barrier")
def test_a_sandbox_that_does_not_start_is_told_from_one_that_is_not_there(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr("autograder.sandbox.find_bubblewrap", lambda: str(broken))
    code, found = findings("--course", course)
    assert code == 1
    assert "No permissions to create new namespace" in found["sandbox"]["found"]
    assert "Allow user namespaces" in found["sandbox"]["next_step"]


@pytest.mark.usefixtures("fresh_choice")
def test_a_barrier_that_starts_but_lets_something_through_is_not_well(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.doctor.examination.look_for", lambda name: Looked(name, NoBarrier()))
    code, found = findings("--course", course)
    assert code == 1
    for name in ("bubblewrap", "confined"):
        assert not found[name]["well"]
        assert "does not hold: network, reading of files that are not shown" in found[name]["found"]
        assert "signals to the outside, writing outside" in found[name]["found"]


@dataclass(frozen=True)
class Leaking:
    """A barrier that hands over something of the grader."""

    barrier: Barrier
    leak: str
    name: str = "leaking"
    promise: str = ""
    weaknesses: tuple[str, ...] = ()

    def prepare(self, limits: Limits) -> Prepared:
        """See Barrier."""
        prepared = self.barrier.prepare(limits)
        if self.leak == "environment":
            return replace(prepared, environment={**os.environ, **prepared.environment})
        return replace(prepared, descriptors=(*prepared.descriptors, *map(os.dup, descriptors_with_secrets())))


def descriptors_with_secrets() -> list[int]:
    """Those of this process whose files hold a secret of the doctor's."""
    found = []
    for number in range(os.sysconf("SC_OPEN_MAX")):
        with contextlib.suppress(OSError):
            if b"canary-" in os.pread(number, 100, 0):
                found.append(number)
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("leak", "said"),
    [
        ("environment", "the grader's environment in its own environment"),
        ("descriptors", "the grader's descriptors in a descriptor that it inherited"),
    ],
)
def test_what_a_barrier_hands_over_of_the_grader_is_named(name: str, leak: str, said: str) -> None:
    through = what_comes_through(Leaking(choose_barrier(insist=name), leak))
    assert said in through
    assert all(words.startswith(f"the grader's {leak} in ") for words in through)


def test_without_a_barrier_all_secrets_of_the_grader_are_found_where_they_lie() -> None:
    through = what_comes_through(NoBarrier())
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    shielded = {"memory"} if scope.exists() and scope.read_text() != "0\n" else set()  # by the kernel, for everybody
    for place in set(PLACES) - shielded:
        assert any(words.startswith(f"the grader's {place} in /proc/") for words in through), place


@pytest.mark.usefixtures("no_barrier")
def test_a_missing_course_is_said_and_the_rest_is_looked_at_all_the_same(tmp_path: Path) -> None:
    code, found = findings("--course", tmp_path)
    assert code == 1
    assert str(tmp_path) in found["course"]["found"]
    assert found["course"]["next_step"]
    assert "sandbox" in found


@pytest.mark.usefixtures("no_barrier")
def test_people_read_what_to_do_below_what_is_wrong(course: Path) -> None:
    done = run("doctor", "--course", course)
    lines = done.stdout.splitlines()
    assert any(line.startswith("✓ packages") for line in lines)
    (broken,) = (number for number, line in enumerate(lines) if line.startswith("✗ sandbox"))
    assert "bubblewrap" in " ".join(lines[broken + 1 :])


# --- publishing, and what limits grading as a whole


@pytest.mark.usefixtures("no_barrier")
def test_what_keeps_a_class_from_being_published_is_found_before_it_is_graded(course: Path) -> None:
    assert "folders can be written" in findings("--course", course)[1]["publishing of hw-1"]["found"]
    assert not (course / "feedback").exists()  # it only looks
    (course / "feedback").write_text("in the way", encoding="utf-8")
    found = findings("--course", course)[1]["publishing of hw-1"]
    assert not found["well"]
    assert found["found"] == f"{course}/feedback is no folder"
    assert found["next_step"].startswith("Move it away: mv ")


@pytest.mark.usefixtures("no_barrier")
def test_a_disk_without_room_is_said_with_the_next_step(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.doctor.publishing.LEAST_ROOM", 2**62)
    found = findings("--course", course)[1]["publishing of hw-1"]
    assert not found["well"]
    assert found["next_step"] == "Make room there."


GROUPS = {  # the files of a machine -> what is said of its control groups
    "version 2, limited above": (
        {"cgroup.controllers": "cpu memory", "a/memory.max": "2147483648\n"},
        "0::/a/b",
        "2 GiB",
    ),
    "version 1": ({"memory/a/memory.limit_in_bytes": "1073741824"}, "4:memory:/a\n0::/", "1 GiB"),
    "no limit": (
        {"a/memory.max": "max", "memory/memory.limit_in_bytes": "9223372036854771712"},
        "4:memory:/\n0::/a",
        "",
    ),
    "none at all": ({}, "", ""),
}


@pytest.mark.parametrize("name", GROUPS)
def test_a_limit_of_the_kernel_on_all_of_grading_is_named(tmp_path: Path, name: str) -> None:
    files, own, limit = GROUPS[name]
    for path, text in {**files, "own": own}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="ascii")
    said = group_of_grader(tmp_path, tmp_path / "own", tmp_path / "buses")
    assert said.endswith(f"together to {limit}") if limit else said.startswith("no control group limits memory")
    assert "systemd-run" not in said


def test_a_user_whose_groups_may_limit_memory_is_told_how(tmp_path: Path) -> None:
    (tmp_path / str(os.geteuid()) / "bus").mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids", encoding="ascii")
    assert "systemd-run --user --scope -p MemoryMax" in group_of_grader(tmp_path, tmp_path / "none", tmp_path)
