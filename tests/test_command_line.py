"""Help is such that a newcomer can follow it; every bad input is a message with a next step, never a traceback."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import nbformat
import pytest
from conftest import sac_course
from nbformat import NotebookNode
from nbgrader.apps import NbGraderApp
from small_course import KIT, NAME, hand_in, released, run, said, small_course
from typer.main import get_command

from autograder.cli import app
from autograder.sandbox import choose_barrier

NBGRADERS = NbGraderApp.subcommands  # nbgrader's own commands, by their names
GROUP = getattr(get_command(app), "commands")  # noqa: B009 - typer's group is typed as a plain command
COMMANDS = sorted(GROUP)
PAGES = [KIT / "README.md", *sorted((KIT / "docs").glob("*.md"))]
_CODE = re.compile(r"^```\w*\n(.*?)^```$|^    (\S.*)$|`([^`]+)`", re.MULTILINE | re.DOTALL)
CODE = nbformat.v4.new_code_cell("x = 1", id="a")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with one practical, and nothing handed in."""
    return small_course(tmp_path_factory.mktemp("my course"))


@pytest.fixture
def untouched(course: Path) -> str:
    """The release as text: graded without a sandbox being asked anything."""
    return str(nbformat.writes(released(course)))


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    """The choice of a barrier is made anew, and again after the test."""
    choose_barrier.cache_clear()
    yield
    choose_barrier.cache_clear()


# --- help


def test_help_names_every_command_in_a_sentence() -> None:
    words = said(run("--help"))
    for command in COMMANDS:
        assert re.search(rf"{command} [A-Z]\w+ ", words)
    assert "autograder doctor" in words


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_every_argument_of_a_command_in_words(command: str) -> None:
    words = said(run(command, "--help"))
    parameters = GROUP[command].params
    assert parameters
    for parameter in parameters:
        assert parameter.help, f"{command} says nothing of {parameter.name}"
        assert len(parameter.help.split()) >= 3
        assert parameter.opts[0] in words or parameter.name.upper() in words
        assert re.sub(r"\s+", " ", parameter.help) in words


def test_no_command_shows_the_help() -> None:
    assert "Usage" in said(run())


# --- faults of usage and of the course: exit 2, and what to do

NO_SUCH = "There is no practical 'hw1'. Did you mean hw-1? The practicals of"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("check", "nowhere.ipynb"), "There is no file nowhere.ipynb."),
        (("check", "--assignment", "hw1", __file__), NO_SUCH),
        (("grade", "--assignment", "hw1"), NO_SUCH),
        (("verify", "--assignment", "hw1"), NO_SUCH),
        (("generate", "--assignment", "hw1"), NO_SUCH),
        (
            ("check", "--skip", "dubble", __file__),
            "no question 'dubble'. Did you mean double? Its questions are",
        ),
        (("grade", "--skip", "double", "--question", "double"), "double is to be both left out and asked"),
        (("grade", "--jobs", "0"), "Invalid value for '--jobs': Input should be greater than or equal to 1"),
        (("grade", "nowhere"), "Name the course folder, or a folder of notebooks."),
        (("grade",), "There is no folder"),
        (("grade", "--course", "nowhere"), "There is no practical in the course"),
        (("verify", "--corpus", "nowhere.toml"), "There is no file or folder nowhere.toml"),
        (("verify",), "hw-1 has no corpus: there is no folder"),
        (("verify", "--learn", "--several", "3"), "Leave out --corpus, --end-to-end and --several."),
        (("fly",), "No such command 'fly'"),
    ],
)
def test_a_fault_of_usage_is_said_with_the_next_step(
    course: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], expected: str
) -> None:
    monkeypatch.chdir(course)
    done = run(*words)
    assert done.exit_code == 2
    assert expected in said(done)


def test_of_several_practicals_one_has_to_be_named_and_they_are_listed(tmp_path: Path) -> None:
    course = small_course(small_course(tmp_path), name="hw-2")
    for command in ("grade", "verify", "generate"):
        done = run(command, "--course", course)
        assert done.exit_code == 2
        assert "The course has several practicals: hw-1, hw-2. Name one with --assignment." in said(done)
    path = tmp_path / "alice.ipynb"
    nbformat.write(released(course, "hw-2"), path)
    assert run("check", path, "--course", course, "--assignment", "hw-2").exit_code == 0


