"""The judge's inverted pendulum, seen through a lens that no submission can know.

The task is gymnasium's InvertedPendulum-v5, but its four observations are mixed by a fixed matrix and the sign of its
action is flipped: weights or a controller made for the well-known environment fail. Learning does not suffer. The
matrix first stretches each observation, or else the tiny angle would drown in the velocities once they are mixed, and
then turns and mirrors, which keeps all distances. Rewards and time stay as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ENVIRONMENT = "InvertedPendulum-v5"
HORIZON = 1000  # the steps of an episode that never falls, and so the best return
LENS_SEED = 8191
STRETCH = (10.0, 50.0, 10.0, 5.0)  # cart position, pole angle, cart velocity, angular velocity


@dataclass(frozen=True)
class Lens:
    """What stands between the pendulum and the agent: observations ``mixing @ o``, actions ``sign * a``."""

    mixing: Floats  # (O, O), of full rank
    sign: float

    @classmethod
    def draw(cls, seed: int = LENS_SEED) -> "Lens":
        """The stretch, then an orthogonal matrix (uniform over rotations and reflections); the sign is flipped."""
        normal = np.random.default_rng(seed).standard_normal((len(STRETCH), len(STRETCH)))
        q, r = np.linalg.qr(normal)
        return cls(q * np.sign(np.diag(r)) @ np.diag(STRETCH), -1.0)

    @classmethod
    def clear(cls) -> "Lens":
        """No lens: the environment as everybody knows it."""
        return cls(np.eye(len(STRETCH)), 1.0)


@dataclass(frozen=True)
class Transition:
    """One step of all n pendulums. A pendulum that ended is reset within the step (SAME_STEP autoreset)."""

    observations: Floats  # (n, O), of the new episode where one ended
    rewards: Floats  # (n,)
    terminations: Flags  # (n,)
    truncations: Flags  # (n,)
    final_observations: Floats  # (n, O), what each step led to before any reset

    @property
    def ended(self) -> Flags:
        """Which pendulums' episodes ended in this step, (n,)."""
        return self.terminations | self.truncations


class Pendulums:
    """n pendulums behind one lens, stepped together; every start is drawn from ``seed``."""

    def __init__(self, number: int, seed: int, lens: Lens) -> None:
        self.number = number
        self._lens = lens
        self._seed: int | None = seed
        self._envs = [gym.make(ENVIRONMENT, disable_env_checker=True) for _ in range(number)]
        space = self._envs[0].action_space
        assert isinstance(space, gym.spaces.Box)
        self.low: Floats = space.low.astype(np.float64)
        self.high: Floats = space.high.astype(np.float64)

    def __enter__(self) -> "Pendulums":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def started(self) -> bool:
        """Whether they have been reset, and so may be stepped."""
        return self._seed is None

    @property
    def spaces(self) -> SimpleNamespace:
        """The spaces of one pendulum, as a network's constructor reads them from a vector environment."""
        env = self._envs[0]
        return SimpleNamespace(single_observation_space=env.observation_space, single_action_space=env.action_space)

    def reset(self) -> Floats:
        """New episodes everywhere; the first observations (n, O)."""
        seeds = [None if self._seed is None else self._seed + i for i in range(self.number)]
        self._seed = None  # a second reset goes on in the same random stream
        return self._seen(np.stack([env.reset(seed=seed)[0] for env, seed in zip(self._envs, seeds, strict=True)]))

    def step(self, actions: Floats) -> Transition:
        """Push all carts with finite ``actions`` (n, A), clipped to the bounds as the motors do it."""
        forces = self._lens.sign * np.clip(actions, self.low, self.high)
        taken = [env.step(force) for env, force in zip(self._envs, forces, strict=True)]
        final = np.stack([step[0] for step in taken])
        terminations = np.array([step[2] for step in taken])
        truncations = np.array([step[3] for step in taken])
        observations = final.copy()
        for i in np.flatnonzero(terminations | truncations):
            observations[i] = self._envs[i].reset()[0]
        rewards = np.array([float(step[1]) for step in taken])
        return Transition(self._seen(observations), rewards, terminations, truncations, self._seen(final))

    def close(self) -> None:
        """Release the simulations."""
        for env in self._envs:
            env.close()

    def _seen(self, observations: Floats) -> Floats:
        return observations @ self._lens.mixing.T


def balanced_steps(policy: Callable[[Floats], Floats], pendulums: Pendulums, horizon: int = HORIZON) -> Floats:
    """The return (n,) of one episode a pendulum under ``policy`` (observations (n, O) to actions (n, A)).

    Episodes are cut after ``horizon`` steps. An action that is not finite drops its pendulum.
    """
    returns = np.zeros(pendulums.number)
    upright = np.ones(pendulums.number, dtype=np.bool_)
    observations = pendulums.reset()
    for _ in range(horizon):
        actions = policy(observations)
        upright &= np.isfinite(actions).all(axis=1)
        step = pendulums.step(np.where(upright[:, None], np.nan_to_num(actions), 0.0))
        returns += step.rewards * upright
        upright &= ~step.ended
        if not upright.any():
            break
        observations = step.observations
    return returns
