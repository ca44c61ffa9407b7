"""All mutants of a practical: of each function that a question marks, changed in one place, or in two."""

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from autograder.authoring import MarkedNotebook, read_marked
from autograder.authoring.blanks import reindented
from autograder.course.practical import Practical, Question
from autograder.hints.places import Spot
from autograder.mutants.expressions import offers
from autograder.mutants.places import places_of
from autograder.mutants.scope import scope_of
from autograder.mutants.steps import step_changes
from autograder.mutants.trees import Change, changed, expressions, is_docstring, normal, statements
from autograder.notebook.cells import Cell
from autograder.notebook.python import functions_in


@dataclass(frozen=True)
class Slip:
    """One change of one function, as it is told: by what operator, of what kind, where."""

    operator: str
    kind: str
    place: Spot
    blank: str  # the id of the blank in which it is; empty where the release gives the line


@dataclass(frozen=True)
class Mutant:
    """The source notebook with one or two mistakes in a function that a question marks."""

    id: str
    question: str
    slips: tuple[Slip, ...]
    grade_id: str  # of its cell
    function: str  # the function's new text, indented as it was
    rows: tuple[int, int]  # the first and the last line of the cell in whose place it stands, counted from 1
    text: str  # what was changed, for people: the statement as it is now

    def inside(self, cell: str) -> str:
        """The source of its cell, or what was kept of that line by line, with the mistake."""
        lines = cell.split("\n")
        first, last = self.rows
        lines[first - 1 : last] = self.function.split("\n")
        return "\n".join(lines)

    @property
    def given(self) -> bool:
        """Whether a line is changed that the release gives."""
        return any(not slip.blank for slip in self.slips)


class Maker:
    """Makes the mutants of one practical."""

    def __init__(self, practical: Practical) -> None:
        self.practical = practical
        self._places: dict[str, dict[int, Spot]] = {}

    @cached_property
    def marked(self) -> MarkedNotebook:
        """The source notebook and its blanks."""
        return read_marked(self.practical.source, self.practical)

    @cached_property
    def cells(self) -> list[tuple[Cell, ast.Module]]:
        """The code cells of the source, but for visible checks, with their trees."""
        return [(cell, cell.python[1]) for cell in self.marked.cells if cell.is_code and not cell.has("grade")]

    def singles(self, question: Question) -> list[Mutant]:
        """Every mutant of a question with one mistake, those that differ in layout alone once."""
        seen: set[tuple[str, str]] = set()
        made: list[Mutant] = []
        for name, changes in self._changes(question):
            _, function, _ = self.home(name)
            for change in changes:
                # a change within one statement is compared within it, which is quicker
                around = change.statement if isinstance(change.old, ast.AST) else function
                where, text = f"{name} {change.statement.lineno}", normal(changed(around, change))
                if text == normal(around) or (where, text) in seen:
                    continue
                seen.add((where, text))
                made += filter(None, [self._made(question, name, len(made), change)])
        return made

    def pairs(self, question: Question, count: int, seed: int = 0) -> list[Mutant]:
        """That many with two mistakes in two statements of one function, drawn with a seed."""
        rng = random.Random(f"{seed} {question.name}")  # noqa: S311 - a sample, not a secret
        groups = [(name, changes) for name, changes in self._changes(question) if len(changes) > 1]
        made: list[Mutant] = []
        for _ in range(5 * count if groups else 0):
            name, changes = rng.choice(groups)
            one, other = rng.sample(changes, 2)
            if len(made) < count and _are_apart(one, other):
                made += filter(None, [self._made(question, name, len(made), one, other)])
        return made

    def places(self, name: str) -> dict[int, Spot]:
        """The places of a function by their lines."""
        if name not in self._places:
            _, function, _ = self.home(name)
            self._places[name] = places_of(name, function)
        return self._places[name]

    def _changes(self, question: Question) -> Iterator[tuple[str, list[Change]]]:
        scope = scope_of([tree for _, tree in self.cells])
        for name in question.functions:
            _, function, _ = self.home(name)
            here = scope.of(function)
            found = [
                Change(operator, kind, statement, node, new)
                for statement in statements(function)
                for node, around in expressions(statement)
                for operator, kind, new in offers(node, around, here, here.known[statement])
                if not (statement in here.bare and operator == "detach added")
            ]
            yield name, [*found, *step_changes(function, here)]

    def home(self, name: str) -> tuple[Cell, ast.FunctionDef, list[tuple[str, int, int]]]:
        """A function's cell, the function, and the blanks of the cell: id, first and last line."""
        for cell, tree in self.cells:
            for names in functions_in(tree).values():
                if name in names:
                    blanks = [(each.id, each.first + 1, each.last + 1) for each in self.marked.blanks[cell.index]]
                    return cell, names[name], blanks
        raise KeyError(name)

    def _made(self, question: Question, name: str, number: int, *changes: Change) -> Mutant | None:
        """The mutant; None where the changes leave no Python."""
        cell, function, blanks = self.home(name)
        new = ast.unparse(ast.fix_missing_locations(changed(function, *changes)))
        try:
            ast.parse(new)
        except SyntaxError:
            return None
        places = self.places(name)
        slips = tuple(
            Slip(each.operator, each.kind, places[each.statement.lineno], _blank_at(each.statement.lineno, blanks))
            for each in changes
        )
        said = "; ".join(_shown(each) for each in changes)
        label = f"{question.name}/{'+'.join(slip.operator for slip in slips)}/{number}"
        first = min([function.lineno, *(each.lineno for each in function.decorator_list)])
        rows = first, function.end_lineno or first
        return Mutant(
            label, question.name, slips, cell.grade_id, reindented(new, " " * function.col_offset), rows, said
        )


def _blank_at(line: int, blanks: Sequence[tuple[str, int, int]]) -> str:
    return next((blank for blank, first, last in blanks if first <= line <= last), "")


def _are_apart(one: Change, other: Change) -> bool:
    return one.statement is not other.statement and isinstance(one.old, ast.AST) and isinstance(other.old, ast.AST)


def _shown(change: Change) -> str:
    """The changed statement, or the first line of each step in their new order, in one line."""
    if isinstance(change.new, list):
        steps = [ast.unparse(each).split("\n")[0] for each in _fixed(change.new) if not is_docstring(each)]
        return f"{change.operator}: {' | '.join(steps)}"
    return f"{change.operator}: {ast.unparse(ast.fix_missing_locations(changed(change.statement, change)))}"


def _fixed(block: Sequence[ast.stmt]) -> list[ast.stmt]:
    return [ast.fix_missing_locations(each) for each in block]
