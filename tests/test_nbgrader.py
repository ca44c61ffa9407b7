"""nbgrader with the kit's steps in it: marks, what the marker sees, the feedback, and who needs to be written anew."""

import base64
import html
import io
import math
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import grader_process
import nbformat
import pytest
import small_course
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader.api import Gradebook, get_alembic_version
from nbgrader.apps import NbGraderAPI
from nbgrader.validator import Validator
from small_course import KIT, NAME, write_release, write_source

from autograder.course.configuration import course_config
from autograder.course.folders import Course
from autograder.course.practical import Practical, Question
from autograder.errors import CourseError
from autograder.grading.mark import Marking
from autograder.grading.mend import everything_in, mend_once
from autograder.grading.publish import ClassResults
from autograder.nbgrader.cards import card_outputs
from autograder.nbgrader.curves import curve_picture
from autograder.nbgrader.gradebook import Steps
from autograder.nbgrader.inputs import found_in
from autograder.nbgrader.marking import WrittenFirst
from autograder.nbgrader.marks import answers
from autograder.nbgrader.overview import Book, with_overview
from autograder.nbgrader.registration import register_assignment
from autograder.nbgrader.sanitise import SCHEMES, TAGS, harmless, sanitised
from autograder.nbgrader.sinks import GradebookAndFeedback
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status, SubmissionResult
from autograder.sandbox.apart import Bounds, Packed, apart
from benchmarks.browser import payloads

OLD_CONFIG = Path(__file__).parent / "nbgrader_config.old"
Change = Callable[[NotebookNode], None]


