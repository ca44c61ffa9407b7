"""Reading what was handed in has limits: what reaches one costs its student alone, and the words say which it was."""

import io
import json
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from small_course import NAME, cell_of, hand_in, handed_in, run, small_course

from autograder.course.folders import Course
from autograder.course.limits import MIB, Limits
from autograder.grading.mend import mend
from autograder.grading.reading import Reader
from autograder.notebook.trimming import trim
from autograder.records import Submission
from autograder.sandbox.apart import Bounds, BusyError, OverrunError, RaisedApartError, apart
from benchmarks.reading import KINDS, reading, submission

BOUNDS = Bounds(seconds=1.0, memory=64 * MIB, output=MIB)
QUICK = (
    "cells that define one name",
    "begun functions and loose ends",
    "newlines in a cell that does not parse",
    "the heading of Colab",
    "an f-string of many fields",
    "names in one statement",
    "a class of many methods",
    "finally in finally",
    "objects in the metadata",
)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The small course."""
    return Course(small_course(tmp_path_factory.mktemp("apart") / "my course"), NAME)


def test_work_apart_returns_what_it_comes_to_and_can_open_no_file() -> None:
    assert apart(partial(bytes, 3), bounds=BOUNDS) == bytes(3)
    with pytest.raises(RaisedApartError, match="PermissionError"):
        apart(
            partial(io.FileIO),  # type: ignore[arg-type]
            "/etc/passwd",
            bounds=BOUNDS,
        )
    with pytest.raises(RaisedApartError, match="ValueError: could not convert"):
        apart(float, "x", bounds=BOUNDS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (partial(bytes, 10**9), "more memory than 64 MiB"),
        (partial(sum, range(10**12)), "longer than 1 seconds"),
        (partial(bytes, 2 * MIB), "larger than 1 MiB"),
        (os.abort, "died"),
    ],
)
def test_work_apart_that_reaches_a_limit_ends_and_says_which(
    work: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.sandbox.apart.BUSY", 0.0)  # whatever else the machine does
    with pytest.raises(OverrunError, match=words):
        apart(work, bounds=BOUNDS)
    assert apart(partial(bytes, 3), bounds=BOUNDS) == bytes(3)


def test_who_had_to_wait_for_the_machine_is_not_told_to_have_taken_long() -> None:
    with pytest.raises(BusyError, match="The machine was too busy"):
        apart(
            partial(time.sleep, 60),  # type: ignore[arg-type]
            bounds=BOUNDS,
        )


@pytest.mark.parametrize("kind", QUICK)
def test_text_that_is_long_to_read_is_read_or_refused_within_limits(course: Course, kind: str) -> None:
    reader = Reader.of(course)
    patient = replace(reader, limits=replace(reader.limits, seconds_to_read=100))  # of the processor it takes less
    seconds, memory, said = reading(patient, submission(course, kind, 0.5))
    assert seconds < 10, said
    assert memory < 400
    assert kind in KINDS


def test_a_class_goes_on_where_reading_one_submission_ends(tmp_path: Path) -> None:
    root = small_course(tmp_path / "my course")
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write('c.Limits.memory_to_read = "64 MiB"\n')
    hand_in(root, "alice")
    hand_in(root, "bob", json.dumps({"nbformat": 4, "metadata": {"x": [{}] * 2_000_000}, "cells": []}))
    many = handed_in(root)
    many.cells += [dict(cell_of(many, "double"), id=f"c{number}") for number in range(3_000)]
    hand_in(root, "carol", json.dumps(many))
    done = run("grade", root, "--jobs", "1", "--json")
    assert done.exit_code == 1, done.output
    found = {item["student"]: (item["points"], item["fault"]) for item in json.loads(done.stdout)["results"]}
    assert found["alice"] == (5, "")
    assert "hw-1.ipynb cannot be read: it takes more memory than 64 MiB." in found["bob"][1]
    assert "cells, more than 2000" in found["carol"][1]
    assert (root / "feedback/bob/hw-1/hw-1.html").exists()


TIMES = {
    "a word": b"soon",
    "two bytes": b"\xff\xfe",
    "a thousand times": b"2026-11-11 10:00:00 " * 1_000,
    "a folder": None,
}


def test_odd_notebooks_are_read_and_odd_files_named(tmp_path: Path) -> None:
    root = small_course(tmp_path / "my course")
    odd = handed_in(root)
    cell_of(odd, "double").update(execution_count="three", outputs=None)
    cell_of(odd, "prose").update(cell_type="heading", level=2, source=["Two ", "functions"])
    more: list[Any] = [{"cell_type": "sql", "metadata": {}, "source": "select"}, {"cell_type": "code", "source": None}]
    odd.update(nbformat="4", nbformat_minor="5", cells=[*more, *odd.cells])
    hand_in(root, "alice", json.dumps(odd)).with_name(os.fsdecode(b"caf\xe9.ipynb")).write_text("no notebook", "utf-8")
    for name, content in TIMES.items():
        path = hand_in(root, name).with_name("timestamp.txt")
        path.write_bytes(content) if content else path.mkdir()
    deep = root / "submitted" / "carol" / "my work" / "hw-1.ipynb"
    deep.parent.mkdir(parents=True)
    deep.write_text(json.dumps(odd), encoding="utf-8")
    (root / "submitted/dan").symlink_to(root / "gone")
    hand_in(root, "Eve\nAdams")
    hand_in(root, bad := os.fsdecode(b"Fr\xe9d"))
    (root / "feedback" / "gil").mkdir(parents=True)
    (root / "feedback" / "gil" / "hw-1").write_text("in the way", "utf-8")
    hand_in(root, "gil")
    done = json.loads(run("grade", root, "--jobs", "1", "--json").stdout)
    found = {item["student"]: item for item in done["results"]}
    named = done["unpublished"]
    assert {name: item["points"] for name, item in found.items() if item["points"] != 5} == {"carol": 0, "dan": 0}
    assert found["alice"]["repairs"][1:] == ["Cell 1 is of the type 'sql', and was left out."]
    for name in ("carol", "dan"):
        assert f"There is no notebook of {name}. Put it there as" in found[name]["fault"]
    for name in TIMES:
        assert "timestamp.txt holds no time. Write one such as" in named[name]
    assert named["Eve\nAdams"] == r"The name of the folder 'Eve\nAdams' holds a line break. Rename it, and grade again."
    assert named[bad] == r"The name of the folder 'Fr\udce9d' is not UTF-8 text. Rename it, and grade again."
    assert named["gil"].endswith("feedback/gil/hw-1 is no folder. Take it away and grade again.")
    assert named.keys() == {*TIMES, "Eve\nAdams", bad, "gil"}
    assert (root / "feedback/alice/hw-1/hw-1.html").exists()
    with (root / "results/hw-1/class.csv").open("rb") as file:
        assert file.read().count(b'"waits for a marker"') == len(found) - 2


def test_a_pipe_named_like_a_notebook_or_a_script_holds_nobody_up(course: Course, tmp_path: Path) -> None:
    for name in ("alice.ipynb", "bob.py"):
        os.mkfifo(tmp_path / name)
    fault = mend(course, Submission("alice", tmp_path / "alice.ipynb")).fault
    assert fault == "alice.ipynb is not an ordinary file. Hand in the notebook itself."
    (tmp_path / "carol.ipynb").write_text(json.dumps(handed_in(course.root)), encoding="utf-8")
    found = json.loads(run("grade", tmp_path, "--course", course.root, "--jobs", "1", "--json").stdout)["results"]
    assert [(item["student"], item["points"]) for item in found] == [("alice", 0), ("carol", 5)]


def test_what_is_kept_of_a_notebook_is_small_whatever_it_holds() -> None:
    cell = {"cell_type": "markdown", "metadata": {"x": "a" * 10_000}, "source": ["a" * 1_000] * 1_000}
    code = {"cell_type": "code", "source": "a" * 10**6, "outputs": [{"data": "a" * 10**6}], "execution_count": "x"}
    picture = {**cell, "source": "", "attachments": {"a.png": {"image/png": "A" * 10**7}}}
    raw = {
        "nbformat": 4,
        "metadata": {"x": [[]] * 10_000, "y": 1},
        "cells": [cell, code, picture],
        "extra": "a" * 10**6,
    }
    told = trim(raw, Limits())
    assert len(json.dumps(raw)) < 260_000
    assert raw["metadata"] == {"y": 1}
    assert [sentence.split(" had ")[0] for sentence in told] == ["Cell 1", "Cell 3"]
