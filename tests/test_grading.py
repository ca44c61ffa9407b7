"""A whole class, graded once through the front door: what each earns, what is said of it, what is written."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from typer.testing import CliRunner, Result

from autograder.assignment import load_assignment
from autograder.authoring import fill, read_source
from autograder.cli import app
from autograder.demo import KIT, make_course
from autograder.process import Answered, Outcome, Session
from autograder.repair import repair
from autograder.sandbox import choose_barrier
from autograder.verification.corpus import Variant, load_corpus

SAC = load_assignment("sac")
SAMPLES = {variant.id: variant for variant in load_corpus([KIT / "solutions/demo.toml"], SAC)}
RIGHT = [*(name for name, variant in SAMPLES.items() if variant.verdict == "right"), "metadata-stripped"]
WRONG = {name: variant for name, variant in SAMPLES.items() if variant.verdict == "wrong"}
MIXED = ("mixed-1", "mixed-2", "=mixed-3")  # three of a kind
OPEN = "qf2_next_target = ...  # YOUR CODE HERE"
NO_NOTEBOOKS = {
    "text": "sac.ipynb is not a notebook (its content is not JSON). Hand in the .ipynb file.",
    "empty": "sac.ipynb is empty. Save the notebook and hand it in again.",
    "link": "sac.ipynb is not an ordinary file. Hand in the notebook itself.",
    "pdf": "There is no notebook of pdf. Put it there as ",
    "twice": "There are two submissions of twice: ",
}
ODD_NAMES = ['O\'Hara "Bob"', "<script>alert(1)", "Zoë 王 🦊", "+1 [bold]", "x" * 220]

Results = dict[str, dict[str, Any]]


def run(*words: str | Path) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "300", "TERM": "dumb"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def mixed(source: NotebookNode) -> NotebookNode:
    """Something of everything: a line still open, an exception, cells that are gone, a grade cell changed."""
    fills = {"target.q2": "...  # YOUR CODE HERE", "explore.actions": "1 / 0, '\x1b[2J', None"}
    submission = fill(source, SAC, fills)
    gone = ("alpha-update", "check-critic-update")
    submission.cells = [cell for cell in submission.cells if grade_id(cell) not in gone]
    next(cell for cell in submission.cells if grade_id(cell) == "check-explore").source = "print('1 of 1')"
    return submission


def grade_id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def hand_in(course: Path, student: str, content: NotebookNode | str) -> Path:
    path = course / "submitted" / student / "sac" / "sac.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else nbformat.writes(content), encoding="utf-8")
    return path


def hand_in_what_is_no_notebook(course: Path) -> None:
    hand_in(course, "text", "def f(): pass")
    hand_in(course, "empty", "")
    hand_in(course, "link", "").unlink()
    (course / "submitted/link/sac/sac.ipynb").symlink_to(course / "source/sac/sac.ipynb")
    hand_in(course, "pdf", "").rename(course / "submitted/pdf/sac/sac.pdf")
    shutil.copy(hand_in(course, "twice", "{}"), course / "submitted/twice.ipynb")


@dataclass(frozen=True)
class Graded:
    """A class and what came of it."""

    course: Path
    done: Result
    results: Results

    def lost(self, student: str) -> set[str]:
        questions = self.results[student]["questions"]
        return {question["question"] for question in questions if question["points"] < question["max_points"]}

    def question(self, student: str, name: str) -> dict[str, Any]:
        (found,) = (item for item in self.results[student]["questions"] if item["question"] == name)
        return dict(found)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """The sample class, with others beside it, graded two at once."""
    course = tmp_path_factory.mktemp("class") / "course"
    make_course(course)
    hand_in_what_is_no_notebook(course)
    for student in MIXED:
        hand_in(course, student, mixed(read_source(course, "sac")))
    done = run("grade", course, "--skip", "training", "--jobs", "2", "--json")
    return Graded(course, done, {item["student"]: item for item in json.loads(done.stdout)["results"]})


# --- figures


def test_everyone_who_handed_in_has_a_result(graded: Graded) -> None:
    assert graded.results.keys() == {*SAMPLES, *NO_NOTEBOOKS, *MIXED, "untouched", "metadata-stripped"}
    assert graded.done.exit_code == 1  # some could not be graded


@pytest.mark.parametrize("student", RIGHT)
def test_a_right_submission_earns_every_point(graded: Graded, student: str) -> None:
    result = graded.results[student]
    assert (result["points"], result["max_points"], result["fault"]) == (22, 22, "")
    assert {question["status"] for question in result["questions"]} == {"right"}


@pytest.mark.parametrize("variant", WRONG.values(), ids=WRONG)
def test_a_mistake_costs_its_own_question_and_no_other(graded: Graded, variant: Variant) -> None:
    assert graded.lost(variant.id) == set(variant.loses)
    assert graded.results[variant.id]["fault"] == ""


def test_the_untouched_release_earns_nothing_and_was_not_attempted(graded: Graded) -> None:
    assert graded.results["untouched"]["points"] == 0
    assert {item["status"] for item in graded.results["untouched"]["questions"]} == {"not attempted"}


def test_the_same_submission_earns_the_same_marks_in_the_same_words(graded: Graded) -> None:
    one, *others = ({**graded.results[name], "student": "", "seconds": 0} for name in MIXED)
    assert all(other == one for other in others)


def test_every_result_says_what_stood_between(graded: Graded) -> None:
    stood = {result["barrier"] for result in graded.results.values() if not result["fault"]}
    assert stood == {choose_barrier().name}


# --- marks and words


def test_points_are_the_passed_checks_share_of_the_weights(graded: Graded) -> None:
    partly = 0
    for result in graded.results.values():
        for question in result["questions"]:
            weights = [check["weight"] for check in question["checks"]]
            passed = sum(check["weight"] for check in question["checks"] if check["passed"])
            earned = question["max_points"] * passed / sum(weights) if weights else 0
            assert question["points"] == pytest.approx(earned, abs=0.005)
            assert (question["status"] == "partly right") == (0 < question["points"] < question["max_points"])
            partly += 0 < question["points"] < question["max_points"]
    assert partly >= 3


def test_every_failed_check_says_what_is_asked_what_happened_and_where_to_look(graded: Graded) -> None:
    checks = [check for result in graded.results.values() for item in result["questions"] for check in item["checks"]]
    assert any(not check["passed"] for check in checks)
    for check in checks:
        assert check["sentence"].endswith(".")
        assert bool(check["happened"]) == bool(check["look_at"]) == (not check["passed"])


@pytest.mark.parametrize("student", MIXED)
def test_missing_open_and_broken_are_told_apart(graded: Graded, student: str) -> None:
    missing, partly_open = graded.question(student, "alpha-update"), graded.question(student, "critic-target")
    assert (missing["status"], missing["points"]) == ("missing", 0)
    assert missing["remark"] == "update_alpha was not found in what you handed in."
    assert partly_open["status"] == "wrong"
    assert OPEN in partly_open["remark"]
    raised = [check["happened"] for check in graded.question(student, "explore")["checks"]]
    assert all("ZeroDivisionError: division by zero" in words and "1 / 0" in words for words in raised)
    assert graded.lost(student) == {"alpha-update", "critic-target", "explore"}


@pytest.mark.parametrize("student", MIXED)
def test_what_had_to_be_mended_is_told(graded: Graded, student: str) -> None:
    assert sorted(graded.results[student]["repairs"]) == [
        "The cell 'alpha-update' is missing.",
        "The cell 'check-critic-update' was missing and was put back.",
        "The locked cell 'check-explore' had been changed and got its text back.",
    ]


def test_a_cell_that_does_not_parse_is_named_with_its_line(graded: Graded) -> None:
    remark = graded.question("does-not-parse", "evaluation")["remark"]
    assert "test_actor is not defined" in remark
    assert "(evaluate) does not parse (line 2: '(' was never closed)" in remark


def test_what_hangs_is_not_asked_again_and_again(graded: Graded) -> None:
    first, *others = (check["happened"] for check in graded.question("hangs", "alpha-update")["checks"])
    assert "did not come to an end in the time allowed" in first
    assert others
    assert all("was not asked again" in words for words in others)


# --- what could not be graded


@pytest.mark.parametrize("student", NO_NOTEBOOKS)
def test_what_could_not_be_graded_is_told_with_the_next_step(graded: Graded, student: str) -> None:
    assert graded.results[student]["fault"].startswith(NO_NOTEBOOKS[student])
    assert graded.results[student]["questions"] == []


# --- what is written


def test_the_class_and_every_student_are_written_as_json(graded: Graded) -> None:
    folder = graded.course / "results/sac"
    whole = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert {item["student"]: item for item in whole} == graded.results
    for student, result in graded.results.items():
        assert json.loads((folder / "students" / f"{student}.json").read_text(encoding="utf-8")) == result


def test_the_class_is_written_for_spreadsheets(graded: Graded) -> None:
    with (graded.course / "results/sac/results.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {name.replace("=", "'=") for name in graded.results}
    assert (rows["perfect"]["points"], rows["perfect"]["barrier"]) == ("22.0", choose_barrier().name)
    assert rows["wrong-get-action"]["get-action"] == str(graded.question("wrong-get-action", "get-action")["points"])
    assert rows["empty"]["fault"] == NO_NOTEBOOKS["empty"]
    assert "was put back" in rows["mixed-1"]["repairs"]


def test_no_gradebook_is_written_where_a_question_was_left_out(graded: Graded) -> None:
    assert "The gradebook and the feedback are not written, since --skip is given." in graded.done.stderr
    assert not (graded.course / "gradebook.db").exists()
    assert not (graded.course / "feedback").exists()


# --- again


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which no student's process can be started, although a barrier is chosen."""

    def refuse(*_: object) -> None:
        raise AssertionError("a student's process was started")

    monkeypatch.setattr("autograder.process.StudentProcess.start", refuse)
    return iter(())


