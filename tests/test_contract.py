"""A practical whose contract is at fault is refused by every command, with file and line, before anything is graded."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import small_course
from nbformat import NotebookNode
from odd_cells import DOUBLE, METHOD, SHIFT, odd
from small_course import GRADE, NAME, cell, cell_of, hand_in, run, said, unreleased

from autograder.course.folders import course_in
from autograder.course.practical import load_practical
from autograder.doctor.examination import examine
from autograder.errors import CourseError
from autograder.judging.answer_key import AnswerKey

Change = Callable[[NotebookNode], object]
CONTRACT = METHOD.replace("\n", '\nlong_running = ["forever"]\n', 1)
CHECKS = f'''{small_course.CHECKS}

@check("double", look_at="the height")
def it_is_measured(exam: Exam) -> None:
    """The probe's answer comes back."""
    exam.ask("measure", side=2)
'''
FILES = {"practical.toml": CONTRACT, "checks.py": CHECKS, "probes.py": "def measure(session, side):\n    return side\n"}


@dataclass(frozen=True)
class Broken:
    """One fault: what is changed in the practical, and the place and the words of the refusal."""

    place: str  # a pattern; files of the practical by their last parts
    words: str
    files: dict[str, str] = field(default_factory=dict)
    notebook: Change = lambda _: None


def roles(cell_id: str, **changed: object) -> Change:
    return lambda notebook: cell_of(notebook, cell_id).metadata.nbgrader.update(changed)


def text(cell_id: str, source: str) -> Change:
    return lambda notebook: setattr(cell_of(notebook, cell_id), "source", source)


def add(more: NotebookNode) -> Change:
    return lambda notebook: notebook.cells.append(more)


def drop(cell_id: str) -> Change:
    return lambda notebook: notebook.cells.remove(cell_of(notebook, cell_id))


def toml(old: str, new: str) -> dict[str, str]:
    assert old in CONTRACT
    return {"practical.toml": CONTRACT.replace(old, new)}


def checks(old: str, new: str) -> dict[str, str]:
    assert old in CHECKS
    return {"checks.py": CHECKS.replace(old, new)}


TOML = "solutions/hw-1/practical.toml"
CHECKED = "solutions/hw-1/checks.py"
NOTEBOOK = "source/hw-1/hw-1.ipynb: Cell "
BROKEN = {
    # practical.toml
    "no kit": Broken(TOML, "without naming its format; this kit reads format 2", toml("kit = 2", "")),
    "an older kit": Broken(f"{TOML}, line 1", "was written for format 1", toml("kit = 2", "kit = 1")),
    "no TOML": Broken(TOML, "cannot be read: .*line 1", toml("kit = 2", "kit = = 2")),
    "no UTF-8": Broken(f"{TOML}, line 2", "not in UTF-8", toml("forever", "\udcff")),
    "checks in another encoding": Broken(f"{CHECKED}, line 42", "not in UTF-8", {"checks.py": f"{CHECKS}# \udcff\n"}),
    "probes in another encoding": Broken("solutions/hw-1/probes.py, line 1", "not in UTF-8", {"probes.py": "# \udcff"}),
    "an unknown key": Broken(f"{TOML}, line 2", "'pionts' means nothing here", toml("long_running", "pionts")),
    "an unknown key of a question": Broken(
        f"{TOML}, line 5",
        "'function' means nothing in 'double'.\nDid you mean functions?",
        toml('"Pair.double"', "{ function = 'shift' }"),
    ),
    "end_to_end in words": Broken(
        f"{TOML}, line 5", "Write: end_to_end = true", toml('"Pair.double"', "{ functions = 'x', end_to_end = 'yes' }")
    ),
    "points in quotation marks": Broken(
        f"{TOML}, line 2", "'5' points, which is no number", toml('long_running = ["forever"]', 'points = "5"')
    ),
    "long_running no list": Broken(f"{TOML}, line 2", "not a list of names", toml('["forever"]', '"forever"')),
    "no questions": Broken(TOML, "names no question", {"practical.toml": "kit = 2\n"}),
    "a question of no function": Broken(f"{TOML}, line 6", "does not say what it marks", toml('"shift"', "[]")),
    "a function that no cell defines": Broken(
        f"{TOML}, line 6",
        "no cell of the notebook defines 'shifts'",
        toml('"shift"', '"shifts"'),
    ),
    "a method that its class does not define": Broken(
        f"{TOML}, line 5", "no cell of the notebook defines 'Pair.size'", toml("Pair.double", "Pair.size")
    ),
    "a question without a grade cell": Broken(
        f"{TOML}, line 7", "has no grade cell 'check-more'", toml('"shift"\n', '"shift"\nmore = "shift"\n')
    ),
    # the notebook
    "a grade cell of no question": Broken(
        f"{NOTEBOOK}'check-more'",
        "a grade cell of no question.*\nAdd it there",
        notebook=add(cell("code", "check-more", "0", points=1, **GRADE)),
    ),
    "a grade cell of another name": Broken(
        f"{NOTEBOOK}'shifts'", "Did you mean shift. Add it there", notebook=roles("check-shift", grade_id="shifts")
    ),
    "no points": Broken(f"{NOTEBOOK}'check-double'", "None points", notebook=roles("check-double", points=None)),
    "points in words": Broken(
        f"{NOTEBOOK}'check-double'", "'two' points", notebook=roles("check-double", points="two")
    ),
    "points below zero": Broken(f"{NOTEBOOK}'why'", "-1 points", notebook=roles("why", points=-1)),
    "points without a number": Broken(f"{NOTEBOOK}'why'", "nan points", notebook=roles("why", points=float("nan"))),
    "an id with a space": Broken(
        f"{NOTEBOOK}'my shift'", "nbgrader takes no such grade_id", notebook=roles("shift", grade_id="my shift")
    ),
    "an id twice": Broken(
        f"{NOTEBOOK}'double'", "its grade_id is that of cell 3 too", notebook=roles("check-double", grade_id="double")
    ),
    "no cell of the function": Broken(f"{TOML}, line 6", "no cell .* defines 'shift'", notebook=drop("shift")),
    "a cell that does not parse": Broken(
        f"{NOTEBOOK}'shift', line 2", "does not parse as Python", notebook=text("shift", "%who\ndef shift(:\n    pass")
    ),
    "a marker twice in a cell": Broken(
        f"{NOTEBOOK}'double', line 10",
        "the blank 'double.block' is marked twice, first in Cell 'double', line 4",
        notebook=text("double", DOUBLE.replace("double.scale", "double.block")),
    ),
    "a marker twice in two cells": Broken(
        f"{NOTEBOOK}'shift', line 3",
        "the blank 'double.scale' is marked twice, first in Cell 'double', line 10",
        notebook=text("shift", SHIFT.replace("shift.all", "double.scale")),
    ),
    "a notebook of an older format": Broken(
        "source/hw-1/hw-1.ipynb", "is no valid notebook", notebook=lambda notebook: notebook.update(nbformat=3)
    ),
    # the checks
    "a question without a check": Broken(
        TOML, "the question 'shift' has no check", checks('@check("shift"', '@check("double"')
    ),
    "no checks": Broken(TOML, "the question 'double' has no check", {"checks.py": ""}),
    "a check of no question": Broken(
        f"{CHECKED}, line 18",
        "is a check of no question, 'duoble'",
        checks('"double"', '"duoble"'),
    ),
    "a check without a sentence": Broken(
        f"{CHECKED}, line 31", "needs a docstring", checks('    """The numbers come back, each larger by one."""\n', "")
    ),
    "checks that do not parse": Broken(f"{CHECKED}, line 18", "SyntaxError", checks("@check", "@@check")),
    "checks that fail": Broken(f"{CHECKED}, line 3", "NameError", checks('"""\n\nfrom', '"""\n\nx\nfrom')),
    "checks that exit": Broken(
        f"{CHECKED}, line 3", "SystemExit", checks('"""\n\nfrom', '"""\n\nraise SystemExit\nfrom')
    ),
    "a probe that is not there": Broken(
        f"{CHECKED}, line 41", "there is no probe 'measures' to ask", checks('"measure"', '"measures"')
    ),
    "no probes at all": Broken(f"{CHECKED}, line 41", "no probe 'measure'", {"probes.py": ""}),
    "probes that do not parse": Broken("solutions/hw-1/probes.py, line 1", "SyntaxError", {"probes.py": "def ("}),
    "a warmup that fails": Broken("solutions/hw-1/warmup.py, line 1", "ZeroDivisionError", {"warmup.py": "1 / 0"}),
}
BROKEN["a probe's constant that is not there"] = Broken(
    f"{CHECKED}, line 43",
    "there is no probe 'weigh' to ask",
    {"checks.py": CHECKS.replace('"measure"', "IT").replace("\n\n@check", '\nIT = "weigh"\n\n\n@check', 1)},
)


def course_with(root: Path, broken: Broken) -> Path:
    """A course in a path with a space."""
    notebook = odd()
    broken.notebook(notebook)
    unreleased(root / "my course", notebook, files=FILES)
    for name, text in broken.files.items():
        (root / "my course/solutions" / NAME / name).write_bytes(text.encode(errors="surrogateescape"))
    return root / "my course"


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_contract_at_fault_is_refused_with_its_place_and_a_next_step(broken: Broken, tmp_path: Path) -> None:
    root = course_with(tmp_path, broken)
    with pytest.raises(CourseError) as caught:
        _ = AnswerKey(load_practical(root, NAME)).checks
    message = caught.value.message
    assert re.match(re.escape(f"{root}/{broken.place}"), message), message
    assert re.search(broken.words, f"{message}\n{caught.value.next_step}"), message
    assert caught.value.next_step


def test_a_contract_without_fault_says_what_the_notebook_says(tmp_path: Path) -> None:
    practical = load_practical(unreleased(tmp_path / "my course", odd(), files=FILES))
    assert [(item.name, item.points, item.cell) for item in practical.questions] == [
        ("double", 2, "double"),
        ("shift", 3, "shift"),
    ]
    assert practical.blanks == {
        "double.block": "double",
        "double.scale": "double",
        "shift.all": "shift",
        "shift.step": "shift",
    }
    assert practical.defines == {"double": ("Pair",), "shift": ("shift", "LIMIT")}
    assert practical.written == {"why": 2}
    assert practical.long_running == {"forever"}
    found = [check.name for check in AnswerKey(practical).checks]
    assert found == ["it_doubles", "it_doubles_negative_numbers", "it_is_measured", "it_shifts"]


# --- the folder


def refused(root: Path, name: str = "") -> str:
    with pytest.raises(CourseError) as caught:
        course_in(root, name)
    assert caught.value.next_step
    return caught.value.message


def test_a_course_without_a_practical_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"There is no practical in the course {tmp_path}."
    (tmp_path / "solutions/variants").mkdir(parents=True)
    assert f"{tmp_path}/solutions was made for an older version of the kit" in refused(tmp_path)


def test_two_practicals_of_one_name_are_refused_whichever_is_meant(tmp_path: Path) -> None:
    unreleased(unreleased(tmp_path), name="HW-1")
    for name in ("", "hw-1", "HW-1"):
        assert f"Two practicals have one name: {tmp_path}/solutions/HW-1 and" in refused(tmp_path, name)


def test_of_several_practicals_one_has_to_be_named(tmp_path: Path) -> None:
    unreleased(unreleased(tmp_path), name="hw-2")
    assert refused(tmp_path) == "The course has several practicals: hw-1, hw-2."
    assert refused(tmp_path, "hw1") == "There is no practical 'hw1'."
    assert course_in(tmp_path, "hw-2").practical.name == "hw-2"


def test_half_a_practical_is_refused_and_the_missing_file_named(tmp_path: Path) -> None:
    unreleased(tmp_path)
    contract, source = tmp_path / "solutions/hw-1/practical.toml", tmp_path / "source/hw-1/hw-1.ipynb"
    kept = contract.rename(tmp_path / "kept")
    assert refused(tmp_path, NAME) == f"There is no {contract}, only {source}."
    kept.rename(contract)
    source.unlink()
    assert refused(tmp_path, NAME) == refused(tmp_path) == f"There is no {source}, only {contract}."


# --- the commands

SEEN_BY_ALL = ("a question without a check", "a probe that is not there", "a marker twice in a cell", "an older kit")


@pytest.mark.parametrize("fault", SEEN_BY_ALL)
def test_every_command_refuses_it_before_anything_is_graded_or_written(fault: str, tmp_path: Path) -> None:
    root = course_with(tmp_path, BROKEN[fault])
    shutil.copytree(root / "source", root / "release")
    hand_in(root, "alice", odd())
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if "__pycache__" not in path.parts}
    for command in ("generate", "grade", "verify"):
        done = run(command, "--course", root)
        assert done.exit_code == 2, done.output
        assert BROKEN[fault].words in said(done)
    after = {path: path.stat().st_mtime_ns for path in root.rglob("*") if "__pycache__" not in path.parts}
    assert {path for path in after if path.is_file()} == {path for path in before if path.is_file()}
    by_doctor = next(finding for finding in examine(root) if finding.subject == NAME)
    assert not by_doctor.well
    assert BROKEN[fault].words in by_doctor.found
