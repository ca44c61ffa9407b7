"""The class report: each figure is right, nothing that a student wrote acts on the page, and the page needs nothing."""

import html
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from small_course import CORPUS, NAME, hand_in, run, small_course

from autograder.grading.store import keep
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status, SubmissionResult
from autograder.term.class_table import COMPLETE, ClassRow, ClassTable
from autograder.term.figures import calls, curves
from benchmarks import browser

EVIL = "<script>alert(1)</script>"


def question(
    name: str, points: float, most: float, hint: str = "", curve: LearningCurve | None = None
) -> QuestionResult:
    status = Status.RIGHT if points == most else Status.PARTLY if points else Status.WRONG
    check = CheckResult("c", f"It does `{name}`.", 1, status is Status.RIGHT, "No.", "it")
    return QuestionResult(name, points, most, status, checks=(check,), hint=hint, curve=curve)


def curve(top: float) -> LearningCurve:
    return LearningCurve(tuple(range(10, 510, 10)), tuple(top * n / 50 for n in range(50)), "epochs", "accuracy")


def made_up_class(root: Path) -> Path:
    """Twelve students of whom three are wrong in one question; one fault, one who handed in nothing, one stranger."""
    small_course(root)
    names = [f"s{number:02}" for number in range(12)]
    roster = ["id,first name,last name,email", *(f'{name},First,"{EVIL}",' for name in names), "gone,Ann,Gone,"]
    (root / "students.csv").write_text("\n".join(roster), encoding="utf-8")
    (root / "course.toml").write_text('students = "students.csv"\n', encoding="utf-8")
    for number, name in enumerate([*names, "broken", EVIL.replace("/", "_")]):
        path = root / "submitted" / name / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text("{}", encoding="utf-8")
        if name == "broken":
            keep(root / "results/hw-1", SubmissionResult(name, NAME, fault=f"It is {EVIL}."))
            continue
        wrong = number % 4 == 0
        double = question("double", 0 if wrong else 2, 2, "The factor is three." * wrong, curve(0.1 if wrong else 0.9))
        shift = question("shift", number % 4, 3)
        repairs = (f"The cell {EVIL} was cut.",) if wrong else ()
        result = SubmissionResult(name, NAME, (double, shift), repairs, barrier="bubblewrap", seconds=float(number))
        keep(root / "results/hw-1", result)
    return root


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    root = made_up_class(tmp_path_factory.mktemp("report") / "course")
    done = run("report", "--course", root, "--json")
    assert done.exit_code == 0, done.output
    page = (root / "results/hw-1/report.html").read_text(encoding="utf-8")
    assert json.loads((root / "results/hw-1/report.json").read_text(encoding="utf-8")) == json.loads(done.stdout)
    return json.loads(done.stdout), page


def test_the_figures_are_those_of_the_class(reported: tuple[dict[str, Any], str]) -> None:
    found, _ = reported
    assert found["status"] == {"waits for a marker": 13, "could not be graded": 1, "nothing handed in": 1}
    assert (found["marks"]["count"], found["marks"]["waiting"], found["marks"]["highest"]) == (13, 13, 5)
    assert sum(each["count"] for each in found["marks"]["bins"]) == 13
    double, shift, why = found["questions"]
    assert (double["full"], double["none"], double["share"]) == (10, 3, 0.769)
    assert double["discrimination"] > 0.5
    assert double["checks"] == [{"sentence": "It does `double`.", "failed": 3}]
    assert (shift["full"], shift["some"]) == (3, 7)
    assert (why["marked"], why["waiting"]) == (0, 13)
    assert found["mistakes"] == [{"question": "double", "hint": "The factor is three.", "count": 3}]
    called = {each["student"]: each["reasons"] for each in found["calls"]}
    assert called["gone"] == ["nothing handed in"]
    assert called["broken"][0].startswith("could not be graded: It is")
    assert "not in the roster" in called[EVIL.replace("/", "_")]
    assert found["mended"]["submissions"] == 3
    (learnt,) = found["curves"]
    assert (learnt["right"], len(learnt["lines"]), len(learnt["band"])) == (10, 13, 2)
    assert learnt["band"][0][-1] == pytest.approx(0.9 * 44.5 / 50, abs=0.01)


@pytest.mark.parametrize(
    ("seconds", "words"), [(600, "less than an hour"), (7_200, "2.0 hours"), (129_600, "1.5 days")]
)
def test_lateness_is_told_in_a_unit_that_says_something(seconds: float, words: str) -> None:
    late = ClassRow("ada", "", "", "", COMPLETE, seconds_late=seconds, total=7)
    assert calls(ClassTable(NAME, {}, [late], False))[0]["reasons"] == [f"{words} late"]


def test_of_values_at_one_step_the_mean_after_the_last_counts() -> None:
    ends = LearningCurve((10, 20, 390, 390, 390), (2.0, 2.0, 8.0, 8.0, 5.0), "steps", "return")
    (found,) = curves([SubmissionResult("ada", NAME, (question("double", 2, 2, curve=ends),))])
    at = dict(zip(found["steps"], found["lines"][0]["values"], strict=True))
    assert (at[20], at[390]) == (2, 5)
    assert at[200] == pytest.approx(2 + 3 * 180 / 370, abs=0.01)


def test_the_page_stands_alone_and_nothing_that_a_student_wrote_acts_on_it(
    reported: tuple[dict[str, Any], str],
) -> None:
    _, page = reported
    assert "<script" not in page
    assert html.escape(EVIL) in page
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|@import|\son\w+=", page)
    assert page.count("<svg") == page.count('<svg role="img" aria-label="') == 5
    for heading in ("How did the class do?", "Who needs a call?", "Can I trust the marks?"):
        assert heading in page


def test_no_text_of_a_student_makes_a_tag_in_the_report(tmp_path: Path) -> None:
    texts = browser.payloads("http://127.0.0.1:9")
    plain = [re.sub(r"[<>&'\"]", "x", text) for text in texts]
    wild, tame = (
        browser.reported(small_course(tmp_path / name), each) for name, each in (("wild", texts), ("tame", plain))
    )
    assert Counter(re.findall("<[^<>]*>", wild)) == Counter(re.findall("<[^<>]*>", tame))
    assert len(texts) > 100


def test_a_class_without_anything_is_reported_all_the_same(tmp_path: Path) -> None:
    root = small_course(tmp_path / "course")
    assert run("report", "--course", root).exit_code == 0
    assert "Nothing was graded yet." in (root / "results/hw-1/report.html").read_text(encoding="utf-8")
    assert not (root / "gradebook.db").exists()


def test_what_verify_found_is_in_the_report_until_the_checks_change(tmp_path: Path) -> None:
    root = small_course(tmp_path / "course", files={"variants/all.toml": CORPUS})
    hand_in(root, "ada")
    run("verify", "--course", root, "--jobs", "1")
    trust = json.loads(run("report", "--course", root, "--json").stdout)["trust"]
    assert trust["of_today"]
    assert trust["figures"]["right kept"] == {"count": 1, "total": 1}
    checks = root / "solutions/hw-1/checks.py"
    checks.write_text(checks.read_text("utf-8").replace('"zyw"', '"zzz"').replace("numbers.shape", "(2,)"), "utf-8")
    assert not json.loads(run("report", "--course", root, "--json").stdout)["trust"]["of_today"]
