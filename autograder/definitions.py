"""Which statements of a notebook are definitions, and a cell's text with everything else masked out."""

import ast
import symtable
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
COMMON = 10_000  # characters; a cell that is longer than the release's is one student's own
ASSIGNS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


@dataclass(frozen=True)
class Cell:
    """A code cell that parses."""

    label: str
    source: str
    tree: ast.Module

    @cached_property
    def lines(self) -> list[str]:
        """The text, line by line."""
        return self.source.splitlines()

    @cached_property
    def uses(self) -> list[tuple[set[str], set[str]]]:
        """Of each definition the name that it gives, if any, and the global names that it refers to."""
        return [(_names_of(node), global_names(node)) for node in _definitions(self.tree.body)]


def parse(label: str, source: str) -> Cell:
    """The cell; SyntaxError for everything that is not Python, and for names that belong to no scope."""
    return _parsed_before(label, source) if len(source) <= COMMON else _parsed(label, source)


@lru_cache(maxsize=256)
def _parsed_before(label: str, source: str) -> Cell:
    """What many submissions have in common is read once. Nobody changes a cell or its tree."""
    return _parsed(label, source)


def _parsed(label: str, source: str) -> Cell:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a student's backslashes, say
            tree = ast.parse(source, label)
            symtable.symtable(source, label, "exec")  # a nonlocal without a function around it, say
            return Cell(label, source, tree)
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"it cannot be read as Python ({type(error).__name__})") from None


def kept_source(cells: Sequence[Cell], long_running: frozenset[str]) -> list[tuple[str, str]]:
    """(label, source) of every cell, with all but definitions and the constants they use masked out."""
    uses = _Uses(cells, long_running)
    return [(cell.label, _masked(cell.source, cell.tree.body, uses)) for cell in cells]


def names_bound(source: str) -> set[str]:
    """The names that a cell's kept statements bind at the top level."""
    table = symtable.symtable(source, "<cell>", "exec")
    return {
        item.get_name()
        for item in table.get_symbols()
        if item.is_assigned() or item.is_imported() or item.is_namespace()
    }


def imported(tree: ast.Module) -> list[str]:
    """The modules that top-level import statements name."""
    plain = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]


class _Uses:
    """Which global names the definitions of a notebook use, directly or through constants."""

    def __init__(self, cells: Sequence[Cell], long_running: frozenset[str]) -> None:
        statements = [statement for cell in cells for statement in cell.tree.body]
        self.defined = {
            node.name for node in _definitions(statements) if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        uses = [use for cell in cells for use in cell.uses]
        self._endless = _reaching(set(long_running), uses)
        self.wanted = {name for _, used in uses for name in used}
        self._assigns = {node: _Assign.of(node) for node in _unwrapped(statements) if isinstance(node, ASSIGNS)}
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
        """Whether an assignment gives a value that some definition uses, without a long run to compute it."""
        if not isinstance(node, ASSIGNS):
            return False
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
        roots = {name for target in _targets(node) for name in _roots(target)}
        attributes = {name for target in _targets(node) for name in _roots(target, through_attributes=True)}
        return cls(roots, attributes, global_names(node))


def _unwrapped(statements: Iterable[ast.stmt]) -> list[ast.stmt]:
    """The statements, with what stands under a top-level if or try in its place."""
    found: list[ast.stmt] = []
    for node in statements:
        found.extend(_unwrapped(_inner(node)) if isinstance(node, ast.If | ast.Try) else [node])
    return found


def _definitions(statements: Iterable[ast.stmt]) -> list[ast.stmt]:
    return [node for node in _unwrapped(statements) if isinstance(node, DEFINES)]


def _inner(node: ast.If | ast.Try) -> list[ast.stmt]:
    handlers = [item for handler in getattr(node, "handlers", []) for item in handler.body]
    return [*node.body, *handlers, *node.orelse, *getattr(node, "finalbody", [])]


def _names_of(node: ast.stmt) -> set[str]:
    return {node.name} if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else set()


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []


def _roots(target: ast.expr, through_attributes: bool = False) -> set[str]:
    """The names that an assignment to the target binds, or (through attributes) changes."""
    if isinstance(target, ast.Tuple | ast.List):
        return {name for item in target.elts for name in _roots(item, through_attributes)}
    if isinstance(target, ast.Starred):
        return _roots(target.value, through_attributes)
    if through_attributes:
        return {target.value.id} if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) else set()
    return {target.id} if isinstance(target, ast.Name) else set()


def global_names(node: ast.stmt) -> set[str]:
    """The global names that a statement refers to, from within its functions too."""
    try:
        table = symtable.symtable(ast.unparse(node), "<statement>", "exec")
    except (SyntaxError, ValueError, RecursionError):  # 'return' outside a function, say: it will not run either
        return {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
    return {name for scope in _scopes(table) for name in _referred(scope)}


def _scopes(table: symtable.SymbolTable) -> list[symtable.SymbolTable]:
    return [table, *(scope for child in table.get_children() for scope in _scopes(child))]


def _referred(scope: symtable.SymbolTable) -> set[str]:
    top = scope.get_type() == "module"
    symbols = scope.get_symbols()
    return {item.get_name() for item in symbols if item.is_referenced() and (top or item.is_global())}


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
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    for node in reversed(_dropped(statements, uses)):  # from the end, so that the columns before stay true
        _blank_out(lines, node)
    text = b"".join(lines).decode()
    return text if any(not isinstance(node, ast.Pass) for node in ast.parse(text).body) else ""


def _dropped(statements: Sequence[ast.stmt], uses: _Uses) -> list[ast.stmt]:
    dropped: list[ast.stmt] = []
    for node in statements:
        inner = _inner(node) if isinstance(node, ast.If | ast.Try) else []
        if any(isinstance(item, DEFINES) or uses.keeps(item) for item in _unwrapped(inner)):
            dropped.extend(_dropped(inner, uses))
        elif not isinstance(node, DEFINES) and not uses.keeps(node):
            dropped.append(node)
    return dropped


def _blank_out(lines: list[bytes], node: ast.stmt) -> None:
    """Replace one statement's bytes by ``pass`` and spaces; columns in the syntax tree count bytes."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    first, last = node.lineno - 1, node.end_lineno - 1
    tail = lines[last][node.end_col_offset :]
    head = lines[first][: node.col_offset]
    for number in range(first, last + 1):
        lines[number] = b"\n"
    lines[first] = head + b"pass" + (b"\n" if last > first else tail)
    if last > first:
        lines[last] = (
            tail if tail.strip().startswith(b"#") or not tail.strip() else b" " * node.col_offset + tail.lstrip(b" ;")
        )
