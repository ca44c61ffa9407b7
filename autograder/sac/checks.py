"""The hidden checks of the Soft Actor-Critic practical, in the order in which they run: the slow one comes last."""

from types import ModuleType

from autograder.checks import Check
from autograder.sac import (
    actor,
    actor_update,
    alpha_update,
    critic,
    critic_update,
    evaluation,
    explore,
    get_action,
    target,
    training,
)


def checks_of(theme: ModuleType) -> tuple[Check, ...]:
    """The checks that a module defines, in their order."""
    return tuple(value for value in vars(theme).values() if isinstance(value, Check))


THEMES = (critic, actor, get_action, explore, target, critic_update, actor_update, alpha_update, evaluation, training)
CHECKS = tuple(one for theme in THEMES for one in checks_of(theme))
