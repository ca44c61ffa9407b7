"""Where a submission trains: the proxy that its train steps, the lens before the pendulums, and the judge's handler."""

from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from autograder.judging.checks import Refused, Value
from solutions.sac import probes
from solutions.sac.pendulum import ENVIRONMENT, STRETCH, Lens, Pendulums, balanced_steps
from solutions.sac.training_ground import PROFILE, Setting, TrainingGround


def proxy(ground: TrainingGround, num_envs: int) -> probes.JudgedEnvs:
    session = SimpleNamespace(student={}, ask_judge=lambda verb, **values: ground(verb, values))
    return probes.JudgedEnvs(session, num_envs, np.array([-3.0]), np.array([3.0]), observations=4)


def real(num_envs: int) -> SyncVectorEnv:
    def make() -> gym.Env[Any, Any]:
        return gym.wrappers.RecordEpisodeStatistics(gym.make(ENVIRONMENT))

    return SyncVectorEnv([make] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)


def same(one: object, other: object) -> bool:
    """Equal in keys, types, dtypes, shapes and values, through dicts, tuples and arrays of arrays."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(key == "t" or same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        if one.dtype == object:
            return all(same(a, b) for a, b in zip(one, other, strict=True))
        return np.array_equal(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def clear_ground(num_envs: int, seed: int = 0) -> TrainingGround:
    return TrainingGround(Setting({**PROFILE, "seed": seed}, num_envs, Lens.clear()))


def test_the_proxy_tells_what_the_real_vector_environment_tells() -> None:
    ours, theirs = proxy(clear_ground(3), 3), real(3)
    assert same(ours.reset(seed=0), theirs.reset(seed=0))
    noise = np.random.default_rng(0)
    endings = 0
    for _ in range(60):
        actions = noise.uniform(-3, 3, (3, 1)).astype(np.float32)
        one, other = ours.step(actions), theirs.step(actions)
        assert same(one, other)
        endings += int(one[2].sum())
    assert endings > 5
    ours.close()
    theirs.close()


def test_the_proxy_has_the_spaces_and_the_metadata_of_the_real_vector_environment() -> None:
    ours, theirs = proxy(clear_ground(2), 2), real(2)
    for name in ("num_envs", "single_observation_space", "single_action_space", "observation_space", "action_space"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.metadata["autoreset_mode"] is theirs.metadata["autoreset_mode"]


@pytest.mark.parametrize("shape", [(3,), (3, 2), (2, 1), (4, 1), (3, 1, 1), ()])
def test_wrong_action_shapes_fail_as_in_the_real_vector_environment(shape: tuple[int, ...]) -> None:
    ours, theirs = proxy(clear_ground(3), 3), real(3)
    ours.reset()
    theirs.reset()
    with pytest.raises((ValueError, TypeError)) as expected:
        theirs.step(np.zeros(shape, np.float32))
    with pytest.raises(type(expected.value)) as found:
        ours.step(np.zeros(shape, np.float32))
    if len(shape) != 2 or shape[0] == 3:
        assert str(found.value) == str(expected.value)


def test_a_lens_stretches_then_turns() -> None:
    lens = Lens.draw()
    directions = lens.mixing / np.linalg.norm(lens.mixing, axis=0)
    assert np.allclose(directions.T @ directions, np.eye(4))
    assert np.abs(directions).max() < 0.99
    assert np.allclose(np.linalg.norm(lens.mixing, axis=0), STRETCH)


def upright_controller(observations: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(observations @ np.array([[1.0], [20.0], [1.5], [3.5]]))


def test_a_controller_for_the_well_known_pendulum_fails_behind_the_lens() -> None:
    with Pendulums(3, 5, Lens.clear()) as clear, Pendulums(3, 5, Lens.draw()) as behind:
        assert balanced_steps(upright_controller, clear).min() == 1000
        assert balanced_steps(upright_controller, behind).max() < 60


def test_a_controller_whose_actions_are_not_numbers_balances_nothing() -> None:
    with Pendulums(2, 5, Lens.draw()) as pendulums:
        assert balanced_steps(lambda seen: np.full((len(seen), 1), np.nan), pendulums).max() == 0


@pytest.mark.parametrize(
    "actions",
    [
        None,
        "up",
        [[0.0], [0.0], [0.0]],
        np.zeros((3, 2)),
        np.zeros((1, 1)),
        np.full((3, 1), np.nan),
        np.full((3, 1), np.inf),
        np.zeros((3, 1), np.bool_),
        np.zeros((3, 1), np.complex128),
    ],
)
def test_the_judge_steps_no_actions_that_are_not_finite_numbers_of_the_right_shape(actions: Value) -> None:
    ground = clear_ground(3)
    ground("reset", {})
    with pytest.raises(Refused):
        ground("step", {"actions": actions})


def test_the_judge_refuses_a_step_before_the_first_reset_and_unknown_verbs() -> None:
    ground = clear_ground(1)
    with pytest.raises(Refused, match="reset before"):
        ground("step", {"actions": np.zeros((1, 1))})
    with pytest.raises(Refused):
        ground("open the gradebook", {})


def test_actions_beyond_the_bounds_push_as_hard_as_the_bounds() -> None:
    one, other = clear_ground(2), clear_ground(2)
    one("reset", {})
    other("reset", {})
    far = one("step", {"actions": np.full((2, 1), 1e30)})
    near = other("step", {"actions": np.full((2, 1), 3.0)})
    assert same(far, near)


def test_the_judge_ends_a_training_that_goes_on_for_too_long() -> None:
    short = Setting({**PROFILE, "total_timesteps": 40}, num_envs=3)
    ground = TrainingGround(short)
    ground("reset", {})
    steps = 0
    with pytest.raises(Refused, match="more steps"):  # noqa: PT012 - which of the steps is refused is what is asked
        while True:
            ground("step", {"actions": np.zeros((3, 1))})
            steps += 1
    asked_for = short.hyperparameters["total_timesteps"]
    assert asked_for <= steps < 2 * asked_for
