"""Hidden checks of ``explore``: choose_actions."""

import torch

from autograder.checks import Exam, Mistake, check, expect_close
from autograder.sac import worlds
from autograder.sac.worlds import ACTIONS, OBSERVATIONS

QUESTION = "explore"
MANY = 8  # environments: enough for actions on all sides


def expect_sampled_actions(exam: Exam, num_envs: int) -> None:
    """Raise Mistake unless that many float64 observations get the actor's sampled actions, as a NumPy array."""
    state = worlds.stand_in_actor(4)
    obs = worlds.generator(80 + num_envs).standard_normal((num_envs, OBSERVATIONS))
    answer = exam.ask("explore", actor=worlds.sent(state), obs=obs)
    if answer.value("is an array") is not True:
        raise Mistake(
            f"choose_actions returned a {answer.value('type')}, but the environment takes a NumPy array.",
            "the way from a tensor to NumPy: detach, cpu, numpy",
        )
    actions = answer.array("actions", (num_envs, ACTIONS), f"the actions for {num_envs} environment(s)")
    with torch.no_grad():
        sampled, _, mean = worlds.exact_actor(state).get_action(torch.tensor(obs))
    if abs(actions - worlds.numbers(mean)).max() < 1e-4:
        raise Mistake("These are the actor's mean actions: they do not explore.", "which of three values is sampled")
    expect_close(actions, worlds.numbers(sampled), "numbers of the actions", rtol=1e-3, atol=1e-4)
    noise = answer.array("noise", (2, 4), "PyTorch's noise")
    if (noise[0] == noise[1]).all():
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
