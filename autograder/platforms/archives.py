"""Reads zip files that anybody may have packed: with limits on their number, size and depth, and nothing written."""

import io
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from autograder.errors import CourseError

MOST_FILES = 20_000  # of a class
MOST_INSIDE = 500  # of one zip that a student handed in
LARGEST = 64 * 2**20  # bytes of one file, unpacked
LARGEST_INSIDE = 256 * 2**20  # bytes of all files of one student's zip
LARGEST_OF_CLASS = 16 * 2**30
RATIO = 200  # unpacked to packed; text and notebooks stay far below
DEPTH = 3  # a zip in a zip in the class's zip
PART = 2**20


@dataclass(frozen=True)
class Member:
    """A regular file in a zip: where it stands in it, and where to find its content."""

    path: PurePosixPath  # folders of inner zips included, which are named like them
    time: datetime | None
    zips: tuple[bytes, ...] = ()  # the inner zip that it stands in, if any
    info: zipfile.ZipInfo | None = None

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.name


class UnpackError(Exception):
    """What a student packed cannot be unpacked; the message says why."""


class Archive:
    """The class's zip as it was downloaded. CourseError where it is none, or larger than any class's."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            step = "Name the zip file as the platform handed it over."
            raise CourseError(f"{path} cannot be read as a zip: {error}.", step) from error
        infos = self._zip.infolist()
        if len(infos) > MOST_FILES or sum(info.file_size for info in infos) > LARGEST_OF_CLASS:
            raise CourseError(f"{path} holds more than any class hands in.", "Collect it in parts.")

    def members(self) -> list[Member]:
        """The regular files in it, each with a path that leads nowhere else."""
        return [Member(where, _time(info), info=info) for info, where in _regular(self._zip.infolist())]

    def content(self, member: Member) -> bytes:
        """A file's content; UnpackError if it is too large, or cannot be unpacked."""
        assert member.info is not None
        if member.zips:
            with _opened(member.zips[-1]) as inner:
                return _read(inner, member.info)
        return _read(self._zip, member.info)

    def inside(self, member: Member, depth: int = 1) -> list[Member]:
        """The files in a zip that a student packed, and in the zips in it; UnpackError if it goes beyond a limit."""
        if depth >= DEPTH:
            raise UnpackError(f"{member.name} holds zips within zips")
        content = self.content(member)
        with _opened(content) as inner:
            infos = inner.infolist()
            if len(infos) > MOST_INSIDE or sum(info.file_size for info in infos) > LARGEST_INSIDE:
                raise UnpackError(f"{member.name} holds too many or too large files")
            found = []
            for info, where in _regular(infos):
                each = Member(member.path / where, _time(info), (*member.zips, content), info)
                found += self.inside(each, depth + 1) if is_zip(each) else [each]
        if len(found) > MOST_INSIDE:
            raise UnpackError(f"{member.name} holds too many files")
        return found

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def is_zip(member: Member) -> bool:
    """Whether it is named like a zip."""
    return member.path.suffix.lower() == ".zip"


def _opened(content: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UnpackError(f"it is no zip that can be read ({error})") from error


def _regular(infos: list[zipfile.ZipInfo]) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The regular files, without what systems and editors leave beside them, and their paths."""
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        parts = [part for part in info.filename.replace("\\", "/").split("/") if part not in ("", ".")]
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
        if info.is_dir() or not parts or ".." in parts or hidden or kind not in (0, stat.S_IFREG):
            continue
        yield info, PurePosixPath(*(unicodedata.normalize("NFC", part) for part in parts))


def _time(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time)
    except ValueError:
        return None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The content, read in parts: what a header says of its size is no promise."""
    if info.file_size > LARGEST or (info.file_size > PART and info.file_size > RATIO * max(info.compress_size, 1)):
        raise UnpackError(f"{PurePosixPath(info.filename).name} is too large unpacked")
    parts, size = [], 0
    try:
        with archive.open(info) as file:
            while part := file.read(PART):
                size += len(part)
                if size > LARGEST:
                    raise UnpackError(f"{PurePosixPath(info.filename).name} is too large unpacked")
                parts.append(part)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise UnpackError(f"{PurePosixPath(info.filename).name} cannot be unpacked ({error})") from error
    except Exception as error:  # zlib.error, lzma.LZMAError and what else a damaged stream raises
        if isinstance(error, UnpackError):
            raise
        raise UnpackError(f"{PurePosixPath(info.filename).name} cannot be unpacked ({error})") from error
    return b"".join(parts)
