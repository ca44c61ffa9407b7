"""What a statement does when a cell runs: what it calls, which names it sets, and which objects it changes."""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from autograder.notebook.python import DEFINITIONS

DYNAMIC = frozenset({"exec", "globals", "locals", "vars", "__builtins__"})
ANY = "*"  # among names that are set: some that the text does not tell
_LOOKING = "print display help isinstance issubclass type repr str len id dir callable hasattr getattr"
_COUNTING = "sum min max sorted list tuple set float int bool abs round zip range enumerate super iter next"
HARMLESS = frozenset((*_LOOKING.split(), *_COUNTING.split()))  # functions that change nothing of what they are given
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_STORES = (ast.Store, ast.Del)


def running(*nodes: ast.AST, without: Collection[ast.AST] = ()) -> Iterator[ast.AST]:
    """The nodes that run when a statement does: bodies of the functions that it makes are not among them."""
    waiting: list[ast.AST] = list(nodes)
    while waiting:
        node = waiting.pop()
        if node in without:
            continue
        yield node
        if isinstance(node, _FUNCTIONS):
            waiting += [*getattr(node, "decorator_list", []), *node.args.defaults]
            waiting += [each for each in node.args.kw_defaults if each is not None]
        else:
            waiting.extend(ast.iter_child_nodes(node))


def set_names(*parts: ast.AST) -> set[str]:
    """The global names to which they give a meaning, or take it away; ANY among them where the text does not tell."""
    found: set[str] = set()
    nodes = list(running(*parts))
    own = {id(part) for node in nodes for part in _of_its_own(node)}
    for node in nodes:
        if id(node) in own:
            continue
        if isinstance(node, DEFINITIONS):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, _STORES):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            found.add(node.rest)
        elif isinstance(node, ast.Name) and node.id in DYNAMIC:
            found |= {ANY, *_texts(nodes)}
    return found


@lru_cache(maxsize=1024)  # the trees of what submissions have in common are the same ones
def declared_global(node: ast.AST) -> frozenset[str]:
    """The names that functions in it set outside of themselves when they are called."""
    return frozenset(name for each in ast.walk(node) if isinstance(each, ast.Global) for name in each.names)


def _of_its_own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes whose names belong to a class or a comprehension, and not to the module."""
    if isinstance(node, ast.ClassDef):
        for statement in node.body:
            yield from running(statement)
    elif isinstance(node, ast.comprehension):
        yield from ast.walk(node.target)


def _texts(nodes: Iterable[ast.AST]) -> set[str]:
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {text for text in texts if text.isidentifier()}


def changed_objects(*parts: ast.AST) -> set[tuple[str, str]]:
    """The names of the objects that they may change, with the attribute's name; that is empty where it is not known."""
    found: set[tuple[str, str]] = set()
    for node in running(*parts):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, _STORES):
            found.add(root(node))
        elif isinstance(node, ast.Call):
            found |= _given_to(node)
            if isinstance(node.func, ast.Attribute):
                found.add((root(node.func)[0], ""))
    return {each for each in found if each[0]}


def _given_to(call: ast.Call) -> set[tuple[str, str]]:
    """What a call may change of what it is given."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name in HARMLESS:
        return set()
    given = [each.id for each in (*call.args, *(item.value for item in call.keywords)) if isinstance(each, ast.Name)]
    if name in ("setattr", "delattr") and len(call.args) > 1 and isinstance(call.args[0], ast.Name):
        attribute = call.args[1].value if isinstance(call.args[1], ast.Constant) else ""
        return {(call.args[0].id, str(attribute))}
    return {(each, "") for each in given}


def root(node: ast.AST) -> tuple[str, str]:
    """The name at the root of ``a.b.c[0]``, and the first attribute: a and b."""
    attribute = ""
    while isinstance(node, ast.Attribute | ast.Subscript):
        attribute = node.attr if isinstance(node, ast.Attribute) else ""
        node = node.value
    return (node.id, attribute) if isinstance(node, ast.Name) else ("", "")


def loaded_names(*nodes: ast.AST) -> set[str]:
    """The names that are read while it runs."""
    return {node.id for node in running(*nodes) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def modules_by_name(statements: Iterable[ast.stmt]) -> dict[str, str]:
    """What the import statements call their modules and parts of modules: plt -> matplotlib.pyplot."""
    found: dict[str, str] = {}
    for node in statements:
        if isinstance(node, ast.Import):
            found |= {item.asname or item.name.split(".")[0]: item.name for item in node.names if item.asname}
            found |= {item.name.split(".")[0]: item.name.split(".")[0] for item in node.names if not item.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
    return found


def called(call: ast.Call, modules: Mapping[str, str]) -> str:
    """The dotted name of what is called, modules by their full names; empty where it is not called by a name.

    Subscripts are passed over: a[0].b is a.b.
    """
    parts: list[str] = []
    node: ast.AST = call.func
    while isinstance(node, ast.Attribute | ast.Subscript):
        parts += [node.attr] if isinstance(node, ast.Attribute) else []
        node = node.value
    if not isinstance(node, ast.Name):
        return f".{parts[0]}" if parts else ""
    return ".".join([modules.get(node.id, node.id), *parts[::-1]])


def shows_only(statement: ast.stmt) -> bool:
    """Whether it only looks at something, or prints it: an expression that calls nothing else and sets nothing."""
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("print", "display"):
        parts: list[ast.AST] = [*value.args, *value.keywords]
    else:
        parts = [value]
    acts = (ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
    return not any(isinstance(node, acts) for node in running(*parts))
