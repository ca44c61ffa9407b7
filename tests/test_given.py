"""A question that runs everything is asked with what the notebook gives, and points to the parts that failed."""

import json
from typing import Any

import pytest
from small_course import BOTH, both, cell, cell_of, hand_in, handed_in, notebook, run, small_course

GLUE = "def glue(x):\n    return glued(x)"
USED = "def glued(x):\n    return shift(double(x))"
FILES = {**BOTH, "checks.py": BOTH["checks.py"].replace('POSITIVE, "double", "shift")', 'POSITIVE, "glue")')}
WELL_KNOWN = "def glue(x):\n    return np.array([4.4, 6.8])"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each student's question ``both`` came to."""
    given = [cell("code", "used", USED, locked=True), cell("code", "glue", GLUE, solution=True)]
    course = small_course(tmp_path_factory.mktemp("given"), notebook(*given, both(), points=2), files=FILES)
    hand_in(course, "as-released")
    for student, text, fills in (
        ("changes-it", WELL_KNOWN, {}),
        ("changes-it-although-wrong", WELL_KNOWN, {"double": "3 * x"}),
        ("explains-it", f"# runs both\n{GLUE}", {}),
        ("loses-it", "pass", {}),
    ):
        made = handed_in(course, **fills)
        cell_of(made, "glue").source = text
        hand_in(course, student, made)
    done = run("grade", course, "--no-gradebook", "--jobs", "1", "--json")
    found = {item["student"]: item["questions"] for item in json.loads(done.stdout)["results"]}
    return {
        student: next(each for each in questions if each["question"] == "both") for student, questions in found.items()
    }


@pytest.mark.parametrize("student", ["as-released", "changes-it", "explains-it", "loses-it"])
def test_what_is_given_comes_from_the_release(results: dict[str, dict[str, Any]], student: str) -> None:
    assert results[student]["points"] == 1


def test_who_changed_what_is_given_reads_that(results: dict[str, dict[str, Any]]) -> None:
    said = {student: found["remark"] for student, found in results.items() if found["remark"]}
    words = "glue is given, and was changed in what you handed in: here the notebook's own was run."
    assert said == {"changes-it": words, "changes-it-although-wrong": words}


def test_a_part_that_failed_by_itself_is_all_the_advice(results: dict[str, dict[str, Any]]) -> None:
    (check,) = results["changes-it-although-wrong"]["checks"]
    assert not check["passed"]
    assert check["look_at"] == "double, where marks were lost too: what was found there comes first"
