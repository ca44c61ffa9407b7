"""Where a submission trains: the proxy that its train steps, the lens, and the judge's handler."""

from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from autograder.judging.checks import Refused, Value
from autograder.rl import probes
from autograder.rl.environments import Environments, Lens, Task, returns_of
from autograder.rl.training_ground import Setting, TrainingGround
from solutions.sac.training import HORIZON, PENDULUM, PROFILE, STRETCH

PUSHED, NUMBERED = "InvertedPendulum-v5", "CartPole-v1"  # actions are real numbers in one, and numbered in the other
BOTH = pytest.mark.parametrize("environment", [PUSHED, NUMBERED])


def ground_of(environment: str, num_envs: int) -> TrainingGround:
    return TrainingGround(Setting(Task(environment, Lens.clear(4)), {"seed": 0, "total_timesteps": 1000}, num_envs))


def proxy(ground: TrainingGround) -> probes.JudgedEnvs:
    session = SimpleNamespace(student={}, ask_judge=lambda verb, **values: ground(verb, values))
    told: dict[str, Any] = {**ground.setting.question}
    del told["hyperparameters"]
    return probes.JudgedEnvs(session, **told)


def real(environment: str, num_envs: int) -> SyncVectorEnv:
    def make() -> gym.Env[Any, Any]:
        return gym.wrappers.RecordEpisodeStatistics(gym.make(environment))

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


def clear_ground(num_envs: int) -> TrainingGround:
    return ground_of(PUSHED, num_envs)


@BOTH
def test_the_proxy_tells_what_the_real_vector_environment_tells(environment: str) -> None:
    ours, theirs = proxy(ground_of(environment, 3)), real(environment, 3)
    assert same(ours.reset(seed=0), theirs.reset(seed=0))
    endings = 0
    theirs.action_space.seed(0)
    for _ in range(60):
        actions = theirs.action_space.sample()
        one, other = ours.step(actions), theirs.step(actions)
        assert same(one, other)
        endings += int(one[2].sum())
    assert endings > 5
    ours.close()
    theirs.close()


@BOTH
def test_the_proxy_has_the_spaces_and_the_metadata_of_the_real_vector_environment(environment: str) -> None:
    ours, theirs = proxy(ground_of(environment, 2)), real(environment, 2)
    for name in ("num_envs", "single_action_space", "action_space"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("single_observation_space", "observation_space"):  # a lens leaves observations no bounds
        one, other = getattr(ours, name), getattr(theirs, name)
        assert (one.shape, one.dtype) == (other.shape, other.dtype), name
    assert ours.metadata["autoreset_mode"] is theirs.metadata["autoreset_mode"]


def refused_alike(environment: str, actions: npt.NDArray[Any]) -> None:
    """Assert that the proxy of three environments raises what the real ones raise, in their words."""
    ours, theirs = proxy(ground_of(environment, 3)), real(environment, 3)
    ours.reset()
    theirs.reset()
    with pytest.raises((ValueError, TypeError, AssertionError)) as expected:
        theirs.step(actions)
    with pytest.raises(type(expected.value)) as found:
        ours.step(actions)
    if np.ndim(actions) and len(actions) == 3 and np.ndim(actions) <= 2:
        assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("shape", [(3,), (3, 2), (2, 1), (4, 1), (3, 1, 1), ()])
def test_wrong_action_shapes_fail_as_in_the_real_vector_environment(shape: tuple[int, ...]) -> None:
    refused_alike(PUSHED, np.zeros(shape, np.float32))


@pytest.mark.parametrize("actions", [[0, 1, 2], [0, 1, -1], [[0], [1], [1]], [0.0, 1.0, 0.5], [0, 1]])
def test_wrong_numbered_actions_fail_as_in_the_real_vector_environment(actions: list[Any]) -> None:
    refused_alike(NUMBERED, np.array(actions))


def test_a_lens_stretches_then_turns() -> None:
    lens = PENDULUM.lens
    directions = lens.mixing / np.linalg.norm(lens.mixing, axis=0)
    assert np.allclose(directions.T @ directions, np.eye(4))
    assert np.abs(directions).max() < 0.99
    assert np.allclose(np.linalg.norm(lens.mixing, axis=0), STRETCH)


def upright_controller(observations: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(observations @ np.array([[1.0], [20.0], [1.5], [3.5]]))


def cart_controller(observations: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(observations @ np.array([0.1, 1.0, 3.0, 1.0]) > 0, np.int64)


def test_a_controller_for_the_well_known_environment_fails_behind_the_lens() -> None:
    behind = Task(NUMBERED, Lens.draw((1.0, 1.0, 5.0, 1.0), order=(1, 0)))
    for known, seen, controller, most in (
        (Task(PUSHED, Lens.clear(4)), PENDULUM, upright_controller, 1000),
        (Task(NUMBERED, Lens.clear(4)), behind, cart_controller, 500),
    ):
        with Environments(known, 3, 5) as clear, Environments(seen, 3, 5) as mixed:
            assert returns_of(controller, clear, most).min() == most
            assert returns_of(controller, mixed, most).max() < 60


def test_an_evaluation_ends_once_the_mean_return_is_enough() -> None:
    steps = 0

    def policy(observations: npt.NDArray[Any]) -> npt.NDArray[Any]:
        nonlocal steps
        steps += 1
        return upright_controller(observations)

    with Environments(Task(PUSHED, Lens.clear(4)), 3, 5) as clear:
        assert returns_of(policy, clear, 1000, enough=50).mean() == steps == 50


def test_the_order_of_numbered_actions_is_the_lenss() -> None:
    found = []
    for order, actions in (((0, 1), [0, 1]), ((1, 0), [1, 0])):
        with Environments(Task(NUMBERED, Lens(np.eye(4), order=order)), 2, 5) as environments:
            environments.reset()
            found.append(environments.step(np.array(actions)))
    one, other = found
    assert (one.final_observations == other.final_observations).all()


def test_a_controller_whose_actions_are_not_numbers_balances_nothing() -> None:
    with Environments(PENDULUM, 2, 5) as pendulums:
        assert returns_of(lambda seen: np.full((len(seen), 1), np.nan), pendulums, HORIZON).max() == 0


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


@pytest.mark.parametrize("actions", [[0, 1, 2], [0, 1, -1], [0.0, 1.0, 1.0], [[0], [1], [1]], [True, False, True]])
def test_the_judge_takes_no_numbered_actions_that_there_are_not(actions: list[Any]) -> None:
    ground = ground_of(NUMBERED, 3)
    ground("reset", {})
    with pytest.raises(Refused):
        ground("step", {"actions": np.array(actions)})


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
    short = Setting(PENDULUM, {**PROFILE, "total_timesteps": 40}, num_envs=3)
    ground = TrainingGround(short)
    ground("reset", {})
    steps = 0
    with pytest.raises(Refused, match="more steps"):  # noqa: PT012 - which of the steps is refused is what is asked
        while True:
            ground("step", {"actions": np.zeros((3, 1))})
            steps += 1
    asked_for = short.hyperparameters["total_timesteps"]
    assert asked_for <= steps < 2 * asked_for
