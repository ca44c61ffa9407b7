"""A fault of a practical's author stops the command, with file, line and what to write; no student pays for it."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner, Result

from autograder.authoring import fill
from autograder.cli import app
from autograder.course.practical import load_practical

KIT = Path(__file__).parent.parent
TOML, CHECKS, PROBES, ANSWERS, NOTEBOOK = (
    "solutions/hw-1/practical.toml",
    "solutions/hw-1/checks.py",
    "solutions/hw-1/probes.py",
    "solutions/hw-1/variants/answers.toml",
    "source/hw-1/hw-1.ipynb",
)
PLAYED = 'call("predict", "x", "weights")'
COMPARED = "for played in (exam.play(scene), exam.right(scene))"  # where both answers are asked for
ADVICE = ', look_at="the axis along which the sum runs"'
BEGINS = "    compare(exam, Scene"
PREDICTS = '@check("predict"'
SCRIPT = """class Script:
    def __init__(self, number):
        self.number = number
    def __call__(self, verb, values):
        return {"now": 1 / self.number}


def compare("""
CALLER = "def caller(stage):\n    return lambda: stage.ask_judge('more')['now']\n"
Edit = tuple[str, str, str]


@dataclass(frozen=True)
class Fault:
    """What is written in place of what; and what is said: the place by what stands there, the words, the step."""

    edits: tuple[Edit, ...]  # (file, old, new); a new file where there is no old text
    blamed: str
    stands: str
    words: str
    step: str


def run(course: Path, *words: str) -> Result:
    done = CliRunner().invoke(app, [*words, "--course", str(course)], env={"COLUMNS": "500"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with the skeleton, which has no fault; alice is right, bob sums along the columns."""
    root = tmp_path_factory.mktemp("courses") / "my course"
    root.mkdir()
    shutil.copy(KIT / "nbgrader_config.py", root)
    for words in (("new", "hw-1"), ("generate",), ("verify", "--jobs", "1", "--learn")):
        assert run(root, *words).exit_code == 0
    text = (
        (root / CHECKS)
        .read_text(encoding="utf-8")
        .replace("generator\n", "generator, help_with, thing, Mistake, needed\n")
    )
    (root / CHECKS).write_text(text.replace("import numpy", "from functools import partial\nimport numpy", 1), "utf-8")
    practical = load_practical(root)
    for student, fills in (("alice", {}), ("bob", {"predict.values": "(x * weights).sum(axis=0)"})):
        path = root / "submitted" / student / "hw-1/hw-1.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(fill(practical.source, practical, fills)), encoding="utf-8")
    return root


@pytest.fixture
def course(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "my course", ignore=shutil.ignore_patterns("__pycache__")))


def put_in(course: Path, fault: Fault) -> None:
    for file, old, new in fault.edits:
        path = course / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if file == NOTEBOOK:
            old, new = (json.dumps(each)[1:-1] for each in (old, new))
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


def expect_told(said: str, course: Path, fault: Fault) -> None:
    path = course / fault.blamed
    if fault.blamed == NOTEBOOK:
        place = f"{path}: Cell {fault.stands}: "
    else:
        lines = path.read_text(encoding="utf-8").splitlines()
        place = f"{path}, line {next(row for row, line in enumerate(lines, start=1) if fault.stands in line)}"
    assert place in said
    message, _, step = said.partition(place)[2].partition("\n")  # a progress bar may stand before it
    assert fault.words in message
    assert fault.step in step


def marker(old: str, new: str, stands: str, words: str, step: str) -> Fault:
    return Fault(((NOTEBOOK, old, new),), NOTEBOOK, stands, words, step)


def checks(old: str, new: str, stands: str, words: str, step: str) -> Fault:
    return Fault(((CHECKS, old, new),), CHECKS, stands, words, step)


