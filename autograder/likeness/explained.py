"""What a submission holds beyond what the release, the reference and the corpus of common solutions explain."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.authoring import MarkedNotebook
from autograder.authoring.blanks import rewritten
from autograder.course.practical import Practical
from autograder.likeness.fingerprints import (
    MOST_TOKENS,
    Fingerprints,
    Names,
    fingerprints_of_code,
    fingerprints_of_prose,
    is_cut,
)
from autograder.likeness.pairs import Places
from autograder.notebook.cells import Cell, grade_id_of, nbgrader_of
from autograder.notebook.python import tree_of
from autograder.verification.corpus import Variant

LONGEST_CELL = 200_000  # characters; a longer cell is not looked at
ALL_CODE = 400_000  # characters of one submission's cells, those of the contract first
MOST_CELLS = 300  # of one submission, likewise
FEW = 5  # cells that are named
MOST_OF_ONE = 3  # fingerprints of one statement, so that a long one does not outweigh several
MOST_FINGERPRINTS = 5_000  # of one place, so that no submission makes the comparison slow


@dataclass(frozen=True)
class Profile:
    """What is left of one submission."""

    code: Places  # grade_id or number of a cell -> fingerprints
    answers: Places  # grade_id of a written answer -> fingerprints
    left_out: tuple[str, ...] = ()  # what could not be compared, in words


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
        own, missing = self._own_cells(mended)
        code = _fingerprints(own, self.names)
        cut = [place for place, source in own.items() if len(source) > MOST_TOKENS and is_cut(source)]
        cells = {grade_id_of(cell): cell.source for cell in reversed(mended.cells)}
        answers = {name: fingerprints_of_prose(cells[name]) for name in practical.written if name in cells}
        return Profile(
            _places({place: rare(groups, self.code) for place, groups in code.items()}),
            _places({name: found - self.prose for name, found in answers.items()}),
            tuple(_left_out(missing, "not compared, since there is too much of it"))
            + tuple(_left_out(cut, "compared in its first part alone, since it is long")),
        )

    def _own_cells(self, mended: NotebookNode) -> tuple[dict[str, str], list[str]]:
        """The code cells that are not the release's own, and the places of those that are not looked at."""
        cells: dict[str, str] = {}
        for number, cell in enumerate(mended.cells, start=1):
            if cell.cell_type == "code" and not nbgrader_of(cell).get("grade") and cell.source not in self.sources:
                name = grade_id_of(cell)
                cells[name if name in self.ids else f"cell {number}"] = cell.source
        kept: dict[str, str] = {}
        left = ALL_CODE
        for place in sorted(cells, key=lambda place: (place not in self.ids, len(cells[place])))[:MOST_CELLS]:
            if len(cells[place]) <= min(left, LONGEST_CELL):
                kept[place] = cells[place]
                left -= len(cells[place])
        return kept, [place for place in cells if place not in kept]


def _left_out(places: Sequence[str], words: str) -> list[str]:
    more = len(places) - FEW
    named = ", ".join(places[:FEW]) + (f" and {more} more" if more > 0 else "")
    return [f"{named}: {words}"] if places else []


def explained_by(release: NotebookNode, reference: MarkedNotebook, variants: Sequence[Variant]) -> Explained:
    """What the release, the reference and the variants explain of code, and the release alone of prose."""
    given = [cell.source for cell in release.cells if cell.cell_type == "code"]
    names = Names.of(tree for source in given if (tree := tree_of(source, LONGEST_CELL)) is not None)
    cells = [cell for cell in reference.cells if cell.is_code]
    ways = [given, _filled(reference, cells, {})]
    for variant in variants:
        touched = {reference.practical.blanks[blank] for blank in variant.fills}
        changed = _filled(reference, [cell for cell in cells if cell.grade_id in touched], variant.fills)
        ways.append([*variant.cells.values(), *variant.extra_cells, *changed])
    found = [_fingerprints({source: source for source in sources}, names) for sources in ways]
    prose = [fingerprints_of_prose(cell.source) for cell in release.cells if cell.cell_type != "code"]
    return Explained(
        sources=frozenset(cell.source for cell in release.cells),
        ids=frozenset(filter(None, map(grade_id_of, release.cells))),
        code=frozenset().union(*(each for way in found for groups in way.values() for each in groups)),
        prose=frozenset().union(*prose),
        names=names,
    )


def _filled(marked: MarkedNotebook, cells: Iterable[Cell], fills: Mapping[str, str]) -> list[str]:
    """The text of cells with these fills, and with the solution in all other blanks."""
    return [
        rewritten(cell.source, marked.blanks[cell.index], lambda it: it.filled(fills.get(it.id, it.solution)))
        for cell in cells
    ]


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
