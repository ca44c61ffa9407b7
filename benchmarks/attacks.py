"""Submissions that attack one question, in a form that any grader of the practical can be given.

Own ones lie in benchmarks/hostile, one file each; others are those of tests/hostile that answer wrongly.
"""

import ast
import copy
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
OWN = Path(__file__).parent / "hostile"
SHARED = {  # of tests/hostile -> the cell of SAC that it stands in here
    "equals-everything": "alpha-update",
    "exits-quietly": "critic-update",
    "kills-the-host": "critic-update",
    "never-ends": "critic-update",
    "patches-torch": "explore",
    "prints-fake-results": "alpha-update",
    "swallows-every-exception": "target",
    "tensor-that-lies": "target",
}
QUESTIONS = {
    "explore": "explore",
    "target": "critic-target",
    "critic-update": "critic-update",
    "alpha-update": "alpha-update",
}  # of the cell attacked


@dataclass(frozen=True)
class Attack:
    """What one student hands in: right answers, but for ``cells``; its answer to ``question`` is wrong, unless right.

    ``code`` are statements by the cell whose right answer begins with them; ``extra_cells`` stand before the first
    answer; ``edit`` is Python that changes the notebook, ``cells`` its cells.
    """

    name: str
    does: str
    question: str
    right: bool = False
    edit: str = ""
    extra_cells: tuple[str, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)


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
    own, name = path.parent == OWN, path.parent.name
    return Attack(
        name=path.stem if own else name,
        does=content["does"],
        question=content["question"] if own else QUESTIONS[SHARED[name]],
        right=content.get("right", False),
        edit=content.get("edit", ""),
        extra_cells=tuple(content.get("extra_cells", ())),
        cells=content.get("cells", {}),
        code={SHARED[name]: content["code"]} if "code" in content else {},
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
    texts |= {name: put_first(texts[name], code.strip("\n")) for name, code in attack.code.items()}
    for cell in notebook.cells:
        cell.source = texts.get(grade_id(cell), cell.source)
    first = next(place for place, cell in enumerate(notebook.cells) if grade_id(cell) in answers)
    notebook.cells[first:first] = [
        nbformat.v4.new_code_cell(placed(text, places).strip("\n"), id=f"extra-{number}")
        for number, text in enumerate(attack.extra_cells)
    ]
    exec(attack.edit, {"notebook": notebook, "cells": notebook.cells, "nbformat": nbformat})  # noqa: S102 - our own
    return notebook


def put_first(source: str, statements: str, function: str = "") -> str:
    """A cell whose function of that name, or first function, begins with these statements."""
    defined = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    line = next(node.body[0].lineno for node in defined if function in ("", node.name)) - 1
    lines = source.split("\n")
    return "\n".join([*lines[:line], textwrap.indent(statements, "    "), *lines[line:]])


def placed(text: str, places: Mapping[str, str]) -> str:
    """The text with {course} and the like filled in."""
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", place)
    return text
