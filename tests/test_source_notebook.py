"""The source notebooks of the practicals define what they promise to students and checks."""

import dataclasses
import inspect
from pathlib import Path

import pytest

from autograder.course.practical import load_practical
from autograder.judging.answer_key import AnswerKey

DEFAULTS = {
    "sac": {
        "total_timesteps": 30_000,
        "buffer_size": 1_000_000,
        "gamma": 0.99,
        "tau": 0.005,
        "learning_starts": 5_000,
        "batch_size": 256,
        "policy_lr": 3e-4,
        "q_lr": 1e-3,
        "policy_frequency": 2,
        "target_network_frequency": 1,
        "hidden_size": 256,
        "seed": 0,
    },
    "reinforce": {
        "total_timesteps": 4_000,
        "num_steps": 100,
        "gamma": 0.99,
        "policy_lr": 1e-2,
        "baseline_lr": 1e-2,
        "baseline_updates": 5,
        "entropy_coef": 0.01,
        "hidden_size": 64,
        "seed": 0,
    },
}
ARGUMENTS = {
    "sac": {
        "SoftQNetwork": "env hidden_size",
        "SoftQNetwork.forward": "self x a",
        "Actor": "env hidden_size",
        "Actor.forward": "self x",
        "Actor.get_action": "self x",
        "choose_actions": "actor obs device",
        "critic_target": "data actor qf1_target qf2_target alpha gamma",
        "update_critics": "data next_q_value qf1 qf2 q_optimizer",
        "update_actor": "data actor qf1 qf2 actor_optimizer alpha",
        "update_alpha": "data actor log_alpha a_optimizer target_entropy",
        "train": "envs hp",
        "test_actor": "actor env num_episodes",
    },
    "reinforce": {
        "Policy": "env hidden_size",
        "Policy.forward": "self x",
        "Policy.get_action": "self x action",
        "choose_actions": "policy obs device",
        "Baseline": "env hidden_size",
        "Baseline.forward": "self x",
        "Batch": "observations actions returns",
        "returns_to_go": "rewards dones last_values gamma",
        "update_baseline": "data baseline baseline_optimizer",
        "update_policy": "data policy baseline policy_optimizer entropy_coef",
        "train": "envs hp",
        "test_policy": "policy env num_episodes",
    },
}


@pytest.fixture(scope="module", params=DEFAULTS)
def key(request: pytest.FixtureRequest, kit: Path) -> AnswerKey:
    return AnswerKey(load_practical(kit, request.param))


def test_the_functions_take_the_arguments_that_students_are_promised(key: AnswerKey) -> None:
    for name, arguments in ARGUMENTS[key.practical.name].items():
        first, *rest = name.split(".")
        found = key.reference[first]
        for part in rest:
            found = getattr(found, part)
        assert " ".join(inspect.signature(found).parameters) == arguments, name


def test_the_hyperparameters_have_the_practical_s_defaults(key: AnswerKey) -> None:
    assert dataclasses.asdict(key.reference.Hyperparameters()) == DEFAULTS[key.practical.name]
