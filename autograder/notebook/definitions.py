"""Which statements of a notebook are run when its code is marked."""

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

from autograder.notebook.leaving_out import SHOWN, costly_call, judged, reason
from autograder.notebook.masking import masked
from autograder.notebook.python import ASSIGNS, DEFINITIONS, HOLDERS, global_names, inner, structure
from autograder.notebook.statements import (
    changed_objects,
    loaded_names,
    modules_by_name,
    running,
    set_names,
    shows_only,
)

KEPT = (ast.Import, ast.ImportFrom, *DEFINITIONS)


class CodeCell(NamedTuple):
    """A code cell that parses."""

    label: str
    source: str  # as the tree counts its lines and columns
    tree: ast.Module


class Loose(NamedTuple):
    """A statement that is no definition: its place, the names that it sets or changes, and why it is not run, if so."""

    cell: str
    line: int
    last: int
    names: tuple[str, ...]
    why: str


@dataclass(eq=False)
class Item:
    """A statement that is looked at by itself."""

    cell: CodeCell
    node: ast.stmt
    holder: "Item | None"  # the if, try or with in which it stands
    given: bool  # whether it stands in the release as it is
    why: str = ""  # it is left out
    replaced: dict[ast.AST, str] = field(default_factory=dict)  # what of it is not run, and the text in its place

    @property
    def is_definition(self) -> bool:
        """Whether it is an import, a function or a class."""
        return isinstance(self.node, KEPT)

    @property
    def parts(self) -> list[ast.AST]:
        """What of it is looked at; see ``_parts``."""
        return _parts(self.node)

    @property
    def sets(self) -> frozenset[str]:
        """The names that it sets."""
        return _sets(self.node)

    @property
    def changes(self) -> frozenset[tuple[str, str]]:
        """The objects that it may change; see ``changed_objects``."""
        return _changes(self.node)

    @cached_property
    def uses(self) -> Set[str]:
        """The global names that it refers to, in the functions that it makes too."""
        return loaded_names(*self.parts) if isinstance(self.node, HOLDERS) else global_names(self.node)


def _parts(node: ast.stmt) -> list[ast.AST]:
    """What of a statement is looked at: of an if, a try or a with only what stands before the colons."""
    if isinstance(node, ast.If):
        return [node.test]
    if isinstance(node, ast.With):
        return list(node.items)
    return [] if isinstance(node, HOLDERS) else [node]


# the trees of what submissions have in common are the same ones, so each of these is found once for all of them
@lru_cache(maxsize=1024)
def _sets(node: ast.stmt) -> frozenset[str]:
    return frozenset(set_names(*_parts(node)))


@lru_cache(maxsize=1024)
def _changes(node: ast.stmt) -> frozenset[tuple[str, str]]:
    return frozenset(changed_objects(*_parts(node)))


@lru_cache(maxsize=1024)
def _calls(node: ast.stmt) -> tuple[ast.Call, ...]:
    """The calls in a statement, in the functions that it makes too."""
    return tuple(each for each in ast.walk(node) if isinstance(each, ast.Call))


