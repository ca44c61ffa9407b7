"""Which of a student's layers is which of the practical's, when a rewritten network names them otherwise.

Only an actor's two heads are of one size: there the names decide (mean, mu, loc against std, sigma, log), or both
orders are possible. A single head that is twice as wide holds both, one above the other or row by row in turn.
"""

from collections.abc import Iterator, Sequence

from autograder.rl.layers import (
    Array,
    Binding,
    Layer,
    LayerPart,
    Shape,
    complete,
    linear_layers,
    of_size,
    stack_bindings,
    whole,
)

CENTRE = ("mean", "mu", "loc")
SPREAD = ("std", "sigma", "log", "var", "scale")


def bind_actor(parameters: Sequence[tuple[str, Array]]) -> list[dict[str, Array]]:
    """The reference state dicts (without buffers) that an actor's named arrays may stand for, likeliest first.

    The sizes are read off the arrays: the hidden layer is the square one. Empty if the layers are not the practical's.
    """
    shapes = [(name, tuple(array.shape)) for name, array in parameters]
    arrays = dict(parameters)
    layers = linear_layers(shapes)
    for hidden in sorted({layer.outputs for layer in layers if layer.outputs == layer.inputs}, reverse=True):
        into = [layer.inputs for layer in layers if layer.outputs == hidden != layer.inputs]
        out = [layer for layer in layers if layer.inputs == hidden != layer.outputs]
        if into and out:
            actions = out[0].outputs if len(out) > 1 else out[0].outputs // 2
            bindings = actor_bindings(shapes, into[0], actions, hidden)
            if bindings:
                return [binding.to_reference(arrays) for binding in bindings]
    return []


def critic_bindings(shapes: Sequence[tuple[str, Shape]], observations: int, actions: int, hidden: int) -> list[Binding]:
    """How a critic's parameters (name, shape) can be the practical's fc1, fc2, fc3; empty if they cannot.

    The first layer may be two, one for the observation and one for the action, of which the sum is taken.
    """
    first, rest = {"fc1": (hidden, observations + actions)}, {"fc2": (hidden, hidden), "fc3": (1, hidden)}
    layers = linear_layers(shapes)
    by_x, by_a = of_size(layers, hidden, observations), of_size(layers, hidden, actions)
    if of_size(layers, *first["fc1"]) or not (by_x and by_a):
        return stack_bindings(shapes, first | rest)
    both = whole(by_x[0]), whole(by_a[0], columns=range(observations, observations + actions))
    return complete([Binding({"fc1": both, **each.pieces}) for each in stack_bindings(shapes, rest)])


def actor_bindings(shapes: Sequence[tuple[str, Shape]], inputs: int, actions: int, hidden: int) -> list[Binding]:
    """How an actor's parameters (name, shape) can be the practical's, likeliest first; empty if they cannot."""
    heads = list(_heads(linear_layers(shapes), actions, hidden))
    trunks = stack_bindings(shapes, {"fc1": (hidden, inputs), "fc2": (hidden, hidden)})
    found = [
        {**trunk.pieces, "fc_mean": (mean,), "fc_logstd": (log_std,)} for trunk in trunks for mean, log_std in heads
    ]
    return complete([Binding(pieces) for pieces in found])


def _heads(layers: Sequence[Layer], actions: int, hidden: int) -> Iterator[tuple[LayerPart, LayerPart]]:
    """The possible (mean head, log_std head)."""
    heads = of_size(layers, actions, hidden)[:2]
    if len(heads) == 2:
        for mean, log_std in _ordered(heads[0], heads[1]):
            yield whole(mean), whole(log_std)
    for both in of_size(layers, 2 * actions, hidden)[:1]:
        rows = range(2 * actions)
        for first, second in ((rows[:actions], rows[actions:]), (rows[::2], rows[1::2])):
            yield whole(both, first), whole(both, second)
            yield whole(both, second), whole(both, first)


def _ordered(one: Layer, other: Layer) -> list[tuple[Layer, Layer]]:
    """(mean, log_std) as the names tell; both orders if they do not."""
    for words, named_is_mean in ((SPREAD, False), (CENTRE, True)):
        named = [any(word in layer.name.lower() for word in words) for layer in (one, other)]
        if named[0] != named[1]:
            return [(one, other)] if named[0] == named_is_mean else [(other, one)]
    return [(one, other), (other, one)]
