"""The student's side of reinforcement learning: spaces, stand-ins, environments that the judge steps, a whole training.

A practical's ``probes.py`` imports from here what it needs, and this text is then sent to the student's process with
it. Nothing here knows what is expected. Kinds of objects are called with the stage first, probes with the session.
"""

import random
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import torch
from gymnasium.vector.utils import batch_space
from torch import nn

Array = npt.NDArray[np.generic]
Weights = Mapping[str, Array]
Report = dict[str, Any]
Space = gym.Space[Any]
Stage = Any  # see student/stage.py


class ProbeSession(Protocol):
    """The student's names, and the judge to call back."""

    student: Mapping[str, Any]
    ask_judge: Callable[..., Any]


def box(observations: int, dtype: str) -> gym.spaces.Box:
    """The space of the observations, so many real numbers."""
    return gym.spaces.Box(-np.inf, np.inf, (observations,), np.dtype(dtype).type)


def action_space(low: Array | None = None, high: Array | None = None, actions: int = 0) -> Space:
    """The space of the actions: so many of them, or all real ones within the bounds."""
    if low is None or high is None:
        return gym.spaces.Discrete(actions)
    return gym.spaces.Box(np.float32(low), np.float32(high), dtype=np.float32)


class Spaces(gym.vector.VectorEnv[Array, Array, Array]):
    """A vector environment of which a network's constructor reads the spaces."""

    def __init__(self, _: Stage, observations: int, dtype: str = "float64", **actions: Any) -> None:
        self.num_envs = 2
        self.single_observation_space, self.single_action_space = box(observations, dtype), action_space(**actions)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)


def linear(stage: Stage, weights: Weights, name: str) -> nn.Linear:
    """The linear layer of that name."""
    outputs, inputs = weights[f"{name}.weight"].shape
    layer = nn.Linear(inputs, outputs)
    layer.weight, layer.bias = (nn.Parameter(stage.tensor(weights[f"{name}.{part}"])) for part in ("weight", "bias"))
    return layer


def clear_gradients(_: Stage, *learning: Any) -> None:
    """Take the gradients of networks and of tensors that learn away."""
    for each in learning:
        for parameter in each.parameters() if isinstance(each, nn.Module) else [each]:
            parameter.grad = None


def seed_noise(_: Stage) -> None:
    """Begin PyTorch's, NumPy's and Python's noise anew, so that the same code draws the same."""
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)


def gradients_in(_: Stage, network: nn.Module) -> list[str]:
    """The names of the parameters that a gradient has reached."""
    return [name for name, each in network.named_parameters() if each.grad is not None and bool(each.grad.any())]


def refuse_as_gymnasium_does(space: Space, action: Any) -> None:
    """ValueError in MuJoCo's own words, or AssertionError in those of environments with numbered actions."""
    if isinstance(space, gym.spaces.Discrete):
        assert space.contains(action), f"{action!r} ({type(action)}) invalid"
    elif np.shape(action) != space.shape:
        raise ValueError(f"Action dimension mismatch. Expected {space.shape}, found {np.shape(action)}")


