"""Which of the student's layers are the practical's policy's."""

from collections.abc import Sequence

from autograder.judging import Exam, call
from autograder.rl.layers import Array, Binding, Shape, linear_layers, stack_bindings
from autograder.rl.networks import known, shapes_of

from .inputs import ACTIONS, HIDDEN, spaces

LAYERS = "the constructor: two hidden layers of hidden_size units, then a linear layer with one output for each action"


def bound_policy(exam: Exam, observations: int) -> list[Binding]:
    """How the layers of the student's Policy can be the practical's; Mistake if they cannot."""
    shapes = shapes_of(exam, call("Policy", "env", HIDDEN, into="network"), spaces(observations))
    return known(policy_bindings(shapes, observations, ACTIONS, HIDDEN), "Policy", LAYERS)


def policy_bindings(shapes: Sequence[tuple[str, Shape]], inputs: int, actions: int, hidden: int) -> list[Binding]:
    """How a policy's parameters (name, shape) can be the practical's fc1, fc2, fc3; empty if they cannot."""
    return stack_bindings(shapes, {"fc1": (hidden, inputs), "fc2": (hidden, hidden), "fc3": (actions, hidden)})


def bind_policy(named: Sequence[tuple[str, Array]], inputs: int, actions: int) -> list[dict[str, Array]]:
    """The reference state dicts that a trained policy's named arrays may stand for; empty if they cannot.

    The hidden layers' size is read off the arrays: a rewritten policy may have one of its own.
    """
    shapes = [(name, tuple(array.shape)) for name, array in named]
    sizes = sorted({layer.outputs for layer in linear_layers(shapes) if layer.outputs == layer.inputs}, reverse=True)
    bindings = [binding for size in sizes for binding in policy_bindings(shapes, inputs, actions, size)]
    return [binding.to_reference(dict(named)) for binding in bindings]
