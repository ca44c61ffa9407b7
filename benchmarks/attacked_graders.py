"""Stock nbgrader, otter-grader and this kit behind one seam: each grades an attack and says what came of it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from sqlalchemy.exc import DatabaseError

from autograder.authoring import fill, generate
from autograder.course.practical import load_practical
from autograder.errors import CourseError
from autograder.files import write_atomically
from benchmarks.attacks import ROOT, Attack, grade_id, handed_in
from benchmarks.other_graders import OTTER, otter_environment
from benchmarks.stock_nbgrader import COURSE, SECONDS, Stock
from benchmarks.stock_otter import OtterCourse

NAME = "sac"
EARLIER, ATTACKER, LATER = STUDENTS = ("anna", "mallory", "zoe")  # in the order of grading
LEFT_OUT = ("training",)
LARGE = 10  # MB of a graded notebook that are worth a word
INNOCENT = Attack("", "answers rightly", "", right=True)
RAISED = re.compile(r"^\s*(?:\w+\.)*(\w*(?:Error|Exception)(?:: .*)?)$", re.M)  # the last line of a traceback
Points = Mapping[str, float]  # by question


@dataclass(frozen=True)
class Outcome:
    """What came of one batch; ``points`` and a neighbour's place are None where nothing was awarded."""

    points: Points | None
    in_all: float
    neighbours: Mapping[str, float | None]
    harmed: tuple[str, ...]
    secrets: tuple[str, ...]
    problem: str = ""

    def attacked(self, question: str) -> float:
        """The points for one question."""
        return self.points.get(question, 0.0) if self.points else 0.0

    @property
    def stopped(self) -> bool:
        """Whether a neighbour was not graded at all."""
        return None in self.neighbours.values()

    @property
    def words(self) -> str:
        """What else is to be said of it."""
        read = [f"read: {', '.join(self.secrets)}"] if self.secrets else []
        others = [_befell(name, self.neighbours[name]) for name in self.harmed] or ["the others unharmed"]
        return "; ".join([*read, *others, *filter(None, [self.problem])])


def _befell(name: str, points: float | None) -> str:
    return f"{name} was not graded" if points is None else f"{name} got {points:g}"


@dataclass(frozen=True)
class Grader(ABC):
    """One of the three, with its course made ready in ``folder``; ``release`` is what its students are handed."""

    folder: Path
    release: NotebookNode
    answers: Mapping[str, str]
    worth: Points
    canaries: Mapping[str, str]

    @property
    @abstractmethod
    def name(self) -> str:
        """What the table calls it."""

    @property
    def in_all(self) -> float:
        """What a right submission earns."""
        return sum(self.worth.values())

    def prepare(self) -> None:
        """Grade the first of the two others; every batch finds the marks there. CourseError if they are not full."""
        self._hand_in_rightly(self.folder / "course", EARLIER)
        found = self.graded(self.folder / "course").neighbours[EARLIER]
        if found != self.in_all:
            raise CourseError(f"{self.name} gave {found} of {self.in_all:g} points to right answers.")

    def batch(self, attack: Attack) -> Outcome:
        """Grade the attacker, and another after it, in a copy of the course that is thrown away."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            course = Path(shutil.copytree(self.folder / "course", Path(place) / "course"))
            notebook = handed_in(self.release, self.answers, attack, self.places(course))
            self._hand_in(course, ATTACKER, notebook)
            self._hand_in_rightly(course, LATER)
            return self.graded(course)

    def _hand_in_rightly(self, course: Path, student: str) -> None:
        notebook = handed_in(self.release, self.answers, INNOCENT, {})
        notebook.cells.append(nbformat.v4.new_markdown_cell(self.canaries["neighbour"], id="diary"))
        self._hand_in(course, student, notebook)

    def _hand_in(self, course: Path, student: str, notebook: NotebookNode) -> None:
        write_atomically(course / "submitted" / student / NAME / f"{NAME}.ipynb", nbformat.writes(notebook))

    def outcome(self, found: Mapping[str, Points | None], seen: str, problem: str = "") -> Outcome:
        """The outcome, from everybody's points and from the text that the attacker gets back."""
        sums = {student: None if points is None else sum(points.values()) for student, points in found.items()}
        neighbours = {student: sums[student] for student in (EARLIER, LATER)}
        harmed = tuple(student for student, points in neighbours.items() if points != self.in_all)
        read = tuple(kind for kind, canary in self.canaries.items() if canary in seen)
        return Outcome(found[ATTACKER], sums[ATTACKER] or 0.0, neighbours, harmed, read, problem)

    @abstractmethod
    def places(self, course: Path) -> dict[str, str]:
        """Where things lie for the attacker's code, if it can get there."""

    @abstractmethod
    def graded(self, course: Path) -> Outcome:
        """Grade what was handed in there."""


class StockNbgrader(Grader):
    """Stock nbgrader: ``nbgrader autograde``, its defaults, one kernel for a student's code and the tests."""

    @property
    def name(self) -> str:
        """See Grader."""
        return f"nbgrader {version('nbgrader')}"

    def places(self, course: Path) -> dict[str, str]:
        """See Grader."""
        return {"course": COURSE, "kit": "/kit"}

    def graded(self, course: Path) -> Outcome:
        """See Grader."""
        stock = Stock(course)
        try:
            said = stock.nbgrader("autograde", NAME).stderr
        except subprocess.TimeoutExpired:
            said = f"TimeoutError: ended after {SECONDS} s from outside"
        raised = RAISED.findall(said)
        size = stock.size(NAME, ATTACKER) // 2**20
        found_out = [f"`{raised[-1][:80]}`" if raised else "", f"a notebook of {size} MB" if size >= LARGE else ""]
        problem = "; ".join(filter(None, found_out))
        found: dict[str, Points | None] = dict.fromkeys(STUDENTS)
        try:
            found = {student: stock.points(NAME, student) for student in found}
        except DatabaseError:
            problem = "the gradebook was destroyed"
        return self.outcome(found, stock.output_of(NAME, ATTACKER), problem)


