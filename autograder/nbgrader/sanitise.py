"""Makes a student's notebook safe to show: nbgrader renders Markdown with its raw HTML, to the marker above all.

A script in an answer would run in the marker's browser, signed in to the gradebook. A space after the "<" of a tag, or
before the colon of a script's address, makes plain text of it wherever it stands: in prose, in formulas and in code.
"""

import copy
import html
import re

from nbformat import NotebookNode

_HARMLESS = r"(?:br|/?(?:b|i|u|em|strong|sub|sup|p))\s*/?>"  # tags without attributes
_ADDRESS = r"https?://[^\s<>\"']*>"
_TAG = re.compile(rf"<(?=[A-Za-z/!?])(?!{_HARMLESS})(?!{_ADDRESS})", re.IGNORECASE)
_MATH_LINK = re.compile(r"\\(href|csname)", re.IGNORECASE)  # MathJax makes links of any kind from these
_SCRIPT_URL = re.compile(r"(java|vb)script\s*:", re.IGNORECASE)
_ATTACHED = re.compile(r"attachment:([^)\s\"'>]*)", re.IGNORECASE)
_PICTURES = ("image/png", "image/jpeg", "image/gif")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def sanitised(notebook: NotebookNode) -> NotebookNode:
    """A copy in which no text of an unlocked cell, and no metadata, can act in a browser."""
    safe = copy.deepcopy(notebook)
    kept = {"kernelspec": safe.metadata["kernelspec"]} if "kernelspec" in safe.metadata else {}
    safe.metadata = NotebookNode(kept, language_info=NotebookNode(name="python"))
    for number, cell in enumerate(safe.cells):
        if "id" in cell and not _CELL_ID.fullmatch(str(cell.id)):
            cell.id = f"cell-{number}"
        keys = ("nbgrader", "deletable", "editable")
        cell.metadata = NotebookNode({key: cell.metadata[key] for key in keys if key in cell.metadata})
        _sanitise_cell(cell)
    return safe


def _sanitise_cell(cell: NotebookNode) -> None:
    pictures = _pictures(cell.pop("attachments", {}))
    if pictures:
        cell.attachments = pictures
    if cell.cell_type == "code":
        cell.execution_count = None
    elif cell.cell_type == "raw":
        cell.source = html.escape(cell.source)
    elif not _is_locked(cell):
        cell.source = harmless_markdown(cell.source, frozenset(pictures))


def _is_locked(cell: NotebookNode) -> bool:
    """Whether the cell's text was brought back from the gradebook, and so is the course's own."""
    nbgrader = cell.metadata.get("nbgrader", {})
    return bool(nbgrader.get("locked")) and not nbgrader.get("solution")


def harmless_markdown(text: str, pictures: frozenset[str] = frozenset()) -> str:
    """The same text with its HTML tags and script links made plain text.

    Of attached pictures only those named are linked: one that is not attached would keep the page from being made.
    """
    text = _TAG.sub("< ", text)
    text = _MATH_LINK.sub(r"\\text", text)
    text = _SCRIPT_URL.sub(r"\1script :", text)
    return _ATTACHED.sub(lambda match: match[0] if match[1] in pictures else f"missing-{match[1]}", text)


def _pictures(attachments: object) -> NotebookNode:
    """The attachments that are pictures in base64 and nothing else: name -> kind -> content."""
    pictures = NotebookNode()
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        kinds = bundle if isinstance(bundle, dict) else {}
        kept = {kind: kinds[kind] for kind in _PICTURES if _BASE64.fullmatch(str(kinds.get(kind, "")))}
        if kept:
            pictures[name] = NotebookNode(kept)
    return pictures
