"""The secret of a course, from which the inputs of its hidden checks are drawn; nobody but the grader ever reads it.

It stands in the file ``secret`` of the course's folder. Of each practical there is a key, which follows from the secret
and tells nothing of it: a copy of one practical that marks elsewhere holds that key alone, in ``secret.<practical>``.
"""

import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import CourseError, file_fault
from autograder.files import write_atomically

SECRET = "secret"  # noqa: S105 - the name of a file
LENGTH = 32  # bytes
VERSIONS = 4  # of each practical's inputs
BITS = 16  # bytes that one version's numbers are drawn from
IGNORED = ".gitignore"


@dataclass(frozen=True)
class PracticalKey:
    """What the versions of one practical's inputs follow from, and which student has which."""

    key: bytes = field(repr=False)

    def version_of(self, student: str) -> int:
        """The version of a student's inputs, from 1; the same for everything that they hand in."""
        return 1 + int.from_bytes(_derived(self.key, f"student {student}")) % VERSIONS

    def bits_of(self, version: int) -> bytes:
        """What the numbers of a version are drawn from."""
        return _derived(self.key, f"version {version}")[:BITS]

    def text(self) -> str:
        """It as a file ``secret.<practical>`` holds it."""
        return f"{self.key.hex()}\n"


def _derived(key: bytes, words: str) -> bytes:
    return hmac.digest(key, words.encode(errors="surrogateescape"), "sha256")


def key_file(practical: str) -> str:
    """The name of the file with a practical's key, where a copy of it marks without the course's secret."""
    return f"{SECRET}.{practical}"


def read_key(root: Path, practical: str) -> PracticalKey | None:
    """The key of a practical; None where the course has no secret.

    CourseError names the file and the next step where it cannot be read, or holds no secret.
    """
    if (secret := _read(root / SECRET)) is not None:
        return PracticalKey(_derived(secret, f"practical {practical}"))
    key = _read(root / key_file(practical))
    return None if key is None else PracticalKey(key)


def _read(path: Path) -> bytes | None:
    """The bytes that a file of hexadecimal digits stands for; None if there is no file."""
    if not os.path.lexists(path):
        return None
    step = "Bring it back from a backup, or draw a new one: take the file away, and run autograder init --secret"
    step = f"{step} {path.parent}. What was graded is then asked anew."
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        fault = file_fault(error)
        raise CourseError(f"The course's secret cannot be read: {fault.message}", fault.next_step) from error
    except ValueError:  # UnicodeDecodeError too; neither is told, since it may quote the file
        raise CourseError(f"{path} holds no secret: it should be {2 * LENGTH} hexadecimal digits.", step) from None
    if len(found) < LENGTH:
        message = f"{path} holds no secret: it is {'empty' if not found else 'too short'}."
        raise CourseError(message, step)
    return found


def make_secret(root: Path) -> Path:
    """Draw a secret for a course that has none, which git will ignore; its path. CourseError if it has one."""
    path = root / SECRET
    if os.path.lexists(path):
        step = f"To draw another one, take it away first: mv '{path}' '{path}.old'. What was graded is then asked anew."
        raise CourseError(f"There is {path} already.", step)
    _ignore(root / IGNORED)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # nobody else may read it
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{secrets.token_bytes(LENGTH).hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def _ignore(path: Path) -> None:
    """Let git ignore the secret."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if f"/{SECRET}*" not in text.splitlines():
        write_atomically(path, f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}/{SECRET}*\n")
