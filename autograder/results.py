"""Results as files and tables: JSON for programs, CSV for spreadsheets, a table for the terminal."""

import csv
import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from autograder.files import write_atomically
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status, SubmissionResult

UNSEEN = re.compile(  # control and direction characters, and halves of surrogate pairs
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
LONGEST_NAME = 200  # bytes; the file system's own limit is 255
MARKS = {Status.RIGHT: "green", Status.PARTLY: "yellow", Status.WRONG: "red"}


def as_data(result: SubmissionResult) -> dict[str, Any]:
    """A result as plain data, its points included."""
    return {"points": result.points, "max_points": result.max_points, **dataclasses.asdict(result)}


def from_data(data: Mapping[str, Any]) -> SubmissionResult:
    """The result that ``as_data`` made this from; KeyError, TypeError or ValueError if it is not of that form."""
    known = {field.name for field in dataclasses.fields(SubmissionResult)}
    given = {name: value for name, value in data.items() if name in known}
    given["questions"] = tuple(_question(item) for item in data["questions"])
    given["repairs"] = tuple(data["repairs"])
    return SubmissionResult(**given)


def _question(data: Mapping[str, Any]) -> QuestionResult:
    curve = data["curve"]
    return QuestionResult(
        **{
            **data,
            "status": Status(data["status"]),
            "checks": tuple(CheckResult(**check) for check in data["checks"]),
            "curve": curve and LearningCurve(tuple(curve["steps"]), tuple(curve["returns"])),
        }
    )


def result_path(folder: Path, student: str) -> Path:
    """Where one student's result is kept."""
    name = student
    if len(name.encode(errors="surrogateescape")) > LONGEST_NAME:
        name = f"{name[:40]}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:16]}"
    return folder / "students" / f"{name}.json"


def keep(folder: Path, result: SubmissionResult) -> None:
    """Keep one result, whole or not at all."""
    write_atomically(result_path(folder, result.student), json.dumps(as_data(result), indent=1))


def kept(folder: Path, student: str) -> SubmissionResult | None:
    """The result that was kept for a student; None if there is none that can be read."""
    try:
        return from_data(json.loads(result_path(folder, student).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_class(folder: Path, results: Sequence[SubmissionResult]) -> tuple[Path, Path]:
    """Write the whole class as JSON and CSV; the two paths."""
    as_json, as_csv = folder / "results.json", folder / "results.csv"
    write_atomically(as_json, json.dumps([as_data(result) for result in results], indent=1))
    write_atomically(as_csv, class_csv(results))
    return as_json, as_csv


def class_csv(results: Sequence[SubmissionResult]) -> str:
    """One row a student: points, points a question, what had to be mended, and why nothing could be graded."""
    names = _question_names(results)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["student", "points", "max_points", *names, "barrier", "repairs", "fault"])
    for result in results:
        earned = {question.question: question.points for question in result.questions}
        marks = [earned.get(name, "") for name in names]
        words = [result.barrier, " ".join(result.repairs), result.fault]
        writer.writerow([_tame(result.student), result.points, result.max_points, *marks, *map(_tame, words)])
    return text.getvalue()


def _tame(text: str) -> str:
    """Text that a spreadsheet does not take for a formula, and that UTF-8 can hold."""
    text = UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _question_names(results: Sequence[SubmissionResult]) -> list[str]:
    return list(dict.fromkeys(question.question for result in results for question in result.questions))


def plain(text: str, style: str = "") -> Text:
    """Text for the terminal, on which nothing in it acts: names and words may come from students."""
    return Text(UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text), style)


def class_table(results: Sequence[SubmissionResult]) -> Table:
    """The class at a glance: one row a student, and where each lost marks."""
    table = Table(title="Points by machine")
    table.add_column("student", overflow="fold")
    table.add_column("points", justify="right", style="bold", no_wrap=True)
    table.add_column("where marks were lost")
    for result in results:
        words = [plain(result.fault, style="red")] if result.fault else _losses(result)
        if result.repairs:
            words.append(plain(f"mended: {len(result.repairs)}", style="dim"))
        points = f"{result.points:g}/{result.max_points:g}"
        table.add_row(plain(result.student), points, Text(", ").join(words))
    return table


def _losses(result: SubmissionResult) -> list[Text]:
    questions = result.questions
    if questions and all(question.status is Status.NOT_ATTEMPTED for question in questions):
        return [plain("nothing attempted", style="dim")]
    return [
        plain(f"{question.question} {question.points:g}/{question.max_points:g}", MARKS[question.status])
        if question.status in MARKS
        else plain(f"{question.question} {question.status}", style="dim")
        for question in questions
        if question.points < question.max_points
    ]


def report_lines(result: SubmissionResult) -> list[Text]:
    """One submission in full, for the terminal."""
    lines = [plain(f"{result.student}: {result.points:g} of {result.max_points:g} points", style="bold")]
    if result.fault:
        lines.append(plain(result.fault, style="red"))
    lines.extend(plain(f"Mended: {repair}", style="yellow") for repair in result.repairs)
    for question in result.questions:
        heading = f"\n{question.question}  {question.points:g}/{question.max_points:g}  {question.status}"
        lines.append(plain(heading, style=MARKS.get(question.status, "dim")))
        if question.remark:
            lines.append(plain(f"  {question.remark}"))
        if question.hint:
            lines.append(plain(f"  This looks like a known mistake: {' '.join(question.hint.split())}", style="cyan"))
        for check in question.checks:
            lines.append(plain(f"  {'✓' if check.passed else '✗'} {check.sentence}"))
            if not check.passed:
                lines.append(plain(f"      {check.happened}"))
                lines.append(plain(f"      Look at {check.look_at}."))
    return lines
