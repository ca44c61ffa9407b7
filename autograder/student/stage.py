"""Plays a scene: makes its objects, calls functions on them, and reports. It knows no check and no expected value.

A scene is data (see judging/scenes.py): objects, name -> [kind, values], and steps. The student's process plays it with
the student's functions; the judge plays the same one with the reference's, in float64. A practical's own probes may
add kinds of objects and helpers: functions and classes that are given the stage first.
"""

import copy
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

LONGEST_NAME = 200  # characters of a type's name that are sent; a student's class may be called anything


class Stage:
    """The objects of one scene while it is played.

    ``functions`` are the student's or the reference's, ``own`` the practical's kinds and helpers, ``ask_judge`` is what
    an object calls whose behaviour is the judge's, and ``dtype`` is the tensors'.
    """

    def __init__(
        self,
        functions: Mapping[str, Any],
        own: Mapping[str, Any],
        ask_judge: Callable[..., Any] | None = None,
        dtype: str = "float32",
    ) -> None:
        self.functions = functions
        self.own = own
        self.ask_judge = ask_judge
        self.dtype = dtype
        self.objects: dict[str, Any] = {}

    def make(self, name: str, kind: str, values: Mapping[str, Any]) -> None:
        """Make an object; those that stand before it in the scene are there already."""
        self.objects[name] = {**self.own, **KINDS}[kind](self, **values)

    def step(self, what: str, function: str, arguments: Sequence[Any], into: str) -> Any:
        """Call a helper, a function, a method or an object, and keep what it returns under the name ``into``.

        Several names, as in "mean, spread", are given to the parts of what is returned; ValueError or TypeError, in
        Python's own words, if it has not so many.
        """
        if what == "help":
            given = [self.objects[value] if kind == "object" else value for kind, value in arguments]
            returned = {**self.own, **HELPERS}[function](self, *given)
        else:
            returned = self.found(function)(*map(self.argument, arguments))
        names = into.split(", ")
        if len(names) > 1:
            self.objects.update(zip(names, _unpacked(returned, len(names)), strict=True))
        elif into:
            self.objects[into] = returned
        return returned

    def found(self, function: str) -> Any:
        """An object of the scene, its method ("network.forward"), or a function."""
        name, _, method = function.partition(".")
        thing = self.objects[name] if name in self.objects else self.functions[name]
        return getattr(thing, method) if method else thing

    def argument(self, given: Sequence[Any]) -> Any:
        """What a function is given for ["object", name], or for ["value", value]."""
        kind, value = given
        if kind == "value":
            return copy.deepcopy(value)
        thing = self.objects[value]
        return thing.leaf.clone() if isinstance(thing, Leaf) else thing

    @property
    def torch(self) -> Any:
        """PyTorch, which not every practical needs."""
        return importlib.import_module("torch")

    def tensor(self, value: Any) -> Any:
        """A tensor of its own memory."""
        return self.torch.tensor(np.array(value, np.float64), dtype=getattr(self.torch, self.dtype))

    def gradients(self, output: Any, weights: Any, leaves: Sequence[Any]) -> list[Any]:
        """The gradients of an output's weighted sum by these tensors; zeros where none arrives."""
        torch, found = self.torch, [None] * len(leaves)
        if isinstance(output, torch.Tensor) and output.requires_grad and tuple(output.shape) == np.shape(weights):
            # the weighted sum, not grad_outputs, for which torch imports a whole algebra system
            weighted = (output * self.tensor(weights).to(output.dtype)).sum()
            learning = [leaf for leaf in leaves if leaf.requires_grad]  # a network may keep constants as parameters
            of = iter(torch.autograd.grad(weighted, learning, retain_graph=True, allow_unused=True) if learning else ())
            found = [next(of) if leaf.requires_grad else None for leaf in leaves]
        return [torch.zeros_like(leaf) if each is None else each for leaf, each in zip(leaves, found, strict=True)]


