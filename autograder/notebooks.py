"""Reading what was handed in: a notebook, or the reason in words why it is none."""

import warnings
from pathlib import Path

import nbformat
from nbformat import NotebookNode

LARGEST_FILE = 50 * 2**20  # bytes


class NotANotebookError(Exception):
    """What was handed in cannot be read as a notebook; the message is for student and instructor."""


def read_notebook(path: Path) -> NotebookNode:
    """The notebook at that path, in nbformat 4 whatever it was saved in; NotANotebookError says what is wrong."""
    if path.is_symlink() or not path.is_file():
        raise NotANotebookError(f"{path.name} is not an ordinary file. Hand in the notebook itself.")
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise NotANotebookError(f"{path.name} has {size // 2**20} MB. Clear its outputs and hand it in again.")
    return parse_notebook(path.read_bytes(), path.name)


def parse_notebook(content: bytes, name: str) -> NotebookNode:
    """The notebook in a file's content; ``name`` is what the file is called in messages."""
    if not content.strip():
        raise NotANotebookError(f"{name} is empty. Save the notebook and hand it in again.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotANotebookError(f"{name} is not UTF-8 text. Hand in the .ipynb file that Jupyter saves.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about ids that are missing or doubled: repair sees to them
            found = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
            notebook = nbformat.convert(found, 4)
    except Exception as error:  # nbformat raises many kinds on what is not a notebook
        raise NotANotebookError(f"{name} is not a notebook ({_reason(error)}). Hand in the .ipynb file.") from None
    return _checked(notebook, name)


def _reason(error: Exception) -> str:
    if isinstance(error, nbformat.reader.NotJSONError):
        return "its content is not JSON"
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _plain(source: str) -> str:
    """A cell's text with plain newlines, and with nothing that UTF-8 cannot hold (halves of surrogate pairs)."""
    return source.encode(errors="replace").decode().replace("\r\n", "\n").replace("\r", "\n")


def _checked(notebook: NotebookNode, name: str) -> NotebookNode:
    """The notebook if every cell has a type and a text; a list of lines is joined."""
    cells = notebook.get("cells")
    if notebook.get("nbformat") != 4 or not isinstance(cells, list):
        raise NotANotebookError(f"{name} is not a notebook of a known format: it has no list of cells.")
    for number, cell in enumerate(cells, start=1):
        source = cell.get("source") if isinstance(cell, dict) else None
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            cell["source"] = source = "".join(source)
        if not isinstance(source, str) or cell.get("cell_type") not in ("code", "markdown", "raw"):
            raise NotANotebookError(f"{name} has a cell that is no cell (number {number}). Save it anew from Jupyter.")
        if not isinstance(cell.get("metadata"), dict):
            cell["metadata"] = NotebookNode()
        if not isinstance(cell["metadata"].get("nbgrader", {}), dict):
            del cell["metadata"]["nbgrader"]
        cell["source"] = _plain(source)
    if not isinstance(notebook.get("metadata"), dict):
        notebook["metadata"] = NotebookNode()
    return notebook
