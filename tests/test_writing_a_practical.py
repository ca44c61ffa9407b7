"""From ``autograder new`` to a finished practical, as docs/writing-a-practical.md leads, in a course elsewhere."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner, Result

from autograder.authoring.new import SKELETON
from autograder.cli import app
from autograder.course.practical import load_practical
from autograder.doctor.examination import examine

KIT = Path(__file__).parent.parent
PAGE = (KIT / "docs/writing-a-practical.md").read_text(encoding="utf-8")
README = (KIT / "README.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
OTHERS = re.findall(r"^ {4,}(?:autograder|nbgrader|cp|mkdir) .*", PAGE, re.MULTILINE)
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "300"})


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with no practical, in a path with a space."""
    root = tmp_path / "my course"
    root.mkdir()
    shutil.copy(KIT / "nbgrader_config.py", root)
    return root


def test_every_command_of_the_page_succeeds_in_its_order(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {language for language, _ in FENCED} == {"sh"}
    assert not OTHERS, "a command stands where it is not run"
    monkeypatch.chdir(course)
    said = ""
    for line in "".join(commands for _, commands in FENCED).splitlines():
        program, *words = shlex.split(line)
        if program == "autograder":
            done = run(*words)
            assert done.exit_code == 0, f"{line}\n{done.output}"
            said += done.stdout
        else:
            subprocess.run([program, *words], check=True)
    assert "0 of 3 points" in said
    assert "3 of 3 points" in said
    assert (course / "feedback/nobody/hw-1/hw-1.html").exists()


def test_the_page_leads_in_six_steps_and_its_files_are_the_skeletons() -> None:
    assert re.findall(r"^## (\d)\. ", PAGE, re.MULTILINE) == list("123456")
    for path in re.findall(r"`((?:source|solutions)/hw-1/[\w/.-]+\.(?:py|toml))`", PAGE):
        assert (SKELETON / path.replace("hw-1", "PRACTICAL")).exists(), path


def test_the_skeleton_grades_right_wrong_and_untouched_answers(course: Path) -> None:
    assert run("new", "hw-1", "--course", course).exit_code == 0
    assert run("generate", "--course", course).exit_code == 0
    found = json.loads(run("verify", "--course", course, "--jobs", "1", "--json").stdout)
    assert found["problems"] == {}
    assert found["per_blank"] == {
        blank: {"right": 1, "wrong": 1} for blank in load_practical(course).blanks if "." in blank
    }
    untouched = json.loads(run("check", course / "release/hw-1/hw-1.ipynb", "--course", course, "--json").stdout)
    assert {question["status"] for question in untouched["questions"]} == {"not attempted"}


def test_the_skeletons_notebook_is_valid_runs_when_solved_and_says_which_blank_is_open(course: Path) -> None:
    run("new", "hw-1", "--course", course)
    run("generate", "--course", course)
    solved, release = (
        nbformat.read(course / folder / "hw-1/hw-1.ipynb", as_version=4) for folder in ("solutions", "release")
    )
    nbformat.validate(solved)
    names: dict[str, object] = {}
    for cell in (cell for cell in solved.cells if cell.cell_type == "code"):
        exec(cell.source, names)
    assert names.keys() - {"__builtins__"} == {"np", "predict", "gradient"}
    codes = [cell.source for cell in release.cells if cell.cell_type == "code"]
    with pytest.raises(AssertionError, match="predict is still open"):
        exec("\n".join(codes[:3]), {})
    with pytest.raises(NotImplementedError, match="gradient"):
        exec("\n".join([*codes[:2], *codes[3:]]), {})


def test_the_doctor_names_what_still_says_that_it_is_to_be_changed(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.doctor.examination.NAMES", ())  # the machine is looked at elsewhere
    run("new", "hw-1", "--course", course)
    (found,) = (item for item in examine(course) if item.subject == "skeleton of hw-1")
    for place in ("Cell 'title'", "Cell 'question-minimum'", f"{course}/solutions/hw-1/checks.py", "answers.toml"):
        assert place in found.found
    for path in (path for path in course.rglob("*") if path.suffix in (".py", ".toml", ".ipynb")):
        path.write_text(path.read_text(encoding="utf-8").replace("TO CHANGE", "Note"), encoding="utf-8")
    assert not [item for item in examine(course) if item.subject == "skeleton of hw-1"]


def test_what_comes_next_is_said_for_the_course_that_was_named(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run("new", "hw-1", "--course", course).stdout
    assert f"autograder generate --assignment hw-1 --course '{course}'" in said
    monkeypatch.chdir(course)
    assert "autograder verify --assignment hw-2 " in run("new", "hw-2").stdout


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/tmp/x", "hw 1", "-x", "hw+1", "übung"])
def test_a_name_that_is_none_is_refused(course: Path, name: str) -> None:
    done = run("new", "--course", course, "--", name)
    assert done.exit_code == 2
    assert "is no name for a practical" in done.stderr
    assert [path.name for path in course.iterdir()] == ["nbgrader_config.py"]


@pytest.mark.parametrize("part", ["source", "release", "solutions"])
def test_nothing_that_is_there_is_overwritten(course: Path, part: str) -> None:
    (course / part / "HW-1").mkdir(parents=True)
    done = run("new", "hw-1", "--course", course)
    assert done.exit_code == 2
    assert f"{course}/{part}/HW-1 is there already" in done.stderr
    assert not [path for path in course.rglob("*") if path.is_file() and path.name != "nbgrader_config.py"]


def test_a_folder_that_is_no_course_is_refused(tmp_path: Path) -> None:
    done = run("new", "hw-1", "--course", tmp_path)
    assert done.exit_code == 2
    assert "There is no nbgrader_config.py" in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_installed_kit_carries_the_skeleton() -> None:
    data = tomllib.loads((KIT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    room = SKELETON.parent
    carried = {path for pattern in data["autograder.authoring"] for path in room.glob(pattern)}
    files = {path for path in SKELETON.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert len(files) == 4
    assert files <= carried


def test_the_readme_says_the_points_and_the_questions_of_the_kits_practical() -> None:
    practical = load_practical(KIT, "sac")
    machine, hand = sum(each.points for each in practical.questions), sum(practical.written.values())
    ten, three = NUMBERS[len(practical.questions)], NUMBERS[len(practical.written)]
    words = f"{machine} points by machine for {ten} questions, {hand} by hand for {three} written answers"
    assert words in " ".join(README.split())
