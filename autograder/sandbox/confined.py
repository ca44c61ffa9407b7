"""The second barrier, for machines where namespaces are not allowed: Landlock, a filter of system calls, another user.

The judge's side: what the launcher is told. It is weaker than namespaces, and says where.
"""

import base64
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.limits import Limits
from autograder.sandbox import filters
from autograder.sandbox.barrier import HOST_IN_REACH, Prepared, opened
from autograder.sandbox.folder import PrivateFolder
from autograder.sandbox.users import DAC_READ_SEARCH, may, spare_user
from autograder.sandbox.view import DEVICES, HOST, KIT, environment, interpreter, libraries, system_paths
from autograder.student.walls import WITH_SCOPES, landlock_version

LAUNCHER = Path(__file__).parent / "launcher.py"

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
        return cls(landlock_version() if abi is None else abi, own_user, not reachable(shown, *who))

    @property
    def promise(self) -> str:
        """See Barrier."""
        who = "a user of its own" if self.own_user else "no privileges"
        return f"{who}, libraries and the student host alone to read (Landlock), no network and no tricks (seccomp)"

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """See Barrier."""
        signals = () if self._scoped else (HOST_IN_REACH,) if self.own_user else NO_SIGNALS
        return (*COMMON, *(() if self.own_user else SAME_USER), *signals, *(SEARCH if self.search else ()))

    @property
    def _scoped(self) -> bool:
        """Whether Landlock keeps signals inside."""
        return self.abi >= WITH_SCOPES

    def prepare(self, limits: Limits) -> Prepared:
        """See Barrier."""
        user = spare_user() if self.own_user else None
        folder = PrivateFolder.make(user)
        alone = self.own_user or self._scoped
        rules = (*filters.ON_SHARED_DISK, *(filters.GROUPS if alone else ()))
        of_copies = (*filters.OF_COPIES, *(() if alone else (*filters.GROUPS, *filters.SIGNALS)))
        settings = opened(json.dumps(self._settings(user, folder, filters.assemble(rules))).encode())
        return Prepared(
            words=(interpreter(), "-I", "-S", str(LAUNCHER), str(settings)),
            host=str(HOST),
            libraries=tuple(map(str, libraries())),
            environment=environment(str(folder.path)),
            descriptors=(settings,),
            alone=alone,
            landlock=self.abi,
            granted={"all": ["/"]},  # the launcher's rules hold for files; these keep a copy apart from the host
            copy_filter=filters.assemble(of_copies),
            folder=folder,
            counted=self.own_user,
            supervised=True,
        )

    def _settings(self, user: int | None, folder: PrivateFolder, program: bytes) -> dict[str, Any]:
        """What the launcher is told: see launcher.py."""
        read, listed = shown_paths()
        granted = {
            "read": [str(path) for path in read],
            "list": [str(path) for path in listed],
            "devices": [path for path in DEVICES if Path(path).exists()],
            "keep": [str(folder.path)],
        }
        return {
            "judge": os.getpid(),
            "user": user,
            "folder": str(folder.path),
            "granted": granted,
            "landlock": self.abi,
            "search": self.search,
            "filter": base64.b64encode(program).decode(),
        }


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
