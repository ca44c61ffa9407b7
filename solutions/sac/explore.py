"""Hidden checks of ``explore``: choose_actions."""

import numpy as np

from autograder.judging import Answer, Exam, Mistake, Numbers, check, expect_close, fitting_seed
from autograder.judging.scenes import Scene, array, call, help_with, tensor, thing
from autograder.rl.inputs import generator
from autograder.rl.networks import expect_alone

from .inputs import ACTIONS, BIAS, OBSERVATIONS, acted, actor, has_both_signs

QUESTION = "explore"
MANY = 12  # environments
SIZES = np.resize([0.1, 1.0, 10.0, 100.0], (MANY, 1))  # of the observations


def observations(num_envs: int) -> Numbers:
    """Float64 observations (num_envs, O) of all sizes; fewer are the first of many."""
    many: Numbers = generator(83).standard_normal((MANY, OBSERVATIONS)) * SIZES
    return many[:num_envs]


def actor_fits(seed: int) -> bool:
    """Whether actions lie on both sides of the middle, in each dimension."""
    around = acted(seed, observations(MANY))[0] - BIAS
    return all(has_both_signs(each, by=0.1) for each in around.T)


ACTOR = actor(fitting_seed(4, actor_fits))


def chosen(exam: Exam, num_envs: int) -> tuple[Answer, Numbers]:
    """What came of two calls, after each of which PyTorch's noise is looked at, and the second one's actions."""
    objects = {"actor": ACTOR, "obs": array(observations(num_envs)), "device": thing("device")}
    theirs = exam.play(Scene(objects, *[call("choose_actions", "actor", "obs", "device"), help_with("noise")] * 2))
    given = theirs.step(2)
    if given.value("type") != "ndarray":
        words = f"choose_actions returned a {given.value('type')}, but the environment takes a NumPy array."
        raise Mistake(words, "the way from a tensor to NumPy: detach, cpu, numpy", fault=words)
    return theirs, given.array("returned", (num_envs, ACTIONS), f"the actions for {num_envs} environment(s)")


def right_actions(exam: Exam, num_envs: int) -> tuple[Numbers, Numbers]:
    """The actor's sampled and its mean actions (num_envs, A)."""
    scene = Scene({"actor": ACTOR, "x": tensor(observations(num_envs))}, call("actor.get_action", "x"))
    returned = exam.right(scene).step(0).part("returned")
    sampled, mean = (returned.array(name, (num_envs, ACTIONS), "an action") for name in ("0", "2"))
    return sampled, mean


@check(QUESTION, weight=2, look_at="which of get_action's three values is the sample, and obs as a float32 tensor")
def the_actions_are_the_actors_samples(exam: Exam) -> None:
    """Each environment gets the action that the actor sampled for its observation.

    Noisy: four pairs of float32 numbers are all equal by chance with a probability below 1e-20.
    """
    theirs, actions = chosen(exam, MANY)
    sampled, mean = right_actions(exam, MANY)
    if abs(actions - mean).max() < 2e-3:
        raise Mistake("These are the actor's mean actions: they do not explore.", "which of three values is sampled")
    usual = np.ravel(SIZES) <= 1
    expect_close(actions[usual], sampled[usual], "numbers of the actions", atol=1e-4)
    expect_close(actions[~usual], sampled[~usual], "numbers of the actions for large observations", atol=2e-3)
    first, second = (theirs.step(step).array("returned", (4,), "PyTorch's noise") for step in (1, 3))
    if (first == second).all():
        raise Mistake("After every call PyTorch's noise is the same.", "manual_seed: it belongs before the training")


@check(QUESTION, look_at="squeezing or indexing: the first dimension counts environments, even if there is just one")
def one_environment_is_enough(exam: Exam) -> None:
    """With a single environment, its sampled action comes back with the shape (1, A), the same as among many."""
    (_, alone), (_, among) = chosen(exam, 1), chosen(exam, MANY)
    expect_alone(alone, right_actions(exam, 1)[0], among, "action")
