"""The practical's own release, and the file that it is generated into."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from toy_course import toy, without_markers

from autograder.assignment import load_assignment
from autograder.authoring import blank, fill, generate, read_source, solutions, strip_mark_schemes
from autograder.authoring.cells import parse_cell
from autograder.errors import CourseError

ROOT = Path(__file__).parent.parent

# --- files


OLD = b'{"cells": [], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}'


def test_a_source_that_is_missing_or_no_notebook_is_a_fault_of_the_course(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="There is no source notebook"):
        generate(tmp_path, "sac")
    path = tmp_path / "source" / "sac" / "sac.ipynb"
    path.parent.mkdir(parents=True)
    for content in (
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5}',
        b'{"cells": []}',
        OLD,
    ):
        path.write_bytes(content)
        with pytest.raises(CourseError, match=r"sac\.ipynb") as caught:
            generate(tmp_path, "sac")
        assert caught.value.next_step
    assert not (tmp_path / "release").exists()


def test_a_notebook_whose_cells_lack_ids_is_refused_since_no_release_of_it_is_like_another(tmp_path: Path) -> None:
    notebook = toy()
    notebook.cells[1].id = notebook.cells[0].id
    path = tmp_path / "source" / "toy" / "toy.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.v4.writes(notebook), encoding="utf-8")
    with pytest.raises(CourseError, match="two with the same one"):
        read_source(tmp_path, "toy")


# --- the practical itself

SAC = load_assignment("sac")


@pytest.fixture(scope="module")
def source() -> NotebookNode:
    return read_source(ROOT, "sac")


@pytest.fixture(scope="module")
def release(source: NotebookNode) -> NotebookNode:
    return strip_mark_schemes(blank(source, SAC))


def test_every_blank_of_the_practical_is_open_in_its_release(source: NotebookNode, release: NotebookNode) -> None:
    text = "\n".join(cell.source for cell in release.cells if cell.metadata.get("nbgrader", {}).get("solution"))
    inline = sum("= ...  # YOUR CODE HERE" in line for line in text.splitlines())
    blocks = text.count('raise NotImplementedError("YOUR CODE HERE in ')
    assert inline + blocks == len(SAC.blanks) == len(solutions(source, SAC))
    assert blocks == 6
    assert text.count("*YOUR ANSWER HERE*") == len(SAC.written)


def test_the_practical_s_release_parses_in_every_cell_and_shows_no_marker(release: NotebookNode) -> None:
    for cell in release.cells:
        assert "### " + "BEGIN" not in cell.source
        assert "### SOLUTION" not in cell.source
        if cell.cell_type == "code":
            parse_cell(cell.source)


def test_no_solution_is_left_anywhere_in_the_practical_s_release(source: NotebookNode, release: NotebookNode) -> None:
    shown = "\n".join(" ".join(cell.source.split()) for cell in release.cells)
    hidden = solutions(source, SAC)
    # the practical's own update_alpha, which is given, asks the actor just like this
    assert hidden.pop("policy.sample") == "actor.get_action(data.observations)"
    for blank_id, text in hidden.items():
        for line in text.splitlines():
            if "(" in line and not line.strip().startswith("with "):
                assert " ".join(line.split()) not in shown, f"{blank_id}: {line.strip()}"


def test_filled_with_its_own_solutions_the_practical_is_its_source_without_the_markers(source: NotebookNode) -> None:
    for cell, filled in zip(source.cells, fill(source, SAC, solutions(source, SAC)).cells, strict=True):
        if cell.cell_type == "code":
            assert filled.source == without_markers(cell.source)


def test_the_release_in_the_repository_is_the_one_that_its_source_gives(course: Path) -> None:
    generated = generate(course, "sac").read_bytes()
    kept = (ROOT / "release" / "sac" / "sac.ipynb").read_bytes()
    assert generated == kept, "run: autograder generate"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of its own, so that nothing is written into this one."""
    shutil.copytree(ROOT / "source", tmp_path / "source")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    return tmp_path


def test_the_release_is_byte_for_byte_what_nbgrader_generates(course: Path) -> None:
    path = generate(course, "sac")
    generated = path.read_bytes()
    path.unlink()
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # nbgrader starts alembic by name
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "sac", "--force"]
    environment = {**os.environ, "PATH": search, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=course, env=environment, check=True, capture_output=True)
    assert path.read_bytes() == generated


def test_generating_a_release_writes_that_one_file_and_nothing_else(course: Path) -> None:
    before = set(course.rglob("*"))
    path = generate(course, "sac")
    assert set(course.rglob("*")) - before == {path, path.parent, path.parent.parent}


def test_a_fault_leaves_the_earlier_release_as_it_was(course: Path) -> None:
    path = generate(course, "sac")
    before = path.read_bytes()
    source = course / "source" / "sac" / "sac.ipynb"
    source.write_text(source.read_text(encoding="utf-8").replace("### END SOLUTION", "### END", 1), encoding="utf-8")
    with pytest.raises(CourseError, match=r"is never ended|stands inside the stretch"):
        generate(course, "sac")
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["sac.ipynb"]


def test_a_configuration_that_is_missing_broken_or_would_show_markers_is_refused(course: Path) -> None:
    config = course / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8")
    config.unlink()
    with pytest.raises(CourseError, match=r"There is no nbgrader_config\.py"):
        generate(course, "sac")
    config.write_text("1 / 0", encoding="utf-8")
    with pytest.raises(CourseError, match="cannot be loaded: ZeroDivisionError"):
        generate(course, "sac")
    config.write_text(text.replace('"autograder.nbgrader_plugin.Release",', ""), encoding="utf-8")
    with pytest.raises(CourseError, match="would leave a marker in the release"):
        generate(course, "sac")
    assert not (course / "release").exists()


def test_a_release_that_cannot_be_written_is_a_fault_of_the_course(course: Path) -> None:
    (course / "release").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(CourseError, match="The release cannot be written"):
        generate(course, "sac")


def test_a_generated_release_is_for_all_to_read(course: Path) -> None:
    assert generate(course, "sac").stat().st_mode & 0o777 == 0o644
