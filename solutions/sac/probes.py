"""The practical's own kinds of objects and helpers of scenes, and its probe. None knows what is expected.

Networks that a function is given are stand-ins: smooth functions made up for the purpose, with the attributes and the
signatures of the practical's own networks. Kinds and helpers are called with the stage first, the probe with the
session.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import torch
from gymnasium.vector.utils import batch_space
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from torch import Tensor, nn

Array = npt.NDArray[np.generic]
Weights = Mapping[str, Array]
Report = dict[str, Any]
Stage = Any  # see student/stage.py


class Session(Protocol):
    """The student's names, and the judge to call back."""

    student: Mapping[str, Any]
    ask_judge: Callable[..., Any]


# ---- kinds of objects ----------------------------------------------------------------------------------------------


def batch(stage: Stage, **data: Array) -> ReplayBufferSamples:
    """A batch as the replay buffer gives it: rewards and dones are (B, 1)."""
    return ReplayBufferSamples(**{name: stage.tensor(array) for name, array in data.items()})


def box(observations: int) -> gym.spaces.Box:
    """The space of the observations, as gymnasium's own environments have it."""
    return gym.spaces.Box(-np.inf, np.inf, (observations,), np.float64)


def bounds(low: Array, high: Array) -> gym.spaces.Box:
    """The space of the actions."""
    return gym.spaces.Box(np.float32(low), np.float32(high), dtype=np.float32)


class Spaces(gym.vector.VectorEnv[Array, Array, Array]):
    """A vector environment of which a network's constructor reads the spaces."""

    def __init__(self, _: Stage, observations: int, low: Array, high: Array) -> None:
        self.num_envs = 2
        self.single_observation_space, self.single_action_space = box(observations), bounds(low, high)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)


def linear(stage: Stage, weights: Weights, name: str) -> nn.Linear:
    """The linear layer of that name."""
    outputs, inputs = weights[f"{name}.weight"].shape
    layer = nn.Linear(inputs, outputs)
    layer.weight, layer.bias = (nn.Parameter(stage.tensor(weights[f"{name}.{part}"])) for part in ("weight", "bias"))
    return layer


class StandInCritic(nn.Module):
    """A critic: observations (B, O) and actions (B, A) to (B, 1)."""

    def __init__(self, stage: Stage, weights: Weights) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = (linear(stage, weights, name) for name in ("fc1", "fc2", "fc3"))

    def forward(self, x: Tensor, a: Tensor) -> Any:
        """A number for each row."""
        return self.fc3(torch.sin(self.fc1(x) - self.fc2(a)))


class StandInActor(nn.Module):
    """An actor without any noise: of the same observation it always makes the same action."""

    action_scale: Tensor
    action_bias: Tensor

    def __init__(self, stage: Stage, weights: Weights, scale: Array, bias: Array) -> None:
        super().__init__()
        names = ("fc1", "fc2", "fc_mean", "fc_logstd")
        self.fc1, self.fc2, self.fc_mean, self.fc_logstd = (linear(stage, weights, name) for name in names)
        self.register_buffer("action_scale", stage.tensor(scale))
        self.register_buffer("action_bias", stage.tensor(bias))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Observations (B, O) to two tensors (B, A)."""
        hidden = torch.cos(self.fc1(x)) + torch.sin(self.fc2(x))
        return self.fc_mean(hidden), self.fc_logstd(hidden)

    def get_action(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Observations (B, O) to an action (B, A), a number for each row (B, 1) and another action (B, A)."""
        first, second = self(x)
        action = self.action_bias + self.action_scale * torch.sin(first + torch.cos(second))
        number = (torch.sin(second) - torch.cos(first - second)).sum(1, keepdim=True)
        return action, number, self.action_bias + self.action_scale * torch.cos(first)


class JudgesEnvironment(gym.Env[Array, Array]):
    """An environment that the judge steps; it refuses an action as MuJoCo's do."""

    def __init__(self, stage: Stage, observations: int, low: Array, high: Array) -> None:
        self._ask_judge = stage.ask_judge
        self.observation_space, self.action_space = box(observations), bounds(low, high)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin the next episode."""
        super().reset(seed=seed)
        return np.array(self._ask_judge("reset")["observation"]), {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One step; ValueError on a wrong shape, in MuJoCo's own words."""
        control = np.array(action)
        if control.shape != self.action_space.shape:
            raise ValueError(f"Action dimension mismatch. Expected {self.action_space.shape}, found {control.shape}")
        said = self._ask_judge("step", action=np.array(control, np.float64))
        observation = np.array(said["observation"])
        return observation, float(said["reward"]), bool(said["terminated"]), bool(said["truncated"]), {}


# ---- a helper ------------------------------------------------------------------------------------------------------


