"""The class report."""

from pathlib import Path
from typing import Any

from autograder.course.folders import Course


def write_report(course: Course, target: Path) -> tuple[dict[str, Any], list[Path]]:
    """Write it."""
    raise NotImplementedError
