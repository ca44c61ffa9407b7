"""What nbgrader does with the kit's steps in it: release, marks, what the marker sees, and the feedback."""

import base64
import html
import math
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader.api import Gradebook, get_alembic_version
from nbgrader.apps import NbGraderAPI

from autograder.assignment import Assignment, Question
from autograder.configuration import course_config
from autograder.errors import CourseError
from autograder.notebooks import read_notebook
from autograder.publishing.disarm import disarmed, harmless_markdown
from autograder.publishing.gradebook import write_feedback, write_gradebook
from autograder.publishing.nbgrader_course import register_assignment
from autograder.publishing.publish import Cards
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status, SubmissionResult

ROOT = Path(__file__).parent.parent

TINY = Assignment(
    name="tiny",
    defines={"double": ("double",), "square": ("square",)},
    blanks={"double.body": "double", "square.body": "square"},
    questions=(Question("double", 2, "double", ("double",)), Question("square", 3, "square", ("square",))),
    written={"why": 2},
    long_running=frozenset(),
)

Verdicts = dict[str, SubmissionResult]


def tagged(cell: NotebookNode, grade_id: str, **roles: object) -> NotebookNode:
    defaults = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    cell.metadata["nbgrader"] = {**defaults, "grade_id": grade_id, "cell_type": cell.cell_type, **roles}
    return cell


def source_notebook() -> NotebookNode:
    notebook: NotebookNode = new_notebook(
        cells=[
            new_markdown_cell("# A tiny practical", id="title"),
            tagged(new_code_cell(solution("double", "2 * x"), id="c-double"), "double", solution=True),
            tagged(new_code_cell("double(1)", id="check-double"), "check-double", grade=True, locked=True, points=2),
            tagged(new_code_cell(solution("square", "x * x"), id="c-square"), "square", solution=True),
            tagged(new_code_cell("square(2)", id="check-square"), "check-square", grade=True, locked=True, points=3),
            tagged(new_markdown_cell(QUESTION, id="question-why"), "question-why", locked=True),
            tagged(new_markdown_cell(MODEL_ANSWER, id="why"), "why", grade=True, solution=True, points=2),
        ]
    )
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def solution(name: str, expression: str) -> str:
    return f"def {name}(x):\n    y = {expression}  ### SOLUTION {name}.body\n    return y"


QUESTION = "Why?\n\n### BEGIN MARK SCHEME\n\nTwo points for the secret reason.\n\n### END MARK SCHEME"
MODEL_ANSWER = "### BEGIN SOLUTION why\n\nBecause of the model.\n\n### END SOLUTION"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder with a generated release and nobody's submission yet."""
    root = tmp_path_factory.mktemp("generated")
    (root / "source/tiny").mkdir(parents=True)
    nbformat.write(source_notebook(), root / "source/tiny/tiny.ipynb")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.course.load_assignment", lambda name: TINY)
        register_assignment(root, "tiny")
        done = NbGraderAPI(config=course_config(root)).generate_assignment("tiny")
    assert done["success"], done
    return root


