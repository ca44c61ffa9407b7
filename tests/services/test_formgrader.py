"""A marker's hour in formgrader, in a real browser on a real Jupyter server: autograde, mark, comment, feedback."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_output
from servers import jupyter
from small_course import NAME, cell, cell_of, hand_in, handed_in, notebook, run, small_course
from test_nbgrader import scores
from test_term import table

WRITTEN = ("how", "when", "why")
STUDENTS = ("ada", "bob")
DOTS = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
MATHJAX = "MathJax = {Hub: {Config() {}, Startup: {signal: {Interest: heard => setTimeout(() => heard('End'))}}}}"


def practical_with_three_answers(root: Path) -> Path:
    """The small practical, with two more written answers; the first is about what a cell shows."""
    more = []
    for name in WRITTEN[:2]:
        more += [
            cell("code", f"show-{name}", "print(double(2))"),
            cell("markdown", f"question-{name}", f"{name.title()}?", locked=True),
            cell(
                "markdown",
                name,
                f"### BEGIN SOLUTION {name}\nSo.\n### END SOLUTION",
                grade=True,
                solution=True,
                points=1,
            ),
        ]
    return small_course(root, notebook(*more))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = practical_with_three_answers(tmp_path_factory.mktemp("formgrader") / "my course")
    for student, double in zip(STUDENTS, ("2 * x", "3 * x"), strict=True):
        made = handed_in(root, double=double)
        for name in WRITTEN:
            cell_of(made, name).source = f"{student} says {name}"
        shown = [new_output("stream", text=f"{student} saw <b>4</b>"), new_output("display_data", {"image/png": DOTS})]
        cell_of(made, "show-how").outputs = shown
        hand_in(root, student, made)
    return root


@pytest.fixture(scope="module")
def formgrader(course: Path, page: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Formgrader's address; MathJax, which it loads from the network, is one that has nothing to set."""
    page.route("**/mathjax/**", lambda route: route.fulfill(body=MATHJAX, content_type="text/javascript"))
    with jupyter(course, tmp_path_factory.mktemp("home")) as address:
        yield f"{address}formgrader"


def press(page: Any, row: str, column: str) -> str:
    """Press a student's or an assignment's button; what formgrader says when it is done."""
    page.locator("tr", has_text=row).locator(f".{column} a").click()
    said = page.locator(".modal-body").inner_text()
    page.locator(".modal-footer button").click()
    page.locator(".modal").wait_for(state="detached")
    return str(said)


def give(page: Any, box: str, value: str, what: str) -> None:
    """Write into a box, leave it, and wait until that is saved."""
    with page.expect_response(f"**/api/{what}/*"):
        page.locator(box).fill(value)
        page.locator(box).blur()


@pytest.fixture(scope="module")
def marked(course: Path, formgrader: str, page: Any) -> list[str]:
    """What is said while a marker autogrades by formgrader's buttons, and marks all answers of both students."""
    page.goto(f"{formgrader}/manage_assignments")
    heard = [press(page, NAME, "assign")]
    page.goto(f"{formgrader}/manage_submissions/{NAME}")
    heard += [press(page, student, "autograde") for student in STUDENTS]
    assert all("Successfully" in said for said in heard), "".join(heard)
    page.goto(f"{formgrader}/gradebook/{NAME}/{NAME}")
    page.locator("td.name a.name-hidden").first.click()
    page.wait_for_url("**/submissions/**")
    for number in range(len(STUDENTS)):
        page.wait_for_load_state("networkidle")
        heard.append(page.inner_text("body"))
        assert page.evaluate("document.activeElement.id") == (WRITTEN[-1] if number else "")
        for points, name in enumerate(WRITTEN):
            assert page.locator(f"#{name}").bounding_box()["y"] < 2 * page.viewport_size["height"]
            give(page, f"#{name}", str(min(points, 1)), "grade")
            give(page, f"#{name}-comment", f"A word on {name}.", "comment")
        page.locator(f"#{WRITTEN[-1]}").focus()
        with page.expect_navigation(url="**/submissions/**" if number == 0 else "**/gradebook/**"):
            page.keyboard.press("Control+Period")
    page.goto(f"{formgrader}/manage_assignments")
    heard.append(press(page, NAME, "generate-feedback"))
    return heard


def test_formgraders_button_gives_the_marks_that_the_kit_gives(course: Path, marked: list[str], tmp_path: Path) -> None:
    other = Path(shutil.copytree(course, tmp_path / "other", ignore=shutil.ignore_patterns("gradebook.db", "results")))
    shutil.rmtree(other / "autograded")
    assert run("grade", other, "--jobs", "1").exit_code == 0
    for student, double in zip(STUDENTS, (2, 0), strict=True):
        assert scores(course, student) == scores(other, student)
        assert scores(course, student)["check-double"] == double


def test_the_total_with_marks_by_hand_stands_in_formgrader_and_on_the_feedback_page(
    course: Path, formgrader: str, marked: list[str], page: Any
) -> None:
    assert "Successfully" in marked[-1]
    for student, total in zip(STUDENTS, ("7 / 9", "5 / 9"), strict=True):
        page.goto(f"{formgrader}/manage_students/{student}")
        page.locator(f"td:has-text('{total}')").first.wait_for()
        page.goto((course / f"feedback/{student}/{NAME}/{NAME}.html").as_uri())
        assert f"{total[0]} of 9 points" in page.inner_text("body")
        assert "A word on why." in page.inner_text("body")


def test_grading_and_exporting_afterwards_keep_what_was_given_in_formgrader(course: Path, marked: list[str]) -> None:
    assert run("grade", course, "--jobs", "1").exit_code == 0
    assert run("export", "--course", course).exit_code == 0
    found = table(course / f"results/{NAME}/class.csv", "id")
    assert {student: row["total"] for student, row in found.items()} == {"ada": "7", "bob": "5"}
    assert [found["ada"][f"{name} (by hand)"] for name in WRITTEN] == ["0", "1", "1"]


def test_the_marker_sees_first_what_an_answer_is_about_as_text_and_pictures_that_do_nothing(marked: list[str]) -> None:
    for student, body in zip(STUDENTS, marked[-3:-1], strict=True):
        first, _, rest = body.partition("The whole notebook, without the written answers")
        for name in WRITTEN:
            assert f"{student} says {name}" in first
            assert f"{student} says {name}" not in rest
        assert f"{student} saw <b>4</b>" in first
        assert "double: " in first
