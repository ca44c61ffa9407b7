"""Hidden checks of the question ``training``: the student's own ``train``, run in environments that the judge steps.

What counts in the end is how long the returned actor's mean action, computed here from the network's weights, keeps
pendulums upright that the student's process never sees.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from autograder.judging import Array, Exam, Mistake, check
from autograder.rl.environments import Floats, Lens, Task, returns_of
from autograder.rl.training_ground import SEEDS, Setting, best_of, trained

from .binding import bind_actor

Actor = Any  # the reference's, with the weights that came back

PROFILE: Mapping[str, Any] = {  # the hyperparameters of a short training, by the notebook's names
    "total_timesteps": 1_000,
    "buffer_size": 20_000,
    "gamma": 0.99,
    "tau": 0.1,
    "learning_starts": 150,
    "batch_size": 256,
    "policy_lr": 3e-3,
    "q_lr": 1e-2,
    "policy_frequency": 2,
    "target_network_frequency": 1,
    "hidden_size": 64,
    "seed": 0,
}
NUM_ENVS = 8
ENVIRONMENT = "InvertedPendulum-v5"
HORIZON = 1000  # the steps of an episode that never falls, and so the best return
STRETCH = (10.0, 50.0, 10.0, 5.0)  # cart position, pole angle, cart velocity, angular velocity
PENDULUM = Task(ENVIRONMENT, Lens.draw(STRETCH))
ABOVE_CHANCE = 100.0  # mean return of episodes that are cut at CUT
CUT = 200
LEARNED = 300.0  # mean return of whole episodes
EPISODES = 5
EVALUATION_SEED = 90_001
MOST_READINGS = 4  # ways to read an actor's layers that are tried
WIDEST = 1024  # units of a hidden layer


def setting_with(seed: int) -> Setting:
    """The short training, with that seed."""
    return Setting(PENDULUM, {**PROFILE, "seed": seed}, NUM_ENVS)


def trained_actors(exam: Exam, setting: Setting) -> list[Actor]:
    """Have the student's ``train`` run in that setting; the actor it returns, in each way its layers can be read."""
    return read_actors(exam, trained(exam, setting), setting)


def read_actors(exam: Exam, named: list[tuple[str, Array]], setting: Setting) -> list[Actor]:
    """The reference's Actor with the weights that came back; Mistake if they are none of its kind."""
    actors = [_actor(exam, state, setting) for state in bind_actor(named)[:MOST_READINGS]]
    read = [actor for actor in actors if actor is not None]
    if not read:
        raise Mistake(
            "The layers of the actor that train returned are not the practical's.",
            "whether the actor has two hidden layers and one head each for mean and log_std",
        )
    return read


def _actor(exam: Exam, state: Mapping[str, Array], setting: Setting) -> Actor | None:
    """The reference's Actor with these weights; None if they are of other sizes. Its action bounds are the judge's."""
    hidden = state["fc1.weight"].shape[0]  # a rewritten actor may have a size of its own
    if hidden > WIDEST:
        return None
    with setting.environments(1, 0) as environments:
        actor = exam.reference.Actor(environments.spaces, hidden)
    own = actor.state_dict()
    weights = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in state.items()}
    if any(name not in own or own[name].shape != value.shape for name, value in weights.items()):
        return None
    actor.load_state_dict({**own, **weights})
    return actor


def mean_return(actor: Actor, setting: Setting, horizon: int = HORIZON, enough: float = math.inf) -> float:
    """How many steps the actor's mean action keeps pendulums upright, on average, in episodes of ``horizon`` steps.

    No step is made once it is ``enough``: each is worth 1, so what it comes to can only grow.
    """

    def policy(observations: Array) -> Floats:
        with torch.no_grad():
            _, _, mean = actor.get_action(torch.from_numpy(observations.astype(np.float32)))
        return np.asarray(mean.numpy(), np.float64)

    with setting.environments(EPISODES, EVALUATION_SEED) as environments:
        return float(returns_of(policy, environments, horizon, enough).mean())


def best_return(exam: Exam, enough: float, horizon: int = HORIZON) -> float:
    """The best mean return of an actor that the student's ``train`` makes; later seeds run only below ``enough``."""

    def returns(seed: int) -> Iterator[float]:
        setting = setting_with(seed)
        yield from (mean_return(actor, setting, horizon, enough) for actor in trained_actors(exam, setting))

    return best_of(SEEDS, returns, enough, ABOVE_CHANCE)


@check("training", weight=1, look_at="the learning curve: do the returns rise, or do they stay where random play is?")
def the_actor_balances_longer_than_chance(exam: Exam) -> None:
    """End to end, `train` returns an actor that keeps the pole up for much longer than an untrained one does."""
    best = best_return(exam, ABOVE_CHANCE, CUT)
    if best < ABOVE_CHANCE:
        raise Mistake(f"After a short training the actor drops the pole after {best:.0f} steps on average.")


@check(
    "training",
    weight=2,
    look_at="the learning curve, and whatever a part changes for its next call: counters, caches, seeds",
)
def the_actor_has_learned_to_balance(exam: Exam) -> None:
    """End to end: after a short training the actor's mean action keeps the pole up for at least 300 of 1000 steps."""
    best = best_return(exam, LEARNED)
    if best < LEARNED:
        raise Mistake(f"After a short training the actor balances for {best:.0f} of {HORIZON} steps on average.")
