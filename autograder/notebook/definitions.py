"""Which statements of a notebook are definitions, and a cell's text with everything else masked out."""

import ast
import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from autograder.notebook.python import ASSIGNS, DEFINITIONS, bound_names, changed_names, global_names, inner, unwrapped

KEPT = (ast.Import, ast.ImportFrom, *DEFINITIONS)


class CodeCell(NamedTuple):
    """A code cell that parses."""

    label: str
    source: str  # as the tree counts its lines and columns
    tree: ast.Module


def kept_source(cells: Sequence[CodeCell], long_running: frozenset[str]) -> tuple[list[tuple[str, str]], set[str]]:
    """(label, source) of every cell that defines something, with all but definitions and their constants masked out.

    And the names that all of them bind.
    """
    uses = _Uses(cells, long_running)
    sources, names = [], set()
    for cell in cells:
        kept = [node for node in unwrapped(cell.tree.body) if uses.keeps(node)]
        if kept:
            sources.append((cell.label, _masked(cell.source, cell.tree.body, uses)))
            names |= {name for node in kept for name in bound_names(node)}
    return sources, names


def imported(tree: ast.Module) -> list[str]:
    """The modules that top-level import statements name."""
    plain = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]


class _Uses:
    """Which global names the definitions of a notebook use, directly or through constants."""

    def __init__(self, cells: Sequence[CodeCell], long_running: frozenset[str]) -> None:
        statements = [node for cell in cells for node in unwrapped(cell.tree.body)]
        self.defined = {node.name for node in statements if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        uses = [(bound_names(node), global_names(node)) for node in statements if isinstance(node, KEPT)]
        self._endless = _reaching(set(long_running), uses)
        self.wanted = {name for _, used in uses for name in used}
        self._assigns = {node: global_names(node) for node in statements if isinstance(node, ASSIGNS)}
        self._want_what_is_kept()

    def _want_what_is_kept(self) -> None:
        """Add what the assignments that are kept use, and so on; each name and each assignment is visited once."""
        giving = defaultdict(list)
        for node in self._assigns:
            for name in bound_names(node):
                giving[name].append(node)
        to_visit = [node for node in self._assigns if self.keeps(node)]
        while to_visit:
            more = self._assigns[to_visit.pop()] - self.wanted
            self.wanted |= more
            to_visit.extend(node for name in more for node in giving[name] if self.keeps(node))

    def keeps(self, node: ast.stmt) -> bool:
        """Whether it is a definition, or gives a value that some definition uses, without a long run to compute it."""
        if not isinstance(node, ASSIGNS):
            return isinstance(node, KEPT)
        used = bound_names(node) & self.wanted or changed_names(node) & self.defined
        return bool(used) and not self._assigns[node] & self._endless


def _reaching(endless: set[str], uses: Sequence[tuple[set[str], set[str]]]) -> set[str]:
    """The names of the long-running functions and of all functions that come to call one."""
    callers: dict[str, set[str]] = defaultdict(set)
    for names, used in uses:
        for name in used:
            callers[name] |= names
    reached: set[str] = set()
    to_visit = endless
    while to_visit:
        reached |= to_visit
        to_visit = {caller for name in to_visit for caller in callers.get(name, ())} - reached
    return reached


def _masked(source: str, statements: Sequence[ast.stmt], uses: _Uses) -> str:
    """The source with each statement that is not kept replaced by ``pass``, every kept line in its old place."""
    text = source.encode()  # columns in the syntax tree count bytes
    starts = [0, *itertools.accumulate(len(line) + 1 for line in text.split(b"\n"))]
    parts, place = [], 0
    for node in sorted(_dropped(statements, uses), key=lambda node: (node.lineno, node.col_offset)):
        last, column = node.end_lineno or node.lineno, node.end_col_offset or 0
        parts += [text[place : starts[node.lineno - 1] + node.col_offset], b"pass"]
        place = starts[last - 1] + column
        if last > node.lineno:
            alone = not text[place : starts[last]].split(b"#")[0].strip()
            # what follows in the last line goes on as the same line of Python
            parts.append((b"\n" if alone else b"\\\n") * (last - node.lineno))
    return b"".join([*parts, text[place:]]).decode()


def _dropped(statements: Sequence[ast.stmt], uses: _Uses) -> list[ast.stmt]:
    """The outermost statements that hold nothing to keep."""
    every = list(statements)
    around: dict[ast.stmt | None, ast.stmt | None] = dict.fromkeys(every)  # statement -> the if or try around it
    for node in every:  # which grows meanwhile: what stands inside comes after what it stands in
        around.update(dict.fromkeys(inner(node), node))
        every += inner(node)
    holding: set[ast.stmt | None] = {None}
    for node in filter(uses.keeps, every):
        holder: ast.stmt | None = node
        while holder not in holding:
            holding.add(holder)
            holder = around[holder]
    return [node for node in every if node not in holding and around[node] in holding]