@pytest.fixture
def course(generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course folder of the test's own."""
    monkeypatch.setattr("autograder.course.load_assignment", lambda name: TINY)
    return Path(shutil.copytree(generated, tmp_path / "course"))


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The students whom the judge was asked about."""
    asked: list[str] = []

    def result_for(_notebook: NotebookNode, _name: str, _root: Path, student: str) -> SubmissionResult:
        asked.append(student)
        return full_marks(student)

    monkeypatch.setattr("autograder.nbgrader_plugin.result_for", result_for)
    return asked


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> Verdicts:
    """What the judge will say of each student; whoever is not named gets full marks."""
    said: Verdicts = {}
    monkeypatch.setattr(
        "autograder.nbgrader_plugin.result_for", lambda _nb, _name, _root, who: said.get(who, full_marks(who))
    )
    return said


def question(name: str, points: float, most: float) -> QuestionResult:
    status = Status.RIGHT if points == most else Status.PARTLY if points > 0 else Status.WRONG
    passed = CheckResult("c", "It is right.", 1, status is Status.RIGHT, "" if status is Status.RIGHT else "It is not.")
    return QuestionResult(name, points, most, status, checks=(passed,))


def result(student: str, *questions: QuestionResult, repairs: tuple[str, ...] = ()) -> SubmissionResult:
    return SubmissionResult(student, "tiny", questions, repairs)


def full_marks(student: str) -> SubmissionResult:
    return result(student, *(question(one.name, one.points, one.points) for one in TINY.questions))


def hand_in(root: Path, student: str, change: Callable[[NotebookNode], None] = lambda notebook: None) -> Path:
    """Hand in the release after that change, with a written answer unless the change takes it away."""
    notebook = nbformat.read(root / "release/tiny/tiny.ipynb", as_version=4)
    cell(notebook, "why").source = "My own answer."
    change(notebook)
    path = root / "submitted" / student / "tiny" / "tiny.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    return path


def cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    found: NotebookNode = next(
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )
    return found


def grade(root: Path, *students: str) -> dict[str, str]:
    return write_gradebook(root, "tiny", students)


def graded(root: Path, student: str) -> NotebookNode:
    return read_notebook(root / f"autograded/{student}/tiny/tiny.ipynb")


def scores(root: Path, student: str) -> dict[str, float | None]:
    with Gradebook(database(root)) as gradebook:
        notebook = gradebook.find_submission_notebook("tiny", "tiny", student)
        return {grade.name: grade.auto_score for grade in notebook.grades}


def feedback(root: Path, student: str) -> str:
    assert write_feedback(root, "tiny", [student]) == {}
    return (root / f"feedback/{student}/tiny/tiny.html").read_text(encoding="utf-8")


def database(root: Path) -> str:
    return f"sqlite:///{root}/gradebook.db"


def waiting(root: Path, student: str) -> set[str]:
    with Gradebook(database(root)) as gradebook:
        grades = gradebook.find_submission_notebook("tiny", "tiny", student).grades
        return {grade.name for grade in grades if grade.needs_manual_grade}


def card(notebook: NotebookNode, grade_id: str) -> str:
    text: str = cell(notebook, grade_id).outputs[0].data["text/html"]
    return text


def test_the_release_holds_neither_solutions_nor_mark_schemes(course: Path) -> None:
    text = (course / "release/tiny/tiny.ipynb").read_text(encoding="utf-8")
    assert "YOUR CODE HERE" in text
    for secret in ("2 * x", "MARK SCHEME", "secret reason", "Because of the model"):
        assert secret not in text


def test_marks_reach_the_gradebook_as_the_judge_gave_them(course: Path, verdicts: Verdicts) -> None:
    verdicts["bob"] = result("bob", question("double", 0.5, 2), question("square", 2, 3))
    hand_in(course, "ada")
    hand_in(course, "bob")
    assert grade(course, "ada", "bob") == {}
    assert scores(course, "ada") == {"check-double": 2, "check-square": 3, "why": None}
    assert scores(course, "bob") == {"check-double": 0.5, "check-square": 2, "why": None}


def test_results_that_are_known_already_are_entered_without_judging(course: Path, judged: list[str]) -> None:
    hand_in(course, "ada")
    known = {"ada": result("ada", question("double", 1, 2), question("square", 3, 3))}
    assert write_gradebook(course, "tiny", ["ada"], known) == {}
    assert scores(course, "ada") == {"check-double": 1, "check-square": 3, "why": None}
    assert judged == []


def test_marks_are_scaled_to_the_points_of_the_notebook(course: Path, verdicts: Verdicts) -> None:
    verdicts["ada"] = result("ada", question("double", 5, 10), question("square", 1, 1))
    hand_in(course, "ada")
    grade(course, "ada")
    assert scores(course, "ada") == {"check-double": 1, "check-square": 3, "why": None}


def test_a_question_without_a_verdict_earns_nothing_and_says_so(course: Path, verdicts: Verdicts) -> None:
    verdicts["ada"] = result("ada", question("double", 2, 2))
    hand_in(course, "ada")
    grade(course, "ada")
    assert scores(course, "ada")["check-square"] == 0
    assert "no verdict" in card(graded(course, "ada"), "check-square")


@pytest.mark.parametrize("points", [math.nan, math.inf, -math.inf, -1.0, 1e9])
@pytest.mark.parametrize("most", [math.nan, math.inf, 0.0, -2.0, 2.0])
def test_every_grade_cell_gets_one_finite_number_within_its_points(points: float, most: float) -> None:
    outputs = Cards(result("ada", question("double", points, most))).outputs({"grade_id": "check-double", "points": 2})
    numbers = [output.data["text/plain"] for output in outputs if output.output_type == "execute_result"]
    assert len(numbers) == 1
    assert 0 <= float(numbers[0]) <= 2


def test_outputs_that_a_student_brings_count_for_nothing(course: Path, verdicts: Verdicts) -> None:
    def forge(notebook: NotebookNode) -> None:
        forged = new_output("execute_result", data={"text/plain": "3.0"}, execution_count=1)
        cell(notebook, "check-square").outputs = [forged]
        cell(notebook, "double").outputs = [new_output("stream", name="stdout", text="bait")]

    verdicts["eve"] = result("eve", question("double", 0, 2), question("square", 0, 3))
    hand_in(course, "eve", forge)
    grade(course, "eve")
    assert scores(course, "eve") == {"check-double": 0, "check-square": 0, "why": None}
    assert "bait" not in nbformat.writes(graded(course, "eve"))


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own, on every new submission
def test_no_execute_does_not_let_forged_outputs_through(course: Path, verdicts: Verdicts) -> None:
    def forge(notebook: NotebookNode) -> None:
        forged = new_output("execute_result", data={"text/plain": "3.0"}, execution_count=1)
        cell(notebook, "check-square").outputs = [forged]

    verdicts["eve"] = result("eve", question("double", 0, 2), question("square", 0, 3))
    hand_in(course, "eve", forge)
    config = course_config(course)
    config.ClearOutput.enabled = config.Execute.enabled = False
    assert NbGraderAPI(config=config).autograde("tiny", "eve")["success"]
    assert scores(course, "eve")["check-square"] == 0


def test_formgraders_button_gives_the_same_marks(course: Path, verdicts: Verdicts) -> None:
    verdicts["ada"] = result("ada", question("double", 0.5, 2), question("square", 2, 3))
    hand_in(course, "ada")
    grade(course, "ada")
    before = scores(course, "ada"), nbformat.writes(graded(course, "ada"))
    assert NbGraderAPI(config=course_config(course)).autograde("tiny", "ada")["success"]
    assert (scores(course, "ada"), nbformat.writes(graded(course, "ada"))) == before


def test_deleted_edited_and_doubled_grade_cells_are_mended_and_the_student_is_told(
    course: Path, verdicts: Verdicts
) -> None:
    def tamper(notebook: NotebookNode) -> None:
        cell(notebook, "check-square").source = "3.0"
        cell(notebook, "check-square").metadata.nbgrader.points = 100
        notebook.cells = [one for one in notebook.cells if one.id != "check-double"]

    hand_in(course, "eve", tamper)
    assert grade(course, "eve") == {}
    assert scores(course, "eve") == {"check-double": 2, "check-square": 3, "why": None}
    told = card(graded(course, "eve"), "check-double")
    assert "Mended before grading" in told
    assert "check-square" in told


def test_a_file_that_is_no_notebook_earns_zero_with_the_reason_everywhere(course: Path, judged: list[str]) -> None:
    hand_in(course, "dan").write_text("not JSON", encoding="utf-8")
    assert grade(course, "dan") == {}
    assert scores(course, "dan") == {"check-double": 0, "check-square": 0, "why": 0}
    for name in ("check-double", "check-square"):
        assert "not a notebook" in card(graded(course, "dan"), name)
    assert judged == []


def test_a_result_with_a_fault_earns_zero_with_the_reason_everywhere(course: Path, verdicts: Verdicts) -> None:
    verdicts["dan"] = SubmissionResult("dan", "tiny", fault="Two notebooks were handed in.")
    hand_in(course, "dan")
    grade(course, "dan")
    assert scores(course, "dan") == {"check-double": 0, "check-square": 0, "why": None}
    assert "Two notebooks" in card(graded(course, "dan"), "check-square")


def test_written_answers_wait_for_the_marker_and_unanswered_ones_earn_nothing(course: Path, verdicts: Verdicts) -> None:
    def leave_open(notebook: NotebookNode) -> None:
        cell(notebook, "why").source = "*YOUR ANSWER HERE*"

    hand_in(course, "ada")
    hand_in(course, "bob", leave_open)
    grade(course, "ada", "bob")
    assert waiting(course, "ada") == {"why"}
    assert waiting(course, "bob") == set()
    assert scores(course, "bob")["why"] == 0


def test_the_marker_sees_the_mark_scheme_and_the_student_never_does(course: Path, verdicts: Verdicts) -> None:
    hand_in(course, "ada")
    grade(course, "ada")
    assert "secret reason" in cell(graded(course, "ada"), "question-why").source
    page = feedback(course, "ada")
    assert "My own answer." in page
    assert "secret reason" not in page
    assert "MARK SCHEME" not in page


def test_what_the_marker_gave_stands_when_graded_anew(course: Path, verdicts: Verdicts) -> None:
    hand_in(course, "ada")
    grade(course, "ada")
    with Gradebook(database(course)) as gradebook:
        gradebook.find_grade("why", "tiny", "tiny", "ada").manual_score = 1.5
        gradebook.find_comment("why", "tiny", "tiny", "ada").manual_comment = "Well argued."
        gradebook.db.commit()
    verdicts["ada"] = result("ada", question("double", 0, 2), question("square", 3, 3))
    grade(course, "ada")
    with Gradebook(database(course)) as gradebook:
        assert gradebook.find_grade("why", "tiny", "tiny", "ada").score == 1.5
        assert gradebook.find_submission("tiny", "ada").score == 4.5
    assert "Well argued." in feedback(course, "ada")


def test_one_students_failure_is_named_and_stops_nobody_else(course: Path, verdicts: Verdicts) -> None:
    for student in ("ada", "bob", "cyd"):
        hand_in(course, student)
    (course / "submitted/bob/tiny/timestamp.txt").write_text("no time at all", encoding="utf-8")
    heard: list[str] = []
    failures = write_gradebook(course, "tiny", ["ada", "bob", "cyd", "nobody"], done=heard.append)
    assert failures.keys() == {"bob", "nobody"}
    assert "submitted/nobody/tiny/tiny.ipynb" in failures["nobody"]
    assert heard == ["ada", "bob", "cyd", "nobody"]
    assert scores(course, "cyd")["check-square"] == 3
    assert not (course / "autograded/bob/tiny").exists()


def test_links_in_a_submission_are_not_followed(course: Path, judged: list[str], tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("not for students", encoding="utf-8")
    hand_in(course, "eve").with_name("notes.txt").symlink_to(tmp_path / "secret.txt")
    assert "notes.txt" in grade(course, "eve")["eve"]
    assert judged == []
    assert list((course / "autograded").rglob("notes.txt")) == []


def test_faults_of_the_course_are_raised_and_not_blamed_on_a_student(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sandbox(*_: object) -> SubmissionResult:
        raise CourseError("There is no sandbox.", "Run: autograder doctor")

    monkeypatch.setattr("autograder.nbgrader_plugin.result_for", no_sandbox)
    hand_in(course, "ada")
    with pytest.raises(CourseError, match="no sandbox"):
        grade(course, "ada")


def test_a_folder_without_configuration_or_source_is_a_fault_of_the_course(course: Path, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no nbgrader course"):
        write_gradebook(tmp_path, "tiny", [])
    (course / "source/tiny/tiny.ipynb").unlink()
    with pytest.raises(CourseError, match="source notebook"):
        write_gradebook(course, "tiny", [])


def test_cells_added_under_existing_submissions_are_refused_with_the_next_step(
    course: Path, verdicts: Verdicts
) -> None:
    hand_in(course, "ada")
    grade(course, "ada")
    notebook = source_notebook()
    notebook.cells.append(tagged(new_markdown_cell("More.", id="more"), "more", locked=True))
    nbformat.write(notebook, course / "source/tiny/tiny.ipynb")
    with pytest.raises(CourseError, match="Cannot add or remove cells") as refused:
        grade(course, "ada")
    assert "nbgrader db assignment remove" in refused.value.next_step


def test_new_points_in_the_source_reach_the_gradebook(course: Path, verdicts: Verdicts) -> None:
    hand_in(course, "ada")
    grade(course, "ada")
    notebook = source_notebook()
    cell(notebook, "check-double").metadata.nbgrader.points = 2.5
    nbformat.write(notebook, course / "source/tiny/tiny.ipynb")
    contract = replace(TINY, questions=(replace(TINY.questions[0], points=2.5), TINY.questions[1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.course.load_assignment", lambda name: contract)
        grade(course, "ada")
    assert scores(course, "ada")["check-double"] == 2.5


def test_nothing_is_left_behind_but_the_courses_own_files(
    course: Path, verdicts: Verdicts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("PATH", "/nonexistent")  # nbgrader would look for its helper programs there
    (course / "gradebook.db").unlink()
    hand_in(course, "ada")
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)  # nbgrader leaves it where a grading before was broken off
    environment = dict(os.environ)
    assert grade(course, "ada") == {}
    feedback(course, "ada")
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


HOSTILE = """<script>alert(1)</script> <IMG SRC=x onerror=alert(2)> <svg/onload=alert(3)>
[a](javascript:alert(4)) ![gone](attachment:gone.png) $\\href{javascript:alert(5)}{x}$
<a href="JaVaScRiPt:alert(6)">y</a>
$a<b$ and <b>bold</b> at <https://example.org>"""


def test_nothing_that_a_student_writes_runs_in_a_browser(course: Path, verdicts: Verdicts) -> None:
    def attack(notebook: NotebookNode) -> None:
        cell(notebook, "why").source = HOSTILE
        notebook.cells.append(new_raw_cell("<script>alert(7)</script>", id="raw"))
        notebook.cells.append(new_markdown_cell("x", id="md", attachments={"p": {"image/svg+xml": "PHN2Zz4="}}))
        notebook.metadata.language_info = {"name": "<script>alert(8)</script>"}

    failed = CheckResult("c", "It is right.", 1, False, "<script>alert(9)</script>\x1b[31m", "<b>there</b>")
    wrong = replace(question("double", 0, 2), checks=(failed,), remark="<i>remark</i>")
    verdicts["eve"] = result("eve", wrong, question("square", 3, 3), repairs=("<u>mended</u>",))
    hand_in(course, "eve", attack)
    grade(course, "eve")
    page = feedback(course, "eve")
    assert not re.search(r"<(script|img|svg|a)\b[^>]*(alert|onerror|onload|javascript)", page, re.IGNORECASE)
    assert not re.search(r"<script>\s*alert", page)
    assert "href{" not in page
    assert "\x1b" not in page
    for tag in ("<i>remark", "<u>mended", "<b>there"):
        assert tag not in page
        assert html.escape(tag) in page
    assert "<b>bold</b>" in page


def test_harmless_markdown_stays_as_it_was_typed() -> None:
    text = "A *list*: `x < y`, $Q_1 < Q_2$, 3 < 4,<br>a <b>word</b>, <https://arxiv.org/abs/1812.05905>\n\n> quoted"
    assert harmless_markdown(text) == text


@given(st.text(alphabet="<>/!?abi mgsrcpt=:x\"'\\\n$`", max_size=60))
def test_no_text_opens_a_tag_with_attributes(text: str) -> None:
    rendered = markdown2html_mistune(harmless_markdown(text))
    assert not re.search(r"<(script|iframe|object|svg|style|math)\b", rendered, re.IGNORECASE)
    assert not re.search(r"<[a-z]+[^>]*\son\w+\s*=", rendered, re.IGNORECASE)


def test_attached_pictures_stay_and_everything_else_attached_goes() -> None:
    picture = {"image/png": "iVBORw0KGgo="}
    odd = {"image/svg+xml": "PHN2Zz4=", 'image/png"><script>': "eA=="}
    text = "![a](attachment:a.png) ![b](attachment:b.svg)"
    notebook = new_notebook(cells=[new_markdown_cell(text, attachments={"a.png": picture, "b.svg": odd})])
    [shown] = disarmed(notebook).cells
    assert shown.attachments == {"a.png": picture}
    assert shown.source == "![a](attachment:a.png) ![b](missing-b.svg)"


def test_the_feedback_opens_with_an_overview_and_leaves_the_visible_checks_out(
    course: Path, verdicts: Verdicts
) -> None:
    verdicts["ada"] = result("ada", question("double", 0.5, 2), question("square", 3, 3))
    hand_in(course, "ada")
    grade(course, "ada")
    page = feedback(course, "ada")
    assert page.index("3.5 of 7 points, and 1 written answer not marked yet") < page.index("A tiny practical")
    assert 'href="#check-double"' in page
    assert "not marked yet" in page
    assert "Points for this cell" not in page
    assert "square</span>" not in page.split("check-square</code>")[1].split("</section>")[0]


def test_a_card_says_in_words_what_colours_say(course: Path, verdicts: Verdicts) -> None:
    checks = (
        CheckResult("a", "It doubles.", 3, True),
        CheckResult("b", "It doubles negative numbers.", 1, False, "2 of 4 numbers differ.", "the sign"),
    )
    partly = QuestionResult("double", 1.5, 2, Status.PARTLY, "One blank is open.", checks)
    [shown, _] = Cards(result("ada", partly)).outputs({"grade_id": "check-double", "points": 2})
    for kind in ("text/html", "text/plain"):
        text = re.sub(r"<[^>]*>", "", shown.data[kind])
        for words in ("double: partly right", "1.5 of 2 points", "2 of 4 numbers differ.", "the sign", "is open."):
            assert words in text
    assert shown.data["text/html"].count('aria-label="passed"') == 1
    assert shown.data["text/html"].count('aria-label="failed"') == 1
    assert "1.5 / 1.5" in shown.data["text/html"]
    assert "0 / 0.5" in shown.data["text/html"]


def test_the_learning_curve_is_a_picture_with_words() -> None:
    curve = LearningCurve(tuple(range(10, 310, 10)), tuple(float(n) for n in range(30)))
    trained = replace(question("double", 2, 2), curve=curve)
    [shown, _] = Cards(result("ada", trained)).outputs({"grade_id": "check-double", "points": 2})
    found = re.search(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]+)"', shown.data["text/html"])
    assert found is not None
    assert base64.b64decode(found[1]).startswith(b"\x89PNG")
    assert found[2] == "Learning curve: 30 episodes in 300 steps; best return 29, mean of the last 10: 24."


@pytest.mark.parametrize("episodes", [0, 1, 9])
def test_a_short_learning_curve_is_shown_all_the_same(episodes: int) -> None:
    curve = LearningCurve(tuple(range(1, episodes + 1)), (5.0,) * episodes)
    [shown, _] = Cards(result("ada", replace(question("double", 2, 2), curve=curve))).outputs(
        {"grade_id": "check-double", "points": 2}
    )
    assert "Learning curve:" in shown.data["text/plain"]


def test_names_in_backticks_are_set_as_code_and_nothing_else_becomes_markup() -> None:
    remark = "`train` meets `<script>` and <b>"
    [shown, _] = Cards(result("ada", replace(question("double", 0, 2), remark=remark))).outputs(
        {"grade_id": "check-double", "points": 2}
    )
    assert "<code>train</code> meets <code>&lt;script&gt;</code> and &lt;b&gt;" in shown.data["text/html"]


def test_long_words_from_a_student_are_cut() -> None:
    loud = replace(question("double", 0, 2), remark="x" * 100_000)
    [shown, _] = Cards(result("ada", loud)).outputs({"grade_id": "check-double", "points": 2})
    assert len(shown.data["text/html"]) < 10_000
    assert "(cut)" in shown.data["text/html"]