def draw(stage: Stage, actor: Any, x: Array, weigh_action: Array, weigh_log_prob: Array, replace: bool) -> Report:
    """What an actor's get_action returns, twice, and the gradients of the weighted sums of what it returned first.

    With ``replace``, its forward is replaced by one that reads the mean and the log_std off the observation's two
    halves, and the gradients (B, 2 A) are by these.
    """
    made: list[list[Tensor]] = []

    def forward(_self: object, *inputs: Tensor, **named: Tensor) -> tuple[Tensor, Tensor]:
        observations = [*inputs, *named.values()][0]
        halves = [half.detach().clone().requires_grad_() for half in observations.chunk(2, dim=1)]
        made.append(halves)
        return halves[0].clone(), halves[1].clone()

    if replace:
        type(actor).forward = forward
    observations = stage.tensor(x).requires_grad_()
    action, log_prob, mean = actor.get_action(observations.clone())
    leaves = [leaf for halves in made for leaf in halves] or [observations]
    report: Report = {"forward was called": bool(made), "action": action, "log_prob": log_prob, "mean": mean}
    for name, output, weigh in (("action", action, weigh_action), ("log_prob", log_prob, weigh_log_prob)):
        found = stage.gradients(output, weigh, leaves)
        halves = [torch.stack(found[half::2]).sum(0) for half in (0, 1)] if made else found
        report[f"{name} gradient"] = torch.cat(halves, 1)
    report["action again"] = actor.get_action(observations.detach().clone())[0]
    return report


# ---- a whole training, in environments that the judge steps --------------------------------------------------------


class SingleEnv(gym.Env[Array, Array]):
    """One environment of ``JudgedEnvs``: its reset and its step return what the judge said."""

    def __init__(self, observation_space: gym.spaces.Box, action_space: gym.spaces.Box) -> None:
        self.observation_space, self.action_space = observation_space, action_space
        self.first: Array | None = None  # the observation that the next reset gives
        self.outcome: tuple[Array, float, bool, bool] | None = None  # what the next step gives

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """The first observation of a new episode."""
        super().reset(seed=seed)
        if self.first is None:
            raise RuntimeError("these environments can only be reset all together: envs.reset()")
        first, self.first = self.first, None
        return first, {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """What the judge's step led to; ValueError on a wrong shape, in MuJoCo's own words."""
        if np.shape(action) != self.action_space.shape:
            expected, found = self.action_space.shape, np.shape(action)
            raise ValueError(f"Action dimension mismatch. Expected {expected}, found {found}")
        if self.outcome is None:
            raise RuntimeError("these environments can only be stepped all together: envs.step(actions)")
        (observation, reward, terminated, truncated), self.outcome = self.outcome, None
        return observation, reward, terminated, truncated, {"reward_survive": int(reward)}


class JudgedEnvs(gym.vector.SyncVectorEnv):
    """A SyncVectorEnv with SAME_STEP autoreset and episode statistics, whose steps happen at the judge's."""

    def __init__(self, session: Session, num_envs: int, low: Array, high: Array, observations: int) -> None:
        self._ask_judge = session.ask_judge
        self._singles = [SingleEnv(box(observations), bounds(low, high)) for _ in range(num_envs)]
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
        """One step of every environment, for actions (num_envs, A)."""
        if np.ndim(actions) and len(actions) != self.num_envs:
            raise ValueError(f"{len(actions)} actions for {self.num_envs} environments")
        if np.shape(actions) == self.action_space.shape:  # any other shape fails in gymnasium's own words
            step = self._ask_judge("step", actions=np.asarray(actions, dtype=np.float64))
            for i, env in enumerate(self._singles):
                env.first = np.array(step["observations"][i])
                env.outcome = (
                    np.array(step["final_observations"][i]),
                    float(step["rewards"][i]),
                    bool(step["terminations"][i]),
                    bool(step["truncations"][i]),
                )
        return super().step(actions)


def training(
    session: Session, hyperparameters: dict[str, Any], num_envs: int, low: Array, high: Array, observations: int
) -> Report:
    """The parameters and buffers, with their names, of the actor that the student's ``train`` returns."""
    train = session.student["train"]
    try:  # the notebook's own class, which may hold further fields
        hp = session.student["Hyperparameters"](**hyperparameters)
    except Exception:  # missing, or changed so that it does not take the practical's fields
        hp = SimpleNamespace(**hyperparameters)
    envs = JudgedEnvs(session, num_envs, low, high, observations)
    result = train(envs, hp)
    actor = result[0] if isinstance(result, tuple | list) and result else result
    if not isinstance(actor, torch.nn.Module):
        raise TypeError(f"train should return the actor first, but that is a {type(actor).__name__}")
    named = [*actor.named_parameters(), *actor.named_buffers()]
    return {"names": [name for name, _ in named], "values": [value for _, value in named]}
