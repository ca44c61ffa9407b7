"""The question ``training`` of the practical reinforce: what is read from the answer, and what it earns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from conftest import KIT
from local_exam import LocalExam

from autograder.course.practical import load_practical
from autograder.judging.answer_key import AnswerKey
from autograder.judging.checks import Mistake
from autograder.rl.training_ground import SEEDS, Setting
from solutions.reinforce import training
from solutions.reinforce.training import CART_POLE, PROFILE

KEY = AnswerKey(load_practical(KIT, "reinforce"))
RIGHT = KEY.reference
SHORT = Setting(CART_POLE, {**PROFILE, "total_timesteps": 40, "num_steps": 20, "hidden_size": 16}, 3)
CHECKS = (training.the_policy_balances_longer_than_chance, training.the_policy_has_learned_to_balance)

Train = Callable[[Any, Any], object]


def exam_of(train: Train) -> LocalExam:
    return LocalExam(KEY, {"train": train})


def test_the_judge_reads_the_very_policy_that_was_trained() -> None:
    kept: list[Any] = []

    def train(envs: Any, hp: Any) -> object:
        policy, history = RIGHT.train(envs, hp)
        kept.append(policy)
        return policy, history

    exam = exam_of(train)
    [read] = training.trained_policies(exam, SHORT)
    seen = torch.randn(20, 4)
    assert torch.equal(read(seen), kept[0](seen))
    steps = SHORT.num_envs * SHORT.hyperparameters["total_timesteps"]
    assert sum(exam.curves[0].values) == steps, "every step pays 1, the one in which the pole falls too"


def test_a_policy_that_is_wider_than_asked_for_is_read_as_it_is() -> None:
    [read] = training.trained_policies(exam_of(lambda envs, hp: RIGHT.Policy(envs, 96)), SHORT)
    assert read.fc2.weight.shape == (96, 96)


@pytest.mark.parametrize(
    "network",
    [torch.nn.Linear(4, 2), torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 8), torch.nn.Linear(8, 3))],
)
def test_a_network_that_is_no_policy_is_a_mistake_in_words(network: torch.nn.Module) -> None:
    with pytest.raises(Mistake, match="not the practical's"):
        training.trained_policies(exam_of(lambda envs, hp: network), SHORT)


# --- what it earns


def balancing_policy(envs: Any, hidden_size: int, gains: tuple[float, ...] = (1.0, 1.7, 35.0, 8.0)) -> Any:
    """A controller for the cart pole behind the judge's lens, written into a policy's weights."""
    lens = CART_POLE.lens
    push = np.array(gains) @ np.linalg.inv(lens.mixing)
    policy = RIGHT.Policy(envs, hidden_size)
    right = lens.order.index(1)  # the agent's number of the push to the right
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.zero_()
        policy.fc1.weight[:2] = torch.tensor(np.stack([push, -push]))
        policy.fc2.weight[:2, :2] = torch.eye(2)
        policy.fc3.weight[right, :2] = torch.tensor([1.0, -1.0])
    return policy


def test_an_untrained_policy_earns_nothing_with_any_of_the_seeds() -> None:
    def lazy(envs: Any, hp: Any) -> object:
        torch.manual_seed(hp.seed)
        return RIGHT.Policy(envs, hp.hidden_size)

    exam = exam_of(lazy)
    for check in CHECKS:
        with pytest.raises(Mistake, match="steps on average"):
            check.run(exam)
    assert len(exam.asked) == len(SEEDS)


def test_a_policy_that_balances_earns_everything_at_the_first_try() -> None:
    exam = exam_of(lambda envs, hp: balancing_policy(envs, hp.hidden_size))
    for check in CHECKS:
        check.run(exam)
    assert len(exam.asked) == 1


def test_bad_luck_with_the_first_seed_costs_nothing() -> None:
    def unlucky(envs: Any, hp: Any) -> object:
        gains = ((0.0, 0.0, 0.0, 0.0),) if hp.seed == SEEDS[0] else ()
        return balancing_policy(envs, hp.hidden_size, *gains)

    exam = exam_of(unlucky)
    for check in CHECKS:
        check.run(exam)
    assert len(exam.asked) == 2


def test_the_reference_learns_to_balance() -> None:
    exam = exam_of(RIGHT.train)
    for check in CHECKS:
        check.run(exam)
    assert exam.curves[0].values
