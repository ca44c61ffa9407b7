"""The hostile submissions in tests/hostile: read, and handed in as a class."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.authoring import MarkedNotebook

HOSTILE = Path(__file__).parent / "hostile"
MOST_IN_ONE = 6  # faults that one student hands in: some questions always stay untouched, as a control
QUESTIONS = {  # the cell that a fault stands in -> the question that it is put to
    "critic": "critic-forward",
    "explore": "explore",
    "target": "critic-target",
    "critic-update": "critic-update",
    "actor-update": "actor-update",
    "alpha-update": "alpha-update",
    "evaluate": "evaluation",
}


@dataclass(frozen=True)
class Fault:
    """One folder of tests/hostile: what it does, and what must come of it. README.md there tells the fields."""

    name: str
    does: str
    must: str
    earns: str
    says: str = ""
    of: int = 0
    alone: bool = False
    patient: bool = False
    of_training: bool = False  # put to the question that runs everything
    edit: str = ""
    extra_cells: tuple[str, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions that it is put to."""
        return tuple(QUESTIONS[cell] for cell in self.cells)

    @property
    def attacked(self) -> tuple[str, ...]:
        """The question that must be lost: of several that it stands in, the last is the witness of what it did."""
        return self.questions if self.earns == "nothing" else ()

    def at(self, places: Mapping[str, str]) -> "Fault":
        """The fault with {course}, {port} and the like filled in."""
        return replace(self, cells={name: _placed(text, places) for name, text in self.cells.items()})


def _placed(text: str, places: Mapping[str, str]) -> str:
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", place)
    return text


def load_fault(folder: Path) -> Fault:
    """The fault in one folder; TypeError on a field that is unknown."""
    content: dict[str, Any] = tomllib.loads((folder / "submission.toml").read_text(encoding="utf-8"))
    content["extra_cells"] = tuple(content.get("extra_cells", ()))
    content.setdefault("patient", content["earns"] != "nothing")  # what keeps marks ends by itself, on a busy machine
    return Fault(folder.name, **content)


def load_faults() -> dict[str, Fault]:
    """All faults by name."""
    return {path.parent.name: load_fault(path.parent) for path in sorted(HOSTILE.glob("*/submission.toml"))}


def seated(faults: Iterable[Fault]) -> dict[str, list[Fault]]:
    """Which faults each student hands in: several if they stand in different functions and reach no further."""
    students: list[list[Fault]] = []
    for fault in faults:
        seat = next((each for each in students if _has_room(each, fault)), None)
        if seat is None:
            students.append([fault])
        else:
            seat.append(fault)
    return {each[0].name if len(each) == 1 else f"student {number}": each for number, each in enumerate(students, 1)}


def _has_room(seat: list[Fault], fault: Fault) -> bool:
    taken = {cell for each in seat for cell in each.cells}
    together = not fault.alone and seat[0].patient == fault.patient and not any(each.alone for each in seat)
    one_edit = not (fault.edit and any(each.edit for each in seat))
    return together and one_edit and len(seat) < MOST_IN_ONE and not taken & set(fault.cells)


def handed_in(marked: MarkedNotebook, faults: Iterable[Fault]) -> NotebookNode:
    """The notebook of a student who hands these faults in; all the rest of it is right."""
    faults = list(faults)
    cells = {name: text.strip("\n") for fault in faults for name, text in fault.cells.items()}
    notebook = marked.fill({}, cells, [text.strip("\n") for fault in faults for text in fault.extra_cells])
    for fault in faults:
        exec(fault.edit, {"notebook": notebook, "cells": notebook.cells, "nbformat": nbformat})
    return notebook


def hand_in(folder: Path, notebook: NotebookNode, faults: Iterable[Fault]) -> Path:
    """Write the notebook, and what lies beside it, as one student's; the notebook's path."""
    path = folder / "sac" / "sac.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")  # nbformat would mend some of the faults
    for fault in faults:
        for name, text in fault.beside.items():
            (path.parent / name).write_text(text, encoding="utf-8")
    return path
