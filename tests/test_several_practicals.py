"""Two practicals of one course, with the same students, questions and blanks: each keeps to its own, by either road."""

import csv
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from grader_process import Grader
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from small_course import CHECKS, CORPUS, DOUBLE, hand_in, handed_in, notebook, run, said, small_course

from autograder.course.configuration import course_config
from benchmarks.likeness import HELPERS

ONE, OTHER = "hw-1", "hw-2"  # double is two times the numbers in the one, five times in the other
POINTS = {ONE: {"ada": 5, "bob": 3}, OTHER: {"ada": 3, "bob": 5, "cyd": 5}}
SENTENCES = {ONE: "Twice the numbers come back.", OTHER: "Five times the numbers come back."}
HINTS = {ONE: "The factor is five, and it should be two.", OTHER: "The factor is two, and it should be five."}
FILES = {"variants/all.toml": CORPUS.replace("3 * x", "5 * x").replace("three", "five")}
OTHERS_FILES = {
    "checks.py": CHECKS.replace("Twice", "Five times")
    .replace("import Exam", "import Exam, LearningCurve")
    .replace('note(exam, "shift")', 'exam.keep_curve(LearningCurve((10, 20), (0.5, 0.75), "epochs", "accuracy"))'),
    "variants/all.toml": CORPUS.replace("x + x", "4 * x + x")
    .replace('"3 * x"', '"2 * x"')
    .replace("three, and it should be two", "two, and it should be five"),
}


@pytest.fixture(scope="module")
def submitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with both practicals, their known mistakes learnt; in the other one, Ada's and Cyd's work is alike."""
    root = small_course(tmp_path_factory.mktemp("submitted") / "my course", name=ONE, files=FILES)
    small_course(root, notebook(double=DOUBLE.replace("2 * x", "5 * x")), OTHER, OTHERS_FILES)
    for name in (ONE, OTHER):
        assert run("verify", "--course", root, "--assignment", name, "--learn", "--jobs", "1").exit_code == 0
    hand_in(root, "ada", name=ONE)
    hand_in(root, "bob", name=ONE, double="5 * x")
    hand_in(root, "bob", name=OTHER)
    for student, fills in (("ada", {"double": "2 * x"}), ("cyd", {})):
        made = handed_in(root, OTHER, **fills)
        made.cells.insert(0, new_code_cell(HELPERS, id="helpers"))
        hand_in(root, student, made, OTHER)
    return root


@pytest.fixture(scope="module")
def by_kit(submitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, graded by the kit's command."""
    root = Path(shutil.copytree(submitted, tmp_path_factory.mktemp("kit") / "my course"))
    for name in (ONE, OTHER):
        done = grade(root, name)
        assert f"Points by machine in {name}" in said(done)
        assert ("Alike beyond what is common" in said(done)) == (name == OTHER)
    return root


