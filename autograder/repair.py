"""Mending a submission's structure: pure, notebook in, notebook and a list of repairs in words out.

The release says which cells there are. Each is looked for in the submission by its id, then by what it defines, then by
likeness; what is found gets the release's metadata back, and grade cells get their text back.
"""

import ast
import copy
import difflib
import itertools
from collections.abc import Sequence
from typing import Any

from nbformat import NotebookNode

from autograder.assignment import Assignment

ALIKE = 0.6  # difflib's ratio above which a cell is taken for the release's
FEW = 5  # cells of one kind that are listed one by one


def repair(notebook: NotebookNode, release: NotebookNode, assignment: Assignment) -> tuple[NotebookNode, list[str]]:
    """A mended copy of the notebook and what had to be mended; an intact notebook comes back as it was."""
    mended = copy.deepcopy(notebook)
    repairs: list[str] = []
    if mended.metadata.get("kernelspec") != release.metadata.get("kernelspec"):
        mended.metadata["kernelspec"] = copy.deepcopy(release.metadata.get("kernelspec", {}))
    matches = _match(mended.cells, [cell for cell in release.cells if _grade_id(cell)], assignment)
    _match_answers(mended.cells, release, assignment, matches)
    _restore_metadata(mended.cells, matches, repairs)
    _bring_back(mended, release, matches, repairs)
    return mended, repairs


def _grade_id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", "")) if isinstance(cell.metadata, dict) else ""


def _match(
    cells: Sequence[NotebookNode], wanted: Sequence[NotebookNode], assignment: Assignment
) -> dict[str, tuple[int, NotebookNode]]:
    """For each of the release's cells the index of the submission's, where there is one: grade_id -> (index, cell)."""
    matches: dict[str, tuple[int, NotebookNode]] = {}
    taken: set[int] = set()
    for likeness in (_same_id, _same_text, _same_definitions, _alike):
        for model in wanted:
            if _grade_id(model) in matches:
                continue
            scores = {
                index: score
                for index, cell in enumerate(cells)
                if index not in taken and (score := likeness(cell, model, assignment)) > 0
            }
            if scores:
                # of equals the last: as in a notebook that is run from the top, later definitions count
                best = max(scores, key=lambda index: (scores[index], cells[index].source != model.source, index))
                matches[_grade_id(model)] = (best, model)
                taken.add(best)
    return matches


def _match_answers(
    cells: Sequence[NotebookNode],
    release: NotebookNode,
    assignment: Assignment,
    matches: dict[str, tuple[int, NotebookNode]],
) -> None:
    """Find written answers by where they stand: they hold the student's words, so nothing else is theirs for sure."""
    taken = {index for index, _ in matches.values()}
    for question, answer in itertools.pairwise(release.cells):
        if _grade_id(answer) not in assignment.written or _grade_id(answer) in matches:
            continue
        index = matches.get(_grade_id(question), (len(cells), question))[0] + 1
        if index < len(cells) and index not in taken and cells[index].cell_type == "markdown":
            matches[_grade_id(answer)] = (index, answer)


def _same_id(cell: NotebookNode, model: NotebookNode, assignment: Assignment) -> float:
    if _grade_id(cell) != _grade_id(model) or cell.cell_type != model.cell_type:
        return 0
    names = assignment.defines.get(_grade_id(model))
    # an id that stands on a cell without the definition, while another cell has it, was moved there
    return 1 if not names or _defines(cell.source, names) or not _parses(cell.source) else 0


def _same_text(cell: NotebookNode, model: NotebookNode, _assignment: Assignment) -> float:
    """What nobody has touched; never a cell to be filled in, of which a copy left as it was must not hide the other."""
    fixed = model.metadata["nbgrader"].get("locked", False)
    return 1 if fixed and cell.cell_type == model.cell_type and cell.source == model.source else 0


def _same_definitions(cell: NotebookNode, model: NotebookNode, assignment: Assignment) -> float:
    names = assignment.defines.get(_grade_id(model))
    return 1 if names and cell.cell_type == "code" and _defines(cell.source, names) else 0


def _alike(cell: NotebookNode, model: NotebookNode, _assignment: Assignment) -> float:
    if cell.cell_type != model.cell_type or min(len(cell.source), len(model.source)) < 10:
        return 0
    compared = difflib.SequenceMatcher(None, model.source[:4000], cell.source[:4000], autojunk=False)
    if compared.real_quick_ratio() < ALIKE or compared.quick_ratio() < ALIKE:
        return 0
    ratio = compared.ratio()
    return ratio if ratio >= ALIKE else 0


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _defines(source: str, names: Sequence[str]) -> bool:
    """Whether the first of the names (the cell's function or class) is defined; by text where it does not parse."""
    wanted = names[0]
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return any(line.startswith((f"def {wanted}(", f"class {wanted}(")) for line in source.splitlines())
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == wanted for node in body)


def _restore_metadata(
    cells: Sequence[NotebookNode], matches: dict[str, tuple[int, NotebookNode]], repairs: list[str]
) -> None:
    """Give matched cells the release's nbgrader metadata and text where it is locked; take metadata from all others."""
    models = dict(matches.values())
    found = []
    for index, cell in enumerate(cells):
        theirs: dict[str, Any] = dict(cell.metadata.pop("nbgrader", {}))
        model = models.get(index)
        if model is None:
            if theirs.get("grade_id"):
                repairs.append(f"Cell {index + 1} is a copy of {theirs['grade_id']!r}; it counts as the student's own.")
            continue
        ours: dict[str, Any] = model.metadata["nbgrader"]
        if _essential(theirs) != _essential(ours):
            found.append(_grade_id(model))
        if ours.get("locked") and cell.source != model.source:
            repairs.append(f"The locked cell {_grade_id(model)!r} had been changed and got its text back.")
            cell.source = model.source
        cell.metadata["nbgrader"] = copy.deepcopy(ours)
        cell.metadata.pop("tags", None)
    if len(found) > FEW:
        repairs.insert(0, f"{len(found)} cells had lost their nbgrader metadata and were told by what they hold.")
    else:
        repairs.extend(f"The cell {name!r} had lost its metadata and was told by what it holds." for name in found)


def _essential(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: metadata.get(name) for name in ("grade_id", "grade", "solution", "locked", "points")}


def _bring_back(
    mended: NotebookNode,
    release: NotebookNode,
    matches: dict[str, tuple[int, NotebookNode]],
    repairs: list[str],
) -> None:
    """Put back the cells that marks or questions hang on; a missing solution cell stays missing."""
    place = {grade_id: mended.cells[index] for grade_id, (index, _) in matches.items()}
    before: NotebookNode | None = None
    for model in release.cells:
        name = _grade_id(model)
        if name in place:
            before = place[name]
        elif name and (model.metadata["nbgrader"].get("grade") or model.metadata["nbgrader"].get("locked")):
            added = copy.deepcopy(model)
            index = next((i for i, cell in enumerate(mended.cells) if cell is before), len(mended.cells) - 1)
            mended.cells.insert(index + 1, added)
            repairs.append(f"The cell {name!r} was missing and was put back.")
            before = added
        elif name:
            repairs.append(f"The cell {name!r} is missing.")