@pytest.mark.usefixtures("no_sandbox")
def test_again_only_what_changed_is_graded(graded: Graded, tmp_path: Path) -> None:
    course = tmp_path / "course"
    shutil.copytree(graded.course, course, symlinks=True)
    hand_in(course, "text", (course / "release/sac/sac.ipynb").read_text(encoding="utf-8"))
    perfect = course / "submitted/perfect/sac/sac.ipynb"
    other = nbformat.read(perfect, as_version=4)
    other.cells.append(nbformat.v4.new_markdown_cell("A last word.", id="last"))
    hand_in(course, "perfect", other)  # nothing that is judged has changed
    done = run("grade", course, "--skip", "training", "--jobs", "1", "--json")
    again = {item["student"]: item for item in json.loads(done.stdout)["results"]}
    assert again["text"]["fault"] == ""
    assert {item["status"] for item in again["text"]["questions"]} == {"not attempted"}
    for student in graded.results.keys() - {"text"}:
        as_before = json.dumps(graded.results[student]).replace(str(graded.course), str(course))
        assert again[student] == json.loads(as_before)  # its seconds too


def test_what_was_graded_without_a_sandbox_counts_only_where_that_is_asked_for(
    graded: Graded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alice.ipynb").write_text((graded.course / "release/sac/sac.ipynb").read_text("utf-8"), "utf-8")
    words = ("grade", tmp_path, "--course", graded.course, "--jobs", "1", "--json")
    for options, barrier in ((("--unsafe-no-sandbox",), "none"), ((), choose_barrier().name)):
        done = run(*words, *options)
        assert done.exit_code == 0
        (result,) = json.loads(done.stdout)["results"]
        assert (result["student"], result["barrier"]) == ("alice", barrier)
    monkeypatch.setattr("autograder.batch.judge", lambda *_: pytest.fail("it was judged anew"))
    assert json.loads(run(*words).stdout)["results"] == [result]
    assert json.loads((tmp_path / "results/results.json").read_text(encoding="utf-8")) == [result]


def test_what_goes_wrong_with_one_submission_does_not_stop_the_others(
    graded: Graded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = (graded.course / "release/sac/sac.ipynb").read_text(encoding="utf-8")
    for name in ("alice", "bob"):
        (tmp_path / f"{name}.ipynb").write_text(release, encoding="utf-8")
    calls = []

    def fails_once(*arguments: Any) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise RecursionError("too deep")
        return repair(*arguments)

    monkeypatch.setattr("autograder.batch.repair", fails_once)
    done = run("grade", tmp_path, "--course", graded.course, "--jobs", "1", "--json")
    assert done.exit_code == 1
    alice, bob = json.loads(done.stdout)["results"]
    assert alice["fault"] == "alice.ipynb cannot be graded (RecursionError: too deep). Look at it by hand."
    assert len(bob["questions"]) == len(SAC.questions)


# --- the gradebook and the feedback, under whatever name


def test_odd_names_and_unreadable_files_reach_gradebook_and_feedback(tmp_path: Path) -> None:
    course = tmp_path / "course"
    make_course(course)
    shutil.rmtree(course / "submitted")
    release = (course / "release/sac/sac.ipynb").read_text(encoding="utf-8")
    for student in ODD_NAMES:
        hand_in(course, student, release)
    hand_in(course, "=1+1", "no notebook")
    done = run("grade", "--course", course, "--jobs", "1")
    assert done.exit_code == 1
    assert "not in the gradebook" not in done.output
    assert "=1+1" in done.stdout
    for student in [*ODD_NAMES, "=1+1"]:
        page = (course / "feedback" / student / "sac/sac.html").read_text(encoding="utf-8")
        assert "<script>alert(1)" not in page
        assert ("could not be graded" in page) == (student == "=1+1")
    assert (course / "gradebook.db").is_file()


# --- one notebook, on the terminal


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """All that the judge asks of a student's process, and all that comes back."""
    everything: list[object] = []
    ask = Session.ask

    def overhear(self: Session, probe: str, values: dict[str, Any], *others: Any) -> Outcome:
        outcome = ask(self, probe, values, *others)
        everything.extend([values, outcome.values if isinstance(outcome, Answered) else None])
        return outcome

    monkeypatch.setattr(Session, "ask", overhear)
    return everything


def numbers(value: object) -> Iterator[float]:
    """All numbers in nested values."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, np.ndarray):
        yield from value.astype(float).ravel().tolist()
    elif isinstance(value, int | float):
        yield float(value)


def test_nothing_that_is_said_holds_a_hidden_input_or_an_expected_value(graded: Graded, heard: list[object]) -> None:
    """What is asked of a right submission are the hidden inputs, and what it answers are the expected values."""
    done = run(
        "check", graded.course / "submitted/perfect/sac/sac.ipynb", "--course", graded.course, "--skip", "training"
    )
    assert done.exit_code == 0
    hidden = {abs(number) for number in numbers(heard) if number != round(number, 1)}
    assert len(hidden) > 1000
    said = json.dumps(
        [
            [{**check, "weight": 0} for check in item["checks"]] + [item["remark"]]
            for result in graded.results.values()
            for item in result["questions"]
        ]
    )
    spoken = {token for token in re.findall(r"\d+\.\d+(?:e-?\d+)?", said) if len(token.strip("0.")) >= 3}
    secrets = {f"{number:.{digits}g}" for number in hidden for digits in (3, 4, 5, 6)}
    assert not spoken & secrets


def test_with_training_a_right_submission_earns_all_points(graded: Graded) -> None:
    path = graded.course / "submitted/perfect/sac/sac.ipynb"
    done = run("check", path, "--course", graded.course, "--json")
    assert done.exit_code == 0
    result = json.loads(done.stdout)
    assert (result["points"], result["max_points"]) == (25, 25)
    (training,) = (item for item in result["questions"] if item["question"] == "training")
    assert len(training["curve"]["returns"]) == len(training["curve"]["steps"]) > 10


def test_training_is_not_run_while_a_line_is_open_and_the_line_is_told(
    graded: Graded, tmp_path: Path, source: NotebookNode
) -> None:
    path = tmp_path / "alice.ipynb"
    nbformat.write(fill(source, SAC, {"target.q2": "...  # YOUR CODE HERE"}), path)
    others = [word for item in SAC.questions if item.name != "training" for word in ("--skip", item.name)]
    done = run("check", path, "--course", graded.course, *others)
    assert done.exit_code == 0
    words = re.sub(r"\s+", " ", done.stdout)
    assert "alice: 0 of 3 points" in words
    assert "It cannot run while a blank is open: critic_target: qf2_next_target = ... # YOUR CODE HERE." in words
