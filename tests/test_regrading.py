"""Grading again: some students, some questions, what was handed in anew; and what a person gave stays."""

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import nbformat
import pytest
from grader_process import marks
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from small_course import NAME, asked, hand_in, run, said, small_course
from typer.testing import Result

from autograder.course.configuration import course_config
from autograder.files import write_atomically
from autograder.grading.graders import Graded, LocalProcesses, grade_one, lost
from autograder.grading.locking import only_grader
from autograder.grading.mark import Marking
from autograder.records import Submission

NOTHING: Counter[str] = Counter()
EVERYTHING = Counter(double=1, shift=1)  # of one student


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ada, whose double is wrong, and Bob, who is right in all; graded, with Ada's answer marked by hand."""
    course = small_course(tmp_path_factory.mktemp("graded") / "my course")
    hand_in(course, "ada", double="3 * x")
    hand_in(course, "bob")
    assert grade(course).exit_code == 0
    give(course, "why", score=1.5, comment="Well argued.")
    give(course, "check-double", score=1.0, comment="The idea is right.", extra=0.5)
    return course


@pytest.fixture
def course(graded: Path, tmp_path: Path) -> Path:
    """The same for one test."""
    root = Path(shutil.copytree(graded, tmp_path / "my course"))
    asked(root)  # before the test
    return root


def grade(course: Path, *words: str) -> Result:
    return run("grade", "--course", course, "--jobs", "1", *words)


def gradebook(course: Path) -> Gradebook:
    return Gradebook(f"sqlite:///{course}/gradebook.db")


def give(course: Path, cell: str, score: float, comment: str, extra: float | None = None) -> None:
    """Mark a cell of Ada's as formgrader does."""
    with gradebook(course) as book:
        mark = book.find_grade(cell, NAME, NAME, "ada")
        mark.manual_score, mark.extra_credit, mark.needs_manual_grade = score, extra, False
        name = cell.removeprefix("check-")
        book.find_comment(name, NAME, NAME, "ada").manual_comment = comment
        book.db.commit()


def by_hand(course: Path) -> list[object]:
    """All that a person gave Ada."""
    with gradebook(course) as book:
        why, double = (book.find_grade(name, NAME, NAME, "ada") for name in ("why", "check-double"))
        comments = [book.find_comment(name, NAME, NAME, "ada").manual_comment for name in ("why", "double")]
        return [why.manual_score, double.manual_score, double.extra_credit, *comments]


GIVEN = [1.5, 1.0, 0.5, "Well argued.", "The idea is right."]


def waiting(course: Path, student: str = "ada") -> set[str]:
    """The cells that formgrader shows as waiting for a person."""
    with gradebook(course) as book:
        marks = book.find_submission_notebook(NAME, NAME, student).grades
        return {mark.name for mark in marks if mark.needs_manual_grade}


def auto_score(course: Path, cell: str, student: str = "ada") -> float | None:
    with gradebook(course) as book:
        score: float | None = book.find_grade(cell, NAME, NAME, student).auto_score
        return score


def kept_bytes(course: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (course / "results/hw-1/students").glob("*.json")}


def in_csv(course: Path) -> dict[str, float]:
    with (course / "results/hw-1/results.csv").open(encoding="utf-8", newline="") as file:
        return {row["student"]: float(row["points"]) for row in csv.DictReader(file)}


# --- what is graded again, and what is not


def test_an_unchanged_submission_is_not_graded_and_a_later_one_is(course: Path) -> None:
    before = kept_bytes(course)
    assert "0 graded now, 2 unchanged since they were graded before." in said(grade(course))
    assert asked(course) == NOTHING
    assert kept_bytes(course) == before
    hand_in(course, "ada")
    assert "1 graded now, 1 unchanged since they were graded before." in said(grade(course))
    assert asked(course) == EVERYTHING
    assert in_csv(course) == {"ada": 5.0, "bob": 5.0}
    assert auto_score(course, "check-double") == 2
    assert kept_bytes(course)["bob"] == before["bob"]


