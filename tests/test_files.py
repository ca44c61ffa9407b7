"""Files are written in full or not at all."""

from pathlib import Path

import pytest

from autograder.files import write_atomically


def test_text_and_bytes_are_written_as_they_are_into_folders_made_for_them(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    write_atomically(path, "ä\r\n")
    assert path.read_bytes() == b"\xc3\xa4\r\n"
    write_atomically(path, b"\xff")
    assert path.read_bytes() == b"\xff"
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]


def test_what_was_there_stays_if_writing_fails_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.mkdir()
    (path / "kept").touch()
    with pytest.raises(OSError, match=r"file\.txt"):
        write_atomically(path, "new")
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]
    assert (path / "kept").exists()
