"""Submissions that attack one question, in a form that any grader of the practical can be given.

Own ones lie in benchmarks/hostile, one file each; others are those of tests/hostile that answer wrongly.
"""

import copy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
OWN = Path(__file__).parent / "hostile"
SHARED = (
    "equals-everything",
    "exits-quietly",
    "kills-the-host",
    "never-ends",
    "patches-torch",
    "prints-fake-results",
    "swallows-every-exception",
    "tensor-that-lies",
)
QUESTIONS = {
    "explore": "explore",
    "target": "critic-target",
    "critic-update": "critic-update",
    "alpha-update": "alpha-update",
}  # of the cell attacked


@dataclass(frozen=True)
class Attack:
    """What one student hands in: right answers, but for ``cells``; its answer to ``question`` is wrong, unless right.

    ``extra_cells`` stand before the first answer; ``edit`` is Python that changes the notebook, ``cells`` its cells.
    """

    name: str
    does: str
    question: str
    right: bool = False
    edit: str = ""
    extra_cells: tuple[str, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)


def load_attacks() -> dict[str, Attack]:
    """All of them by name, the two controls first; FileNotFoundError if a shared one is no longer there."""
    paths = [*OWN.glob("*.toml"), *(ROOT / "tests" / "hostile" / name / "submission.toml" for name in SHARED)]
    attacks = [_load(path) for path in paths]
    return {
        attack.name: attack
        for attack in sorted(attacks, key=lambda item: ("without-attack" not in item.name, item.name))
    }


def _load(path: Path) -> Attack:
    content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    cells = content.get("cells", {})
    return Attack(
        name=path.stem if path.parent == OWN else path.parent.name,
        does=content["does"],
        question=content["question"] if path.parent == OWN else QUESTIONS[list(cells)[-1]],
        right=content.get("right", False),
        edit=content.get("edit", ""),
        extra_cells=tuple(content.get("extra_cells", ())),
        cells=cells,
    )


def grade_id(cell: NotebookNode) -> str:
    """nbgrader's id of a cell; empty where there is none."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def handed_in(
    release: NotebookNode, answers: Mapping[str, str], attack: Attack, places: Mapping[str, str]
) -> NotebookNode:
    """The release as that student fills it in: ``answers`` by grade_id, and {course} and the like from ``places``."""
    notebook = copy.deepcopy(release)
    texts = {**answers, **{name: placed(text, places).strip("\n") for name, text in attack.cells.items()}}
    for cell in notebook.cells:
        cell.source = texts.get(grade_id(cell), cell.source)
    first = next(place for place, cell in enumerate(notebook.cells) if grade_id(cell) in answers)
    notebook.cells[first:first] = [
        nbformat.v4.new_code_cell(placed(text, places).strip("\n"), id=f"extra-{number}")
        for number, text in enumerate(attack.extra_cells)
    ]
    exec(attack.edit, {"notebook": notebook, "cells": notebook.cells, "nbformat": nbformat})  # noqa: S102 - our own
    return notebook


def placed(text: str, places: Mapping[str, str]) -> str:
    """The text with {course} and the like filled in."""
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", place)
    return text
