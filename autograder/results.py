"""Results as files and tables: JSON for programs, CSV for spreadsheets, a table for the terminal."""

import contextlib
import csv
import dataclasses
import hashlib
import io
import json
import re
from collections import Counter
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
    given["weaknesses"] = tuple(data.get("weaknesses", ()))  # earlier results do without
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


def keep(folder: Path, result: SubmissionResult) -> bool:
    """Keep one result, whole or not at all; whether it differs from the one that was kept, whose file else stays."""
    path, text = result_path(folder, result.student), json.dumps(as_data(result), indent=1)
    with contextlib.suppress(OSError, ValueError):
        if path.read_text(encoding="utf-8") == text:
            return False
    write_atomically(path, text)
    return True


def tidy(folder: Path) -> None:
    """Take away what a killed grader left half written; only for who holds the folder's lock."""
    for part in [*folder.glob(".*.part"), *(folder / "students").glob(".*.part")]:
        part.unlink(missing_ok=True)


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


def barrier_lines(results: Sequence[SubmissionResult]) -> list[Text]:
    """One line for each barrier that is not the strongest, behind which some were graded; none where all is well."""
    weaker = Counter(result.barrier for result in results if result.weaknesses)
    return [
        plain(
            f"Behind the barrier {name!r}, which is not the strongest: {count} of {len(results)}. The results, and "
            "autograder doctor, say where it is weaker.",
            style="yellow",
        )
        for name, count in weaker.items()
    ]


def report_lines(result: SubmissionResult) -> list[Text]:
    """One submission in full, for the terminal."""
    lines = [plain(f"{result.student}: {result.points:g} of {result.max_points:g} points", style="bold")]
    if result.fault:
        lines.append(_inset(result.fault, 0, "red"))
    lines.extend(_inset(f"Mended: {repair}", 0, "yellow") for repair in result.repairs)
    lines.extend(barrier_lines([result]))
    for question in result.questions:
        heading = f"\n{question.question}  {question.points:g}/{question.max_points:g}  {question.status}"
        lines.append(plain(heading, style=MARKS.get(question.status, "dim")))
        if question.remark:
            lines.append(_inset(question.remark, 2))
        if question.hint:
            lines.append(plain(f"  This looks like a known mistake: {' '.join(question.hint.split())}", style="cyan"))
        for check in question.checks:
            lines.append(plain(f"  {'✓' if check.passed else '✗'} {check.sentence}"))
            if not check.passed:
                lines.append(_inset(check.happened, 6))
                lines.append(plain(f"      Look at {check.look_at}."))
    return lines


def _inset(text: str, margin: int, style: str = "") -> Text:
    """Text that starts so far from the left, and whose further lines cannot pass for lines of the report."""
    return plain(" " * margin + text.replace("\n", f"\n{' ' * (margin + 2)}| "), style)
