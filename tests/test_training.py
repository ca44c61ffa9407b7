"""The question ``training``: what is asked, what is read from the answer, and what it earns."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch

from autograder.checks import Answer, Handler, Mistake, Value
from autograder.records import LearningCurve
from autograder.sac import probes, training
from autograder.sac.pendulum import Lens
from autograder.sac.training_ground import PROFILE, Setting
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


def test_the_curve_is_what_the_judge_saw() -> None:
    def forging(envs: Envs, hp: reference.Hyperparameters) -> object:
        actor, history = reference.train(envs, hp)
        histories.append(history)
        return actor, [(1, 1000.0)]

    histories: list[list[tuple[int, float]]] = []
    exam = InProcessExam(forging)
    training.trained_actors(exam, SHORT)
    [curve] = exam.curves
    ended = len(histories[0])
    seen = list(zip(curve.steps, curve.returns, strict=True))
    assert seen[:ended] == histories[0]
    assert ended > 3
    steps = SHORT.num_envs * SHORT.hyperparameters.total_timesteps
    assert all(when == steps for when, _ in seen[ended:]), "then come the episodes that still ran"
    assert sum(curve.returns) == steps - ended, "the step in which the pole falls pays nothing"
    training.trained_actors(exam, SHORT)
    assert exam.asked == len(exam.curves) == 1, "an answer from memory has no curve of its own"


def test_the_judge_reads_the_very_actor_that_was_trained() -> None:
    kept: list[reference.Actor] = []

    def train(envs: Envs, hp: reference.Hyperparameters) -> object:
        actor, history = reference.train(envs, hp)
        kept.append(actor)
        return actor, history

    [read] = training.trained_actors(InProcessExam(train), SHORT)
    seen = torch.randn(20, 4)
    assert torch.equal(read.get_action(seen)[2], kept[0].get_action(seen)[2])


def test_an_actor_that_is_wider_than_asked_for_is_read_as_it_is() -> None:
    [read] = training.trained_actors(InProcessExam(lambda envs, hp: reference.Actor(envs, 256)), SHORT)
    assert read.fc2.weight.shape == (256, 256)


def test_a_train_that_returns_the_actor_alone_is_read_too() -> None:
    exam = InProcessExam(lambda envs, hp: reference.train(envs, hp)[0])
    assert training.trained_actors(exam, SHORT)


def test_the_hyperparameters_are_the_notebooks_own_class_where_it_takes_them() -> None:
    met: list[reference.Hyperparameters] = []

    def train(envs: Envs, hp: reference.Hyperparameters) -> object:
        met.append(hp)
        return reference.Actor(envs, hp.hidden_size)

    training.trained_actors(InProcessExam(train, Hyperparameters=reference.Hyperparameters), SHORT)
    training.trained_actors(InProcessExam(train, Hyperparameters=SimpleNamespace()), SHORT)
    training.trained_actors(InProcessExam(train), SHORT)
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


def test_an_untrained_actor_earns_nothing_and_a_second_one_ends_the_hope() -> None:
    def lazy(envs: Envs, hp: reference.Hyperparameters) -> object:
        torch.manual_seed(hp.seed)
        return reference.Actor(envs, hp.hidden_size)

    exam = InProcessExam(lazy)
    for check in training.CHECKS:
        with pytest.raises(Mistake, match="steps on average"):
            check.run(exam)
    assert exam.asked == training.HOPELESS


def balancing_actor(envs: Envs, hidden_size: int, gains: tuple[float, ...] = (1.0, 20.0, 1.5, 3.5)) -> reference.Actor:
    """A controller for the pendulum behind the judge's lens, written into an actor's weights."""
    lens = Lens.draw()
    pull = lens.sign * np.array(gains) @ np.linalg.inv(lens.mixing) / 3
    actor = reference.Actor(envs, hidden_size)
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.zero_()
        actor.fc1.weight[:2] = torch.tensor(np.stack([pull, -pull]))
        actor.fc2.weight[:2, :2] = torch.eye(2)
        actor.fc_mean.weight[0, :2] = torch.tensor([1.0, -1.0])
    return actor


def test_an_actor_that_balances_earns_everything_at_the_first_try() -> None:
    exam = InProcessExam(lambda envs, hp: balancing_actor(envs, hp.hidden_size))
    for check in training.CHECKS:
        check.run(exam)
    assert exam.asked == 1


def test_bad_luck_with_the_first_seed_costs_nothing() -> None:
    def unlucky(envs: Envs, hp: reference.Hyperparameters) -> object:
        if hp.seed == training.SEEDS[0]:
            return balancing_actor(envs, hp.hidden_size, (0.0, 0.0, 0.0, 0.0))
        return balancing_actor(envs, hp.hidden_size)

    exam = InProcessExam(unlucky)
    for check in training.CHECKS:
        check.run(exam)
    assert exam.asked == 2


def test_an_actor_that_lets_the_cart_drift_away_earns_the_first_check_alone() -> None:
    exam = InProcessExam(lambda envs, hp: balancing_actor(envs, hp.hidden_size, (0.0, 20.0, 0.0, 3.5)))
    first, second = training.CHECKS
    first.run(exam)
    assert exam.asked == 1
    with pytest.raises(Mistake, match="of 1000 steps"):
        second.run(exam)
    assert exam.asked == len(training.SEEDS)


def test_the_reference_learns_to_balance() -> None:
    exam = InProcessExam(reference.train)
    for check in training.CHECKS:
        check.run(exam)
    assert exam.curves[0].returns
