"""The instructor's term, from a platform's zip to marks in its sheet; late policy, extensions, marks by hand."""

import csv
import io
import json
import os
import re
import shlex
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.utils import compute_checksum
from small_course import (
    BOTH,
    CORPUS,
    KIT,
    NAME,
    both,
    cell,
    hand_in,
    handed_in,
    notebook,
    run,
    said,
    small_course,
    write_release,
    write_source,
)

from autograder.course.configuration import course_config
from autograder.course.term import read_term
from autograder.errors import CourseError

TERM = """
students = "students.csv"
timezone = "Europe/Berlin"

[late]
percent_per_day = 10
grace_minutes = 15
most_percent = 30

[practicals.hw-1]
due = 2026-11-24 12:00:00
extensions.cyd = 2026-11-26 12:00:00
"""
PEOPLE = {  # id: first and last name, the platform's number, when handed in; none where nothing was handed in
    "ada": ("Ada", "Lovelace", "101", "Tuesday, 24 November 2026, 11:00 AM"),
    "bob": ("Bob", "van Dyk", "102", "Wednesday, 25 November 2026, 12:30 PM"),  # a second day has begun
    "cyd": ("Cyd", "Ng", "103", "Wednesday, 25 November 2026, 9:00 AM"),  # within the extension
    "dan": ("Dan", "=Evil()", "104", "Tuesday, 24 November 2026, 12:10 PM"),  # within the grace
    "eve": ("Eve", "Quill", "105", "-"),
    "fay": ("Fay", "Oak", "106", "Monday, 23 November 2026, 8:00 AM"),
}
ROSTER = "id,first name,last name,email\n" + "".join(
    f"{name},{first},{last},{name}@uni.example\n" for name, (first, last, *_) in PEOPLE.items()
)
HEADER = "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (submission)"
FOLDER = "{0} {1}_{2}_assignsubmission_file_"


def course_with_term(root: Path, term: str = TERM) -> Path:
    small_course(root)
    (root / "course.toml").write_text(term, encoding="utf-8")
    (root / "students.csv").write_text(ROSTER, encoding="utf-8")
    return root


def worksheet(path: Path, separator: str = ",", most: str = "7.00") -> Path:
    rows = [HEADER.split(",")]
    for name, (first, last, key, when) in PEOPLE.items():
        full = f"{first} {last}"
        rows.append([f"Participant {key}", full, f"{name}@uni.example", "Submitted", "-", most, "Yes", when])
    rows.append(["Participant 999", "Nobody Known", "no@uni.example", "No submission", "-", most, "Yes", "-"])
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8-sig")
    return path


def text_of(root: Path, **fills: str) -> str:
    return str(nbformat.writes(handed_in(root, **fills)))


def zipped(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def inner(name: str, content: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, content)
    return made.getvalue()


def moodle_zip(root: Path, path: Path) -> Path:
    """What the class handed in, as Moodle hands it over."""
    at = {name: FOLDER.format(*facts) for name, facts in PEOPLE.items()}
    release = (root / f"release/{NAME}/{NAME}.ipynb").read_text(encoding="utf-8")
    return zipped(
        path,
        {
            f"{at['ada']}/hw-1 (1).ipynb": text_of(root),
            f"{at['ada']}/hw-1.ipynb": release,
            f"{at['bob']}/work.zip": inner("my work/hw-1-Copy1.ipynb", text_of(root, double="3 * x")),
            f"{at['cyd']}/hw-1.ipynb": text_of(root),
            f"{at['dan']}/homework/final.ipynb": text_of(root),
            f"{at['eve']}/answers.pdf": "%PDF",
            f"{at['fay']}/hw-1.ipynb": "not JSON",
            "Zoe Stranger_107_assignsubmission_file_/hw-1.ipynb": text_of(root),
            "__MACOSX/x/._hw-1.ipynb": "junk",
        },
    )


def mark_by_hand(root: Path, score: float, *students: str) -> None:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        for student in students:
            grade = book.find_grade("why", NAME, NAME, student)
            grade.manual_score, grade.needs_manual_grade = score, False
        book.db.commit()


def table(path: Path, key: str, separator: str = ",") -> dict[str, dict[str, str]]:
    text = path.read_text(encoding="utf-8-sig")
    return {row[key]: row for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)}


