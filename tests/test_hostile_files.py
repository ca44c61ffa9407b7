"""What is no notebook, or no ordinary file, costs its student alone and says why; no link is followed."""

import ast
import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from small_course import NAME, hand_in, small_course
from typer.testing import CliRunner

from autograder.authoring import fill
from autograder.cli import app
from autograder.course.practical import load_practical

REASONS = {  # what is handed in -> what its student reads
    "not-json": "its content is not JSON",
    "empty-file": "is empty",
    "utf-16": f"{NAME}.ipynb is not ",
    "zip-bomb": "is not UTF-8 text",
    "deeply-nested": "is not a notebook",
    "too-large": "MB. Clear its outputs",
    "renamed-pdf": "There is no notebook of renamed-pdf",
    "link-to-the-source": "is not an ordinary file",
    "linked-folder": "There is no notebook of linked-folder",
    "device": "is not an ordinary file",
    "named-pipe": "is not an ordinary file",
    "socket-file": "is not an ordinary file",
    "a-folder": "is not an ordinary file",
    "thousands-of-cells": "",
}
STUDENTS = [
    "x\\..\\..\\y",
    "%2e%2e%2f%2e%2e%2fx",
    "a\nb",
    "\x1b[2J\x1b]0;owned\x07",
    "=cmd|' -C calc'!A0",
    "[bold]x[red]",
    "-rf",
    "~",
]


def make(kind: str, path: Path, course: Path) -> None:
    """Hand that in at ``path``, the notebook's own place."""
    path.parent.mkdir(parents=True)
    match kind:
        case "not-json":
            path.write_text("def choose_actions(actor, obs, device): pass")
        case "empty-file":
            path.touch()
        case "utf-16":
            path.write_text("{}", encoding="utf-16")
        case "zip-bomb":
            path.write_bytes(gzip.compress(gzip.compress(bytes(2**27))))
        case "deeply-nested":
            path.write_text('{"cells":' + "[" * 10**6)
        case "too-large":
            with path.open("wb") as file:
                file.truncate(10**9)  # sparse: it takes no room
        case "renamed-pdf":
            path.with_suffix(".pdf").write_bytes(b"%PDF-1.7")
        case "link-to-the-source":
            path.symlink_to(course / f"source/{NAME}/{NAME}.ipynb")
        case "linked-folder":
            path.parent.rmdir()
            path.parent.symlink_to(course / "source" / NAME, target_is_directory=True)
        case "device":
            path.symlink_to("/dev/zero")
        case "named-pipe":
            os.mkfifo(path)
        case "socket-file":
            os.mknod(path, 0o140600)
        case "a-folder":
            path.mkdir()
        case "thousands-of-cells":
            cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ""}
            cells = json.dumps([cell] * 2_000)
            path.write_text(f'{{"nbformat": 4, "nbformat_minor": 5, "metadata": {{}}, "cells": {cells}}}')


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A class of all of them, among students with odd names and one whose release is untouched, graded once."""
    course = small_course(tmp_path_factory.mktemp("files") / "course")
    release = (course / f"release/{NAME}/{NAME}.ipynb").read_bytes()
    for kind in REASONS:
        make(kind, course / "submitted" / kind / NAME / f"{NAME}.ipynb", course)
    for name in [*STUDENTS, "untouched"]:
        path = course / "submitted" / name / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(release)
    done = CliRunner().invoke(app, ["grade", str(course), "--no-gradebook", "--jobs", "1", "--json"])
    assert done.exit_code == 1, done.output
    table = CliRunner().invoke(
        app, ["grade", str(course), "--no-gradebook", "--jobs", "1"], env={"TERM": "xterm-256color"}
    )
    found = {item["student"]: item for item in json.loads(done.stdout)["results"]}
    return {"found": found, "course": course, "table": table.stdout}


@pytest.mark.parametrize("kind", [kind for kind, reason in REASONS.items() if reason])
def test_what_is_no_notebook_is_told_with_the_reason(results: dict[str, Any], kind: str) -> None:
    assert REASONS[kind] in results["found"][kind]["fault"]
    assert results["found"][kind]["points"] == 0


def test_thousands_of_empty_cells_are_graded_or_refused_in_words(results: dict[str, Any]) -> None:
    found = results["found"]["thousands-of-cells"]
    assert found["points"] == 0
    assert found["fault"] or {question["status"] for question in found["questions"]} == {"missing"}


@pytest.mark.parametrize("name", [*STUDENTS, "untouched"])
def test_an_untouched_release_under_any_name_was_not_attempted(results: dict[str, Any], name: str) -> None:
    found = results["found"][name]
    assert (found["fault"], found["points"], found["max_points"]) == ("", 0, 5)
    assert {question["status"] for question in found["questions"]} == {"not attempted"}


def test_nobody_is_lost_and_nothing_lands_outside_the_results(results: dict[str, Any]) -> None:
    assert results["found"].keys() == {*REASONS, *STUDENTS, "untouched"}
    course = results["course"]
    assert {path.name for path in course.iterdir()} <= {
        "source",
        "release",
        "solutions",
        "nbgrader_config.py",
        "submitted",
        "results",
    }
    kept = [path for path in (course / "results").rglob("*") if path.is_file()]
    assert len(list((course / f"results/{NAME}/students").iterdir())) == len(results["found"])
    assert all(path.is_relative_to(course / "results" / NAME) for path in kept)


def test_no_name_acts_on_the_terminal_or_in_a_spreadsheet(results: dict[str, Any]) -> None:
    assert "\x1b[2J" not in results["table"]
    assert "\x1b]0;" not in results["table"]
    text = (results["course"] / f"results/{NAME}/results.csv").read_text(encoding="utf-8")
    assert not re.search(r'(?m)^"?[=+@-]', text)


def long_code() -> dict[str, str]:
    """Code that is read in a moment if reading is linear in its length, and in hours if it is not."""
    chain = "\n".join(f"a{number} = a{number + 1}" for number in range(6_000))
    calls = "\n".join(f"def f{number}(): f{number + 1}()" for number in range(4_000))
    return {
        "chain of constants": f"{chain}\ndef use(): return a0",
        "chain of calls": f"{calls}\ndef f4000(): train()",
        "shell lines": "a = !ls\n" * 499 + "x = 1\n" * 20_000,
        "questions": "print?\n" * 2_000,
    }


@pytest.mark.parametrize("name", long_code())
def test_code_that_is_long_to_read_holds_nobody_up(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work of reading is counted, since time is the machine's affair: names are looked up once a statement."""
    from autograder.notebook import definitions, python

    visits = []
    names = python.global_names

    def counted(node: ast.stmt) -> frozenset[str]:
        visits.append(node)
        return names(node)

    monkeypatch.setattr(definitions, "global_names", counted)
    practical = load_practical(small_course(tmp_path), NAME)
    blanks = {"double.body": "...  # YOUR CODE HERE"}
    submission = hand_in(tmp_path, "alice", fill(practical.source, practical, blanks, extra_cells=[long_code()[name]]))
    done = CliRunner().invoke(app, ["check", str(submission), "--course", str(tmp_path), "--json", "--skip", "shift"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["fault"] == ""
    assert len(visits) < 30_000
