"""The feedback page in a real browser: on a desk and a phone, on paper, by keyboard, and for who does not see it."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from small_course import KIT

from autograder.course.practical import Practical, load_practical
from autograder.nbgrader.cards import CardSetting, card_outputs
from autograder.nbgrader.curves import read_band
from autograder.nbgrader.overview import Book, with_overview
from autograder.nbgrader.page import FeedbackPage
from autograder.nbgrader.titles import titles_of
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status, SubmissionResult

WIDTHS = {"desk": 1280, "phone": 390}
MOST_PAGES = 12
LONG = "a" * 200  # a word that fits no line
CURVE = LearningCurve(tuple(range(50, 8050, 50)), tuple(range(160)), "steps", "value", "points")
KINDS = {"finished": Status.RIGHT, "failing": Status.WRONG, "untouched": Status.NOT_ATTEMPTED}


def result(practical: Practical, status: Status) -> SubmissionResult:
    """One in which all questions have that status, with four checks each, a hint and a learning curve."""
    passed, tried = status is Status.RIGHT, status is not Status.NOT_ATTEMPTED
    said = ["", "", "", ""] if passed else [f"ValueError: `{LONG}`, a word of its own.", *["Not as it should be."] * 3]
    checks = tuple(
        CheckResult(
            str(number), "A sentence about `forward`, as long as they are.", 1, passed, said[number], "the " * 20
        )
        for number in range(4 * tried)
    )
    hint = "" if passed or not tried else "A hint. " * 12
    questions = [
        QuestionResult(
            *(each.name, each.points * passed, each.points, status, "A remark.", checks),
            *(CURVE if tried and each.end_to_end else None, hint),
        )
        for each in practical.questions
    ]
    return SubmissionResult("ada", practical.name, tuple(questions), ("A cell was restored.",) * (not passed))


def made(kind: str) -> str:
    """The feedback page of a notebook of the largest practical."""
    practical = load_practical(KIT, "sac")
    release = nbformat.read(practical.release_path, as_version=4)
    handed_in = release if kind == "untouched" else nbformat.read(practical.solved_path, as_version=4)
    found, titles = result(practical, KINDS[kind]), titles_of(release)
    band = read_band(practical.folder)
    for cell in handed_in.cells:
        known = cell.metadata.get("nbgrader", {})
        if known.get("grade"):
            known["score"] = known["points"] if kind == "finished" else 0.0
            if cell.cell_type == "code":
                setting = CardSetting(titles[known["grade_id"]], band, False, titles)
                cell.outputs = card_outputs(found, known, found.repairs * (cell.id == "check-explore"), setting)
    book = Book(practical.written if kind == "failing" else (), ["check-training"] * (kind == "finished"), 0.5, 1.5)
    resources = {"nbgrader": {"notebook": practical.name, "student": "ada"}}
    exporter: Any = FeedbackPage
    page: str = exporter().from_notebook_node(with_overview(handed_in, release, book), resources)[0]
    return page


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    paths = {kind: folder / f"{kind}.html" for kind in KINDS}
    for kind, path in paths.items():
        path.write_text(made(kind), encoding="utf-8")
    return paths


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_page(
    page: Any, pages: dict[str, Path], kind: str, width: int
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(pages[kind].as_uri())
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    for folded in (True, False):
        if not folded:
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        found = Axe().run(page).response["violations"]
        assert not [
            (each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")
        ]
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("kind", KINDS)
def test_on_paper_no_code_is_cut_and_there_are_at_most_twelve_pages(
    page: Any, pages: dict[str, Path], kind: str
) -> None:
    page.goto(pages[kind].as_uri())
    page.emulate_media(media="print")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) <= MOST_PAGES
    page.set_viewport_size({"width": 690, "height": 900})  # what A4 has between its margins
    cut = "[...document.querySelectorAll('pre')].filter(each => each.scrollWidth > each.clientWidth + 1).length"
    assert page.evaluate(cut) == 0
    page.emulate_media(media="null")  # back to what a browser does by itself


def test_the_keyboard_leads_to_what_is_to_be_mended_and_opens_what_is_folded(page: Any, pages: dict[str, Path]) -> None:
    page.goto(pages["failing"].as_uri())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#check-critic-forward")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] math").first.is_visible()
