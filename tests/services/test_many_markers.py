"""Several people mark at once: a gradebook on a PostgreSQL server, used as a file is by the kit and by nbgrader."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from servers import postgresql
from small_course import NAME, hand_in, run, said, small_course
from test_term import table

CLASS = {f"s{number}": "3 * x" if number % 3 == 0 else "2 * x" for number in range(6)}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgresql(tmp_path_factory.mktemp("server") / "postgresql") as found:
        yield found


@pytest.fixture(scope="module")
def course(address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class that was graded into that gradebook."""
    root = small_course(tmp_path_factory.mktemp("course"))
    (root / "course.toml").write_text("[practicals.hw-1]\ndue = 2026-11-24\n[late]\npercent_per_day = 10\n", "utf-8")
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f'\nc.CourseDirectory.db_url = "{address}"\nc.CourseDirectory.course_id = "winter"\n')
    for student, double in CLASS.items():
        hand_in(root, student, double=double)
    late = root / f"submitted/s1/{NAME}/timestamp.txt"
    late.write_text("2026-11-25 12:00:00 UTC", encoding="utf-8")
    done = run("grade", root, "--jobs", "1")
    assert done.exit_code == 0, said(done)
    return root


def mark(address: str, student: str) -> None:
    """Mark one answer, over a connection of one's own."""
    with Gradebook(address) as book:
        grade = book.find_grade("why", NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        book.find_comment("why", NAME, NAME, student).manual_comment = f"Well argued, {student}."
        book.db.commit()


def test_marks_that_several_people_give_at_once_all_arrive_and_stay(course: Path, address: str) -> None:
    with ThreadPoolExecutor(len(CLASS)) as markers:
        list(markers.map(lambda student: mark(address, student), CLASS))
    assert run("grade", course, "--jobs", "1", "--force").exit_code == 0
    assert run("export", "--course", course).exit_code == 0
    found = table(course / f"results/{NAME}/class.csv", "id")
    right = {student: "6.5" if double == "2 * x" else "4.5" for student, double in CLASS.items()}
    assert {student: row["total"] for student, row in found.items()} == right | {"s1": "5.8"}  # late: a tenth of 7
    assert "Well argued, s2." in (course / f"feedback/s2/{NAME}/{NAME}.html").read_text(encoding="utf-8")
    assert not (course / "gradebook.db").exists()


def test_an_unchanged_class_is_not_entered_again(course: Path) -> None:
    assert run("grade", course, "--jobs", "1").exit_code == 0
    before = {path: path.stat().st_mtime_ns for path in course.glob(f"*/*/{NAME}/{NAME}.*")}
    assert run("grade", course, "--jobs", "1").exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


ID = '\nc.CourseDirectory.course_id = "winter"'


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (f'db_url = "postgresql://marker:secret@/x?host=/nowhere"{ID}', "Start its server"),
        (f'db_url = "postgresql+pg8000://marker:secret@/x"{ID}', "Install what speaks to it"),
        ('db_url = "postgresql://marker:secret@/x"', "c.CourseDirectory.course_id = "),
        (f'db_url = "my gradebook"{ID}', "cannot be used"),
    ],
    ids=["no server", "no driver", "no id", "no address"],
)
def test_a_server_that_cannot_be_used_is_told_before_work_and_without_the_password(
    settings: str, words: str, tmp_path: Path
) -> None:
    root = small_course(tmp_path / "course")
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"\nc.CourseDirectory.{settings}\n")
    hand_in(root, "ada")
    done = run("grade", root, "--jobs", "1")
    assert done.exit_code == 2
    assert words in said(done)
    assert "secret" not in said(done)
    assert not (root / f"results/{NAME}/students").exists()
