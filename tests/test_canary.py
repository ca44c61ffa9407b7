"""A submission that searches all it can read finds what is its own, and no secret of the course or of others."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from canary import CHANNELS, OWN, PLACES, canary, plant, search_cell
from small_course import NAME, hand_in

from autograder.authoring import fill
from autograder.course.practical import load_practical
from autograder.sandbox import NAMES, VARIABLE


@dataclass(frozen=True)
class Searched:
    """What came of grading the submission that searches."""

    planted: dict[str, str]
    written: str  # all that the grader wrote: its output, and what it said on the side
    seen: frozenset[tuple[str, str]]  # (place, where it was seen)


@pytest.fixture(scope="module", params=NAMES)
def searched(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    kit: Path,
) -> Searched:
    """Graded by ``autograder check`` of a copy of the kit in which every secret holds a canary."""
    since = time.time() - 2  # file systems round
    folder = tmp_path_factory.mktemp("canary")
    home = folder / "home"
    with (
        tempfile.NamedTemporaryFile(dir="/tmp", prefix="shared-") as shared,
        tempfile.TemporaryFile() as descriptor,
    ):
        course, planted = plant(kit, folder / "kit", folder, home, Path(shared.name))
        descriptor.write(planted["descriptor"].encode())
        descriptor.flush()
        practical = load_practical(course, NAME)
        cell = search_cell(canary(OWN), {"course": folder, "home": home, "since": since})
        submission = hand_in(course, "mallory", fill(practical.source, practical, {}, cells={"double": cell}))
        asked = ["--course", str(course), "--skip", "shift", "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "autograder", "check", str(submission), *asked],
            env={
                **os.environ,
                **{"PYTHONPATH": str(folder / "kit"), "HOME": str(home), "SECRET": planted["environment"]},
                VARIABLE: request.param,
            },
            pass_fds=[descriptor.fileno()],
            cwd=course,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["barrier"] == request.param
    (question,) = result["questions"]
    words = [check["happened"] for check in question["checks"]]
    told = [re.search(r"RuntimeError: seen: (.*?);", each) for each in words]
    assert all(told), words
    seen = {tuple(each.split("@")) for match in told if match for each in match[1].split()}
    return Searched(planted, done.stdout + done.stderr, frozenset((place, where) for place, where in seen))


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_search_finds_the_students_own(searched: Searched, channel: str) -> None:
    """The positive control: what is there is found, in every channel."""
    assert (OWN, channel) in searched.seen


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_seen(searched: Searched, place: str) -> None:
    assert [where for found, where in searched.seen if found == place] == []


def test_the_secrets_were_where_the_grader_reads(searched: Searched) -> None:
    """The check's own canary stands in its sentence, which the grader tells: that copy of the kit did the grading."""
    assert searched.planted["check"] in searched.written
    assert searched.planted.keys() == set(PLACES)


@pytest.mark.parametrize("place", [place for place in PLACES if place not in ("check", "course")])
def test_no_secret_is_written(searched: Searched, place: str) -> None:
    assert searched.planted[place] not in searched.written
