"""What ``autograder generate`` writes: the practical's own release and solved notebook, and the files they stand in."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import sac_course
from nbformat import NotebookNode
from odd_cells import odd, odd_course, solutions, without_markers
from small_course import KIT, NAME

from autograder.authoring import blank, generate, solved, strip_mark_schemes
from autograder.course.practical import Practical, load_practical
from autograder.errors import CourseError
from autograder.notebook.python import read_python

# --- files

OLD = b'{"cells": [], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}'
CELLS = b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5}'
TWINS = odd()
TWINS.cells[1].id = TWINS.cells[0].id


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "hw-1.ipynb is no valid notebook"),
        (b"\xff\xfe", "hw-1.ipynb cannot be read"),
        (b"[]", "hw-1.ipynb is no valid notebook"),
        (CELLS, "hw-1.ipynb is no valid notebook"),
        (b'{"cells": []}', "hw-1.ipynb is no valid notebook"),
        (OLD, "it is in nbformat 3"),
        (nbformat.v4.writes(TWINS).encode(), "two with the same one"),  # no release of it would be like another
    ],
)
def test_a_source_that_is_no_notebook_is_a_fault_of_the_course(content: bytes, words: str, tmp_path: Path) -> None:
    course = odd_course(tmp_path)
    (course / "source/hw-1/hw-1.ipynb").write_bytes(content)
    with pytest.raises(CourseError, match=words) as caught:
        generate(course, NAME)
    assert caught.value.next_step
    assert not (course / "release").exists()


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def test_generating_writes_two_files_for_all_to_read_and_nothing_else(tmp_path: Path) -> None:
    course = odd_course(tmp_path)
    before = files(course)
    release, solution = generate(course, NAME)
    assert files(course) == before | {release: release.read_bytes(), solution: solution.read_bytes()}
    assert {path.stat().st_mode & 0o777 for path in (release, solution)} == {0o644}


def test_a_fault_leaves_what_was_generated_before_as_it_was(tmp_path: Path) -> None:
    course = odd_course(tmp_path)
    generate(course, NAME)
    source = course / "source/hw-1/hw-1.ipynb"
    source.write_text(source.read_text(encoding="utf-8").replace("### END SOLUTION", "### END", 1), encoding="utf-8")
    before = files(course)
    with pytest.raises(CourseError, match=r"is never ended|stands inside the stretch|looks like a marker"):
        generate(course, NAME)
    assert files(course) == before


def test_a_configuration_that_is_missing_broken_or_would_show_markers_is_refused(tmp_path: Path) -> None:
    course = odd_course(tmp_path)
    config = course / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8")
    config.unlink()
    with pytest.raises(CourseError, match=r"There is no nbgrader_config\.py"):
        generate(course, NAME)
    for content, words in (
        ("1 / 0", "cannot be loaded: ZeroDivisionError"),
        (text.replace('"autograder.nbgrader.plugin.Release",', ""), "would leave a marker for students to see"),
        (text.replace('"autograder.nbgrader.solution.Solve",', ""), "would leave a marker for students to see"),
    ):
        config.write_text(content, encoding="utf-8")
        with pytest.raises(CourseError, match=words):
            generate(course, NAME)
    assert not (course / "release").exists()


def test_a_course_whose_configuration_names_no_steps_for_the_solution_gets_the_kits(tmp_path: Path) -> None:
    course = odd_course(tmp_path)
    _, solution = generate(course, NAME)
    before = solution.read_bytes()
    with (course / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\ndel c.GenerateSolution.preprocessors\n")
    generate(course, NAME)
    assert solution.read_bytes() == before


def test_the_link_to_colab_has_the_address_that_the_course_sets_or_is_left_out(tmp_path: Path) -> None:
    made = odd()
    made.cells[0].source = "# Two functions\n\n[Open in Colab](COLAB-ADDRESS)\n\nRead on."
    course = odd_course(tmp_path, made)
    for path in generate(course, NAME):
        assert nbformat.read(path, 4).cells[0].source == "# Two functions\n\nRead on."
    with (course / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('\nc.Release.colab_address = "https://colab.example/{practical}.ipynb"\n')
    release, _ = generate(course, NAME)
    assert "[Open in Colab](https://colab.example/hw-1.ipynb)\n" in nbformat.read(release, 4).cells[0].source


def test_a_release_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    course = odd_course(tmp_path)
    (course / "release").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(OSError, match=r"release/hw-1/hw-1\.ipynb"):
        generate(course, NAME)


def test_what_is_generated_is_byte_for_byte_what_nbgrader_generates_each_time(tmp_path: Path) -> None:
    course = odd_course(tmp_path)
    release, solution = generate(course, NAME)
    before = files(course)
    assert generate(course, NAME) == [release, solution]
    assert files(course) == before
    release.unlink()
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # nbgrader starts alembic by name
    environment = {**os.environ, "PATH": search, "PYTHONPATH": str(KIT)}
    for command in ("generate_assignment", "generate_solution"):
        words = [sys.executable, "-m", "nbgrader", command, NAME, "--force"]
        subprocess.run(words, cwd=course, env=environment, check=True, capture_output=True)
    assert release.read_bytes() == before[release]
    assert (course / "solution/hw-1/hw-1.ipynb").read_bytes() == before[solution]


# --- the practicals themselves

BLANKS = {"sac": (14, 6), "reinforce": (11, 4)}  # inside a line, and whole lines
SHOWN = {"policy.sample"}  # of SAC: its own update_alpha, which is given, asks the actor just like this


@pytest.fixture(scope="module", params=BLANKS)
def practical(request: pytest.FixtureRequest, kit: Path) -> Practical:
    return load_practical(kit, request.param)


@pytest.fixture(scope="module")
def release(practical: Practical) -> NotebookNode:
    return strip_mark_schemes(blank(practical.source, practical))


def test_what_stands_in_the_repository_is_what_its_source_gives(practical: Practical, tmp_path: Path) -> None:
    kept = practical.release_path, practical.solved_path
    for generated, path in zip(generate(sac_course(tmp_path, name=practical.name), practical.name), kept, strict=True):
        assert generated.read_bytes() == path.read_bytes(), "run: autograder generate"


def test_every_blank_of_the_practical_is_open_in_its_release(practical: Practical, release: NotebookNode) -> None:
    text = "\n".join(cell.source for cell in release.cells if cell.metadata.get("nbgrader", {}).get("solution"))
    inline = sum("= ...  # YOUR CODE HERE" in line for line in text.splitlines())
    blocks = text.count('raise NotImplementedError("YOUR CODE HERE in ')
    assert (inline, blocks) == BLANKS[practical.name]
    assert len(practical.blanks) == len(solutions(practical.source, practical)) == inline + blocks
    assert f"**{inline + blocks} blanks**" in release.cells[1].source
    assert text.count("*YOUR ANSWER HERE*") == len(practical.written)


def test_both_parse_in_every_cell_and_show_no_marker_and_no_output(practical: Practical, release: NotebookNode) -> None:
    for notebook in (release, solved(practical.source, practical)):
        nbformat.validate(notebook)
        for cell in notebook.cells:
            assert "### BEGIN" not in cell.source
            assert "### SOLUTION" not in cell.source
            assert not cell.get("outputs")
            if cell.cell_type == "code":
                read_python(cell.source)


def test_no_solution_is_left_anywhere_in_the_practical_s_release(practical: Practical, release: NotebookNode) -> None:
    shown = "\n".join(" ".join(cell.source.split()) for cell in release.cells)
    hidden = solutions(practical.source, practical)
    for blank_id, text in hidden.items() - {(name, hidden.get(name)) for name in SHOWN}:
        for line in text.splitlines():
            if "(" in line and not line.strip().startswith("with "):
                assert " ".join(line.split()) not in shown, f"{blank_id}: {line.strip()}"


def test_the_solved_practical_is_its_source_without_the_markers(practical: Practical) -> None:
    for cell, filled in zip(practical.source.cells, solved(practical.source, practical).cells, strict=True):
        if cell.cell_type == "code":
            assert filled.source == without_markers(cell.source)