FAULTS = {
    # markers
    "a marker misspelt": marker(
        "### SOLUTION predict", "### SOLUTON predict", "'predict', line 3", "looks like a marker", "### SOLUTION <id>"
    ),
    "an end marker without its begin": marker(
        "    ### BEGIN SOLUTION gradient.body\n",
        "",
        "'gradient', line 5",
        "'### END SOLUTION' ends nothing",
        "Add '### BEGIN SOLUTION <id>' above it",
    ),
    "a begin marker without its end": marker(
        "    ### END SOLUTION\n", "", "'gradient', line 3", "is never ended", "Add '### END SOLUTION' below it"
    ),
    # points
    "a sum that the contract contradicts": Fault(
        ((TOML, "points = 4", "points = 5"),), TOML, "points = 5", "and the notebook's add up to 4", "Correct the sum"
    ),
    # checks, as they are read
    "no sentence": checks(
        '    """Each row of x gets its own prediction."""\n',
        "",
        PREDICTS,
        "needs a docstring",
        "what has to hold",
    ),
    "an unknown question": checks(PREDICTS, '@check("predikt"', "predikt", "no question", "Did you mean predict?"),
    "no advice": checks(ADVICE, "", PREDICTS, "look_at", 'Write @check("question", look_at='),
    "nothing said": checks(f"{PREDICTS}{ADVICE})", "@check", "@check", "needs the question", 'Write @check("question"'),
    "no weight": checks(PREDICTS, f"{PREDICTS}, weight=0", PREDICTS, "the weight 0", "a number above 0"),
    "a weight in words": checks(PREDICTS, f'{PREDICTS}, weight="2"', PREDICTS, "the weight '2'", "a number above 0"),
    "no exam": checks(
        "def it_predicts(exam: Exam)", "def it_predicts()", PREDICTS, "one argument", "def it_predicts(exam: Exam)"
    ),
    "a library that is not there": checks(
        "import numpy as np", "import numpyy as np", "numpyy", "No module named 'numpyy'", "pip install numpyy"
    ),
    "a file that is not there": checks(
        "import numpy as np", "from .inputs import np", ".inputs", "No module named", "solutions/hw-1/inputs.py"
    ),
    "a name twice": checks(
        "def it_is_the_gradient", "def it_predicts", '@check("gradient"', "of an earlier check", "a name of its own"
    ),
    # what they play
    "an object that is none": checks(
        '"x": X, "weights"', '"x": 3, "weights"', '"x": 3', "'x' is made by", "array(...)"
    ),
    "a step that is none": checks(PLAYED, '"predict"', '"predict")', "step 0 of the scene", 'Write call("f", "x")'),
    "no step": checks(f", {PLAYED}", "", '"weights": WEIGHTS})', "one step or more", "Write Scene("),
    "nothing that is asked": checks(
        "exam.play(scene), ",
        "exam.right(scene), ",
        PREDICTS,
        "asks the student's functions nothing",
        "exam.play(scene)",
    ),
    "noise without a seed": checks(
        "generator(1).normal", "np.random.normal", PREDICTS, "something else each time", "generator(1)"
    ),
    "a solution that raises": Fault(
        ((NOTEBOOK, "values = x @ weights", "values = x @ weight"),),
        *(CHECKS, COMPARED, "hw-1.ipynb raises NameError: name 'weight' is not defined in cell 4 (predict), line 3"),
        "or the solution in",
    ),
    "an object that is not there": checks(
        PLAYED, 'call("predict", "z")', '"z"', "predict is handed 'z'", "The objects before it are: weights, x."
    ),
    "a function that nobody defines": checks(
        PLAYED, 'call("predikt", "x")', COMPARED, "does not define 'predikt'", "Did you mean predict?"
    ),
    "a method that nobody defines": checks(
        PLAYED, 'call("x.summ")', COMPARED, "no attribute 'summ'", "Correct the check, or the solution in"
    ),
    "a kind of object that nobody defines": checks(
        '{"x": X, "weights"',
        '{"x": thing("arrey"), "weights"',
        COMPARED,
        "no kind of object 'arrey'",
        "Did you mean array?",
    ),
    "a helper that nobody defines": checks(
        PLAYED, 'help_with("shape", "x")', COMPARED, "no helper 'shape'", "Did you mean shapes?"
    ),
    "a probe that nobody defines": checks(
        BEGINS, f'    name = "it"; exam.ask(name)\n{BEGINS}', "exam.ask(name)", "no probe 'it'", "Write it in"
    ),
    # what they do with the answers
    "a name that is not there": checks("played.step(0)", "plaid.step(0)", "plaid", "NameError: name 'plaid'", "--skip"),
    "a wrong key": checks('"returned"', '"retuned"', "retuned", "does not pass with the source", "or the solution in"),
    "a value that is returned": checks(BEGINS, f"    return 1\n{BEGINS}", PREDICTS, "returns 1", "raise Mistake("),
    "a need that is not met": checks(
        BEGINS,
        f'    with needed():\n        raise Mistake("It is late.")\n{BEGINS}',
        "It is late",
        "does not pass with the source notebook's own solution: It is late",
        "Correct the check",
    ),
    "a step that is not there": checks("step(0)", "step(1)", "step(1)", "does not pass with", "or the solution in"),
    "a shape that the solution has not": checks(
        "(4,)", "(3,)", '"returned"', "should have the shape (3,)", "Correct the check"
    ),
    "two shapes compared": checks("(theirs,", "(theirs[:1],", "(theirs[:1],", "(1,) and (4,)", "one shape first"),
    # handlers and probes
    "a handler without a name": checks(
        "play(scene)", "play(scene, handler=lambda: print)", COMPARED[:20], "the handler compare", "partial(Script, 1)"
    ),
    "a handler of an object without plain values": checks(
        "play(scene)",
        "play(scene, handler=partial(print, object()))",
        "object()",
        "the handler print",
        "partial(Script, 1)",
    ),
    "a handler that fails": Fault(
        (
            (CHECKS, "def compare(", SCRIPT),
            (PROBES, "", CALLER),
            (CHECKS, BEGINS, f'    scene = Scene({{"f": thing("caller")}}, call("f"))\n{BEGINS}'),
            (CHECKS, BEGINS, f"    exam.play(scene, handler=partial(Script, 0))\n{BEGINS}"),
        ),
        *(CHECKS, "1 / self.number", "ZeroDivisionError", "Correct the check"),
    ),
    "a probe that fails": Fault(
        ((PROBES, "", "def it(session):\n    return sesion\n"), (CHECKS, BEGINS, f'    exam.ask("it")\n{BEGINS}')),
        *(PROBES, "return sesion", "NameError: name 'sesion'", "Correct the check"),
    ),
    "probes that import the checks": Fault(
        ((PROBES, "", "from .checks import X\n"),), PROBES, ".checks", "relative import", "installed libraries only"
    ),
    "probes that use more than themselves": Fault(
        ((PROBES, "", "HERE = __file__\n"),), PROBES, "HERE", "'__file__' is not defined", "Correct the file"
    ),
}
EVERY_COMMAND = ("an unknown question", "a function that nobody defines", "a wrong key", "a probe that fails")


