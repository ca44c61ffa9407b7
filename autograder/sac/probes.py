"""What the student's process is asked to do: each probe hands one definition of the notebook its inputs, and reports.

Networks that a function is handed are stand-ins: smooth functions made up for the purpose, with the attributes and the
signatures of the practical's own networks. No probe knows what is expected.
"""

from collections.abc import Callable, Mapping, Sequence
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


class Session(Protocol):
    """The student's names, and the judge to call back."""

    student: Mapping[str, Any]
    ask_judge: Callable[..., Any]


# ---- what is handed in -------------------------------------------------------------------------------------------


class Spaces(gym.vector.VectorEnv[Array, Array, Array]):
    """A vector environment of which a network's constructor reads the spaces."""

    def __init__(self, observations: int, low: Array, high: Array, num_envs: int = 2) -> None:
        self.num_envs = num_envs
        self.single_observation_space = gym.spaces.Box(-np.inf, np.inf, (observations,), np.float64)
        self.single_action_space = gym.spaces.Box(np.float32(low), np.float32(high), dtype=np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)


class StandInCritic(nn.Module):
    """A critic: observations (B, O) and actions (B, A) to (B, 1)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = (_linear(weights, name) for name in ("fc1", "fc2", "fc3"))
        load(self, weights)

    def forward(self, x: Tensor, a: Tensor) -> Tensor:
        """A number for each row."""
        value: Tensor = self.fc3(torch.sin(self.fc1(x) - self.fc2(a)))
        return value


class StandInActor(nn.Module):
    """An actor without any noise: of the same observation it always makes the same action."""

    action_scale: Tensor
    action_bias: Tensor

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        names = ("fc1", "fc2", "fc_mean", "fc_logstd")
        self.fc1, self.fc2, self.fc_mean, self.fc_logstd = (_linear(weights, name) for name in names)
        self.register_buffer("action_scale", tensor(weights["action_scale"]))
        self.register_buffer("action_bias", tensor(weights["action_bias"]))
        load(self, weights)

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


def tensor(array: Array) -> Tensor:
    """A float32 tensor of its own memory."""
    return torch.tensor(np.array(array, np.float32))


def _linear(weights: Weights, name: str) -> nn.Linear:
    outputs, inputs = weights[f"{name}.weight"].shape
    return nn.Linear(inputs, outputs, dtype=torch.float32)


def load(network: nn.Module, weights: Weights) -> None:
    """Set the network's parameters of these names."""
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for name, array in weights.items():
            if name in parameters:
                parameters[name].copy_(torch.tensor(np.array(array)))


def transitions(data: Weights) -> ReplayBufferSamples:
    """A batch as the replay buffer gives it: rewards and dones are (B, 1)."""
    return ReplayBufferSamples(**{name: tensor(array) for name, array in data.items()})


# ---- what is read off --------------------------------------------------------------------------------------------


def parameters_of(network: nn.Module) -> Report:
    """The parameters as they are now, by name."""
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}


