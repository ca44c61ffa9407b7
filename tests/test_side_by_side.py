"""The comparison with other graders: their courses are fair, its attacks wrong, its walls hold, it counts right."""

import contextlib
import io
import json
import subprocess
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import nbformat
import pytest
from nbformat import NotebookNode

from autograder.authoring import fill
from autograder.course.practical import Practical
from benchmarks import side_by_side
from benchmarks.attacked_graders import RAISED, Otter, Outcome, StockNbgrader
from benchmarks.attacks import Attack, grade_id, handed_in, load_attacks
from benchmarks.bare import points
from benchmarks.stock_nbgrader import HIDDEN_TESTS, Stock, stock_source, walled_off
from benchmarks.stock_otter import OtterCourse, written

CANARY = "canary-tests-0123456789ab"
ATTACKS = load_attacks()
HARMLESS = [attack for attack in ATTACKS.values() if not (attack.edit or attack.extra_cells)]
WRONG = """
def choose_actions(actor, obs, device):
    return np.zeros((len(obs), 2), np.float32)

def critic_target(data, actor, qf1_target, qf2_target, alpha, gamma):
    return torch.zeros(len(data.rewards))

def update_critics(data, next_q_value, qf1, qf2, q_optimizer):
    return torch.zeros(())

def update_alpha(data, actor, log_alpha, a_optimizer, target_entropy):
    return 1.0
"""


@pytest.fixture(scope="module")
def stock(sac: Practical) -> NotebookNode:
    return stock_source(sac, CANARY)


@pytest.fixture(scope="module")
def names(stock: NotebookNode) -> dict[str, Any]:
    """The names that the stock course's cells leave behind, run one after the other, tests and all."""
    matplotlib.use("Agg")
    found: dict[str, Any] = {"__name__": "__main__"}
    for cell in stock.cells:
        if cell.cell_type == "code" and "%pip" not in cell.source:
            run(cell.source, found)
    return found


def run(text: str, names: dict[str, Any]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, "cell", "exec"), names)


def cell_of(notebook: NotebookNode, name: str) -> Any:
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


# --- the stock course


def test_right_answers_pass_every_test_of_the_stock_course(names: dict[str, Any]) -> None:
    assert callable(names["critic_target"])


def test_the_kits_own_checks_give_its_marks_in_the_process_of_another_grader(names: dict[str, Any]) -> None:
    spoilt = dict(names)
    run(WRONG, spoilt)
    assert points("sac", "alpha-update", names) == 2
    assert points("sac", "alpha-update", spoilt) < 2


@pytest.mark.parametrize("question", HIDDEN_TESTS)
def test_a_hidden_test_of_the_stock_course_alone_finds_a_wrong_answer(names: dict[str, Any], question: str) -> None:
    spoilt = dict(names)
    run(WRONG, spoilt)
    with pytest.raises(AssertionError):
        run(HIDDEN_TESTS[question], spoilt)


@pytest.mark.parametrize("question", HIDDEN_TESTS)
def test_a_hidden_test_stands_between_nbgraders_markers_with_the_points_of_the_kit(
    stock: NotebookNode, sac: Practical, question: str
) -> None:
    cell = cell_of(stock, f"check-{question}")
    hidden = cell.source.partition("### BEGIN HIDDEN TESTS\n")[2].removesuffix("### END HIDDEN TESTS")
    assert hidden.replace(f"# {CANARY}\n", "").strip() == HIDDEN_TESTS[question].strip()
    assert CANARY in hidden
    assert cell.metadata.nbgrader.points == next(item.points for item in sac.questions if item.name == question)