def test_a_release_that_was_never_made_or_is_of_another_version_is_refused(tmp_path: Path) -> None:
    course = small_course(tmp_path)
    hand_in(course, "alice")
    path = course / "release" / NAME / f"{NAME}.ipynb"
    other = released(course)
    del other.cells[4]
    nbformat.write(other, path)
    assert f"{path} was made from another version" in said(run("grade", course))
    path.unlink()
    done = run("grade", course)
    assert done.exit_code == 2
    assert f"There is no {path}: the students' version was never made. Run: autograder generate" in said(done)


def test_a_folder_without_submissions_says_where_they_belong(course: Path, tmp_path: Path) -> None:
    done = run("grade", tmp_path, "--course", course)
    assert done.exit_code == 2
    words = f"There are no submissions in {tmp_path}. Put them there as {tmp_path}/<student>/hw-1/hw-1.ipynb"
    assert words in said(done)


def test_results_that_cannot_be_written_are_a_fault_that_names_the_path(
    course: Path, tmp_path: Path, untouched: str
) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "class/alice.ipynb").write_text(untouched, encoding="utf-8")
    (tmp_path / "file").touch()
    done = run("grade", tmp_path / "class", "--course", course, "--output", tmp_path / "file")
    assert done.exit_code == 2
    assert f"{tmp_path}/file" in said(done)


# --- what was handed in is no notebook: exit 1, the file named, and what to do


def notebook(**changes: object) -> bytes:
    """A notebook as JSON, some of its parts exchanged."""
    whole = nbformat.v4.new_notebook(cells=[CODE], metadata={})
    return json.dumps({**whole, **changes}).encode()


NO_NOTEBOOKS = {
    "text": (b"def f(): pass", "its content is not JSON"),
    "binary": (bytes(range(256)), "is not UTF-8 text"),
    "utf-16": ("{}".encode("utf-16"), "is not a notebook"),
    "empty": (b"", "is empty"),
    "blank": (b" \n\t\n", "is empty"),
    "half": (notebook()[:60], "its content is not JSON"),
    "list": (b"[1, 2]", "is not a notebook"),
    "null": (b"null", "is not a notebook"),
    "other JSON": (b'{"name": "alice"}', "is not a notebook"),
    "deep": (b"[" * 200_000, "is not a notebook"),
    "format 99": (notebook(nbformat=99), "is not a notebook"),
    "format x": (notebook(nbformat="x"), "is not a notebook"),
    "format 2": (b'{"nbformat": 2, "worksheets": [{"cells": 3}]}', "is not a notebook"),
    "no cells": (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "notebook"),
    "cells a number": (notebook(cells=3), "notebook"),
    "cells of numbers": (notebook(cells=[1]), "notebook"),
    "cell of no type": (notebook(cells=[{"source": "x"}]), "no cell (number 1)"),
    "type a number": (notebook(cells=[{**CODE, "cell_type": 3}]), "it is not built like one"),
    "source a number": (notebook(cells=[CODE, {**CODE, "id": "b", "source": 3}]), "no cell (number 2)"),
}


@pytest.mark.parametrize("name", NO_NOTEBOOKS)
def test_what_is_no_notebook_is_told_with_its_name_and_the_reason(course: Path, tmp_path: Path, name: str) -> None:
    content, reason = NO_NOTEBOOKS[name]
    path = tmp_path / "alice.ipynb"
    path.write_bytes(content)
    done = run("check", path, "--course", course)
    assert done.exit_code == 1
    words = said(done)
    assert "alice: 0 of 0 points" in words
    assert "alice.ipynb" in words
    assert reason in words
    assert re.search(r"Hand in|hand it in again|Save it again", words) or "known format" in words


def test_a_link_is_not_followed_and_a_folder_is_no_notebook(course: Path, tmp_path: Path, untouched: str) -> None:
    (tmp_path / "real.ipynb").write_text(untouched, encoding="utf-8")
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "real.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    for name in ("link.ipynb", "folder.ipynb"):
        done = run("check", tmp_path / name, "--course", course)
        assert done.exit_code == 1
        assert f"{name} is not an ordinary file. Hand in the notebook itself." in said(done)


