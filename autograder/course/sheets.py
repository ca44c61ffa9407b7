"""Spreadsheet files (CSV) as others write them: any separator, any usual encoding; written back in the same way."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.errors import CourseError

SEPARATORS = (",", ";", "\t")
LARGEST = 16 * 2**20  # bytes; a sheet of 10,000 students has a tenth of that
WIDEST = 1_000_000  # characters of one field


@dataclass(frozen=True)
class Sheet:
    """A table and how its file is written."""

    rows: tuple[tuple[str, ...], ...]  # the header first
    separator: str = ","
    encoding: str = "utf-8"
    newline: str = "\r\n"

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.rows[0]

    def column(self, *names: str) -> int | None:
        """The number of the first column that bears one of these names; capitals, spaces and signs do not count."""
        known = [simple(name) for name in self.header]
        return next((known.index(simple(name)) for name in names if simple(name) in known), None)

    def with_rows(self, rows: Sequence[Sequence[str]]) -> "Sheet":
        """Another table, written in the same way."""
        return replace(self, rows=tuple(map(tuple, rows)))

    def content(self) -> bytes:
        """The file's content; every field is quoted."""
        text = io.StringIO()
        csv.writer(text, delimiter=self.separator, quoting=csv.QUOTE_ALL, lineterminator=self.newline).writerows(
            self.rows
        )
        return text.getvalue().encode(self.encoding, errors="replace")


def simple(text: str) -> str:
    """A name without what people write differently: capitals, spaces, hyphens, dots."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def read_sheet(path: Path) -> Sheet:
    """The table in a CSV file, without its empty rows. CourseError if there is none, or it cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            raise CourseError(f"{path} has more than {LARGEST // 2**20} MiB.", "Name the CSV file of the class.")
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.", "Name a CSV file.") from error
    encoding, text = _decoded(content)
    first = text.splitlines()[0] if text.strip() else ""
    separator = max(SEPARATORS, key=lambda sign: len(next(csv.reader([first], delimiter=sign), [])))
    csv.field_size_limit(WIDEST)
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)]
    except csv.Error as error:
        raise CourseError(f"{path} is no table: {error}.", "Save it as CSV (UTF-8), and name that file.") from error
    if not rows:
        raise CourseError(f"{path} is empty.", "Its first row names the columns.")
    width = len(rows[0])
    even = tuple((*row, *[""] * (width - len(row))) for row in rows)
    return Sheet(even, separator, encoding, "\r\n" if "\r\n" in text else "\n")


def _decoded(content: bytes) -> tuple[str, str]:
    """The encoding, as Python names it, and the text."""
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    marked = next((name for mark, name in marks.items() if content.startswith(mark)), "utf-8")
    for encoding in (marked, "cp1252"):
        try:
            return encoding, content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return "latin-1", content.decode("latin-1")
