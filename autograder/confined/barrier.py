"""The second barrier, for machines where namespaces are not allowed: Landlock, a filter of system calls, another user.

This is the judge's side, which gives the launcher its settings. The barrier is weaker than namespaces; ``weaknesses``
says where.
"""

import base64
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.course.limits import Limits
from autograder.sandbox import filters
from autograder.sandbox.barrier import HOST_IN_REACH, Prepared, opened
from autograder.sandbox.folder import private_folder
from autograder.sandbox.users import DAC_READ_SEARCH, may, spare_user
from autograder.sandbox.view import DEVICES, HOST, KIT, environment, interpreter, libraries, system_paths
from autograder.student.walls import WITH_SCOPES, landlock_version

LAUNCHER = Path(__file__).parent / "launcher.py"

COMMON = (
    "Student code can find out whether a path that it guesses exists, and the size and age of what is there. It can"
    " neither list folders nor read files that it is not shown.",
    "It sees the machine's host name and the machine's process ids.",
    "It has no disk of its own: what it writes is measured several times a second. What it deletes stays on the disk"
    " until the session ends, and renaming is refused. Its temporary folder is the one that TMPDIR names, not /tmp.",
)
SAME_USER = (
    "It runs as the grader's own user. So the kernel does not limit the number of its processes; the judge counts them"
    " several times a second. Only Landlock and the filter protect the grader's files.",
)
NO_SIGNALS = (
    "This kernel's Landlock does not block signals (Linux 6.12 does), so student code may send no signals at all.",
)
SEARCH = (
    "It keeps the privilege to pass through folders that are closed to ordinary users, since Python or its libraries"
    " lie in one. Only Landlock decides what it can read there.",
)


@dataclass(frozen=True)
class Confined:
    """Landlock for files, a filter for system calls, limits, and a user id of its own where this process is root."""

    abi: int  # the version of Landlock
    own_user: bool  # whether each sandbox gets its own user id
    search: bool  # whether Python and its libraries can be reached only with a privilege
    name: str = "confined"

    @classmethod
    def here(cls) -> "Confined":
        """As strong as this machine allows."""
        shown, spare = shown_paths()[0], spare_user()
        own_user = spare is not None and (reachable(shown, spare, ()) or may(DAC_READ_SEARCH))
        who = (spare, ()) if spare is not None and own_user else (os.geteuid(), (os.getegid(), *os.getgroups()))
        return cls(landlock_version(), own_user, not reachable(shown, *who))

    @property
    def promise(self) -> str:
        """See Barrier."""
        who = "a user of its own" if self.own_user else "no privileges"
        return f"{who}; only libraries and the student host can be read (Landlock); no network (seccomp)"

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """See Barrier."""
        signals = () if self.abi >= WITH_SCOPES else (HOST_IN_REACH,) if self.own_user else NO_SIGNALS
        return (*COMMON, *(() if self.own_user else SAME_USER), *signals, *(SEARCH if self.search else ()))

    def prepare(self, limits: Limits) -> Prepared:
        """See Barrier."""
        user = spare_user() if self.own_user else None
        folder = private_folder(user)
        alone = self.own_user or self.abi >= WITH_SCOPES
        rules = (*filters.ON_SHARED_DISK, *(filters.GROUPS if alone else ()))
        of_copies = (*filters.OF_COPIES, *(() if alone else (*filters.GROUPS, *filters.SIGNALS)))
        settings = opened(json.dumps(self._settings(user, folder, filters.assemble(rules))).encode())
        return Prepared(
            words=(interpreter(), "-I", "-S", str(LAUNCHER), str(settings)),
            host=str(HOST),
            libraries=tuple(map(str, libraries())),
            environment=environment(str(folder)),
            descriptors=(settings,),
            alone=alone,
            landlock=self.abi,
            granted={"all": ["/"]},  # the launcher's rules protect files; these protect the host from a copy
            copy_filter=filters.assemble(of_copies),
            folder=folder,
            counted=self.own_user,
            supervised=True,
        )

    def _settings(self, user: int | None, folder: Path, program: bytes) -> dict[str, Any]:
        """The launcher's settings: see launcher.py."""
        read, listed = shown_paths()
        granted = {
            "read": [str(path) for path in read],
            "list": [str(path) for path in listed],
            "devices": [path for path in DEVICES if Path(path).exists()],
            "keep": [str(folder)],
        }
        return {
            "judge": os.getpid(),
            "user": user,
            "folder": str(folder),
            "granted": granted,
            "landlock": self.abi,
            "search": self.search,
            "filter": base64.b64encode(program).decode(),
        }


def shown_paths() -> tuple[list[Path], list[Path]]:
    """The paths that may be read, and the folders that may only be listed: those in which the kit itself lies."""
    root = HOST.parent.parent
    plain = root in libraries()  # a plain, not editable, install
    hidden = [root / name for name in KIT] if plain else [root]
    read, listed = [HOST], []
    to_visit = [*system_paths(), *libraries()]
    while to_visit:
        path = to_visit.pop()
        if path in hidden:
            continue
        if any(path in other.parents for other in hidden):
            listed.append(path)
            to_visit += path.iterdir()
        else:
            read.append(path)
    return read, listed


def reachable(paths: Iterable[Path], user: int, groups: Collection[int]) -> bool:
    """Whether a user without privileges may pass through all folders above these paths."""
    for folder in {folder for path in paths for folder in path.resolve().parents}:
        found = folder.stat()
        passed = 0o100 if found.st_uid == user else 0o010 if found.st_gid in groups else 0o001
        if not found.st_mode & passed:
            return False
    return True
