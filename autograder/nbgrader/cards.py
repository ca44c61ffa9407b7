"""What a student reads under each grade cell: what passed, what did not and why, and the points."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.nbgrader.curves import Band, curve_picture, curve_words
from autograder.nbgrader.titles import with_titles
from autograder.records import CheckResult, QuestionResult, Status, SubmissionResult, question_in
from autograder.reports.tables import UNSEEN

LOOKS = {  # sign and colours of each status; sign and word carry the meaning, the colour only repeats it
    Status.RIGHT: ("✓", "#1a7f37", "#dafbe1"),
    Status.PARTLY: ("◐", "#7d4e00", "#fff8c5"),
    Status.WRONG: ("✗", "#b3161f", "#ffebe9"),
    Status.NOT_ATTEMPTED: ("○", "#4b535d", "#eaeef2"),
    Status.MISSING: ("?", "#4b535d", "#eaeef2"),
}
_TICKED = re.compile(r"`([^`\n]+)`")
_BRIEF = 400  # characters of what happened, in the overview
_LONGEST = 2_000  # characters of one text, which may have come from a student's process
FINDING = "finding"  # in the card's metadata: what the overview says of the question


@cache
def templates(room: str = "autograder.nbgrader") -> Environment:
    """A room's templates: whatever is not marked safe is escaped, freed of control characters and kept short."""
    environment = Environment(
        loader=PackageLoader(room),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        finalize=_presentable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "prose": _prose, "briefly": _briefly}
    return environment


@dataclass(frozen=True)
class CardSetting:
    """How a question is shown: its title, a band behind its learning curve, whether it runs all parts together."""

    title: str = ""  # the question's id where it is empty
    band: Band | None = None
    whole: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)  # of all questions, by grade_id


PLAIN = CardSetting()


def card_outputs(
    result: SubmissionResult, cell: Mapping[str, Any], repairs: tuple[str, ...] = (), setting: CardSetting = PLAIN
) -> list[NotebookNode]:
    """A grade cell's outputs: a card with the findings, and exactly one finite number in [0, points].

    ``cell`` is the cell's nbgrader metadata: its ``grade_id`` is ``check-<question>``, its ``points`` are what the
    question's marks are scaled to. A question that the result does not hold earns 0, with the reason. ``repairs`` are
    shown on the card.
    """
    points = float(cell["points"])
    question = _titled(find_question(result, question_in(str(cell["grade_id"]))), setting)
    earned = scaled(question, points)
    sign, ink, ground = LOOKS[question.status]
    facts = {
        "question": question,
        "shares": check_points(question.checks, points),
        "repairs": repairs,
        "earned": earned,
        "points": points,
        "sign": sign,
        "ink": ink,
        "ground": ground,
        "title": setting.title or question.question,
        "curve": curve_picture(question.curve, setting.band) if question.curve else None,
        "curve_words": curve_words(question.curve, setting.band) if question.curve else "",
    }
    names = ("question.html", "question.txt", "points.html")
    page, words, line = (templates().get_template(name).render(facts) for name in names)
    metadata = {FINDING: _finding(question, setting)}
    card = new_output("display_data", data={"text/html": page, "text/plain": words}, metadata=metadata)
    # nbgrader reads the text/plain of the first execute_result that it meets, and shows the text/html
    data = {"text/html": line, "text/plain": repr(earned)}
    return [card, new_output("execute_result", data=data, execution_count=None)]


def _titled(question: QuestionResult, setting: CardSetting) -> QuestionResult:
    """The question with titles where its advice points to other questions, which only one that runs them all does."""
    if not setting.whole:
        return question
    checks = [replace(each, look_at=with_titles(each.look_at, setting.titles)) for each in question.checks]
    return replace(question, checks=tuple(checks))


def _finding(question: QuestionResult, setting: CardSetting) -> dict[str, Any]:
    """What the overview says of a question: the hint, or what the first check found."""
    failed = next((check for check in question.checks if not check.passed), None)
    return {
        "status": question.status.value,
        "whole": setting.whole,
        "hint": question.hint,
        "remark": question.remark,
        "happened": failed.happened if failed else "",
        "look_at": failed.look_at if failed else "",
    }


def find_question(result: SubmissionResult, name: str) -> QuestionResult:
    """The result's question of that name; one without points, and with the reason, where there is none to be had."""
    reason = "There is no verdict for this question. Please tell your teacher."
    if result.fault:
        reason = f"This notebook could not be graded. {result.fault}"
    missing = QuestionResult(name, 0, 0, Status.MISSING, reason)
    return next((question for question in result.questions if question.question == name), missing)


def scaled(question: QuestionResult, points: float) -> float:
    """The question's marks on a cell of so many points: finite, in [0, points], and 0 where the marks make no sense."""
    if not (math.isfinite(question.points) and math.isfinite(question.max_points) and question.max_points > 0):
        return 0.0
    return round(min(max(question.points / question.max_points, 0.0), 1.0) * points, 6)


def check_points(checks: tuple[CheckResult, ...], points: float) -> list[float]:
    """What each check is worth, in the cell's points."""
    total = sum(check.weight for check in checks)
    return [points * check.weight / total if total > 0 else 0.0 for check in checks]


def _presentable(value: object) -> object:
    """What a template prints: text without control characters and of bounded length; other values as they are."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    text = UNSEEN.sub("\N{REPLACEMENT CHARACTER}", value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … (cut)"


def _prose(text: str) -> Markup:
    """Escaped text in which `names` between backticks are set as code."""
    return Markup(_TICKED.sub(r"<code>\1</code>", str(escape(_presentable(text)))))  # noqa: S704 - escaped within


def _briefly(text: str) -> str:
    """A text of a student's process where there is room for a few lines only."""
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]} …"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
