"""Mistakes in an expression, one at a time: each function here offers what could stand in the expression's place."""

import ast
from collections.abc import Callable

from autograder.mutants.calls import DIMENSION, GRADIENT, TAKES_DIMENSION, Offers, of_arguments, of_functions
from autograder.mutants.scope import Scope
from autograder.mutants.trees import call, method, name_of

OTHER_OPERATORS: tuple[tuple[type[ast.operator], type[ast.operator], str, str], ...] = (
    (ast.Add, ast.Sub, "minus for plus", "sign"),
    (ast.Sub, ast.Add, "plus for minus", "sign"),
    (ast.Mult, ast.Div, "divided for times", "factor"),
    (ast.Div, ast.Mult, "times for divided", "factor"),
    (ast.Mult, ast.Add, "plus for times", "factor"),
)
FIXED = (-10.0, 10.0)


def of_operators(node: ast.expr, _: ast.AST, __: Scope) -> Offers:
    """Another operator, and one operand alone."""
    if isinstance(node, ast.BinOp):
        for old, new, operator, kind in OTHER_OPERATORS:
            if isinstance(node.op, old):
                yield operator, kind, ast.BinOp(node.left, new(), node.right)
        what = "term" if isinstance(node.op, ast.Add | ast.Sub) else "factor"
        yield f"right {what} dropped", what, node.left
        yield f"left {what} dropped", what, node.right
        if isinstance(node.op, ast.Sub | ast.Div):
            yield "operands swapped", "sign" if what == "term" else "factor", ast.BinOp(node.right, node.op, node.left)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "minus dropped", "sign", node.operand


def of_operands(node: ast.expr, around: ast.AST, _: Scope) -> Offers:
    """The negative of an operand, of what a function is given, and of a whole value."""
    if isinstance(around, ast.UnaryOp) or isinstance(node, ast.Constant | ast.Tuple | ast.UnaryOp):
        return
    is_value = isinstance(around, ast.Assign | ast.Return | ast.AugAssign)
    if isinstance(around, ast.BinOp) or is_value or (isinstance(around, ast.Call) and node in around.args):
        yield "negated", "sign", ast.UnaryOp(ast.USub(), node)


def of_constants(node: ast.expr, around: ast.AST, _: Scope) -> Offers:
    """Another number; another dimension where the number is one."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, bool | int | float):
        return
    value = node.value
    named = isinstance(around, ast.keyword) and around.arg in DIMENSION
    is_dimension = named or (isinstance(around, ast.Call) and name_of(around) in TAKES_DIMENSION)
    if isinstance(value, bool):
        yield "true for false", "reduction" if is_dimension else "constant", ast.Constant(not value)
    elif is_dimension:
        for dimension in (0, 1, -1, None):
            if dimension != value:
                yield f"dimension {dimension}", "reduction", ast.Constant(dimension)
    else:
        kind = "index" if isinstance(around, ast.Subscript | ast.Slice) else "constant"
        for operator, other in _other_numbers(value):
            if other != value:
                yield operator, kind, ast.Constant(other)


def _other_numbers(value: float) -> tuple[tuple[str, float], ...]:
    """By operator; a whole number stays one."""
    half = value // 2 if isinstance(value, int) else value / 2
    changed = (("number negated", -value), ("number doubled", 2 * value), ("number halved", half))
    return (("0 for a number", 0), ("1 for a number", 1), ("number plus one", value + 1), *changed)


def of_names(node: ast.expr, around: ast.AST, scope: Scope, known: frozenset[str]) -> Offers:
    """A neighbouring name, and a constant for an argument."""
    if not isinstance(node, ast.Name) or node.id not in known:
        return
    is_callee = isinstance(around, ast.Call) and around.func is node
    for other in sorted(known - {node.id}):
        yield "neighbouring name", "variable", ast.Name(other, ast.Load())
    if isinstance(around, ast.Call | ast.BinOp) and not is_callee:
        for value in (0.0, 1.0):
            yield "constant for a name", "constant", ast.Constant(value)


def of_attributes(node: ast.expr, around: ast.AST, scope: Scope) -> Offers:
    """Another attribute of the same object, as data.y for data.x."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return
    base, is_callee = node.value.id, isinstance(around, ast.Call) and around.func is node
    if base in scope.modules or (is_callee and node.attr in scope.methods):
        return
    for other in sorted(scope.attributes.get(base, frozenset()) - scope.methods - {node.attr}):
        yield "neighbouring attribute", "variable", ast.Attribute(node.value, other, ast.Load())


