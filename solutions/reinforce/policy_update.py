"""Hidden checks of ``policy-update``: update_policy. Parameters are compared after plain SGD steps.

Advantages may be divided by either standard deviation, with n - 1 or with n in its denominator. The latter makes them
larger by the factor k = sqrt(n / (n - 1)). Each check finds one kind of mistake whatever the others are: the advantages
are asked about with a policy whose entropies are 0, and the entropy's part is the difference that entropies make.
"""

from math import sqrt

import numpy as np

from autograder.judging import (
    Answer,
    Exam,
    Mistake,
    Numbers,
    Scene,
    Step,
    Thing,
    Unreached,
    call,
    check,
    expect_unmoved,
    help_with,
    needed,
    sgd,
)
from autograder.rl.updates import Taken, Twice, expect_losses, expect_step, expect_term, left_behind, step_of

from .inputs import baseline, batch, policy

QUESTION = "policy-update"
SIZE = 12
RATE = 0.1
FACTORS = (1.0, sqrt(SIZE / (SIZE - 1)))  # of advantages divided by the standard deviation with n - 1, or with n
SEED, BASELINE = 53, baseline(61)
COEFFICIENTS = (0.7, 0.1, 5.0)
GRADIENT = "the gradient of the log-probabilities, weighted by the advantages"
USUAL, ENTROPIES, OTHER = 0, (2, 3, 4), 5  # steps of the scene
OTHER_SIGN = 94  # the seed of a batch for which the loss has the other sign


def asked() -> Scene:
    """An update of each of several policies: of one whose entropies are 0, twice, and of one with entropies."""
    objects: dict[str, Thing] = {"data": batch(81, SIZE), "other data": batch(OTHER_SIGN, SIZE)}
    steps: list[Step] = []
    ways = [("data", coefficient) for coefficient in (0.0, *COEFFICIENTS)]
    for number, (data, coefficient) in enumerate([*ways, ("other data", 0.0)]):
        names = [f"{name} {number}" for name in ("policy", "baseline", "optimizer")]
        objects |= {names[0]: policy(SEED, entropy=coefficient > 0), names[1]: BASELINE}
        objects[names[2]] = sgd(names[0], rate=RATE)
        steps.append(call("update_policy", data, *names, coefficient))
        steps += [] if number else [help_with("gradients_in", names[0])]
    return Scene(objects, *steps, help_with("gradients_in", "baseline 0"), help_with("frozen", "baseline 0"))


SCENE = asked()


def update(number: int, ending: str = "") -> Step:
    """The call of one of two updates in a row."""
    return call("update_policy", f"data {number}", f"policy{ending}", "baseline", f"optimizer{ending}", 0.0)


def twice(factor: float = 1.0) -> Twice:
    """Two updates without entropy, between which gradients are left behind; the learning rate is multiplied."""
    learning, left = {"policy": policy(SEED, entropy=False)}, left_behind(policy(SEED), 89)
    others = {"baseline": BASELINE, **{f"data {number}": batch(81 + number, SIZE) for number in range(2)}}
    return Twice(learning, others, RATE * factor, update, {"policy": left})


def step_at(exam: Exam, number: int) -> Taken:
    """How far the policy of a step of the scene went in it."""
    return step_of(SCENE, f"policy {max(number - 1, 0)}", exam.play(SCENE), exam.right(SCENE), number)


def factor_of(exam: Exam) -> float:
    """Which of the two standard deviations the advantages are divided by; Mistake unless the policy's step is right."""
    step, reached = step_at(exam, USUAL), exam.play(SCENE).step(1).value("returned")
    if step.is_times(FACTORS[1]):
        return FACTORS[1]
    expect_step(step, "The policy", GRADIENT, reached if isinstance(reached, list) else [])
    return FACTORS[0]


@check(QUESTION, weight=3, look_at="the advantages, how they are normalised, and the log-probability of which action")
def good_actions_become_likelier(exam: Exam) -> None:
    """The policy moves along the log-probability's gradient, weighted by the normalised advantages.

    Without the entropy bonus: all entropies are 0.
    """
    factor_of(exam)


@check(QUESTION, weight=2, look_at="the entropy bonus: its sign, its factor, and the mean over the batch")
def the_entropy_is_paid_for(exam: Exam) -> None:
    """The entropy counts in the policy's loss, weighted by entropy_coef.

    What the entropies change in the policy's step is compared, whatever the rest of it is.
    """
    without = step_at(exam, USUAL)
    if not any(step_at(exam, number).taken.any() for number in (USUAL, *ENTROPIES)):
        raise Unreached
    terms = [step_at(exam, number).beyond(without) for number in ENTROPIES]
    expect_term(terms, COEFFICIENTS, "The entropy bonus", "entropy_coef", "the policy's step")
    both = exam.play(SCENE), exam.right(SCENE)
    losses, due = (np.array([loss(each, n) - loss(each, USUAL) for n in ENTROPIES]) for each in both)
    if not np.allclose(losses, due, rtol=2e-3, atol=1e-3):
        raise Mistake("The step holds the right entropy bonus, and the loss that is returned does not.")


@check(QUESTION, weight=2, look_at="zero_grad, and what the optimiser steps on")
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone, whatever gradients were left behind before it."""
    twice().expect_own_gradient(exam, lambda: twice(factor_of(exam)), GRADIENT)


@check(QUESTION, look_at="the advantages: they are numbers, not functions of the baseline's parameters")
def the_baseline_is_left_alone(exam: Exam) -> None:
    """The update sends no gradient to the baseline, and neither changes nor freezes it."""
    theirs = exam.play(SCENE)
    number = len(SCENE.steps)
    expect_unmoved(SCENE, "baseline 0", theirs, exam.right(SCENE), "the baseline's")
    if theirs.step(number - 2).value("returned") != []:
        raise Mistake("The policy's loss sends a gradient to the baseline.")
    if theirs.step(number - 1).value("returned") != []:
        raise Mistake("The baseline is left frozen: it cannot learn any more.", "requires_grad after the update")


@check(QUESTION, look_at="policy_loss, with both of its terms, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the policy's loss, detached.

    Without the entropy bonus: all entropies are 0.
    """
    theirs, right = exam.play(SCENE), exam.right(SCENE)
    found, due = (np.array([loss(each, number) for number in (USUAL, OTHER)]) for each in (theirs, right))
    factor = next((factor for factor in FACTORS if _close(found, factor * due)), None)
    if factor is None:
        with needed():
            factor_of(exam)
        factor = FACTORS[0]
    expect_losses(found, factor * due, theirs.step(USUAL))


def _close(one: Numbers, other: Numbers) -> bool:
    return bool(np.allclose(one, other, rtol=2e-4, atol=1e-5))


def loss(answer: Answer, step: int) -> float:
    """What an update returned."""
    return answer.step(step).number("returned", "the loss that is returned")
