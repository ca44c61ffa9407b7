"""The feedback page: what was found first, then the notebook, in which what was given is folded.

``nbgrader_config.py`` puts it in the place of nbgrader's own page. It needs no script and no network, and has room on a
phone and on paper.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bs4 import BeautifulSoup, Tag
from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.utils import is_grade, is_solution
from traitlets import Unicode

from autograder.nbgrader.cards import templates
from autograder.nbgrader.formulas import with_formulas
from autograder.nbgrader.overview import OVERVIEW, comment_on
from autograder.nbgrader.titles import heading_in


@dataclass(frozen=True)
class Part:
    """One part of the page below the overview: ``kind`` is given, text, code, question or answer."""

    kind: str
    body: Markup
    title: str = ""
    anchor: str = ""
    row: Any = None  # the question's line in the overview
    comment: str = ""


class FeedbackPage(Exporter):
    """Makes the page of a notebook that ``Overview`` has prepared."""

    output_mimetype = "text/html"

    file_extension = Unicode(".html").tag(config=True)

    def from_notebook_node(  # type: ignore[override]  # it makes a text, as do all exporters but the base
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **more: Any
    ) -> tuple[str, dict[str, Any]]:
        """nbconvert's entry point: the page, and the resources."""
        notebook, resources = super().from_notebook_node(nb, resources, **more)
        overview = Markup().join(Markup(c.source) for c in notebook.cells if OVERVIEW in c.metadata)  # noqa: S704 - ours
        facts = {
            "title": notebook.metadata.get("title", resources["nbgrader"]["notebook"]),
            "student": resources["nbgrader"]["student"],
            "overview": overview,
            "parts": list(_parts([cell for cell in notebook.cells if OVERVIEW not in cell.metadata])),
        }
        return _finished(templates().get_template("page.html").render(facts)), resources


def use_once() -> None:
    """Make what is made at first use, so that no copy of this process has to: templates, and patterns of languages."""
    for name in templates().list_templates(["html"]):
        templates().get_template(name)
    _finished(_body(new_code_cell("x = 1")) + _prose("A *text* with `code` and $x^2$.\n\n$$y$$"))


def _parts(cells: list[NotebookNode]) -> Iterator[Part]:
    """The notebook's cells, those that were given and stand together in one part."""
    for given, run in groupby(cells, key=lambda cell: cell.metadata.get("given", False)):
        if given:
            several = list(run)
            titles = [heading_in(cell.source) for cell in several if cell.cell_type == "markdown"]
            title = next((title for title in titles if title), "code that was given")
            yield Part("given", Markup().join(map(_body, several)), title)
        else:
            yield from map(_part, run)


def _part(cell: NotebookNode) -> Part:
    known = cell.metadata.get("nbgrader", {})
    comment = _prose(comment_on(cell))
    row, anchor = cell.metadata.get("row"), str(known.get("grade_id", ""))
    if is_grade(cell) and not is_solution(cell):
        cards = [output.data["text/html"] for output in cell.outputs if output.output_type == "display_data"]
        return Part("question", Markup().join(map(Markup, cards)), anchor=anchor, row=row)
    if is_grade(cell):
        return Part("answer", _body(cell), str(row["title"]), anchor, row, comment)
    return Part("code" if cell.cell_type == "code" else "text", _body(cell), anchor=anchor, comment=comment)


def _body(cell: NotebookNode) -> Markup:
    """A cell's code in colours, or its text as HTML, which Sanitise has made harmless."""
    if cell.cell_type == "code":
        return Markup(Highlight2HTML(pygments_lexer="ipython3")(cell.source))  # noqa: S704 - it escapes
    return _prose(cell.source, cell.get("attachments", {}))


def _prose(text: str, attachments: Any = None) -> Markup:
    renderer = IPythonRenderer(escape=False, attachments=attachments or {}, exclude_anchor_links=True)
    try:
        made = MarkdownWithMath(renderer=renderer).render(text)
    except InvalidNotebook:  # it names an attachment that is not there
        return Markup("<pre>{}</pre>").format(text)
    return Markup('<div class="prose">{}</div>').format(Markup(made)) if text else Markup()  # noqa: S704 - see _body


def _finished(page: str) -> str:
    """The page with formulas in it, headings in order, and tables that can be moved by keyboard where they are wide."""
    soup = BeautifulSoup(page, "html.parser")
    with_formulas(soup)
    for folded in (False, True):
        level = 2
        for heading in soup.select(".prose :is(h1, h2, h3, h4, h5, h6)"):  # the notebook's own, below the page's
            if bool(heading.find_parent("details")) is folded:
                level = min(int(heading.name[1:]) + 2, level + 1, 6) if folded else 3
                heading.name = f"h{level}"
                del heading["id"]
    for table in soup.select(".prose table"):
        table.wrap(Tag(name="div", attrs={"class": "wide", "tabindex": "0"}))
    for image in soup.select("img:not([alt])"):
        image["alt"] = "a picture without a description"
    return str(soup)
