"""Hidden checks of the question ``training``: the student's own ``train``, run in environments that the judge steps.

What counts in the end is how long the returned policy's likeliest action, computed here from the network's weights,
keeps poles upright that the student's process never sees.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from autograder.judging import Array, Exam, Mistake, check
from autograder.rl.environments import Lens, Task, returns_of
from autograder.rl.training_ground import SEEDS, Setting, best_of, trained

from .networks import bind_policy

Policy = Any  # the reference's, with the weights that came back

PROFILE: Mapping[str, Any] = {  # the hyperparameters of a short training, by the notebook's names
    "total_timesteps": 4_000,
    "num_steps": 100,
    "gamma": 0.99,
    "policy_lr": 1e-2,
    "baseline_lr": 1e-2,
    "baseline_updates": 5,
    "entropy_coef": 0.01,
    "hidden_size": 64,
    "seed": 0,
}
NUM_ENVS = 8
HORIZON = 500  # the steps of an episode that never fails, and so the best return
STRETCH = (1.0, 1.0, 5.0, 1.0)  # cart position and velocity, pole angle and angular velocity
CART_POLE = Task("CartPole-v1", Lens.draw(STRETCH, order=(1, 0)))
OBSERVATIONS, ACTIONS = 4, 2
ABOVE_CHANCE = 40.0  # mean return of whole episodes
LEARNED = 80.0
EPISODES = 20
EVALUATION_SEED = 90_001
WIDEST = 1024  # units of a hidden layer


def setting_with(seed: int) -> Setting:
    """The short training, with that seed."""
    return Setting(CART_POLE, {**PROFILE, "seed": seed}, NUM_ENVS)


def trained_policies(exam: Exam, setting: Setting) -> list[Policy]:
    """Have the student's ``train`` run in that setting; the policy it returns, in each way its layers can be read."""
    return read_policies(exam, trained(exam, setting), setting)


def read_policies(exam: Exam, named: list[tuple[str, Array]], setting: Setting) -> list[Policy]:
    """The reference's Policy with the weights that came back; Mistake if they are none of its kind."""
    states = bind_policy(named, OBSERVATIONS, ACTIONS)
    states = [state for state in states if len(state["fc1.bias"]) <= WIDEST]
    if not states:
        raise Mistake(
            "The layers of the policy that train returned are not the practical's.",
            "whether the policy comes first, and has two hidden layers and one output for each action",
        )
    return [_policy(exam, state, setting) for state in states]


def _policy(exam: Exam, state: Mapping[str, Array], setting: Setting) -> Policy:
    """The reference's Policy with these weights."""
    with setting.environments(1, 0) as environments:
        policy = exam.reference.Policy(environments.spaces, len(state["fc1.bias"]))
    policy.load_state_dict({name: torch.from_numpy(np.array(value, np.float32)) for name, value in state.items()})
    return policy


def mean_return(policy: Policy, setting: Setting, enough: float = math.inf) -> float:
    """How many steps the policy's likeliest action keeps poles upright, on average, in whole episodes.

    No step is made once it is ``enough``: each is worth 1, so what it comes to can only grow.
    """

    def likeliest(observations: Array) -> Array:
        with torch.no_grad():
            logits = policy(torch.from_numpy(observations.astype(np.float32)))
        return np.asarray(logits.argmax(1).numpy())

    with setting.environments(EPISODES, EVALUATION_SEED) as environments:
        return float(returns_of(likeliest, environments, HORIZON, enough).mean())


def best_return(exam: Exam, enough: float) -> float:
    """The best mean return of a policy that the student's ``train`` makes; later seeds run only below ``enough``.

    No result is taken for hopeless: all seeds are tried, so that their failures are what docs/training.md counts.
    """

    def returns(seed: int) -> Iterator[float]:
        setting = setting_with(seed)
        yield from (mean_return(policy, setting, enough) for policy in trained_policies(exam, setting))

    return best_of(SEEDS, returns, enough, chance=0.0)


@check("training", look_at="the learning curve: do the returns rise, or do they stay where random play is?")
def the_policy_balances_longer_than_chance(exam: Exam) -> None:
    """End to end, `train` returns a policy that keeps the pole up for much longer than an untrained one does."""
    best = best_return(exam, ABOVE_CHANCE)
    if best < ABOVE_CHANCE:
        raise Mistake(f"After a short training the policy drops the pole after {best:.0f} steps on average.")


@check(
    "training",
    weight=2,
    look_at="the learning curve, and whatever a part changes for its next call: counters, caches, seeds",
)
def the_policy_has_learned_to_balance(exam: Exam) -> None:
    """End to end: after a short training the policy keeps the pole up for at least 80 of 500 steps."""
    best = best_return(exam, LEARNED)
    if best < LEARNED:
        raise Mistake(f"After a short training the policy balances for {best:.0f} of {HORIZON} steps on average.")