def of_gradients(node: ast.expr, around: ast.AST, scope: Scope) -> Offers:
    """A graph that is cut: detach where there is none."""
    is_base = isinstance(around, ast.Attribute) or (isinstance(around, ast.Call) and around.func is node)
    if not scope.torch or is_base or not isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.BinOp):
        return
    if isinstance(node, ast.Call) and name_of(node) in GRADIENT:
        return
    yield "detach added", "gradient", method(node, "detach")


def of_values(node: ast.expr, around: ast.AST, scope: Scope) -> Offers:
    """A whole value that is cut off, reduced, reshaped, scaled or squashed once more."""
    if not isinstance(around, ast.Assign | ast.AugAssign | ast.Return) or isinstance(node, ast.Tuple | ast.Constant):
        return
    for low, high in ((-1.0, 1.0), FIXED, (0.0, 1e9), (-1e9, 0.0)):
        yield f"cut off at {low:g} and {high:g}", "bounds", method(node, "clip", low, high)
    yield "mean taken", "reduction", method(node, "mean")
    yield "sum taken", "reduction", method(node, "sum")
    yield "halved", "factor", ast.BinOp(node, ast.Mult(), ast.Constant(0.5))
    yield "doubled", "factor", ast.BinOp(node, ast.Mult(), ast.Constant(2.0))
    yield "one added", "term", ast.BinOp(node, ast.Add(), ast.Constant(1.0))
    yield "squared", "function", ast.BinOp(node, ast.Pow(), ast.Constant(2))
    yield "size alone", "function", call("abs", node)
    yield "transposed", "shape", ast.Attribute(node, "T", ast.Load())
    if scope.torch:
        for name in ("tanh", "relu", "exp"):
            yield f"{name} added", "function", call(f"torch.{name}", node)
        for name, given in (("unsqueeze", (0,)), ("unsqueeze", (-1,)), ("flatten", ())):
            yield f"{name} added", "shape", method(node, name, *given)


def of_conditions(node: ast.expr, _: ast.AST, __: Scope) -> Offers:
    """A condition that is true elsewhere."""
    if isinstance(node, ast.BoolOp):
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield "and for or", "condition", ast.BoolOp(other, node.values)
        for value in node.values:
            yield "one condition alone", "condition", value
    if isinstance(node, ast.Compare | ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        yield "condition negated", "condition", ast.UnaryOp(ast.Not(), node)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        pairs = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
        if new := pairs.get(type(node.ops[0])):
            yield "bound left out or taken in", "condition", ast.Compare(node.left, [new()], node.comparators)
    if isinstance(node, ast.IfExp):
        yield "branches swapped", "condition", ast.IfExp(node.test, node.orelse, node.body)


def of_items(node: ast.expr, _: ast.AST, __: Scope) -> Offers:
    """The whole for a part of it."""
    if isinstance(node, ast.Subscript):
        yield "index left out", "index", node.value


PLAIN: tuple[Callable[[ast.expr, ast.AST, Scope], Offers], ...] = (
    of_operators,
    of_operands,
    of_constants,
    of_attributes,
    of_functions,
    of_arguments,
    of_gradients,
    of_values,
    of_conditions,
    of_items,
)


def offers(node: ast.expr, around: ast.AST, scope: Scope, known: frozenset[str]) -> Offers:
    """Everything that could stand in an expression's place by mistake; ``known`` are the values' names there."""
    yield from of_names(node, around, scope, known)
    for function in PLAIN:
        yield from function(node, around, scope)
