"""The cells that repair works on: the release's, and the pieces of what was handed in."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nbformat import NotebookNode

from autograder.course.practical import Practical
from autograder.notebook.cells import grade_id_of, nbgrader_of
from autograder.repair.text import defined, lines_of

FEW = 5  # cells of one kind that are listed one by one


@dataclass(frozen=True)
class Model:
    """One of the release's cells that nbgrader knows."""

    name: str  # its grade_id
    place: int  # among the release's cells
    node: NotebookNode
    defines: tuple[str, ...]  # names by which a student's cell is recognised; the first one is decisive

    @property
    def source(self) -> str:
        """The text as released."""
        return str(self.node.source)

    @property
    def is_code(self) -> bool:
        """Whether it is a code cell."""
        return bool(self.node.cell_type == "code")

    @property
    def locked(self) -> bool:
        """Whether students are to leave it as it is."""
        return bool(nbgrader_of(self.node).get("locked"))

    @property
    def graded(self) -> bool:
        """Whether points hang on it."""
        return bool(nbgrader_of(self.node).get("grade"))

    @property
    def given(self) -> bool:
        """Whether nothing in it is to be filled in."""
        return not nbgrader_of(self.node).get("solution")

    @property
    def answer(self) -> bool:
        """Whether students write prose there."""
        return self.graded and not self.given and not self.is_code

    @cached_property
    def lines(self) -> list[str]:
        """The text's lines; see lines_of."""
        return lines_of(self.source)


def models_of(release: NotebookNode, practical: Practical) -> tuple[Model, ...]:
    """The release's cells that nbgrader knows, in their order."""
    return tuple(
        Model(name, place, cell, _names_of(name, cell, practical))
        for place, cell in enumerate(release.cells)
        if (name := grade_id_of(cell))
    )


def _names_of(name: str, cell: NotebookNode, practical: Practical) -> tuple[str, ...]:
    if cell.cell_type != "code" or nbgrader_of(cell).get("locked"):
        return ()
    return practical.defines.get(name) or tuple(sorted(defined(cell.source)))


@dataclass(eq=False)
class Piece:
    """A cell that was handed in, or a part of one; ``number`` is the cell's in what was handed in, from 1."""

    node: NotebookNode
    number: int

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
    def ids(self) -> set[str]:
        """Its other ids, which may say which cell it was: the notebook format's, and the one that Colab keeps."""
        known = (self.node.get("id"), self.node["metadata"].get("id"))
        return {item for item in known if isinstance(item, str)}

    @property
    def lines(self) -> list[str]:
        """The text's lines; see lines_of."""
        return lines_of(self.text)

    def part(self, text: str, kind: str = "") -> "Piece":
        """A piece of its own with that text, and with nothing of this one's but its type and its number."""
        node = NotebookNode(cell_type=self.node["cell_type"], metadata=NotebookNode(), source=text)
        made = Piece(node, self.number)
        made.become(kind or self.node["cell_type"])
        if not made.is_code and "attachments" in self.node:  # pictures in an answer
            made.node["attachments"] = copy.deepcopy(self.node["attachments"])
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


def released(model: Model) -> Piece:
    """The cell as released, to be put where none was found."""
    return Piece(copy.deepcopy(model.node), 0)


@dataclass
class Story:
    """What was repaired, in sentences that instructor and student understand."""

    sentences: list[str] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        """Add a sentence."""
        self.sentences.append(sentence)

    def tell_each(self, names: Sequence[str], one: str, many: str) -> None:
        """A sentence for each cell, ``one`` with its {name}; or if they are many, ``many`` with their {count}."""
        if len(names) > FEW:
            self.tell(many.format(count=len(names)))
        else:
            self.sentences.extend(one.format(name=name) for name in names)


def listed(names: Iterable[str]) -> str:
    """The names in quotes, the first few of them."""
    quoted = [f"'{name}'" for name in dict.fromkeys(names)]
    more = f" and {len(quoted) - FEW} more" if len(quoted) > FEW else ""
    return ", ".join(quoted[:FEW]) + more