def totals(root: Path) -> dict[str, str]:
    return {student: row["total"] for student, row in table(root / "results/hw-1/class.csv", "id").items()}


def by_nbgrader(root: Path) -> dict[str, float]:
    """Everyone's total by nbgrader's own reckoning."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        found = {
            each.student.id: (each.score, each.late_submission_penalty) for each in book.assignment_submissions(NAME)
        }
    return {student: score - (penalty or 0.0) for student, (score, penalty) in found.items()}


PAGE = (KIT / "docs/term.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """All commands of docs/term.md, run in their order for a class in Moodle; and what each said.

    The small practical stands in for the page's.
    """
    folder = tmp_path_factory.mktemp("term")
    kit, root, heard = small_course(folder / "kit", files={"variants/all.toml": CORPUS}), folder / "my-course", {}
    shutil.copy(KIT / "constraints.txt", kit)
    assert run("verify", "--learn", "--course", kit, "--jobs", "1").exit_code == 0
    (folder / "class.csv").write_text(ROSTER, encoding="utf-8")
    worksheet(folder / "worksheet.csv", ";", "7,00")
    moodle_zip(kit, folder / "submissions.zip")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.term.new_course.kit_folder", lambda: kit)
        patch.setattr("autograder.platforms.gradescope.kit_folder", lambda: kit)
        patch.setattr("autograder.doctor.examination.NAMES", ())  # the machine is looked at elsewhere
        patch.chdir(folder)
        for line in [line for language, lines in FENCED if language == "sh" for line in lines.splitlines()]:
            program, *words = shlex.split(line.replace("sac", NAME))
            if program == "cd":
                patch.chdir(words[0])
                (toml,) = (text for language, text in FENCED if language == "toml")
                (root / "course.toml").write_text(toml.replace("sac", NAME), encoding="utf-8")
                continue
            assert program == "autograder"
            done = run(*words, *(["--jobs", "1"] if words == ["grade"] else []))
            assert done.exit_code == (1 if words == ["grade"] else 0), done.output  # fay's is no notebook
            heard[words[0]] = said(done)
            if words[0] == "grade":
                mark_by_hand(root, 2, "ada", "bob", "cyd", "zoe-stranger")
    return root, heard


def test_the_page_leads_in_ten_steps_and_shows_every_file_that_it_names(finished: tuple[Path, dict[str, str]]) -> None:
    assert re.findall(r"^## (\d+)\. ", PAGE, re.MULTILINE) == [str(number) for number in range(1, 11)]
    for name in ("class.csv", "export/worksheet.csv", "export/feedback-for-moodle.zip", "report.html", "report.json"):
        assert name in PAGE
        assert (finished[0] / "results/hw-1" / name).is_file()
    assert (finished[0] / "results/hw-1/export/hw-1-gradescope.zip").is_file()


def test_everybody_in_a_platforms_zip_is_accounted_for(finished: tuple[Path, dict[str, str]]) -> None:
    root, heard = finished
    assert "Collected 6 notebooks (moodle)" in heard["collect"]
    assert "eve handed in something else: answers.pdf (a PDF document)" in heard["collect"]
    assert "Not in the roster: Zoe Stranger, collected as zoe-stranger" in heard["collect"]
    assert "Late: bob, dan (2)" in heard["collect"]
    assert sorted(path.name for path in (root / "submitted").iterdir()) == [
        *("ada", "bob", "cyd", "dan", "fay", "zoe-stranger"),
    ]
    assert (root / "submitted/bob/hw-1/timestamp.txt").read_text("utf-8") == "2026-11-25 11:30:00 UTC\n"


def test_the_class_table_tells_everyones_marks_lateness_and_what_became_of_them(
    finished: tuple[Path, dict[str, str]],
) -> None:
    found = table(finished[0] / "results/hw-1/class.csv", "id")
    assert list(found) == ["dan", "ada", "cyd", "fay", "eve", "zoe-stranger", "bob"]  # by last name
    assert {name: (row["status"], row["penalty"], row["total"]) for name, row in found.items()} == {
        "ada": ("complete", "0", "7"),
        "bob": ("complete", "1.4", "3.6"),  # two days, of seven points
        "cyd": ("complete", "0", "7"),
        "dan": ("waits for a marker", "0", "5"),
        "eve": ("handed in something else", "0", ""),
        "fay": ("could not be graded", "0", ""),
        "zoe-stranger": ("complete", "0", "7"),
    }
    bob = found["bob"]
    assert (bob["double"], bob["double (machine)"], bob["double (by hand)"]) == ("0", "0", "")
    assert (bob["why"], bob["why (machine)"], bob["why (by hand)"]) == ("2", "", "2")
    assert (bob["first name"], bob["last name"], bob["email"]) == ("Bob", "van Dyk", "bob@uni.example")
    assert (bob["days late"], bob["of"], found["zoe-stranger"]["in the roster"]) == ("1.02", "7", "no")
    assert found["dan"]["last name"] == "'=Evil()"


def test_the_platforms_own_sheet_is_filled_in_and_feedback_goes_back_under_its_names(
    finished: tuple[Path, dict[str, str]],
) -> None:
    root, heard = finished
    before = table(root.parent / "worksheet.csv", "Identifier", ";")
    after = table(root / "results/hw-1/export/worksheet.csv", "Identifier", ";")
    grades = {key: row["Grade"] for key, row in after.items() if row["Grade"] != "-"}
    assert grades == {"Participant 101": "7,00", "Participant 102": "3,60", "Participant 103": "7,00"}
    for key, row in before.items():
        same = row.keys() - {"Grade", "Full name"}
        assert {name: after[key][name] for name in same} == {name: row[name] for name in same}
    assert after["Participant 104"]["Full name"] == "Dan =Evil()"
    for words in ("Filled in 3 marks", "Left open, waits for a marker: dan (1)", "Not in the sheet: zoe-stranger"):
        assert words in heard["export"]
    assert "Not known here: Participant 999" in heard["export"]
    with zipfile.ZipFile(root / "results/hw-1/export/feedback-for-moodle.zip") as pages:
        assert sorted(pages.namelist()) == [
            f"{FOLDER.format(*PEOPLE[name])}/hw-1-feedback.html" for name in ("ada", "bob", "cyd")
        ]
        assert "1.4 points were taken off" in pages.read(pages.namelist()[1]).decode()


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_nbgraders_own_commands_come_to_the_same_totals(
    finished: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader starts alembic by name
    root = Path(shutil.copytree(finished[0], tmp_path / "copy"))
    (root / "gradebook.db").unlink()
    shutil.rmtree(root / "autograded")
    api = NbGraderAPI(config=course_config(root))
    assert api.generate_assignment(NAME)["success"]
    assert api.autograde(NAME, "bob")["success"]
    mark_by_hand(root, 2, "bob")
    assert api.autograde(NAME, "bob")["success"]
    assert by_nbgrader(root) == {"bob": 3.6}
    assert by_nbgrader(finished[0])["bob"] == 3.6


def test_totals_are_right_in_whatever_order_marks_and_extensions_come(
    finished: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "copy"))
    term = (root / "course.toml").read_text(encoding="utf-8")
    (root / "course.toml").write_text(term + "extensions.bob = 2026-11-25 09:00:00\n", encoding="utf-8")
    mark_by_hand(root, 0.5, "bob", "dan")
    assert run("export", "--course", root).exit_code == 0
    assert totals(root)["bob"] == "2.8"  # one day now, and fewer points by hand
    assert totals(root)["dan"] == "5.5"
    assert by_nbgrader(root)["bob"] == 2.8
    pages = {path: path.stat().st_mtime_ns for path in root.glob("feedback/*/hw-1/hw-1.html")}
    assert "0.7 points were taken off" in (root / "feedback/bob/hw-1/hw-1.html").read_text(encoding="utf-8")
    assert run("export", "--course", root).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in pages} == pages


PLUGIN = """
from nbgrader.plugins import LateSubmissionPlugin

