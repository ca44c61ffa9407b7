"""The judge's environments, seen through a lens that no submission can know.

The task is gymnasium's own, but its observations are mixed by a fixed matrix and its actions are mirrored or exchanged:
weights or a controller made for the well-known environment fail. Learning does not suffer. The matrix first stretches
each observation, or else a small one would drown in the large ones once they are mixed, and then turns and mirrors,
which keeps all distances. Rewards and time stay as they are.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from autograder.judging import Array, Value
from autograder.judging.draws import seeds_of_draw

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LENS_SEED = 8191


@dataclass(frozen=True)
class Lens:
    """What stands between environment and agent: observations ``mixing @ o``, and ``sign * a`` or ``order[a]``."""

    mixing: Floats  # (O, O), of full rank
    sign: float = 1.0  # of actions that are arrays of real numbers
    order: tuple[int, ...] = ()  # which action each of the agent's stands for, where there are so many

    @classmethod
    def draw(cls, stretch: Sequence[float], order: Sequence[int] = (), seed: int = LENS_SEED) -> "Lens":
        """The stretch (O,), then an orthogonal matrix (uniform over rotations and reflections); the sign is flipped.

        Of one seed, each draw of the practical's inputs has another matrix.
        """
        normal = np.random.default_rng([seed, *seeds_of_draw()]).standard_normal((len(stretch), len(stretch)))
        q, r = np.linalg.qr(normal)
        return cls(q * np.sign(np.diag(r)) @ np.diag(stretch), -1.0, tuple(order))

    @classmethod
    def clear(cls, observations: int) -> "Lens":
        """No lens: the environment as everybody knows it."""
        return cls(np.eye(observations))


@dataclass(frozen=True)
class Task:
    """What is to be learnt: one of gymnasium's environments, by its name, behind a lens."""

    environment: str
    lens: Lens


@dataclass(frozen=True)
class Transition:
    """One step of all n environments. One whose episode ended is reset within the step (SAME_STEP autoreset)."""

    observations: Array  # (n, O), of the new episode where one ended
    rewards: Floats  # (n,)
    terminations: Flags  # (n,)
    truncations: Flags  # (n,)
    final_observations: Array  # (n, O), what each step led to before any reset
    infos: Mapping[str, Array]  # the numbers that the environments tell beside, (n,) each

    @property
    def ended(self) -> Flags:
        """Which environments' episodes ended in this step, (n,)."""
        return self.terminations | self.truncations


class Environments:
    """n environments of one task, stepped together; every start is drawn from ``seed``."""

    def __init__(self, task: Task, number: int, seed: int) -> None:
        self.number = number
        self._lens = task.lens
        self._seed: int | None = seed
        self._envs = [gym.make(task.environment, disable_env_checker=True) for _ in range(number)]
        self._space: gym.Space[Any] = self._envs[0].action_space
        self._dtype = self._envs[0].observation_space.dtype

    def __enter__(self) -> "Environments":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def started(self) -> bool:
        """Whether they have been reset, and so may be stepped."""
        return self._seed is None

    @property
    def spaces(self) -> SimpleNamespace:
        """The spaces of one environment, as a network's constructor reads them from a vector environment."""
        env = self._envs[0]
        return SimpleNamespace(single_observation_space=env.observation_space, single_action_space=env.action_space)

    @property
    def described(self) -> dict[str, Value]:
        """The spaces as the student's process is told them: how many observations, the actions' bounds or number."""
        seen: dict[str, Value] = {"observations": len(self._lens.mixing), "dtype": str(self._dtype)}
        if isinstance(self._space, gym.spaces.Discrete):
            return {**seen, "actions": int(self._space.n)}
        assert isinstance(self._space, gym.spaces.Box)
        return {**seen, "low": self._space.low.astype(np.float64), "high": self._space.high.astype(np.float64)}

    def legal(self, raw: object) -> str:
        """Why these are no actions for a step of all environments; nothing if they are."""
        shape = (self.number, *(self._space.shape or ()))
        real = isinstance(self._space, gym.spaces.Box)
        if not isinstance(raw, np.ndarray) or raw.dtype.kind not in ("fiu" if real else "iu") or raw.shape != shape:
            return f"actions should be an array of {'real' if real else 'whole'} numbers of shape {shape}"
        if not np.isfinite(raw).all():
            return "an action is NaN or infinite: somewhere the training has diverged"
        if isinstance(self._space, gym.spaces.Discrete) and not ((raw >= 0) & (raw < self._space.n)).all():
            return f"an action is none of 0 to {self._space.n - 1}"
        return ""

    def reset(self) -> Array:
        """New episodes everywhere; the first observations (n, O), of the type that the environment's have."""
        seeds = [None if self._seed is None else self._seed + i for i in range(self.number)]
        self._seed = None  # a second reset goes on in the same random stream
        first = [env.reset(seed=seed)[0] for env, seed in zip(self._envs, seeds, strict=True)]
        return self._seen(np.array(first, np.float64))

    def step(self, actions: Array) -> Transition:
        """Act everywhere with legal actions (n, A) or (n,); real ones are clipped to their bounds, as motors do it."""
        taken = [env.step(action) for env, action in zip(self._envs, self._meant(actions), strict=True)]
        final = np.stack([np.asarray(step[0], np.float64) for step in taken])
        terminations = np.array([step[2] for step in taken])
        truncations = np.array([step[3] for step in taken])
        observations = final.copy()
        for i in np.flatnonzero(terminations | truncations):
            observations[i] = self._envs[i].reset()[0]
        rewards = np.array([float(step[1]) for step in taken])
        infos = {name: np.array([step[4][name] for step in taken]) for name in taken[0][4]}
        return Transition(self._seen(observations), rewards, terminations, truncations, self._seen(final), infos)

    def _meant(self, actions: Array) -> Array:
        if isinstance(self._space, gym.spaces.Box):
            return self._lens.sign * np.clip(actions.astype(np.float64), self._space.low, self._space.high)
        return np.array(self._lens.order)[actions] if self._lens.order else actions

    def close(self) -> None:
        """Release the simulations."""
        for env in self._envs:
            env.close()

    def _seen(self, observations: Floats) -> Array:
        return (observations @ self._lens.mixing.T).astype(self._dtype)


def returns_of(
    policy: Callable[[Array], Array], environments: Environments, horizon: int, enough: float = math.inf
) -> Floats:
    """The return (n,) of one episode an environment under ``policy`` (observations (n, O) to actions).

    Episodes are cut after ``horizon`` steps, and as soon as their mean return is ``enough``, which can only grow where
    no reward is negative. An action that is not finite ends its environment's.
    """
    returns = np.zeros(environments.number)
    going = np.ones(environments.number, dtype=np.bool_)
    observations = environments.reset()
    for _ in range(horizon):
        actions = policy(observations)
        going &= np.isfinite(actions).reshape(len(going), -1).all(axis=1)
        actions = actions.copy()
        actions[~going] = 0
        step = environments.step(actions)
        returns += step.rewards * going
        going &= ~step.ended
        if not going.any() or returns.mean() >= enough:
            break
        observations = step.observations
    return returns