def gradients(output: object, weights: Array, leaves: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of the weighted sum of an output; zeros where none arrives."""
    if not isinstance(output, Tensor) or not output.requires_grad or output.shape != weights.shape:
        return [torch.zeros_like(leaf) for leaf in leaves]
    cotangent = tensor(weights).to(output.dtype)
    # the weighted sum, not grad_outputs, for which torch imports a whole algebra system
    found = torch.autograd.grad((output * cotangent).sum(), leaves, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(leaf) if each is None else each for leaf, each in zip(leaves, found, strict=True)]


def sum_of(tensors: Sequence[Tensor]) -> Tensor:
    """The sum of tensors of one shape."""
    return torch.stack(list(tensors)).sum(0)


def by_name(network: nn.Module, values: Sequence[Tensor]) -> Report:
    """Values in the order of the parameters, under the parameters' names."""
    return {name: value for (name, _), value in zip(network.named_parameters(), values, strict=True)}


def is_attached(value: object) -> bool:
    """Whether a value still hangs on the graph that made it."""
    return isinstance(value, Tensor) and value.requires_grad


# ---- the probes: networks ----------------------------------------------------------------------------------------


def layers(session: Session, network: str, spaces: Mapping[str, Any], hidden: int) -> Report:
    """The names and shapes of a network's parameters."""
    built = session.student[network](Spaces(**spaces), hidden)
    found = [(name, list(parameter.shape)) for name, parameter in built.named_parameters()]
    return {"names": [name for name, _ in found], "shapes": [shape for _, shape in found]}


def critic_forward(
    session: Session, spaces: Mapping[str, Any], hidden: int, weights: Weights, inputs: Weights
) -> Report:
    """The critic's values with these weights, and the gradients of their weighted sum."""
    critic = session.student["SoftQNetwork"](Spaces(**spaces), hidden)
    load(critic, weights)
    x, a = (tensor(inputs[name]).requires_grad_() for name in ("x", "a"))
    values = critic(x.clone(), a.clone())
    by_x, by_a, *others = gradients(values, inputs["weigh"], [x, a, *critic.parameters()])
    return {"values": values, "by x": by_x, "by a": by_a, "by parameter": by_name(critic, others)}


def actor_forward(
    session: Session, spaces: Mapping[str, Any], hidden: int, weights: Weights, inputs: Weights
) -> Report:
    """The actor's mean and log_std with these weights, and the gradients of the weighted sum of each."""
    actor = session.student["Actor"](Spaces(**spaces), hidden)
    load(actor, weights)
    mean, log_std = actor(tensor(inputs["x"]))
    weigh, leaves = inputs["weigh"], list(actor.parameters())
    return {
        "mean": mean,
        "log_std": log_std,
        "mean by parameter": by_name(actor, gradients(mean, weigh, leaves)),
        "log_std by parameter": by_name(actor, gradients(log_std, weigh, leaves)),
    }


def get_action(
    session: Session,
    spaces: Mapping[str, Any],
    hidden: int,
    weights: Weights,
    x: Array,
    weigh_action: Array,
    weigh_log_prob: Array,
) -> Report:
    """What get_action returns, twice, and the gradients of the weighted sums of what it returned first.

    Without weights, forward is replaced by one that reads the mean and the log_std off the observation's two halves.
    """
    actor = session.student["Actor"](Spaces(**spaces), hidden)
    made: list[list[Tensor]] = []

    def forward(_self: object, *inputs: Tensor, **named: Tensor) -> tuple[Tensor, Tensor]:
        observations = [*inputs, *named.values()][0]
        halves = [half.detach().clone().requires_grad_() for half in observations.chunk(2, dim=1)]
        made.append(halves)
        return halves[0].clone(), halves[1].clone()

    if weights:
        load(actor, weights)
    else:
        type(actor).forward = forward
    observations = tensor(x).requires_grad_()
    action, log_prob, mean = actor.get_action(observations.clone())
    leaves = [leaf for halves in made for leaf in halves] or [observations]
    report: Report = {"forward was called": bool(made), "action": action, "log_prob": log_prob, "mean": mean}
    for name, output, weigh in (("action", action, weigh_action), ("log_prob", log_prob, weigh_log_prob)):
        found = gradients(output, weigh, leaves)
        report[f"{name} gradient"] = torch.cat([sum_of(found[0::2]), sum_of(found[1::2])], 1) if made else found[0]
    report["action again"] = actor.get_action(observations.detach().clone())[0]
    return report


# ---- the probes: one step of the loop ----------------------------------------------------------------------------


def explore(session: Session, actor: Weights, obs: Array) -> Report:
    """The actions chosen for these observations, whether they are an array, and PyTorch's noise after either call."""
    policy, device = StandInActor(actor), torch.device("cpu")
    noise = []
    for _ in range(2):
        actions = session.student["choose_actions"](policy, np.array(obs), device)
        noise.append(torch.rand(4))
    is_array = isinstance(actions, np.ndarray)
    return {"actions": actions, "is an array": is_array, "type": type(actions).__name__, "noise": torch.stack(noise)}


def critic_target(
    session: Session, data: Weights, actor: Weights, critics: Sequence[Weights], alpha: float, gamma: float
) -> Report:
    """The targets of a batch."""
    networks = [StandInActor(actor), *(StandInCritic(weights) for weights in critics)]
    return {"target": session.student["critic_target"](transitions(data), *networks, alpha, gamma)}


def critic_update(
    session: Session,
    batches: Sequence[Weights],
    targets: Sequence[Array],
    critics: Sequence[Weights],
    left_over: Sequence[Weights],
    learning_rate: float,
) -> Report:
    """The critics' parameters and the loss after each update; each finds the gradients that others left meanwhile."""
    qf1, qf2 = (StandInCritic(weights) for weights in critics)
    optimizer = torch.optim.SGD([*qf1.parameters(), *qf2.parameters()], learning_rate)
    report: Report = {}
    for number, (data, target) in enumerate(zip(batches, targets, strict=True)):
        loss = session.student["update_critics"](transitions(data), tensor(target), qf1, qf2, optimizer)
        report[f"loss {number}"], report[f"attached {number}"] = loss, is_attached(loss)
        report[f"qf1 {number}"], report[f"qf2 {number}"] = parameters_of(qf1), parameters_of(qf2)
        for network, leave in zip((qf1, qf2), left_over, strict=True):
            add_gradients(network, leave)
    return report


def add_gradients(network: nn.Module, extra: Weights) -> None:
    """Add to the network's gradients, as a backward pass of something else does."""
    for name, parameter in network.named_parameters():
        more = tensor(extra[name])
        parameter.grad = more if parameter.grad is None else parameter.grad + more


def actor_update(
    session: Session,
    batches: Sequence[Weights],
    actor: Weights,
    critics: Sequence[Weights],
    alpha: float,
    learning_rate: float,
) -> Report:
    """The actor's and the critics' parameters and the loss after each update."""
    policy, qf1, qf2 = StandInActor(actor), StandInCritic(critics[0]), StandInCritic(critics[1])
    optimizer = torch.optim.SGD(policy.parameters(), learning_rate)
    report: Report = {}
    for number, data in enumerate(batches):
        loss = session.student["update_actor"](transitions(data), policy, qf1, qf2, optimizer, alpha)
        report[f"loss {number}"], report[f"attached {number}"] = loss, is_attached(loss)
        report[f"actor {number}"] = parameters_of(policy)
    report["critics"] = [parameters_of(qf1), parameters_of(qf2)]
    report["frozen"] = [name for qf in (qf1, qf2) for name, each in qf.named_parameters() if not each.requires_grad]
    return report


def alpha_update(
    session: Session,
    batches: Sequence[Weights],
    actor: Weights,
    log_alpha: float,
    target_entropy: float,
    learning_rate: float,
) -> Report:
    """log_alpha and what is returned after each update, and the actor's parameters at the end."""
    policy = StandInActor(actor)
    variable = torch.full((1,), log_alpha, dtype=torch.float32, requires_grad=True)
    optimizer = torch.optim.SGD([variable], learning_rate)
    report: Report = {}
    for number, data in enumerate(batches):
        report[f"alpha {number}"] = session.student["update_alpha"](
            transitions(data), policy, variable, optimizer, target_entropy
        )
        report[f"log_alpha {number}"] = variable.detach().clone()
    report["actor"] = parameters_of(policy)
    return report


# ---- the probes: evaluation --------------------------------------------------------------------------------------


class JudgesEnvironment(gym.Env[Array, Array]):
    """An environment that the judge steps; it refuses an action as MuJoCo's do."""

    def __init__(self, session: Session, observations: int, low: Array, high: Array) -> None:
        self.session = session
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (observations,), np.float64)
        self.action_space = gym.spaces.Box(np.float32(low), np.float32(high), dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin the next episode."""
        super().reset(seed=seed)
        return np.array(self.session.ask_judge("reset")["observation"]), {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One step; ValueError on a wrong shape, in MuJoCo's own words."""
        control = np.array(action)
        if control.shape != self.action_space.shape:
            raise ValueError(f"Action dimension mismatch. Expected {self.action_space.shape}, found {control.shape}")
        said = self.session.ask_judge("step", action=np.array(control, np.float64))
        observation = np.array(said["observation"])
        return observation, float(said["reward"]), bool(said["terminated"]), bool(said["truncated"]), {}


def evaluation(
    session: Session, spaces: Mapping[str, Any], actor: Weights, episodes: int | None, script: str
) -> Report:
    """What test_actor reports of its episodes in the judge's environment; None leaves their number to its default."""
    env = JudgesEnvironment(session, **spaces)
    counts = () if episodes is None else (episodes,)
    result = session.student["test_actor"](StandInActor(actor), env, *counts)
    named = result if isinstance(result, Mapping) else {}
    report: Report = {"is a dict": isinstance(result, Mapping), "type": type(result).__name__, "script": script}
    return report | {name: named[name] for name in ("mean return", "std return") if name in named}


# ---- a whole training, in environments that the judge steps --------------------------------------------------------


class Seat(gym.Env[Array, Array]):
    """One environment of ``JudgedEnvs``: hands out what the judge said would happen to it."""

    def __init__(self, observation_space: gym.spaces.Box, action_space: gym.spaces.Box) -> None:
        self.observation_space = observation_space
        self.action_space = action_space
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
        seen = gym.spaces.Box(-np.inf, np.inf, (observations,), np.float64)
        bounds = gym.spaces.Box(np.float32(low), np.float32(high), dtype=np.float32)
        seats = [Seat(seen, bounds) for _ in range(num_envs)]
        self._ask_judge = session.ask_judge
        self._seats = seats
        super().__init__(
            [partial(gym.wrappers.RecordEpisodeStatistics, seat) for seat in seats],
            autoreset_mode=gym.vector.AutoresetMode.SAME_STEP,
        )

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """New episodes everywhere; how they start is the judge's affair, whatever the seed."""
        for seat, first in zip(self._seats, self._ask_judge("reset")["observations"], strict=True):
            seat.first = np.array(first)
        return super().reset(seed=seed, options=options)

    def step(
        self, actions: Array
    ) -> tuple[Array, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]]:
        """One step of every environment, for actions (num_envs, A)."""
        if np.ndim(actions) and len(actions) != self.num_envs:
            raise ValueError(f"{len(actions)} actions for {self.num_envs} environments")
        if np.shape(actions) == self.action_space.shape:  # any other shape fails in gymnasium's own words
            step = self._ask_judge("step", actions=np.asarray(actions, dtype=np.float64))
            for i, seat in enumerate(self._seats):
                seat.first = np.array(step["observations"][i])
                seat.outcome = (
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
