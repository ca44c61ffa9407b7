"""Who handed in what, read off the names in a platform's download; what each does stands beside its pattern."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.errors import CourseError
from autograder.platforms.archives import Member

MOODLE, CANVAS, PLAIN = "moodle", "canvas", "folders"
AUTO = "auto"

# Moodle: "Ada Lovelace_123456_assignsubmission_file_/hw-1.ipynb", or the same as a prefix of the name; in between there
# may be another word, such as "onlinetext"; the number is the participant's
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<key>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<file>.*)", re.DOTALL)
# Canvas: "lovelaceada_LATE_123_456_hw-1.ipynb": last and first name, late or not, the numbers of user and submission
_CANVAS = re.compile(r"(?P<name>[^_]+)_(?:(?P<late>LATE)_)?(?P<key>\d+)_(?P<submission>\d+)_(?P<file>.+)", re.DOTALL)


@dataclass(frozen=True)
class Handed:
    """All that one person handed in, as the platform names them."""

    name: str  # "First Last" in Moodle, "lastfirst" in Canvas, the folder's name elsewhere
    key: str  # the platform's number; empty where there is none
    folder: str  # as it was downloaded
    files: tuple[tuple[str, Member], ...]  # the name that the student gave, and the file
    late: bool = False


def read_layout(members: Sequence[Member], platform: str) -> tuple[str, list[Handed]]:
    """The platform and everybody in its download. CourseError where the names are not of that platform."""
    patterns = {MOODLE: _MOODLE, CANVAS: _CANVAS}
    if platform == AUTO:
        heads = [member.path.parts[0] for member in members]
        counts = {
            name: sum(pattern.fullmatch(head) is not None for head in heads) for name, pattern in patterns.items()
        }
        platform = (
            max(counts, key=counts.__getitem__)
            if any(2 * count >= len(heads) > 0 for count in counts.values())
            else PLAIN
        )
    if platform == PLAIN:
        return platform, _plain(members)
    found, strange = _matched(members, patterns[platform])
    if not found:
        other = ", ".join(str(member.path) for member in strange[:3])
        message = f"No name in the zip is as {platform} names downloads ({other})."
        raise CourseError(message, "Name the platform with --from, or let it be found: --from auto.")
    return platform, found + _plain(strange)


def _matched(members: Sequence[Member], pattern: re.Pattern[str]) -> tuple[list[Handed], list[Member]]:
    heads: dict[tuple[str, str], list[tuple[str, Member, re.Match[str]]]] = defaultdict(list)
    strange = []
    for member in members:
        match = pattern.fullmatch(member.path.parts[0])
        if match is None:
            strange.append(member)
            continue
        inside = len(member.path.parts) > 1
        heads[match["name"], match["key"]].append((member.name if inside else match["file"], member, match))
    return [_one(name, key, parts) for (name, key), parts in heads.items()], strange


def _one(name: str, key: str, parts: Sequence[tuple[str, Member, re.Match[str]]]) -> Handed:
    files = tuple((file, member) for file, member, match in parts if match.groupdict().get("kind", "file") == "file")
    head = next((m.path.parts[0] for _, m, _ in parts if len(m.path.parts) > 1), f"{name}_{key}_assignsubmission_file_")
    late = any(match.groupdict().get("late") for *_, match in parts)
    return Handed(name, key, head, files or tuple((file, member) for file, member, _ in parts), late)


def _plain(members: Sequence[Member]) -> list[Handed]:
    """Folders, or notebooks, that are named after students."""
    found: Mapping[str, list[Member]] = defaultdict(list)
    for member in members:
        top = member.path.parts[0]
        found[top if len(member.path.parts) > 1 else member.path.stem].append(member)
    return [Handed(name, "", name, tuple((each.name, each) for each in files)) for name, files in found.items()]
