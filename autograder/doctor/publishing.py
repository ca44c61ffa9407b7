"""What publishing needs: folders that can be written, room on the disk, and the libraries that make pages."""

import os
import shutil
from pathlib import Path

from autograder.annexes import annex
from autograder.course.folders import Course
from autograder.course.limits import MIB, in_words
from autograder.errors import CourseError
from autograder.grading.mark import Marking
from autograder.grading.publish import sinks

LEAST_ROOM = 256 * MIB  # bytes; what grading keeps of sixty students takes about as much


def can_publish(course: Course) -> str:
    """What was tried, in words; CourseError names the first folder that cannot be written, or what else is missing."""
    marking = Marking(course)
    folders = sorted({folder for sink in sinks(True) for folder in sink.folders(marking, course.results)})
    for folder in folders:
        _look_at(folder)
    room = shutil.disk_usage(course.root).free
    if room < LEAST_ROOM:
        raise CourseError(f"{course.root} has room for {in_words(room // MIB * MIB)} only", "Make room there.")
    try:
        pages = annex("nbgrader.gradebook")
    except Exception as error:  # a library that does not fit the others raises whatever it likes
        raise CourseError(f"nbgrader cannot be used: {error}", "pip install -c constraints.txt -e .") from error
    made = "gradebook and pages can be made" if pages else "without gradebook: autograder/nbgrader/ has been taken out"
    return f"{len(folders)} folders can be written; {room // 2**30} GiB of room; {made}"


def _look_at(folder: Path) -> None:
    """CourseError if the folder, or where it is to be made, is none or cannot be written. Nothing is made."""
    there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not there.is_dir():
        raise CourseError(f"{there} is no folder", f"Move it away: mv '{there}' '{there}.old'")
    if not os.access(there, os.W_OK | os.X_OK):
        raise CourseError(f"{there} cannot be written", f"Give yourself the right: chmod u+rwx '{there}'")
    locked = os.statvfs(there).f_flag & os.ST_RDONLY
    if locked:
        raise CourseError(f"{there} lies on a disk that is mounted read-only", "Put the course on another disk.")
