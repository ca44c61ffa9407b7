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
    """A linear layer as the student registered it, without a bias perhaps; ``transposed``: (inputs, outputs)."""

    name: str
    weight: str
    bias: str
    bias_shape: Shape
    outputs: int
    inputs: int
    transposed: bool = False


@dataclass(frozen=True)
class Piece:
    """Some rows of a student's layer, which hold some columns of one of the practical's layers."""

    layer: Layer
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    def weight(self, arrays: Mapping[str, Array]) -> Array:
        """The piece's weights among the student's arrays, (rows, columns)."""
        weight = arrays[self.layer.weight]
        return (weight.T if self.layer.transposed else weight)[list(self.rows)]

    def bias(self, arrays: Mapping[str, Array]) -> Array:
        """The piece's bias among the student's arrays, (rows,)."""
        return arrays[self.layer.bias].reshape(-1)[list(self.rows)]


@dataclass(frozen=True)
class Binding:
    """The practical's layer names -> the pieces that hold it; the first one that has a bias holds that."""

    pieces: Mapping[str, tuple[Piece, ...]]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The student's layers that are bound."""
        return tuple(dict.fromkeys(piece.layer for pieces in self.pieces.values() for piece in pieces))

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shapes of the student's parameters that are bound, by name."""
        found: dict[str, Shape] = {}
        for layer in self.layers:
            weight = (layer.outputs, layer.inputs)
            found[layer.weight] = weight[::-1] if layer.transposed else weight
            if layer.bias:
                found[layer.bias] = layer.bias_shape
        return found

    def to_reference(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The student's arrays (parameters, or their gradients) under the practical's names and in its shapes."""
        state: dict[str, Array] = {}
        for name, pieces in self.pieces.items():
            state[f"{name}.weight"] = np.concatenate([piece.weight(arrays) for piece in pieces], axis=1)
            state[f"{name}.bias"] = _with_bias(pieces).bias(arrays)
        return state

    def to_student(self, state: Mapping[str, Array]) -> dict[str, Array]:
        """The practical's arrays under the student's names and in the student's shapes."""
        weights = {layer: np.zeros((layer.outputs, layer.inputs), np.float32) for layer in self.layers}
        biases = {layer: np.zeros(layer.outputs, np.float32) for layer in self.layers}
        for name, pieces in self.pieces.items():
            for piece in pieces:
                weights[piece.layer][list(piece.rows)] = state[f"{name}.weight"][:, list(piece.columns)]
            biased = _with_bias(pieces)
            biases[biased.layer][list(biased.rows)] = state[f"{name}.bias"]
        arrays: dict[str, Array] = {}
        for layer in self.layers:
            arrays[layer.weight] = weights[layer].T.copy() if layer.transposed else weights[layer]
            if layer.bias:
                arrays[layer.bias] = biases[layer].reshape(layer.bias_shape)
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


def critic_bindings(shapes: Sequence[tuple[str, Shape]], observations: int, actions: int, hidden: int) -> list[Binding]:
    """How a critic's parameters (name, shape) can be the practical's fc1, fc2, fc3; empty if they cannot.

    The first layer may be two, one for the observation and one for the action, of which the sum is taken.
    """
    layers = linear_layers(shapes)
    sizes = ((hidden, observations + actions), (hidden, hidden), (1, hidden))
    first, second, third = (_of_size(layers, *size) for size in sizes)
    by_x, by_a = _of_size(layers, hidden, observations), _of_size(layers, hidden, actions)
    if first:
        start = [_whole(first[0])]
    elif by_x and by_a:
        places = tuple(range(observations)), tuple(range(observations, observations + actions))
        start = [Piece(layer, _rows(layer), place) for layer, place in zip((by_x[0], by_a[0]), places, strict=True)]
    else:
        return []
    found = {"fc1": tuple(start), "fc2": tuple(map(_whole, second[:1])), "fc3": tuple(map(_whole, third[:1]))}
    return _complete([Binding(found)])


def actor_bindings(shapes: Sequence[tuple[str, Shape]], inputs: int, actions: int, hidden: int) -> list[Binding]:
    """How an actor's parameters (name, shape) can be the practical's, likeliest first; empty if they cannot."""
    layers = linear_layers(shapes)
    first, second = _of_size(layers, hidden, inputs)[:1], _of_size(layers, hidden, hidden)[:1]
    trunk = {"fc1": tuple(map(_whole, first)), "fc2": tuple(map(_whole, second))}
    heads = _heads(layers, actions, hidden)
    return _complete([Binding({**trunk, "fc_mean": (mean,), "fc_logstd": (log_std,)}) for mean, log_std in heads])


def _complete(bindings: Sequence[Binding]) -> list[Binding]:
    """The bindings in which every layer of the practical has its weight and its bias."""
    return [each for each in bindings if all(map(_is_biased, each.pieces.values()))]


def _is_biased(pieces: Sequence[Piece]) -> bool:
    return any(piece.layer.bias for piece in pieces)


def _with_bias(pieces: Sequence[Piece]) -> Piece:
    return next(piece for piece in pieces if piece.layer.bias)


def linear_layers(shapes: Sequence[tuple[str, Shape]]) -> list[Layer]:
    """The linear layers among parameters (name, shape): modules with a weight, or else bare matrices and vectors."""
    known = {name: shape for name, shape in shapes if shape}
    layers = []
    for name, shape in known.items():
        module, _, kind = name.rpartition(".")
        bias = f"{module}.bias" if known.get(f"{module}.bias") == shape[:1] else ""
        if kind == "weight" and len(shape) == 2:
            layers.append(Layer(module, name, bias, shape[:1], shape[0], shape[1]))
    return layers or _loose_layers(list(known.items()))


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


def _rows(layer: Layer) -> tuple[int, ...]:
    return tuple(range(layer.outputs))


def _whole(layer: Layer, rows: Sequence[int] | None = None) -> Piece:
    """All columns of a layer, and all rows unless some are named."""
    return Piece(layer, _rows(layer) if rows is None else tuple(rows), tuple(range(layer.inputs)))


def _heads(layers: Sequence[Layer], actions: int, hidden: int) -> Iterator[tuple[Piece, Piece]]:
    """The possible (mean head, log_std head)."""
    heads = _of_size(layers, actions, hidden)[:2]
    if len(heads) == 2:
        for mean, log_std in _ordered(heads[0], heads[1]):
            yield _whole(mean), _whole(log_std)
    for both in _of_size(layers, 2 * actions, hidden)[:1]:
        rows = range(2 * actions)
        for first, second in ((rows[:actions], rows[actions:]), (rows[::2], rows[1::2])):
            yield _whole(both, first), _whole(both, second)
            yield _whole(both, second), _whole(both, first)


def _ordered(one: Layer, other: Layer) -> list[tuple[Layer, Layer]]:
    """(mean, log_std) as the names tell; both orders if they do not."""
    for words, named_is_mean in ((SPREAD, False), (CENTRE, True)):
        named = [any(word in layer.name.lower() for word in words) for layer in (one, other)]
        if named[0] != named[1]:
            return [(one, other)] if named[0] == named_is_mean else [(other, one)]
    return [(one, other), (other, one)]
