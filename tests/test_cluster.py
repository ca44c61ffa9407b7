"""A class graded by the workers of a cluster: a scheduler and workers, real processes, on the loopback interface."""

import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_processes import LoopbackCluster, killed_by_zoe, loopback, of_another_version, without_a_sandbox
from grader_process import Grader
from small_course import hand_in, run, said, small_course

from autograder.cluster import batch, calling

ANSWERS = {"ada": "2 * x", "bob": "3 * x", "cleo": "abs(2 * x)", "dan": "1 / 0", "eve": "__import__('os')._exit(0)"}


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class, with one whose file is no notebook and one who handed in two."""
    root = small_course(tmp_path_factory.mktemp("class") / "my course")
    for student, answer in ANSWERS.items():
        hand_in(root, student, double=answer)
    hand_in(root, "fay", "no notebook")
    hand_in(root, "gil")
    (root / "submitted/gil.ipynb").write_text("{}", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def local(handed_in: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run without a cluster finds out."""
    root = Path(shutil.copytree(handed_in, tmp_path_factory.mktemp("local") / "my course"))
    run("grade", root, "--jobs", "1", "--no-gradebook")
    return found(root)


@pytest.fixture
def course(handed_in: Path, tmp_path: Path) -> Path:
    """The class for one test, not graded yet."""
    return Path(shutil.copytree(handed_in, tmp_path / "my course"))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LoopbackCluster]:
    """A cluster for one test, without workers."""
    with loopback(tmp_path) as started:
        yield started


def found(root: Path) -> dict[str, Any]:
    """The results that are kept, by student, but for what differs from course to course and from run to run."""
    files = sorted((root / "results/hw-1/students").glob("[!.]*.json"))
    texts = [file.read_text(encoding="utf-8").replace(str(root), "the course") for file in files]
    return {each["student"]: {**each, "seconds": 0} for each in map(json.loads, texts)}


def mended(root: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (root / "results/hw-1/mended").glob("[!.]*.ipynb")}


def test_workers_that_die_join_late_or_must_refuse_change_no_mark(
    cluster: LoopbackCluster, course: Path, local: dict[str, Any]
) -> None:
    cluster.worker(without_a_sandbox)
    cluster.worker(of_another_version)
    first = cluster.command()
    grader = Grader(course, "--scheduler", cluster.address, "--no-gradebook")
    grader.wait_for(lambda: len(found(course)) > len({"gil"}))
    os.kill(first.workers[0], signal.SIGKILL)
    cluster.worker()
    assert grader.finished() == 1, grader.said  # fay and gil could not be graded
    assert found(course) == local
    assert grader.said.count("does not grade: This machine has no sandbox that works.") == 1
    assert "does not grade: It would give other marks: the kit is 0.9 (" in grader.said
    assert "Traceback" not in grader.said
    os.kill(first.process.pid or 0, signal.SIGINT)
    assert first.finished() == 130
    assert "Stopped. The workers have left; what they were grading goes to others." in first.said
