"""The sink of nbgrader: gradebook.db and autograded/, and then feedback/, for whom something has changed.

For each student it is kept, in ``results/<practical>/published/``, on what the entry in the gradebook and the feedback
page depended when they were made. nbgrader, which takes seconds to import, is loaded only once something is to be made.
"""

import importlib.metadata
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from autograder.course.configuration import CONFIG, course_config
from autograder.course.folders import Course
from autograder.files import write_atomically
from autograder.grading.dependencies import digest
from autograder.grading.mark import Marking
from autograder.grading.publish import ClassResults, Published, Sink
from autograder.grading.store import file_name, mended_path
from autograder.nbgrader.database import Database, Entry
from autograder.nbgrader.inputs import Inputs, handed_over, unfinished

HERE = Path(__file__).parent
LIBRARIES = ("nbgrader", "nbconvert")
REGISTERED = ".assignment"  # begins with a dot, as no student's name does


@dataclass(frozen=True)
class Made:
    """On what a student's entry and page depended when they were made: digests, and the files' sizes and times."""

    entry: str = ""
    entered: str = ""  # what the gradebook held then of what grading had entered
    notebook: str = ""
    page: str = ""
    html: str = ""


class GradebookAndFeedback:
    """nbgrader's gradebook, its autograded notebooks and its feedback pages."""

    name = "gradebook and feedback"

    def folders(self, marking: Marking, _: Path) -> Sequence[Path]:
        """The course's own."""
        root = marking.course.root
        return [root, root / "autograded", root / "feedback"]

    def publish(self, results: ClassResults, progress: Callable[[int, int], None]) -> Published:
        """Enter marks and make pages, student by student. CourseError where the gradebook cannot be used."""
        work = _Work(results)
        students = sorted(results.now)
        failures: dict[str, str] = {}
        work.tidy()
        work.register()
        for step, make in enumerate((work.enter, work.make_page)):
            held = work.database.entries()
            for number, student in enumerate(students, start=1):
                if student not in failures and (why := make(student, held.get(student))):
                    failures[student] = why
                progress(step * len(students) + number, 2 * len(students))
        root = results.marking.course.root
        return Published([root / "gradebook.db", root / "feedback"], failures)


SINKS: list[Sink] = [GradebookAndFeedback()]


@dataclass(frozen=True)
class _Work:
    """What is to be made for a class, and what was made before."""

    results: ClassResults

    @property
    def course(self) -> Course:
        return self.results.marking.course

    @cached_property
    def _settings(self) -> Mapping[str, str]:
        """nbgrader's settings of folders and database, in the course's configuration."""
        return dict(course_config(self.course.root).CourseDirectory)

    @cached_property
    def database(self) -> Database:
        url = self._settings.get("db_url", f"sqlite:///{self.course.root.absolute()}/gradebook.db")
        return Database(url, self.course.name)

    @cached_property
    def _common(self) -> str:
        """Of all that every entry depends on: the source, the release, the configuration, the kit, its libraries."""
        course = self.course
        files = [course.practical.source_path, course.practical.release_path, course.root / CONFIG]
        code = [path for pattern in ("*.py", "templates/*") for path in sorted(HERE.glob(pattern))]
        libraries = map(importlib.metadata.version, LIBRARIES)
        return digest(*map(_text, (*files, *code)), *libraries, *_beside(course.practical.source_path.parent))

    def tidy(self) -> None:
        """Take away what a grader that was killed left half written."""
        for step in ("autograded", "feedback"):
            shutil.rmtree(self._place(step, unfinished(self.course.name)).parent, ignore_errors=True)

    def register(self) -> None:
        """Enter the assignment where its source changed, or where the gradebook does not hold it as it was entered."""
        before = self._made(REGISTERED)
        if before.entry == self._common and before.entered == digest(self.database.cells()):
            return
        from autograder.nbgrader.registration import register_assignment

        register_assignment(self.course.root, self.course.name)
        self._keep(REGISTERED, Made(self._common, digest(self.database.cells())))

    def enter(self, student: str, held: Entry | None) -> str:
        """A student's entry and autograded/, unless they are what they would be; why that failed, or nothing."""
        before, entry = self._made(student), self._entry(student)
        entered = held.entered if held else ""
        now = replace(before, entry=entry, entered=digest(entered), notebook=self._stamp("autograded", student))
        if held and now == before and now.notebook and not self.results.marking.force:
            return ""
        from autograder.nbgrader.gradebook import write_entry

        if why := write_entry(self._inputs, student):
            return why
        after = self.database.entries(student)
        entered = after[student].entered if student in after else ""
        self._keep(student, replace(now, entered=digest(entered), notebook=self._stamp("autograded", student)))
        return ""

    def make_page(self, student: str, held: Entry | None) -> str:
        """A student's feedback page, unless it is what it would be; why that failed, or nothing."""
        before = self._made(student)
        page = digest(before.entry, *((held.entered, held.given) if held else ()))
        now = replace(before, page=page, html=self._stamp("feedback", student))
        if now == before and now.html and not self.results.marking.force:
            return ""
        from autograder.nbgrader.gradebook import write_page

        if why := write_page(self._inputs, student):
            return why
        self._keep(student, replace(now, html=self._stamp("feedback", student)))
        return ""

    @cached_property
    def _inputs(self) -> Inputs:
        return handed_over(self.results)

    def _entry(self, student: str) -> str:
        """Of all that a student's entry depends on."""
        result = json.dumps(asdict(replace(self._inputs.results[student], seconds=0.0)))
        mended = _text(mended_path(self.results.folder, student))
        return digest(self._common, result, mended, *_beside(self._place("submitted", student)))

    def _place(self, step: str, student: str) -> Path:
        """The student's folder of one of nbgrader's steps."""
        structure = self._settings.get("directory_structure", "{nbgrader_step}/{student_id}/{assignment_id}")
        folder = self._settings.get(f"{step}_directory", step)
        parts = {"nbgrader_step": folder, "student_id": student, "assignment_id": self.course.name}
        return self.course.root / structure.format(**parts)

    def _stamp(self, step: str, student: str) -> str:
        """Size and time of what was made for a student; empty where it is gone."""
        ending = "html" if step == "feedback" else "ipynb"
        return _stamp(self._place(step, student) / f"{self.course.name}.{ending}")

    def _path(self, student: str) -> Path:
        return self.course.results / "published" / f"{file_name(student)}.json"

    def _made(self, student: str) -> Made:
        try:
            return Made(**json.loads(self._path(student).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Made()

    def _keep(self, student: str, made: Made) -> None:
        write_atomically(self._path(student), json.dumps(asdict(made)))


def _text(path: Path) -> str:
    """A file's text; empty where there is none."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _stamp(path: Path) -> str:
    try:
        found = path.lstat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def _beside(folder: Path) -> list[str]:
    """What stands beside a notebook, which nbgrader copies with it."""
    paths = [path for path in folder.rglob("*") if path.suffix != ".ipynb" and not path.is_dir()]
    return sorted(f"{path.relative_to(folder)} {_stamp(path)}" for path in paths)
