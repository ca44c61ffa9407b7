"""The source notebook of the practical defines what its contract promises to students and checks."""

import dataclasses
import inspect

import pytest

from autograder.judging.answer_key import AnswerKey

DEFAULTS = {
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
}
ARGUMENTS = {
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
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_function_takes_the_arguments_that_students_are_promised(name: str, sac_key: AnswerKey) -> None:
    first, *rest = name.split(".")
    found = sac_key.reference[first]
    for part in rest:
        found = getattr(found, part)
    assert " ".join(inspect.signature(found).parameters) == ARGUMENTS[name]


def test_the_hyperparameters_have_the_practical_s_defaults(sac_key: AnswerKey) -> None:
    assert dataclasses.asdict(sac_key.reference.Hyperparameters()) == DEFAULTS
