"""The class report in a browser: nothing that axe finds serious, no sideways scrolling, and whole on paper."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from small_course import CORPUS, NAME, hand_in, run, small_course

FILLS = ("2 * x", "3 * x", "abs(2 * x)", "x + x", "...", "1 / 0")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on a small class in which something happened."""
    root = small_course(tmp_path_factory.mktemp("course"), files={"variants/all.toml": CORPUS})
    students = [f"s{number}" for number in range(len(FILLS))]
    rows = [f"{name},{name.title()},Of-a-very-long-family-name,{name}@uni.example" for name in (*students, "absent")]
    (root / "students.csv").write_text("\n".join(["id,first name,last name,email", *rows]), encoding="utf-8")
    (root / "course.toml").write_text('students = "students.csv"\n', encoding="utf-8")
    for student, double in zip(students, FILLS, strict=True):
        hand_in(root, student, double=double)
    hand_in(root, "broken", "no notebook")
    run("grade", root, "--jobs", "1")
    assert run("report", "--course", root).exit_code == 0
    return root / f"results/{NAME}/report.html"


@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious_and_nothing_runs_off_the_side(report: Path, page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(report.as_uri())
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_loads_nothing_from_anywhere(report: Path, page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert asked == [report.as_uri()]


def test_on_paper_no_column_is_cut_off(report: Path, page: Any) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 between margins of 1 cm, at 96 pixels an inch
    page.goto(report.as_uri())
    wide = "[...document.querySelectorAll('.wide')].filter(each => each.scrollWidth > each.clientWidth).length"
    assert page.evaluate(wide) == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
