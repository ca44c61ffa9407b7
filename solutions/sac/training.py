"""Hidden checks of the question ``training``: the student's own ``train``, run in an environment that the judge steps.

The student's process gets a proxy; what it learns from, and the learning curve, come from the judge's pendulums alone.
What counts in the end is how long the returned actor's mean action, computed here from the network's weights, keeps
pendulums upright that the student's process never sees.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from autograder.judging import Answer, Array, Exam, Mistake, check

from .binding import bind_actor
from .pendulum import HORIZON, Floats, balanced_steps
from .training_ground import PROFILE, Setting, TrainingGround

Actor = Any  # the reference's, with the weights that came back

SEEDS = (1, 2, 3)  # a later one is tried only where those before did not get there
HOPELESS = 2  # so many actors no better than chance, and no other is tried
SECONDS = 300.0  # wall clock, for one training on a busy machine
ABOVE_CHANCE = 100.0  # mean return of episodes that are cut at CUT
CUT = 200
LEARNED = 300.0  # mean return of whole episodes
EPISODES = 5
EVALUATION_SEED = 90_001
MOST_READINGS = 4  # ways to read an actor's layers that are tried
WIDEST = 1024  # units of a hidden layer


def trained_actors(exam: Exam, setting: Setting) -> list[Actor]:
    """Have the student's ``train`` run in that setting; the actor it returns, in each way its layers can be read."""
    ground: TrainingGround | None = None
    try:
        answer = exam.ask("training", handler=partial(TrainingGround, setting), seconds=SECONDS, **setting.question)
        ground = answer.handler
    except Mistake as mistake:
        ground = mistake.handler
        raise
    finally:
        if ground and ground.curve.steps:
            exam.keep_curve(ground.curve)
    return read_actors(exam, answer, setting)


def read_actors(exam: Exam, answer: Answer, setting: Setting) -> list[Actor]:
    """The reference's Actor with the weights that came back; Mistake if they are none of its kind."""
    names, values = answer.value("names"), answer.value("values")
    if not isinstance(names, list) or not isinstance(values, list) or len(names) != len(values):
        raise Mistake("What train returned does not hold the weights of an actor.")
    named: list[tuple[str, Array]] = []
    for name, value in zip(names, values, strict=True):
        if isinstance(name, str) and isinstance(value, np.ndarray) and value.dtype.kind == "f":
            named.append((name, value))
    if not all(np.isfinite(value).all() for _, value in named):
        raise Mistake("Weights of the trained actor are NaN or infinite.", "whether a loss explodes")
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
    with setting.pendulums(1, 0) as pendulums:
        actor = exam.reference.Actor(pendulums.spaces, hidden)
    own = actor.state_dict()
    weights = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in state.items()}
    if any(name not in own or own[name].shape != value.shape for name, value in weights.items()):
        return None
    actor.load_state_dict({**own, **weights})
    return actor


def mean_return(actor: Actor, setting: Setting, horizon: int = HORIZON) -> float:
    """How many steps the actor's mean action keeps pendulums upright, on average, in episodes of ``horizon`` steps."""

    def policy(observations: Floats) -> Floats:
        with torch.no_grad():
            _, _, mean = actor.get_action(torch.from_numpy(observations.astype(np.float32)))
        return np.asarray(mean.numpy(), np.float64)

    with setting.pendulums(EPISODES, EVALUATION_SEED) as pendulums:
        return float(balanced_steps(policy, pendulums, horizon).mean())


def best_return(exam: Exam, enough: float, horizon: int = HORIZON) -> float:
    """The best mean return of an actor that the student's ``train`` makes; later seeds run only below ``enough``."""
    best = 0.0
    for tried, seed in enumerate(SEEDS):
        if best >= enough or (tried >= HOPELESS and best < ABOVE_CHANCE):
            break
        setting = Setting({**PROFILE, "seed": seed})
        best = max(best, *(mean_return(actor, setting, horizon) for actor in trained_actors(exam, setting)))
    return best


@check("training", weight=1, look_at="the learning curve: do the returns rise, or do they stay where random play is?")
def the_actor_balances_longer_than_chance(exam: Exam) -> None:
    """`train` returns an actor that keeps the pole up for much longer than an untrained one does."""
    best = best_return(exam, ABOVE_CHANCE, CUT)
    if best < ABOVE_CHANCE:
        raise Mistake(f"After a short training the actor drops the pole after {best:.0f} steps on average.")


@check("training", weight=2, look_at="the signs, the minimum and the entropy term of the losses")
def the_actor_has_learned_to_balance(exam: Exam) -> None:
    """After a short training the actor's mean action keeps the pole up for at least 300 of 1000 steps."""
    best = best_return(exam, LEARNED)
    if best < LEARNED:
        raise Mistake(f"After a short training the actor balances for {best:.0f} of {HORIZON} steps on average.")
