"""Mistakes in a call: another function, none or the same one twice, and other arguments."""

import ast
import itertools
from collections.abc import Iterator

from autograder.mutants.scope import Scope
from autograder.mutants.trees import method, name_of

Offers = Iterator[tuple[str, str, ast.expr]]  # operator, kind, what stands there instead
SIBLINGS = (  # functions that are taken for each other, and the kind of mistake that this is
    ("combination", ("min", "max")),
    ("combination", ("minimum", "maximum")),
    ("combination", ("argmin", "argmax")),
    ("reduction", ("mean", "sum", "max", "std")),
    ("function", ("relu", "tanh", "sigmoid", "softplus")),
    ("function", ("sin", "cos")),
    ("function", ("exp", "log", "log1p", "sqrt")),
    ("function", ("mse_loss", "l1_loss", "smooth_l1_loss")),
    ("gradient", ("rsample", "sample")),
)
GRADIENT = {"detach", "requires_grad_", "item"}
SHAPE = {"view", "flatten", "ravel", "reshape", "squeeze", "unsqueeze", "cpu", "numpy", "to", "float", "expand"}
REDUCTION = {"mean", "sum", "std", "max", "min"}
DIMENSION = {"dim", "axis", "keepdim", "keepdims"}
TAKES_DIMENSION = REDUCTION | {"cat", "stack", "softmax", "log_softmax", "unsqueeze", "squeeze", "argmax", "argmin"}


def of_functions(node: ast.expr, _: ast.AST, __: Scope) -> Offers:
    """Another function, none, or the same one twice."""
    if not isinstance(node, ast.Call):
        return
    name = name_of(node)
    for kind, names in SIBLINGS:
        for other in names if name in names else ():
            if other != name and not (kind == "reduction" and len(node.args) == 2):
                yield f"{other} for {name}", kind, ast.Call(_renamed(node.func, other), node.args, node.keywords)
    inside = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        yield "method left out", _kind_of(name), node.func.value
    if inside is not None:
        yield "call left out", _kind_of(name), inside
        yield "call doubled", "function", ast.Call(node.func, [node], [])


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("torch", "np", "F", "nn", "math", "self")


def _renamed(function: ast.expr, name: str) -> ast.expr:
    if isinstance(function, ast.Attribute):
        return ast.Attribute(function.value, name, ast.Load())
    return ast.Name(name, ast.Load())


def _kind_of(name: str) -> str:
    if name in GRADIENT:
        return "gradient"
    return "shape" if name in SHAPE else "reduction" if name in REDUCTION else "function"


def of_arguments(node: ast.expr, _: ast.AST, __: Scope) -> Offers:
    """Arguments in another order, one argument less, and one of two for both."""
    if not isinstance(node, ast.Call):
        return
    args, name = node.args, name_of(node)
    for i, j in itertools.combinations(range(len(args)), 2):
        swapped = list(args)
        swapped[i], swapped[j] = args[j], args[i]
        yield "arguments swapped", "argument", ast.Call(node.func, swapped, node.keywords)
    for i in range(len(args) if len(args) + len(node.keywords) > 1 else 0):
        kind = "reduction" if name in TAKES_DIMENSION else "argument"
        yield "argument dropped", kind, ast.Call(node.func, [*args[:i], *args[i + 1 :]], node.keywords)
    for keyword in node.keywords:
        kind = "reduction" if keyword.arg in DIMENSION else "argument"
        yield "argument dropped", kind, ast.Call(node.func, args, [each for each in node.keywords if each != keyword])
    if len(args) == 2 and name in ("min", "max", "minimum", "maximum"):
        first, second = args
        total = ast.BinOp(first, ast.Add(), second)
        yield "first of both", "combination", first
        yield "second of both", "combination", second
        yield "mean of both", "combination", ast.BinOp(total, ast.Div(), ast.Constant(2))
        yield "sum of both", "combination", total
        yield "smaller on average", "combination", _of_means(node, first, second)
    if len(args) > 1 and name not in ("min", "max"):
        yield "first argument twice", "variable", ast.Call(node.func, [args[0], args[0], *args[2:]], node.keywords)


def _of_means(node: ast.Call, first: ast.expr, second: ast.expr) -> ast.expr:
    """The one of two whose mean is the smaller or larger."""
    less = ast.Gt() if name_of(node) in ("max", "maximum") else ast.Lt()
    return ast.IfExp(ast.Compare(method(first, "mean"), [less], [method(second, "mean")]), first, second)
