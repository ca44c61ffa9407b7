"""Hidden checks of ``alpha-update``: update_alpha.

Two losses are right: with exp(log_alpha) as in the paper, and with log_alpha itself as in many codes. Their gradients
by log_alpha are -alpha E[log pi + target entropy] and -E[log pi + target entropy].
"""

from math import exp

import numpy as np

from autograder.judging import Answer, Exam, Mistake, check, expect_close
from autograder.judging.scenes import Scene, Thing, call, expect_unmoved, sgd, tensor, variable

from .inputs import actor, batch

QUESTION = "alpha-update"
SIZE = 12
RATE = 0.1
START = 0.6  # of log_alpha: far from 0, where both losses are one
FALL, RISE = -2.0, 3.0  # target entropies below and above the stand-in's entropy
ACTOR = actor(73)


def data(number: int) -> Thing:
    """The batch of an update."""
    return batch(71 + number, SIZE, dones=(0, 1, 0))


def scene(target_entropy: float, updates: int) -> Scene:
    """That many updates of log_alpha, with a batch each."""
    objects = {"actor": ACTOR, "log_alpha": variable(np.full(1, START)), "optimizer": sgd("log_alpha", rate=RATE)}
    objects |= {f"data {i}": data(i) for i in range(updates)}
    rest = ("actor", "log_alpha", "optimizer", target_entropy)
    return Scene(objects, *(call("update_alpha", f"data {i}", *rest) for i in range(updates)))


def log_prob(exam: Exam, number: int) -> float:
    """The stand-in's mean log-probability for the batch of an update."""
    x = tensor(data(number).values["observations"])
    right = exam.right(Scene({"actor": ACTOR, "x": x}, call("actor.get_action", "x"))).step(0)
    return float(right.part("returned").array("1", (SIZE, 1), "the log-probability").mean())


def paths(exam: Exam, target_entropy: float, updates: int) -> list[list[float]]:
    """log_alpha after each update, for either of the two right losses."""
    found = []
    for of_log_alpha in (exp, lambda _: 1.0):
        log_alpha, path = START, []
        for number in range(updates):
            log_alpha += RATE * of_log_alpha(log_alpha) * (log_prob(exam, number) + target_entropy)
            path.append(log_alpha)
        found.append(path)
    return found


def path_taken(exam: Exam, theirs: Answer, target_entropy: float, updates: int) -> list[float]:
    """The one of the right paths that log_alpha took; Mistake if it took none."""
    now = [theirs.step(number).part("now").array("log_alpha", (1,), "log_alpha")[0] for number in range(updates)]
    actual, right = np.array(now), paths(exam, target_entropy, updates)
    for path in right:
        if np.allclose(actual, path, rtol=1e-3, atol=1e-4):
            return path
    if actual[0] == np.float32(START):
        raise Mistake("log_alpha did not change.", "the step: zero_grad, backward, step, in this order")
    if (actual[0] - START) * (right[0][0] - START) < 0:
        raise Mistake("log_alpha moves in the wrong direction.", "what the loss is and what is done with it")
    if np.isclose(actual[0], [path[0] for path in right], rtol=1e-3, atol=1e-4).any():
        raise Mistake("The first update is right, the second is not.", "zero_grad: gradients add up until it is called")
    raise Mistake("log_alpha moves by a wrong amount.", "which gradients the optimiser's step sees")


@check(QUESTION, weight=2, look_at="zero_grad, backward on alpha_loss and step, of a_optimizer")
def one_update_follows_the_gradient(exam: Exam) -> None:
    """One update moves log_alpha along its loss's gradient: up where entropy is short, down where there is enough."""
    for target_entropy in (FALL, RISE):
        path_taken(exam, exam.play(scene(target_entropy, 1)), target_entropy, 1)


@check(QUESTION, look_at="zero_grad: gradients add up until it is called")
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone."""
    path_taken(exam, exam.play(scene(RISE, 2)), RISE, 2)


@check(QUESTION, look_at="when alpha is computed: after the step, as exp(log_alpha)")
def the_new_alpha_comes_back(exam: Exam) -> None:
    """What is returned is alpha after the update, exp(log_alpha), and the actor is as it was."""
    here = scene(RISE, 2)
    theirs = exam.play(here)
    path = path_taken(exam, theirs, RISE, 2)
    actual = [theirs.step(number).number("returned", "what update_alpha returns") for number in range(2)]
    expect_close(np.array(actual), np.exp(path), "values of alpha", rtol=1e-3, atol=1e-4)
    expect_unmoved(here, "actor", theirs, exam.right(here), "the actor's")
