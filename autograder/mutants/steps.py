"""Mistakes in the order and the number of a function's steps, and in which part of a result goes by which name."""

import ast
import itertools
from collections.abc import Iterator

from autograder.mutants.scope import Scope
from autograder.mutants.trees import Change, blocks, call, is_docstring

SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign)


def step_changes(function: ast.FunctionDef, scope: Scope) -> Iterator[Change]:
    """Statements dropped, doubled, moved, put under no_grad; loops left; names of a result's parts exchanged."""
    for block in blocks(function):
        for i, statement in enumerate(block):
            if is_docstring(statement):
                continue
            yield from _around(block, i, scope)
            if isinstance(statement, SIMPLE):
                yield from _moved(block, i)
            yield from _of_targets(statement)


def _around(block: list[ast.stmt], i: int, scope: Scope) -> Iterator[Change]:
    """What becomes of one statement by itself."""
    statement, before, after = block[i], block[:i], block[i + 1 :]

    def instead(operator: str, kind: str, *new: ast.stmt) -> Change:
        return Change(operator, kind, statement, block, [*before, *new, *after])

    if isinstance(statement, ast.Expr | ast.AugAssign) or _is_bound_before(statement, scope):
        yield instead("step dropped", "step", *([] if len(block) > 1 else [ast.Pass()]))
    if isinstance(statement, ast.Expr | ast.AugAssign):
        yield instead("step doubled", "step", statement, statement)
    if isinstance(statement, SIMPLE) and scope.torch and statement not in scope.bare:
        nothing = ast.withitem(call("torch.no_grad"))
        yield instead("no_grad added", "gradient", ast.With([nothing], [statement], lineno=0))
    if isinstance(statement, ast.With):
        yield instead("with left out", "gradient", *statement.body)
    if isinstance(statement, ast.For):
        first = ast.Break()
        yield Change("loop ends at once", "step", statement, statement.body, [*statement.body, first])
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        new = ast.Assign([statement.target], statement.value, lineno=0)
        yield instead("overwritten instead of added", "term", new)
        for old, other in ((ast.Add, ast.Sub), (ast.Sub, ast.Add)):
            if isinstance(statement.op, old):
                new_sign = ast.AugAssign(statement.target, other(), statement.value)
                yield instead("other sign in a running sum", "sign", new_sign)


def _is_bound_before(statement: ast.stmt, scope: Scope) -> bool:
    """Whether an assignment gives a name that has a value already a new one."""
    if not isinstance(statement, ast.Assign):
        return False
    names = {node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    return bool(names) and names <= scope.known.get(statement, frozenset())


def _moved(block: list[ast.stmt], i: int) -> Iterator[Change]:
    """One statement elsewhere in its block: behind each of those that follow."""
    statement = block[i]
    for j in range(i + 1, len(block)):
        if not isinstance(block[j], SIMPLE):
            break
        new = [*block[:i], *block[i + 1 : j + 1], statement, *block[j + 1 :]]
        yield Change("step moved down", "step", statement, block, new)
        if j > i + 1:
            up = [*block[:i], block[j], *block[i:j], *block[j + 1 :]]
            yield Change("step moved up", "step", block[j], block, up)


def _of_targets(statement: ast.stmt) -> Iterator[Change]:
    """The parts of a result that are taken for each other."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    if not isinstance(target, ast.Tuple):
        return
    for i, j in itertools.combinations(range(len(target.elts)), 2):
        names = list(target.elts)
        if ast.unparse(names[i]) == ast.unparse(names[j]):
            continue
        names[i], names[j] = target.elts[j], target.elts[i]
        yield Change("parts exchanged", "part", statement, target, ast.Tuple(names, ast.Store()))
