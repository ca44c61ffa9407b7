"""The hostile submissions in tests/hostile: read, and handed in as a class."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.authoring import MarkedNotebook
from benchmarks.attacks import put_first

HOSTILE = Path(__file__).parent / "hostile"
MOST_IN_ONE = 6  # faults that one student hands in: some questions always stay untouched, as a control


@dataclass(frozen=True)
class Place:
    """Where a fault can stand: a function, and the question that it is put to."""

    function: str
    question: str
    talks: bool = False  # whether the judge answers its calls meanwhile


SAC_PLACES = (
    Place("choose_actions", "explore"),
    Place("critic_target", "critic-target"),
    Place("update_critics", "critic-update"),
    Place("update_actor", "actor-update"),
    Place("update_alpha", "alpha-update"),
    Place("test_actor", "evaluation", talks=True),
)
QUESTIONS = {  # SAC's cell -> the question that a fault in it is put to
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
    practical: str = ""
    alone: bool = False
    patient: bool = False
    talks: bool = False
    of_training: bool = False  # put to the question that runs everything
    edit: str = ""
    extra_cells: tuple[str, ...] = ()
    code: str = ""
    later: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    places: tuple[Place, ...] = ()  # of its code, and of what comes later: where it was seated

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions that it is put to."""
        return (*(QUESTIONS[cell] for cell in self.cells), *(place.question for place in self.places))

    @property
    def attacked(self) -> tuple[str, ...]:
        """The question that must be lost: of several that it stands in, the last is the witness of what it did."""
        return self.questions if self.earns == "nothing" else ()

    @property
    def statements(self) -> tuple[str, ...]:
        """What comes first in the functions that it stands in."""
        return tuple(text.strip("\n") for text in (self.code, self.later) if text)

    def at(self, places: Mapping[str, str]) -> "Fault":
        """The fault with {course}, {port} and the like filled in."""
        return replace(self, code=_placed(self.code, places))


def _placed(text: str, places: Mapping[str, str]) -> str:
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", place)
    return text


def load_fault(folder: Path) -> Fault:
    """The fault in one folder; TypeError on a field that is unknown."""
    content: dict[str, Any] = tomllib.loads((folder / "submission.toml").read_text(encoding="utf-8"))
    content["extra_cells"] = tuple(content.get("extra_cells", ()))
    # what keeps marks ends by itself, on a busy machine; so does all that SAC's notebook is handed in with
    content.setdefault("patient", content["earns"] != "nothing" or "practical" in content)
    return Fault(folder.name, **content)


def load_faults() -> dict[str, Fault]:
    """All faults by name."""
    return {path.parent.name: load_fault(path.parent) for path in sorted(HOSTILE.glob("*/submission.toml"))}


def seated(faults: Iterable[Fault], places: Sequence[Place]) -> dict[str, list[Fault]]:
    """Which faults each student hands in: several if they stand in different functions and reach no further.

    ``places`` are those of the practical, in the order in which their questions are put.
    """
    students: list[list[Fault]] = []
    for fault in faults:
        for seat in (*students, []):
            if _has_room(seat, fault) and (found := _free(seat, fault, places)) is not None:
                if not seat:
                    students.append(seat)
                seat.append(replace(fault, places=found))
                break
        else:
            raise ValueError(f"{fault.name} fits no function of the practical")
    return {each[0].name if len(each) == 1 else f"student {number}": each for number, each in enumerate(students, 1)}


def _has_room(seat: Sequence[Fault], fault: Fault) -> bool:
    taken = {question for each in seat for question in each.questions}
    together = not fault.alone and not any(each.alone or each.patient != fault.patient for each in seat)
    one_edit = not (fault.edit and any(each.edit for each in seat))
    fits = one_edit and len(seat) < MOST_IN_ONE and not taken & set(fault.questions)
    return not seat or (together and fits)


def _free(seat: Sequence[Fault], fault: Fault, places: Sequence[Place]) -> tuple[Place, ...] | None:
    """As many functions as the fault needs, of its kind; None where so many are not left."""
    taken = {question for each in (*seat, fault) for question in each.questions}
    free = [place for place in places if place.question not in taken and place.talks == fault.talks]
    needed = len(fault.statements)
    return tuple(free[:needed]) if len(free) >= needed else None


def handed_in(marked: MarkedNotebook, faults: Iterable[Fault]) -> NotebookNode:
    """The notebook of a student who hands these faults in; all the rest of it is right."""
    faults = list(faults)
    cells = {name: text.strip("\n") for fault in faults for name, text in fault.cells.items()}
    notebook = marked.fill({}, cells, [text.strip("\n") for fault in faults for text in fault.extra_cells])
    for fault in faults:
        for place, statements in zip(fault.places, fault.statements, strict=True):
            cell = next(each for each in notebook.cells if f"def {place.function}(" in each.source)
            cell.source = put_first(cell.source, statements, place.function)
    for fault in faults:
        exec(fault.edit, {"notebook": notebook, "cells": notebook.cells, "nbformat": nbformat})
    return notebook


def hand_in(folder: Path, notebook: NotebookNode, faults: Iterable[Fault], practical: str = "sac") -> Path:
    """Write the notebook, and what lies beside it, as one student's; the notebook's path."""
    path = folder / practical / f"{practical}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")  # nbformat would mend some of the faults
    for fault in faults:
        for name, text in fault.beside.items():
            (path.parent / name).write_text(text, encoding="utf-8")
    return path
