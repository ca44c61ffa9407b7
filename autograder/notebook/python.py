"""The one reader of a cell's text: as Python, its lines in their places, with what IPython adds to the language.

What a student wrote is parsed here and never compiled, and for no longer than its size allows.
"""

import ast
import copy
import re
import symtable
import sys
import warnings
from collections.abc import Iterable
from functools import lru_cache

from autograder.notebook.ipython import KNOWN, cell_magics, has_prompt, without_ipython

LONGEST = 1_000_000  # characters of a cell that is read as Python
COMMON = 10_000  # characters; a cell that is longer than the release's is one student's own
MOST_IN_F_STRING = 100_000_000  # its characters times its fields
FEW_FIELDS = 20  # of an f-string, and texts between them: up to here it is read in no time
_F_STRING = re.compile(r"""\b(?:f|fr|rf)(\"{3}|'{3}|"|')(.*?)\1""", re.I | re.S)
ASSIGNS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
HOLDERS = (ast.If, ast.Try, ast.TryStar, ast.With)  # of statements that are looked at one by one
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SCOPES = (*DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

Read = tuple[str, ast.Module]


def read_python(source: str) -> Read:
    """A cell's text as plain Python, line for line, and its syntax tree; nobody changes the tree.

    Lines end in "\\n" alone. SyntaxError if it is not Python, magics and shell lines apart, or if a name belongs to no
    scope, whatever goes wrong while it is read. What many submissions have in common is read once.
    """
    return _read(source) if len(source) <= COMMON else _read_long(source)


@lru_cache(maxsize=128)
def _read(source: str) -> Read:
    return _as_python(source)


@lru_cache(maxsize=2)
def _read_long(source: str) -> Read:
    return _as_python(source)


def _as_python(source: str) -> Read:
    if len(source) > LONGEST:
        raise SyntaxError(f"the cell is longer than {LONGEST} characters")
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        if not has_prompt(text):
            return text, parsed(text)
    except SyntaxError:
        pass
    try:
        plain = without_ipython(text)
        return plain, parsed(plain)
    except SyntaxError as error:
        if unknown := [name for name in cell_magics(text) if name not in KNOWN]:
            error.msg = f"it begins with %%{unknown[0]}, which is not known here, and {error.msg}"
        raise


def _check_f_strings(text: str) -> None:
    """SyntaxError for an f-string of thousands of fields, which takes Python 3.11 minutes to parse."""
    for found in _F_STRING.finditer(text):
        if len(found[2]) * found[2].count("{") > MOST_IN_F_STRING:
            raise SyntaxError("an f-string in it has more fields than are read")


def parsed(text: str) -> ast.Module:
    """The tree of plain Python, parsed and never compiled; SyntaxError as ``read_python`` raises it."""
    if sys.version_info < (3, 12):
        _check_f_strings(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a student's backslashes, say
            tree = ast.parse(text)
            symtable.symtable(text, "<cell>", "exec")  # raises where a nonlocal has no function around it, say
            return tree
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"it cannot be read as Python ({type(error).__name__})") from None


def tree_of(source: str, longest: int = LONGEST) -> ast.Module | None:
    """The syntax tree of a cell's text; None if it is not Python, or has more than ``longest`` characters."""
    try:
        return read_python(source)[1] if len(source) <= longest else None
    except SyntaxError:
        return None


def functions_in(tree: ast.Module) -> dict[str, dict[str, ast.FunctionDef]]:
    """Name of a top-level function or class -> qualified names of the function, or of the methods, and their code."""
    found: dict[str, dict[str, ast.FunctionDef]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = {node.name: node}
        elif isinstance(node, ast.ClassDef):
            methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
            found[node.name] = {f"{node.name}.{method.name}": method for method in methods}
    return found


def extends_itself(node: ast.AST) -> bool:
    """Whether it is a class that goes on with an earlier one of its name: ``class A(A)``."""
    return isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == node.name for b in node.bases)


def inner(node: ast.stmt) -> list[ast.stmt]:
    """The statements of all branches of an if, a try or a with; nothing for other statements."""
    if not isinstance(node, HOLDERS):
        return []
    handlers = [item for handler in getattr(node, "handlers", []) for item in handler.body]
    return [*node.body, *handlers, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]


def bound_names(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement gives a meaning: definitions, imports and assignments."""
    if isinstance(statement, DEFINITIONS):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    return {node.id for node in _assigned(statement) if isinstance(node, ast.Name)}


def changed_names(statement: ast.stmt) -> set[str]:
    """The names of which an assignment changes an attribute."""
    found = [node.value for node in _assigned(statement) if isinstance(node, ast.Attribute)]
    return {value.id for value in found if isinstance(value, ast.Name)}


def _assigned(statement: ast.stmt) -> list[ast.AST]:
    """What an assignment gives a value, as far down as tuples go; nothing for other statements."""
    if not isinstance(statement, ASSIGNS):
        return []
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    nodes = [node for target in targets for node in ast.walk(target)]
    return [node for node in nodes if isinstance(getattr(node, "ctx", None), ast.Store)]


@lru_cache(maxsize=1024)  # the trees of what submissions have in common are the same ones
def global_names(node: ast.stmt) -> frozenset[str]:
    """The global names that a statement refers to, from within its functions too."""
    nodes = list(ast.walk(node))
    plain = frozenset(item.id for item in nodes if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load))
    if not any(isinstance(item, _SCOPES) for item in nodes):
        return plain
    try:
        scopes = [symtable.symtable(ast.unparse(_without_f_strings(node, nodes)), "<statement>", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # 'return' outside a function, say
        return plain
    names: set[str] = set()
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        top = scope.get_type() == "module"
        used = [scope.lookup(name) for name in scope.get_identifiers() if name in plain]  # slow
        names |= {each.get_name() for each in used if each.is_referenced() and (top or each.is_global())}
    return frozenset(names)


def _without_f_strings(node: ast.stmt, nodes: Iterable[ast.AST]) -> ast.stmt:
    """The statement with the fields of its f-strings alone: Python 3.11 reads those in time that grows as a square."""
    if not any(isinstance(item, ast.JoinedStr) and len(item.values) > FEW_FIELDS for item in nodes):
        return node
    bare: ast.stmt = _Fields().visit(copy.deepcopy(node))
    return bare


class _Fields(ast.NodeTransformer):
    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """A list of what stands in the fields, those of formats among them."""
        fields = [item for item in node.values if isinstance(item, ast.FormattedValue)]
        inner = [part for item in fields for part in (item.value, item.format_spec) if part is not None]
        return ast.List([self.visit(part) for part in inner], ast.Load())


@lru_cache(maxsize=1024)
def structure(node: ast.AST) -> str:
    """A syntax tree as text, without places, layout and comments; however deep it is, and whatever numbers it holds."""
    parts: list[str] = []
    waiting: list[object] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.AST):
            parts.append(f"{type(item).__name__}(")
            waiting += [_END, *[value for _, value in ast.iter_fields(item)][::-1]]
        elif isinstance(item, list):
            parts.append("[")
            waiting += [_END, *item[::-1]]
        else:
            parts.append(")" if item is _END else hex(item) if type(item) is int else repr(item))
    return " ".join(parts)


_END = object()