def test_a_file_that_may_not_be_read_is_named(
    course: Path, tmp_path: Path, untouched: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "alice.ipynb"
    path.write_text(untouched, encoding="utf-8")

    def refuse(refused: Path, _: int) -> None:  # the superuser may read all, so rights alone would show nothing
        raise PermissionError(13, "Permission denied", str(refused))

    monkeypatch.setattr("autograder.grading.mend.open_content", refuse)
    done = run("check", path, "--course", course)
    assert done.exit_code == 1
    assert "alice.ipynb cannot be read: Permission denied. Look at the file's rights." in said(done)


# --- notebooks that are odd, and yet can be graded


def odd_metadata(release: NotebookNode) -> None:
    kinds = ("x", ["x"], 3, None, {"grade_id": ["x"]}, {"grade_id": {"a": 1}})
    for cell, odd in zip(release.cells, kinds, strict=False):
        cell.metadata["nbgrader"] = odd


def no_ids(release: NotebookNode) -> None:
    for cell in release.cells:
        del cell["id"]


def one_id(release: NotebookNode) -> None:
    for cell in release.cells:
        cell["id"] = "same"


def lines(release: NotebookNode) -> None:
    for cell in release.cells:
        cell["source"] = [f"{line}\r\n" for line in cell["source"].split("\n")]


def half_characters(release: NotebookNode) -> None:
    release.cells.append(nbformat.v4.new_markdown_cell("\ud800", id="half"))
    release.cells.append(nbformat.v4.new_code_cell("s = '\ud800'", id="half-too"))


@pytest.mark.parametrize("make_odd", [odd_metadata, no_ids, one_id, lines, half_characters])
def test_an_odd_notebook_is_graded_all_the_same(
    course: Path, tmp_path: Path, untouched: str, make_odd: Callable[[NotebookNode], None]
) -> None:
    release = nbformat.reads(untouched, as_version=4)
    make_odd(release)
    (tmp_path / "alice.ipynb").write_text(json.dumps(release), encoding="utf-8")
    done = run("check", tmp_path / "alice.ipynb", "--course", course, "--json")
    assert done.exit_code == 0
    result = json.loads(done.stdout)
    assert (result["fault"], result["points"], result["max_points"]) == ("", 0, 5)
    assert {question["status"] for question in result["questions"]} == {"not attempted"}


def test_a_notebook_of_an_older_format_is_converted(course: Path, tmp_path: Path, untouched: str) -> None:
    older = nbformat.convert(nbformat.reads(untouched, as_version=4), 3)
    (tmp_path / "alice.ipynb").write_text(json.dumps(older), encoding="utf-8")
    done = run("check", tmp_path / "alice.ipynb", "--course", course, "--json")
    assert done.exit_code == 0
    result = json.loads(done.stdout)
    assert result["max_points"] == 5
    assert {question["status"] for question in result["questions"]} == {"not attempted"}


def test_a_notebook_without_the_practical_has_every_question_missing(course: Path, tmp_path: Path) -> None:
    (tmp_path / "alice.ipynb").write_bytes(notebook())
    done = run("check", tmp_path / "alice.ipynb", "--course", course, "--json")
    result = json.loads(done.stdout)
    assert {question["status"] for question in result["questions"]} == {"missing"}
    assert any("The cell 'double' is missing." in words for words in result["repairs"])


# --- no sandbox


@pytest.mark.usefixtures("fresh_choice")
def test_without_a_sandbox_nothing_is_graded_unless_that_is_asked_for_by_name(
    course: Path, tmp_path: Path, untouched: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.sandbox.find_bubblewrap", lambda: None)
    monkeypatch.setattr("autograder.sandbox.landlock_version", lambda: 0)
    (tmp_path / "alice.ipynb").write_text(untouched, encoding="utf-8")
    for words in (("check", tmp_path / "alice.ipynb"), ("grade", tmp_path)):
        done = run(*words, "--course", course)
        assert done.exit_code == 2
        assert "bubblewrap: it was not found; confined: this kernel offers no Landlock" in said(done)
        assert "apt install bubblewrap" in said(done)
    assert not (tmp_path / "results").exists()
    done = run("check", tmp_path / "alice.ipynb", "--course", course, "--json", "--unsafe-no-sandbox")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["barrier"] == "none"


def test_check_writes_nothing(course: Path, tmp_path: Path, untouched: str) -> None:
    (tmp_path / "alice.ipynb").write_text(untouched, encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in [*course.rglob("*"), *tmp_path.rglob("*")]}
    assert run("check", tmp_path / "alice.ipynb", "--course", course).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in [*course.rglob("*"), *tmp_path.rglob("*")]} == before


def test_generate_writes_the_release_that_the_kit_ships(tmp_path: Path, kit: Path) -> None:
    course = sac_course(tmp_path)
    path = course / "release/sac/sac.ipynb"
    path.unlink()
    done = run("generate", "--course", course)
    assert done.exit_code == 0
    assert f"Wrote {path}" in said(done)
    assert path.read_bytes() == (kit / "release/sac/sac.ipynb").read_bytes()


# --- odd surroundings


def command(*words: str | Path, python: Sequence[str] = (), **changed: str) -> list[str]:
    """The command line in a process of its own, whose environment holds nothing but what is named."""
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    variables = [f"{name}={value}" for name, value in {**known, **changed}.items()]
    return ["env", "-i", *variables, sys.executable, *python, "-m", "autograder", *map(str, words)]


def test_neither_closed_streams_nor_a_mask_nor_an_empty_environment_keep_a_class_from_being_graded(
    course: Path, tmp_path: Path, untouched: str
) -> None:
    (tmp_path / "Zoë.ipynb").write_text(untouched, encoding="utf-8")
    line = shlex.join(command("grade", tmp_path, "--course", course, "--jobs", "2"))
    subprocess.run(["sh", "-c", f"umask 0777; {line} <&- >&- 2>&-"], cwd=KIT, check=True)
    assert [each["student"] for each in json.loads((tmp_path / "results/results.json").read_text("utf-8"))] == ["Zoë"]
    assert (tmp_path / "results/students").stat().st_mode & 0o700 == 0o700


@pytest.mark.parametrize(
    ("python", "changed", "words"),
    [
        (["-OO"], {}, "Start it without -OO, and unset PYTHONOPTIMIZE."),
        (["-X", "utf8=0"], {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, "Set LC_ALL=C.UTF-8, and unset PYTHONUTF8."),
        ([], {"PYTHONIOENCODING": "ascii"}, "There is no file Zo?.ipynb."),
    ],
    ids=["-OO", "names that are not UTF-8", "a terminal of ASCII"],
)
def test_a_python_that_cannot_grade_is_named_and_an_odd_terminal_shows_what_it_can(
    python: list[str], changed: dict[str, str], words: str
) -> None:
    line = command("check", "Zoë.ipynb", python=python, **changed)
    done = subprocess.run(line, cwd=KIT, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert words in done.stderr


# --- what is named elsewhere


def lines_of_code(page: Path) -> list[list[str]]:
    """The words of each line of code in a page, commands that are joined taken apart, comments left out."""
    code = ["".join(found) for found in _CODE.findall(page.read_text(encoding="utf-8"))]
    lines = [line.partition("#")[0] for text in code for line in re.split(r"\n|&&|\|", text)]
    return [line.split() for line in lines if line.split()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    targets = re.findall(r"^(\w+):", (KIT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for words in lines_of_code(page):
        if words[0] == "autograder" and len(words) > 1:
            assert words[1] in COMMANDS, words
            known = GROUP[words[1]].params
            options = {option for each in known for option in (*each.opts, *each.secondary_opts)}
            named = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert named <= options | {"--help"}, (words, named - options)
        if words[0] == "make" and len(words) > 1:
            assert words[-1] in targets, words
        if words[:2] == ["python", "-m"]:
            assert (KIT / f"{words[2].replace('.', '/')}.py").is_file(), words
        if words[0] == "nbgrader" and len(words) > 1:
            assert words[1] in NBGRADERS, words


def test_every_page_that_is_named_exists() -> None:
    paths = [
        path for part in ("autograder", "benchmarks", "solutions", "source", "docs") for path in (KIT / part).rglob("*")
    ]
    for path in [*PAGES, KIT / "Makefile", KIT / "nbgrader_config.py", *paths]:
        if path.suffix in (".py", ".md", ".toml", ".ipynb", ""):
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            for name in re.findall(r"\bdocs/[\w-]+\.md\b", text):
                assert (KIT / name).is_file(), (path, name)


def test_every_command_to_type_that_a_message_names_exists() -> None:
    for path in (KIT / "autograder").rglob("*.py"):
        for name in re.findall(r"(?:run|again): autograder ([\w-]+)", path.read_text(encoding="utf-8"), re.IGNORECASE):
            assert name in COMMANDS, (path, name)
