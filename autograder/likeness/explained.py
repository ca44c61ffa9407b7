"""What a submission holds beyond what the release, the reference and the corpus of common solutions explain."""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.authoring import MarkedNotebook
from autograder.course.practical import Practical
from autograder.likeness.fingerprints import Fingerprints, Names, fingerprints_of_code, fingerprints_of_prose
from autograder.likeness.pairs import Places
from autograder.notebook.cells import grade_id_of, nbgrader_of
from autograder.notebook.python import tree_of
from autograder.verification.corpus import Variant

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

    sources: frozenset[str]  # of the release's cells
    ids: frozenset[str]  # and their grade_ids
    code: Fingerprints
    prose: Fingerprints
    names: Names

    def profile(self, mended: NotebookNode, practical: Practical) -> Profile:
        """What a repaired submission holds beyond it."""
        code = _fingerprints(self._own_cells(mended), self.names)
        cells = {grade_id_of(cell): cell.source for cell in reversed(mended.cells)}
        answers = {name: fingerprints_of_prose(cells[name]) for name in practical.written if name in cells}
        return Profile(
            _places({place: rare(groups, self.code) for place, groups in code.items()}),
            _places({name: found - self.prose for name, found in answers.items()}),
        )

    def _own_cells(self, mended: NotebookNode) -> dict[str, str]:
        """The code cells that are not the release's own, as many as are looked at."""
        cells: dict[str, str] = {}
        for number, cell in enumerate(mended.cells, start=1):
            if cell.cell_type == "code" and not nbgrader_of(cell).get("grade") and cell.source not in self.sources:
                name = grade_id_of(cell)
                cells[name if name in self.ids else f"cell {number}"] = cell.source
        kept: dict[str, str] = {}
        for place in sorted(cells, key=lambda place: place not in self.ids)[:MOST_CELLS]:
            if sum(map(len, kept.values())) + len(cells[place]) <= ALL_CODE:
                kept[place] = cells[place]
        return kept


def explained_by(release: NotebookNode, reference: MarkedNotebook, variants: Sequence[Variant]) -> Explained:
    """What the release, the reference and the variants explain of code, and the release alone of prose."""
    given = _code(release)
    names = Names.of(tree for source in given if (tree := tree_of(source, LONGEST_CELL)) is not None)
    right = _code(reference.fill({}, {}, ()))
    filled = [reference.fill(variant.fills, variant.cells, variant.extra_cells) for variant in variants]
    ways = [_fingerprints(cells, names) for cells in (given, right, *(_code(notebook, right) for notebook in filled))]
    prose = [fingerprints_of_prose(cell.source) for cell in release.cells if cell.cell_type != "code"]
    return Explained(
        sources=frozenset(cell.source for cell in release.cells),
        ids=frozenset(filter(None, map(grade_id_of, release.cells))),
        code=frozenset().union(*(found for cells in ways for groups in cells.values() for found in groups)),
        prose=frozenset().union(*prose),
        names=names,
    )


def _code(notebook: NotebookNode, known: Collection[str] = ()) -> dict[str, str]:
    """The code cells that are not known, each text under itself."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source not in known]
    return {cell.source: cell.source for cell in cells}


def rare(groups: Iterable[Fingerprints], explained: Fingerprints) -> Fingerprints:
    """What is left without the explained: of each group no more than a few, in every submission the same ones."""
    return frozenset().union(*(heapq.nsmallest(MOST_OF_ONE, fingerprints - explained) for fingerprints in groups))


def _places(found: Mapping[str, Fingerprints]) -> dict[str, Fingerprints]:
    return {place: frozenset(heapq.nsmallest(MOST_FINGERPRINTS, each)) for place, each in found.items() if each}


def _fingerprints(cells: Mapping[str, str], given: Names) -> dict[str, list[Fingerprints]]:
    """The fingerprints of code cells, grouped as fingerprints_of_code groups them; of none that does not parse."""
    trees = {name: tree for name, source in cells.items() if (tree := tree_of(source, LONGEST_CELL)) is not None}
    names = Names.of(trees.values()).under(given)
    return {name: fingerprints_of_code(tree, names) for name, tree in trees.items()}
