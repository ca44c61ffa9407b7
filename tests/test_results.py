"""Results as JSON, CSV and words: whole, readable again, and harmless to spreadsheets and terminals."""

import csv
import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from autograder.grading.store import as_data, from_data, keep, kept
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status, SubmissionResult
from autograder.reports.tables import class_csv, class_table, report_lines, write_class

FAILED = CheckResult("bounds", "Actions stay within bounds.", 1.0, False, "3 of 8 actions are outside.", "action_scale")
PASSED = CheckResult("shapes", "Shapes are right.", 2.0, True)
CURVE = LearningCurve((5, 12), (5.0, 7.0))
PARTLY = QuestionResult("get-action", 0.1, 4, Status.PARTLY, "Still open: std = ...", (FAILED, PASSED), CURVE)
OPEN = QuestionResult("explore", 0.2, 1, Status.NOT_ATTEMPTED, "Left as released: choose_actions.")
RESULT = SubmissionResult("alice", "sac", (PARTLY, OPEN), ("It was renamed.",), "", "bubblewrap", "abc", 1.5)

ODD_NAMES = [
    *("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", 'O\'Hara, "Bob"', "<script>alert(1)", "Zoë 王 🦊"),
    *("a;=1+1", "a,@SUM(1)", "\uff1dcmd()", "x\t=1", "x\n-1", 'say "=1"'),
    *("two\nlines", "\x1b[2Jcleared", "[bold red]loud", "x" * 250, os.fsdecode(b"caf\xe9"), "a;b", "rtl\u202eevil"),
]


def rows(results: list[SubmissionResult]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(class_csv(results), newline="")))


def shown(renderable: object) -> str:
    """What a terminal is sent, colours and all."""
    console = Console(file=io.StringIO(), force_terminal=True, width=400)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_result_survives_json() -> None:
    assert from_data(json.loads(json.dumps(as_data(RESULT)))) == RESULT


def test_points_are_added_up_without_dust() -> None:
    assert RESULT.points == 0.3
    assert as_data(RESULT)["points"] == 0.3


@pytest.mark.parametrize("student", ODD_NAMES)
def test_a_result_is_kept_and_found_whatever_the_student_is_called(tmp_path: Path, student: str) -> None:
    keep(tmp_path, SubmissionResult(student, "sac", (PARTLY,)))
    again = kept(tmp_path, student)
    assert again is not None
    assert again.student == student
    assert [path.parent for path in tmp_path.rglob("*.json")] == [tmp_path / "students"]


def test_a_result_that_is_as_it_was_is_not_written_again(tmp_path: Path) -> None:
    assert keep(tmp_path, RESULT)
    (path,) = tmp_path.rglob("*.json")
    before = path.stat().st_mtime_ns
    assert not keep(tmp_path, RESULT)
    assert path.stat().st_mtime_ns == before
    assert keep(tmp_path, replace(RESULT, fault="It is another."))


def test_long_names_that_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    first, second = "x" * 249 + "1", "x" * 249 + "2"
    keep(tmp_path, SubmissionResult(first, "sac"))
    assert kept(tmp_path, second) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"questions": 3, "repairs": []}', "not json", "\x00"])
def test_a_kept_result_that_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "students").mkdir()
    (tmp_path / "students/alice.json").write_text(content, encoding="utf-8")
    assert kept(tmp_path, "alice") is None


def test_the_table_for_spreadsheets_has_one_row_a_student_and_one_column_a_question() -> None:
    missing = SubmissionResult("bob", "sac", fault="bob.ipynb is empty.")
    first, second = rows([RESULT, missing])
    assert first == {
        **{"student": "alice", "points": "0.3", "max_points": "5", "get-action": "0.1", "explore": "0.2"},
        **{"barrier": "bubblewrap", "repairs": "It was renamed.", "fault": ""},
    }
    assert second["fault"] == "bob.ipynb is empty."
    assert second["get-action"] == ""


@pytest.mark.parametrize("text", ODD_NAMES)
def test_no_cell_of_the_spreadsheet_is_a_formula_and_none_is_lost(tmp_path: Path, text: str) -> None:
    (row,) = rows([SubmissionResult(text, "sac", (), (text,), text)])
    for column in ("student", "repairs", "fault"):
        assert not row[column].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert not re.search(r"[;,|\t\n]\s*[=+@-]", row[column])
        assert len(text) <= len(row[column]) <= len(text) + 2
    _, as_csv = write_class(tmp_path, [SubmissionResult(text, "sac")])
    assert len(as_csv.read_text(encoding="utf-8").splitlines()) >= 2


@pytest.mark.parametrize("text", ODD_NAMES)
def test_nothing_that_a_student_wrote_acts_on_the_terminal(text: str) -> None:
    failed = CheckResult("c", "Sentence.", 1, False, f"Your code raised {text}.", "it")
    result = SubmissionResult(
        text, "sac", (QuestionResult("explore", 0, 1, Status.WRONG, text, (failed,)),), (text,), text
    )
    sent = "".join([shown(class_table([result])), *(shown(line) for line in report_lines(result))])
    sent.encode()
    assert "\x1b[2J" not in sent
    assert "\u202e" not in sent
    if "[bold" in text:
        assert text in sent


def test_the_report_says_of_each_question_what_happened_and_where_to_look() -> None:
    words = "\n".join(line.plain for line in report_lines(RESULT))
    for part in (
        "alice: 0.3 of 5 points",
        "Mended: It was renamed.",
        "partly right",
        "Still open: std = ...",
        "not attempted",
    ):
        assert part in words
    assert "✗ Actions stay within bounds.\n      3 of 8 actions are outside.\n      Look at action_scale." in words
    assert "✓ Shapes are right." in words


def test_a_message_of_several_lines_cannot_pass_for_lines_of_the_report() -> None:
    forged = "ValueError: no\n\ncritic-forward  2/2  right\n  ✓ All is well."
    failed = replace(FAILED, happened=forged)
    question = replace(PARTLY, checks=(failed,), remark=forged)
    result = replace(RESULT, questions=(question,), repairs=(forged,), fault=forged)
    text = "\n".join(line.plain for line in report_lines(result))
    assert text.count("critic-forward  2/2  right") == 4
    assert not [line for line in text.splitlines() if line.lstrip().startswith(("critic-forward", "✓ All is well"))]


@pytest.mark.parametrize("text", ["a;=1+1", "a\t@x", "a|+1", "a\n-1", " =1", "\uff1d1", ";\t =1"])
def test_no_field_begins_a_formula_whatever_the_readers_separator_is(text: str) -> None:
    written = class_csv([SubmissionResult(text, "hw-1", (), (text,), text)])
    for separator in ";\t|,":
        for row in csv.reader(io.StringIO(written), delimiter=separator):
            assert not [field for field in row if re.match(r"\s*[=+\-@\uff1d]", field)]
