"""A scene is played by the student's functions and by the reference's, and what comes back is data."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from nbformat.v4 import new_notebook
from small_course import GRADE, NAME, cell, small_course

from autograder.authoring import fill
from autograder.course.folders import Course
from autograder.errors import CheckError
from autograder.grading.mark import Marking, mark
from autograder.grading.mend import Mended
from autograder.judging import Scene, Unreached, array, call, help_with, sgd
from autograder.records import QuestionResult

SUMS = """
import numpy as np
class Box:
    def __init__(self, side):
        self.side = side
    def volume(self, height):
        return self.side**2 * height
def running(values):
    total = np.cumsum(values)  ### SOLUTION running.total
    return total, len(values)
""".strip()
HEAD = """
import numpy as np
from functools import partial
from autograder.judging import *
"""
PROBES = """
def counter(stage, start):
    class Counter:
        def more(self):
            return stage.ask_judge("more", by=start)["now"]
    return Counter()
def doubled(stage, value):
    return 2 * value
"""


def question(tmp_path: Path, check: str, fills: Mapping[str, str] | None = None, config: str = "") -> QuestionResult:
    """What becomes of the one question, whose check has that body, when the blanks are filled like this."""
    cells = [
        cell("code", "sums", SUMS, solution=True),
        cell("code", "check-running", "running([1])", points=2, **GRADE),
    ]
    body = check.strip("\n")
    files = {
        "practical.toml": 'kit = 2\n[questions]\nrunning = "running"\n',
        "checks.py": f"{HEAD}\n{body}\n",
        "probes.py": PROBES,
    }
    course = Course(small_course(tmp_path, new_notebook(cells=cells), files=files), NAME)
    if config:
        (tmp_path / "nbgrader_config.py").write_text(config, encoding="utf-8")
    practical = course.practical
    handed_in = fill(practical.source, practical, fills or {})
    (found,) = mark(Marking(course), Mended("alice", handed_in)).result.questions
    return found


COMPARE = '''
@check("running", look_at="the sum")
def it_adds(exam):
    """The running sum comes back."""
    scene = Scene({"values": array(np.arange(1.0, 4.0))}, call("running", "values"))
    theirs, right = (played.step(0).part("returned") for played in (exam.play(scene), exam.right(scene)))
    expect_close(theirs.array("0", (3,), "the sums"), right.array("0", (3,), "the sums"), "sums")
    assert right.number("1", "the count") == 3
'''


def test_right_code_gives_what_the_source_notebooks_solution_gives(tmp_path: Path) -> None:
    assert question(tmp_path, COMPARE).points == 2


def test_wrong_code_is_told_how_its_numbers_differ(tmp_path: Path) -> None:
    found = question(tmp_path, COMPARE, {"running.total": "-np.cumsum(values)"})
    assert found.points == 0
    assert "the wrong sign" in found.checks[0].happened


def test_code_that_returns_something_else_is_told_what_should_come_back(tmp_path: Path) -> None:
    found = question(tmp_path, COMPARE, {"running.total": "None"})
    assert "should be a tensor of shape (3,), but nothing (None) came back" in found.checks[0].happened


def test_what_a_step_returns_can_be_used_by_later_steps(tmp_path: Path) -> None:
    check = '''
@check("running", look_at="the sum")
def it_fits(exam):
    """Objects are made, called and helped."""
    scene = Scene(
        {"values": array(np.ones(2))},
        call("Box", 3.0, into="box"),
        call("box.volume", 2.0, into="volume"),
        help_with("doubled", "volume"),
        call("running", "values"),
    )
    for played in (exam.play(scene), exam.right(scene)):
        assert played.step(2).number("returned", "twice the volume") == 36.0
        assert played.step(3).now("values") is not None
        assert played.step(3).part("now").array("values", (2,), "the values").tolist() == [1.0, 1.0]
'''
    assert question(tmp_path, check).points == 2


def test_a_handler_serves_the_calls_and_its_record_comes_with_the_answer_also_from_memory(tmp_path: Path) -> None:
    check = '''
class Server:
    made = []
    def __init__(self, start):
        self.start, self.calls = start, 0
        Server.made.append(self)
    def __call__(self, verb, values):
        self.calls += 1
        return {"now": self.start + values["by"]}

@check("running", look_at="the calls")
def it_calls(exam):
    """The judge is called."""
    before = len(Server.made)
    scene = Scene({"counter": thing("counter", start=5)}, call("counter.more"), call("counter.more"))
    first = exam.play(scene, handler=partial(Server, 10))
    again = exam.play(scene, handler=partial(Server, 10))
    other = exam.play(scene, handler=partial(Server, 20))
    assert first.step(1).number("returned", "the count") == 15.0
    assert other.step(1).number("returned", "the count") == 25.0
    assert first.handler is again.handler and first.handler.calls == 2
    assert other.handler is not first.handler and len(Server.made) == before + 2
'''
    assert question(tmp_path, check).points == 2


def test_nothing_more_is_asked_of_code_that_took_the_whole_sandbox_with_it(tmp_path: Path) -> None:
    check = '''
@check("running", look_at="the memory")
def once(exam):
    """It is asked."""
    exam.play(Scene({"values": array(np.ones(1))}, call("running", "values")))

@check("running", look_at="the memory")
def again(exam):
    """It is asked for something else."""
    exam.play(Scene({"values": array(np.ones(2))}, call("running", "values")))
'''
    many = "[__import__('os').fork() for _ in range(2)], np.ones(2**25), __import__('time').sleep(60)"
    config = 'c = get_config()\nc.Limits.memory_of_all = "512 MiB"\n'
    found = question(tmp_path, check, {"running.total": many}, config)
    assert "used more memory than allowed" in found.checks[0].happened
    assert found.checks[1].happened == Unreached().happened


def test_an_argument_that_names_no_object_is_refused_where_the_scene_is_written() -> None:
    with pytest.raises(CheckError, match="running is handed 'valeus'"):
        Scene({"values": array(np.ones(1))}, call("running", "valeus"))
    with pytest.raises(CheckError, match="sgd is handed 'acter'"):
        Scene({"actor": array(np.ones(1)), "optimizer": sgd("acter", rate=0.1)}, call("update", "optimizer"))
    with pytest.raises(CheckError, match="no object of the scene"):
        Scene({}, help_with("doubled", "later"), call("running", 1, into="later"))
