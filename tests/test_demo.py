"""The sample class of ``make demo``: a course of its own, with a class that handed in; and that class, graded."""

import csv
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_course import CORPUS, notebook, run, small_course

from autograder.course.folders import Course, find_submissions
from autograder.course.practical import Practical, load_practical, practicals_in
from autograder.errors import CourseError
from autograder.judging.session import Answered, Outcome, Session
from autograder.verification.corpus import load_corpus
from autograder.verification.demo import make_course, with_samples


@pytest.fixture
def kit_of_three(tmp_path: Path) -> Path:
    """A course with three practicals, of which two have a sample class."""
    root = small_course(tmp_path / "my kit", files={"demo.toml": CORPUS})
    one_student = CORPUS[: CORPUS.index("[[variant]]", 1)]
    small_course(root, notebook(), "hw-2", files={"demo.toml": one_student.replace("adds", "bea")})
    return small_course(root, name="hw-3")


@pytest.mark.parametrize("name", ["", "hw-1"])
def test_a_demo_is_a_course_with_its_submissions_and_may_be_made_again(
    kit_of_three: Path, tmp_path: Path, name: str
) -> None:
    demo = tmp_path / "demo"
    for _ in range(2):
        make_course(with_samples(kit_of_three, name), demo)
        found, unclear = find_submissions(demo / "submitted", "hw-1", others=Course(demo, "hw-1").others)
        assert [each.student for each in found] == ["adds", "metadata-stripped", "shifts-down", "triples", "untouched"]
        assert not unclear
        assert practicals_in(demo) == (["hw-1"] if name else ["hw-1", "hw-2"])
        assert all(load_practical(demo, each).release_path.is_file() for each in practicals_in(demo))


def test_a_demo_grades_every_practical_with_a_sample_class_and_says_where_to_look(
    kit_of_three: Path, tmp_path: Path
) -> None:
    demo = tmp_path / "my demo"
    command = [sys.executable, "-m", "autograder.verification.demo", str(demo), "--course", str(kit_of_three)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    last = done.stdout[done.stdout.index("Look at") :]
    for name, student in (("hw-1", "triples"), ("hw-2", "bea")):
        assert f"Points by machine in {name}" in done.stdout
        pages = (f"feedback/<student>/{name}/{name}.html", f"results/{name}/results.csv", f"results/{name}/report.html")
        for place in pages:
            assert place in last
            assert (demo / place.replace("<student>", student)).is_file()
    assert "hw-3" not in done.stdout
    report = json.loads((demo / "results/hw-1/report.json").read_text(encoding="utf-8"))
    assert report["calls"][0]["name"] == "Absent Sample"
    assert [each for each in report["calls"] if any("days late" in reason for reason in each["reasons"])]
    with (demo / "results/hw-1/class.csv").open(encoding="utf-8", newline="") as file:
        by_hand = {row["id"]: row["why (by hand)"] for row in csv.DictReader(file)}
    assert (by_hand["adds"], by_hand["triples"], by_hand["shifts-down"]) == ("2", "1", "")
    page = (demo / "feedback/triples/hw-1/hw-1.html").read_text(encoding="utf-8")
    assert "What would happen without it?" in page


def test_a_demo_replaces_nothing_else(kit_of_three: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "papers/thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("One.", encoding="utf-8")
    with pytest.raises(CourseError, match="is not empty, and it is no earlier demo"):
        make_course(with_samples(kit_of_three), thesis.parent)
    assert [path.name for path in thesis.parent.iterdir()] == ["thesis.txt"]


def test_a_course_without_a_sample_class_says_where_it_belongs(tmp_path: Path) -> None:
    root = small_course(tmp_path / "kit")
    with pytest.raises(CourseError, match=r"there is no .*/solutions/hw-1/demo\.toml"):
        with_samples(root)


# --- the kit's own sample class, graded


@pytest.fixture(scope="module")
def course(sac: Practical, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "course"
    make_course([sac], folder)
    with (folder / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("c.Limits.seconds_per_ask = 3  # of which one of the class makes use\n")
    return folder


@pytest.fixture(scope="module")
def results(course: Path) -> dict[str, dict[str, Any]]:
    """The class, graded without training."""
    done = run("grade", course, "--skip", "training", "--jobs", "1", "--no-gradebook", "--json")
    assert done.exit_code == 0
    return {item["student"]: item for item in json.loads(done.stdout)["results"]}


def test_right_submissions_earn_every_point_and_each_mistake_costs_its_own_question(
    results: dict[str, dict[str, Any]], sac: Practical
) -> None:
    samples = load_corpus([sac.folder / "demo.toml"], sac)
    expected = {each.id: set(each.loses) for each in samples} | {"metadata-stripped": set()}
    expected["untouched"] = {question.name for question in sac.questions} - {"training"}
    assert {
        student: {item["question"] for item in result["questions"] if item["points"] < item["max_points"]}
        for student, result in results.items()
    } == expected
    assert results["perfect"]["points"] == results["metadata-stripped"]["points"] == 22


def test_what_hangs_is_not_asked_again_and_again(results: dict[str, dict[str, Any]]) -> None:
    (hung,) = (item for item in results["hangs"]["questions"] if item["question"] == "alpha-update")
    first, *others = (check["happened"] for check in hung["checks"])
    assert "did not come to an end in the time allowed" in first
    assert others
    assert all("Not reached" in words for words in others)


@pytest.fixture(scope="module")
def heard(course: Path) -> tuple[dict[str, Any], list[object]]:
    """The result of a right submission with training, all that the judge asks of it but to train, and its answers."""
    everything: list[object] = []
    ask = Session.ask

    def overhear(self: Session, probe: str, values: dict[str, Any], *others: Any) -> Outcome:
        outcome = ask(self, probe, values, *others)
        if probe == "play":
            everything.extend([values, outcome.values if isinstance(outcome, Answered) else None])
        return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "ask", overhear)
        done = run("check", course / "submitted/perfect/sac/sac.ipynb", "--course", course, "--json")
    assert done.exit_code == 0
    return json.loads(done.stdout), everything


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


def test_nothing_that_is_said_holds_a_hidden_input_or_an_expected_value(
    results: dict[str, dict[str, Any]], heard: tuple[dict[str, Any], list[object]]
) -> None:
    """What is asked of a right submission are the hidden inputs, and what it answers are the expected values."""
    hidden = {abs(number) for number in numbers(heard[1]) if number != round(number, 1)}
    assert len(hidden) > 1000
    said = json.dumps(
        [
            [{**check, "weight": 0} for check in item["checks"]] + [item["remark"]]
            for result in results.values()
            for item in result["questions"]
        ]
    )
    said = said.replace(platform.python_version(), "")  # which the notebook that does not parse is told
    spoken = {token for token in re.findall(r"\d+\.\d+(?:e-?\d+)?", said) if len(token.strip("0.")) >= 3}
    secrets = {f"{number:.{digits}g}" for number in hidden for digits in (3, 4, 5, 6)}
    assert not spoken & secrets


def test_with_training_a_right_submission_earns_all_points_and_gets_a_learning_curve(
    heard: tuple[dict[str, Any], list[object]],
) -> None:
    result, _ = heard
    assert (result["points"], result["max_points"]) == (25, 25)
    (training,) = (item for item in result["questions"] if item["question"] == "training")
    assert len(training["curve"]["values"]) == len(training["curve"]["steps"]) > 10
