"""Makes a student's notebook safe to show: nbgrader renders Markdown with its raw HTML, to the marker above all.

A script in an answer would run in the marker's browser, signed in to the gradebook. Text without links, pictures and
tags stays as it was typed. Every other text is rendered here, cleaned by an allow-list of tags, attributes and schemes
(nh3, which parses as a browser does, so that no spelling of an address escapes it), and kept as one block of HTML: what
renders it later leaves it alone. nbconvert's own sanitiser is not used, since it cleans the HTML in Markdown, and not
the links that Markdown makes.
"""

import copy
import html
import re
from collections.abc import Collection, Iterator, Mapping

import nh3
from nbconvert.filters.markdown_mistune import InvalidNotebook, markdown2html_mistune
from nbformat import NotebookNode

TAGS = frozenset(
    """a abbr b blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre s samp small span
    strong sub sup table tbody td th thead tr u ul var""".split()  # noqa: SIM905 - a list of them takes a page
)
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto"})
MOST_FORMULAS = 100  # that begin with a name: nbconvert looks for the end of each one in all that follows
_ACTIVE = re.compile(r"\[|<[A-Za-z/!?]|&[#A-Za-z]")  # may become a link, a picture, a tag or a character of one
_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\x00-\x20]+", re.IGNORECASE)
_SHOWN = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=]+")
_BEGIN = re.compile(r"\\begin\s*\{")
_OF_MATH = re.compile(  # of MathJax: they make links, styles, identifiers and commands
    r"\\(?:href|csname|require|class|cssId|style|data|mmlToken|def|let|newcommand|renewcommand|newenvironment)\b",
    re.IGNORECASE,
)
_ATTACHED = re.compile(r"attachment:([^)\s\"'>\]]*)", re.IGNORECASE)
_INERT = {  # what a renderer may look for inside a block
    "\\": "&#92;",
    "$": "&#36;",
    "`": "&#96;",
    "[": "&#91;",  # nbconvert looks for the end of a link in all that follows
}
_BEFORE_BLANK = re.compile(r"\n(?=[^\S\n]*\n)")  # a blank line, of spaces perhaps, would end the block
_PICTURES = ("image/png", "image/jpeg", "image/gif")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def sanitised(notebook: NotebookNode, given: Collection[str] = ()) -> NotebookNode:
    """A copy in which no text of a student's, and no metadata, can act in a browser; the ``given`` texts stay."""
    safe = copy.deepcopy(notebook)
    kept = {"kernelspec": safe.metadata["kernelspec"]} if "kernelspec" in safe.metadata else {}
    safe.metadata = NotebookNode(kept, language_info=NotebookNode(name="python"))
    for number, cell in enumerate(safe.cells):
        if "id" in cell and not _CELL_ID.fullmatch(str(cell.id)):
            cell.id = f"cell-{number}"
        keys = ("nbgrader", "deletable", "editable")
        cell.metadata = NotebookNode({key: cell.metadata[key] for key in keys if key in cell.metadata})
        _sanitise_cell(cell, given)
    return safe


def _sanitise_cell(cell: NotebookNode, given: Collection[str]) -> None:
    pictures = _pictures(cell.pop("attachments", {}))
    if pictures:
        cell.attachments = pictures
    if cell.cell_type == "code":
        cell.execution_count = None
    elif cell.cell_type == "raw":
        cell.source = html.escape(cell.source)
    elif not _is_locked(cell) and cell.source not in given:
        cell.source = harmless(cell.source, pictures)


def _is_locked(cell: NotebookNode) -> bool:
    """Whether the cell's text was brought back from the gradebook, and so is the course's own."""
    nbgrader = cell.metadata.get("nbgrader", {})
    return bool(nbgrader.get("locked")) and not nbgrader.get("solution")


def harmless(text: str, pictures: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """A Markdown text as it was typed, or the same as one block of clean HTML with its attached pictures in it."""
    text = _OF_MATH.sub(r"\\text", text)
    if len(_BEGIN.findall(text)) > MOST_FORMULAS:
        text = _BEGIN.sub("begin {", text)
    if not _ACTIVE.search(text):
        return text
    shown = {name: f"data:{kind};base64,{''.join(content.split())}" for name, kind, content in _each(pictures or {})}
    text = _ATTACHED.sub(lambda match: shown.get(match[1], f"missing-{match[1]}"), text)
    clean = nh3.clean(
        _rendered(text),
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={*SCHEMES, "data"},
    )
    return inert(_OF_MATH.sub(r"\\text", clean))


def inert(clean: str) -> str:
    """Clean HTML as one block, in which no renderer of Markdown or formulas finds anything to do."""
    clean = clean.strip("\n")
    for plain, entity in _INERT.items():
        clean = clean.replace(plain, entity)
    clean = _BEFORE_BLANK.sub("&#10;", clean)
    return f"<div>\n{clean}\n</div>"


def _rendered(text: str) -> str:
    """A text as nbconvert renders it, or as it was typed where nbconvert refuses it."""
    try:
        return markdown2html_mistune(text)
    except InvalidNotebook:  # it names an attachment that is not there, in a spelling of its own
        return f"<pre>{html.escape(text)}</pre>"


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value of an attribute that may stay: addresses that are written out, pictures that bring no request."""
    if name == "href":
        return value if _ADDRESS.fullmatch(value) else None
    return value if name != "src" or (tag == "img" and _SHOWN.fullmatch(value)) else None


def _each(pictures: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    return ((name, kind, content) for name, kinds in pictures.items() for kind, content in [*kinds.items()][:1])


def _pictures(attachments: object) -> NotebookNode:
    """The attachments that are pictures in base64 and nothing else: name -> kind -> content."""
    pictures = NotebookNode()
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        kinds = bundle if isinstance(bundle, dict) else {}
        kept = {kind: kinds[kind] for kind in _PICTURES if _BASE64.fullmatch(str(kinds.get(kind, "")))}
        if kept:
            pictures[name] = NotebookNode(kept)
    return pictures