def test_every_blank_of_the_stock_course_is_marked_in_whole_lines(stock: NotebookNode) -> None:
    lines = [line.strip() for cell in stock.cells for line in cell.source.split("\n") if "SOLUTION" in line]
    assert set(lines) == {"### BEGIN SOLUTION", "### END SOLUTION"}
    assert lines == ["### BEGIN SOLUTION", "### END SOLUTION"] * (len(lines) // 2)


# --- otter-grader's course


@pytest.fixture
def without_otter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decorator of test cases that does nothing, since otter-grader is not installed here."""
    test_files = types.ModuleType("otter.test_files")
    test_files.__dict__["test_case"] = lambda hidden: lambda function: function
    monkeypatch.setitem(sys.modules, "otter", types.ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", test_files)


def file_of(stock: NotebookNode, question: str, points: float) -> dict[str, Any]:
    """The names in otter-grader's test file of a question."""
    found: dict[str, Any] = {}
    run(written(question, points, cell_of(stock, f"check-{question}").source), found)
    return found


@pytest.mark.parametrize("question", HIDDEN_TESTS)
@pytest.mark.usefixtures("without_otter")
def test_otter_graders_test_runs_the_stock_courses_check_in_the_students_names(
    stock: NotebookNode, names: dict[str, Any], question: str
) -> None:
    found = file_of(stock, question, 3.0)
    found["test"](dict(names))
    spoilt = dict(names)
    run(WRONG, spoilt)
    with pytest.raises(names["Finding"]):  # the visible part says it, before the hidden one is run
        found["test"](spoilt)


@pytest.mark.usefixtures("without_otter")
def test_otter_graders_test_file_has_the_question_its_points_and_the_text_of_the_stock_course(
    stock: NotebookNode,
) -> None:
    found = file_of(stock, "critic-target", 3.0)
    assert (found["OK_FORMAT"], found["name"], found["points"]) == (False, "critic-target", 3.0)
    assert found["TESTS"].strip("\n") == cell_of(stock, "check-critic-target").source
    assert f"# {CANARY}" in found["TESTS"]


@pytest.mark.parametrize("question", HIDDEN_TESTS)
def test_the_line_of_a_test_file_that_otter_grader_shows_holds_nothing_of_the_tests(
    stock: NotebookNode, question: str
) -> None:
    text = written(question, 3.0, cell_of(stock, f"check-{question}").source)
    shown = [line for line in text.split("\n") if "exec(" in line]
    assert shown == ["    exec(TESTS, env)"]


# --- the attacks


@pytest.mark.parametrize("attack", HARMLESS, ids=lambda attack: str(attack.name))
def test_an_attack_stands_in_the_cell_of_the_question_that_it_attacks(attack: Attack, sac: Practical) -> None:
    question = sac.question(attack.question)
    texts = "".join(attack.cells.values())
    stands = {*attack.code} == {question.cell} or any(f"def {name}(" in texts for name in question.functions)
    assert attack.right or stands


def test_the_attacker_answers_everything_else_rightly(source: NotebookNode, sac: Practical) -> None:
    right = fill(source, sac, {})
    answers = {grade_id(cell): cell.source for cell in right.cells if cell.metadata.get("nbgrader", {}).get("solution")}
    attack = Attack("x", "", "critic-target", cells={"target": "\nmine at {course}\n"}, extra_cells=("before",))
    notebook = handed_in(right, answers, attack, {"course": "/there"})
    assert cell_of(notebook, "target").source == "mine at /there"
    changed = [cell for cell in notebook.cells if cell not in right.cells]
    assert [cell.source for cell in changed] == ["before", "mine at /there"]


# --- the walls around stock nbgrader

LOOK = """
import json, os, pathlib, socket, sys
writable = []
for folder in sys.argv[1:]:
    try:
        pathlib.Path(folder, "mine").write_text("x")
        writable.append(folder)
    except OSError:
        pass
try:
    socket.create_connection(("192.0.2.1", 9), timeout=1)
    network = True
except OSError:
    network = False
print(json.dumps([writable, network, os.path.exists(sys.argv[2] + "/autograder"), os.listdir("/course"), os.getuid()]))
"""


def test_what_runs_as_stock_nbgrader_reaches_its_own_course_alone(tmp_path: Path, kit: Path) -> None:
    course = tmp_path / "course"
    course.mkdir()
    (tmp_path / "other").mkdir()
    places = ["/course", str(kit), str(tmp_path / "other"), sys.prefix, sys.base_prefix, "/usr", "/"]
    done = subprocess.run([*walled_off(course), sys.executable, "-c", LOOK, *places], capture_output=True, text=True)
    writable, network, sees_kit, listed, user = json.loads(done.stdout)
    assert "/course" in writable
    assert (course / "mine").is_file()
    assert [place for place in places if Path(place, "mine").exists()] == []  # a folder of its own /tmp may be there
    assert not network
    assert not sees_kit
    assert "mine" in listed
    assert user == 1000
    assert [path.name for path in tmp_path.rglob("mine")] == ["mine"]
    assert not (kit / "mine").exists()


def test_what_the_walls_are_given_to_show_can_be_read_and_not_written(tmp_path: Path) -> None:
    course, shown = tmp_path / "course", tmp_path / "shown"
    course.mkdir()
    (shown / "autograder").mkdir(parents=True)
    words = [*walled_off(course, shown), sys.executable, "-c", LOOK, "/course", str(shown)]
    done = subprocess.run(words, capture_output=True, text=True)
    writable, _, sees_it, _, _ = json.loads(done.stdout)
    assert writable == ["/course"]
    assert sees_it


def test_what_runs_as_stock_nbgrader_has_limits(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "b'x' * (7 * 2**30)"]
    done = subprocess.run([*walled_off(tmp_path), *words], capture_output=True, text=True)
    assert "MemoryError" in done.stderr


# --- what is counted


def outcome(grader: StockNbgrader, found: Mapping[str, Mapping[str, float] | None], seen: str = "") -> Outcome:
    return grader.outcome(found, seen)


@pytest.fixture
def grader(tmp_path: Path) -> StockNbgrader:
    worth = {"explore": 1.0, "critic-target": 3.0}
    return StockNbgrader(tmp_path, nbformat.v4.new_notebook(), {}, worth, {"tests": CANARY})


RIGHT = {"explore": 1.0, "critic-target": 3.0}


def test_a_batch_in_which_all_is_well_harms_nobody(grader: StockNbgrader) -> None:
    found = outcome(grader, {"anna": RIGHT, "mallory": {"explore": 1.0, "critic-target": 0.0}, "zoe": RIGHT})
    assert (found.in_all, found.harmed, found.stopped, found.words) == (1.0, (), False, "the others unharmed")


def test_what_befell_the_others_is_told(grader: StockNbgrader) -> None:
    found = outcome(grader, {"anna": {"explore": 0.0, "critic-target": 3.0}, "mallory": None, "zoe": None}, CANARY)
    assert found.stopped
    assert found.words == "read: tests; anna got 3; zoe was not graded"


def test_points_for_a_wrong_answer_are_forged_and_those_for_a_right_one_are_not(grader: StockNbgrader) -> None:
    good = outcome(grader, {"anna": RIGHT, "mallory": RIGHT, "zoe": RIGHT})
    bad = outcome(grader, {"anna": RIGHT, "mallory": RIGHT, "zoe": None}, CANARY)
    rows = [
        side_by_side.Row(Attack("honest", "answers", "critic-target", right=True), {grader.name: good}),
        side_by_side.Row(Attack("forger", "forges", "critic-target"), {grader.name: bad}),
    ]
    assert list(side_by_side.totals(rows, grader.name).values()) == [1, 3.0, 1, 1, 1]
    lines = list(side_by_side.table(rows, [grader]))
    assert lines[2] == "| `honest`: answers | critic-target | 3 of 3 | 4 of 4 | the others unharmed |"
    assert lines[3] == "| `forger`: forges | critic-target | **3 of 3** | 4 of 4 | read: tests; zoe was not graded |"


def test_a_student_of_whom_no_graded_notebook_came_out_has_no_points(tmp_path: Path) -> None:
    assert Stock(tmp_path).points("sac", "mallory") is None


def test_a_notebook_that_nbgrader_has_not_done_with_counts_as_not_graded(tmp_path: Path) -> None:
    path = Stock(tmp_path).graded("sac", "mallory")
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    assert Stock(tmp_path).points("sac", "mallory") is None


RESULTS = {"tests": [{"name": "Public Tests"}, *({"name": name, "score": score} for name, score in RIGHT.items())]}


@pytest.fixture
def otter(tmp_path: Path) -> Otter:
    worth = {"explore": 1.0, "critic-target": 3.0}
    canaries = {"tests": CANARY, "neighbour": "canary-neighbour"}
    return Otter(tmp_path, nbformat.v4.new_notebook(), {}, worth, canaries, tmp_path / "bin" / "otter")


def put_results(course: Path, student: str, text: str) -> None:
    folder = course / "results" / student
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(text, encoding="utf-8")


def test_marks_that_otter_grader_gave_are_read_by_question(otter: Otter, tmp_path: Path) -> None:
    for student in ("anna", "mallory", "zoe"):
        put_results(tmp_path, student, json.dumps(RESULTS))
    found = otter.graded(tmp_path)
    assert (found.points, found.in_all, found.words) == (RIGHT, 4.0, "the others unharmed")


def test_a_neighbour_whose_results_of_otter_grader_are_missing_or_spoilt_is_harmed(
    otter: Otter, tmp_path: Path
) -> None:
    put_results(tmp_path, "anna", '{"tests": [')
    put_results(tmp_path, "mallory", json.dumps(RESULTS | {"output": CANARY}))
    found = otter.graded(tmp_path)
    assert (found.harmed, found.secrets, found.stopped) == (("anna", "zoe"), ("tests",), True)


@pytest.mark.parametrize(
    "text", ["", "[]", "7", '{"tests": [{"score": 1}]}', '{"tests": [{"name": "a", "score": null}]}']
)
def test_results_of_otter_grader_that_cannot_be_read_are_no_marks(otter: Otter, tmp_path: Path, text: str) -> None:
    put_results(tmp_path, "mallory", text)
    assert OtterCourse(tmp_path, otter.program).points("mallory") is None


def test_what_the_run_of_otter_grader_says_is_given_back_and_the_error_that_ended_it_is_told(
    otter: Otter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def said(course: OtterCourse, assignment: str, students: list[str]) -> dict[str, str]:
        asked.append(students)
        return {"mallory": f"{CANARY}\nnbclient.exceptions.DeadKernelError: Kernel died\n"}

    monkeypatch.setattr(OtterCourse, "run", said)
    put_results(tmp_path, "anna", json.dumps(RESULTS))
    for student in ("anna", "mallory", "zoe"):
        path = OtterCourse(tmp_path, otter.program).submitted(student, "sac")
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    found = otter.graded(tmp_path)
    assert asked == [["mallory", "zoe"]]
    assert (found.points, found.secrets, found.problem) == (None, ("tests",), "`DeadKernelError: Kernel died`")


def test_the_error_that_ended_a_submission_is_taken_from_the_log() -> None:
    log = "    a line\n    nbclient.exceptions.DeadKernelError: Kernel died\n\n[AutogradeApp | ERROR] An error\n"
    assert RAISED.findall(log) == ["DeadKernelError: Kernel died"]