@dataclass(frozen=True)
class Otter(Grader):
    """otter-grader: one ``otter run`` for each student, its defaults, one kernel for a student's code and the tests."""

    program: Path

    @property
    def name(self) -> str:
        """See Grader."""
        return OTTER.replace("==", " ")

    def places(self, course: Path) -> dict[str, str]:
        """See Grader."""
        return {"course": COURSE, "kit": "/kit"}

    def graded(self, course: Path) -> Outcome:
        """See Grader."""
        otter = OtterCourse(course, self.program)
        # named before any of them runs, so that no student decides who is graded
        waiting = [name for name in STUDENTS if otter.submitted(name, NAME).exists() and not otter.tried(name)]
        said = otter.run(NAME, waiting)
        raised = RAISED.findall(said.get(ATTACKER, ""))
        found = {student: otter.points(student) for student in STUDENTS}
        problem = f"`{raised[-1][:80]}`" if raised and found[ATTACKER] is None else ""
        return self.outcome(found, said.get(ATTACKER, "") + otter.results(ATTACKER), problem)


class ThisKit(Grader):
    """This kit: ``autograder grade``, from a copy of the kit whose hidden checks and reference hold a secret too."""

    @property
    def name(self) -> str:
        """See Grader."""
        return "this kit"

    @property
    def kit(self) -> Path:
        """The copy of the kit."""
        return self.folder / "kit"

    def places(self, course: Path) -> dict[str, str]:
        """See Grader."""
        return {"course": str(course), "kit": str(self.kit)}

    def graded(self, course: Path) -> Outcome:
        """See Grader."""
        book = course / "gradebook.db"
        before = book.read_bytes()
        skipped = [word for question in LEFT_OUT for word in ("--skip", question)]
        words = [sys.executable, "-m", "autograder", "grade", str(course), *skipped, "--jobs", "1", "--json"]
        none: dict[str, Points | None] = dict.fromkeys(STUDENTS)
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                words, cwd=self.kit, capture_output=True, text=True, timeout=SECONDS, env={**os.environ}
            )
        except subprocess.TimeoutExpired:
            return self.outcome(none, "", f"ended after {SECONDS} s from outside")
        results = json.loads(done.stdout)["results"] if done.returncode in (0, 1) else []
        found = none | {item["student"]: self._points(item) for item in results}
        seen = "".join(json.dumps(item) for item in results if item["student"] == ATTACKER)
        changed = "" if book.exists() and book.read_bytes() == before else "the gradebook was written"
        return self.outcome(found, seen, changed)

    def _points(self, result: Mapping[str, object]) -> Points | None:
        questions = result["questions"]
        if result["fault"] or not isinstance(questions, list):
            return None
        return {item["question"]: float(item["points"]) for item in questions}


def build_graders(folder: Path, canaries: Mapping[str, str], otter: Path) -> tuple[Grader, ...]:
    """The graders with a course each, made from this practical's source; ``canaries`` by kind of secret.

    otter-grader is installed in the folder ``otter`` unless it is there.
    """
    practical = load_practical(ROOT, NAME)
    answers = _answers(fill(practical.source, practical, {}))
    stock = Stock.made(folder / "stock" / "course", practical, canaries)
    kit = folder / "kit"
    _copy_kit(kit, canaries["tests"])
    shutil.copy(stock.folder / "gradebook.db", kit / "course")  # so that there is one to be read and written
    releases = [nbformat.read(place.release, as_version=4) for place in (stock, Stock(kit / "course"))]
    worth = {question.name: question.points for question in practical.questions if question.name not in LEFT_OUT}
    of_stock = {name: points for name, points in worth.items() if f"check-{name}" in map(grade_id, releases[0].cells)}
    other = OtterCourse.made(folder / "otter" / "course", stock, NAME, of_stock, otter_environment(otter.absolute()))
    without_book = {kind: canary for kind, canary in canaries.items() if kind != "gradebook"}
    graders = (
        StockNbgrader(stock.folder.parent, releases[0], answers, of_stock, canaries),
        Otter(other.folder.parent, releases[0], answers, of_stock, without_book, other.program),
        ThisKit(kit, releases[1], answers, worth, canaries),
    )
    for grader in graders:
        grader.prepare()
    return graders


def _answers(filled: NotebookNode) -> dict[str, str]:
    """The right answers by grade_id."""
    known = {grade_id(cell): cell for cell in filled.cells if cell.cell_type == "code"}
    return {name: cell.source for name, cell in known.items() if name and cell.metadata.nbgrader.solution}


def _copy_kit(folder: Path, canary: str) -> None:
    """The kit as it is, with a course; its hidden checks and its source's solutions hold the canary."""
    without_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "autograder", folder / "kit" / "autograder", ignore=without_caches)
    course = folder / "course"
    shutil.copytree(ROOT / "solutions", course / "solutions", ignore=without_caches)
    with (course / "solutions" / NAME / "target.py").open("a", encoding="utf-8") as file:
        file.write(f"# {canary}\n")
    source = (ROOT / "source" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    mark = "### BEGIN SOLUTION critic.forward"
    assert mark in source
    planted = source.replace(mark, f'{mark}\\n",\n    "        # {canary}', 1)
    write_atomically(course / "source" / NAME / f"{NAME}.ipynb", planted)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    generate(course, NAME)
