"""The doctor finds a fit machine fit, and says the mend for what is lacking."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.doctor.trial import PLACES, what_comes_through
from autograder.limits import Limits
from autograder.sandbox import NAMES, Barrier, Looked, NoBarrier, Prepared, choose_barrier


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    """The choice of a barrier is made anew, and again after the test."""
    choose_barrier.cache_clear()
    yield
    choose_barrier.cache_clear()


def findings(*options: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = CliRunner().invoke(app, ["doctor", "--json", *options])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, {item["subject"]: item for item in json.loads(done.stdout)}


@pytest.fixture
def no_barrier(fresh_choice: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with neither bubblewrap nor Landlock."""
    monkeypatch.setattr("autograder.sandbox.find_bubblewrap", lambda: None)
    monkeypatch.setattr("autograder.sandbox.landlock_version", lambda: 0)


def test_a_machine_that_can_grade_is_found_well(kit: Path) -> None:
    code, found = findings("--course", str(kit))
    of_the_machine = ("Python", "packages", "course", "bubblewrap", "confined", "sandbox")
    assert [found[subject] for subject in of_the_machine if not found[subject]["well"]] == []
    assert [found[subject]["mend"] for subject in of_the_machine if found[subject]["mend"]] == []
    assert code == (0 if all(item["well"] for item in found.values()) else 1)


@pytest.mark.usefixtures("no_barrier")
def test_without_any_barrier_the_mend_of_each_is_said(kit: Path) -> None:
    code, found = findings("--course", str(kit))
    assert code == 1
    assert not any(found[subject]["well"] for subject in ("bubblewrap", "confined", "sandbox"))
    assert "apt install bubblewrap" in found["bubblewrap"]["mend"]
    assert "Landlock" in found["confined"]["mend"]
    assert "apt install bubblewrap" in found["sandbox"]["mend"]


@pytest.mark.usefixtures("fresh_choice")
def test_without_bubblewrap_the_other_barrier_is_well_and_said_to_be_weaker(
    kit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.sandbox.find_bubblewrap", lambda: None)
    _, found = findings("--course", str(kit))
    assert "apt install bubblewrap" in found["bubblewrap"]["mend"]
    assert found["bubblewrap"]["well"]  # it is not needed, but an advice
    assert found["sandbox"]["well"]
    assert found["sandbox"]["found"].startswith("confined: ")
    assert "Where it is weaker than bubblewrap: " in found["sandbox"]["found"]


@pytest.mark.usefixtures("no_barrier")
def test_a_sandbox_that_does_not_start_is_told_from_one_that_is_not_there(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr("autograder.sandbox.find_bubblewrap", lambda: str(broken))
    code, found = findings("--course", str(kit))
    assert code == 1
    assert "No permissions to create new namespace" in found["sandbox"]["found"]
    assert "Allow user namespaces" in found["sandbox"]["mend"]


@pytest.mark.usefixtures("fresh_choice")
def test_a_barrier_that_starts_but_lets_something_through_is_not_well(
    kit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.doctor.look_for", lambda name: Looked(name, NoBarrier()))
    code, found = findings("--course", str(kit))
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
def test_a_missing_course_is_told_and_the_rest_is_looked_at_all_the_same(tmp_path: Path) -> None:
    code, found = findings("--course", str(tmp_path))
    assert code == 1
    assert str(tmp_path) in found["course"]["found"]
    assert found["course"]["mend"]
    assert "sandbox" in found


@pytest.mark.usefixtures("no_barrier")
def test_people_read_the_mend_below_what_is_wrong(kit: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--course", str(kit)])
    lines = done.stdout.splitlines()
    assert any(line.startswith("✓ packages") for line in lines)
    (broken,) = (number for number, line in enumerate(lines) if line.startswith("✗ sandbox"))
    assert "bubblewrap" in " ".join(lines[broken + 1 :])
