"""Looks at a course and at this machine: one finding after the other, each with what to do."""

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autograder.annexes import annex
from autograder.course.configuration import course_limits
from autograder.course.folders import Course, course_in
from autograder.course.practical import practicals_in
from autograder.course.secret import VERSIONS
from autograder.course.term import read_term
from autograder.doctor.barriers import ALL_TRIED, what_comes_through
from autograder.doctor.publishing import can_publish
from autograder.doctor.resources import group_of_grader
from autograder.errors import CourseError
from autograder.grading.mark import Marking
from autograder.judging.answer_key import AnswerKey
from autograder.judging.proof import prove
from autograder.notebook.extraction import extract
from autograder.sandbox import NAMES, VARIABLE, Barrier, Looked, choose_barrier, look_for

PACKAGES = ("numpy", "nbformat", "nbgrader", "msgpack", "filelock", "typer", "rich", "jinja2")  # the kit's own


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``next_step`` is what to do; where all is well, it is empty, or advice."""

    subject: str
    well: bool
    found: str
    next_step: str = ""


def examine(root: Path, name: str = "") -> Iterator[Finding]:
    """Look at everything that grading needs; of the course's practicals at the one of that name, or at all."""
    yield _guarded("Python", _python)
    yield _guarded("packages", _packages)
    courses: list[Course] = []
    yield _guarded("course", lambda: _practicals(root, name, courses))
    yield _guarded("limits", lambda: course_limits(root).changes() or "the defaults")
    yield from map(_secret, courses[:1])
    for course in courses:
        yield _guarded(course.name, partial(_contract, course))
        yield from _unchanged(course)
        yield _release(course)
        yield _term(course)
        yield _guarded(f"publishing of {course.name}", partial(can_publish, course))
        yield _known_mistakes(course)
    yield Finding("control group", True, group_of_grader())
    looked = [look_for(each) for each in NAMES]
    works = any(each.barrier is not None for each in looked)
    for each in looked:
        yield _looked_around(each, works)
    yield _guarded("sandbox", lambda: _chosen([library for course in courses for library in _libraries(course)]))


# ---- the course ----------------------------------------------------------------------------------------------------


def _practicals(root: Path, name: str, courses: list[Course]) -> str:
    """The practicals in words; they are added to ``courses``. CourseError where there is none."""
    names = [course_in(root, name).name] if name else practicals_in(root)
    courses.extend(Course(root, each) for each in names)
    return f"{root}, with {', '.join(names)}"


def _secret(course: Course) -> Finding:
    """Whether the course draws its own inputs."""
    try:
        key = course.key
    except CourseError as error:
        return Finding("secret", False, error.message, error.next_step)
    if key is not None:
        return Finding("secret", True, f"each student has one of {VERSIONS} versions of the hidden inputs")
    said = "none: the checks ask with inputs that are the same in every course, and can be learnt from one's feedback"
    return Finding("secret", True, said, f"To draw this course's own: autograder init --secret {course.root}")


def _contract(course: Course) -> str:
    """What the practical holds, in words; CourseError on the first fault of its contract."""
    practical = course.practical
    if missing := _missing(_imported(course)):
        message = f"{practical.source_path} imports what is not installed here: {', '.join(missing)}"
        raise CourseError(message, f"pip install {' '.join(missing)}")
    for draw in Marking(course).draws:
        key = AnswerKey(practical, draw)
        prove(key, practical.questions)
    if authoring := annex("authoring"):
        authoring.blank(practical.source, practical)
    return f"questions: {len(practical.questions)}, checks: {len(key.checks)}, blanks: {len(practical.blanks)}"


def _imported(course: Course) -> list[str]:
    """The packages that the notebook imports."""
    found = extract(course.practical.source, course.practical.long_running)
    return [name.split(".")[0] for name in found.imports]


def _missing(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if importlib.util.find_spec(name) is None})


