"""What the judge asks with: made-up networks and batches, other ones for every draw.

All arrays are float32, so that the judge, which computes in float64, starts from the very numbers that were sent.
Shapes: B is the batch size, O the observation's, A the action's and H the hidden layer's dimension.
"""

from collections.abc import Sequence

import numpy as np

from autograder.judging import Array, Numbers, Thing, generator, thing
from autograder.rl.inputs import State, linear, normal
from autograder.student.stage import Stage

from . import probes

OBSERVATIONS, ACTIONS, HIDDEN = 3, 2, 16
LARGE = 600.0  # times what is usual: values and returns of the pendulum reach 100 and more
NEARLY_ZERO = 1e-6  # a temperature: the entropy counts for nothing, and dividing by it still gives a number
# two dimensions, neither symmetric nor of scale 1: a missing sum, bias or scale shows
LOW, HIGH = np.array([-1.0, -0.5], np.float32), np.array([3.0, 1.0], np.float32)
SCALE, BIAS = (HIGH.astype(np.float64) - LOW) / 2, (HIGH.astype(np.float64) + LOW) / 2


def critic_weights(seed: int) -> State:
    """Parameters of the practical's critic whose values have both signs."""
    rng = generator(seed)
    return {
        **linear(rng, "fc1", HIDDEN, OBSERVATIONS + ACTIONS, 1.5),
        **linear(rng, "fc2", HIDDEN, HIDDEN, 1.5),
        **linear(rng, "fc3", 1, HIDDEN, 2.0),
    }


def actor_weights(seed: int) -> State:
    """Parameters of the practical's actor whose log_std head is far enough from 0 for its tanh to show."""
    rng = generator(seed)
    return {
        **linear(rng, "fc1", HIDDEN, OBSERVATIONS, 1.5),
        **linear(rng, "fc2", HIDDEN, HIDDEN, 1.5),
        **linear(rng, "fc_mean", ACTIONS, HIDDEN, 2.0),
        **linear(rng, "fc_logstd", ACTIONS, HIDDEN, 2.0),
    }


def layered(state: State, x: Array, *layers: str) -> Numbers:
    """What linear layers with ReLUs between them make of x."""
    found = np.asarray(x, np.float64)
    for number, name in enumerate(layers):
        weight, bias = (np.asarray(state[f"{name}.{part}"], np.float64) for part in ("weight", "bias"))
        found = (np.maximum(found, 0) if number else found) @ weight.T + bias
    return found


def spaces(observations: int = OBSERVATIONS) -> Thing:
    """The spaces that a network is built for."""
    return thing("Spaces", observations=observations, low=LOW, high=HIGH)


def critic(seed: int, times: float = 1.0, plus: float = 0.0) -> Thing:
    """A stand-in critic; its values are multiplied, and then something is added to them."""
    rng = generator(seed)
    layers = linear(rng, "fc1", HIDDEN, OBSERVATIONS) | linear(rng, "fc2", HIDDEN, ACTIONS)
    head = {name: times * np.asarray(array, np.float32) for name, array in linear(rng, "fc3", 1, HIDDEN, 2.0).items()}
    head["fc3.bias"] += np.float32(plus)
    return thing("StandInCritic", weights=layers | head)


def actor(seed: int, entropy: bool = True, sample: int | None = None) -> Thing:
    """A stand-in actor; without entropy the log-probabilities of all its actions are 0.

    With ``sample`` it samples: what it answers about an observation depends on how often it was asked about it before.
    """
    rng = generator(seed)
    heads = linear(rng, "fc_mean", ACTIONS, HIDDEN) | linear(rng, "fc_logstd", ACTIONS, HIDDEN)
    hidden = linear(rng, "fc1", HIDDEN, OBSERVATIONS) | linear(rng, "fc2", HIDDEN, OBSERVATIONS)
    return thing(
        "StandInActor", weights=hidden | heads, scale=SCALE, bias=BIAS, times=1.0 if entropy else 0.0, sample=sample
    )


def batch(seed: int, size: int, dones: Sequence[int] = (0,), times: float = 1.0) -> Thing:
    """A batch of transitions as the replay buffer gives it; ``dones`` is repeated down the batch.

    ``times`` multiplies the rewards.
    """
    rng = generator(seed)
    return thing(
        "batch",
        observations=normal(rng, size, OBSERVATIONS),
        actions=normal(rng, size, ACTIONS),
        next_observations=normal(rng, size, OBSERVATIONS),
        dones=np.resize(np.array(dones, np.float32), (size, 1)),
        rewards=normal(rng, size, 1, scale=times, around=0.5 * times),
    )


# ---- what checks need of their inputs ------------------------------------------------------------------------------

STAGE = Stage({}, {}, dtype="float64")


def has_both_signs(numbers: Numbers, by: float) -> bool:
    """Whether some numbers are below, and others above 0 by so much."""
    return bool(numbers.min() < -by and numbers.max() > by)


def acted(seed: int, x: Array) -> tuple[Numbers, Numbers]:
    """The actions (B, A) of the stand-in actor of that seed, and their log-probabilities (B,)."""
    action, log_prob, _ = probes.StandInActor(STAGE, **actor(seed).values).get_action(STAGE.tensor(x))
    return action.detach().numpy(), log_prob.detach().numpy()[:, 0]


def valued(seed: int, x: Array, a: Array) -> Numbers:
    """The values (B,) of the stand-in critic of that seed."""
    values: Numbers = (
        probes.StandInCritic(STAGE, **critic(seed).values)(STAGE.tensor(x), STAGE.tensor(a)).detach().numpy()
    )
    return values[:, 0]


def takes_turns(one: Numbers, other: Numbers, rows: int) -> bool:
    """Whether each of two critics' values is the smaller, by more than a little, in that many rows or more.

    Of several rows it is below 0 in some, and above in others: else what is done to values of one sign would not show.
    """
    smaller = (one[one < other - 0.2], other[other < one - 0.2])
    return all(len(each) >= rows and (rows == 1 or has_both_signs(each, by=0.1)) for each in smaller)
