"""What is kept of a file that was handed in, before any work on it: what marking and a reader need, and no more.

Of outputs only plain text and pictures stay, cut short (see ``shown``); of metadata only what is short. What is left is
small, and so is everything that is made of it, whatever the file held.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from autograder.course.limits import Limits
from autograder.notebook.shown import Room, shown

MOST_TEXT = 50_000  # characters of a text cell; a long essay has 20,000
ALL_TEXT = 500_000  # characters of all text cells together
LONGEST_ID = 64  # characters, as nbformat has it
MOST_ABOUT = 4_000  # characters of one entry of metadata, as JSON
MOST_ATTACHED = 4 * 2**20  # characters of a cell's attachments
ALL_ATTACHED = 4 * MOST_ATTACHED
FEW = 5  # cells that are told one by one
KEPT = ("cells", "worksheets", "metadata", "nbformat", "nbformat_minor")
VERSION = ("nbformat", "nbformat_minor")
OF_CELLS = ("cell_type", "id", "metadata", "source", "input", "attachments", "level", "outputs")
_WHOLE = re.compile(r"[0-9]{1,3}(?:\.0)?")  # some tools write a version as text, or with a point
_PICTURE = re.compile(r"data:image/[\w.+-]{1,40};base64,[A-Za-z0-9+/=]*")


def cells_in(raw: Any) -> list[Any]:
    """The cells of a notebook as JSON has it, in whatever format; empty where it has none."""
    sheets = raw.get("worksheets") if isinstance(raw, dict) else None
    holders = [raw, *(sheets if isinstance(sheets, list) else ())]
    found = [each["cells"] for each in holders if isinstance(each, dict) and isinstance(each.get("cells"), list)]
    return [cell for cells in found for cell in cells]


def trim(raw: Any, limits: Limits) -> list[str]:
    """Take from a notebook, as JSON has it, what is not kept; what a student should know of that, in words."""
    if not isinstance(raw, dict):
        return []
    _keep(raw, KEPT)
    raw["metadata"] = _short(raw.get("metadata"))
    for name in VERSION:
        if isinstance(raw.get(name), str | float) and _WHOLE.fullmatch(str(raw[name])):
            raw[name] = int(float(raw[name]))
    trimmer = _Trimmer(limits)
    for number, cell in enumerate(cells_in(raw), start=1):
        if isinstance(cell, dict):
            trimmer.trim(cell, number)
    return list(trimmer.told())


class _Trimmer:
    """What there is still room for, and what was cut for want of it."""

    def __init__(self, limits: Limits) -> None:
        self.longest = {True: limits.longest_cell, False: MOST_TEXT}
        self.left = {True: limits.all_code + limits.longest_cell, False: ALL_TEXT}  # the reader of code says the rest
        self.attached = ALL_ATTACHED
        self.room = Room()
        self.cut: list[str] = []
        self.bare: list[str] = []

    def trim(self, cell: dict[str, Any], number: int) -> None:
        """Trim one cell."""
        _keep(cell, OF_CELLS)
        if "id" in cell and not (isinstance(cell["id"], str) and len(cell["id"]) <= LONGEST_ID):
            del cell["id"]  # repair gives it another one
        cell["metadata"] = _short(cell.get("metadata"))
        is_code = cell.get("cell_type") == "code"
        if is_code:
            cell["outputs"], cell["execution_count"] = shown(cell.get("outputs"), self.room), None
        else:
            cell.pop("outputs", None)
        for field in ("source", "input"):
            if isinstance(cell.get(field), str | list):
                cell[field] = self._text(cell[field], is_code, str(number))
        if "attachments" in cell and not self._has_room(cell["attachments"]):
            del cell["attachments"]
            self.bare.append(str(number))

    def _text(self, source: str | list[Any], is_code: bool, number: str) -> Any:
        if isinstance(source, list):
            if not all(isinstance(line, str) for line in source):
                return source  # which is no text: the reader says so
            source = "".join(source)
        longest = min(self.longest[is_code], self.left[is_code])
        text = source if len(source) <= longest or is_code else _PICTURE.sub("", source)
        if len(text) > longest:
            text = text[: longest + is_code]  # of code one more, so that its reader knows that it is too long
            if not is_code:
                self.cut.append(number)
        self.left[is_code] -= min(len(text), self.left[is_code])
        return text

    def _has_room(self, attachments: Any) -> bool:
        """Whether a cell's attachments are texts by name and kind, and not too long."""
        bundles = list(attachments.values()) if isinstance(attachments, dict) else [None]
        kinds = [kind for each in bundles for kind in (each.values() if isinstance(each, dict) else [None])]
        if not all(isinstance(each, str) for each in kinds):
            return False
        length = sum(map(len, [*attachments, *kinds]))
        self.attached -= length
        return length <= MOST_ATTACHED and self.attached >= 0

    def told(self) -> Iterator[str]:
        """What was cut, in words."""
        if self.cut:
            yield f"{_named(self.cut)} had more text than is read and shown ({MOST_TEXT} characters), and was cut."
        if self.bare:
            yield f"{_named(self.bare)} had attachments that are too large, or none that could be; they were left out."


def _named(numbers: list[str]) -> str:
    more = len(numbers) - FEW
    return f"Cell {', '.join(numbers[:FEW])}" + (f" and {more} more" if more > 0 else "")


def _keep(found: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in [name for name in found if name not in names]:
        del found[name]


def _short(metadata: Any) -> dict[str, Any]:
    """Metadata without entries that are long."""
    found = metadata if isinstance(metadata, dict) else {}
    return {name: value for name, value in found.items() if _length(name) + _length(value) <= MOST_ABOUT}


def _length(value: Any) -> int:
    """The length of a value as JSON; beyond all limits where it is nested too deeply to be written."""
    if isinstance(value, str):
        return len(value)
    try:
        return len(json.dumps(value))
    except RecursionError:
        return MOST_ABOUT + 1
