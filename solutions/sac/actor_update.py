"""Hidden checks of ``actor-update``: update_actor. Parameters are compared after plain SGD steps."""

import numpy as np

from autograder.judging import Answer, Exam, Mistake, check, expect_close
from autograder.judging.scenes import Numbers, Scene, call, expect_unmoved, help_with, moved, sgd

from .inputs import actor, batch, critic

QUESTION = "actor-update"
SIZE = 12
CRITICS = (68, 72)  # seeds: each is the smaller in some rows, the first one on average
OTHER_WAY_ROUND = (72, 68)  # tells the smaller critic of each row from the critic that is smaller on average


def scene(alpha: float, critics: tuple[int, int] = CRITICS, updates: int = 1) -> Scene:
    """That many updates with a batch each, and which critics' parameters are frozen then; ``critics`` are seeds."""
    objects = {"actor": actor(53), "qf1": critic(critics[0]), "qf2": critic(critics[1])}
    objects |= {f"data {i}": batch(61 + i, SIZE, dones=(0, 1, 0)) for i in range(updates)}
    objects["optimizer"] = sgd("actor", rate=0.1)
    steps = [call("update_actor", f"data {i}", "actor", "qf1", "qf2", "optimizer", alpha) for i in range(updates)]
    return Scene(objects, *steps, help_with("frozen", "qf1", "qf2"))


ONCE = scene(alpha=0.0)
SAME_CRITICS = scene(alpha=1.6, critics=(68, 68))
TWICE = scene(alpha=0.37, critics=OTHER_WAY_ROUND, updates=2)


def expect_actor(exam: Exam, here: Scene) -> None:
    """Raise Mistake unless the actor is right after every update."""
    theirs, right = exam.play(here), exam.right(here)
    for number in range(len(here.steps) - 1):
        taken, due = moved(here, "actor", theirs, right, number)
        if not taken.any():
            raise Mistake("The actor did not change.", "whether a gradient gets from the loss back to the actor")
        if number == 0 and taken @ due < -0.5 * (due @ due):
            raise Mistake("The actor moves in the wrong direction.", "the signs in the loss: it is made small")
        expect_close(taken, due, "steps of the actor's parameters", rtol=0, atol=2e-3 * abs(due).max())


def losses_of(answer: Answer) -> Numbers:
    """What both updates returned, (2,)."""
    return np.array([answer.step(number).number("returned", "the loss that is returned") for number in range(2)])


@check(QUESTION, weight=2, look_at="the smaller of both critics' values, row by row, of the action sampled now")
def the_actor_climbs_the_smaller_critic(exam: Exam) -> None:
    """The actor moves so that the smaller of the two critics' values of its own actions grows.

    Without entropy (alpha = 0).
    """
    expect_actor(exam, ONCE)


@check(QUESTION, weight=2, look_at="log_pi: of which action it is, its sign and its factor alpha")
def the_actor_keeps_its_entropy(exam: Exam) -> None:
    """The entropy term counts in the actor's loss, weighted by alpha.

    Both critics are the same here, so that it does not matter which one is taken.
    """
    expect_actor(exam, SAME_CRITICS)


@check(QUESTION, look_at="what the optimiser steps on, and that no gradient is left from the update before")
def two_updates_touch_the_actor_alone(exam: Exam) -> None:
    """Two updates in a row are right, and leave the critics as they were."""
    expect_actor(exam, TWICE)
    theirs, right = exam.play(TWICE), exam.right(TWICE)
    for name in ("qf1", "qf2"):
        expect_unmoved(TWICE, name, theirs, right, "a critic's")
    if theirs.step(2).value("returned") != []:
        raise Mistake("The critics are left frozen: they cannot learn any more.", "requires_grad after the update")


@check(QUESTION, look_at="actor_loss, the mean over the batch, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the actor's loss, detached."""
    theirs = exam.play(TWICE)
    expect_close(losses_of(theirs), losses_of(exam.right(TWICE)), "losses", rtol=5e-3, atol=1e-3)
    if theirs.step(0).value("attached") is not False:
        raise Mistake("The loss that is returned is not detached.")
