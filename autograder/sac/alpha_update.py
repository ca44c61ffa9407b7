"""Hidden checks of ``alpha-update``: update_alpha.

Two losses are right: with exp(log_alpha) as in the paper, and with log_alpha itself as in many codes. Their gradients
by log_alpha are -alpha E[log pi + target entropy] and -E[log pi + target entropy].
"""

from math import exp

import numpy as np
import torch

from autograder.checks import Answer, Exam, Mistake, check, expect_close
from autograder.sac import worlds
from autograder.sac.worlds import State

QUESTION = "alpha-update"
SIZE = 12
RATE = 0.1
START = 0.6  # of log_alpha: far from 0, where both losses are one
FALL, RISE = -2.0, 3.0  # target entropies below and above the stand-in's entropy


def batches(count: int) -> list[State]:
    """One batch for each update."""
    return [worlds.transitions(71 + number, SIZE, dones=(0, 1, 0)) for number in range(count)]


def ask(exam: Exam, target_entropy: float, count: int) -> Answer:
    """What the student's function does in that many updates."""
    return exam.ask(
        "alpha_update",
        batches=worlds.all_sent(batches(count)),
        actor=worlds.sent(worlds.stand_in_actor(73)),
        log_alpha=START,
        target_entropy=target_entropy,
        learning_rate=RATE,
    )


def paths(target_entropy: float, count: int) -> list[list[float]]:
    """log_alpha after each update, for either of the two right losses."""
    actor = worlds.exact_actor(worlds.stand_in_actor(73))
    found = []
    for of_log_alpha in (exp, lambda _: 1.0):
        log_alpha, path = START, []
        for data in batches(count):
            with torch.no_grad():
                _, log_pi, _ = actor.get_action(worlds.tensor(data["observations"]))
            log_alpha += RATE * of_log_alpha(log_alpha) * float(log_pi.mean() + target_entropy)
            path.append(log_alpha)
        found.append(path)
    return found


def path_taken(answer: Answer, target_entropy: float, count: int) -> list[float]:
    """The one of the right paths that log_alpha took; Mistake if it took none."""
    actual = np.array([answer.array(f"log_alpha {number}", (1,), "log_alpha")[0] for number in range(count)])
    for path in paths(target_entropy, count):
        if np.allclose(actual, path, rtol=1e-3, atol=1e-4):
            return path
    if actual[0] == np.float32(START):
        raise Mistake("log_alpha did not change.", "the step: zero_grad, backward, step, in this order")
    if (actual[0] - START) * (paths(target_entropy, 1)[0][0] - START) < 0:
        raise Mistake("log_alpha moves in the wrong direction.", "what the loss is and what is done with it")
    if np.isclose(actual[0], [path[0] for path in paths(target_entropy, 1)], rtol=1e-3, atol=1e-4).any():
        raise Mistake("The first update is right, the second is not.", "zero_grad: gradients add up until it is called")
    raise Mistake("log_alpha moves by a wrong amount.", "which gradients the optimiser's step sees")


@check(QUESTION, weight=2, look_at="zero_grad, backward on alpha_loss and step, of a_optimizer")
def one_update_follows_the_gradient(exam: Exam) -> None:
    """One update moves log_alpha along its loss's gradient: up where entropy is short, down where there is enough."""
    for target_entropy in (FALL, RISE):
        path_taken(ask(exam, target_entropy, 1), target_entropy, 1)


@check(QUESTION, look_at="zero_grad: gradients add up until it is called")
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone."""
    path_taken(ask(exam, RISE, 2), RISE, 2)


@check(QUESTION, look_at="when alpha is computed: after the step, as exp(log_alpha)")
def the_new_alpha_comes_back(exam: Exam) -> None:
    """What is returned is alpha after the update, exp(log_alpha), and the actor is as it was."""
    answer = ask(exam, RISE, 2)
    path = path_taken(answer, RISE, 2)
    actual = [answer.number(f"alpha {number}", "what update_alpha returns") for number in range(2)]
    expect_close(np.array(actual), np.exp(path), "values of alpha", rtol=1e-3, atol=1e-4)
    after, before = answer.part("actor"), worlds.stand_in_actor(73)
    for name in before.keys() - worlds.rescaling().keys():
        array = before[name]
        actual_array = after.array(name, array.shape, name)
        expect_close(actual_array, array.astype(np.float64), f"parameters in the actor's {name}", rtol=0, atol=1e-7)