class JudgesEnvironment(gym.Env[Array, Any]):
    """An environment that the judge steps; it refuses an action as gymnasium's own do."""

    def __init__(self, stage: Stage, observations: int, dtype: str = "float64", **actions: Any) -> None:
        self._ask_judge = stage.ask_judge
        self.observation_space, self.action_space = box(observations, dtype), action_space(**actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin the next episode."""
        super().reset(seed=seed)
        return np.array(self._ask_judge("reset", seed=None if seed is None else int(seed))["observation"]), {}

    def step(self, action: Any) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One step."""
        given = action if isinstance(self.action_space, gym.spaces.Discrete) else np.array(action)
        refuse_as_gymnasium_does(self.action_space, given)
        said = self._ask_judge("step", action=np.array(given, np.float64))
        observation = np.array(said["observation"])
        return observation, float(said["reward"]), bool(said["terminated"]), bool(said["truncated"]), {}


class SingleEnv(gym.Env[Array, Any]):
    """One environment of ``JudgedEnvs``: its reset and its step return what the judge said."""

    def __init__(self, observation_space: Space, action_space: Space) -> None:
        self.observation_space, self.action_space = observation_space, action_space
        self.first: Array | None = None  # the observation that the next reset gives
        self.outcome: tuple[Array, float, bool, bool, dict[str, Any]] | None = None  # what the next step gives

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """The first observation of a new episode."""
        super().reset(seed=seed)
        if self.first is None:
            raise RuntimeError("these environments can only be reset all together: envs.reset()")
        first, self.first = self.first, None
        return first, {}

    def step(self, action: Any) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """What the judge's step led to."""
        refuse_as_gymnasium_does(self.action_space, action)
        if self.outcome is None:
            raise RuntimeError("these environments can only be stepped all together: envs.step(actions)")
        outcome, self.outcome = self.outcome, None
        return outcome


class JudgedEnvs(gym.vector.SyncVectorEnv):
    """A SyncVectorEnv with SAME_STEP autoreset and episode statistics, whose steps happen at the judge's."""

    def __init__(self, session: ProbeSession, num_envs: int, observations: int, dtype: str, **actions: Any) -> None:
        self._ask_judge = session.ask_judge
        self._singles = [SingleEnv(box(observations, dtype), action_space(**actions)) for _ in range(num_envs)]
        super().__init__(
            [partial(gym.wrappers.RecordEpisodeStatistics, env) for env in self._singles],
            autoreset_mode=gym.vector.AutoresetMode.SAME_STEP,
        )

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """New episodes everywhere; how they start is the judge's affair, whatever the seed."""
        for env, first in zip(self._singles, self._ask_judge("reset")["observations"], strict=True):
            env.first = np.array(first)
        return super().reset(seed=seed, options=options)

    def step(
        self, actions: Array
    ) -> tuple[Array, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]]:
        """One step of every environment, for actions (num_envs, A), or (num_envs,) where they are numbered."""
        if np.ndim(actions) and len(actions) != self.num_envs:
            raise ValueError(f"{len(actions)} actions for {self.num_envs} environments")
        if np.shape(actions) == self.action_space.shape:  # any other shape fails in gymnasium's own words
            numbered = isinstance(self.single_action_space, gym.spaces.Discrete)
            for action in actions if numbered else ():
                refuse_as_gymnasium_does(self.single_action_space, action)
            step = self._ask_judge("step", actions=np.asarray(actions, dtype=None if numbered else np.float64))
            for i, env in enumerate(self._singles):
                env.first = np.array(step["observations"][i])
                env.outcome = (
                    np.array(step["final_observations"][i]),
                    float(step["rewards"][i]),
                    bool(step["terminations"][i]),
                    bool(step["truncations"][i]),
                    {name: values[i].item() for name, values in step["infos"].items()},
                )
        return super().step(actions)


def training(session: ProbeSession, hyperparameters: dict[str, Any], num_envs: int, **spaces: Any) -> Report:
    """The parameters and buffers, with their names, of the network that the student's ``train`` returns."""
    train = session.student["train"]
    try:  # the notebook's own class, which may hold further fields
        hp = session.student["Hyperparameters"](**hyperparameters)
    except Exception:  # missing, or changed so that it does not take the practical's fields
        hp = SimpleNamespace(**hyperparameters)
    result = train(JudgedEnvs(session, num_envs, **spaces), hp)
    network = result[0] if isinstance(result, tuple | list) and result else result
    if not isinstance(network, nn.Module):
        raise TypeError(f"train should return the network first, but that is a {type(network).__name__}")
    named = [*network.named_parameters(), *network.named_buffers()]
    return {"names": [name for name, _ in named], "values": [value for _, value in named]}
