"""What a student's cells showed when the notebook was handed in: plain text and pictures, for the marker of an answer.

Nothing is marked by it. Of what cells that no point hangs on showed, the last few texts and pictures before each
written answer are kept, and nothing of any other kind, so that it stays small and cannot act where it is shown.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from autograder.notebook.cells import nbgrader_of

LONGEST_TEXT = 2_000  # characters of one cell's text; the end of it is kept
LARGEST_PICTURE = 600_000  # characters in base64
WIDEST = 4_000  # pixels: a browser holds every one of them
ALL_PICTURES = 2_000_000  # characters in base64, of one notebook
FEW = 4  # cells that showed something, before one answer
_BASE64 = re.compile(r"[A-Za-z0-9+/]+=*")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # by which a terminal is told to colour or erase


@dataclass
class Room:
    """How much of pictures may still be kept of a notebook."""

    left: int = ALL_PICTURES

    def has(self, picture: str) -> bool:
        """Whether the picture may be kept; it then takes its room."""
        if len(picture) > min(self.left, LARGEST_PICTURE) or not _is_png(picture):
            return False
        self.left -= len(picture)
        return True


def shown(outputs: Any, room: Room) -> list[dict[str, Any]]:
    """Of a code cell's outputs, as JSON has them, the pictures and the end of the text, as outputs of their own."""
    found = [each for each in outputs if isinstance(each, dict)] if isinstance(outputs, list) else []
    text = _ESCAPES.sub("", "".join(map(_text, found)))
    pictures = [picture for each in found if (picture := _picture(each)) and room.has(picture)]
    texts = [{"output_type": "stream", "name": "stdout", "text": text[-LONGEST_TEXT:]}] if text.strip() else []
    kind = {"output_type": "display_data", "metadata": {}}
    return texts + [{**kind, "data": {"image/png": picture}} for picture in pictures]


def _text(output: dict[str, Any]) -> str:
    """What an output says in plain text; a picture's words, such as <Figure size 640x480>, say nothing."""
    data = output.get("data")
    if isinstance(data, dict):
        return "" if "image/png" in data else _joined(data.get("text/plain")) + "\n"
    return _joined(output.get("text"))


def _picture(output: dict[str, Any]) -> str:
    data = output.get("data")
    return re.sub(r"\s", "", _joined(data.get("image/png"))) if isinstance(data, dict) else ""


def _joined(text: Any) -> str:
    """A text, which may be a list of lines; empty where it is neither."""
    lines = text if isinstance(text, list) else [text]
    return "".join(lines) if all(isinstance(line, str) for line in lines) else ""


def _is_png(picture: str) -> bool:
    """Whether it is a PNG in base64, of a size that a page can hold."""
    if not _BASE64.fullmatch(picture) or len(picture) % 4:
        return False
    head = base64.b64decode(picture[:32])
    sides = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    return head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and max(sides) <= WIDEST


def keep_what_answers_are_about(notebook: NotebookNode) -> None:
    """Take all outputs away but those of the last few cells of code before each written answer."""
    kept = {id(cell) for _, about in written_answers(notebook.cells) for cell in _showing(about)[-FEW:]}
    for cell in notebook.cells:
        if cell.cell_type == "code" and id(cell) not in kept:
            cell["outputs"] = []


def written_answers(cells: Sequence[NotebookNode]) -> Iterator[tuple[NotebookNode, list[NotebookNode]]]:
    """Each written answer, and the cells that stand between it and the one before."""
    about: list[NotebookNode] = []
    for cell in cells:
        nbgrader = nbgrader_of(cell)
        if cell.cell_type == "markdown" and nbgrader.get("grade") and nbgrader.get("solution"):
            yield cell, about
            about = []
        else:
            about.append(cell)


def _showing(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The cells that showed something, and that are no grade cells."""
    return [cell for cell in cells if cell.cell_type == "code" and cell.outputs and not nbgrader_of(cell).get("grade")]
