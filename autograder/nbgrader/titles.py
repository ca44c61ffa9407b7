"""What a student reads in the place of a question's id: the heading that it stands under in the notebook."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from nbformat import NotebookNode
from nbgrader.utils import is_grade

from autograder.records import question_in

LONGEST = 80  # characters of a title
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_POINTS = re.compile(r"\s*\([^()]*\bpoints?\)$")
_LABEL = re.compile(r"#\s*@title\s+(?:Check:\s*)?(.+)")


def titles_of(release: NotebookNode) -> dict[str, str]:
    """Grade_id of each grade cell -> its title. Where several stand under one heading, each one's own name is added."""
    found = list(_headings(release))
    often = Counter(heading for heading, _ in found)
    return {
        str(cell.metadata.nbgrader["grade_id"]): (
            heading if heading and often[heading] == 1 else f"{heading} ({_label(cell)})" if heading else _label(cell)
        )
        for heading, cell in found
    }


def heading_in(text: str) -> str:
    """The last heading of a Markdown text, without the points behind it; empty where it has none."""
    headings = _HEADING.findall(text)
    return _POINTS.sub("", headings[-1])[:LONGEST] if headings else ""


def with_titles(text: str, titles: Mapping[str, str]) -> str:
    """A text in which the ids of questions are replaced by their titles."""
    names = {question_in(grade_id): title for grade_id, title in titles.items()}
    ids = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w-])(?:{ids})(?![\w-])", lambda found: names[found[0]], text) if ids else text


def _headings(release: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """Each grade cell with the heading above it."""
    heading = ""
    for cell in release.cells:
        if cell.cell_type == "markdown" and not is_grade(cell):
            heading = heading_in(cell.source) or heading
        elif is_grade(cell):
            yield heading, cell


def _label(cell: NotebookNode) -> str:
    """A grade cell's own name: its title in Colab, or else its id."""
    found = _LABEL.match(cell.source) if cell.cell_type == "code" else None
    return found[1].strip()[:LONGEST] if found else question_in(str(cell.metadata.nbgrader["grade_id"]))
