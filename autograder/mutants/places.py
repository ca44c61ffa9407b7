"""The places of a function: how each line is called, which values it takes, and where two versions differ."""

import ast

from autograder.hints.places import Spot
from autograder.mutants.trees import statements

MOST_LINES = 2  # in which two versions of a function differ, beyond which nothing is said


def places_of(name: str, function: ast.FunctionDef) -> dict[int, Spot]:
    """The places of a function by their lines; one that holds others, such as a loop, stands for its first line."""
    every = list(statements(function))
    sources = _sources(every)
    reached: dict[int, set[int]] = {}
    for each in every:
        known = (reached.get(line, {line}) for line in sources[each.lineno])
        reached[each.lineno] = {each.lineno}.union(*known)
    users = {line: {other for other in sources if line in sources[other]} for line in sources}
    last = {each.lineno for each in every if isinstance(each, ast.Return)}  # whatever is wrong, it may be wrong there
    beside = _beside(every)
    return {
        (line := each.lineno): Spot(
            name, line, _words(every, each), tuple(sorted(reached[line] | users[line] | beside.get(line, set()) | last))
        )
        for each in every
    }


def _beside(every: list[ast.stmt]) -> dict[int, set[int]]:
    """Line of a bare call, such as an optimizer's step -> those of the bare calls before and after it.

    Such calls are steps: which of two comes too early, and which too late, is one and the same question.
    """
    steps = [each.lineno for each in every if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call)]
    return {line: set(steps[max(0, i - 1) : i + 2]) for i, line in enumerate(steps)}


def _sources(every: list[ast.stmt]) -> dict[int, set[int]]:
    """Line -> the lines before it that gave the names that it reads their values."""
    given: dict[str, int] = {}
    found: dict[int, set[int]] = {}
    for each in every:
        used = {node.id for node in _names(each) if isinstance(node.ctx, ast.Load)}
        if isinstance(each, ast.AugAssign):
            used |= {node.id for node in _names(each)}
        found[each.lineno] = {given[name] for name in used if name in given}
        if not hasattr(each, "body"):
            given |= {node.id: each.lineno for node in _names(each) if isinstance(node.ctx, ast.Store)}
    return found


def _names(statement: ast.stmt) -> list[ast.Name]:
    return [node for node in ast.walk(statement) if isinstance(node, ast.Name)]


def _words(every: list[ast.stmt], statement: ast.stmt) -> str:
    """A line by the name that it gives a value, or by what it calls, where no other does; else by its number."""
    for said, names in (("that makes", _made), ("with", _used)):
        others = [names(each) for each in every if each is not statement and not _holds(each, statement)]
        own = [each for each in names(statement) if not any(each in other for other in others)]
        if own:
            return f"the line {said} `{own[0]}`"
    for name in _made(statement):
        makers = [each for each in every if name in _made(each)]
        if statement in (makers[0], makers[-1]):
            return f"the {'first' if statement is makers[0] else 'last'} line that makes `{name}`"
    if isinstance(statement, ast.Return):
        return "what is returned"
    alike = [each for each in every if type(each) is type(statement)]
    keyword = ast.unparse(statement).split()[0]
    if hasattr(statement, "body") and statement in (alike[0], alike[-1]):
        return f"the {'' if len(alike) == 1 else 'first ' if statement is alike[0] else 'last '}`{keyword}` line"
    return f"line {every.index(statement) + 1} of it"


def _holds(outer: ast.stmt, inner: ast.stmt) -> bool:
    return any(node is inner for node in ast.walk(outer))


def _made(statement: ast.stmt) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AugAssign | ast.AnnAssign) else targets
    nodes = [node for target in targets for node in ast.walk(target)]
    changed = [each.value for each in nodes if isinstance(each, ast.Subscript | ast.Attribute)]
    made = [node for node in nodes if node in changed or isinstance(getattr(node, "ctx", None), ast.Store)]
    return [node.id for node in made if isinstance(node, ast.Name) and node.id != "_"]


def _used(statement: ast.stmt) -> list[str]:
    if hasattr(statement, "body"):
        return []
    nodes = list(ast.walk(statement))
    methods = [node.attr for node in nodes if isinstance(node, ast.Attribute)]
    return methods + [node.id for node in nodes if isinstance(node, ast.Name)]


def lines_between(one: ast.FunctionDef, other: ast.FunctionDef) -> frozenset[int]:
    """In which lines of ``one`` another version of a function differs; none where that cannot be told.

    It can be told where both have the same number of statements and differ in one or two of them.
    """
    ours = list(statements(one))
    theirs = [_head(each) for each in statements(other)]
    if len(ours) != len(theirs):
        return frozenset()
    different = [mine.lineno for mine, text in zip(ours, theirs, strict=True) if _head(mine) != text]
    return frozenset(different) if len(different) <= MOST_LINES else frozenset()


def _head(statement: ast.stmt) -> str:
    """The text of a statement without the statements within it."""
    text = ast.unparse(statement)
    return text.split("\n")[0] if hasattr(statement, "body") else text
