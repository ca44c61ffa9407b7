"""The corpus: ways in which students fill the blanks, right and wrong, by which the grader itself is tested.

A corpus file is a list of ``[[variant]]`` entries in TOML, whose keys are the fields of ``Variant``. Blanks that an
entry does not fill hold the reference.
"""

import ast
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from nbformat import NotebookNode

from autograder.authoring import MarkedNotebook, read_marked
from autograder.authoring.blanks import InlineBlank
from autograder.course.practical import Practical
from autograder.errors import CourseError, did_you_mean
from autograder.notebook.cells import Cell, cells_of
from autograder.notebook.python import read_python
from autograder.records import grade_cell

Verdict = Literal["right", "wrong"]
_EXAMPLES = {  # of each form that ``_form`` names
    "a text": '"..."',
    "true or false": "false",
    "a table of texts": '{ "function.blank" = "..." }',
    "a list of texts": '["question"]',
}
RESERVED = "reference"  # what the source's own solutions go by among the variants


@dataclass(frozen=True)
class Variant:
    """One way of filling the blanks, and what marking it must come to."""

    id: str
    verdict: Verdict
    summary: str  # such as "takes three times the number"
    path: Path  # the file that it stands in
    fills: Mapping[str, str] = field(default_factory=dict)  # blank id -> text
    cells: Mapping[str, str] = field(default_factory=dict)  # grade_id -> a whole cell
    extra_cells: tuple[str, ...] = ()  # code cells before the first definition
    loses: tuple[str, ...] = ()  # exactly the questions that lose marks; none where it is right
    hint: str = ""  # what a student is told when this is recognised; only where it is wrong
    source: str = ""  # where it was seen
    parses: bool = True  # false where a SyntaxError is its point
    number: int = field(default=1, compare=False)  # of its entry in the file

    def fault(self, message: str, next_step: str) -> CourseError:
        """The fault to raise about this variant: it names file, line and entry."""
        return CourseError(f"{_place(self.path, self.number, self.id)}: {message}", next_step)


def load_corpus(
    paths: Iterable[Path], practical: Practical, source_notebook: NotebookNode | None = None
) -> tuple[Variant, ...]:
    """All variants in these files, and in the ``.toml`` files of these folders, in the order of the files' names.

    Raises CourseError, naming file and entry, on whatever is unknown, missing, doubled or contradicts itself, and, if
    the source notebook is given too, on fills that do not parse in their places.
    """
    marked = read_marked(source_notebook, practical) if source_notebook is not None else None
    found: dict[str, Variant] = {}
    for path in _files(paths):
        for number, entry in enumerate(_entries(path), start=1):
            variant = _variant(path, number, entry)
            _check(variant, practical)
            if variant.id == RESERVED:
                raise variant.fault("this id is the reference's own.", "Give the variant another id.")
            if variant.id in found:
                first = found[variant.id]
                message = f"this id is taken by a variant in {_place(first.path, first.number, '').rpartition(':')[0]}."
                raise variant.fault(message, "Give every variant an id of its own.")
            if marked is not None:
                in_place(marked, variant)
            found[variant.id] = variant
    return tuple(found.values())


def variant_notebook(source_notebook: NotebookNode, practical: Practical, variant: Variant) -> NotebookNode:
    """The notebook that a student would hand in who fills the blanks like this.

    Raises CourseError if one of its cells does not parse, or all do although the variant says ``parses = false``.
    """
    return in_place(read_marked(source_notebook, practical), variant)


def in_place(marked: MarkedNotebook, variant: Variant) -> NotebookNode:
    """The same, of a source notebook that was read already: for many variants of one."""
    notebook = marked.fill(variant.fills, variant.cells, variant.extra_cells)
    for blank in (blank for of_cell in marked.blanks.values() for blank in of_cell):
        if variant.parses and isinstance(blank, InlineBlank) and not _is_expression(variant.fills.get(blank.id, "0")):
            message = f"what it fills into {blank.id!r} is not one expression."
            raise variant.fault(message, "The blank is the right side of an assignment: write just that.")
    theirs = {*variant.cells, *(marked.practical.blanks[blank] for blank in variant.fills), ""}
    faults = [_syntax_error(cell) for cell in cells_of(notebook) if cell.is_code and cell.grade_id in theirs]
    broken = next(filter(None, faults), "")
    if variant.parses and broken:
        raise variant.fault(broken, "Correct the fill; if the SyntaxError is its point, add 'parses = false'.")
    if not variant.parses and not broken:
        raise variant.fault("it says 'parses = false', but every cell parses.", "Take 'parses = false' out.")
    return notebook


