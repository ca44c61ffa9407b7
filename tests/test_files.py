"""Files are written in full or not at all."""

import errno
import os
from pathlib import Path

import pytest

from autograder.errors import file_fault
from autograder.files import check_writable, write_atomically


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


def test_a_full_disk_is_told_with_the_file_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    write_atomically(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]
    fault = file_fault(caught.value)
    assert fault.message == f"{path}: No space left on device."
    assert fault.next_step.startswith("Make room there")


def test_a_folder_is_known_to_be_writable_or_not_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new/folder").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file") as caught:
        check_writable(tmp_path / "file" / "folder")
    assert caught.value.filename == str(tmp_path / "file/folder")
