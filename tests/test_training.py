"""The question ``training``: what is asked, what is read from the answer, and what it earns."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from conftest import KIT
from local_exam import LocalExam

from autograder.course.practical import load_practical
from autograder.judging.answer_key import AnswerKey
from autograder.judging.checks import Mistake, Value
from autograder.rl.training_ground import HOPELESS, SEEDS, Setting, named_arrays
from solutions.sac import training
from solutions.sac.training import PENDULUM, PROFILE

KEY = AnswerKey(load_practical(KIT, "sac"))
RIGHT = KEY.reference
SHORT = Setting(
    PENDULUM, {**PROFILE, "total_timesteps": 40, "learning_starts": 20, "batch_size": 8, "hidden_size": 16}, 3
)
CHECKS = (training.the_actor_balances_longer_than_chance, training.the_actor_has_learned_to_balance)

Train = Callable[[Any, Any], object]


def exam_of(train: Train, **others: object) -> LocalExam:
    return LocalExam(KEY, {"train": train, **others})


def test_the_curve_is_what_the_judge_saw() -> None:
    def forging(envs: Any, hp: Any) -> object:
        actor, history = RIGHT.train(envs, hp)
        histories.append(history)
        return actor, [(1, 1000.0)]

    histories: list[list[tuple[int, float]]] = []
    exam = exam_of(forging)
    training.trained_actors(exam, SHORT)
    [curve] = exam.curves
    ended = len(histories[0])
    seen = list(zip(curve.steps, curve.values, strict=True))
    assert seen[:ended] == histories[0]
    assert ended > 3
    steps = SHORT.num_envs * SHORT.hyperparameters["total_timesteps"]
    assert all(when == steps for when, _ in seen[ended:]), "then come the episodes that still ran"
    assert sum(curve.values) == steps - ended, "the step in which the pole falls pays nothing"


def test_a_training_that_fails_keeps_its_curve_too() -> None:
    def failing(envs: Any, hp: Any) -> object:
        RIGHT.train(envs, hp)
        raise ValueError("at the very end")

    exam = exam_of(failing)
    with pytest.raises(Mistake, match="at the very end"):
        training.trained_actors(exam, SHORT)
    assert len(exam.curves[0].steps) > 3


def test_the_judge_reads_the_very_actor_that_was_trained() -> None:
    kept: list[Any] = []

    def train(envs: Any, hp: Any) -> object:
        actor, history = RIGHT.train(envs, hp)
        kept.append(actor)
        return actor, history

    [read] = training.trained_actors(exam_of(train), SHORT)
    seen = torch.randn(20, 4)
    assert torch.equal(read.get_action(seen)[2], kept[0].get_action(seen)[2])


def test_an_actor_that_is_wider_than_asked_for_is_read_as_it_is() -> None:
    [read] = training.trained_actors(exam_of(lambda envs, hp: RIGHT.Actor(envs, 256)), SHORT)
    assert read.fc2.weight.shape == (256, 256)


def test_a_train_that_returns_the_actor_alone_is_read_too() -> None:
    assert training.trained_actors(exam_of(lambda envs, hp: RIGHT.train(envs, hp)[0]), SHORT)


def test_the_hyperparameters_are_the_notebooks_own_class_where_it_takes_them() -> None:
    met: list[Any] = []

    def train(envs: Any, hp: Any) -> object:
        met.append(hp)
        return RIGHT.Actor(envs, hp.hidden_size)

    training.trained_actors(exam_of(train, Hyperparameters=RIGHT.Hyperparameters), SHORT)
    training.trained_actors(exam_of(train, Hyperparameters=SimpleNamespace()), SHORT)
    training.trained_actors(exam_of(train), SHORT)
    assert isinstance(met[0], RIGHT.Hyperparameters)
    assert {hp.total_timesteps for hp in met} == {40}


def weights_for(observations: int) -> Mapping[str, Value]:
    """The weights of an untrained actor for so many observations."""
    spaces = SimpleNamespace(
        single_observation_space=SimpleNamespace(shape=(observations,)),
        single_action_space=SimpleNamespace(shape=(1,), low=np.array([-3.0]), high=np.array([3.0])),
    )
    state = RIGHT.Actor(spaces, 16).state_dict()
    return {"names": list(state), "values": [value.numpy() for value in state.values()]}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "does not hold"),
        ({"names": ["a"], "values": []}, "does not hold"),
        ({"names": [], "values": []}, "not the practical's"),
        ({"names": [1, "b"], "values": [np.zeros(3), "x"]}, "not the practical's"),
        ({"names": ["fc1.weight"], "values": [np.full((2, 2), np.nan)]}, "NaN"),
        (weights_for(7), "not the practical's"),
    ],
)
def test_weights_that_are_no_actors_are_a_mistake_in_words(values: Mapping[str, Value], words: str) -> None:
    with pytest.raises(Mistake, match=words):
        training.read_actors(LocalExam(KEY), named_arrays(values.get("names"), values.get("values")), SHORT)


# --- what it earns


def balancing_actor(envs: Any, hidden_size: int, gains: tuple[float, ...] = (1.0, 20.0, 1.5, 3.5)) -> Any:
    """A controller for the pendulum behind the judge's lens, written into an actor's weights."""
    lens = PENDULUM.lens
    pull = lens.sign * np.array(gains) @ np.linalg.inv(lens.mixing) / 3
    actor = RIGHT.Actor(envs, hidden_size)
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.zero_()
        actor.fc1.weight[:2] = torch.tensor(np.stack([pull, -pull]))
        actor.fc2.weight[:2, :2] = torch.eye(2)
        actor.fc_mean.weight[0, :2] = torch.tensor([1.0, -1.0])
    return actor


def test_an_untrained_actor_earns_nothing_and_a_second_one_ends_the_hope() -> None:
    def lazy(envs: Any, hp: Any) -> object:
        torch.manual_seed(hp.seed)
        return RIGHT.Actor(envs, hp.hidden_size)

    exam = exam_of(lazy)
    for check in CHECKS:
        with pytest.raises(Mistake, match="steps on average"):
            check.run(exam)
    assert len(exam.asked) == HOPELESS


def test_an_actor_that_balances_earns_everything_at_the_first_try() -> None:
    exam = exam_of(lambda envs, hp: balancing_actor(envs, hp.hidden_size))
    for check in CHECKS:
        check.run(exam)
    assert len(exam.asked) == 1


def test_bad_luck_with_the_first_seed_costs_nothing() -> None:
    def unlucky(envs: Any, hp: Any) -> object:
        falling = (0.0, 0.0, 0.0, 0.0)
        gains = (falling,) if hp.seed == SEEDS[0] else ()
        return balancing_actor(envs, hp.hidden_size, *gains)

    exam = exam_of(unlucky)
    for check in CHECKS:
        check.run(exam)
    assert len(exam.asked) == 2


def test_an_actor_that_lets_the_cart_drift_away_earns_the_first_check_alone() -> None:
    exam = exam_of(lambda envs, hp: balancing_actor(envs, hp.hidden_size, (0.0, 20.0, 0.0, 3.5)))
    first, second = CHECKS
    first.run(exam)
    assert len(exam.asked) == 1
    with pytest.raises(Mistake, match="of 1000 steps"):
        second.run(exam)
    assert len(exam.asked) == len(SEEDS)
