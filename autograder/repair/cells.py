"""The cells that repair works on: the release's, and the pieces of what was handed in."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.course.practical import Practical
from autograder.notebook.cells import grade_id_of, nbgrader_of
from autograder.repair.text import defined, lines_of

FEW = 5  # cells of one kind that are named


@dataclass(eq=False)
class Model:
    """One of the release's cells that nbgrader knows."""

    name: str  # its grade_id
    place: int  # among the release's cells
    node: NotebookNode
    source: str  # the text as released
    lines: list[str]  # see lines_of
    defines: tuple[str, ...]  # names by which a student's cell is recognised
    head: str  # the decisive one of them, or empty
    is_code: bool
    locked: bool  # students are to leave it as it is
    graded: bool  # points hang on it
    given: bool  # nothing in it is to be filled in
    piece: "Piece | None" = None  # which is this cell, once it is found

    @property
    def answer(self) -> bool:
        """Whether students write prose there."""
        return self.graded and not self.given and not self.is_code

    def take(self, piece: "Piece") -> None:
        """Take the piece for this cell."""
        self.piece, piece.model = piece, self


def models_of(release: NotebookNode, practical: Practical) -> tuple[Model, ...]:
    """The release's cells that nbgrader knows, in their order."""
    return tuple(_model(place, cell, practical) for place, cell in enumerate(release.cells) if grade_id_of(cell))


def _model(place: int, cell: NotebookNode, practical: Practical) -> Model:
    name, flags, source = grade_id_of(cell), nbgrader_of(cell), str(cell.source)
    is_code, locked = cell.cell_type == "code", bool(flags.get("locked"))
    graded, given = bool(flags.get("grade")), not flags.get("solution")
    names = (practical.defines.get(name) or tuple(sorted(defined(source)))) if is_code and not locked else ()
    head = next(iter(names), "")
    return Model(name, place, cell, source, lines_of(source), names, head, is_code, locked, graded, given)


@dataclass(eq=False)
class Piece:
    """A cell that was handed in, or a part of one; ``number`` is the cell's in what was handed in, from 1."""

    node: NotebookNode
    number: int
    model: Model | None = None  # the release's cell that it is
    copy_of: Model | None = None  # the one to which it adds nothing
    earlier_of: Model | None = None  # the one that it is too, filled in, but not last

    @property
    def known(self) -> bool:
        """Whether it was found what the piece is."""
        return bool(self.model or self.copy_of or self.earlier_of)

    @property
    def text(self) -> str:
        """Its source."""
        return str(self.node["source"])

    @property
    def is_code(self) -> bool:
        """Whether it is a code cell by type."""
        return bool(self.node["cell_type"] == "code")

    @property
    def name(self) -> str:
        """The grade_id that it bears."""
        return grade_id_of(self.node)

    @property
    def ids(self) -> set[object]:
        """Its other ids, which may say which cell it was: the notebook format's, and the one that Colab keeps."""
        return {item for item in (self.node.get("id"), self.node["metadata"].get("id")) if isinstance(item, str)}

    @property
    def lines(self) -> list[str]:
        """The text's lines; see lines_of."""
        return lines_of(self.text)

    def part(self, text: str, kind: str = "") -> "Piece":
        """A piece of its own with that text, and with nothing of this one's but its type and its number."""
        node = NotebookNode(cell_type="", metadata=NotebookNode(), source=text)
        if "attachments" in self.node:  # pictures in an answer
            node["attachments"] = copy.deepcopy(self.node["attachments"])
        made = Piece(node, self.number)
        made.become(kind or self.node["cell_type"])
        return made

    def become(self, kind: str) -> None:
        """Give it that cell type, with the fields that go with it."""
        self.node["cell_type"] = kind
        if kind == "code":
            self.node.setdefault("outputs", [])
            self.node.setdefault("execution_count", None)
            self.node.pop("attachments", None)
        else:
            self.node.pop("outputs", None)
            self.node.pop("execution_count", None)


def head_of(text: str, models: Iterable[Model]) -> Model | None:
    """The release's cell that the text is or begins: it defines the name by which that cell is recognised."""
    names = defined(text)
    return next((model for model in models if model.head in names), None)


def tell_each(story: list[str], names: Sequence[str], one: str, many: str) -> None:
    """Add a sentence for each cell, ``one`` with its {name}; or if they are many, ``many`` with their {count}."""
    if len(names) > FEW:
        story.append(many.format(count=len(names)))
    else:
        story.extend(one.format(name=name) for name in names)
