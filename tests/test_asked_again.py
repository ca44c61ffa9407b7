"""What ``grade`` asks again after a change, and what it keeps."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from small_course import (
    BOTH,
    CHECKS,
    INPUTS,
    NAME,
    asked,
    both,
    hand_in,
    handed_in,
    notebook,
    run,
    small_course,
    write_source,
)

from autograder.judging.answer_key import AnswerKey

EVERYTHING = Counter(double=2, shift=2, both=2)
ALICES = Counter(double=1, shift=1, both=1)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a class of two that was graded: alice is right, bob fails one of two checks of ``double``."""
    root = small_course(tmp_path_factory.mktemp("graded") / "my course", notebook(both()), files=BOTH)
    hand_in(root, "alice")
    hand_in(root, "bob", double="2 * abs(x)")
    results = grade(root)
    assert asked(root) == EVERYTHING
    assert points(results) == {"alice": 6, "bob": 5.5}
    return root


@pytest.fixture
def course(graded: Path, tmp_path: Path) -> Path:
    """That course, for one test."""
    return Path(shutil.copytree(graded, tmp_path / "my course"))


def grade(root: Path, *options: str) -> list[dict[str, Any]]:
    done = run("grade", root, "--no-gradebook", "--jobs", "1", "--json", *options)
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    return found


def points(results: list[dict[str, Any]]) -> dict[str, float]:
    return {result["student"]: result["points"] for result in results}


def question(results: list[dict[str, Any]], student: str, name: str) -> dict[str, Any]:
    (result,) = (item for item in results if item["student"] == student)
    (found,) = (item for item in result["questions"] if item["question"] == name)
    return dict(found)


def rewrite(root: Path, file: str, old: str, new: str) -> None:
    path = root / "solutions" / NAME / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_nothing_is_asked_and_no_check_is_loaded_where_nothing_changed(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = grade(course)
    monkeypatch.setattr(AnswerKey, "checks", property(lambda key: pytest.fail("a course's libraries take seconds")))
    assert grade(course) == before
    assert not asked(course)


def with_notes(made: NotebookNode) -> NotebookNode:
    made.cells.append(new_markdown_cell("A last word.", id="last"))
    return made


UNASKED: dict[str, Callable[[Path], object]] = {
    "prose of the notebook": lambda root: write_source(root, notebook(both(), prose="Fill in the two blanks.")),
    "a comment in the checks": lambda root: rewrite(root, "checks.py", "@check", "# a remark\n@check"),
    "a student's notes": lambda root: hand_in(root, "alice", with_notes(handed_in(root))),
    "another file that no check imports": lambda root: (root / "solutions" / NAME / "more.py").write_text("X = 1\n"),
}


@pytest.mark.parametrize("change", UNASKED.values(), ids=UNASKED)
def test_what_no_answer_depends_on_may_change(course: Path, change: Callable[[Path], object]) -> None:
    before = points(grade(course))
    change(course)
    assert points(grade(course)) == before
    assert not asked(course)


def test_a_weight_counts_at_once_without_asking(course: Path) -> None:
    rewrite(course, "checks.py", "weight=3", "weight=1")
    assert question(grade(course), "bob", "double")["points"] == 1
    assert not asked(course)


def test_a_sentence_is_todays_without_asking(course: Path) -> None:
    rewrite(course, "checks.py", "where they are negative", "below zero too")
    rewrite(course, "checks.py", '"the sign"', '"what abs does"')
    passed, failed = question(grade(course), "bob", "double")["checks"]
    assert passed["sentence"] == "Twice the numbers come back."
    assert failed["sentence"] == "Twice the numbers come back below zero too."
    assert failed["look_at"] == "what abs does"
    assert not asked(course)


def test_points_of_the_notebook_are_scaled_without_asking(course: Path) -> None:
    write_source(course, notebook(both(), points=4))
    results = grade(course)
    assert points(results) == {"alice": 8, "bob": 7}
    assert question(results, "bob", "double")["max_points"] == 4
    assert not asked(course)


def test_a_changed_check_asks_its_own_question_alone(course: Path) -> None:
    rewrite(course, "checks.py", 'compare(exam, POSITIVE, "shift")', 'compare(exam, NEGATIVE, "shift")')
    results = grade(course)
    assert asked(course) == Counter(shift=2)
    assert points(results) == {"alice": 6, "bob": 5.5}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("inputs.py", "[1.7, 2.9]", "[1.8, 2.9]"), ("checks.py", '"numbers")', '"values")')],
    ids=["in a file of their own", "beside the checks"],
)
def test_what_the_checks_share_asks_all_that_use_it(course: Path, file: str, old: str, new: str) -> None:
    assert old in INPUTS + CHECKS
    rewrite(course, file, old, new)
    grade(course)
    assert asked(course) == EVERYTHING


def test_a_changed_submission_is_asked_everything_and_nobody_else_anything(course: Path) -> None:
    hand_in(course, "alice", shift="x")
    assert points(grade(course)) == {"alice": 2, "bob": 5.5}
    assert asked(course) == ALICES


def test_force_asks_everything_and_question_asks_one(course: Path) -> None:
    grade(course, "--force", "--student", "alice")
    assert asked(course) == ALICES
    grade(course, "--question", "shift")
    assert asked(course) == Counter(shift=2)


def test_a_question_that_was_left_out_is_asked_when_it_is_wanted_and_the_others_are_not(course: Path) -> None:
    assert points(grade(course, "--skip", "both")) == {"alice": 5, "bob": 4.5}
    assert points(grade(course)) == {"alice": 6, "bob": 5.5}
    assert asked(course) == Counter(both=2)


def test_results_of_an_older_kit_are_asked_again(course: Path) -> None:
    for path in (course / "results" / NAME / "students").iterdir():
        kept = json.loads(path.read_text(encoding="utf-8"))
        for item in kept["questions"]:
            del item["depends"]
            for check in item["checks"]:
                del check["usual"]
        path.write_text(json.dumps(kept), encoding="utf-8")
    assert points(grade(course)) == {"alice": 6, "bob": 5.5}
    assert asked(course) == EVERYTHING


def test_the_known_mistakes_are_hinted_at_once_they_are_learnt(course: Path) -> None:
    corpus = course / "solutions" / NAME / "variants"
    corpus.mkdir()
    (corpus / "abs.toml").write_text(
        '[[variant]]\nid = "abs"\nverdict = "wrong"\nsummary = "loses the sign"\nloses = ["double"]\n'
        'hint = "The sign is lost."\nfills = { "double.body" = "np.abs(2 * x)" }\n',
        encoding="utf-8",
    )
    assert run("verify", "--course", course, "--learn", "--jobs", "1").exit_code == 0
    asked(course)
    assert question(grade(course), "bob", "double")["hint"] == "The sign is lost."
    assert asked(course)["double"] == 1


def test_a_question_that_runs_everything_points_to_the_parts_that_fail_today(course: Path) -> None:
    def advice(*options: str) -> str:
        (check,) = question(grade(course, "--student", "cyd", *options), "cyd", "both")["checks"]
        return str(check["look_at"])

    hand_in(course, "cyd", double="3 * x")
    assert advice("--skip", "double") == "the questions before"
    assert advice().startswith("double, where marks were lost too")
    asked(course)
    for numbers in ("POSITIVE", "NEGATIVE"):
        rewrite(course, "checks.py", f'compare(exam, {numbers}, "double")', 'compare(exam, 0 * POSITIVE, "double")')
    assert advice() == "the questions before"
    assert asked(course)["both"] == 0