@pytest.mark.parametrize("words", [("--force",), ("--student", "ada", "--force")])
def test_only_those_named_are_graded_and_the_class_stays_whole(course: Path, words: tuple[str, ...]) -> None:
    before = kept_bytes(course)
    done = grade(course, *words, "--json")
    results = json.loads(done.stdout)["results"]
    assert asked(course) == Counter(double=len(results), shift=len(results))
    assert [item["student"] for item in results] == (["ada"] if "ada" in words else ["ada", "bob"])
    assert in_csv(course) == {"ada": 3.0, "bob": 5.0}
    whole = json.loads((course / "results/hw-1/results.json").read_text(encoding="utf-8"))
    assert [item["student"] for item in whole] == ["ada", "bob"]
    if "ada" in words:
        assert kept_bytes(course)["bob"] == before["bob"]


def test_who_was_never_graded_is_told_where_some_students_alone_are_graded(course: Path) -> None:
    hand_in(course, "cyd")
    done = grade(course, "--student", "bob", "--student", "ada", "--no-gradebook")
    assert "Never graded yet: cyd." in said(done)
    assert in_csv(course).keys() == {"ada", "bob"}


def test_only_the_question_named_is_asked_anew(course: Path) -> None:
    stored = course / "results/hw-1/students/ada.json"
    result = json.loads(stored.read_text(encoding="utf-8"))
    for question in result["questions"]:
        question["remark"] = "kept from before"
    write_atomically(stored, json.dumps(result))
    done = grade(course, "--student", "ada", "--question", "double", "--json")
    (again,) = json.loads(done.stdout)["results"]
    assert asked(course) == Counter(double=1)
    assert {item["question"]: item["remark"] for item in again["questions"]} == {
        "double": "",
        "shift": "kept from before",
    }
    assert (again["points"], auto_score(course, "check-shift")) == (3.0, 3.0)


def test_a_submission_that_changed_is_graded_whole_where_one_question_is_asked_for(course: Path) -> None:
    hand_in(course, "ada", shift="x")
    grade(course, "--question", "double", "--no-gradebook")
    assert asked(course) == Counter(double=2, shift=1)
    assert in_csv(course) == {"ada": 2.0, "bob": 5.0}


def test_a_question_that_was_left_out_before_is_asked_with_all_the_others(course: Path) -> None:
    grade(course, "--skip", "shift", "--force", "--student", "ada")
    asked(course)
    grade(course, "--question", "double", "--student", "ada", "--no-gradebook")
    assert asked(course) == EVERYTHING


def test_a_result_without_a_sandbox_is_not_built_upon(course: Path) -> None:
    stored = course / "results/hw-1/students/ada.json"
    write_atomically(stored, stored.read_text(encoding="utf-8").replace('"barrier": "', '"barrier": "none", "was": "'))
    grade(course, "--question", "double", "--student", "ada", "--no-gradebook")
    assert asked(course) == EVERYTHING


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--student", "Adda"), "There is no submission of 'Adda' in"),
        (("--student", "Adda"), "Did you mean ada? Submissions there: ada, bob."),
        (("--question", "dubble"), "hw-1 has no question 'dubble'. Did you mean double? Its questions are: double, sh"),
        (("--question", "double", "--skip", "double"), "double is to be both left out and asked again."),
    ],
)
def test_names_that_are_not_there_are_told_with_those_that_are_near(
    course: Path, words: tuple[str, ...], expected: str
) -> None:
    done = grade(course, *words)
    assert done.exit_code == 2
    assert expected in said(done)


# --- what a person gave


@pytest.mark.parametrize(
    "words",
    [("--force",), ("--student", "ada"), ("--question", "double")],
)
def test_what_a_person_gave_stays_and_needs_no_second_look_while_nothing_changed(
    course: Path, words: tuple[str, ...]
) -> None:
    grade(course, *words)
    assert by_hand(course) == GIVEN
    assert waiting(course) == set()
    assert waiting(course, "bob") == {"why"}
    page = (course / "feedback/ada/hw-1/hw-1.html").read_text(encoding="utf-8")
    assert "Well argued." in page


