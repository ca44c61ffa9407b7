"""Which of a student's layers is which of the practical's, when a rewritten network names them otherwise.

The practical's networks are stacks of linear layers, so a layer is known by its size; only an actor's two heads are of
one size, and there the names decide (mean, mu, loc against std, sigma, log), or both orders are possible. A single head
that is twice as wide holds both, one above the other or row by row in turn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Shape = tuple[int, ...]
CENTRE = ("mean", "mu", "loc")
SPREAD = ("std", "sigma", "log", "var", "scale")


@dataclass(frozen=True)
class Layer:
    """A linear layer as the student registered it; ``transposed``: the weight is (inputs, outputs)."""

    name: str
    weight: str
    bias: str
    bias_shape: Shape
    outputs: int
    inputs: int
    transposed: bool = False


@dataclass(frozen=True)
class Binding:
    """The practical's layer names -> the student's layer and the rows of it that belong there."""

    rows: Mapping[str, tuple[Layer, tuple[int, ...]]]

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shapes of the student's parameters that are bound, by name."""
        found: dict[str, Shape] = {}
        for layer, _ in self.rows.values():
            weight = (layer.outputs, layer.inputs)
            found |= {layer.weight: weight[::-1] if layer.transposed else weight, layer.bias: layer.bias_shape}
        return found

    def to_reference(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The student's arrays (parameters, or their gradients) under the practical's names and in its shapes."""
        state: dict[str, Array] = {}
        for name, (layer, rows) in self.rows.items():
            weight = arrays[layer.weight]
            state[f"{name}.weight"] = (weight.T if layer.transposed else weight)[list(rows)]
            state[f"{name}.bias"] = arrays[layer.bias].reshape(-1)[list(rows)]
        return state

    def to_student(self, state: Mapping[str, Array]) -> dict[str, Array]:
        """The practical's arrays under the student's names and in the student's shapes."""
        arrays: dict[str, Array] = {}
        for layer in {layer.name: layer for layer, _ in self.rows.values()}.values():
            weight = np.zeros((layer.outputs, layer.inputs), np.float32)
            bias = np.zeros(layer.outputs, np.float32)
            for name, (holder, rows) in self.rows.items():
                if holder == layer:
                    weight[list(rows)] = state[f"{name}.weight"]
                    bias[list(rows)] = state[f"{name}.bias"]
            arrays[layer.weight] = weight.T.copy() if layer.transposed else weight
            arrays[layer.bias] = bias.reshape(layer.bias_shape)
        return arrays


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


def critic_bindings(shapes: Sequence[tuple[str, Shape]], inputs: int, hidden: int) -> list[Binding]:
    """How a critic's parameters (name, shape) can be the practical's fc1, fc2, fc3; empty if they cannot."""
    layers = linear_layers(shapes)
    found = [_of_size(layers, hidden, inputs), _of_size(layers, hidden, hidden), _of_size(layers, 1, hidden)]
    if not all(found):
        return []
    names = ("fc1", "fc2", "fc3")
    return [Binding({name: (some[0], _all(some[0])) for name, some in zip(names, found, strict=True)})]


def actor_bindings(shapes: Sequence[tuple[str, Shape]], inputs: int, actions: int, hidden: int) -> list[Binding]:
    """How an actor's parameters (name, shape) can be the practical's, likeliest first; empty if they cannot."""
    layers = linear_layers(shapes)
    first, second = _of_size(layers, hidden, inputs), _of_size(layers, hidden, hidden)
    if not (first and second):
        return []
    trunk = {"fc1": (first[0], _all(first[0])), "fc2": (second[0], _all(second[0]))}
    heads = _heads(layers, actions, hidden)
    return [Binding({**trunk, "fc_mean": mean, "fc_logstd": log_std}) for mean, log_std in heads]


def linear_layers(shapes: Sequence[tuple[str, Shape]]) -> list[Layer]:
    """The linear layers among parameters (name, shape): modules with weight and bias, or loose matrices and vectors."""
    known = dict(shapes)
    layers = []
    for name, shape in shapes:
        module, _, kind = name.rpartition(".")
        bias = f"{module}.bias"
        if kind == "weight" and len(shape) == 2 and known.get(bias) == shape[:1]:
            layers.append(Layer(module, name, bias, shape[:1], shape[0], shape[1]))
    return layers or _loose_layers(shapes)


def _loose_layers(shapes: Sequence[tuple[str, Shape]]) -> list[Layer]:
    """Layers of bare parameters: the matrices and the vectors, each kind in its order of registration."""
    flat = any(len(shape) == 1 for _, shape in shapes)
    is_vector = {name: len(shape) == 1 if flat else len(shape) == 2 and shape[0] == 1 for name, shape in shapes}
    vectors = [(name, shape) for name, shape in shapes if is_vector[name]]
    matrices = [(name, shape) for name, shape in shapes if len(shape) == 2 and not is_vector[name]]
    pairs = list(zip(matrices, vectors, strict=False))
    transposed = any(matrix[0] != vector[-1] == matrix[1] for (_, matrix), (_, vector) in pairs)
    layers = []
    for (name, matrix), (bias, vector) in pairs:
        outputs, inputs = matrix[::-1] if transposed else matrix
        if outputs == vector[-1]:
            layers.append(Layer(name, name, bias, vector, outputs, inputs, transposed))
    return layers


def _of_size(layers: Sequence[Layer], outputs: int, inputs: int) -> list[Layer]:
    return [layer for layer in layers if (layer.outputs, layer.inputs) == (outputs, inputs)]


def _all(layer: Layer) -> tuple[int, ...]:
    return tuple(range(layer.outputs))


Rows = tuple[Layer, tuple[int, ...]]


def _heads(layers: Sequence[Layer], actions: int, hidden: int) -> Iterator[tuple[Rows, Rows]]:
    """The possible (mean head, log_std head)."""
    heads = _of_size(layers, actions, hidden)[:2]
    if len(heads) == 2:
        for mean, log_std in _ordered(heads[0], heads[1]):
            yield (mean, _all(mean)), (log_std, _all(log_std))
    for both in _of_size(layers, 2 * actions, hidden)[:1]:
        rows = range(2 * actions)
        for first, second in ((rows[:actions], rows[actions:]), (rows[::2], rows[1::2])):
            yield (both, tuple(first)), (both, tuple(second))
            yield (both, tuple(second)), (both, tuple(first))


def _ordered(one: Layer, other: Layer) -> list[tuple[Layer, Layer]]:
    """(mean, log_std) as the names tell; both orders if they do not."""
    for words, named_is_mean in ((SPREAD, False), (CENTRE, True)):
        named = [any(word in layer.name.lower() for word in words) for layer in (one, other)]
        if named[0] != named[1]:
            return [(one, other)] if named[0] == named_is_mean else [(other, one)]
    return [(one, other), (other, one)]
