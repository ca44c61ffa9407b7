"""Submissions are found where students put them, and whoever handed in something is never passed over in silence."""

from pathlib import Path

import pytest

from autograder.course.folders import Unclear, find_submissions
from autograder.errors import CourseError
from autograder.records import Submission


def lay(folder: Path, *names: str) -> Path:
    """A folder with those files in it."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")
    return folder


def found(folder: Path) -> dict[str, Submission | Unclear]:
    clear, unclear = find_submissions(folder, "sac")
    both: list[Submission | Unclear] = [*clear, *unclear]
    return {item.student: item for item in both}


@pytest.mark.parametrize(
    "name", ["alice.ipynb", "alice/any.ipynb", "alice/sac.ipynb", "alice/sac/sac.ipynb", "alice.IPYNB"]
)
def test_every_layout_is_understood(tmp_path: Path, name: str) -> None:
    submission = found(lay(tmp_path, name))["alice"]
    assert isinstance(submission, Submission)
    assert submission.path == tmp_path / name


def test_a_renamed_notebook_is_taken_and_told(tmp_path: Path) -> None:
    submission = found(lay(tmp_path, "alice/sac/homework.ipynb"))["alice"]
    assert isinstance(submission, Submission)
    assert submission.note == "homework.ipynb was graded as sac.ipynb."


def test_other_notebooks_beside_the_right_one_are_left_and_told(tmp_path: Path) -> None:
    submission = found(lay(tmp_path, "alice/sac/sac.ipynb", "alice/sac/old.ipynb"))["alice"]
    assert isinstance(submission, Submission)
    assert submission.path.name == "sac.ipynb"
    assert "old.ipynb" in submission.note


def test_a_script_counts_where_there_is_no_notebook_and_that_is_told(tmp_path: Path) -> None:
    lay(tmp_path, "alice/sac/sac.py", "bob/sac/sac.ipynb", "bob/sac/helpers.py", "grade_all.py")
    (tmp_path / "carol.py").write_text("#!/usr/bin/env python\n\n# In[3]:\n\nimport sys\n", encoding="utf-8")
    submissions = found(tmp_path)
    assert submissions.keys() == {"alice", "bob", "carol"}
    for student, name in (("alice", "sac.py"), ("carol", "carol.py")):
        submission = submissions[student]
        assert isinstance(submission, Submission)
        assert submission.note.startswith(f"{name} is a script")
        assert "Hand in sac.ipynb itself" in submission.note
    assert submissions["bob"] == Submission("bob", tmp_path / "bob/sac/sac.ipynb")


def test_two_scripts_of_one_student_are_both_named(tmp_path: Path) -> None:
    unclear = found(lay(tmp_path, "alice/sac/one.py", "alice/sac/two.py"))["alice"]
    assert isinstance(unclear, Unclear)
    assert "one.py" in unclear.reason
    assert "two.py" in unclear.reason


@pytest.mark.parametrize(
    "names",
    [("alice.ipynb", "alice/sac/sac.ipynb"), ("alice/one.ipynb", "alice/two.ipynb"), ("alice.ipynb", "alice.IPYNB")],
)
def test_two_submissions_of_one_student_are_named_both_and_neither_is_taken(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    unclear = found(lay(tmp_path, *names))["alice"]
    assert isinstance(unclear, Unclear)
    assert all(str(tmp_path / name) in unclear.reason for name in names)
    assert "Keep the one that counts" in unclear.reason


@pytest.mark.parametrize("name", ["alice/sac/homework.pdf", "alice/notes.txt"])
def test_a_student_whose_folder_holds_no_notebook_is_told_of(tmp_path: Path, name: str) -> None:
    unclear = found(lay(tmp_path, name, "bob.ipynb"))["alice"]
    assert isinstance(unclear, Unclear)
    assert "There is no notebook of alice" in unclear.reason
    assert "alice/sac/sac.ipynb" in unclear.reason


def test_an_empty_folder_of_the_assignment_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "alice/sac").mkdir(parents=True)
    assert isinstance(found(tmp_path)["alice"], Unclear)


def test_who_handed_in_another_assignment_alone_did_not_hand_in_this_one(tmp_path: Path) -> None:
    assert list(found(lay(tmp_path, "alice/dqn/dqn.ipynb", "bob.ipynb"))) == ["bob"]


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = lay(tmp_path / "elsewhere", "sac/sac.ipynb")
    (tmp_path / "class").mkdir()
    (tmp_path / "class/alice").symlink_to(elsewhere)
    assert isinstance(found(tmp_path / "class")["alice"], Unclear)


def test_results_and_what_programs_leave_behind_are_no_students(tmp_path: Path) -> None:
    lay(tmp_path, "bob.ipynb", ".ipynb_checkpoints/bob.ipynb", "__MACOSX/bob.ipynb", "results/results.json")
    clear, unclear = find_submissions(tmp_path, "sac", apart=[tmp_path / "results"])
    assert [item.student for item in clear] == ["bob"]
    assert not unclear


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_that_is_missing_or_empty_is_a_fault_with_a_next_step(tmp_path: Path, make: bool) -> None:
    folder = tmp_path / "class"
    if make:
        folder.mkdir()
    with pytest.raises(CourseError, match=str(folder)) as caught:
        find_submissions(folder, "sac")
    assert caught.value.next_step
