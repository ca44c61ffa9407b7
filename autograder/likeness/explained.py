"""What a submission holds beyond what the release, the reference and the corpus of common solutions explain."""

import ast
import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from nbformat import NotebookNode

from autograder.authoring import MarkedNotebook
from autograder.authoring.blanks import Blank, rewritten
from autograder.course.practical import Practical
from autograder.likeness.fingerprints import Fingerprints, Names, fingerprints_of_code, fingerprints_of_prose
from autograder.likeness.pairs import Places
from autograder.notebook.cells import grade_id_of, nbgrader_of
from autograder.notebook.python import tree_of
from autograder.verification.corpus import Variant

Key = TypeVar("Key", int, str)

LONGEST_CELL = 50_000  # characters; a longer cell is not looked at
ALL_CODE = 200_000  # characters of one submission's cells, those of the contract first
MOST_CELLS = 100  # of one submission, likewise
MOST_OF_ONE = 3  # fingerprints of one statement, so that a long one does not outweigh several
MOST_FINGERPRINTS = 5_000  # of one place, so that no submission makes the comparison slow


@dataclass(frozen=True)
class Profile:
    """What is left of one submission."""

    code: Places  # grade_id or number of a cell -> fingerprints
    answers: Places  # grade_id of a written answer -> fingerprints


@dataclass(frozen=True)
class Explained:
    """What everyone was given or may have thought of; make it by ``explained_by``."""

    release: NotebookNode
    code: Fingerprints
    prose: Fingerprints
    names: Names

    def profile(self, mended: NotebookNode, practical: Practical) -> Profile:
        """What a repaired submission holds beyond it."""
        fingerprints = _fingerprints(self._own_cells(mended), self.names)
        return Profile(
            _places({place: rare(groups, self.code) for place, groups in fingerprints.items()}),
            _places(
                {name: fingerprints_of_prose(text) - self.prose for name, text in _answers(mended, practical).items()}
            ),
        )

    def _own_cells(self, mended: NotebookNode) -> dict[str, str]:
        """The code cells that are not the release's own, as many as are looked at."""
        cells: dict[str, str] = {}
        for number, cell in enumerate(mended.cells, start=1):
            if cell.cell_type == "code" and not nbgrader_of(cell).get("grade") and cell.source not in self._sources:
                name = grade_id_of(cell)
                cells[name if name in self._ids else f"cell {number}"] = cell.source
        kept: dict[str, str] = {}
        for place in sorted(cells, key=lambda place: place not in self._ids)[:MOST_CELLS]:
            if sum(map(len, kept.values())) + len(cells[place]) <= ALL_CODE:
                kept[place] = cells[place]
        return kept

    @cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(cell.source for cell in self.release.cells)

    @cached_property
    def _ids(self) -> Collection[str]:
        return [name for cell in self.release.cells if (name := grade_id_of(cell))]


def explained_by(release: NotebookNode, reference: MarkedNotebook, variants: Sequence[Variant]) -> Explained:
    """What the release, the reference and the variants explain of code, and the release alone of prose."""
    given = [cell.source for cell in release.cells if cell.cell_type == "code"]
    names = Names.of(tree for source in given if (tree := _tree(source)) is not None)
    ways = [given, _reference(reference), *(_changed(reference, variant) for variant in variants)]
    code = [_fingerprints(dict(enumerate(sources)), names) for sources in ways]
    prose = [fingerprints_of_prose(cell.source) for cell in release.cells if cell.cell_type != "code"]
    return Explained(
        release,
        frozenset().union(*(fingerprints for cells in code for groups in cells.values() for fingerprints in groups)),
        frozenset().union(*prose),
        names,
    )


def rare(groups: Iterable[Fingerprints], explained: Fingerprints) -> Fingerprints:
    """What is left without the explained: of each group no more than a few, in every submission the same ones."""
    return frozenset().union(*(heapq.nsmallest(MOST_OF_ONE, fingerprints - explained) for fingerprints in groups))


def _places(found: Mapping[str, Fingerprints]) -> dict[str, Fingerprints]:
    return {place: frozenset(heapq.nsmallest(MOST_FINGERPRINTS, each)) for place, each in found.items() if each}


def _fingerprints(cells: Mapping[Key, str], given: Names) -> dict[Key, list[Fingerprints]]:
    """The fingerprints of code cells, grouped as fingerprints_of_code groups them; of none that does not parse."""
    trees = {name: tree for name, source in cells.items() if (tree := _tree(source)) is not None}
    names = Names.of(trees.values()).under(given)
    return {name: fingerprints_of_code(tree, names) for name, tree in trees.items()}


def _tree(source: str) -> ast.Module | None:
    return tree_of(source) if len(source) <= LONGEST_CELL else None


def _answers(notebook: NotebookNode, practical: Practical) -> dict[str, str]:
    cells = {grade_id_of(cell): cell.source for cell in reversed(notebook.cells)}
    return {name: cells[name] for name in practical.written if name in cells}


def _reference(marked: MarkedNotebook) -> Iterator[str]:
    for cell in marked.cells:
        if cell.is_code:
            yield rewritten(cell.source, marked.blanks[cell.index], lambda blank: blank.filled(blank.solution))


def _changed(marked: MarkedNotebook, variant: Variant) -> Iterator[str]:
    """The cells in which a variant differs from the reference."""
    yield from (*variant.cells.values(), *variant.extra_cells)
    touched = {marked.practical.blanks[blank] for blank in variant.fills}

    def text_of(blank: Blank) -> str:
        return blank.filled(variant.fills.get(blank.id, blank.solution))

    for cell in marked.cells:
        if cell.grade_id in touched:
            yield rewritten(cell.source, marked.blanks[cell.index], text_of)
