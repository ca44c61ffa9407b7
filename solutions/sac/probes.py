"""The practical's own kinds of objects, and its helper of scenes. None knows what is expected.

Networks that a function is given are stand-ins: smooth functions made up for the purpose, with the attributes and the
signatures of the practical's own networks. Kinds and helpers are called with the stage first.
"""

from typing import Any

import torch
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from torch import Tensor, nn

from autograder.rl.probes import (
    Array,
    JudgesEnvironment,
    Report,
    Spaces,
    Stage,
    Weights,
    clear_gradients,
    gradients_in,
    linear,
    seed_noise,
    training,
)

__all__ = [
    "JudgesEnvironment",
    "Spaces",
    "StandInActor",
    "StandInCritic",
    "batch",
    "clear_gradients",
    "draw",
    "gradients_in",
    "seed_noise",
    "training",
]


def batch(stage: Stage, **data: Array) -> ReplayBufferSamples:
    """A batch as the replay buffer gives it: rewards and dones are (B, 1)."""
    return ReplayBufferSamples(**{name: stage.tensor(array) for name, array in data.items()})


class StandInCritic(nn.Module):
    """A critic: observations (B, O) and actions (B, A) to (B, 1)."""

    def __init__(self, stage: Stage, weights: Weights) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = (linear(stage, weights, name) for name in ("fc1", "fc2", "fc3"))

    def forward(self, x: Tensor, a: Tensor) -> Any:
        """A number for each row."""
        return self.fc3(torch.sin(self.fc1(x) - self.fc2(a)))


class StandInActor(nn.Module):
    """An actor without noise: of the same observation it always makes the same action.

    ``times`` multiplies the second thing that get_action returns. ``sample`` makes it answer otherwise each time that
    an observation is asked about again, the first time as that number says.
    """

    action_scale: Tensor
    action_bias: Tensor

    def __init__(
        self, stage: Stage, weights: Weights, scale: Array, bias: Array, times: float = 1.0, sample: int | None = None
    ) -> None:
        super().__init__()
        self.times, self.sample = times, sample
        self.asked: dict[bytes, int] = {}  # how often, by observation
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
        if self.sample is not None:
            second = second + self.sampled(x.detach(), self.sample).to(second)
        action = self.action_bias + self.action_scale * torch.sin(first + torch.cos(second))
        number = (torch.sin(second) - torch.cos(first - second)).sum(1, keepdim=True)
        return action, self.times * number, self.action_bias + self.action_scale * torch.cos(first)

    def sampled(self, x: Tensor, first: int) -> Tensor:
        """What is added for each observation, (B, 1)."""
        rows = [row.cpu().numpy().tobytes() for row in x]
        before = [self.asked.get(row, 0) for row in rows]
        self.asked.update({row: times + 1 for row, times in zip(rows, before, strict=True)})
        return torch.tensor([[1.3 * (first + times)] for times in before])


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
