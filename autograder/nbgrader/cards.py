"""What a student reads under each grade cell: what passed, what did not and why, and the points."""

import base64
import io
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.records import CheckResult, LearningCurve, QuestionResult, Status, SubmissionResult
from autograder.reports.tables import UNSEEN

LOOKS = {  # sign and colours of each status; sign and word carry the meaning, the colour only repeats it
    Status.RIGHT: ("✓", "#1a7f37", "#dafbe1"),
    Status.PARTLY: ("◐", "#7d4e00", "#fff8c5"),
    Status.WRONG: ("✗", "#b3161f", "#ffebe9"),
    Status.NOT_ATTEMPTED: ("○", "#4b535d", "#eaeef2"),
    Status.MISSING: ("?", "#4b535d", "#eaeef2"),
}
_TICKED = re.compile(r"`([^`\n]+)`")
_LONGEST = 2_000  # characters of one text, which may have come from a student's process
_RUNNING = 10  # points in the learning curve's running mean


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
    environment.filters |= {"number": _number, "prose": _prose}
    return environment


def card_outputs(
    result: SubmissionResult, cell: Mapping[str, Any], repairs: tuple[str, ...] = ()
) -> list[NotebookNode]:
    """A grade cell's outputs: a card with the findings, and exactly one finite number in [0, points].

    ``cell`` is the cell's nbgrader metadata: its ``grade_id`` is ``check-<question>``, its ``points`` are what the
    question's marks are scaled to. A question that the result does not hold earns 0, with the reason. ``repairs`` are
    shown on the card.
    """
    points = float(cell["points"])
    question = find_question(result, str(cell["grade_id"]).removeprefix("check-"))
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
        "curve": curve_picture(question.curve) if question.curve else None,
        "curve_words": curve_words(question.curve) if question.curve else "",
    }
    names = ("question.html", "question.txt", "points.html")
    page, words, line = (templates().get_template(name).render(facts) for name in names)
    card = new_output("display_data", data={"text/html": page, "text/plain": words})
    # nbgrader reads the text/plain of the first execute_result that it meets, and shows the text/html
    data = {"text/html": line, "text/plain": repr(earned)}
    return [card, new_output("execute_result", data=data, execution_count=None)]


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


def curve_words(curve: LearningCurve) -> str:
    """The learning curve in a sentence, for those who do not see the picture."""
    if not curve.values:
        return f"Learning curve: no {curve.point_name}."
    last = curve.values[-_RUNNING:]
    return (
        f"Learning curve: {len(curve.values)} {curve.point_name} in {curve.steps[-1]:,} {curve.step_name}; highest "
        f"{curve.value_name} {max(curve.values):.4g}, mean of the last {len(last)}: {sum(last) / len(last):.4g}."
    )


def curve_picture(curve: LearningCurve) -> Markup:
    """The learning curve as a data URL of a PNG: every point, and a running mean."""
    from matplotlib.figure import Figure  # most practicals have no curve, and need not wait for this

    figure = Figure(figsize=(6.4, 2.6), dpi=110)  # not pyplot, which would keep it
    figure.subplots_adjust(left=0.12, right=0.98, top=0.96, bottom=0.19)
    axes = figure.add_subplot()
    axes.plot(curve.steps, curve.values, ".", color="#8c959f", markersize=4, label=curve.point_name)
    ends = range(_RUNNING, len(curve.values) + 1)
    if ends:
        mean = [sum(curve.values[end - _RUNNING : end]) / _RUNNING for end in ends]
        axes.plot(curve.steps[_RUNNING - 1 :], mean, color="#0550ae", label=f"mean of {_RUNNING} {curve.point_name}")
    axes.set(xlabel=curve.step_name.capitalize(), ylabel=curve.value_name.capitalize())
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return Markup("data:image/png;base64,") + base64.b64encode(picture.getvalue()).decode("ascii")


def _presentable(value: object) -> object:
    """What a template prints: text without control characters and of bounded length; other values as they are."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    text = UNSEEN.sub("\N{REPLACEMENT CHARACTER}", value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … (cut)"


def _prose(text: str) -> Markup:
    """Escaped text in which `names` between backticks are set as code."""
    return Markup(_TICKED.sub(r"<code>\1</code>", str(escape(_presentable(text)))))  # noqa: S704 - escaped within


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
