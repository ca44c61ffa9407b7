"""The judge's inputs: made-up networks and batches, always the same, and never seen by a student.

All arrays are float32, so that the judge, which computes in float64, starts from the very numbers that were sent.
Shapes: B is the batch size, O the observation's, A the action's and H the hidden layer's dimension.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from torch import nn

from autograder.checks import Array, Value
from autograder.sac import probes

State = dict[str, Array]
Numbers = npt.NDArray[np.float64]
Network = TypeVar("Network", bound=nn.Module)

OBSERVATIONS, ACTIONS, HIDDEN = 3, 2, 16
# two dimensions, neither symmetric nor of scale 1: a missing sum, bias or scale shows
LOW, HIGH = np.array([-1.0, -0.5], np.float32), np.array([3.0, 1.0], np.float32)
SCALE, BIAS = (HIGH.astype(np.float64) - LOW) / 2, (HIGH.astype(np.float64) + LOW) / 2


def generator(seed: int) -> np.random.Generator:
    """Noise of the judge's own, the same in every run."""
    return np.random.default_rng([20_180_104, seed])


def spaces(observations: int = OBSERVATIONS) -> dict[str, Value]:
    """The spaces that a network is built for."""
    return {"observations": observations, "low": LOW, "high": HIGH}


def normal(rng: np.random.Generator, *shape: int, scale: float = 1.0, around: float = 0.0) -> Array:
    """Gaussian noise of that scale around that mean, float32."""
    return (around + scale * rng.standard_normal(shape)).astype(np.float32)


def linear(rng: np.random.Generator, name: str, outputs: int, inputs: int, gain: float = 1.0) -> State:
    """A linear layer's parameters: outputs of about ``gain`` for inputs of about 1."""
    return {
        f"{name}.weight": normal(rng, outputs, inputs, scale=gain / inputs**0.5),
        f"{name}.bias": normal(rng, outputs, scale=gain / 2),
    }


def critic(seed: int) -> State:
    """Parameters of the practical's critic whose values have both signs."""
    rng = generator(seed)
    return {
        **linear(rng, "fc1", HIDDEN, OBSERVATIONS + ACTIONS, 1.5),
        **linear(rng, "fc2", HIDDEN, HIDDEN, 1.5),
        **linear(rng, "fc3", 1, HIDDEN, 2.0),
    }


def actor(seed: int) -> State:
    """Parameters of the practical's actor whose log_std head is far enough from 0 for its tanh to show."""
    rng = generator(seed)
    return {
        **linear(rng, "fc1", HIDDEN, OBSERVATIONS, 1.5),
        **linear(rng, "fc2", HIDDEN, HIDDEN, 1.5),
        **linear(rng, "fc_mean", ACTIONS, HIDDEN, 2.0),
        **linear(rng, "fc_logstd", ACTIONS, HIDDEN, 2.0),
        **rescaling(),
    }


def rescaling() -> State:
    """An actor's buffers for the bounds above."""
    return {"action_scale": SCALE.astype(np.float32), "action_bias": BIAS.astype(np.float32)}


def stand_in_critic(seed: int) -> State:
    """Parameters of a stand-in critic."""
    rng = generator(seed)
    return {
        **linear(rng, "fc1", HIDDEN, OBSERVATIONS),
        **linear(rng, "fc2", HIDDEN, ACTIONS),
        **linear(rng, "fc3", 1, HIDDEN, 2.0),
    }


def stand_in_actor(seed: int) -> State:
    """Parameters of a stand-in actor."""
    rng = generator(seed)
    heads = linear(rng, "fc_mean", ACTIONS, HIDDEN) | linear(rng, "fc_logstd", ACTIONS, HIDDEN)
    trunk = linear(rng, "fc1", HIDDEN, OBSERVATIONS) | linear(rng, "fc2", HIDDEN, OBSERVATIONS)
    return trunk | heads | rescaling()


def transitions(seed: int, size: int, dones: Sequence[int] = (0,)) -> State:
    """A batch of transitions; ``dones`` is repeated down the batch."""
    rng = generator(seed)
    return {
        "observations": normal(rng, size, OBSERVATIONS),
        "actions": normal(rng, size, ACTIONS),
        "next_observations": normal(rng, size, OBSERVATIONS),
        "dones": np.resize(np.array(dones, np.float32), (size, 1)),
        "rewards": normal(rng, size, 1, around=0.5),
    }


def sent(state: Mapping[str, Array]) -> dict[str, Value]:
    """A state as a value that can be asked with."""
    return dict(state)


def all_sent(states: Sequence[Mapping[str, Array]]) -> list[Value]:
    """Several states as a value that can be asked with."""
    return [sent(state) for state in states]


def exact(network: Network, state: Mapping[str, Array]) -> Network:
    """The network in float64 with these parameters."""
    network = network.double()
    known = network.state_dict()
    network.load_state_dict({name: torch.tensor(np.array(state[name], np.float64)) for name in known})
    return network


def exact_critic(state: State) -> probes.StandInCritic:
    """The judge's own copy of a stand-in critic, in float64."""
    return exact(probes.StandInCritic(state), state)


def exact_actor(state: State) -> probes.StandInActor:
    """The judge's own copy of a stand-in actor, in float64."""
    return exact(probes.StandInActor(state), state)


def exact_transitions(data: State) -> ReplayBufferSamples:
    """The judge's own copy of a batch, in float64."""
    return ReplayBufferSamples(**{name: tensor(array) for name, array in data.items()})


def tensor(array: Array) -> torch.Tensor:
    """A float64 tensor of its own memory."""
    return torch.tensor(np.array(array, np.float64))


def numbers(value: torch.Tensor) -> Numbers:
    """A tensor's numbers, float64."""
    return cast(Numbers, value.detach().double().numpy())


def step(after: Mapping[str, Numbers], before: State) -> Numbers:
    """How far each number of the parameters went, in a row."""
    return np.concatenate([(array - before[name].astype(np.float64)).ravel() for name, array in after.items()])
