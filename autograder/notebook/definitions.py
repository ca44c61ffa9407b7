"""Which statements of a notebook are definitions, and a cell's text with everything else masked out."""

import ast
import itertools
import symtable
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from autograder.notebook.python import (
    COMMON,
    DEFINITIONS,
    bound_names,
    changed_names,
    global_names,
    inner,
    read_python,
    unwrapped,
)

KEPT = (ast.Import, ast.ImportFrom, *DEFINITIONS)
ASSIGNS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


@dataclass(frozen=True)
class CodeCell:
    """A code cell that parses."""

    label: str
    source: str
    tree: ast.Module

    @cached_property
    def lines(self) -> list[str]:
        """The text, line by line, as the tree counts them."""
        return self.source.split("\n")

    @cached_property
    def uses(self) -> list[tuple[set[str], set[str]]]:
        """Of each definition the name that it gives, if any, and the global names that it refers to."""
        kept = [node for node in unwrapped(self.tree.body) if isinstance(node, KEPT)]
        return [({node.name} if isinstance(node, DEFINITIONS) else set(), global_names(node)) for node in kept]


def code_cell(label: str, source: str) -> CodeCell:
    """The cell; SyntaxError for everything that is not Python, and for names that belong to no scope.

    What many submissions have in common is read once. Nobody changes a cell or its tree.
    """
    return _read_before(label, source) if len(source) <= COMMON else _read(label, source)


@lru_cache(maxsize=256)
def _read_before(label: str, source: str) -> CodeCell:
    return _read(label, source)


def _read(label: str, source: str) -> CodeCell:
    text, tree = read_python(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symtable.symtable(text, label, "exec")  # a nonlocal without a function around it, say
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"it cannot be read as Python ({type(error).__name__})") from None
    return CodeCell(label, text, tree)


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
        uses = [use for cell in cells for use in cell.uses]
        self._endless = _reaching(set(long_running), uses)
        self.wanted = {name for _, used in uses for name in used}
        self._assigns = {node: _Assign.of(node) for node in statements if isinstance(node, ASSIGNS)}
        self._want_what_is_kept()

    def _want_what_is_kept(self) -> None:
        """Add what the assignments that are kept use, and so on; each name and each assignment is visited once."""
        giving = defaultdict(list)
        for node, assign in self._assigns.items():
            for name in assign.roots:
                giving[name].append(node)
        to_visit = [node for node in self._assigns if self.keeps(node)]
        while to_visit:
            more = self._assigns[to_visit.pop()].used - self.wanted
            self.wanted |= more
            to_visit.extend(node for name in more for node in giving[name] if self.keeps(node))

    def keeps(self, node: ast.stmt) -> bool:
        """Whether it is a definition, or gives a value that some definition uses, without a long run to compute it."""
        if not isinstance(node, ASSIGNS):
            return isinstance(node, KEPT)
        assign = self._assigns[node]
        used = bool(assign.roots & self.wanted or assign.attributes & self.defined)
        return used and not assign.used & self._endless


@dataclass(frozen=True)
class _Assign:
    """The names that an assignment binds, those whose attributes it changes, and those that it refers to."""

    roots: set[str]
    attributes: set[str]
    used: set[str]

    @classmethod
    def of(cls, node: ast.stmt) -> "_Assign":
        return cls(bound_names(node), changed_names(node), global_names(node))


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
    for node in every:  # which grows meanwhile: what stands inside comes after what it stands in
        every += inner(node) if isinstance(node, ast.If | ast.Try) else []
    holding: set[ast.stmt] = set()
    for node in reversed(every):
        inside = inner(node) if isinstance(node, ast.If | ast.Try) else []
        if uses.keeps(node) or not holding.isdisjoint(inside):
            holding.add(node)
    entered = [item for node in every if node in holding and isinstance(node, ast.If | ast.Try) for item in inner(node)]
    return [node for node in [*statements, *entered] if node not in holding]
