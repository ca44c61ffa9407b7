"""Results as files and tables: JSON for programs, CSV for spreadsheets, a table for the terminal."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from autograder.files import write_atomically
from autograder.grading.store import as_data
from autograder.records import SAME_INPUTS, Status, SubmissionResult

UNSEEN = re.compile(  # control and direction characters, and halves of surrogate pairs
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
FORMULA = re.compile(r"(^|[\n;,|\"'])(\s*)([=+@\uff1d\uff0b\uff0d\uff20-])")
MOST_NAMED = 10  # students in one sentence
MARKS = {Status.RIGHT: "green", Status.PARTLY: "yellow", Status.WRONG: "red"}


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
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["student", "points", "max_points", *names, "barrier", "repairs", "fault"])
    for result in results:
        earned = {question.question: question.points for question in result.questions}
        marks = [earned.get(name, "") for name in names]
        words = [result.barrier, " ".join(result.repairs), result.fault]
        writer.writerow([tame(result.student), result.points, result.max_points, *marks, *map(tame, words)])
    return text.getvalue()


def tame(text: str) -> str:
    """Text that no spreadsheet takes for a formula, whatever it takes for a separator, and that UTF-8 can hold."""
    text = UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text).replace("\t", " ")
    return FORMULA.sub(r"\1\2'\3", text)


def _question_names(results: Sequence[SubmissionResult]) -> list[str]:
    return list(dict.fromkeys(question.question for result in results for question in result.questions))


def plain(text: str, style: str = "") -> Text:
    """Text for the terminal, on which nothing in it acts: names and words may come from students."""
    return Text(UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text), style)


def class_table(results: Sequence[SubmissionResult]) -> Table:
    """The class at a glance: one row a student, and where each lost marks."""
    table = Table(title=f"Points by machine{_of(results)}")
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


def _of(results: Sequence[SubmissionResult]) -> str:
    """In which practical, in words."""
    return f" in {results[0].assignment}" if results else ""


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


def class_words(results: Sequence[SubmissionResult]) -> list[RenderableType]:
    """The class for the terminal: its table, and what is to be known of the barriers and of what was asked with."""
    return [class_table(results), *barrier_lines(results), *inputs_lines(results)]


def named(students: Sequence[str]) -> str:
    """The first of the students, and how many more there are."""
    more = len(students) - MOST_NAMED
    return ", ".join(students[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


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


def inputs_lines(results: Sequence[SubmissionResult]) -> list[Text]:
    """That some were asked with inputs that can be learnt; nothing where none was."""
    count = sum(result.inputs == SAME_INPUTS for result in results)
    words = f"Asked with inputs that are {SAME_INPUTS}: {count} of {len(results)}. autograder doctor says how to draw"
    return [plain(f"{words} this course's own.", style="yellow")] if count else []


def report_lines(result: SubmissionResult) -> list[Text]:
    """One submission in full, for the terminal."""
    lines = [plain(f"{result.student}: {result.points:g} of {result.max_points:g} points", style="bold")]
    if result.fault:
        lines.append(_inset(result.fault, 0, "red"))
    lines.extend(_inset(f"Mended: {repair}", 0, "yellow") for repair in result.repairs)
    lines.extend(barrier_lines([result]))
    lines.extend([plain(f"Asked with inputs that are {SAME_INPUTS}.", "dim")] if result.inputs == SAME_INPUTS else [])
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
                lines.extend([plain(f"      Look at {check.look_at}.")] if check.look_at else [])
    return lines


def _inset(text: str, margin: int, style: str = "") -> Text:
    """Text that starts so far from the left, and whose further lines cannot pass for lines of the report."""
    return plain(" " * margin + text.replace("\n", f"\n{' ' * (margin + 2)}| "), style)