@pytest.fixture(scope="module")
def by_nbgrader(submitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, graded by nbgrader's commands."""
    root = Path(shutil.copytree(submitted, tmp_path_factory.mktemp("nbgrader") / "my course"))
    api = NbGraderAPI(config=course_config(root))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader starts alembic by name
        for name in (ONE, OTHER):
            assert api.generate_assignment(name)["success"]
        for name in (OTHER, ONE):
            for student in POINTS[name]:
                assert api.autograde(name, student)["success"]
                assert api.generate_feedback(name, student)["success"]
    return root


def grade(root: Path, name: str, *words: str) -> Any:
    done = run("grade", "--course", root, "--assignment", name, "--jobs", "1", *words)
    assert done.exit_code == 0, done.output
    return done


def page(root: Path, name: str, student: str) -> str:
    return (root / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8")


def scores(root: Path, name: str) -> dict[str, dict[str, float | None]]:
    """What the gradebook holds of one practical: student -> cell -> score."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        found = book.notebook_submissions(name, name)
        return {each.student.id: {grade.name: grade.auto_score for grade in each.grades} for each in found}


def files_of(root: Path, name: str) -> dict[Path, tuple[int, bytes]]:
    """All that was made of one practical: when, and what."""
    made = [path for part in ("results", "autograded", "feedback") for path in (root / part).rglob("*")]
    of_it = [path for path in made if path.is_file() and name in path.parts]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in of_it}


@pytest.mark.parametrize("name", [ONE, OTHER])
def test_results_and_tables_are_of_one_practical_alone(by_kit: Path, name: str) -> None:
    whole = json.loads((by_kit / "results" / name / "results.json").read_text(encoding="utf-8"))
    assert {result["student"]: result["points"] for result in whole} == POINTS[name]
    assert {result["assignment"] for result in whole} == {name}
    assert {result["questions"][0]["checks"][0]["sentence"] for result in whole} == {SENTENCES[name]}
    assert {hint for result in whole for each in result["questions"] if (hint := each["hint"])} == {HINTS[name]}
    with (by_kit / "results" / name / "results.csv").open(encoding="utf-8", newline="") as file:
        assert {row["student"]: float(row["points"]) for row in csv.DictReader(file)} == POINTS[name]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own, on every new submission
@pytest.mark.parametrize("name", [ONE, OTHER])
@pytest.mark.parametrize("road", ["by_kit", "by_nbgrader"])
def test_gradebook_and_feedback_are_of_one_practical_by_either_road(
    request: pytest.FixtureRequest, road: str, name: str
) -> None:
    root = request.getfixturevalue(road)
    found = scores(root, name)
    assert {student: sum(score or 0 for score in cells.values()) for student, cells in found.items()} == POINTS[name]
    for student, points in POINTS[name].items():
        shown = page(root, name, student)
        assert SENTENCES[name] in shown
        assert (HINTS[name] in shown) == (points == 3)
        (strange,) = {ONE, OTHER} - {name}
        assert SENTENCES[strange] not in shown
        assert HINTS[strange] not in shown


@pytest.mark.parametrize("name", [ONE, OTHER])
def test_only_the_practical_whose_check_keeps_a_learning_curve_speaks_of_one(by_kit: Path, name: str) -> None:
    table = (by_kit / "results" / name / "results.json").read_text(encoding="utf-8")
    assert ("curve" in table) == (name == OTHER)
    words = "Learning curve: 2 points in 20 epochs; highest accuracy 0.75, mean of the last 2: 0.625."
    for student in POINTS[name]:
        shown = page(by_kit, name, student)
        assert (words in shown) == ("learning curve" in shown.casefold()) == (name == OTHER)


def test_likeness_compares_within_one_practical(by_kit: Path) -> None:
    alike = {name: json.loads((by_kit / "results" / name / "alike.json").read_text()) for name in (ONE, OTHER)}
    assert {name: [pair["students"] for pair in found["pairs"]] for name, found in alike.items()} == {
        ONE: [],
        OTHER: [["ada", "cyd"]],
    }


def test_grading_one_again_leaves_all_of_the_other_as_it_was(by_kit: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(by_kit, tmp_path / "my course"))
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        book.find_grade("why", OTHER, OTHER, "ada").manual_score = 1.5
        book.db.commit()
    before = files_of(root, OTHER)
    hand_in(root, "ada", name=ONE, double="5 * x")
    grade(root, ONE, "--force")
    assert files_of(root, OTHER) == before
    assert scores(root, OTHER) == scores(by_kit, OTHER)
    assert scores(root, ONE)["ada"]["check-double"] == 0
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        assert book.find_grade("why", OTHER, OTHER, "ada").manual_score == 1.5
        assert book.find_grade("why", ONE, ONE, "ada").manual_score is None


def test_two_graders_work_on_two_practicals_at_once(submitted: Path, by_kit: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(submitted, tmp_path / "my course"))
    first = Grader(root, "--assignment", ONE, "--jobs", "1", most_put=1)
    first.wait_for(lambda: (root / "autograded/ada" / ONE).is_dir())  # then it stands in the middle of Bob
    grade(root, OTHER)
    first.go_on()
    assert first.finished() == 0, first.said
    for name in (ONE, OTHER):
        assert scores(root, name) == scores(by_kit, name)
        assert page(root, name, "bob") == page(by_kit, name, "bob")


def test_a_folder_that_holds_results_of_one_takes_none_of_the_other(submitted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    nbformat.write(handed_in(submitted, ONE), folder / "ada.ipynb")
    words = ("grade", folder, "--course", submitted, "--jobs", "1")
    assert run(*words, "--assignment", ONE).exit_code == 0
    before = {path: path.read_bytes() for path in (folder / "results").rglob("*.json")}
    done = run(*words, "--assignment", OTHER)
    assert done.exit_code == 2
    assert f"{folder}/results holds results of hw-1. Name another folder for those of hw-2" in said(done)
    assert {path: path.read_bytes() for path in (folder / "results").rglob("*.json")} == before
    assert run(*words, "--assignment", OTHER, "--output", tmp_path / "others").exit_code == 0


def test_what_may_belong_to_any_practical_is_graded_for_none(submitted: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(submitted, tmp_path / "my course"))
    nbformat.write(handed_in(root, ONE), root / "submitted/eve.ipynb")
    nbformat.write(handed_in(root, ONE), root / "submitted/cyd" / f"{ONE}.ipynb")
    for name in (ONE, OTHER):
        done = run("grade", root, "--assignment", name, "--no-gradebook", "--jobs", "1", "--json")
        assert done.exit_code == 1
        results = {result["student"]: result for result in json.loads(done.stdout)["results"]}
        eve = results.pop("eve")
        assert f"The course has several practicals, and {root}/submitted/eve.ipynb may belong to any." in eve["fault"]
        assert f"Put it there as {root}/submitted/eve/{name}/{name}.ipynb." in eve["fault"]
        earned = {student: result["points"] for student, result in results.items()}
        assert earned == {**POINTS[name], "cyd": 5}
