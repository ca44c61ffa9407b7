"""A new course, anywhere: the practicals wanted, nbgrader's configuration, the term and the roster."""

import importlib.metadata
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.annexes import annex
from autograder.course.configuration import CONFIG
from autograder.course.practical import practicals_in
from autograder.course.roster import read_roster, roster_sheet
from autograder.course.secret import make_secret
from autograder.course.term import TERM, moment, read_term
from autograder.errors import CourseError, did_you_mean
from autograder.files import ENGINE, write_atomically

PARTS = ("source", "release", "solutions")
STUDENTS = "students.csv"
UNTRACKED = (  # by git: what students hand in, and what is made of it, belongs into no repository
    *("__pycache__/", ".ipynb_checkpoints/", "/submitted/", "/autograded/", "/feedback/", "/results/", "/backups/"),
    *("*.db", ".nbgrader.log", "MUJOCO_LOG.TXT"),
)
IGNORED = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "results")
TERM_TEXT = """\
# The term: who takes part, when work is due, what it costs to be late. Grading reads this file each time.
students = "{students}"  # id, first name, last name, email
{zone}
[late]
percent_per_day = 0  # of the practical's points, for each day that has begun
grace_minutes = 0    # so late is not late
most_percent = 100   # never more than that
"""
DATES_TEXT = """
[practicals.{name}]
{due}
# extensions.some-id = 2026-12-03 23:59:00  # when it is due for one student
"""


@dataclass(frozen=True)
class NewCourse:
    """What a new course is to hold."""

    folder: Path
    practicals: tuple[str, ...] = ()  # all of the kit's where none is named, nor a new one begun
    new: str = ""  # a practical to begin from the skeleton
    students: Path | None = None  # a roster to copy
    due: str = ""
    zone: str = ""
    exchange: Path | None = None


def kit_folder() -> Path:
    """Where the kit's own practicals stand: in the clone, or where it was installed. CourseError if nowhere."""
    clone = ENGINE.parent
    if (clone / CONFIG).exists() and (clone / "solutions").is_dir():
        return clone
    try:
        files = importlib.metadata.files(distribution()) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for path in files:
        if path.name == CONFIG and "share" in path.parts:
            return Path(str(path.locate())).resolve().parent
    raise CourseError(
        "The kit's practicals were not installed with it.", "Install the kit again, or use a clone of it."
    )


def distribution() -> str:
    """The name under which the kit was installed; PackageNotFoundError if it was not."""
    names = importlib.metadata.packages_distributions().get(ENGINE.name, [])
    if not names:
        raise importlib.metadata.PackageNotFoundError(ENGINE.name)
    return names[0]


def make_course(wanted: NewCourse, kit: Path) -> list[Path]:
    """Make the course; the paths that it consists of. CourseError if the folder is in use, or something is unknown."""
    if wanted.folder.exists() and any(wanted.folder.iterdir()):
        raise CourseError(f"{wanted.folder} is not empty.", "Name a new folder.")
    known = practicals_in(kit)
    for name in wanted.practicals:
        if name not in known:
            step = (
                f"{did_you_mean(name, known)}The kit's practicals are: {', '.join(known)}. To begin another: --new NAME"
            )
            raise CourseError(f"The kit has no practical {name!r}.", step)
    names = wanted.practicals or (() if wanted.new else tuple(known))
    roster = read_roster(wanted.students) if wanted.students else {}
    if wanted.due:
        moment(Path("--due"), "due", wanted.due, None)
    root = wanted.folder
    try:
        for part, name in ((part, name) for part in PARTS for name in names):
            shutil.copytree(kit / part / name, root / part / name, ignore=IGNORED)
        write_atomically(root / CONFIG, _config(wanted, kit))
        if wanted.new:
            names = (*names, _begun(root, wanted.new))
        write_atomically(root / STUDENTS, roster_sheet(roster).content())
        write_atomically(root / TERM, _term(wanted, names))
        write_atomically(root / ".gitignore", "".join(f"{each}\n" for each in UNTRACKED))
        (root / "submitted").mkdir()
        secret = make_secret(root)
        read_term(root)
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    return [root / CONFIG, root / TERM, root / STUDENTS, secret, *(root / "source" / name for name in names)]


def _begun(root: Path, name: str) -> str:
    """Write the skeleton of a new practical, and give back its name."""
    authoring = annex("authoring.new")
    if authoring is None:
        raise CourseError("This kit writes no skeletons.", "Copy an existing practical's folders.")
    authoring.new_practical(root, name)
    return name


def _config(wanted: NewCourse, kit: Path) -> str:
    text = (kit / CONFIG).read_text(encoding="utf-8")
    if wanted.exchange is None:
        return text
    lines = (
        f"c.Exchange.root = {str(wanted.exchange.resolve())!r}",
        f"c.CourseDirectory.course_id = {wanted.folder.resolve().name!r}",
    )
    return "\n".join([text.rstrip("\n"), "", "# nbgrader's exchange, where students fetch and hand in", *lines, ""])


def _term(wanted: NewCourse, names: Sequence[str]) -> str:
    zone = (
        f'timezone = "{wanted.zone}"\n'
        if wanted.zone
        else '# timezone = "Europe/Berlin"  # left out: this machine\'s own\n'
    )
    due = f'due = "{wanted.due}"' if wanted.due else "# due = 2026-11-30 23:59:00"
    return TERM_TEXT.format(students=STUDENTS, zone=zone) + "".join(
        DATES_TEXT.format(name=name, due=due) for name in names
    )
