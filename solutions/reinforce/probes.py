"""The practical's own kinds of objects, and its helpers of scenes. None knows what is expected.

Networks that a function is given are stand-ins: smooth functions made up for the purpose, with the attributes and the
signatures of the practical's own networks. Kinds and helpers are called with the stage first.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from autograder.rl.probes import (
    Array,
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
    "Spaces",
    "StandInBaseline",
    "StandInPolicy",
    "actions",
    "batch",
    "calls_of",
    "clear_gradients",
    "gradients_in",
    "read_logits",
    "seed_noise",
    "training",
]


class Batch(NamedTuple):
    """The rows of a rollout, as the practical's own class has them."""

    observations: Tensor  # (B, O)
    actions: Tensor  # (B,)
    returns: Tensor  # (B,)


def actions(_: Stage, value: Array) -> Tensor:
    """Numbered actions, int64."""
    return torch.tensor(np.array(value, np.int64))


def batch(stage: Stage, observations: Array, actions: Array, returns: Array) -> Batch:
    """A batch as the training loop makes it."""
    return Batch(stage.tensor(observations), torch.tensor(np.array(actions, np.int64)), stage.tensor(returns))


class StandIn(nn.Module):
    """Smooth outputs for observations (B, O)."""

    def __init__(self, stage: Stage, weights: Weights) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = (linear(stage, weights, name) for name in ("fc1", "fc2", "fc3"))

    def outputs(self, x: Tensor) -> Any:
        """As many as the last layer has."""
        return self.fc3(torch.sin(self.fc1(x)) + torch.cos(self.fc2(x)))


class StandInBaseline(StandIn):
    """A baseline: observations (B, O) to (B, 1)."""

    def forward(self, x: Tensor) -> Any:
        """A number for each row."""
        return self.outputs(x)


class StandInPolicy(StandIn):
    """A policy, made of sines; ``times`` multiplies the third thing that get_action returns."""

    def __init__(self, stage: Stage, weights: Weights, times: float = 1.0) -> None:
        super().__init__(stage, weights)
        self.times = times

    def forward(self, x: Tensor) -> Any:
        """Observations (B, O) to logits (B, A)."""
        return 2 * torch.sin(self.outputs(x))

    def get_action(self, x: Tensor, action: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Observations (B, O) to an action, its log-probability and the entropy, all (B,)."""
        logits = self(x)
        log_probs = logits - torch.logsumexp(logits, 1, keepdim=True)
        chosen = torch.multinomial(log_probs.exp(), 1)[:, 0] if action is None else action
        third = -(log_probs.exp() * log_probs).sum(1)
        return chosen, log_probs[torch.arange(len(x)), chosen], self.times * third


def read_logits(_: Stage, policy: Any) -> list[str]:
    """From now on the policy's forward returns the observations as logits, the last number first.

    The list that comes back grows with every call of it.
    """
    calls: list[str] = []

    def forward(*inputs: Tensor, **named: Tensor) -> Tensor:
        calls.append("forward")
        return [*inputs, *named.values()][0].flip(-1)

    policy.forward = forward
    return calls


def calls_of(_: Stage, calls: list[str]) -> int:
    """How often that forward was called until now."""
    return len(calls)
