"""docs/security.md names what is there: modules, tests, and the attacks of its table."""

import re
from pathlib import Path

import pytest

from benchmarks.attacks import load_attacks

KIT = Path(__file__).parent.parent
PAGE = (KIT / "docs" / "security.md").read_text(encoding="utf-8")
TICKED = re.findall(r"`([^`\n]+)`", PAGE)
FILES = sorted({word for word in TICKED if re.fullmatch(r"[\w/]+\.(py|md|toml)", word)})
FOLDERS = sorted({word for word in TICKED if re.fullmatch(r"[a-z]\w*(/[a-z]\w*)*/", word)})
TESTS = sorted({word for word in TICKED if re.fullmatch(r"test_\w+…?", word)})
ROOMS = ("", "autograder", "solutions/sac", "tests")
WRITTEN_BY_GRADING = ("submitted/",)


@pytest.mark.parametrize("name", FILES)
def test_every_file_that_it_names_is_there(name: str) -> None:
    assert any((KIT / room / name).is_file() for room in ROOMS)


@pytest.mark.parametrize("name", [name for name in FOLDERS if name not in WRITTEN_BY_GRADING])
def test_every_folder_that_it_names_is_there(name: str) -> None:
    assert any((KIT / room / name).is_dir() for room in ROOMS)


@pytest.mark.parametrize("name", TESTS)
def test_every_test_that_it_names_is_there(name: str) -> None:
    begins = f"def {name.removesuffix('…')}"
    assert any(begins in path.read_text(encoding="utf-8") for path in (KIT / "tests").glob("test_*.py"))


def test_its_table_has_a_row_for_every_attack_and_for_no_other() -> None:
    rows = re.findall(r"^\| `([\w-]+)`: ", PAGE, re.MULTILINE)
    assert rows == list(load_attacks())


def test_it_names_something_of_each_kind() -> None:
    assert FILES
    assert FOLDERS
    assert TESTS