class Mine(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 1.25
"""


def test_a_plug_in_in_the_courses_folder_works(tmp_path: Path) -> None:
    text = "[practicals.hw-1]\ndue = 2026-11-24T12:00:00+00:00\n"
    root = course_with_term(tmp_path / "course", text)
    (root / "my_rule.py").write_text(PLUGIN, encoding="utf-8")
    config = root / "nbgrader_config.py"
    settings = config.read_text(encoding="utf-8")
    config.write_text(f"{settings}\nfrom my_rule import Mine\nc.AssignLatePenalties.plugin_class = Mine\n", "utf-8")
    assert course_config(root).AssignLatePenalties.plugin_class.__name__ == "Mine"
    config.write_text(f'{settings}\nc.AssignLatePenalties.plugin_class = "my_rule.Mine"\n', encoding="utf-8")
    hand_in(root, "ada").with_name("timestamp.txt").write_text("2026-11-25 12:00:00 UTC", encoding="utf-8")
    assert run("grade", root, "--jobs", "1").exit_code == 0
    assert by_nbgrader(root) == {"ada": 3.75}
    assert "my_rule" not in sys.modules


def broken_plugin(root: Path) -> None:
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('\nc.AssignLatePenalties.plugin_class = "nowhere.Mine"\n')


def other_policy(root: Path) -> None:
    path = root / "nbgrader_config.py"
    path.write_text(path.read_text("utf-8").replace("c.AssignLatePenalties", "# c.Assign"), encoding="utf-8")


def unknown_extension(root: Path) -> None:
    with (root / "course.toml").open("a", encoding="utf-8") as file:
        file.write("extensions.cyt = 2026-11-26 12:00:00\n")


def lost_gradebook(root: Path) -> None:
    kept = root / "results/hw-1/published/ada.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}", encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (broken_plugin, "plugin_class names nowhere.Mine, which cannot be imported"),
        (other_policy, "does not apply it"),
        (unknown_extension, "extensions.cyt means nothing. Did you mean cyd?"),
        (lost_gradebook, "There is no gradebook"),
    ],
)
def test_faults_of_the_term_are_told_before_anything_is_graded(
    tmp_path: Path, change: Callable[[Path], object], words: str
) -> None:
    root = course_with_term(tmp_path / "course")
    hand_in(root, "ada")
    change(root)
    done = run("grade", root, "--jobs", "1")
    assert done.exit_code == 2
    assert words in said(done)
    assert not (root / "results/hw-1/students").exists()
    assert not (root / "gradebook.db").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("due = 1", "due means nothing"),
        ("[late]\nper_day = 1", "late.per_day means nothing"),
        ("[late]\npercent_per_day = 200", "from 0 to 100"),
        ('timezone = "Nowhere/At all"', "no time zone"),
        ("[practicals.hw-2]\ndue = 2026-11-24", "practicals.hw-2 means nothing. Did you mean hw-1?"),
        ('[practicals.hw-1]\ndue = "soon"', "practicals.hw-1.due is no date and time"),
        ('students = "none.csv"', "cannot be read"),
        ("[late", "cannot be read"),
    ],
)
def test_each_fault_of_the_term_names_file_and_entry(tmp_path: Path, text: str, words: str) -> None:
    root = small_course(tmp_path / "course")
    (root / "course.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError) as fault:
        read_term(root)
    assert words in f"{fault.value.message} {fault.value.next_step}"
    assert str(root) in fault.value.message
    assert fault.value.next_step


def test_a_day_alone_ends_at_midnight_in_the_courses_time_zone(tmp_path: Path) -> None:
    root = small_course(tmp_path / "course")
    text = 'timezone = "Europe/Berlin"\n[practicals.hw-1]\ndue = 2026-11-24\n'
    (root / "course.toml").write_text(text, encoding="utf-8")
    assert read_term(root).of(NAME).due == datetime(2026, 11, 24, 22, 59, 59)


# --- a new course


def test_a_course_is_made_anywhere_with_the_practicals_wanted(tmp_path: Path) -> None:
    roster = tmp_path / "class.csv"
    roster.write_text("Username;First name;Surname;E-Mail\nada;Ada;Lovelace;a@b.c\n", encoding="utf-8")
    root = tmp_path / "my course"
    options = ("--students", roster, "--due", "2026-11-30 23:59", "--timezone", "Europe/Berlin")
    done = run("init", root, "--practical", "reinforce", *options)
    assert done.exit_code == 0, done.output
    term = read_term(root)
    assert [student.name for student in term.roster.values()] == ["Ada Lovelace"]
    assert term.of("reinforce").due == datetime(2026, 11, 30, 22, 59)
    for part in ("source", "release", "solutions"):
        assert [path.name for path in (root / part).iterdir()] == ["reinforce"]
    done = run("init", tmp_path / "other", "--new", "hw-1", *options)
    assert done.exit_code == 0, done.output
    assert read_term(tmp_path / "other").of("hw-1").due == datetime(2026, 11, 30, 22, 59)
    assert [path.name for path in (tmp_path / "other/source").iterdir()] == ["hw-1"]
    again = run("init", root)
    assert again.exit_code == 2
    assert "is not empty" in said(again)


def test_an_unknown_practical_leaves_nothing_behind(tmp_path: Path) -> None:
    done = run("init", tmp_path / "course", "--practical", "reinforc")
    assert "Did you mean reinforce?" in said(done)
    assert "To begin another: --new NAME" in said(done)
    assert run("init", tmp_path / "course", "--new", "hw 1").exit_code == 2
    assert not (tmp_path / "course").exists()


def test_everything_that_a_new_course_needs_is_installed_with_the_kit() -> None:
    patterns = tomllib.loads((KIT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["data-files"]
    installed = {path for found in patterns.values() for pattern in found for path in KIT.glob(pattern)}
    parts = [KIT / part for part in ("source", "release", "solutions")]
    needed = {path for part in parts for path in part.rglob("*.*") if path.is_file() and path.suffix != ".pyc"}
    assert {path for path in needed if ".ipynb_checkpoints" not in path.parts} <= installed
    for target, found in patterns.items():
        folder = target.removeprefix("share/sac-practical-kit").strip("/")
        assert all(Path(pattern).parent == Path(folder) for pattern in found)


# --- changes in mid-term


def test_cells_that_come_and_points_that_change_leave_all_marks_by_hand(
    finished: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "copy"))
    write_source(root, notebook(both(), points=4))
    for file, text in BOTH.items():
        (root / "solutions" / NAME / file).write_text(text, encoding="utf-8")
    write_release(root)
    refused = run("grade", root, "--jobs", "1")
    assert refused.exit_code == 2
    assert "new: check-both" in said(refused)
    assert "autograder migrate --assignment hw-1" in said(refused)
    done = run("migrate", "--course", root)
    assert done.exit_code == 0, done.output
    assert run("grade", root, "--jobs", "1").exit_code == 1
    found = table(root / "results/hw-1/class.csv", "id")
    assert (found["ada"]["total"], found["ada"]["why (by hand)"], found["ada"]["of"]) == ("10", "2", "10")
    assert found["bob"]["total"] == "3"  # 0 + 3 + 0 + 2, and a fifth of ten taken off
    assert len(list((root / "backups").glob("gradebook-*.db"))) >= 3


def test_a_cell_that_goes_takes_no_mark_by_hand_with_it_unless_that_is_said(
    finished: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "copy"))
    made = notebook()
    made.cells = [cell for cell in made.cells if cell.id not in ("why", "question-why")]
    write_source(root, made)
    write_release(root)
    refused = run("migrate", "--course", root)
    assert refused.exit_code == 2
    assert "ada: why (2 points)" in said(refused)
    assert "Given up: 2 points for why of ada" in said(run("migrate", "--course", root, "--drop-marks"))
    backup = max((root / "backups").glob("*.db"))
    shutil.copy(backup, root / "gradebook.db")
    assert by_nbgrader(root)["ada"] == 7


def of_another_assignment(released: dict[str, Any]) -> NotebookNode:
    """The release as if its questions bore other names."""
    made = nbformat.reads(json.dumps(released), 4)
    made.cells[0].source = "# Another practical"
    for each in made.cells:
        marked = each.metadata.get("nbgrader", {})
        if marked.get("grade") and marked.locked:
            marked.grade_id = f"{marked.grade_id}-twice"
            marked.checksum = compute_checksum(each)
    return cast(NotebookNode, made)


def test_the_notebook_of_an_older_release_is_recognised_and_marked_as_far_as_it_goes(tmp_path: Path) -> None:
    older = cell("markdown", "old-advice", "Old advice.", locked=True)
    root = small_course(
        tmp_path / "course", notebook(older, points=1, setup="import numpy as np\n\n\ndef old():\n    pass")
    )
    assert run("generate", "--course", root).exit_code == 0
    early = json.loads((root / f"release/{NAME}/{NAME}.ipynb").read_text(encoding="utf-8"))
    for each in early["cells"]:
        each["source"] = {"double": "def double(x):\n    return old() or 2 * x"}.get(each["id"], each["source"])
    hand_in(root, "early", json.dumps(early))
    write_source(root, notebook(both(), points=4, prose="# Two functions, once more"))
    for file, text in BOTH.items():
        (root / "solutions" / NAME / file).write_text(text, encoding="utf-8")
    assert run("generate", "--course", root).exit_code == 0
    hand_in(root, "mixes-up", json.dumps(of_another_assignment(early)))
    hand_in(root, "meddles", handed_in(root)).write_text(text_of(root).replace("shift(1)", "shift(2)"), "utf-8")
    done = run("grade", root, "--jobs", "1", "--no-gradebook", "--json")
    found = {each["student"]: each for each in json.loads(done.stdout)["results"]}
    assert found["early"]["repairs"] == [
        "This is the notebook of another release: 'setup', 'check-double' and 'old-advice' are as handed out then. "
        "The text of this release counts.",
        "The cell 'check-both' was missing and was put back.",
    ]
    assert [each["points"] for each in found["early"]["questions"]] == [4, 0, 0]
    assert found["mixes-up"]["repairs"][0] == (
        "This seems to be the notebook of another assignment: its first heading is 'Another practical'. "
        "Hand in the one that was asked for."
    )
    assert found["meddles"]["repairs"] == ["The locked cell 'check-shift' had been changed and got its text back."]


# --- kept for programs


def test_collecting_says_the_same_to_programs(tmp_path: Path) -> None:
    root = course_with_term(tmp_path / "course")
    path = zipped(tmp_path / "canvas.zip", {
        "ngcyd_LATE_77_1_hw-1-2.ipynb": text_of(root),
        "lovelaceada_78_2_hw-1.ipynb": text_of(root),
    })  # fmt: skip
    found = json.loads(run("collect", path, "--course", root, "--json").stdout)
    assert (found["platform"], sorted(found["taken"]), found["late"]) == ("canvas", ["ada", "cyd"], ["cyd"])
    assert found["nothing"] == ["bob", "dan", "eve", "fay"]