def _libraries(course: Course) -> list[str]:
    """The packages that it imports and that are there; none where the notebook cannot be read."""
    try:
        imported = _imported(course)
    except CourseError:
        return []
    missing = _missing(imported)
    return [name for name in imported if name not in missing]


def _unchanged(course: Course) -> Iterator[Finding]:
    """What is left of the skeleton that the practical was begun with, if anything."""
    new = annex("authoring.new")
    if new is None:
        return
    try:
        places = new.unchanged(course.practical)
    except CourseError:  # told already
        return
    if places:
        step = "Write what is asked for there, and take the words out: students would read them."
        yield Finding(f"skeleton of {course.name}", True, f"{new.TO_CHANGE} still stands in {', '.join(places)}", step)


def _release(course: Course) -> Finding:
    subject = f"release of {course.name}"
    found = _guarded(subject, lambda: f"{len(course.release.cells)} cells")
    release = annex("authoring.release")
    if not found.well or release is None:
        return found
    path = course.practical.release_path
    try:
        if release.release_text(course.root, course.name) == path.read_text(encoding="utf-8"):
            return found
    except CourseError as error:
        return Finding(subject, False, error.message, error.next_step)
    step = f"If students are to get today's: autograder generate --assignment {course.name}"
    return Finding(subject, True, f"{path} can be graded by, but the source's text was changed since it was made", step)


def _term(course: Course) -> Finding:
    """Dates and roster, and whether plug-ins and the gradebook fit them."""

    def look() -> str:
        if checking := annex("nbgrader.checking"):
            checking.check_course(course)
        term = read_term(course.root)
        due = term.of(course.name).due
        when = f"due {due:%d %B %Y, %H:%M} UTC" if due else "no due date"
        return f"{when}; students in the roster: {len(term.roster)}"

    return _guarded(f"term of {course.name}", look)


def _known_mistakes(course: Course) -> Finding:
    subject, hints = f"known mistakes of {course.name}", annex("hints.known")
    if hints is None:
        return Finding(subject, True, "not looked for: the folder autograder/hints/ has been taken out")
    return _guarded(subject, lambda: hints.learnt(course.practical))


# ---- the machine ---------------------------------------------------------------------------------------------------


def _python() -> str:
    version = sys.version.split()[0]
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise CourseError(version, "Install Python 3.11, 3.12 or 3.13.")
    return version


def _packages() -> str:
    if missing := _missing(PACKAGES):
        raise CourseError(f"missing: {', '.join(missing)}", "pip install -c constraints.txt -e .")
    return "all there"


def _guarded(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, look())
    except CourseError as error:
        return Finding(subject, False, error.message, error.next_step)


def _looked_around(looked: Looked, works: bool) -> Finding:
    """A barrier as it is found from inside; ``works`` says whether any is there, so that this one may be missing."""
    if looked.barrier is None:
        return Finding(looked.name, works, f"does not work here: {looked.problem}", looked.next_step)
    return _guarded(looked.name, partial(_holds, looked.barrier))


def _holds(barrier: Barrier, imports: Sequence[str] = ()) -> str:
    """That the barrier holds, in words; CourseError with what came through it."""
    if through := what_comes_through(barrier, imports):
        raise CourseError(
            f"it starts but does not hold: {', '.join(through)}",
            f"Grade on another machine, or behind another barrier: {VARIABLE}={' or '.join(NAMES)}.",
        )
    return "works; from inside: " + ", ".join(f"no {name}" for name in ALL_TRIED)


def _chosen(imports: Sequence[str]) -> str:
    """The barrier that is used for grading, in words, tried with what the practicals import."""
    barrier = choose_barrier()
    _holds(barrier, list(dict.fromkeys(imports)))
    weaker = f". Where it is weaker than {NAMES[0]}: {' '.join(barrier.weaknesses)}" if barrier.weaknesses else ""
    return f"{barrier.name}: {barrier.promise}{weaker}"
