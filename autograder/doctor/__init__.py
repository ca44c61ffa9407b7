"""What this machine lacks for grading, and the mend."""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from autograder.authoring import read_source
from autograder.course import Course
from autograder.doctor.trial import ALL_TRIED, what_comes_through
from autograder.errors import CourseError
from autograder.sandbox import NAMES, VARIABLE, Barrier, Looked, choose_barrier, look_for
from autograder.verification.learning import learnt

PACKAGES = ("torch", "gymnasium", "mujoco", "stable_baselines3", "matplotlib", "nbgrader", "msgpack", "typer", "rich")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``mend`` is what to do about it; where all is well, it is empty, or an advice."""

    subject: str
    well: bool
    found: str
    mend: str = ""


def examine(course: Course) -> Iterator[Finding]:
    """Look at everything that grading needs, one finding after the other."""
    yield _python()
    yield _packages()
    yield _guarded("course", lambda: f"source notebook with {len(read_source(course.root, course.name).cells)} cells")
    yield _guarded("limits", lambda: course.limits.changes() or "the defaults")
    yield _guarded("recognised mistakes", lambda: learnt(course))
    looked = [look_for(name) for name in NAMES]
    works = any(each.barrier is not None for each in looked)
    for each in looked:
        yield _looked_around(each, works)
    yield _guarded("sandbox", _chosen)


def _python() -> Finding:
    version, well = sys.version.split()[0], (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("Python", well, version, "" if well else "Install Python 3.11, 3.12 or 3.13.")


def _packages() -> Finding:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        return Finding("packages", False, f"missing: {', '.join(missing)}", "pip install -c constraints.txt -e .")
    return Finding("packages", True, "all there")


def _guarded(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, look())
    except CourseError as error:
        return Finding(subject, False, error.message, error.next_step)


def _looked_around(looked: Looked, works: bool) -> Finding:
    """A barrier as it is found from inside; ``works`` says whether any is there, so that this one may be missing."""
    if looked.barrier is None:
        return Finding(looked.name, works, f"does not work here: {looked.problem}", looked.mend)
    barrier = looked.barrier
    return _guarded(looked.name, lambda: _holds(barrier))


def _holds(barrier: Barrier, imports: Sequence[str] = ()) -> str:
    """That the barrier holds, in words; CourseError with what came through it."""
    if through := what_comes_through(barrier, imports):
        raise CourseError(
            f"it starts but does not hold: {', '.join(through)}",
            f"Grade on another machine, or behind another barrier: {VARIABLE}={' or '.join(NAMES)}.",
        )
    return "works; from inside: " + ", ".join(f"no {name}" for name in ALL_TRIED)


def _chosen() -> str:
    barrier = choose_barrier()
    _holds(barrier, imports=["torch"])
    weaker = f". Where it is weaker than {NAMES[0]}: {' '.join(barrier.weaknesses)}" if barrier.weaknesses else ""
    return f"{barrier.name}: {barrier.promise}{weaker}"
