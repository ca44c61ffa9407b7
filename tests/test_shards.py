"""A class in shards, as the jobs of an array grade it: each by a process of its own, and one last run publishes."""

import json
from collections import Counter
from pathlib import Path

import pytest
from grader_process import Grader
from small_course import asked, hand_in, run, said, small_course

from autograder.grading.locking import only_grader, shard_grader

ANSWERS = {"ada": ("2 * x", 5), "bob": ("3 * x", 3), "cleo": ("abs(2 * x)", 4.5)}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = small_course(tmp_path / "my course")
    for student, (answer, _) in ANSWERS.items():
        hand_in(root, student, double=answer)
    return root


def test_shards_at_once_and_one_last_run_give_everyone_the_marks_of_one_run_and_ask_nobody_twice(course: Path) -> None:
    parts = [Grader(course, "--shard", f"{number}/2", "--jobs", "1", log=f"{number}.log") for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        assert part.finished() == 0, part.said
        assert f"This was part {number}/2 of the class. Nothing is published yet." in part.said
    assert asked(course) == Counter(double=3, shift=3)
    assert {path.stem for path in (course / "results/hw-1/students").glob("*.json")} == ANSWERS.keys()
    assert not (course / "results/hw-1/results.csv").exists()
    assert not (course / "gradebook.db").exists()
    last = run("grade", course, "--jobs", "1", "--no-gradebook", "--json")
    found = {each["student"]: each["points"] for each in json.loads(last.stdout)["results"]}
    assert found == {student: points for student, (_, points) in ANSWERS.items()}
    assert not asked(course)
    assert (course / "results/hw-1/results.csv").exists()


def test_a_shard_works_beside_others_and_not_beside_a_grader_of_the_whole_class(course: Path) -> None:
    with shard_grader(course / "results/hw-1"):
        assert run("grade", course, "--jobs", "1", "--shard", "4/4").exit_code == 0  # nobody is left for it
        whole = run("grade", course, "--jobs", "1")
        assert whole.exit_code == 2
        assert "Another grader is at work on" in said(whole)
    with only_grader(course / "results/hw-1"):
        part = run("grade", course, "--jobs", "1", "--shard", "1/2")
        assert part.exit_code == 2
        assert "Another grader is at work on" in said(part)
    assert not asked(course)


@pytest.mark.parametrize("words", ["0/3", "4/3", "3", "1/0", "a/b", "-1/3", "1/3/5"])
def test_what_is_no_part_of_a_class_is_refused(course: Path, words: str) -> None:
    done = run("grade", course, f"--shard={words}")
    assert done.exit_code == 2
    assert f"--shard {words} is no part of a class. Write 3/10, say, for the third of ten parts." in said(done)
