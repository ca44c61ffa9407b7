"""The second barrier, for machines where namespaces are not allowed: Landlock, a filter of system calls, another user.

The judge's side: what the launcher is told. It is weaker than namespaces, and says where.
"""

import base64
import ctypes
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.limits import Limits
from autograder.sandbox import filters
from autograder.sandbox.barrier import Prepared
from autograder.sandbox.folder import PrivateFolder
from autograder.sandbox.users import DAC_READ_SEARCH, may, spare_user
from autograder.sandbox.view import HOST, KIT, environment, interpreter, libraries, system_paths

LAUNCHER = Path(__file__).parent / "launcher.py"
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
SIGNALS_SCOPED = 6  # the ABI of Landlock from which it keeps signals inside
CREATE_RULESET, WHICH_VERSION = 444, 1

COMMON = (
    "Without namespaces of its own, student code can tell whether a path that it guesses exists, and how large and old"
    " it is; it can neither list folders nor read files that it is not shown.",
    "It sees the machine's host name, and process ids as the machine counts them.",
    "Its disk space is watched several times a second instead of being a disk of its own. What it deletes stays there"
    " until the session ends, and renaming is refused; its temporary folder is not /tmp, but where TMPDIR says.",
)
SAME_USER = (
    "It runs as the grader's own user: the number of its processes is watched several times a second instead of being"
    " limited by the kernel, and its files are kept from the grader's by Landlock and the filter alone.",
)
NO_SIGNALS = (
    "This kernel's Landlock does not keep signals apart (Linux 6.12 does), so student code may send none at all.",
)
SEARCH = (
    "It keeps the privilege to pass through folders that are closed to ordinary users, since Python or its libraries"
    " lie in one; Landlock alone decides there what is read.",
)


def landlock_abi() -> int:
    """The version of Landlock that this kernel offers; 0 if it does not."""
    libc = ctypes.CDLL(None, use_errno=True)
    found: int = libc.syscall(ctypes.c_long(CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint(WHICH_VERSION))
    return max(found, 0)


@dataclass(frozen=True)
class Confined:
    """Landlock for files, a filter for system calls, limits, and where this process is root a user id of its own."""

    abi: int  # of Landlock
    own_user: bool  # whether each sandbox gets a user id that nobody else has
    search: bool  # whether Python and its libraries can be reached only with a privilege
    name: str = "confined"

    @classmethod
    def here(cls, abi: int | None = None) -> "Confined":
        """As strong as this machine allows; ``abi`` stands for an older kernel's Landlock."""
        shown, spare = shown_paths()[0], spare_user()
        own_user = spare is not None and (reachable(shown, spare, ()) or may(DAC_READ_SEARCH))
        who = (spare, ()) if spare is not None and own_user else (os.geteuid(), (os.getegid(), *os.getgroups()))
        return cls(landlock_abi() if abi is None else abi, own_user, not reachable(shown, *who))

    @property
    def promise(self) -> str:
        """See Barrier."""
        who = "a user of its own" if self.own_user else "no privileges"
        return f"{who}, libraries and the student host alone to read (Landlock), no network and no tricks (seccomp)"

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """See Barrier."""
        shared = () if self.own_user else (*SAME_USER, *(() if self._scoped else NO_SIGNALS))
        return (*COMMON, *shared, *(SEARCH if self.search else ()))

    @property
    def _scoped(self) -> bool:
        return self.abi >= SIGNALS_SCOPED

    def prepare(self, limits: Limits) -> Prepared:
        """See Barrier."""
        user = spare_user() if self.own_user else None
        folder = PrivateFolder.make(user)
        alone = self.own_user or self._scoped
        rules = (*filters.ON_SHARED_DISK, *(filters.GROUPS if alone else ()))
        closed = b"" if alone else filters.assemble((*filters.GROUPS, *filters.SIGNALS))
        return Prepared(
            words=(interpreter(), "-I", "-S", str(LAUNCHER), self._settings(user, folder, filters.assemble(rules))),
            host=str(HOST),
            libraries=tuple(map(str, libraries())),
            alone=alone,
            groups=base64.b64encode(closed).decode(),
            folder=folder,
            counted=self.own_user,
            supervised=True,
        )

    def _settings(self, user: int | None, folder: PrivateFolder, program: bytes) -> str:
        read, listed = shown_paths()
        return json.dumps(
            {
                "judge": os.getpid(),
                "user": user,
                "folder": str(folder.path),
                "read": [str(path) for path in read],
                "list": [str(path) for path in listed],
                "devices": [path for path in DEVICES if Path(path).exists()],
                "environment": environment(str(folder.path)),
                "abi": self.abi,
                "search": self.search,
                "filter": base64.b64encode(program).decode(),
            }
        )


def shown_paths() -> tuple[list[Path], list[Path]]:
    """What may be read, and the folders of which only the names may be: those that the kit itself lies in."""
    root = HOST.parent.parent
    plain = root in libraries()  # a plain, not editable, install
    hidden = [root / name for name in KIT] if plain else [root]
    read, listed = [HOST], []
    for path in (*system_paths(), *libraries()):
        inside, names = _without(path, hidden)
        read += inside
        listed += names
    return read, listed


def _without(path: Path, hidden: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """A folder as the parts of it that are not hidden, and the folders above these."""
    if path in hidden:
        return [], []
    if not any(path in other.parents for other in hidden):
        return [path], []
    read, listed = [], [path]
    for child in sorted(path.iterdir()):
        inside, names = _without(child, hidden)
        read += inside
        listed += names
    return read, listed


def reachable(paths: Iterable[Path], user: int, groups: Collection[int]) -> bool:
    """Whether a user without privileges may pass through the folders above these."""
    for folder in {folder for path in paths for folder in path.resolve().parents}:
        found = folder.stat()
        passed = 0o100 if found.st_uid == user else 0o010 if found.st_gid in groups else 0o001
        if not found.st_mode & passed:
            return False
    return True