@dataclass
class Selection:
    """The statements of a notebook, and which of them are run."""

    items: list[Item]
    long_running: frozenset[str]
    modules: dict[str, str] = field(init=False)
    kept: set[Item] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Decide about each statement."""
        definitions = [item for item in self.items if item.is_definition]
        self.modules = modules_by_name(item.node for item in definitions)
        calling = [(item.sets, item.uses) for item in self.items if item.is_definition or self._renames(item)]
        endless = _reaching({name for name in self.long_running if "." not in name}, calling)
        costly = self.long_running | _reaching(self._calling_costly(), calling)
        plain, lazy = list(definitions), []
        self._look(endless)
        needing = self._needing(costly)
        for item in self.items:
            if item.is_definition or item.why or not item.parts or shows_only(item.node):
                continue
            if item.given or item in needing:
                lazy.append(item)
            elif item.sets or not isinstance(item.node, HOLDERS):
                plain.append(item)
        self._keep_wanted(plain, lazy)
        for item in lazy:
            if item not in self.kept and not item.given:
                item.why = needing[item]

    @staticmethod
    def _renames(item: Item) -> bool:
        """Whether it gives something another name, or wraps it, and so may bring another name for a long run."""
        return isinstance(item.node, ASSIGNS) and isinstance(item.node.value, ast.Name | ast.Lambda | ast.Call)

    def _calling_costly(self) -> set[str]:
        """The functions that call what the practical says is costly."""
        made = [item for item in self.items if isinstance(item.node, ast.FunctionDef | ast.AsyncFunctionDef)]
        dotted = {name for name in self.long_running if "." in name}
        calling = [item for item in made if costly_call(_calls(item.node), self.modules, dotted)]
        return {name for item in calling for name in item.sets}

    def _look(self, endless: Collection[str]) -> None:
        """Note what is known to be long, interactive or beside the point."""
        modules = dict(self.modules)
        for item in self.items:
            if item.is_definition:
                pass
            elif item.holder and item.holder.why:
                item.why = item.holder.why
            elif item.given:
                item.why = reason(item.parts, self.modules, endless)
            else:
                item.why, item.replaced = judged(item.node, item.parts, modules, endless)
            for name in item.sets:
                if item.node in item.replaced:
                    modules[name] = SHOWN
                elif modules.get(name) == SHOWN:
                    del modules[name]

    def _needing(self, costly: Collection[str]) -> dict[Item, str]:
        """Why statements are run only if need be: they call what is costly, or read what such or left-out ones set."""
        defined = {name for item in self.items if item.is_definition for name in item.sets}
        readers: dict[str, list[Item]] = defaultdict(list)
        found: dict[Item, str] = {}
        missing: set[str] = set()
        for item in self.items:
            if item.is_definition:
                continue
            for name in loaded_names(*item.parts):
                readers[name].append(item)
            if not item.why and (name := costly_call(running(*item.parts), self.modules, costly)):
                found[item] = f"it calls {name}, which takes long, and nothing needed it"
            if item.why or item in found:
                missing |= item.sets - defined
        waiting = sorted(missing)  # in an order that is the same in every run, since messages name them
        while waiting:
            name = waiting.pop()
            for item in readers[name]:
                if item not in found and not item.why:
                    found[item] = f"it needs {name}, which is not made"
                    new = item.sets - defined - missing
                    missing |= new
                    waiting.extend(sorted(new))
        return found

    def _keep_wanted(self, plain: Sequence[Item], lazy: Sequence[Item]) -> None:
        """Of the lazy ones keep those that touch what the others use, and what these use, and so on."""
        touching: dict[str, list[Item]] = defaultdict(list)
        for item in lazy:
            for name in item.sets | (_stored(item) if item.given else self.touched(item)):
                touching[name].append(item)
        wanted: set[str] = set()
        standing_in = [item.holder for item in self.items if item.node in item.replaced]
        waiting = [name for item in (*plain, *standing_in) for name in self._keep(item)]
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting.extend(used for item in touching[name] for used in self._keep(item))

    def _keep(self, item: Item | None) -> set[str]:
        """Keep it and what it stands in; the names that are used then."""
        used: set[str] = set()
        while item and item not in self.kept:
            self.kept.add(item)
            used |= item.uses
            item = item.holder
        return used

    def touched(self, item: Item) -> frozenset[str]:
        """The names that it sets and the objects that it may change, modules apart."""
        return item.sets | {name for name, _ in item.changes} - self.modules.keys()

    def loose(self) -> Iterable[Loose]:
        """The statements that are no definitions, and set or change something."""
        for item in self.items:
            if not item.is_definition and (names := self.touched(item)) and (item in self.kept or item.why):
                first, last = item.node.lineno, item.node.end_lineno or item.node.lineno
                yield Loose(item.cell.label, first, last, tuple(sorted(names)), "" if item in self.kept else item.why)


def select(cells: Sequence[CodeCell], long_running: frozenset[str], released: frozenset[str] | None) -> Selection:
    """Which statements are run: definitions, and all that a student wrote but what ``leaving_out`` names.

    ``released`` are the structures of the release's statements; what is among them is run only where something else
    needs it. If it is None, all are the course's own.
    """
    items: list[Item] = []
    for cell in cells:
        waiting: list[tuple[ast.stmt, Item | None]] = [(node, None) for node in cell.tree.body[::-1]]
        while waiting:
            node, holder = waiting.pop()
            given = released is None or (not isinstance(node, KEPT + HOLDERS) and structure(node) in released)
            item = Item(cell, node, holder, given)
            items.append(item)
            waiting.extend((each, item) for each in inner(node)[::-1])
    return Selection(items, long_running)


def statements_in(cells: Sequence[CodeCell]) -> frozenset[str]:
    """The structures of all statements that are no definitions, for ``select``."""
    every = [node for cell in cells for node in cell.tree.body]
    for node in every:  # which grows meanwhile
        every += inner(node)
    return frozenset(structure(node) for node in every if not isinstance(node, KEPT + HOLDERS))


def kept_source(cells: Sequence[CodeCell], selection: Selection) -> list[tuple[str, str]]:
    """(label, source) of every cell of which something is run, with everything else masked out."""
    kept: dict[str, set[ast.stmt]] = defaultdict(set)
    replaced: dict[str, dict[ast.AST, str]] = defaultdict(dict)
    for item in selection.kept:
        kept[item.cell.label].add(item.node)
    for item in selection.items:
        replaced[item.cell.label] |= item.replaced
    return [
        (cell.label, masked(cell.source, cell.tree.body, kept[cell.label], replaced[cell.label]))
        for cell in cells
        if kept[cell.label] or replaced[cell.label]
    ]


def imported(tree: ast.Module) -> list[str]:
    """The modules that top-level import statements name."""
    plain = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]


def _stored(item: Item) -> set[str]:
    """The names of the objects of which it sets an attribute or an item."""
    nodes = [node for part in item.parts for node in running(part)]
    found = [node for node in nodes if isinstance(node, ast.Attribute | ast.Subscript)]
    return {name for node in found if isinstance(node.ctx, ast.Store) for name, _ in changed_objects(node)}


def _reaching(endless: set[str], uses: Sequence[tuple[Set[str], Set[str]]]) -> set[str]:
    """The names of these functions and of all functions that come to call one."""
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
