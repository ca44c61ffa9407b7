"""A class, graded once through the front door: what each earns, what is said of it, what is written."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from small_course import BOTH, NAME, both, hand_in, handed_in, notebook, released, run, said, small_course
from typer.testing import Result

from autograder.grading.mark import mark
from autograder.notebook.cells import grade_id_of
from autograder.sandbox import choose_barrier

MIXED = ("mixed-1", "mixed-2", "=mixed-3")  # three of a kind
NO_NOTEBOOKS = {
    "text": "hw-1.ipynb is not a notebook (its content is not JSON). Hand in the .ipynb file.",
    "empty": "hw-1.ipynb is empty. Save the notebook and hand it in again.",
    "link": "hw-1.ipynb is not an ordinary file. Hand in the notebook itself.",
    "pdf": "There is no notebook of pdf. Put it there as ",
    "twice": "There are two submissions of twice: ",
}
ODD_NAMES = ['O\'Hara "Bob"', "<script>alert(1)", "Zoë 王 🦊", "+1 [bold]", "x" * 220]


def mixed(course: Path) -> NotebookNode:
    """Something of everything: a line still open, an exception, a cell that is gone, a grade cell changed."""
    submission = handed_in(course, double="1 / 0, '\x1b[2J', None", shift="...  # YOUR CODE HERE")
    submission.cells = [cell for cell in submission.cells if grade_id_of(cell) != "check-shift"]
    next(cell for cell in submission.cells if grade_id_of(cell) == "check-double").source = "print('1 of 1')"
    return submission


def without(course: Path, grade_id: str) -> NotebookNode:
    submission = handed_in(course)
    submission.cells = [cell for cell in submission.cells if grade_id_of(cell) != grade_id]
    return submission


def hand_in_what_is_no_notebook(course: Path) -> None:
    hand_in(course, "text", "def f(): pass")
    hand_in(course, "empty", "")
    hand_in(course, "link", "").unlink()
    (course / f"submitted/link/{NAME}/{NAME}.ipynb").symlink_to(course / f"source/{NAME}/{NAME}.ipynb")
    hand_in(course, "pdf", "").rename(course / f"submitted/pdf/{NAME}/{NAME}.pdf")
    shutil.copy(hand_in(course, "twice", "{}"), course / "submitted/twice.ipynb")


@dataclass(frozen=True)
class GradedCourse:
    """A class and what came of it."""

    course: Path
    done: Result
    results: dict[str, dict[str, Any]]

    def lost(self, student: str) -> set[str]:
        questions = self.results[student]["questions"]
        return {question["question"] for question in questions if question["points"] < question["max_points"]}

    def question(self, student: str, name: str) -> dict[str, Any]:
        (found,) = (item for item in self.results[student]["questions"] if item["question"] == name)
        return dict(found)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> GradedCourse:
    """A class of everything, graded two at once, without the question that is end to end."""
    course = small_course(tmp_path_factory.mktemp("class") / "my course", notebook(both()), files=BOTH)
    hand_in(course, "right", double="np.add(x, x)")
    hand_in(course, "partly", double="2 * abs(x)")
    hand_in(course, "wrong", shift="x - 1")
    hand_in(course, "untouched", released(course))
    hand_in(course, "gone", without(course, "shift"))
    hand_in(course, "unparsed", nbformat.writes(handed_in(course)).replace("def shift(x):", "def shift(x:"))
    for student in MIXED:
        hand_in(course, student, mixed(course))
    hand_in_what_is_no_notebook(course)
    done = run("grade", course, "--skip", "both", "--jobs", "2", "--json")
    return GradedCourse(course, done, {item["student"]: item for item in json.loads(done.stdout)["results"]})


# --- marks


def test_everyone_who_handed_in_has_a_result(graded: GradedCourse) -> None:
    others = {"right", "partly", "wrong", "untouched", "gone", "unparsed"}
    assert graded.results.keys() == {*others, *NO_NOTEBOOKS, *MIXED}
    assert graded.done.exit_code == 1  # some could not be graded


def test_a_right_submission_earns_every_point(graded: GradedCourse) -> None:
    result = graded.results["right"]
    assert (result["points"], result["max_points"], result["fault"]) == (5, 5, "")
    assert {question["status"] for question in result["questions"]} == {"right"}


def test_a_mistake_costs_its_own_question_and_its_checks_share_of_the_weights(graded: GradedCourse) -> None:
    assert graded.lost("wrong") == {"shift"}
    assert graded.lost("partly") == {"double"}
    partly = graded.question("partly", "double")
    assert (partly["points"], partly["max_points"], partly["status"]) == (1.5, 2, "partly right")


def test_the_untouched_release_earns_nothing_and_was_not_attempted(graded: GradedCourse) -> None:
    assert graded.results["untouched"]["points"] == 0
    assert {item["status"] for item in graded.results["untouched"]["questions"]} == {"not attempted"}


def test_the_same_submission_earns_the_same_marks_in_the_same_words(graded: GradedCourse) -> None:
    one, *others = ({**graded.results[name], "student": "", "seconds": 0} for name in MIXED)
    assert all(other == one for other in others)


def test_every_result_says_what_stood_between(graded: GradedCourse) -> None:
    stood = {result["barrier"] for result in graded.results.values() if not result["fault"]}
    assert stood <= {choose_barrier().name, ""}
    assert graded.results["right"]["barrier"] == choose_barrier().name


# --- words


def test_every_check_says_what_is_asked_and_where_it_failed_what_happened_and_where_to_look(
    graded: GradedCourse,
) -> None:
    passed, failed = graded.question("partly", "double")["checks"]
    assert passed["sentence"] == "Twice the numbers come back."
    assert passed["happened"] == passed["look_at"] == ""
    assert failed["sentence"] == "Twice the numbers come back where they are negative."
    assert "2 of 2 numbers differ" in failed["happened"]
    assert failed["look_at"] == "the sign"


@pytest.mark.parametrize("student", MIXED)
def test_open_and_broken_are_told_apart(graded: GradedCourse, student: str) -> None:
    still_open = graded.question(student, "shift")
    assert still_open["status"] == "not attempted"
    raised, *others = [check["happened"] for check in graded.question(student, "double")["checks"]]
    assert "ZeroDivisionError: division by zero" in raised
    assert "1 / 0" in raised
    assert others
    assert all(words.startswith("Not reached") for words in others)


def test_what_is_missing_is_named(graded: GradedCourse) -> None:
    missing = graded.question("gone", "shift")
    assert (missing["status"], missing["points"]) == ("missing", 0)
    assert missing["remark"] == "shift was not found in what you handed in."
    assert graded.results["gone"]["repairs"] == ["The cell 'shift' is missing."]


@pytest.mark.parametrize("student", MIXED)
def test_what_had_to_be_mended_is_said(graded: GradedCourse, student: str) -> None:
    assert sorted(graded.results[student]["repairs"]) == [
        "The cell 'check-shift' was missing and was put back.",
        "The locked cell 'check-double' had been changed and got its text back.",
    ]


def test_a_cell_that_does_not_parse_is_named_with_its_line(graded: GradedCourse) -> None:
    remark = graded.question("unparsed", "shift")["remark"]
    assert re.fullmatch(
        r"shift does not parse \(cell 5 \(shift\), line 1: '\(' was never closed, as Python 3.*\)\.", remark
    )


@pytest.mark.parametrize("student", NO_NOTEBOOKS)
def test_what_could_not_be_graded_is_said_with_the_next_step(graded: GradedCourse, student: str) -> None:
    assert graded.results[student]["fault"].startswith(NO_NOTEBOOKS[student])
    assert graded.results[student]["questions"] == []


def test_what_runs_end_to_end_is_not_run_while_a_line_is_open_and_the_line_is_said(
    graded: GradedCourse, tmp_path: Path
) -> None:
    path = tmp_path / "alice.ipynb"
    nbformat.write(handed_in(graded.course, shift="...  # YOUR CODE HERE"), path)
    words = said(run("check", path, "--course", graded.course, "--skip", "double", "--skip", "shift"))
    assert "alice: 0 of 1 points" in words
    assert "It cannot run while a blank is open: shift: y = ... # YOUR CODE HERE." in words


# --- what is written


def test_the_class_and_every_student_are_written_as_json(graded: GradedCourse) -> None:
    folder = graded.course / "results" / NAME
    whole = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert {item["student"]: item for item in whole} == graded.results
    for student, result in graded.results.items():
        assert json.loads((folder / "students" / f"{student}.json").read_text(encoding="utf-8")) == result


def test_the_class_is_written_for_spreadsheets(graded: GradedCourse) -> None:
    with (graded.course / "results" / NAME / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {name.replace("=", "'=") for name in graded.results}
    assert (rows["right"]["points"], rows["right"]["barrier"]) == ("5.0", choose_barrier().name)
    assert rows["partly"]["double"] == "1.5"
    assert rows["empty"]["fault"] == NO_NOTEBOOKS["empty"]
    assert "was put back" in rows["mixed-1"]["repairs"]


def test_no_gradebook_is_written_where_a_question_was_left_out(graded: GradedCourse) -> None:
    assert "The gradebook and the feedback are not written, since --skip is given." in graded.done.stderr
    assert not (graded.course / "gradebook.db").exists()
    assert not (graded.course / "feedback").exists()


def test_odd_names_and_unreadable_files_reach_gradebook_and_feedback(tmp_path: Path) -> None:
    course = small_course(tmp_path / "course")
    for student in ODD_NAMES:
        hand_in(course, student, released(course))
    hand_in(course, "=1+1", "no notebook")
    done = run("grade", "--course", course, "--jobs", "1")
    assert done.exit_code == 1
    assert "not in the gradebook" not in done.output
    assert "=1+1" in done.stdout
    for student in [*ODD_NAMES, "=1+1"]:
        page = (course / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")
        assert "<script>alert(1)" not in page
        assert ("could not be graded" in page) == (student == "=1+1")
    assert (course / "gradebook.db").is_file()


# --- where submissions may stand


@pytest.mark.parametrize("where", ["", "submitted", "elsewhere"])
def test_a_course_its_submitted_folder_and_any_folder_of_notebooks_can_be_graded(tmp_path: Path, where: str) -> None:
    course = small_course(tmp_path / "course")
    hand_in(course, "alice", released(course))
    if where == "elsewhere":
        (course / "submitted").rename(tmp_path / where)
    folder = tmp_path / where if where == "elsewhere" else course / where
    words: list[str | Path] = [] if where == "" else ["--course", course]
    done = run("grade", folder, *words, "--no-gradebook", "--json")
    assert done.exit_code == 0
    assert [result["student"] for result in json.loads(done.stdout)["results"]] == ["alice"]
    target = folder / "results" if where == "elsewhere" else course / "results" / NAME
    assert (target / "results.csv").is_file()


# --- again


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which no student's process can be started, although a barrier is chosen."""

    def refuse(*_: object) -> None:
        raise AssertionError("a student's process was started")

    monkeypatch.setattr("autograder.judging.process.StudentProcess.start", refuse)
    return iter(())


