"""The comparison with stock nbgrader: its course is fair, its attacks are wrong, its walls hold, it counts right."""

import contextlib
import io
import json
import subprocess
import sys
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
from benchmarks.attacked_graders import RAISED, Outcome, StockNbgrader
from benchmarks.attacks import Attack, grade_id, handed_in, load_attacks
from benchmarks.bare import points
from benchmarks.stock_nbgrader import HIDDEN_TESTS, Stock, stock_source, walled_off

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


def test_the_error_that_ended_a_submission_is_taken_from_the_log() -> None:
    log = "    a line\n    nbclient.exceptions.DeadKernelError: Kernel died\n\n[AutogradeApp | ERROR] An error\n"
    assert RAISED.findall(log) == ["DeadKernelError: Kernel died"]
