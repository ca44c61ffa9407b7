"""The class report: one HTML page that needs nothing else, and the same figures as JSON."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.course.folders import Course
from autograder.files import write_atomically
from autograder.grading.dependencies import dependencies
from autograder.grading.store import VERIFIED
from autograder.nbgrader.cards import templates
from autograder.term import charts
from autograder.term.class_table import class_table
from autograder.term.figures import Figures, figures

MOST_PAIRS = 15


def write_report(course: Course, target: Path) -> tuple[Figures, list[Path]]:
    """Write the page and, beside it, its figures as JSON. CourseError where the term or the gradebook is at fault."""
    table = class_table(course)
    names = {row.student: row.name for row in table.rows}
    data = figures(table) | {"alike": _alike(course), "trust": _trust(course)}
    page = (
        templates("autograder.term")
        .get_template("report.html")
        .render(
            facts=data,
            names=names,
            charts=charts,
            made=datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
            course=course.root.name,
        )
    )
    as_json = target.with_suffix(".json")
    write_atomically(as_json, json.dumps(data, indent=1))
    write_atomically(target, page)
    return data, [target, as_json]


def _alike(course: Course) -> Figures:
    """Which pairs are alike, as the comparison found them."""
    found = _read(course.results / "alike.json")
    pairs = found.get("pairs", [])
    return {"compared": found.get("compared", 0), "count": len(pairs), "pairs": pairs[:MOST_PAIRS]}


def _trust(course: Course) -> Figures:
    """What the corpus said of the grader last, and whether that was about the checks of today."""
    found = _read(course.results / VERIFIED)
    return {
        "figures": found.get("figures", {}),
        "when": found.get("when", ""),
        "of_today": bool(found) and found.get("checks") == dependencies(course.practical).checks,
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