@pytest.mark.filterwarnings("ignore:can't resolve package:ImportWarning")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_place_and_what_to_write_before_anything_is_made(course: Path, fault: Fault) -> None:
    put_in(course, fault)
    before = (course / "release/hw-1/hw-1.ipynb").stat().st_mtime_ns
    done = run(course, "generate")
    assert done.exit_code == 2, done.output
    expect_told(done.stderr, course, fault)
    assert (course / "release/hw-1/hw-1.ipynb").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_every_command_tells_it_and_nobody_is_graded(course: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    put_in(course, fault)
    alice = str(course / "submitted/alice/hw-1/hw-1.ipynb")
    for words in (("grade", "--jobs", "1"), ("verify", "--jobs", "1"), ("check", alice)):
        done = run(course, *words)
        assert done.exit_code == 2, done.output
        expect_told(done.stderr, course, fault)
    assert not list(course.glob("results/hw-1/*.csv"))
    assert not list(course.glob("results/hw-1/students/*"))
    monkeypatch.setattr("autograder.doctor.examination.NAMES", ())  # the machine is looked at elsewhere
    done = run(course, "doctor", "--json")
    assert done.exit_code == 1
    (found,) = (item for item in json.loads(done.stdout) if item["subject"] == "hw-1")
    expect_told(f"{found['found']}\n{found['next_step']}", course, fault)


@pytest.mark.parametrize("file", [CHECKS, NOTEBOOK])
def test_what_never_ends_is_told_with_the_line_where_it_was(
    course: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.judging.faults.LONGEST", 0.1)
    line = {CHECKS: BEGINS, NOTEBOOK: "    values = x @ weights"}[file]
    fault = Fault(((file, line, f"    while True: pass\n{line}"),), CHECKS, "while True", "it was in", "a loop that")
    if file == NOTEBOOK:
        fault = replace(fault, stands=COMPARED, words="it was in cell 4 (predict), line 3")
    put_in(course, fault)
    done = run(course, "generate")
    assert done.exit_code == 2
    expect_told(done.stderr, course, fault)


@pytest.mark.parametrize("points", [0, -1])
def test_a_question_without_points_is_refused(course: Path, points: int) -> None:
    text = (course / NOTEBOOK).read_text(encoding="utf-8")
    (course / NOTEBOOK).write_text(text.replace('"points": 2', f'"points": {points}'), encoding="utf-8")
    said = run(course, "generate").stderr
    assert f"{course / NOTEBOOK}: Cell 'check-gradient': its metadata give it {points} points." in said
    assert "Give it points above 0 in Jupyter." in said


def test_a_question_whose_check_cannot_be_passed_may_be_left_out_meanwhile(course: Path) -> None:
    put_in(course, checks('\n\n\n@check("gradient"', '\n    1 / 0\n\n\n@check("gradient"', "1 / 0", "", ""))
    assert run(course, "grade", "--jobs", "1", "--no-gradebook").exit_code == 2
    done = run(course, "grade", "--jobs", "1", "--no-gradebook", "--skip", "predict", "--json")
    assert done.exit_code == 0, done.stderr
    assert [result["points"] for result in json.loads(done.stdout)["results"]] == [2, 2]


# --- faults that only a student's answer brings about


def test_a_check_that_fails_on_one_students_answer_is_told_and_the_others_are_graded(course: Path) -> None:
    fault = checks(
        "    expect_close(theirs",
        '    if (theirs != right).any():\n        raise Mistaek("It is wrong.")\n    expect_close(theirs',
        *("raise Mistaek", "NameError: name 'Mistaek'", "Correct it, and run the same command again"),
    )
    put_in(course, fault)
    path = course / "submitted/bob/hw-1/hw-1.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("axis=0", "axis=1) * (2"), encoding="utf-8")
    done = run(course, "grade", "--jobs", "1", "--no-gradebook", "--json")
    assert done.exit_code == 1
    told = {result["student"]: result["fault"] for result in json.loads(done.stdout)["results"]}
    assert fault.words in told["bob"]
    assert fault.step in told["bob"]
    assert "It was met in the notebook of bob." in told["bob"]
    assert told["alice"] == ""
    assert [kept.stem for kept in course.glob("results/hw-1/students/*.json")] == ["alice"]
    done = run(course, "grade", "--jobs", "1", "--no-gradebook", "--skip", "predict", "--json")
    assert done.exit_code == 0
    assert [result["points"] for result in json.loads(done.stdout)["results"]] == [2, 2]


def test_probes_that_fail_in_the_sandbox_alone_are_the_authors(course: Path) -> None:
    outside = course / "nbgrader_config.py"
    (course / PROBES).write_text(f"import os\nSIZE = os.stat({str(outside)!r}).st_size\n", encoding="utf-8")
    assert run(course, "generate").exit_code == 0
    done = run(course, "check", str(course / "submitted/alice/hw-1/hw-1.ipynb"))
    assert done.exit_code == 2
    assert "probes.py ended the whole process while it was read in the sandbox" in done.stderr
    assert "no file of the course" in done.stderr


# --- the corpus


@pytest.mark.parametrize(
    ("old", "new", "words", "step"),
    [
        ('"predict.values" = "(x * weights).sum(axis=0)"', '"predict.value" = "1"', "unknown blank", "predict.values?"),
        ('loses = ["predict"]', 'loses = ["predikt"]', "unknown question 'predikt'", "Did you mean predict?"),
        ('loses = ["predict"]', 'lose = ["predict"]', "unknown keys: lose", "Did you mean loses?"),
        ('"wrong"', '"false"', "unknown verdict 'false'", "'right' or 'wrong'"),
        ('fills = { "predict.values" = "(x * weights).sum(axis=0)" }', 'cells = { predikt = "1" }', "cell", "predict?"),
    ],
)
def test_a_variant_at_fault_is_told_with_file_line_and_name(
    course: Path, old: str, new: str, words: str, step: str
) -> None:
    text = (course / ANSWERS).read_text(encoding="utf-8")
    before, _, after = text.partition('id = "predict-sums-columns"')
    (course / ANSWERS).write_text(f'{before}id = "it"{after.replace(old, new, 1)}', encoding="utf-8")
    done = run(course, "verify")
    assert done.exit_code == 2
    place = f"{course / ANSWERS}, line {before.count(chr(10))}: variant 'it': "
    message, _, next_step = done.stderr.partition(place)[2].partition("\n")
    assert words in message
    assert step in next_step


def test_a_corpus_that_is_no_toml_is_told_by_every_command_that_uses_known_mistakes(course: Path) -> None:
    (course / ANSWERS).write_text("[[variant", encoding="utf-8")
    for words in (("verify",), ("grade", "--jobs", "1", "--no-gradebook")):
        done = run(course, *words)
        assert done.exit_code == 2
        assert f"{course / ANSWERS} cannot be read" in done.stderr
    assert not list(course.glob("results/hw-1/students/*"))


def test_checks_that_are_no_python_do_not_stop_the_doctor(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (course / CHECKS).write_text("def (", encoding="utf-8")
    monkeypatch.setattr("autograder.doctor.examination.NAMES", ())  # the machine is looked at elsewhere
    done = run(course, "doctor", "--json")
    found = {item["subject"]: item for item in json.loads(done.stdout)}
    assert f"{course / CHECKS}, line 1: SyntaxError" in found["hw-1"]["found"]
    assert not found["known mistakes of hw-1"]["well"]
