"""Which of a student's layers is which of the practical's, when a rewritten network names them otherwise.

Networks are stacks of linear layers, so a layer is known by its size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Shape = tuple[int, ...]


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
class LayerPart:
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

    pieces: Mapping[str, tuple[LayerPart, ...]]

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


def stack_bindings(shapes: Sequence[tuple[str, Shape]], sizes: Mapping[str, tuple[int, int]]) -> list[Binding]:
    """How parameters (name, shape) can be a stack of layers of these sizes (outputs, inputs); empty if they cannot.

    Layers of one size are taken in the order in which the student registered them.
    """
    layers = linear_layers(shapes)
    found: dict[str, tuple[LayerPart, ...]] = {}
    taken: list[Layer] = []
    for name, size in sizes.items():
        free = [layer for layer in of_size(layers, *size) if layer not in taken][:1]
        taken += free
        found[name] = tuple(map(whole, free))
    return complete([Binding(found)])


def complete(bindings: Sequence[Binding]) -> list[Binding]:
    """The bindings in which every layer of the practical has its weight and its bias."""
    return [each for each in bindings if all(map(_is_biased, each.pieces.values()))]


def _is_biased(pieces: Sequence[LayerPart]) -> bool:
    return any(piece.layer.bias for piece in pieces)


def _with_bias(pieces: Sequence[LayerPart]) -> LayerPart:
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


def of_size(layers: Sequence[Layer], outputs: int, inputs: int) -> list[Layer]:
    """The layers of that size."""
    return [layer for layer in layers if (layer.outputs, layer.inputs) == (outputs, inputs)]


def whole(layer: Layer, rows: Sequence[int] | None = None, columns: Sequence[int] | None = None) -> LayerPart:
    """All rows of a layer unless some are named, as all columns unless the practical's layer has them elsewhere."""
    rows = range(layer.outputs) if rows is None else rows
    return LayerPart(layer, tuple(rows), tuple(range(layer.inputs) if columns is None else columns))
