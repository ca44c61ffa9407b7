"""The question ``training``: the proxy that the student's train steps, the lens, the handler and the two checks."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from autograder.checks import Answer, Handler, Mistake, Refused, Value
from autograder.records import LearningCurve
from autograder.sac import probes, training
from autograder.sac.pendulum import ENVIRONMENT, STRETCH, Lens, Pendulums, balanced_steps
from autograder.sac.training import PROFILE, Setting, TrainingGround
from solutions import sac as reference

SHORT = Setting(replace(PROFILE, total_timesteps=40, learning_starts=20, batch_size=8, hidden_size=16), num_envs=3)


Envs = probes.JudgedEnvs
Train = Callable[[Envs, reference.Hyperparameters], object]


class InProcessExam:
    """An exam whose student's code runs right here."""

    def __init__(self, train: Train, **others: object) -> None:
        self.student = {"train": train, **others}
        self.curves: list[LearningCurve] = []
        self.asked = 0
        self._answers: dict[str, Answer] = {}

    def ask(
        self, probe: str, /, *, handler: Handler | None = None, seconds: float | None = None, **values: Value
    ) -> Answer:
        key = repr((probe, values))
        if key not in self._answers:
            self.asked += 1
            assert handler is not None
            session = SimpleNamespace(student=self.student, ask_judge=lambda verb, **said: handler(verb, said))
            report = getattr(probes, probe)(session, **values)
            plain = [value.detach().numpy() for value in report["values"]]
            self._answers[key] = Answer({**report, "values": plain})
        return self._answers[key]

    def keep_curve(self, curve: LearningCurve) -> None:
        self.curves.append(curve)


def proxy(ground: TrainingGround, num_envs: int) -> Envs:
    session = SimpleNamespace(student={}, ask_judge=lambda verb, **values: ground(verb, values))
    return probes.JudgedEnvs(session, num_envs, **ground.bounds, observations=4)


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
    return TrainingGround(Setting(replace(PROFILE, seed=seed), num_envs, Lens.clear()))


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
        assert balanced_steps(upright_controller, behind).max() < training.ABOVE_CHANCE


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
    ground = TrainingGround(SHORT)
    ground("reset", {})
    steps = 0
    with pytest.raises(Refused, match="more steps"):  # noqa: PT012 - which of the steps is refused is what is asked
        while True:
            ground("step", {"actions": np.zeros((3, 1))})
            steps += 1
    asked_for = SHORT.hyperparameters.total_timesteps
    assert asked_for <= steps < 2 * asked_for


def test_the_curve_is_what_the_judge_saw() -> None:
    def forging(envs: Envs, hp: reference.Hyperparameters) -> object:
        actor, history = reference.train(envs, hp)
        histories.append(history)
        return actor, [(1, 1000.0)]

    histories: list[list[tuple[int, float]]] = []
    exam = InProcessExam(forging)
    training.trained_actor(exam, SHORT)
    [curve] = exam.curves
    assert list(zip(curve.steps, curve.returns, strict=True)) == histories[0]
    assert len(curve.steps) > 3
    training.trained_actor(exam, SHORT)
    assert exam.asked == len(exam.curves) == 1, "an answer from memory has no curve of its own"


def test_the_judge_reads_the_very_actor_that_was_trained() -> None:
    kept: list[reference.Actor] = []

    def train(envs: Envs, hp: reference.Hyperparameters) -> object:
        actor, history = reference.train(envs, hp)
        kept.append(actor)
        return actor, history

    [read] = training.trained_actor(InProcessExam(train), SHORT)
    seen = torch.randn(20, 4)
    assert torch.equal(read.get_action(seen)[2], kept[0].get_action(seen)[2])


def test_a_train_that_returns_the_actor_alone_is_read_too() -> None:
    exam = InProcessExam(lambda envs, hp: reference.train(envs, hp)[0])
    assert training.trained_actor(exam, SHORT)


def test_the_hyperparameters_are_the_notebooks_own_class_where_it_takes_them() -> None:
    met: list[reference.Hyperparameters] = []

    def train(envs: Envs, hp: reference.Hyperparameters) -> object:
        met.append(hp)
        return reference.Actor(envs, hp.hidden_size)

    training.trained_actor(InProcessExam(train, Hyperparameters=reference.Hyperparameters), SHORT)
    training.trained_actor(InProcessExam(train, Hyperparameters=SimpleNamespace()), SHORT)
    training.trained_actor(InProcessExam(train), SHORT)
    assert isinstance(met[0], reference.Hyperparameters)
    assert {hp.total_timesteps for hp in met} == {40}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "does not hold"),
        ({"names": ["a"], "values": []}, "does not hold"),
        ({"names": [], "values": []}, "not the practical's"),
        ({"names": [1, "b"], "values": [np.zeros(3), "x"]}, "not the practical's"),
        ({"names": ["fc1.weight"], "values": [np.full((2, 2), np.nan)]}, "NaN"),
    ],
)
def test_weights_that_are_no_actors_are_a_mistake_in_words(values: Value, words: str) -> None:
    with pytest.raises(Mistake, match=words):
        training.read_actors(Answer(values), SHORT)


def test_an_actor_of_another_size_is_a_mistake() -> None:
    spaces = SimpleNamespace(
        single_observation_space=gym.spaces.Box(-1, 1, (7,)), single_action_space=gym.spaces.Box(-1, 1, (1,))
    )
    state = reference.Actor(spaces, 16).state_dict()
    answer = Answer({"names": list(state), "values": [value.numpy() for value in state.values()]})
    with pytest.raises(Mistake, match="not the practical's"):
        training.read_actors(answer, SHORT)


def test_an_untrained_actor_earns_nothing_and_both_seeds_are_tried() -> None:
    def lazy(envs: Envs, hp: reference.Hyperparameters) -> object:
        torch.manual_seed(hp.seed)
        return reference.Actor(envs, hp.hidden_size)

    exam = InProcessExam(lazy)
    for check in training.CHECKS:
        with pytest.raises(Mistake, match="steps on average"):
            check.run(exam)
    assert exam.asked == len(training.SEEDS)


def test_the_reference_learns_to_balance() -> None:
    exam = InProcessExam(reference.train)
    for check in training.CHECKS:
        check.run(exam)
    assert exam.curves[0].returns
