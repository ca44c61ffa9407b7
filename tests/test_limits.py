"""Limits stand in the course's nbgrader_config.py, are read once and rightly, and bind."""

import json
import subprocess
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path

import psutil
import pytest
from conftest import QUICK, sac_course
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from small_course import CORPUS, NAME, handed_in, small_course
from typer.testing import CliRunner

from autograder.authoring import fill
from autograder.cli import app
from autograder.course.configuration import course_limits
from autograder.course.folders import Course
from autograder.course.limits import MIB, Limits, in_words
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.grading.mark import Marking, mark
from autograder.grading.mend import Mended
from autograder.grading.store import keep, kept
from autograder.judging.process import StudentProcess
from autograder.judging.session import Answered, Gone, Outcome, Raised
from autograder.notebook.extraction import extract
from autograder.notebook.reading import NotANotebookError, open_content
from autograder.sandbox import NAMES, Barrier, choose_barrier
from autograder.verification.corpus import load_corpus
from benchmarks.margins import MARGIN, Watch, graded, margins


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with the practical's source and nbgrader's configuration as it is shipped."""
    return sac_course(tmp_path)


def configure(course: Path, *lines: str) -> Path:
    """Add lines to the course's configuration."""
    with (course / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    return course


def refused(course: Path) -> str:
    """The words in which the course's limits are refused; the file is named and there is a next step."""
    with pytest.raises(CourseError) as caught:
        course_limits(course)
    assert str(course / "nbgrader_config.py") in caught.value.message
    assert caught.value.next_step
    return caught.value.message


def test_the_shipped_configuration_sets_the_defaults(course: Path) -> None:
    assert course_limits(course) == Limits()


def test_the_shipped_configuration_shows_every_limit_with_its_default(course: Path) -> None:
    lines = (course / "nbgrader_config.py").read_text(encoding="utf-8").splitlines()
    shown = [line.removeprefix("# ") for line in lines if line.startswith("# c.Limits.")]
    (course / "nbgrader_config.py").write_text("c = get_config()\n" + "\n".join(shown), encoding="utf-8")
    assert [line.split()[0].removeprefix("c.Limits.") for line in shown] == [each.name for each in fields(Limits)]
    assert course_limits(course) == Limits()


def test_every_limit_is_documented_with_its_default(kit: Path) -> None:
    text = (kit / "docs" / "limits.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.split("## How far")[0].splitlines() if line.startswith("| `")]
    documented = {name.strip("|` "): default.removesuffix(" characters") for name, default, *_ in rows}
    sizes = {each.name for each in fields(Limits) if each.metadata["kind"] == "size"}
    assert documented == {
        name: in_words(value) if name in sizes else f"{value:_g}".replace("_", " ")
        for name, value in asdict(Limits()).items()
    }


def test_a_course_without_a_configuration_has_the_defaults(tmp_path: Path) -> None:
    assert course_limits(tmp_path) == Limits()


def test_sizes_are_bytes_or_words_and_times_are_seconds(course: Path) -> None:
    configure(course, 'c.Limits.memory = "2.5 GiB"', "c.Limits.tmp_size = 1048576", 'c.Limits.file_size = "512KiB"')
    configure(course, "c.Limits.seconds_per_ask = 20", "c.Limits.seconds_to_define = 0.5")
    expected = replace(Limits(), memory=5 * 2**29, tmp_size=2**20, file_size=2**19)
    assert course_limits(course) == replace(expected, seconds_per_ask=20, seconds_to_define=0.5)


def test_what_a_course_changes_is_told_in_words(course: Path) -> None:
    assert course_limits(course).changes() == ""
    configure(course, 'c.Limits.memory = "2.5 GiB"', "c.Limits.processes = 100", "c.Limits.seconds_per_ask = 15")
    assert course_limits(course).changes() == "memory 2560 MiB, processes 100"


def test_the_time_factor_stretches_all_times_and_those_that_checks_allow(course: Path) -> None:
    limits = course_limits(configure(course, "c.Limits.time_factor = 3", "c.Limits.seconds_per_ask = 20"))
    assert (limits.seconds_to_start, limits.seconds_to_define, limits.processor_seconds) == (360, 30, 900)
    assert limits.seconds_for(None) == 60
    assert limits.seconds_for(300) == 900


@pytest.mark.parametrize(
    "value",
    ["None", "True", "[]", "'lots'", "'4 GB'", "'-1 GiB'", "'1 GiB '*2", "0", "-1", "2.5e9", "2**80", "c", "'1 MiB'"],
)
def test_a_size_that_cannot_be_is_refused_with_what_is_allowed(course: Path, value: str) -> None:
    message = refused(configure(course, f"c.Limits.memory = {value}"))
    assert "c.Limits.memory" in message
    assert 'a size from 1 GiB to 1 TiB, such as "512 MiB" or a number of bytes' in message


@pytest.mark.parametrize("value", ["None", "False", "'10'", "0", "-3", "float('nan')", "float('inf')", "1e9", "{}"])
def test_a_time_that_cannot_be_is_refused_with_what_is_allowed(course: Path, value: str) -> None:
    message = refused(configure(course, f"c.Limits.seconds_per_ask = {value}"))
    assert "c.Limits.seconds_per_ask" in message
    assert "seconds, from 0.5 to 86400" in message


@pytest.mark.parametrize("value", ["3", "7.5", "'64'", "10**9", "True"])
def test_a_number_that_cannot_be_is_refused_with_what_is_allowed(course: Path, value: str) -> None:
    message = refused(configure(course, f"c.Limits.processes = {value}"))
    assert "a whole number from 8 to 4096" in message


def test_an_unknown_limit_is_refused_and_the_nearest_named(course: Path) -> None:
    assert refused(configure(course, "c.Limits.memmory = 1")).endswith("Did you mean memory?")


@pytest.mark.parametrize("line", ["c.limits.memory = 1", "c.Limit.memory = 1", "c.LIMITS.memory = 1", "c.Limits = 5"])
def test_a_section_of_another_name_is_refused_rather_than_ignored(course: Path, line: str) -> None:
    refused(configure(course, line))


def test_a_broken_configuration_is_refused(course: Path) -> None:
    assert "cannot be loaded: ZeroDivisionError" in refused(configure(course, "1 / 0"))


@given(st.integers(0, 2**45))
@settings(deadline=None)
def test_sizes_in_words_say_the_size(size: int) -> None:
    number, unit = in_words(size).split()
    assert int(number) * {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}[unit] == size


WORDS = {
    "check": ("{course}/a.ipynb",),
    "grade": ("{course}",),
    "verify": ("--corpus", "{course}/solutions/hw-1/demo.toml"),
}


@pytest.mark.parametrize("command", ["check", "grade", "verify", "doctor"])
def test_every_command_refuses_a_limit_that_cannot_be(tmp_path: Path, command: str) -> None:
    course = configure(small_course(tmp_path / "course", files={"demo.toml": CORPUS}), "c.Limits.memory = 0")
    (course / "a.ipynb").write_text("{}", encoding="utf-8")
    words = WORDS.get(command, ())
    done = CliRunner().invoke(app, [command, *(word.format(course=course) for word in words), "--course", str(course)])
    assert done.exit_code == (1 if command == "doctor" else 2)
    assert "c.Limits.memory is 0" in " ".join(done.output.split())


def test_results_are_kept_as_long_as_the_limits_stay_the_same(tmp_path: Path) -> None:
    course = small_course(tmp_path / "course")

    def graded() -> tuple[str, ...]:
        """The questions that are asked."""
        here = Course(course, NAME)
        found = mark(Marking(here), Mended("ada", handed_in(course)), kept(here.results, "ada"))
        keep(here.results, found.result)
        return found.asked

    assert graded()
    assert not graded()
    configure(course, "c.Limits.seconds_per_ask = 30")
    assert graded()
    assert not graded()


def test_a_notebook_larger_than_the_course_allows_is_not_read(course: Path) -> None:
    configure(course, 'c.Limits.largest_notebook = "64 KiB"')
    path = course / "a.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5, "x": "x" * 70_000}))
    open_content(path, 100_000).close()
    with pytest.raises(NotANotebookError, match="Clear its outputs"):
        open_content(path, Course(course, "sac").limits.largest_notebook)


def code(sac: Practical, source: NotebookNode, extra: list[str], **limits: int) -> dict[str, str]:
    """Why cells were left out of a right submission that has more cells in front."""
    notebook = fill(source, sac, {}, extra_cells=extra)
    return dict(extract(notebook, sac.long_running, replace(Limits(), **limits)).faults)


def test_code_beyond_the_limits_costs_the_cells_that_hold_it(source: NotebookNode, sac: Practical) -> None:
    long = "x = '" + 29_990 * "a" + "'"
    assert code(sac, source, [long]) == {}
    (why,) = code(sac, source, [long], longest_cell=25_000).values()
    assert why == "the cell is longer than 25000 characters"
    reasons = set(code(sac, source, [long] * 5, all_code=120_000).values())
    assert reasons == {"with it the notebook's code is longer than 120000 characters"}
    reasons = set(code(sac, source, ["y = 1"] * 150, code_cells=100).values())
    assert reasons == {"it comes after 100 other cells of code"}


# ---- the limits inside the sandbox -------------------------------------------------------------------------------

PROBES = """
def call(session):
    return {"y": session.student["f"]()}

def chat(session):
    session.student["f"]()
    while True:
        session.ask_judge("more")

def whisper(session):
    session.student["f"]()
    session.channel.sendall(bytes(3))  # three of the four bytes of a length
    while True: pass
"""


def asked(barrier: Barrier, limits: Limits, code: str, probe: str = "call") -> Outcome:
    with StudentProcess(barrier, limits) as process:
        process.load([("cell 1", code)], PROBES)
        with process.session() as session:
            session.define()
            return session.ask(probe, {}, handler=lambda *_: None)


def test_the_number_of_open_files_is_limited(barrier: Barrier) -> None:
    code = "def f():\n    kept = []\n    while True: kept.append(open('/dev/null'))"
    outcome = asked(barrier, replace(QUICK, open_files=64), code)
    assert isinstance(outcome, Raised)
    assert "Too many open files" in outcome.message


def test_the_processor_time_of_one_process_is_limited(barrier: Barrier) -> None:
    outcome = asked(barrier, replace(QUICK, processor_seconds=1, seconds_per_ask=60), "def f():\n    while True: pass")
    assert isinstance(outcome, Gone)
    assert "SIGKILL" in outcome.how
    assert not outcome.hung


HOARD = """
import os
def f():
    if os.fork():
        return 0
    for _ in range(3):
        if os.fork() == 0:
            break
    held = bytearray(80 * 2**20)
    while True: pass
"""


@pytest.mark.parametrize("probe", ["chat", "whisper"])
def test_who_keeps_the_judge_busy_is_watched_all_the_same(barrier: Barrier, probe: str) -> None:
    """One process talks without a pause, or stops within a message, while others of its sandbox hoard memory."""
    outcome = asked(barrier, replace(QUICK, memory_of_all=200 * 2**20, seconds_per_ask=60), HOARD, probe)
    assert outcome == Gone("used more memory than allowed")


def test_a_right_submission_leaves_a_wide_margin_to_every_limit_that_no_clock_decides(
    kit: Path, source: NotebookNode
) -> None:
    """The times are measured by benchmarks/margins.py, on a quiet machine."""
    course, watch = Course(kit, "sac"), Watch()
    asked = {"get-action", "critic-update"}
    (variant, *_) = load_corpus([course.practical.folder / "variants" / "actor.toml"], course.practical, source)
    skip = frozenset(question.name for question in course.practical.questions if question.name not in asked)
    graded(watch, [variant], skip, course, pause=3600)
    found = {name: margin for name, margin in margins(watch, Limits()).items() if "seconds" not in name}
    assert {name for name, margin in found.items() if margin < MARGIN} == set()
    assert {each.name for each in fields(Limits) if "seconds" not in each.name} == {*found, "time_factor"}
    assert watch.most["memory"][0] > 100 * MIB  # it did look
    assert watch.most["processes"][0] > 1


def test_a_question_may_take_the_time_that_its_check_allows_times_the_factor(barrier: Barrier) -> None:
    code = "import time\ndef f():\n    time.sleep(1)\n    return 1"
    with StudentProcess(barrier, replace(QUICK, time_factor=50.0, seconds_per_ask=0.5)) as process:
        process.load([("cell 1", code)], PROBES)
        with process.session() as session:
            session.define()
            assert not isinstance(session.ask("call", {}, seconds=0.5), Gone)
    assert asdict(Limits())["time_factor"] == 1


def finally_in_finally(depth: int) -> str:
    """A function that is short to write, and of which each level doubles what the compiler makes."""
    lines = [f"{' ' * level}try: g()\n{' ' * level}finally:" for level in range(1, depth + 1)]
    return "\n".join(["def f():", *lines, " " * (depth + 1) + "g()"])


def test_a_cell_that_cannot_be_compiled_in_time_is_named_and_costs_nobody_else_anything(barrier: Barrier) -> None:
    with StudentProcess(barrier, replace(QUICK, seconds_to_define=0.3)) as process:
        for _ in range(2):  # once on a new process, and once on one that has served before
            process.load([("cell 1", "x = 1"), ("cell 2", finally_in_finally(20))], PROBES)
            with process.session() as session:
                assert session.define() == Gone("did not come to an end in the time allowed", hung=True)
                assert session.place.cell == "cell 2"
            process.load([("cell 1", "def f(): return 1")], PROBES)
            with process.session() as session:
                session.define()
                assert session.ask("call", {}) == Answered({"y": 1})


BUSY = [("cell 1", "x = 1"), ("cell 2", finally_in_finally(20))]  # it takes ten seconds and more to compile, and 3 GB


@pytest.mark.parametrize("name", NAMES)
def test_what_is_given_up_while_it_compiles_ends_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with StudentProcess(choose_barrier(insist=name), replace(QUICK, seconds_to_define=0.3)) as process:
        before = set(psutil.Process().children(recursive=True))
        process.start()
        inside: list[psutil.Process] = []
        everybody = psutil.Process().children
        monkeypatch.setattr(process, "look_now_and_then", lambda: inside.extend(everybody(recursive=True)))
        process.load(BUSY, PROBES)
        with process.session() as session:
            assert session.define() == Gone("did not come to an end in the time allowed", hung=True)
        sandbox = {each for each in inside if each not in before}
        assert len(sandbox) > 1
        assert not psutil.wait_procs(sandbox, timeout=5)[1]


GRADER = """
from dataclasses import replace
from autograder.course.limits import Limits
from autograder.judging.process import StudentProcess
from autograder.sandbox import choose_barrier
with StudentProcess(choose_barrier(insist={name!r}), replace(Limits(), seconds_to_define=600.0)) as process:
    process.look_now_and_then = lambda: print(flush=True)
    process.load({cells!r}, {probes!r})
    with process.session() as session:
        session.define()
"""


@pytest.mark.parametrize("name", NAMES)
def test_when_the_grader_is_killed_what_compiles_ends_too(name: str, kit: Path) -> None:
    code = GRADER.format(name=name, cells=BUSY, probes=PROBES)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=kit) as grader:
        assert grader.stdout
        for _ in range(8):  # looks at a sandbox that compiles
            assert grader.stdout.readline() == b"\n"
        inside = psutil.Process(grader.pid).children(recursive=True)
        grader.kill()
    assert len(inside) > 1
    assert not psutil.wait_procs(inside, timeout=10)[1]
