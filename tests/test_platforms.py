"""What platforms hand over may be packed by anybody; names, copies and resubmissions; what goes back; Gradescope."""

import csv
import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from small_course import KIT, NAME, handed_in, run, said, small_course

from autograder.course.sheets import Sheet, read_sheet
from autograder.platforms.choosing import rank
from autograder.platforms.filling import fill
from autograder.platforms.people import read_time
from autograder.term.class_table import COMPLETE, NOTHING, ClassRow, ClassTable


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_course(tmp_path_factory.mktemp("platforms") / "course")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return small_course(tmp_path / "course")


def zipped(path: Path, files: Mapping[str | zipfile.ZipInfo, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def packed(files: Mapping[str | zipfile.ZipInfo, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def collected(course: Path, path: Path, *options: str | Path) -> dict[str, Any]:
    done = run("collect", path, "--course", course, "--json", *options)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


AT = "Ada Lovelace_1_assignsubmission_file_"
NESTED = packed({"a.zip": packed({"b.zip": packed({"c.zip": packed({"hw-1.ipynb": "{}"})})})})


@pytest.mark.parametrize(
    ("files", "other"),
    [
        ({f"{AT}/work.zip": packed({"hw-1.ipynb": b" " * 2**25})}, "too large unpacked"),
        ({f"{AT}/hw-1.ipynb": b" " * 2**25}, "too large unpacked"),
        ({f"{AT}/work.zip": packed({f"{n}.ipynb": "{}" for n in range(501)})}, "too many or too large files"),
        ({f"{AT}/work.zip": NESTED}, "zips within zips"),
        ({f"{AT}/work.zip": b"PK\x03\x04 broken"}, "no zip that can be read"),
        ({f"{AT}/work.zip": packed({"../../../etc/hw-1.ipynb": "{}"})}, "an empty folder"),
        ({f"{AT}/answers.docx": "x"}, "answers.docx (a Word document)"),
        ({link(f"{AT}/hw-1.ipynb"): "/etc/passwd", f"{AT}/notes.txt": "x"}, "notes.txt"),
    ],
)
def test_what_is_no_notebook_or_no_honest_zip_is_named_and_nothing_of_it_is_written(
    course: Path, tmp_path: Path, files: Mapping[str | zipfile.ZipInfo, str | bytes], other: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    path = zipped(tmp_path / "all.zip", files)
    found = collected(course, path)
    assert other in found["other"]["ada-lovelace"]
    ours = (path, course / "results", course / "results/hw-1", course / "results/hw-1/collected.json")
    assert sorted(tmp_path.rglob("*")) == sorted({*before, *ours})


@pytest.mark.parametrize(
    "name", ["../hw-1.ipynb", "/etc/hw-1.ipynb", "a/../../../x_1_assignsubmission_file_/hw-1.ipynb"]
)
def test_no_name_leads_out_of_the_course(course: Path, tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "all.zip", {name: "{}", f"{AT}/hw-1.ipynb": "{}"})
    collected(course, path)
    outside = [each for each in tmp_path.rglob("*.ipynb") if course not in each.parents]
    assert outside == []
    assert (course / "submitted/ada-lovelace/hw-1/hw-1.ipynb").is_file()


def test_what_is_no_zip_or_of_another_platform_is_a_fault(course: Path, tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_text("no", encoding="utf-8")
    assert "cannot be read as a zip" in said(run("collect", tmp_path / "no.zip", "--course", course))
    path = zipped(tmp_path / "all.zip", {f"{AT}/hw-1.ipynb": "{}"})
    done = run("collect", path, "--course", course, "--from", "canvas")
    assert done.exit_code == 2
    assert "No name in the zip is as canvas names downloads" in said(done)


@pytest.mark.parametrize(
    "names",
    [
        ["hw-1.ipynb", "hw-1 (1).ipynb", "notes.ipynb"],
        ["hw-1 (2).ipynb", "hw-1 (1).ipynb"],
        ["hw-1-Copy1.ipynb", "scratch.ipynb"],
        ["Copy of hw-1.ipynb", "other.ipynb"],
        ["HW-1-3.ipynb", "HW-1-2.ipynb", "zz.ipynb"],
        ["hw-1.py", "helpers.py"],
    ],
)
def test_of_several_files_the_practicals_own_and_the_last_copy_counts(names: list[str]) -> None:
    assert max(sorted(names), key=lambda name: rank(name, NAME)) == names[0]


def sheet_saying(folder: Path, day: int) -> Path:
    """Moodle's sheet, by which the one student handed in on that day of November."""
    line = f'Participant 1,"{day} November 2026, 11:00 AM"'
    (folder / "sheet.csv").write_text(f"Identifier,Last modified (submission)\n{line}\n", encoding="utf-8")
    return folder / "sheet.csv"


def test_of_resubmissions_the_last_before_the_deadline_counts(course: Path, tmp_path: Path) -> None:
    text = 'timezone = "UTC"\n[practicals.hw-1]\ndue = 2026-11-24 12:00:00\n'
    (course / "course.toml").write_text(text, encoding="utf-8")
    place = course / "submitted/ada-lovelace/hw-1/hw-1.ipynb"
    said_of: list[str] = []
    for content, day in (("one", 22), ("two", 23), ("three", 25), ("three", 25)):
        path = zipped(tmp_path / "all.zip", {f"{AT}/hw-1.ipynb": content})
        found = collected(course, path, "--sheet", sheet_saying(tmp_path, day))
        said_of.append(str((found["taken"] | found["kept"]).get("ada-lovelace")))
        assert found["late"] == []
        assert place.read_text(encoding="utf-8") == min(content, "two" if day > 22 else "one", key=len)[:3]
    assert said_of[0] == ""
    assert "handed in again, and the later one counts" in said_of[1]
    assert "handed in again after the deadline" in said_of[2]


def test_a_sheet_that_comes_afterwards_says_when_all_was_handed_in(course: Path, tmp_path: Path) -> None:
    (course / "course.toml").write_text('timezone = "UTC"\n[practicals.hw-1]\ndue = 2026-11-24\n', encoding="utf-8")
    path, stamp = zipped(tmp_path / "all.zip", {f"{AT}/hw-1.ipynb": "one"}), "submitted/ada-lovelace/hw-1/timestamp.txt"
    assert collected(course, path)["late"] == []
    for day in (25, 26):  # the same file once more is not later
        found = collected(course, path, "--sheet", sheet_saying(tmp_path, day))
        assert (found["unchanged"], found["late"]) == (["ada-lovelace"], ["ada-lovelace"])
        assert (course / stamp).read_text(encoding="utf-8") == "2026-11-25 11:00:00 UTC\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tuesday, 24 November 2026, 9:41 PM", "2026-11-24 21:41"),
        ("Dienstag, 24. März 2026, 09:41", "2026-03-24 09:41"),
        ("mardi 4 février 2026, 12:05", "2026-02-04 12:05"),
        ("martes, 24 de diciembre de 2026, 00:30", "2026-12-24 00:30"),
        ("Tuesday, 24 November 2026, 12:10 AM", "2026-11-24 00:10"),
        ("-", None),
        ("24 Smarch 2026, 10:00", None),
    ],
)
def test_times_are_read_in_the_platforms_language_or_not_at_all(text: str, expected: str | None) -> None:
    from zoneinfo import ZoneInfo

    found = read_time(text, ZoneInfo("UTC"))
    assert (f"{found:%Y-%m-%d %H:%M}" if found else None) == expected


# --- sheets


def class_of(*rows: ClassRow) -> ClassTable:
    return ClassTable("hw-1", {"double": 30.0}, rows, has_roster=True)


ADA = ClassRow("ada", "Ada", "Lovelace", "ada@uni.example", COMPLETE, total=12.5)
BOB = ClassRow("bob", "Bob", "Ng", "", NOTHING)
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,HW-1 (4711),HW-2 (4712)
    Points Possible,,,,,30,10
"Lovelace, Ada",77,u1,ada,"S, 1",,3
"Ng, Bob",78,u2,bob,S1,,4
"Student, Test",79,,,S1,,
"""
GERMAN = """ID;Vollständiger Name;E-Mail-Adresse;Status;Bewertung;Höchste Bewertung;Bewertung kann geändert werden
Teilnehmer/in5;Ada Lovelace;ADA@uni.example;;-;30,00;Ja
Teilnehmer/in6;Bob Ng;;;-;30,00;Ja
"""


def sheet_of(path: Path, text: str) -> Sheet:
    path.write_text(text, encoding="utf-8")
    return read_sheet(path)


def test_a_canvas_gradebook_is_filled_in_its_own_column_alone(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path / "canvas.csv", CANVAS)
    found = fill(sheet, "canvas", class_of(ADA, BOB), {})
    assert [row[5] for row in found.sheet.rows] == ["HW-1 (4711)", "30", "12.50", "", ""]
    assert [row[:5] + row[6:] for row in found.sheet.rows] == [row[:5] + row[6:] for row in sheet.rows]
    assert (found.filled, found.without_mark, found.not_known) == (("ada",), {"bob": NOTHING}, ("Student, Test",))


def test_a_sheet_in_another_language_keeps_its_separator_and_its_decimal_comma(tmp_path: Path) -> None:
    found = fill(sheet_of(tmp_path / "moodle.csv", GERMAN), "moodle", class_of(ADA, BOB), {})
    assert [row[4] for row in found.sheet.rows] == ["Bewertung", "12,50", "-"]
    first = found.sheet.content().decode().splitlines()[1]
    assert first == '"Teilnehmer/in5";"Ada Lovelace";"ADA@uni.example";"";"12,50";"30,00";"Ja"'


def test_a_sheet_for_other_points_is_refused(tmp_path: Path) -> None:
    (tmp_path / "roster").mkdir()
    done_sheet = sheet_of(tmp_path / "moodle.csv", GERMAN.replace("30,00", "100,00"))
    with pytest.raises(Exception, match="expects a mark out of 100, and hw-1 has 30 points"):
        fill(done_sheet, "moodle", class_of(ADA), {})


def test_what_a_platform_hands_over_is_harmless_when_it_is_opened(tmp_path: Path) -> None:
    text = GERMAN.replace("Bob Ng", '"=HYPERLINK(""http://x"")"').replace("Ada Lovelace", '"a,=1+1"')
    found = fill(sheet_of(tmp_path / "moodle.csv", text), "moodle", class_of(ADA, BOB), {})
    assert [row[1] for row in found.sheet.rows[1:]] == ["a,'=1+1", '\'=HYPERLINK("http://x")']


# --- Gradescope


def test_the_package_marks_in_gradescopes_folders_where_no_namespaces_are_allowed(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "autograder"
    done = run("package", "gradescope", "--course", root, "--output", tmp_path / "gradescope.zip")
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(tmp_path / "gradescope.zip") as archive:
        assert {"setup.sh", "run_autograder"} <= set(archive.namelist())
        archive.extractall(home / "source")
    submission = home / "submission/my work"
    submission.mkdir(parents=True)
    nbformat.write(handed_in(root, double="abs(2 * x)"), submission / "hw-1 (1).ipynb")
    (home / "results").mkdir()
    environment = {**os.environ, "AUTOGRADER_HOME": str(home), "AUTOGRADER_PYTHON": sys.executable}
    script = ["/bin/sh", str(home / "source/run_autograder")]
    container = [sys.executable, str(KIT / "tests/restricted.py"), "0", "namespaces", *script]
    command = container if os.geteuid() == 0 else script
    ran = subprocess.run(command, env={**environment, "PYTHONPATH": str(KIT)}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    found = json.loads((home / "results/results.json").read_text(encoding="utf-8"))
    assert found["score"] == 4.5
    assert [(each["name"], each["score"], each["max_score"], each["status"]) for each in found["tests"]] == [
        ("double", 1.5, 2, "failed"),
        ("shift", 3, 3, "passed"),
    ]
    assert "Twice the numbers come back where they are negative" in found["tests"][0]["output"]
    assert os.geteuid() != 0 or found["extra_data"]["barrier"] != "bubblewrap"
    assert subprocess.run(["sh", "-n", str(home / "source/setup.sh")], check=False).returncode == 0


def test_a_roster_of_any_dialect_is_read_and_its_faults_name_the_line(tmp_path: Path) -> None:
    from autograder.course.roster import read_roster
    from autograder.errors import CourseError

    path = tmp_path / "class.csv"
    path.write_bytes("Username;First name;Surname\nada;Ada;Müller\n".encode("cp1252"))
    assert read_roster(path)["ada"].last == "Müller"
    for line, words in ((",x", "line 3: there is no id"), ("ada,x", "is there already"), ("../up,x", "cannot be")):
        path.write_text(f"id,first name\nada,Ada\n{line}\n", encoding="utf-8")
        with pytest.raises(CourseError, match=words):
            read_roster(path)
    rows = list(csv.reader(io.StringIO(read_sheet(path).content().decode())))
    assert rows[0] == ["id", "first name"]
