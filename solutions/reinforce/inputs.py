"""What the judge asks with: made-up networks and batches, other ones for every draw.

All arrays are float32, so that the judge, which computes in float64, starts from the very numbers that were sent.
Shapes: B is the batch size, O the observation's dimension, A the number of actions and H the hidden layer's dimension.
"""

import numpy as np

from autograder.judging import Array, Thing, generator, thing
from autograder.rl.inputs import State, linear, normal

OBSERVATIONS, ACTIONS, HIDDEN = 4, 3, 16
TYPICAL, SPREAD = 250.0, 120.0  # of returns, which on CartPole lie between 0 and 500


def policy_weights(seed: int) -> State:
    """Parameters of the practical's policy whose logits have both signs."""
    rng = generator(seed)
    return {
        **linear(rng, "fc1", HIDDEN, OBSERVATIONS, 1.5),
        **linear(rng, "fc2", HIDDEN, HIDDEN, 1.5),
        **linear(rng, "fc3", ACTIONS, HIDDEN, 2.0),
    }


def spaces(observations: int = OBSERVATIONS) -> Thing:
    """The spaces that a network is built for."""
    return thing("Spaces", observations=observations, actions=ACTIONS, dtype="float32")


def policy(seed: int, entropy: bool = True) -> Thing:
    """A stand-in policy; without entropy the entropies that get_action returns are 0."""
    return thing("StandInPolicy", weights=_stand_in(seed, ACTIONS, 2.0), times=1.0 if entropy else 0.0)


def baseline(seed: int, typical: float = TYPICAL, spread: float = SPREAD) -> Thing:
    """A stand-in baseline, whose predictions are as large and as far apart as returns are."""
    weights = _stand_in(seed, 1, spread)
    return thing("StandInBaseline", weights=weights | {"fc3.bias": np.full(1, typical, np.float32)})


def _stand_in(seed: int, outputs: int, gain: float) -> State:
    rng = generator(seed)
    hidden = linear(rng, "fc1", HIDDEN, OBSERVATIONS) | linear(rng, "fc2", HIDDEN, OBSERVATIONS)
    return hidden | linear(rng, "fc3", outputs, HIDDEN, gain)


def batch(seed: int, size: int, typical: float = TYPICAL, spread: float = SPREAD) -> Thing:
    """The rows of a rollout. Every action is taken somewhere, not all of them equally often."""
    rng = generator(seed)
    return thing(
        "batch",
        observations=normal(rng, size, OBSERVATIONS),
        actions=numbered(np.resize(np.array([2, 0, 1, 2, 2, 1, 0]), size)),
        returns=normal(rng, size, scale=spread, around=typical),
    )


def numbered(actions: Array) -> Array:
    """Actions as the practical has them, int64."""
    return actions.astype(np.int64)
