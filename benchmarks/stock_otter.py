"""The stock course as an instructor makes it for otter-grader, and ``otter run``, behind the walls of stock nbgrader.

otter-grader, too, runs students' code as the user who grades, in the kernel that runs the tests.
"""

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from benchmarks.attacks import grade_id
from benchmarks.other_graders import otter_zip, points_in
from benchmarks.stock_nbgrader import COURSE, SECONDS, Stock, walled_off

HOSTS = Path("/etc/hosts")  # otter-grader listens at localhost, and looks that name up
# otter-grader tells a student the line of this file that failed, so that line holds none of the tests' text
TEST = """OK_FORMAT = False

from otter.test_files import test_case

name = {name!r}
points = {points!r}

TESTS = r'''
{text}
'''


@test_case(hidden=True)
def test(env):
    exec(TESTS, env)
"""


def written(question: str, points: float, text: str) -> str:
    """A test file in otter-grader's exception-based format, which runs this text in the student's environment."""
    assert "'''" not in text
    return TEST.format(name=question, points=points, text=text)


@dataclass(frozen=True)
class OtterCourse:
    """A course of otter-grader in a folder of its own; copies of it are graded with ``program``."""

    folder: Path
    program: Path

    @classmethod
    def made(
        cls, folder: Path, stock: Stock, assignment: str, worth: Mapping[str, float], program: Path
    ) -> "OtterCourse":
        """A new course with the notebooks of the stock course, whose check cells become test files."""
        for part in ("source", "release", ".home"):  # what stands in its home was made once for all copies
            if (stock.folder / part).exists():
                shutil.copytree(stock.folder / part, folder / part)
        (source,) = (folder / "source" / assignment).glob("*.ipynb")
        texts = {grade_id(cell): cell.source for cell in nbformat.read(source, as_version=4).cells}
        (folder / "tests").mkdir()
        for question, points in worth.items():
            text = written(question, points, texts[f"check-{question}"])
            (folder / "tests" / f"{question.replace('-', '_')}.py").write_text(text, encoding="utf-8")
        otter_zip(folder, program)
        return cls(folder, program)

    def submitted(self, student: str, assignment: str) -> Path:
        """Where the notebook lies that the student handed in."""
        return self.folder / "submitted" / student / assignment / f"{assignment}.ipynb"

    def tried(self, student: str) -> bool:
        """Whether the student's notebook was run before, whatever came of it."""
        return (self.folder / "results" / student).exists()

    def run(self, assignment: str, students: Sequence[str]) -> dict[str, str]:
        """Grade one student after the other, walled off; what each run said. All share the limit of a stock batch."""
        end, said = time.monotonic() + SECONDS, dict[str, str]()
        for student in students:
            notebook, results = self.submitted(student, assignment), self.folder / "results" / student
            results.mkdir(parents=True, exist_ok=True)
            inside = [f"{COURSE}/{path.relative_to(self.folder)}" for path in (results, notebook)]
            words = [str(self.program), "run", "--no-logo", "-a", f"{COURSE}/autograder.zip", "-o", *inside]
            try:
                done = subprocess.run(  # noqa: S603 - our own command
                    [*walled_off(self.folder, self.program.parents[1], HOSTS), *words],
                    capture_output=True,
                    errors="replace",
                    text=True,
                    timeout=max(end - time.monotonic(), 0),
                )
            except subprocess.TimeoutExpired:
                said[student] = f"TimeoutError: ended after {SECONDS} s from outside"
                break
            said[student] = done.stdout + done.stderr
        return said

    def results(self, student: str) -> str:
        """The text of the student's results.json; empty if there is none."""
        path = self.folder / "results" / student / "results.json"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def points(self, student: str) -> dict[str, float] | None:
        """What the student's results.json says by question; None if there is none, or none that can be read."""
        try:
            return points_in(self.results(student))
        except (ValueError, KeyError, TypeError):
            return None