def _is_expression(text: str) -> bool:
    try:
        ast.parse(f"(\n{text}\n)", mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True


def _syntax_error(cell: Cell) -> str:
    """Why the cell does not parse, in words; empty if it does."""
    try:
        read_python(cell.source)
    except SyntaxError as error:
        return f"{cell.name} does not parse (line {error.lineno}: {error.msg})."
    return ""


def _files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob("*.toml")) if path.is_dir() else [path]
        if not inside:
            raise CourseError(f"The folder {path} holds no .toml file.", "Name a file or folder of variants.")
        files.extend(inside)
    return list(dict.fromkeys(files))


def _entries(path: Path) -> list[object]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError(f"There is no file or folder {path}.", "Name a file or folder of variants.") from None
    except (OSError, ValueError) as error:  # TOML's errors and Unicode's are ValueErrors
        raise CourseError(f"{path} cannot be read as TOML: {error}.", "Correct the file.") from error
    unknown = ", ".join(sorted(content.keys() - {"variant"}))
    entries = content.get("variant")
    if unknown or not isinstance(entries, list) or not entries:
        what = f"unknown keys at the top: {unknown}" if unknown else "no list of variants"
        raise CourseError(f"{path} holds {what}.", "A corpus file is a list of [[variant]] entries.")
    return entries


_BEGINS = re.compile(r"\s*\[\[\s*variant\s*\]\]")
_REQUIRED = ("id", "verdict", "summary")
_KEYS = {
    **dict.fromkeys((*_REQUIRED, "hint", "source"), "a text"),
    **dict.fromkeys(("fills", "cells"), "a table of texts"),
    **dict.fromkeys(("extra_cells", "loses"), "a list of texts"),
    "parses": "true or false",
}


def _form(value: object) -> str:
    """What a value is, in the words of ``_KEYS``."""
    match value:
        case bool():
            return "true or false"
        case str():
            return "a text"
        case dict() if all(isinstance(each, str) for each in value.values()):
            return "a table of texts"
        case list() if all(isinstance(each, str) for each in value):
            return "a list of texts"
    return "of no form that a variant has"


def _variant(path: Path, number: int, entry: object) -> Variant:
    """The entry as a record, if its keys and types are those of a variant."""
    fields: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    name = fields.get("id")
    where = _place(path, number, name)
    if unknown := sorted(fields.keys() - _KEYS.keys()):
        step = f"{did_you_mean(unknown[0], _KEYS)}The keys of a variant: {', '.join(_KEYS)}."
        raise CourseError(f"{where}: unknown keys: {', '.join(unknown)}.", step)
    for key in _REQUIRED:
        if not fields.get(key):
            raise CourseError(f"{where}: it has no {key}.", f"Add '{key} = \"...\"'.")
    for key, value in fields.items():
        if _form(value) != _KEYS[key]:
            raise CourseError(f"{where}: {key!r} is not {_KEYS[key]}.", f"Write: {key} = {_EXAMPLES[_KEYS[key]]}")
    if fields["verdict"] not in get_args(Verdict):
        raise CourseError(f"{where}: unknown verdict {fields['verdict']!r}.", "A verdict is 'right' or 'wrong'.")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return Variant(path=path, number=number, **values)


def _place(path: Path, number: int, name: object) -> str:
    """File, line and name of an entry; the line is that of its ``[[variant]]``."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    begins = [row for row, line in enumerate(text.splitlines(), start=1) if _BEGINS.match(line)]
    line = f", line {begins[number - 1]}" if number <= len(begins) else ""
    return f"{path}{line}: variant {name!r}" if isinstance(name, str) and name else f"{path}{line}: variant {number}"


def _check(variant: Variant, practical: Practical) -> None:
    """Raise CourseError unless all that the variant names is there, and its verdict fits the rest."""
    questions = [question.name for question in practical.questions]
    cells = [*practical.defines, *practical.written, *(grade_cell(name) for name in questions)]
    _check_known(variant, "blank", variant.fills, practical.blanks)
    _check_known(variant, "cell", variant.cells, cells)
    _check_known(variant, "question", variant.loses, questions)
    for blank in variant.fills:
        if practical.blanks[blank] in variant.cells:
            message = f"it fills {blank!r} and replaces its cell, {practical.blanks[blank]!r}."
            raise variant.fault(message, "Do one or the other.")
    if variant.verdict == "right" and (variant.loses or variant.hint):
        raise variant.fault("it is right, and yet has 'loses' or 'hint'.", "Take them out, or call it wrong.")
    if variant.verdict == "wrong" and not variant.loses:
        raise variant.fault("it is wrong, but has no 'loses'.", "List the questions that lose marks.")
    if variant.verdict == "wrong" and not (variant.fills or variant.cells or variant.extra_cells):
        raise variant.fault("it is wrong, but changes nothing.", "Add 'fills', 'cells' or 'extra_cells'.")


def _check_known(variant: Variant, what: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise variant.fault(f"unknown {what} {name!r}.", f"{did_you_mean(name, known)}Known: {', '.join(known)}.")
    if len(set(names)) < len(names):
        raise variant.fault(f"it names a {what} twice.", "Name each once.")
