"""Hidden checks of ``explore``: choose_actions."""

from autograder.judging import Exam, Mistake, check, expect_close
from autograder.judging.scenes import Scene, array, call, help_with, tensor, thing
from autograder.rl.inputs import generator

from .inputs import ACTIONS, OBSERVATIONS, actor

QUESTION = "explore"
MANY = 8  # environments: enough for actions on all sides
ACTOR = actor(4)


def expect_sampled_actions(exam: Exam, num_envs: int) -> None:
    """Raise Mistake unless that many float64 observations get the actor's sampled actions, as a NumPy array."""
    obs = generator(80 + num_envs).standard_normal((num_envs, OBSERVATIONS))
    objects = {"actor": ACTOR, "obs": array(obs), "device": thing("device")}
    theirs = exam.play(Scene(objects, *[call("choose_actions", "actor", "obs", "device"), help_with("noise")] * 2))
    given = theirs.step(2)
    if given.value("type") != "ndarray":
        raise Mistake(
            f"choose_actions returned a {given.value('type')}, but the environment takes a NumPy array.",
            "the way from a tensor to NumPy: detach, cpu, numpy",
        )
    actions = given.array("returned", (num_envs, ACTIONS), f"the actions for {num_envs} environment(s)")
    right = exam.right(Scene({"actor": ACTOR, "x": tensor(obs)}, call("actor.get_action", "x"))).step(0)
    sampled, mean = (right.part("returned").array(name, actions.shape, "an action") for name in ("0", "2"))
    if abs(actions - mean).max() < 1e-4:
        raise Mistake("These are the actor's mean actions: they do not explore.", "which of three values is sampled")
    expect_close(actions, sampled, "numbers of the actions", rtol=1e-3, atol=1e-4)
    first, second = (theirs.step(step).array("returned", (4,), "PyTorch's noise") for step in (1, 3))
    if (first == second).all():
        raise Mistake("After every call PyTorch's noise is the same.", "manual_seed: it belongs before the training")


@check(QUESTION, weight=2, look_at="which of get_action's three values is the sample, and obs as a float32 tensor")
def the_actions_are_the_actors_samples(exam: Exam) -> None:
    """Each environment gets the action that the actor sampled for its observation.

    Noisy: four pairs of float32 numbers are all equal by chance with a probability below 1e-20.
    """
    expect_sampled_actions(exam, MANY)


@check(QUESTION, look_at="squeezing or indexing: the first dimension counts environments, even if there is just one")
def one_environment_is_enough(exam: Exam) -> None:
    """With a single environment, its sampled action comes back with the shape (1, A)."""
    expect_sampled_actions(exam, 1)