def test_a_changed_written_answer_is_looked_at_again_and_the_machine_is_not_asked(course: Path) -> None:
    hand_in(course, "ada", double="3 * x", answer="A better answer.")
    assert "0 graded now, 2 unchanged" in said(grade(course))
    assert asked(course) == NOTHING
    assert by_hand(course) == GIVEN
    assert waiting(course) == {"why"}
    notebook = nbformat.read(course / "autograded/ada/hw-1/hw-1.ipynb", as_version=4)
    assert any(cell.source == "A better answer." for cell in notebook.cells)
    assert "A better answer." in (course / "feedback/ada/hw-1/hw-1.html").read_text(encoding="utf-8")
    give(course, "why", score=2.0, comment="Better.")
    grade(course)
    assert waiting(course) == set()


def test_an_overridden_mark_is_looked_at_again_once_the_code_it_is_for_changed(course: Path) -> None:
    hand_in(course, "ada", double="2 * x")
    grade(course)
    assert by_hand(course) == GIVEN
    assert waiting(course) == {"check-double"}
    assert auto_score(course, "check-double") == 2


def test_formgraders_button_leaves_what_a_person_gave_too(course: Path) -> None:
    for _ in range(2):
        assert NbGraderAPI(config=course_config(course)).autograde(NAME, "ada")["success"]
        assert by_hand(course) == GIVEN
        assert waiting(course) == set()


def test_formgraders_button_does_no_harm_while_a_grader_is_at_work(course: Path) -> None:
    before = kept_bytes(course), marks(course)
    with only_grader(course / "results/hw-1"):
        assert NbGraderAPI(config=course_config(course)).autograde(NAME, "ada")["success"]
    assert (kept_bytes(course), marks(course)) == before


# --- where the machine fails


def test_who_could_not_be_graded_by_the_machines_fault_keeps_result_and_marks(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept_bytes(course), marks(course)

    def one_is_lost(
        _: LocalProcesses, marking: Marking, folder: Path, submissions: Sequence[Submission]
    ) -> Iterator[Graded]:
        for each in submissions:
            yield lost(marking, each) if each.student == "ada" else grade_one(marking, folder, each)

    monkeypatch.setattr(LocalProcesses, "results", one_is_lost)
    done = grade(course)
    assert done.exit_code == 1
    assert "The process that graded this submission was killed twice" in said(done)
    assert "--student ada --jobs 1" in said(done)
    assert (kept_bytes(course), marks(course)) == before


def test_a_disk_that_is_full_while_a_student_is_graded_is_no_fault_of_the_student(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept_bytes(course)

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autograder.grading.mark.judge", no_room)
    done = grade(course, "--force")
    assert done.exit_code == 2
    assert "No space left on device. Make room there and run the same command again" in said(done)
    assert kept_bytes(course) == before


@pytest.fixture
def fails_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes every file after so many be one for which the disk has no room."""

    def fail(most: int) -> None:
        from autograder import files

        write, count = files._write, iter(range(most))

        def full(path: Path, content: str | bytes) -> None:
            if next(count, None) is None:
                raise OSError(28, "No space left on device")
            write(path, content)

        monkeypatch.setattr("autograder.files._write", full)

    return fail


@pytest.mark.parametrize("files", [0, 1, 3, 5, 6])  # lock, mended notebook, the class's table, marks, what is published
def test_wherever_the_disk_fills_up_nothing_is_half_and_room_mends_it(
    course: Path, fails_after: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    hand_in(course, "ada")
    before = kept_bytes(course)
    fails_after(files)
    done = grade(course)
    assert done.exit_code == 2
    assert f"{course}/results/hw-1/" in said(done)
    assert "No space left on device. Make room there" in said(done)
    assert all(json.loads(text) for text in kept_bytes(course).values())
    assert kept_bytes(course)["bob"] == before["bob"]
    monkeypatch.undo()
    assert grade(course).exit_code == 0
    assert in_csv(course) == {"ada": 5.0, "bob": 5.0}
    assert auto_score(course, "check-double") == 2
    assert by_hand(course) == GIVEN


def test_what_a_killed_grader_left_half_written_is_taken_away(course: Path) -> None:
    parts = [
        course / "results/hw-1" / name
        for name in (".a.part", "students/.b.part", "mended/.c.part", "published/.d.part")
    ]
    for part in parts:
        part.write_text("{", encoding="utf-8")
    parts.append(course / "autograded/.unfinished-hw-1")
    (parts[-1] / "ada/hw-1").mkdir(parents=True)
    grade(course)
    assert not any(part.exists() for part in parts)
