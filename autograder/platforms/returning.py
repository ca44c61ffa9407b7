"""What goes back to a platform: the sheet with its marks, and Moodle's zip of feedback files."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course.folders import Course
from autograder.course.sheets import read_sheet
from autograder.files import write_atomically
from autograder.platforms.filling import Filled, fill
from autograder.platforms.layouts import MOODLE
from autograder.term.class_table import ClassTable
from autograder.term.collected import Collected, read_collection

FOLDER = "export"  # within results/<practical>/


@dataclass(frozen=True)
class Returned:
    """The files, and who is in them."""

    paths: Sequence[Path]
    filled: Filled
    feedback: int  # pages in the zip


def give_back(
    course: Course, table: ClassTable, platform: str, sheet: Path, column: str = "", unmarked: bool = False
) -> Returned:
    """Fill in a copy of the platform's sheet, and pack the feedback. CourseError as ``fill`` raises it."""
    collected = read_collection(course.results).students
    filled = fill(read_sheet(sheet), platform, table, collected, column, unmarked)
    folder = course.results / FOLDER
    paths = [folder / sheet.name]
    write_atomically(paths[0], filled.sheet.content())
    pages = feedback_pages(course, collected, filled.filled)
    if platform == MOODLE and pages:
        paths.append(folder / "feedback-for-moodle.zip")
        write_atomically(paths[-1], _zipped(pages))
    return Returned(paths, filled, len(pages))


def feedback_pages(course: Course, collected: Mapping[str, Collected], students: Sequence[str]) -> dict[str, bytes]:
    """The pages of these students, in folders that are named as they were downloaded."""
    found = {}
    for name in students:
        folder = collected[name].folder if name in collected else ""
        page = course.root / "feedback" / name / course.name / f"{course.name}.html"
        if folder and page.is_file():
            found[f"{folder}/{course.name}-feedback.html"] = page.read_bytes()
    return found


def _zipped(pages: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, page in sorted(pages.items()):
            archive.writestr(name, page)
    return content.getvalue()
