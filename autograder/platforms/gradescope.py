"""The zip that Gradescope takes as an autograder: its two scripts, the kit, and one practical with its checks."""

import importlib.metadata
import io
import re
import zipfile
from pathlib import Path

from autograder.course.configuration import CONFIG
from autograder.course.folders import Course
from autograder.course.secret import SECRET, key_file
from autograder.files import ENGINE, write_atomically
from autograder.term.new_course import distribution, kit_folder

SCRIPTS = Path(__file__).parent / "gradescope_files"
DAY = (2026, 1, 1, 0, 0, 0)  # of every file in the zip, so that the same content makes the same zip


def package(course: Course, target: Path) -> Path:
    """Write the zip; its path. CourseError where the practical, its release or the kit is not complete.

    It holds the key of the practical's inputs, if the course has a secret, and not the secret itself.
    """
    _ = course.release, course.practical
    key = course.key
    files = {name: (SCRIPTS / name).read_bytes() for name in ("setup.sh", "run_autograder")}
    files["constraints.txt"] = (kit_folder() / "constraints.txt").read_bytes()
    files["requirements.txt"] = "".join(f"{line}\n" for line in _requirements()).encode()
    files |= _under(ENGINE, "kit/autograder")
    files[f"course/{CONFIG}"] = (course.root / CONFIG).read_bytes()
    for part in ("source", "release", "solutions"):
        files |= _under(course.root / part / course.name, f"course/{part}/{course.name}")
    files |= {f"course/{key_file(course.name)}": key.text().encode()} if key else {}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name, DAY)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = _mode(name) << 16
            archive.writestr(info, data)
    write_atomically(target, content.getvalue())
    return target


def _mode(name: str) -> int:
    """Who may do what with a file: the key is for the owner alone."""
    if name in ("setup.sh", "run_autograder"):
        return 0o755
    return 0o600 if name.startswith(f"course/{SECRET}") else 0o644


def _requirements() -> list[str]:
    """What the kit was installed with, by its own account."""
    return [line for line in importlib.metadata.requires(distribution()) or [] if not re.search(r"\bextra\s*==", line)]


def _under(folder: Path, name: str) -> dict[str, bytes]:
    """The files in a folder, for the zip."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    kept = [path for path in paths if "__pycache__" not in path.parts and ".ipynb_checkpoints" not in path.parts]
    return {f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in kept}
