"""Made-up numbers and weights to ask with: the same in every run of one draw, and never seen by a student.

All arrays are float32, so that the judge, which computes in float64, starts from the very numbers that were sent.
"""

import numpy as np

from autograder.judging import Array
from autograder.judging import generator as generator

State = dict[str, Array]  # a network's parameters by name


def normal(rng: np.random.Generator, *shape: int, scale: float = 1.0, around: float = 0.0) -> Array:
    """Gaussian noise of that scale around that mean, float32."""
    return (around + scale * rng.standard_normal(shape)).astype(np.float32)


def linear(rng: np.random.Generator, name: str, outputs: int, inputs: int, gain: float = 1.0) -> State:
    """A linear layer's parameters: outputs of about ``gain`` for inputs of about 1."""
    return {
        f"{name}.weight": normal(rng, outputs, inputs, scale=gain / inputs**0.5),
        f"{name}.bias": normal(rng, outputs, scale=gain / 2),
    }


def enlarged(state: State, layer: str, times: float) -> State:
    """The parameters with those of one layer multiplied."""
    larger = {
        name: times * np.asarray(each, np.float32) for name, each in state.items() if name.startswith(f"{layer}.")
    }
    return {**state, **larger}


def of_all_sizes(rows: Array) -> Array:
    """Rows (B, N), multiplied in turn by numbers from 0.1 to 20; float32."""
    return np.asarray(rows, np.float32) * np.resize(np.array([0.1, 1.0, 5.0, 20.0], np.float32), (len(rows), 1))
