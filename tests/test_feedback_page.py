"""The feedback page by itself: its order, its titles, its formulas, what it loads, and the band behind a curve."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook
from small_course import GRADE, KIT, cell

from autograder.errors import CourseError
from autograder.nbgrader.cards import CardSetting, card_outputs
from autograder.nbgrader.curves import BAND, Band, curve_picture, curve_words, read_band
from autograder.nbgrader.formulas import mathml, with_formulas
from autograder.nbgrader.overview import Book, with_overview
from autograder.nbgrader.page import FeedbackPage
from autograder.nbgrader.sanitise import harmless
from autograder.nbgrader.titles import titles_of
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status, SubmissionResult

PRACTICALS = sorted(path.parent for path in KIT.glob("solutions/*/practical.toml"))
FORMULAS = {
    "in a line": "so $x_1 < y$ holds",
    "in a block": "so\n\n$$\n\\frac{a}{b}\n$$\n\nholds",
    "in an environment": "\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}",
    "beside a tag": "a <b>word</b> and $x_1$",
}
HOSTILE = (
    r"\text{<script>alert(1)</script>}",
    r"\text{&lt;img src=x onerror=alert(1)&gt;}",
    r"\href{javascript:alert(1)}{x}",
    r"\style{background:url(http://x)}{x}",
    r"\class{a}{x} \color{red}{x}",
    r"\mathrm{<b onclick=alert(1)>}",
)


def release() -> NotebookNode:
    """Three questions of the machine, two of them under one heading, and one for a person."""
    cells = [
        new_markdown_cell("# A practical\n\nIt says that $x_1 < 2$."),
        new_markdown_cell("## Numbers"),
        cell("code", "double", "def double(x): ...", solution=True),
        cell("code", "check-double", "# @title Check: double\ndouble(1)", points=2, **GRADE),
        cell("code", "shift", "def shift(x): ...", solution=True),
        cell("code", "check-shift", "shift(1)", points=3, **GRADE),
        new_markdown_cell("## All together (1 point)"),
        cell("code", "check-both", "both(1)", points=1, **GRADE),
        cell("markdown", "question-why", "### Why? (2 points)", locked=True),
        cell("markdown", "why", "*YOUR ANSWER HERE*", grade=True, solution=True, points=2),
    ]
    made: NotebookNode = new_notebook(cells=cells)
    return made


def question(name: str, points: float, most: float, hint: str = "") -> QuestionResult:
    status = Status.RIGHT if points == most else Status.PARTLY if points else Status.WRONG
    check = CheckResult("c", "It is right.", 1, points == most, f"{name} went wrong.", "double, where it begins", False)
    return QuestionResult(name, points, most, status, checks=(check,), hint=hint)


def page(*questions: QuestionResult, book: Book = Book(waiting={"why"}), **sources: str) -> str:  # noqa: B008 - frozen
    """The page of a submission with these results and cells."""
    handed_in, titles = release(), titles_of(release())
    for each in handed_in.cells:
        each.source = sources.get(each.id, each.source)
        known = each.metadata.get("nbgrader", {})
        found = [one for one in questions if known.get("grade_id") == f"check-{one.question}"]
        known |= {"score": found[0].points if found else 0.0} if known else {}
        if found:
            setting = CardSetting(titles[known["grade_id"]], None, found[0].question == "both", titles)
            each.outputs = card_outputs(SubmissionResult("ada", "hw-1", questions), known, (), setting)
    resources: dict[str, Any] = {"nbgrader": {"notebook": "hw-1", "student": "<i>ada"}}
    exporter: Any = FeedbackPage
    made: str = exporter().from_notebook_node(with_overview(handed_in, release(), book), resources)[0]
    return made


def words(made: str) -> str:
    return " ".join(BeautifulSoup(made, "html.parser").body.get_text(" ").split())  # type: ignore[union-attr]


def test_total_comes_first_then_what_to_mend_with_hints_and_what_depends_on_the_rest_last() -> None:
    made = words(page(question("both", 0, 1), question("shift", 0, 3, "The step goes down."), question("double", 2, 2)))
    order = ["2 of 8 points", "What to mend first", "Numbers (shift)", "The step goes down.", "All together"]
    places = [made.index(each) for each in [*order, "All questions", "Your notebook"]]
    assert places == sorted(places)


def test_questions_have_titles_wherever_the_page_names_them() -> None:
    found = {"check-double": "Numbers (double)", "check-shift": "Numbers (shift)", "check-both": "All together"}
    assert titles_of(release()) == {**found, "why": "Why?"}
    made = words(page(question("both", 0, 1), question("shift", 3, 3), question("double", 0, 2)))
    assert made.count("Numbers (double), where it begins") == 2  # on top, and on the card of what runs all of them
    assert "check-" not in made


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (Status.NOT_ATTEMPTED, "Nothing was filled in. Begin with Numbers (double)"),
        (Status.MISSING, "hw-1 could not be read."),
        (Status.RIGHT, "Nothing: all that the machine marks has full points."),
    ],
)
def test_where_there_is_nothing_to_mend_the_page_says_why(status: Status, told: str) -> None:
    points = 1.0 if status is Status.RIGHT else 0.0
    found = [
        QuestionResult(name, points * most, most, status, "hw-1 could not be read." * (status is Status.MISSING))
        for name, most in (("double", 2), ("shift", 3), ("both", 1))
    ]
    assert told in words(page(*found))


def test_what_was_given_is_folded_and_what_a_student_wrote_is_not() -> None:
    made = page(question("double", 2, 2), double="def double(x):\n    return 2 * x  # <mine>", why="Because.")
    folded = "".join(map(str, BeautifulSoup(made, "html.parser").find_all("details")))
    assert "It says that" in folded
    assert "&lt;mine&gt;" in made
    for own in ("mine", "Because.", "Why?"):
        assert own not in folded


def test_the_page_loads_nothing_names_its_language_and_fits_a_phone() -> None:
    made = page(question("double", 2, 2))
    soup = BeautifulSoup(made, "html.parser")
    assert soup.select_one('html[lang="en"]')
    assert soup.select_one('meta[name="viewport"]')
    assert not soup.find_all(["script", "link", "iframe"])
    assert not re.search(r"url\(|src=\"http|@import", made)
    assert "Feedback for &lt;i&gt;ada" in made
    ids = [each["id"] for each in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    assert {each["href"][1:] for each in soup.select("a")} <= set(ids)


@pytest.mark.parametrize("text", FORMULAS.values(), ids=FORMULAS)
def test_formulas_are_mathml_also_where_a_text_was_made_harmless(text: str) -> None:
    for source in (text, harmless(text)):
        made = page(question("double", 2, 2), why=source)
        answer = BeautifulSoup(made, "html.parser").select_one("#why")
        assert answer is not None
        assert answer.select("math")
        assert not re.search(r"\$|\\begin", answer.get_text())


@pytest.mark.parametrize("text", ["it costs $5 and $6", "`$x$`", r"\$x\$", r"$\frac{$", "$" + "x" * 3_000 + "$"])
def test_what_is_no_formula_stays_as_it_was_typed(text: str) -> None:
    soup = BeautifulSoup(f"<p>{text.replace('`', '')}</p>" if "`" not in text else "<code>$x$</code>", "html.parser")
    before = soup.get_text()
    with_formulas(soup)
    assert soup.get_text() == before
    assert not soup.find("math")


@pytest.mark.parametrize("tex", HOSTILE)
def test_no_formula_acts_in_a_browser(tex: str) -> None:
    soup = BeautifulSoup(mathml(tex, block=False), "html.parser")
    assert soup.find("math")
    assert not soup.find_all(["script", "img", "a", "b", "style"])
    names = {name for tag in soup.find_all() for name in tag.attrs}
    assert not names & {"href", "style", "class", "src", "onerror", "onclick"}


@pytest.mark.parametrize("folder", PRACTICALS, ids=lambda path: str(path.name))
def test_each_practical_with_a_learning_curve_has_its_band(folder: Path) -> None:
    band = read_band(folder)
    assert band is not None
    assert band.runs >= 30
    assert list(band.steps) == sorted(band.steps)
    assert all(low <= high for low, high in zip(band.low, band.high, strict=True))


def test_a_curve_is_drawn_over_the_band_and_compared_with_it_in_words() -> None:
    curve = LearningCurve(tuple(range(10, 310, 10)), (5.0,) * 30, "epochs", "accuracy")
    band = Band(40, (100, 300), (1, 6), (2, 9))
    assert curve_picture(curve, band) != curve_picture(curve)
    assert curve_words(curve, band).endswith("Right code mostly ends with a mean of 6 to 9 (8 of 10 among 40 runs).")
    assert "Right code" not in curve_words(replace(curve, steps=(), values=()), band)


@pytest.mark.parametrize("text", ["runs = 3", "runs = 3\nsteps = [1]\nlow = []\nhigh = [2]", "runs ="])
def test_a_band_that_cannot_be_read_is_a_fault_of_the_course(text: str, tmp_path: Path) -> None:
    (tmp_path / BAND).write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=BAND):
        read_band(tmp_path)