@pytest.fixture(scope="module")
def entered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose practical is in the gradebook, and nothing handed in."""
    root = small_course.small_course(tmp_path_factory.mktemp("entered") / "my course")
    register_assignment(root, NAME)
    return root


@pytest.fixture
def course(entered: Path, tmp_path: Path) -> Path:
    """The same for one test."""
    return Path(shutil.copytree(entered, tmp_path / "my course"))


def question(name: str, points: float, most: float) -> QuestionResult:
    status = Status.RIGHT if points == most else Status.PARTLY if points > 0 else Status.WRONG
    passed = CheckResult("c", "It is right.", 1, status is Status.RIGHT, "" if status is Status.RIGHT else "It is not.")
    return QuestionResult(name, points, most, status, checks=(passed,))


def result(student: str, *questions: QuestionResult, repairs: tuple[str, ...] = ()) -> SubmissionResult:
    return SubmissionResult(student, NAME, questions, repairs)


def marks(student: str, double: float = 2, shift: float = 3) -> SubmissionResult:
    return result(student, question("double", double, 2), question("shift", shift, 3))


def hand_in(root: Path, student: str, change: Change = lambda notebook: None) -> Path:
    """Hand in the right solution after that change."""
    path = small_course.hand_in(root, student)
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)
    return path


def cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    found: NotebookNode = next(
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )
    return found


def publish(
    root: Path, *results: SubmissionResult, force: bool = False, heard: list[int] | None = None
) -> Mapping[str, str]:
    """Publish these results, once the submissions are mended; of whom that failed, and why."""
    course = Course(root, NAME)
    submissions = everything_in(course.submitted, NAME) if any(course.submitted.glob("*")) else []
    for submission in submissions:
        mend_once(course, submission, course.results)
    now = frozenset(result.student for result in results)
    whole = ClassResults(Marking(course, force=force), course.results, submissions, results, now)
    done = GradebookAndFeedback().publish(whole, lambda number, _: None if heard is None else heard.append(number))
    return done.failures


def graded(root: Path, student: str) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(root / f"autograded/{student}/hw-1/hw-1.ipynb", as_version=4)
    return notebook


def page(root: Path, student: str) -> str:
    return (root / f"feedback/{student}/hw-1/hw-1.html").read_text(encoding="utf-8")


def gradebook(root: Path) -> Gradebook:
    return Gradebook(f"sqlite:///{root}/gradebook.db")


def scores(root: Path, student: str) -> dict[str, float | None]:
    with gradebook(root) as book:
        return {grade.name: grade.auto_score for grade in book.find_submission_notebook(NAME, NAME, student).grades}


def waiting(root: Path, student: str) -> set[str]:
    with gradebook(root) as book:
        grades = book.find_submission_notebook(NAME, NAME, student).grades
        return {grade.name for grade in grades if grade.needs_manual_grade}


def mark_by_hand(root: Path, student: str, score: float, comment: str) -> None:
    """Mark the written answer as formgrader does."""
    with gradebook(root) as book:
        grade = book.find_grade("why", NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = score, False
        book.find_comment("why", NAME, NAME, student).manual_comment = comment
        book.db.commit()


def card(notebook: NotebookNode, grade_id: str) -> str:
    text: str = cell(notebook, grade_id).outputs[0].data["text/html"]
    return text


def outputs(found: SubmissionResult) -> list[NotebookNode]:
    return card_outputs(found, {"grade_id": "check-double", "points": 2})


# --- nbgrader's own commands


def test_validate_shows_what_was_found_and_of_a_check_that_is_as_released_the_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader's helper programs
    check = "# Check: double\nassert double(1) == 2, 'Twice one is two.'"
    root = small_course.small_course(tmp_path / "my course", small_course.notebook(check_double=check))
    assert NbGraderAPI(config=course_config(root)).generate_assignment(NAME)["success"]
    validator = Validator(config=course_config(root))
    validator.stream = io.StringIO()
    released = root / f"release/{NAME}/{NAME}.ipynb"
    validator.validate_and_print(str(released))
    assert "    # Check: double\n    ...\n\nThe error was:\n" in validator.stream.getvalue()
    changed = cell(nbformat.read(released, as_version=4), "check-double")
    changed.source += "\npass"
    course_config(root).Execute.on_cell_complete(cell=changed, cell_index=0)
    assert changed.source == f"{check}\npass"
    assert [each.source for each in validator._get_changed_cells(new_notebook(cells=[changed]))] == [changed.source]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own, on every new submission
@pytest.mark.parametrize("config", [KIT / "nbgrader_config.py", OLD_CONFIG], ids=["of today", "old"])
def test_nbgraders_commands_give_the_same_as_the_kit_with_old_configurations_too(course: Path, config: Path) -> None:
    shutil.copy(config, course / "nbgrader_config.py")
    api = NbGraderAPI(config=course_config(course))
    assert api.generate_assignment(NAME)["success"]
    release = (course / "release/hw-1/hw-1.ipynb").read_text(encoding="utf-8")
    assert "YOUR CODE HERE" in release
    for secret in ("2 * x", "MARK SCHEME", "secret reason", "Because of the model"):
        assert secret not in release
    small_course.hand_in(course, "ada", double="abs(2 * x)")
    small_course.hand_in(course, "bob")
    hand_in(course, "dan").write_text("not JSON", encoding="utf-8")
    students = ("ada", "bob", "dan")
    for student in students:
        assert api.autograde(NAME, student)["success"]
        assert api.generate_feedback(NAME, student)["success"]
    alone = [everything(course, student) for student in students]
    assert [found["check-double"] for found, *_ in alone] == [1.5, 2, 0]
    assert "4.5 of 7 points" in alone[0][-1]
    assert "not a notebook" in alone[2][-1]
    assert grader_process.Grader(course, "--jobs", "1").finished() == 1  # what is no notebook cannot be graded
    assert [everything(course, student) for student in students] == alone
    assert api.autograde(NAME, "ada")["success"]
    assert everything(course, "ada") == alone[0]


def everything(root: Path, student: str) -> tuple[dict[str, float | None], str, str]:
    """A student's marks, notebook and page."""
    return scores(root, student), nbformat.writes(graded(root, student)), page(root, student)


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_nbgrader_alone_mends_once_and_takes_what_was_mended_and_marked_before(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small_course.hand_in(course, "ada", double="abs(2 * x)")
    path.with_name("notes.ipynb").write_text("{}", encoding="utf-8")
    assert grader_process.Grader(course, "--jobs", "1", "--no-gradebook").finished() == 0
    for step in ("mend.read", "mark.judge"):
        monkeypatch.setattr(f"autograder.grading.{step}", lambda *_: pytest.fail("it was done again"))
    assert NbGraderAPI(config=course_config(course)).autograde(NAME, "ada")["success"]
    assert scores(course, "ada")["check-double"] == 1.5
    assert "hw-1.ipynb is there: notes.ipynb." in card(graded(course, "ada"), "check-double")


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_no_execute_does_not_let_forged_outputs_through(course: Path) -> None:
    hand_in(course, "eve", forged)
    config = course_config(course)
    config.ClearOutput.enabled = config.Execute.enabled = False
    assert NbGraderAPI(config=config).autograde(NAME, "eve")["success"]
    assert scores(course, "eve")["check-shift"] == 0


def forged(notebook: NotebookNode) -> None:
    """A wrong function, and outputs that claim the points."""
    claim = new_output("execute_result", data={"text/plain": "3.0"}, execution_count=1)
    cell(notebook, "shift").source = "def shift(x):\n    return x"
    cell(notebook, "check-shift").outputs = [claim]
    cell(notebook, "double").outputs = [new_output("stream", name="stdout", text="bait")]


def test_a_question_that_runs_several_functions_is_looked_at_in_all_their_cells(course: Path) -> None:
    one = Course(course, NAME).practical
    whole = Question("shift", 3, "shift", ("shift", "double"), end_to_end=True)
    others = (one.written, one.defines, one.blanks, one.long_running)
    several = Practical(one.name, one.root, (one.questions[0], whole), *others)
    changed = nbformat.from_dict(one.source)
    cell(changed, "double").source += "\n# changed"
    for practical, names in ((one, {"check-double"}), (several, {"check-double", "check-shift"})):
        before, after = answers(one.source, practical), answers(changed, practical)
        assert {name for name in before if before[name] != after[name]} == names


# --- marks


def test_marks_reach_the_gradebook_as_the_judge_gave_them(course: Path) -> None:
    hand_in(course, "ada")
    hand_in(course, "bob")
    assert publish(course, marks("ada"), marks("bob", 0.5, 2)) == {}
    assert scores(course, "ada") == {"check-double": 2, "check-shift": 3, "why": None}
    assert scores(course, "bob") == {"check-double": 0.5, "check-shift": 2, "why": None}


def test_marks_are_scaled_to_the_points_of_the_notebook_and_a_missing_one_says_so(course: Path) -> None:
    hand_in(course, "ada")
    publish(course, result("ada", question("double", 5, 10)))
    assert scores(course, "ada") == {"check-double": 1, "check-shift": 0, "why": None}
    assert "no verdict" in card(graded(course, "ada"), "check-shift")


@pytest.mark.parametrize("points", [math.nan, math.inf, -math.inf, -1.0, 1e9])
@pytest.mark.parametrize("most", [math.nan, math.inf, 0.0, -2.0, 2.0])
def test_every_grade_cell_gets_one_finite_number_within_its_points(points: float, most: float) -> None:
    found = outputs(result("ada", question("double", points, most)))
    numbers = [output.data["text/plain"] for output in found if output.output_type == "execute_result"]
    assert len(numbers) == 1
    assert 0 <= float(numbers[0]) <= 2


def test_outputs_that_a_student_brings_count_for_nothing(course: Path) -> None:
    hand_in(course, "eve", forged)
    publish(course, marks("eve", 0, 0))
    assert scores(course, "eve") == {"check-double": 0, "check-shift": 0, "why": None}
    for each in graded(course, "eve").cells:
        assert "bait" not in str(each.get("outputs"))
    assert "bait" not in page(course, "eve")


def test_deleted_edited_and_doubled_grade_cells_are_mended_and_the_student_is_told(course: Path) -> None:
    def tamper(notebook: NotebookNode) -> None:
        cell(notebook, "check-shift").source = "3.0"
        cell(notebook, "check-shift").metadata.nbgrader.points = 100
        notebook.cells = [one for one in notebook.cells if one.id != "check-double"]

    hand_in(course, "eve", tamper)
    assert publish(course, marks("eve")) == {}
    assert scores(course, "eve") == {"check-double": 2, "check-shift": 3, "why": None}
    told = card(graded(course, "eve"), "check-double")
    assert "Mended before grading" in told
    assert "check-shift" in told


def test_what_could_not_be_graded_earns_zero_with_the_reason_everywhere(course: Path) -> None:
    hand_in(course, "dan").write_text("not JSON", encoding="utf-8")
    shutil.copy(hand_in(course, "twice"), course / "submitted/twice.ipynb")
    faults = {"dan": "hw-1.ipynb is not a notebook.", "twice": "There are two submissions."}
    assert publish(course, *(SubmissionResult(one, NAME, fault=why) for one, why in faults.items())) == {}
    for student, why in faults.items():
        assert scores(course, student) == {"check-double": 0, "check-shift": 0, "why": 0}
        for name in ("check-double", "check-shift"):
            assert why in card(graded(course, student), name)


def test_written_answers_wait_for_the_marker_and_unanswered_ones_earn_nothing(course: Path) -> None:
    def leave_open(notebook: NotebookNode) -> None:
        cell(notebook, "why").source = "*YOUR ANSWER HERE*"

    hand_in(course, "ada")
    hand_in(course, "bob", leave_open)
    publish(course, marks("ada"), marks("bob"))
    assert waiting(course, "ada") == {"why"}
    assert waiting(course, "bob") == set()
    assert scores(course, "bob")["why"] == 0


def test_the_marker_sees_the_mark_scheme_and_the_student_never_does(course: Path) -> None:
    hand_in(course, "ada")
    publish(course, marks("ada"))
    assert "secret reason" in cell(graded(course, "ada"), "question-why").source
    assert "My own answer." in page(course, "ada")
    assert "secret reason" not in page(course, "ada")
    assert "MARK SCHEME" not in page(course, "ada")


def png(width: int, padding: int = 0) -> str:
    """The head of a PNG of that width, in base64."""
    head = b"\x89PNG\r\n\x1a\n" + bytes([0, 0, 0, 13]) + b"IHDR" + width.to_bytes(4) + bytes(4)
    return base64.b64encode(head + bytes(padding)).decode()


def test_a_marker_sees_before_the_answer_what_the_notebook_showed_and_what_the_judge_found(course: Path) -> None:
    text = "last return: 1000 <script>act()</script>\n \n[a](javascript:act()) ![b](http://127.0.0.1:9/c)"
    odd = {"text/html": "<i>odd</i>", "image/svg+xml": "<svg onload=act()>", "application/javascript": "act()"}
    held = [png(640), png(5_000), png(640, 10**6), "PHN2Zz4=", f'{png(640)}"onload=act()']

    def show(notebook: NotebookNode) -> None:
        shown = [new_output("display_data", {"image/png": each, "text/plain": "<Figure>"}) for each in held]
        cell(notebook, "shift").outputs = [new_output("stream", text=f"{'x' * 5_000}\n{text}"), *shown]
        cell(notebook, "double").outputs = [new_output("execute_result", {**odd, "text/plain": "plain"})]
        cell(notebook, "check-double").outputs = [new_output("stream", text="of a check")]

    hand_in(course, "ada", show)
    curve = LearningCurve((1, 2), (3.0, 4.0), "step", "return", "episodes")
    judged = replace(question("shift", 3, 3), curve=curve)
    publish(course, result("ada", question("double", 0, 2), judged))
    cells = graded(course, "ada").cells
    (about,) = [number for number, each in enumerate(cells) if "autograder" in each.metadata]
    assert cells[about + 1].metadata.nbgrader.grade_id == "why"
    page_of = markdown2html_mistune(cells[about].source)
    seen = Seen(page_of)
    assert seen.addresses[0] == f"data:image/png;base64,{png(640)}"
    assert seen.addresses[1:] == [curve_picture(curve, None, "the student's")] != [curve_picture(curve)]
    assert {*seen.tags} == {"div", "img", "pre", "span"}
    for words in (*html.escape(text).split(), "plain", "double: wrong, 0 of 2", "Learning curve: 2 episodes"):
        assert words in page_of.replace("&#91;", "[")
    for words in ("odd", "of a check", "Figure", "x" * 2_000):
        assert words not in page_of
    assert "What the judge found" not in page(course, "ada")


def test_where_cells_showed_nothing_and_the_judge_has_no_curve_nothing_is_put_before_an_answer(course: Path) -> None:
    hand_in(course, "ada")
    publish(course, marks("ada"))
    assert not [each for each in graded(course, "ada").cells if "autograder" in each.metadata]


def test_formgrader_alone_shows_the_answers_before_the_rest(course: Path) -> None:
    hand_in(course, "ada", lambda notebook: cell(notebook, "shift").update(outputs=[new_output("stream", text="4")]))
    publish(course, marks("ada"))
    before = [each.source for each in graded(course, "ada").cells]
    shown, _ = WrittenFirst().preprocess(graded(course, "ada"), {"submission_id": "1"})
    names = [each.metadata.get("nbgrader", {}).get("grade_id", "") for each in shown.cells]
    assert names[:5] == ["", "question-why", "", "why", ""]
    assert sorted(each.source for each in [*shown.cells[1:4], *shown.cells[5:]]) == sorted(before)
    elsewhere, _ = WrittenFirst().preprocess(graded(course, "ada"), {})
    assert [each.source for each in elsewhere.cells] == before


def test_what_the_marker_gave_stands_when_graded_anew(course: Path) -> None:
    hand_in(course, "ada")
    publish(course, marks("ada"))
    mark_by_hand(course, "ada", 1.5, "Well argued.")
    publish(course, marks("ada", double=0))
    with gradebook(course) as book:
        assert book.find_grade("why", NAME, NAME, "ada").score == 1.5
        assert book.find_submission(NAME, "ada").score == 4.5
    assert "Well argued." in page(course, "ada")


# --- faults


def test_one_students_failure_is_named_and_stops_nobody_else(course: Path) -> None:
    for student in ("ada", "bob", "cyd", "dee"):
        hand_in(course, student)
    (course / "submitted/bob/hw-1/timestamp.txt").write_text("no time at all", encoding="utf-8")
    heard: list[int] = []
    failures = publish(course, *map(marks, ("ada", "bob", "cyd", "dee", "nobody")), heard=heard)
    assert failures.keys() == {"bob", "nobody"}
    assert heard == list(range(1, 16))
    assert scores(course, "cyd")["check-shift"] == 3
    assert not (course / "autograded/bob/hw-1").exists()
    (course / "submitted/bob/hw-1/timestamp.txt").unlink()
    assert publish(course, *map(marks, ("ada", "bob", "cyd", "dee"))) == {}


def test_links_in_a_submission_are_not_followed(course: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("not for students", encoding="utf-8")
    hand_in(course, "eve").with_name("notes.txt").symlink_to(tmp_path / "secret.txt")
    assert "notes.txt" in publish(course, marks("eve"))["eve"]
    assert list((course / "autograded").rglob("notes.txt")) == []


def test_faults_of_the_course_are_raised_and_not_blamed_on_a_student(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sandbox(*_: object) -> SubmissionResult:
        raise CourseError("There is no sandbox.", "Run: autograder doctor")

    hand_in(course, "ada")
    with monkeypatch.context() as patch:
        patch.setattr("autograder.nbgrader.inputs.Inputs.result", no_sandbox)
        said = Steps(found_in(Course(course, NAME)))("entry", "ada")
    monkeypatch.setattr("autograder.nbgrader.sinks.apart", lambda *_, **__: said)
    with pytest.raises(CourseError, match="no sandbox"):
        publish(course, marks("ada"))


def test_a_folder_without_configuration_or_source_is_a_fault_of_the_course(course: Path, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no nbgrader course"):
        register_assignment(tmp_path, NAME)
    (course / "source/hw-1/hw-1.ipynb").unlink()
    with pytest.raises(CourseError, match="source notebook"):
        register_assignment(course, NAME)


def test_cells_added_under_existing_submissions_are_refused_with_the_next_step(course: Path) -> None:
    hand_in(course, "ada")
    publish(course, marks("ada"))
    source = small_course.notebook()
    more = new_markdown_cell(
        "More.", id="more", metadata={"nbgrader": {**cell(source, "question-why").metadata.nbgrader}}
    )
    more.metadata.nbgrader["grade_id"] = "more"
    source.cells.append(more)
    write_source(course, source)
    write_release(course)
    with pytest.raises(CourseError, match="Cannot add or remove cells") as refused:
        publish(course, marks("ada"))
    assert "autograder migrate --assignment hw-1" in refused.value.next_step


def test_nothing_is_left_behind_but_the_courses_own_files(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("PATH", "/nonexistent")  # nbgrader would look for its helper programs there
    (course / "gradebook.db").unlink()
    hand_in(course, "ada")
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)  # nbgrader leaves it where a grading before was broken off
    environment = dict(os.environ)
    assert publish(course, marks("ada")) == {}
    assert Path.cwd() == elsewhere
    assert list(elsewhere.iterdir()) == []
    assert dict(os.environ) == environment


def test_a_gradebook_made_here_bears_the_version_that_nbgrader_upgrades_from(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    with closing(sqlite3.connect(course / "gradebook.db")) as connection:
        versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert versions == [(get_alembic_version(),)]


# --- who is written anew


@pytest.fixture(scope="module")
def two(entered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ada and Bob, published."""
    root = Path(shutil.copytree(entered, tmp_path_factory.mktemp("two") / "my course"))
    for student in ("ada", "bob"):
        hand_in(root, student)
    assert publish(root, marks("ada"), marks("bob")) == {}
    return root


@pytest.fixture
def published(two: Path, tmp_path: Path) -> Path:
    """The same for one test."""
    return Path(shutil.copytree(two, tmp_path / "my course"))


def written_again(root: Path, *results: SubmissionResult, force: bool = False) -> set[str]:
    """What is put in place when these are published once more."""
    files = [*root.glob("autograded/*/hw-1/hw-1.ipynb"), *root.glob("feedback/*/hw-1/hw-1.html")]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert publish(root, *(results or (marks("ada"), marks("bob"))), force=force) == {}
    files = [*root.glob("autograded/*/hw-1/hw-1.ipynb"), *root.glob("feedback/*/hw-1/hw-1.html")]
    changed = [path for path in files if path.stat().st_mtime_ns != before.get(path)]
    return {"/".join(path.relative_to(root).parts[:2]) for path in changed}


EVERYTHING = {"autograded/ada", "autograded/bob", "feedback/ada", "feedback/bob"}
OF_ADA = {"autograded/ada", "feedback/ada"}


def test_nothing_is_written_while_nothing_changed_and_everything_where_that_is_asked_for(published: Path) -> None:
    assert written_again(published, replace(marks("ada"), seconds=9.9), marks("bob")) == set()
    assert written_again(published, force=True) == EVERYTHING
    assert written_again(published, marks("ada")) == set()


def test_only_whose_result_or_notebook_changed_is_written_again(published: Path) -> None:
    assert written_again(published, marks("ada", double=1), marks("bob")) == OF_ADA
    assert scores(published, "ada")["check-double"] == 1
    small_course.hand_in(published, "bob", answer="Another answer.")
    assert written_again(published, marks("ada", double=1), marks("bob")) == {"autograded/bob", "feedback/bob"}
    (published / "submitted/bob/hw-1/data.txt").write_text("1, 2", encoding="utf-8")
    assert written_again(published, marks("ada", double=1), marks("bob")) == {"autograded/bob", "feedback/bob"}
    assert (published / "feedback/bob/hw-1/data.txt").exists()


def test_what_a_person_gives_makes_that_students_page_anew_and_nothing_else(published: Path) -> None:
    mark_by_hand(published, "ada", 1.5, "Well argued.")
    assert written_again(published) == {"feedback/ada"}
    assert "Well argued." in page(published, "ada")
    assert "6.5 of 7 points" in page(published, "ada")
    assert written_again(published) == set()


def lose_page(root: Path) -> None:
    (root / "feedback/ada/hw-1/hw-1.html").unlink()


def lose_notebook(root: Path) -> None:
    shutil.rmtree(root / "autograded/ada")


def change_notebook(root: Path) -> None:
    (root / "autograded/ada/hw-1/hw-1.ipynb").chmod(0o644)
    (root / "autograded/ada/hw-1/hw-1.ipynb").write_text("{}", encoding="utf-8")


def lose_gradebook(root: Path) -> None:
    """And say that a new one is wanted."""
    (root / "gradebook.db").unlink()
    shutil.rmtree(root / "results/hw-1/published")


def other_entry(root: Path) -> None:
    with gradebook(root) as book:
        book.find_grade("check-double", NAME, NAME, "ada").auto_score = 0.25
        book.db.commit()


def remove_student(root: Path) -> None:
    with gradebook(root) as book:
        book.remove_student("ada")


def spoil_what_is_kept(root: Path) -> None:
    (root / "results/hw-1/published/ada.json").write_text("{", encoding="utf-8")


def other_configuration(root: Path) -> None:
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\n# a remark\n")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lose_page, {"feedback/ada"}),
        (lose_notebook, {"autograded/ada"}),
        (change_notebook, {"autograded/ada"}),
        (lose_gradebook, EVERYTHING),
        (other_entry, {"autograded/ada"}),
        (remove_student, {"autograded/ada"}),
        (spoil_what_is_kept, OF_ADA),
        (other_configuration, EVERYTHING),
    ],
)
def test_what_was_lost_or_changed_by_others_is_written_again(
    published: Path, change: Callable[[Path], None], expected: set[str]
) -> None:
    entries = grader_process.marks(published)
    change(published)
    assert written_again(published) == expected
    assert grader_process.marks(published) == entries
    assert cell(graded(published, "ada"), "check-double").outputs
    assert written_again(published) == set()


def test_new_points_in_the_source_reach_the_gradebook(published: Path) -> None:
    source = small_course.notebook()
    cell(source, "check-double").metadata.nbgrader.points = 4
    write_source(published, source)
    write_release(published)
    assert written_again(published) == EVERYTHING
    assert scores(published, "ada")["check-double"] == 4


def test_a_due_date_that_is_set_afterwards_takes_its_points_off(published: Path) -> None:
    (published / "submitted/ada/hw-1/timestamp.txt").write_text("2020-01-02 00:00:00 UTC", encoding="utf-8")
    with (published / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    publish(published, marks("ada"), marks("bob"))
    assert "came late" not in page(published, "ada")
    with gradebook(published) as book:
        book.find_assignment(NAME).duedate = datetime(2020, 1, 1)
        book.db.commit()
    assert written_again(published) == {"feedback/ada"}
    assert "5 points were taken off because the notebook came late" in page(published, "ada")
    assert "came late" not in page(published, "bob")
    assert written_again(published) == set()


def test_where_it_was_stopped_it_goes_on(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_gradebook(published)

    def stopped_at_bob(work: Packed, what: str, student: str, bounds: Bounds) -> bytes:
        if student == "bob":
            raise KeyboardInterrupt
        return apart(work, what, student, bounds=bounds)

    with monkeypatch.context() as patch:
        patch.setattr("autograder.nbgrader.sinks.apart", stopped_at_bob)
        with pytest.raises(KeyboardInterrupt):
            publish(published, marks("ada"), marks("bob"))
    assert written_again(published) == {"autograded/bob", "feedback/ada", "feedback/bob"}


# --- what is shown


HOSTILE = """<script>alert(1)</script> <IMG SRC=x onerror=alert(2)> <svg/onload=alert(3)>
[a](javascript:alert(4)) ![gone](attachment:gone.png) $\\href{javascript:alert(5)}{x}$
<a href="JaVaScRiPt:alert(6)">y</a>
$a<b$ and <b>bold</b> at <https://example.org>"""


def test_nothing_that_a_student_writes_runs_in_a_browser(course: Path) -> None:
    def attack(notebook: NotebookNode) -> None:
        cell(notebook, "why").source = HOSTILE
        notebook.cells.append(new_raw_cell("<script>alert(7)</script>", id="raw"))
        notebook.cells.append(new_markdown_cell("x", id="md", attachments={"p": {"image/svg+xml": "PHN2Zz4="}}))
        notebook.metadata.language_info = {"name": "<script>alert(8)</script>"}

    failed = CheckResult("c", "It is right.", 1, False, "<script>alert(9)</script>\x1b[31m", "<b>there</b>")
    wrong = replace(question("double", 0, 2), checks=(failed,), remark="<i>remark</i>")
    hand_in(course, "eve", attack)
    publish(course, result("eve", wrong, question("shift", 3, 3), repairs=("<u>mended</u>",)))
    shown = page(course, "eve")
    assert not re.search(r"<(script|img|svg|a)\b[^>]*(alert|onerror|onload|javascript)", shown, re.IGNORECASE)
    assert not re.search(r"<script>\s*alert", shown)
    assert "href{" not in shown
    assert "\x1b" not in shown
    for tag in ("<i>remark", "<u>mended", "<b>there"):
        assert tag not in shown
        assert html.escape(tag) in shown
    assert "<b>bold</b>" in shown


def test_plain_markdown_stays_as_it_was_typed_and_links_become_html() -> None:
    text = "A *list*: `x < y`, $Q_1 < Q_2$, 3 < 4\n\n> quoted"
    assert harmless(text) == text
    shown = harmless("a <b>word</b>, [a page](https://arxiv.org/abs/1812.05905), <br> and $a<b$")
    assert '<b>word</b>, <a href="https://arxiv.org/abs/1812.05905"' in shown
    assert "&#36;a&lt;b&#36;" in shown
    assert markdown2html_mistune(shown).strip() == shown


def test_nothing_that_nbconvert_looks_for_in_all_that_follows_stays_in_a_text() -> None:
    shown = harmless("![" * 100 + "](" * 100)
    assert "[" not in shown
    assert "\\" not in shown
    assert html.unescape(shown).count("[") == 100


def test_a_page_shows_so_much_of_a_notebook_and_says_what_it_leaves_out() -> None:
    long, short = ("x = 1\n" * count for count in (20_000, 10))
    cells = [*(new_code_cell(short) for _ in range(300)), new_code_cell(long, metadata={"nbgrader": {"grade": False}})]
    shown = with_overview(new_notebook(cells=cells), new_notebook(), Book()).cells
    assert len(shown) == 1 + 200 + 1 + 1
    assert shown[-2].source == "(100 more cells of the notebook are not shown on this page.)"
    assert shown[-1].source.endswith("\n# … (cut: this page shows 60000 characters of code)")
    assert sum(len(each.source) for each in shown if each.cell_type == "code") < 61_000


class Seen(HTMLParser):
    """The tags of a page, and its addresses as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.loaded: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names += [name for name, _ in attrs]
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        self.loaded += [value or "" for name, value in attrs if name not in ("href", "alt", "title", "rel", "start")]


def acts_nowhere(text: str) -> None:
    """No tag, attribute or address that is not allowed comes of it, however often it is rendered."""
    for rendered in (shown := markdown2html_mistune(harmless(text)), markdown2html_mistune(harmless(shown))):
        seen = Seen(rendered)
        assert not {*seen.tags} - TAGS
        assert not {*seen.names} - {"href", "src", "alt", "title", "rel", "start", "class", "id"}
        for address in seen.addresses:
            assert urlsplit(address).scheme in (*SCHEMES, "", "data"), address
            assert not re.match(r"(?i)[\s\x00-\x1f]*(\w*script|data:(?!image/))", address)


@settings(deadline=None)
@given(st.text(alphabet="<>/!?abi mgsrcpt=:x\"'\\\n$`[]()&#;", max_size=60))
def test_no_text_opens_a_tag_with_attributes(text: str) -> None:
    acts_nowhere(text)


@pytest.mark.parametrize("payload", payloads("http://127.0.0.1:9"))
def test_no_payload_acts_in_a_page(payload: str) -> None:
    acts_nowhere(payload)
    assert not [value for value in Seen(harmless(payload)).loaded if "127.0.0.1" in value]  # no request leaves


def test_attached_pictures_stay_and_everything_else_attached_goes() -> None:
    picture = {"image/png": "iVBORw0KGgo="}
    odd = {"image/svg+xml": "PHN2Zz4=", 'image/png"><script>': "eA=="}
    text = "![a](attachment:a.png) ![b](attachment:b.svg)"
    notebook = new_notebook(cells=[new_markdown_cell(text, attachments={"a.png": picture, "b.svg": odd})])
    [shown] = sanitised(notebook).cells
    assert shown.attachments == {"a.png": picture}
    assert '<img src="data:image/png;base64,iVBORw0KGgo=" alt="a">' in shown.source
    assert "svg" not in Seen(shown.source).addresses


def test_the_feedback_opens_with_an_overview_and_leaves_the_visible_checks_out(course: Path) -> None:
    hand_in(course, "ada")
    publish(course, marks("ada", 0.5))
    shown = page(course, "ada")
    whole = re.sub(r"<[^>]*>", "", shown)
    assert "3.5 of 7 points, and 1 written answer not marked yet" in whole
    assert 'href="#check-double"' in shown
    for absent in ("Points for this cell", "Test cell", "Grade cell", "visible checks", "shift(1)"):
        assert absent not in whole
    assert "learning curve" not in shown.casefold()


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_a_mark_that_a_person_gave_is_shown_as_that_wherever_it_stands(course: Path) -> None:
    hand_in(course, "ada")
    publish(course, marks("ada", double=0))
    mark_by_hand(course, "ada", 1.5, "Well argued.")
    with gradebook(course) as book:
        book.find_grade("check-double", NAME, NAME, "ada").manual_score = 1
        book.find_grade("check-shift", NAME, NAME, "ada").extra_credit = 0.5
        book.db.commit()
    publish(course, marks("ada", double=0))
    shown = re.sub(r"<[^>]*>", "", page(course, "ada"))
    assert "6 of 7 points" in shown
    assert shown.count("given by a person") == 3  # the table's two lines, and the answer
    assert "A person gave this mark: 1 of 2 points." in shown
    assert "0.5 points of extra credit are among them." in shown
    assert "Your marker wrote a comment on Two functions (why)." in shown


def test_a_card_says_in_words_what_colours_say() -> None:
    checks = (
        CheckResult("a", "It doubles.", 3, True),
        CheckResult("b", "It doubles negative numbers.", 1, False, "2 of 4 numbers differ.", "the sign"),
    )
    partly = QuestionResult("double", 1.5, 2, Status.PARTLY, "One blank is open.", checks)
    [shown, _] = outputs(result("ada", partly))
    for kind in ("text/html", "text/plain"):
        text = re.sub(r"<[^>]*>", "", shown.data[kind])
        for words in ("double: partly right", "1.5 of 2 points", "2 of 4 numbers differ.", "the sign", "is open."):
            assert words in text
    assert shown.data["text/html"].count('aria-label="passed"') == 1
    assert shown.data["text/html"].count('aria-label="failed"') == 1
    assert "1.5 / 1.5" in shown.data["text/html"]
    assert "0 / 0.5" in shown.data["text/html"]


def test_the_learning_curve_is_a_picture_with_words() -> None:
    curve = LearningCurve(tuple(range(10, 310, 10)), tuple(float(n) for n in range(30)), "epochs", "accuracy")
    trained = replace(question("double", 2, 2), curve=curve)
    [shown, _] = outputs(result("ada", trained))
    found = re.search(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]+)"', shown.data["text/html"])
    assert found is not None
    assert base64.b64decode(found[1]).startswith(b"\x89PNG")
    assert found[2] == "Learning curve: 30 points in 300 epochs; highest accuracy 29, mean of the last 10: 24.5."


@pytest.mark.parametrize("points", [0, 1, 9])
def test_a_short_learning_curve_is_shown_all_the_same(points: int) -> None:
    curve = LearningCurve(tuple(range(1, points + 1)), (5.0,) * points)
    [shown, _] = outputs(result("ada", replace(question("double", 2, 2), curve=curve)))
    assert "Learning curve:" in shown.data["text/plain"]


def test_names_in_backticks_are_set_as_code_and_nothing_else_becomes_markup() -> None:
    remark = "`train` meets `<script>` and <b>"
    [shown, _] = outputs(result("ada", replace(question("double", 0, 2), remark=remark)))
    assert "<code>train</code> meets <code>&lt;script&gt;</code> and &lt;b&gt;" in shown.data["text/html"]


def test_long_words_from_a_student_are_cut() -> None:
    loud = replace(question("double", 0, 2), remark="x" * 100_000)
    [shown, _] = outputs(result("ada", loud))
    assert len(shown.data["text/html"]) < 10_000
    assert "(cut)" in shown.data["text/html"]
