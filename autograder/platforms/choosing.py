"""Which of the files that a student handed in is the notebook that counts, whatever they are called."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from autograder.platforms.archives import Archive, Member, UnpackError, is_zip
from autograder.platforms.layouts import Handed

# "lab (1).ipynb", "lab-Copy1.ipynb", "lab_2.ipynb", "Copy of lab.ipynb", Canvas's "lab-1.ipynb"
_COPY = re.compile(
    r"(?:copy of )?(?P<stem>.*?)(?:[ _-]*(?:\((?P<a>\d+)\)|copy ?(?P<b>\d*)|(?<=[ _-])(?P<c>\d{1,2})))*", re.I
)
KINDS = {".pdf": "a PDF document", ".html": "a web page", ".docx": "a Word document", ".odt": "a text document"}


@dataclass(frozen=True)
class Chosen:
    """The file that counts, or what was handed in instead."""

    name: str = ""
    content: bytes = b""
    note: str = ""  # what the instructor should know
    other: str = ""  # what it is, where there is no notebook

    @property
    def digest(self) -> str:
        """Of the content; empty where there is none."""
        return hashlib.sha256(self.content).hexdigest() if self.content else ""

    @property
    def suffix(self) -> str:
        """How the file is to be called at its end: .ipynb or .py."""
        return ".py" if self.name.lower().endswith(".py") else ".ipynb"


def choose(archive: Archive, handed: Handed, practical: str, untouched: str = "") -> Chosen:
    """The notebook that counts. ``untouched`` is the digest of the release: it counts if nothing else is there."""
    files, problems = _all_files(archive, handed)
    notebooks = [each for each in files if each[0].lower().endswith((".ipynb", ".ipynb.txt", ".ipynb.json"))]
    usable = notebooks or [each for each in files if each[0].lower().endswith(".py")]
    if not usable:
        return Chosen(other=_in_words([name for name, _ in files], problems))
    read, unread = [], list(problems)
    for name, member in usable:
        try:
            read.append((name, archive.content(member)))
        except UnpackError as error:
            unread.append(str(error))
    if not read:
        return Chosen(other=_in_words([name for name, _ in files], unread))
    changed = [each for each in read if hashlib.sha256(each[1]).hexdigest() != untouched] or read
    best = max(changed, key=lambda each: rank(each[0], practical))
    rest = [name for name, content in read if (name, content) != best and content != best[1]]
    note = f"{best[0]} counts, of several; left out: {', '.join(rest)}." if rest else ""
    return Chosen(best[0], best[1], note)


def _all_files(archive: Archive, handed: Handed) -> tuple[list[tuple[str, Member]], list[str]]:
    """The files, those in zips too, and why a zip could not be opened."""
    files: list[tuple[str, Member]] = []
    problems = []
    for name, member in handed.files:
        if not is_zip(member):
            files.append((name, member))
            continue
        try:
            files += [(each.name, each) for each in archive.inside(member)]
        except UnpackError as error:
            problems.append(f"{name}: {error}")
    return files, problems


def rank(name: str, practical: str) -> tuple[bool, bool, int, str]:
    """The practical's own name before others, exact before copies; of copies the one with the highest number."""
    stem = PurePosixPath(name).name.split(".ipynb")[0].removesuffix(".py")
    match = _COPY.fullmatch(stem)
    plain = (match["stem"] if match else stem).casefold()
    numbers = [int(match[key] or 0) for key in "abc" if match and match[key]] if match else []
    return plain.strip(" _-") == practical.casefold(), stem == practical, max(numbers, default=0), name


def _in_words(names: Sequence[str], problems: Sequence[str]) -> str:
    """What was handed in, where no notebook was."""
    said = []
    for name in names[:5]:
        kind = KINDS.get(PurePosixPath(name).suffix.lower(), "")
        said.append(f"{name} ({kind})" if kind else name)
    more = [f"and {len(names) - 5} more"] if len(names) > 5 else []
    return ", ".join([*said, *more, *problems]) or "an empty folder"
