"""Where a submission trains: the judge's pendulums behind a proxy, and the settings of such a run.

docs/training.md holds the measurements by which the settings were chosen.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from autograder.judging import LearningCurve, Refused, Value

from .pendulum import Floats, Lens, Pendulums

PROFILE: Mapping[str, Any] = {  # the hyperparameters of a short training, by the notebook's names
    "total_timesteps": 1_000,
    "buffer_size": 20_000,
    "gamma": 0.99,
    "tau": 0.1,
    "learning_starts": 150,
    "batch_size": 256,
    "policy_lr": 3e-3,
    "q_lr": 1e-2,
    "policy_frequency": 2,
    "target_network_frequency": 1,
    "hidden_size": 64,
    "seed": 0,
}
NUM_ENVS = 8


@dataclass(frozen=True)
class Setting:
    """One training run as the judge sets it up."""

    hyperparameters: Mapping[str, Any] = field(default_factory=lambda: PROFILE)
    num_envs: int = NUM_ENVS
    lens: Lens = field(default_factory=Lens.draw)

    def pendulums(self, number: int, seed: int) -> Pendulums:
        """So many pendulums behind this setting's lens."""
        return Pendulums(number, seed, self.lens)

    @property
    def question(self) -> dict[str, Value]:
        """The values that the probe ``training`` is asked with."""
        with self.pendulums(1, 0) as pendulums:
            low, high = pendulums.low, pendulums.high
        envs: dict[str, Value] = {"num_envs": self.num_envs, "observations": len(self.lens.mixing)}
        return {**envs, "low": low, "high": high, "hyperparameters": dict(self.hyperparameters)}


class TrainingGround:
    """The handler behind the student's proxy: steps the judge's pendulums and keeps the learning curve.

    It refuses actions that are not finite or not of the shape (n, A), and more steps than the run is meant to have.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._pendulums = setting.pendulums(setting.num_envs, 1000 * setting.hyperparameters["seed"])
        # a rewritten loop may reset once more or run over a little; a whole second training it may not have
        self._calls_left = setting.hyperparameters["total_timesteps"] * 5 // 4
        self._steps = 0
        self._running = np.zeros(setting.num_envs)
        self._curve: list[tuple[int, float]] = []

    def __enter__(self) -> "TrainingGround":
        return self

    def __exit__(self, *_: object) -> None:
        self._pendulums.close()

    @property
    def curve(self) -> LearningCurve:
        """What was seen so far; steps are those of all environments together.

        Episodes that still run stand at the end with what they have: the longest ones, once the pole stays up.
        """
        episodes = [*self._curve, *((self._steps, float(value)) for value in self._running if value)]
        return LearningCurve(tuple(steps for steps, _ in episodes), tuple(value for _, value in episodes))

    def __call__(self, verb: str, values: Mapping[str, Value]) -> Value:
        """Answer "reset" and "step" (actions: (n, A))."""
        if self._calls_left == 0:
            raise Refused("train goes on for more steps than hp.total_timesteps asks for")
        self._calls_left -= 1
        if verb == "reset":
            self._running[:] = 0.0
            return {"observations": self._pendulums.reset()}
        if verb == "step":
            return self._step(self._legal(values.get("actions")))
        raise Refused("the environments know reset and step only")

    def _step(self, actions: Floats) -> Value:
        step = self._pendulums.step(actions)
        self._steps += self._pendulums.number
        self._running += step.rewards
        for i in np.flatnonzero(step.ended):
            self._curve.append((self._steps, float(self._running[i])))
            self._running[i] = 0.0
        return dict(asdict(step))

    def _legal(self, raw: Value) -> Floats:
        if not self._pendulums.started:
            raise Refused("the environments must be reset before they are stepped")
        shape = (self._pendulums.number, *self._pendulums.low.shape)
        if not isinstance(raw, np.ndarray) or raw.dtype.kind not in "fiu" or raw.shape != shape:
            raise Refused(f"actions should be an array of real numbers of shape {shape}")
        actions = raw.astype(np.float64)
        if not np.isfinite(actions).all():
            raise Refused("an action is NaN or infinite: somewhere the training has diverged")
        return actions
