"""Fingerprints of code and prose: hashes that survive renames, comments, layout and another order of statements.

Code is read as the syntax tree has it, one statement at a time, as the tokens of a walk from the top: kinds of nodes,
operators, numbers, and the names that a program cannot choose (modules, attributes, built-ins, what the release
defines). Names of the student's own are numbered as they appear. Every run of a few tokens is one fingerprint. Prose
is read as words, and every run of a few words is one.
"""

import ast
import builtins
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from autograder.notebook.python import tree_of

T = TypeVar("T")
Fingerprints = frozenset[int]  # 64-bit hashes
Token = str | tuple[str]  # a one-tuple is a name of the student's own

TOKENS = 6  # in one fingerprint of code
ROWS = (2, 3)  # statements in one fingerprint of several in a row
WORDS = 4  # in one fingerprint of prose
FEWEST_TOKENS = 3  # in a statement that says anything
MOST_TOKENS = 10_000  # of one cell; what comes after them is not looked at
MOST_IN_ONE = 500  # tokens of one statement, so that a long list does not hide what comes after it
MOST_WORDS = 10_000

BUILT_IN = frozenset(dir(builtins)) | {"self"}
SILENT = ast.Import | ast.ImportFrom | ast.Pass | ast.Global | ast.Nonlocal
BODIES = ("body", "orelse", "finalbody", "handlers", "cases")
HINTS = ("annotation", "returns", "type_comment", "type_params")
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


@dataclass(frozen=True)
class Names:
    """The names in some code that say what is done: they are kept, all others are their author's choice."""

    modules: Mapping[str, str]  # what an import binds -> what it stands for, so that aliases make no difference
    defined: frozenset[str]  # functions and classes
    attributes: frozenset[str]  # all that is looked up in something, and methods
    made_up: frozenset[str]  # methods, and attributes of self, that the code itself brings in

    @classmethod
    def of(cls, trees: Iterable[ast.AST]) -> "Names":
        """The names in these syntax trees."""
        nodes = [node for tree in trees for node in ast.walk(tree)]
        functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        looked_up = [node for node in nodes if isinstance(node, ast.Attribute)]
        return cls(
            modules=_imported(nodes),
            defined=frozenset(functions | {node.name for node in nodes if isinstance(node, ast.ClassDef)}),
            attributes=frozenset(functions | {node.attr for node in looked_up}),
            made_up=frozenset(functions | {node.attr for node in looked_up if _is_set_on_self(node)}),
        )

    def under(self, release: "Names") -> "Names":
        """These names where what the release defines is kept, and what it doesn't define is the student's own."""
        modules = {**release.modules, **self.modules}
        return Names(modules, release.defined, release.attributes, self.made_up - release.attributes)

    def bare(self, name: str) -> Token:
        """What a name is known by."""
        if name in self.modules:
            return self.modules[name]
        return name if name in self.defined or name in BUILT_IN else (name,)


def _imported(nodes: Iterable[ast.AST]) -> dict[str, str]:
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return {
        alias.asname or alias.name: alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        for node in imports
        for alias in node.names
    }


def _is_set_on_self(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self"


def fingerprints_of_code(tree: ast.Module, names: Names) -> list[Fingerprints]:
    """The fingerprints of one cell, those that belong together in a set: a statement's, or one of a few in a row."""
    statements = [tokens for tokens in _token_lists(tree, names) if len(tokens) >= FEWEST_TOKENS]
    inside = [frozenset(_hashed(_numbered(run)) for run in _runs(tokens, TOKENS)) for tokens in statements]
    rows = [row for length in ROWS for row in _runs(statements, length) if len(row) == length]
    across = [frozenset({_hashed(_numbered([token for tokens in row for token in (*tokens, ";")]))}) for row in rows]
    return [*inside, *across]


def _token_lists(tree: ast.Module, names: Names) -> Iterator[list[Token]]:
    left = MOST_TOKENS
    for statement in _statements(tree):
        if left > 0:
            tokens = list(itertools.islice(_tokens(statement, names), min(left, MOST_IN_ONE)))
            left -= len(tokens)
            yield tokens


def is_cut(source: str) -> bool:
    """Whether a cell has more than is looked at."""
    tree = tree_of(source)
    names = Names({}, *[frozenset()] * 3)
    return tree is not None and sum(map(len, _token_lists(tree, names))) >= MOST_TOKENS


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements, handlers and cases in a tree, from the top; docstrings, prints and the like left out."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        waiting.extend(reversed(_children(node, of_body=True)))
        match node:
            case ast.Expr(value=ast.Constant() | ast.Call(func=ast.Name(id="print"))):
                pass
            case _ if not isinstance(node, ast.Module | SILENT):
                yield node


def _tokens(statement: ast.AST, names: Names) -> Iterator[Token]:
    """A statement's tokens, those of the statements inside it left out; without recursion, however deep it is."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        waiting.extend(reversed(_children(node, of_body=False)))
        yield from _own_tokens(node, names)


def _children(node: ast.AST, of_body: bool) -> list[ast.AST]:
    """The nodes right inside a node: the statements of its body, or all others but hints."""
    found: list[ast.AST] = []
    for field, value in ast.iter_fields(node):
        if field not in HINTS and of_body == (field in BODIES and isinstance(value, list)):
            found.extend(item for item in (value if isinstance(value, list) else [value]) if isinstance(item, ast.AST))
    return found


def _own_tokens(node: ast.AST, names: Names) -> tuple[Token, ...]:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            return (names.bare(name),)
        case ast.Attribute(attr=name):
            return ((name,) if name in names.made_up else f".{name}",)
        case ast.keyword(arg=str(name)):
            return (f"{name}=",)
        case ast.Constant(value=value):
            if isinstance(value, str | bytes):
                return (type(value).__name__,)
            return ((hex(value) if type(value) is int else repr(value))[:40],)  # no limit is set to hex digits
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return ("def", names.bare(name))
        case ast.ExceptHandler(name=str(name)):
            return ("except", (name,))
        case ast.AnnAssign():
            return ("Assign",)
        case ast.arguments() | ast.expr_context() | ast.Expr():
            return ()
    return (type(node).__name__,)


def _numbered(run: Sequence[Token]) -> Iterator[str]:
    """A run of tokens in which the student's own names are numbered as they appear."""
    numbers: dict[str, int] = {}
    for token in run:
        yield token if isinstance(token, str) else f"#{numbers.setdefault(token[0], len(numbers))}"


def fingerprints_of_prose(text: str) -> Fingerprints:
    """The fingerprints of a text: neither case nor punctuation matters."""
    words = [found.group().casefold() for found in WORD.finditer(text, 0, 20 * MOST_WORDS)][:MOST_WORDS]
    return frozenset(_hashed(run) for run in _runs(words, WORDS))


def _runs(items: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    """Every run of that many items; all of them as one run where there are fewer."""
    if items:
        yield from (items[start : start + length] for start in range(max(1, len(items) - length + 1)))


def _hashed(run: Iterable[str]) -> int:
    digest = hashlib.blake2b("\x1f".join(run).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