@pytest.mark.usefixtures("no_sandbox")
def test_again_only_what_changed_is_graded(graded: GradedCourse, tmp_path: Path) -> None:
    course = tmp_path / "course"
    shutil.copytree(graded.course, course, symlinks=True)
    hand_in(course, "text", released(course))
    done = run("grade", course, "--skip", "both", "--jobs", "1", "--json")
    again = {item["student"]: item for item in json.loads(done.stdout)["results"]}
    assert again["text"]["fault"] == ""
    assert {item["status"] for item in again["text"]["questions"]} == {"not attempted"}
    for student in graded.results.keys() - {"text"}:
        as_before = json.dumps(graded.results[student]).replace(str(graded.course), str(course))
        assert again[student] == json.loads(as_before)  # its seconds too


def test_what_was_graded_without_a_sandbox_counts_only_where_that_is_asked_for(
    graded: GradedCourse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbformat.write(released(graded.course), tmp_path / "alice.ipynb")
    words = ("grade", tmp_path, "--course", graded.course, "--jobs", "1", "--json")
    for options, barrier in ((("--unsafe-no-sandbox",), "none"), ((), choose_barrier().name)):
        done = run(*words, *options)
        assert done.exit_code == 0
        (result,) = json.loads(done.stdout)["results"]
        assert (result["student"], result["barrier"]) == ("alice", barrier)
    monkeypatch.setattr("autograder.grading.mark.judge", lambda *_: pytest.fail("it was judged anew"))
    assert json.loads(run(*words).stdout)["results"] == [result]
    assert json.loads((tmp_path / "results/results.json").read_text(encoding="utf-8")) == [result]


def test_what_goes_wrong_with_one_submission_does_not_stop_the_others(
    graded: GradedCourse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("alice", "bob"):
        nbformat.write(released(graded.course), tmp_path / f"{name}.ipynb")
    calls = []

    def fails_once(*arguments: Any) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise RecursionError("too deep")
        return mark(*arguments)

    monkeypatch.setattr("autograder.grading.graders.mark", fails_once)
    done = run("grade", tmp_path, "--course", graded.course, "--jobs", "1", "--json")
    assert done.exit_code == 1
    alice, bob = json.loads(done.stdout)["results"]
    assert alice["fault"] == "The notebook of alice cannot be graded (RecursionError: too deep). Look at it by hand."
    assert len(bob["questions"]) == 3


# --- one notebook, on the terminal


def test_check_prints_what_a_student_would_read_and_no_escape_of_theirs(graded: GradedCourse) -> None:
    done = run("check", graded.course / f"submitted/mixed-1/{NAME}/{NAME}.ipynb", "--course", graded.course)
    assert done.exit_code == 0
    assert "\x1b[2J" not in done.stdout
    words = re.sub(r"\s+", " ", done.stdout)
    assert "hw-1: 0 of 6 points" in words
    assert "✗ Twice the numbers come back." in words
