"""Work in processes that may be killed: what kills them is given up alone, and nobody's work is lost."""

import os
import signal
from pathlib import Path

import pytest

from autograder.grading.executors import done_by_workers


def squared(number: int) -> int:
    """What a worker does; some numbers are the death of it."""
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def refuse(number: int) -> int:
    """Work that cannot be done."""
    raise ValueError(f"no {number}")


def killed_once(path: Path) -> str:
    """Work that is killed the first time."""
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def test_what_kills_its_worker_twice_is_given_up_alone() -> None:
    outcomes = dict(done_by_workers(squared, [1, -2, 3, 4], 2, lambda number: f"lost {number}"))
    assert outcomes == {1: 1, -2: "lost -2", 3: 9, 4: 16}


def test_what_was_killed_by_chance_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "tried"
    assert list(done_by_workers(killed_once, [path], 1, str)) == [(path, "done")]


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="no 1"):
        list(done_by_workers(refuse, [1], 1, str))
