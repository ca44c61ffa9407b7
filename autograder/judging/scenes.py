"""A scene: what a function is given, as data, so that the student's and the reference's get exactly the same.

    scene = Scene(
        {"x": tensor(...), "network": thing("network", weights=...), "optimizer": sgd("network", rate=0.1)},
        call("update", "x", "network", "optimizer", 0.5),
    )
    theirs, right = exam.play(scene), exam.right(scene)
    expect_close(*moved(scene, "network", theirs, right), "steps of the network's parameters")
    losses = [answer.step(0).number("returned", "the loss") for answer in (theirs, right)]

Objects are made in their order, then the steps are taken. ``student/stage.py`` plays it, and knows the kinds of objects
and the helpers that every practical may use; a practical's own ones are functions and classes of its probes.py, which
are given the stage first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograder.errors import CheckError, did_you_mean
from autograder.judging.checks import Answer, Array, Mistake, Value

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Thing:
    """An object of a scene: its kind, and what it is made from."""

    kind: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One call. Of the arguments, a text names an object of the scene; everything else is a value."""

    what: str  # "call": a function, a method or an object of the scene; "help": a helper of the stage
    function: str
    arguments: tuple[Any, ...]
    into: str = ""  # the name of the object that is returned; several ("mean, spread") where a tuple is

    @property
    def makes(self) -> set[str]:
        """The names of the objects that there are after it."""
        return set(self.into.split(", ")) - {""}


class Scene:
    """Objects by name, and the steps that are taken with them.

    Raises CheckError on an argument that names nothing, and on what is no object or no step.
    """

    def __init__(self, objects: Mapping[str, Thing], *steps: Step) -> None:
        _check_kinds(objects, steps)
        self.objects = objects
        self.steps = steps
        known: set[str] = set()
        for name, each in objects.items():
            _check_objects(each.kind, each.values.get("of", ()) if each.kind == "sgd" else (), known)
            known.add(name)
        for step in steps:
            _check_objects(step.function, [each for each in step.arguments if isinstance(each, str)], known)
            known |= step.makes

    @property
    def functions(self) -> set[str]:
        """The names of the functions that are called, objects and their methods apart."""
        made = set(self.objects).union(*(step.makes for step in self.steps))
        return {step.function.partition(".")[0] for step in self.steps if step.what == "call"} - made

    def sent(self) -> dict[str, Value]:
        """The scene as the values of an ask."""
        return {
            "objects": {name: [thing.kind, dict(thing.values)] for name, thing in self.objects.items()},
            "steps": [
                [step.what, step.function, [_argument(each) for each in step.arguments], step.into]
                for step in self.steps
            ],
        }


def _check_kinds(objects: Mapping[str, Thing], steps: Sequence[Step]) -> None:
    """The author's types are checked here, since nobody else checks them before a student's process is asked."""
    if not isinstance(objects, Mapping) or not steps:
        message = "a scene needs its objects by name, and one step or more."
        raise CheckError(message, 'Write Scene({"x": array(X)}, call("f", "x")).')
    for name, each in objects.items():
        if not isinstance(each, Thing):
            message = f"the scene's object {name!r} is made by none of the functions for objects (it is {_a(each)})."
            raise CheckError(message, f'Write {{"{name}": array(...)}}, tensor(...), or thing("kind", ...).')
    for number, step in enumerate(steps):
        if not isinstance(step, Step):
            message = f"step {number} of the scene is {_a(step)}, and no step."
            raise CheckError(message, 'Write call("f", "x"), or help_with("helper", "x").')


def _a(given: object) -> str:
    return f"of type {type(given).__name__}"


def _check_objects(taker: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            step = f"{did_you_mean(name, known)}The objects before it are: {', '.join(sorted(known)) or 'none'}."
            raise CheckError(f"{taker} is handed {name!r}, which is no object of the scene.", step)


def _argument(given: Any) -> Value:
    return ["object" if isinstance(given, str) else "value", given]


def call(function: str, *arguments: Any, into: str = "") -> Step:
    """Call a function, a method of an object (``"network.forward"``) or an object itself (``"network"``)."""
    return Step("call", function, arguments, into)


def help_with(helper: str, *arguments: Any, into: str = "") -> Step:
    """Call a helper of the stage, such as ``add_gradients``, or of the practical's probes."""
    return Step("help", helper, arguments, into)


def thing(kind: str, **values: Any) -> Thing:
    """An object of that kind, one of the practical's own for instance."""
    return Thing(kind, values)


def array(value: Array) -> Thing:
    """A NumPy array."""
    return Thing("array", {"value": value})


def tensor(value: Array) -> Thing:
    """A tensor: float32 for students, float64 for the reference."""
    return Thing("tensor", {"value": value})


def variable(value: Array) -> Thing:
    """A tensor that learns."""
    return Thing("variable", {"value": value})


def leaf(value: Array) -> Thing:
    """A tensor of which gradients are asked (see the helper ``gradients``); a function is given a copy."""
    return Thing("leaf", {"value": value})


def sgd(*of: str, rate: float) -> Thing:
    """Plain gradient steps on everything in these objects that learns."""
    return Thing("sgd", {"of": list(of), "rate": rate})


def moved(scene: Scene, name: str, theirs: Answer, right: Answer, step: int = -1) -> tuple[Numbers, Numbers]:
    """How far each number of a network's parameters went from the scene's start until after a step, in a row.

    Once in the student's answer and once in the reference's, which says what the parameters are. The network was made
    from its ``weights``.
    """
    before, number = _weights(scene, name, right), step % len(scene.steps)
    both = [
        np.concatenate([(now.array(part, old.shape, part) - old).ravel() for part, old in before.items()])
        for now in (theirs.step(number).now(name), right.step(number).now(name))
    ]
    return both[0], both[1]


def expect_unmoved(scene: Scene, name: str, theirs: Answer, right: Answer, whose: str) -> None:
    """Raise Mistake unless all parameters of a network are in the end what they were at the scene's start."""
    now = theirs.step(len(scene.steps) - 1).now(name)
    for part, old in _weights(scene, name, right).items():
        changed = int((~(np.abs(now.array(part, old.shape, part) - old) <= 1e-7)).sum())
        if changed:
            raise Mistake(f"{changed} of {old.size} parameters in {whose} {part} were changed.")


def _weights(scene: Scene, name: str, right: Answer) -> dict[str, Numbers]:
    weights = scene.objects[name].values["weights"]
    return {part: np.asarray(weights[part], np.float64) for part in right.step(0).now(name).names}
