"""The first step of every make target says which Python it needs, before anything else is printed or made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def make_with(python: Path | str, folder: Path, kit: Path) -> tuple[int, str]:
    """The exit code and the first line of ``make demo`` with that interpreter, in a folder of its own."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(kit / name, folder)
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", f"PYTHON={python}", "demo"]
    done = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False)
    assert not (folder / ".venv").exists()
    return done.returncode, done.stdout.splitlines()[0]


def interpreter_of(version: tuple[int, int, int], folder: Path) -> Path:
    """An interpreter that takes itself for one of that version."""
    path = folder / "python"
    pretend = f"import sys; sys.version_info = {version}; exec(sys.argv[1])"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{pretend}" "$2"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("version", "is_too"), [((3, 10, 13), "old"), ((2, 7, 18), "old"), ((3, 14, 0), "new"), ((4, 0, 0), "new")]
)
def test_a_python_that_the_kit_does_not_work_with_is_named_in_the_first_line(
    version: tuple[int, int, int], is_too: str, tmp_path: Path, kit: Path
) -> None:
    code, line = make_with(interpreter_of(version, tmp_path), tmp_path, kit)
    assert code != 0
    assert line.startswith(f"Python {'.'.join(map(str, version))} is too {is_too}: Python 3.11, 3.12 or 3.13 is needed")


def test_a_python_that_is_not_there_is_named_in_the_first_line(tmp_path: Path, kit: Path) -> None:
    code, line = make_with("python0.0", tmp_path, kit)
    assert code != 0
    assert line.startswith("There is no python0.0 here: Python 3.11, 3.12 or 3.13 is needed")
