"""What travels between the grader and a worker, all of it bytes: the practical, one submission, and what came of it.

The practical goes once to each worker, as a zip file with the course's own files, the key of its inputs in place of the
course's secret, and ``SETTINGS``, which say how to mark and what the worker must have installed. The digest of these
bytes names it. A submission goes as a parcel (msgpack): the file that was handed in, and what is kept of that student.
What comes back is JSON: a result as it is kept, and the mended notebook. Nothing by a student is ever pickled.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgpack

from autograder import __version__
from autograder.course.configuration import CONFIG
from autograder.course.practical import Practical
from autograder.course.secret import key_file
from autograder.files import engine_digest
from autograder.grading.dependencies import versions
from autograder.grading.mark import Marking

SETTINGS = "settings.json"
COURSE = "course"  # the folder in the zip file that holds the course's own files
LEFT_OUT = "__pycache__"


@dataclass(frozen=True)
class Parcel:
    """One submission on its way to a worker, with what was kept of the student before; empty where nothing was."""

    practical: str  # the digest of the practical as it was sent
    student: str
    name: str  # of the file that was handed in
    content: bytes
    note: str = ""  # see Submission
    mended: bytes = b""
    result: bytes = b""

    def packed(self) -> bytes:
        """It as bytes."""
        packed: bytes = msgpack.packb(asdict(self), unicode_errors="surrogateescape")
        return packed


def unpacked(packed: bytes) -> Parcel:
    """The parcel that these bytes are."""
    return Parcel(**msgpack.unpackb(packed, unicode_errors="surrogateescape"))


def packed_practical(marking: Marking) -> bytes:
    """The practical and how its submissions are marked; the same bytes as long as nothing of it changes."""
    practical = marking.course.practical
    settings = {
        "root": str(practical.root),
        "practical": practical.name,
        "versions": versions_here(practical),
        "unsafe": marking.unsafe,
        "skip": sorted(marking.skip),
        "force": marking.force,
        "again": sorted(marking.again),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(SETTINGS), json.dumps(settings))
        for path in _files(practical):
            info = zipfile.ZipInfo(f"{COURSE}/{path.relative_to(practical.root)}")  # without a time
            file.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)
        if key := marking.course.key:
            file.writestr(zipfile.ZipInfo(f"{COURSE}/{key_file(practical.name)}"), key.text())
    return packed.getvalue()


def _files(practical: Practical) -> Iterator[Path]:
    """The course's files that marking reads."""
    yield from (practical.source_path, practical.release_path)
    own = [path for path in sorted(practical.folder.rglob("*")) if path.is_file()]
    yield from (path for path in own if LEFT_OUT not in path.parts and path != practical.solved_path)
    if (practical.root / CONFIG).is_file():
        yield practical.root / CONFIG


def digest_of_practical(packed: bytes) -> str:
    """The name under which a worker keeps it."""
    return hashlib.sha256(packed).hexdigest()[:32]


def unpack_practical(packed: bytes, folder: Path) -> None:
    """Write its files into a new folder."""
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        file.extractall(folder)


def settings_in(folder: Path) -> dict[str, Any]:
    """How the submissions of the practical in that folder are marked."""
    settings: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    return settings


def versions_here(practical: Practical) -> dict[str, str]:
    """The versions of the kit, of Python and of the practical's libraries that marks here depend on."""
    return {"the kit": f"{__version__} ({engine_digest('**/*.py')[:8]})", **versions(practical)}


def differences(here: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Where the versions here are not those that are wanted, in words."""
    names = [name for name in {**wanted, **here} if here.get(name) != wanted.get(name)]
    return [f"{name} is {here.get(name) or 'missing'}, not {wanted.get(name) or 'missing'}" for name in names]