def play(stage: Stage, objects: Mapping[str, Any], steps: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Of each step what was returned, its type, whether a graph leads to it, and what the objects hold then."""
    for name, (kind, values) in objects.items():
        stage.make(name, kind, values)
    report: dict[str, Any] = {}
    for number, step in enumerate(steps):
        returned = stage.step(*step)
        report[str(number)] = {
            "returned": returned,
            "type": type(returned).__name__[:LONGEST_NAME],
            "attached": bool(getattr(returned, "requires_grad", False)),
            "now": {name: held(stage.objects[name]) for name in objects},
        }
    return report


def held(thing: Any) -> Any:
    """The numbers that an object holds: a network's parameters, a tensor's or an array's; None where there are none."""
    torch = sys.modules.get("torch")
    try:
        if torch is not None and isinstance(thing, torch.nn.Module):
            return {str(name): held(each) for name, each in thing.named_parameters()}
        numbers = plain(thing)
        return numbers.copy() if isinstance(numbers, np.ndarray) else None
    except Exception:  # a student's code may have made anything of it
        return None


def plain(value: Any) -> Any:
    """Tensors as arrays, through lists, tuples and dicts; wire.py sees to the rest."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return value.detach().cpu().resolve_conj().resolve_neg().numpy()
    return value


def _unpacked(value: Any, number: int) -> list[Any]:
    first, *others = value
    if (found := 1 + len(others)) != number:
        many = "too many" if found > number else "not enough"
        raise ValueError(f"{many} values to unpack (expected {number}, got {found})")
    return [first, *others]


# ---- kinds of objects ----------------------------------------------------------------------------------------------


class Leaf:
    """A tensor of which gradients are asked: functions are given a copy, so that none changes it."""

    def __init__(self, leaf: Any) -> None:
        self.leaf = leaf


def sgd(stage: Stage, of: Sequence[str], rate: float) -> Any:
    """Plain gradient steps on everything in these objects that learns."""
    things = [stage.objects[name] for name in of]
    learning = [each for thing in things for each in (thing.parameters() if hasattr(thing, "parameters") else [thing])]
    return stage.torch.optim.SGD(learning, rate)


KINDS: dict[str, Callable[..., Any]] = {
    "array": lambda _, value: np.array(value),
    "tensor": Stage.tensor,
    "variable": lambda stage, value: stage.tensor(value).requires_grad_(),
    "leaf": lambda stage, value: Leaf(stage.tensor(value).requires_grad_()),
    "device": lambda stage: stage.torch.device("cpu"),
    "sgd": sgd,
}

# ---- helpers -------------------------------------------------------------------------------------------------------


def shapes(_: Stage, network: Any) -> list[Any]:
    """The name and the shape of each parameter of a network."""
    return [[name, list(each.shape)] for name, each in network.named_parameters()]


def load(stage: Stage, network: Any, weights: Mapping[str, Any]) -> None:
    """Set a network's parameters of these names."""
    parameters = dict(network.named_parameters())
    with stage.torch.no_grad():
        for name in parameters.keys() & weights.keys():
            parameters[name].copy_(stage.tensor(weights[name]))


def add_gradients(stage: Stage, network: Any, extra: Mapping[str, Any]) -> None:
    """Add to a network's gradients, as a backward pass of something else does."""
    for name, parameter in network.named_parameters():
        more = stage.tensor(extra[name])
        parameter.grad = more if parameter.grad is None else parameter.grad + more


def frozen(_: Stage, *networks: Any) -> list[str]:
    """The names of the networks' parameters that cannot learn."""
    return [name for network in networks for name, each in network.named_parameters() if not each.requires_grad]


def noise(stage: Stage) -> Any:
    """The next four numbers of PyTorch's noise."""
    return stage.torch.rand(4)


def gradients(stage: Stage, output: Any, weights: Any, by: Sequence[str]) -> dict[str, Any]:
    """The gradients of an output's weighted sum by the leaves and the networks of these names."""
    things = [(name, stage.objects[name]) for name in by]
    leaves = {name: {"": it.leaf} if isinstance(it, Leaf) else dict(it.named_parameters()) for name, it in things}
    found = iter(stage.gradients(output, weights, [leaf for parts in leaves.values() for leaf in parts.values()]))
    report = {name: {part: next(found) for part in parts} for name, parts in leaves.items()}
    return {name: parts.get("", parts) for name, parts in report.items()}


HELPERS: dict[str, Callable[..., Any]] = {
    "shapes": shapes,
    "load": load,
    "add_gradients": add_gradients,
    "frozen": frozen,
    "noise": noise,
    "gradients": gradients,
}
