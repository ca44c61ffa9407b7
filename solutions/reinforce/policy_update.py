"""Hidden checks of ``policy-update``: update_policy. Parameters are compared after plain SGD steps.

Advantages may be divided by either standard deviation, with n - 1 or with n in its denominator. The latter makes them
larger by the factor k = sqrt(n / (n - 1)), and one loss into the other: k A log pi + c H = k (A log pi + (c / k) H). So
what is right for n is what the reference makes with k times the learning rate and an entropy coefficient of c / k.
"""

from collections.abc import Callable
from functools import partial
from math import sqrt

import numpy as np

from autograder.judging import (
    Answer,
    Exam,
    Mistake,
    Numbers,
    Scene,
    Step,
    call,
    check,
    expect_close,
    expect_unmoved,
    help_with,
    moved,
    sgd,
)
from autograder.rl.inputs import generator, normal

from .inputs import baseline, batch, policy

QUESTION = "policy-update"
SIZE = 12
RATE = 0.1
FACTORS = (1.0, sqrt(SIZE / (SIZE - 1)))  # of advantages divided by the standard deviation with n - 1, or with n
POLICY, BASELINE = policy(53), baseline(61)
UPDATES = (0, 2)  # which steps of a scene with two updates they are


def scene(entropy_coef: float, updates: int = 1, factor: float = 1.0) -> Scene:
    """That many updates with a batch each, between which gradients are left behind, and what the baseline has got."""
    objects = {"policy": POLICY, "baseline": BASELINE, "optimizer": sgd("policy", rate=RATE * factor)}
    steps: list[Step] = []
    for number in range(updates):
        objects[f"data {number}"] = batch(81 + number, SIZE)
        steps += [help_with("add_gradients", "policy", left_behind())] if number else []
        arguments = (f"data {number}", "policy", "baseline", "optimizer", entropy_coef / factor)
        steps.append(call("update_policy", *arguments))
    return Scene(objects, *steps, help_with("gradients_in", "baseline"), help_with("frozen", "baseline"))


def left_behind() -> dict[str, Numbers]:
    """Gradients that something else leaves in the policy."""
    rng = generator(89)
    return {name: normal(rng, *array.shape).astype(np.float64) for name, array in POLICY.values["weights"].items()}


def either(attempt: Callable[[float], None]) -> None:
    """Try both standard deviations; if neither makes it right, what is said is about the first."""
    try:
        attempt(FACTORS[0])
    except Mistake as mistake:
        try:
            attempt(FACTORS[1])
        except Mistake:
            raise mistake from None


def expect_policy(exam: Exam, entropy_coef: float, updates: int = 1) -> None:
    """Raise Mistake unless the policy is right after every update."""
    theirs = exam.play(scene(entropy_coef, updates))
    for number, step in enumerate(UPDATES[:updates], start=1):
        try:
            either(partial(expect_step, exam, theirs, step, entropy_coef, updates))
        except Mistake as mistake:
            if number == 1:
                raise
            happened = f"The first update is right, the second is not: {mistake.happened}"
            raise Mistake(happened, "when old gradients are cleared: before backward, each time") from mistake


def expect_step(exam: Exam, theirs: Answer, step: int, entropy_coef: float, updates: int, factor: float) -> None:
    """Raise Mistake unless the policy is right after a step of the scene."""
    here = scene(entropy_coef, updates, factor)
    taken, due = moved(here, "policy", theirs, exam.right(here), step)
    expect_direction(taken, due)
    expect_close(taken, due, "steps of the policy's parameters", rtol=0, atol=2e-3 * abs(due).max())


def expect_direction(taken: Numbers, due: Numbers) -> None:
    """Raise Mistake where a policy stands still, goes the other way, or goes along the right way by a wrong length."""
    if not taken.any():
        raise Mistake("The policy did not change.", "whether a gradient gets from the loss back to the policy")
    length, along = float(np.linalg.norm(taken)), float(taken @ due / (due @ due))
    if along < -0.5:
        raise Mistake("The policy moves in the wrong direction.", "the signs in the loss: it is made small")
    if length > 3 * np.linalg.norm(due):
        raise Mistake("The policy's step is too large.", "the mean over the batch, and how advantages are normalised")


@check(QUESTION, weight=3, look_at="the advantages, how they are normalised, and the log-probability of which action")
def good_actions_become_likelier(exam: Exam) -> None:
    """The policy moves along the log-probability's gradient, weighted by the normalised advantages.

    Without the entropy bonus (entropy_coef = 0).
    """
    expect_policy(exam, entropy_coef=0.0)


@check(QUESTION, weight=2, look_at="the entropy bonus: its sign, its factor, and the mean over the batch")
def the_entropy_is_paid_for(exam: Exam) -> None:
    """The entropy counts in the policy's loss, weighted by entropy_coef."""
    expect_policy(exam, entropy_coef=0.7)


@check(QUESTION, weight=2, look_at="zero_grad, and what the optimiser steps on")
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone, whatever gradients were left behind before it."""
    expect_policy(exam, entropy_coef=0.2, updates=2)


@check(QUESTION, look_at="the advantages: they are numbers, not functions of the baseline's parameters")
def the_baseline_is_left_alone(exam: Exam) -> None:
    """The update sends no gradient to the baseline, and neither changes nor freezes it."""
    here = scene(0.2, 2)
    theirs = exam.play(here)
    number = len(here.steps)
    expect_unmoved(here, "baseline", theirs, exam.right(here), "the baseline's")
    if theirs.step(number - 2).value("returned") != []:
        raise Mistake("The policy's loss sends a gradient to the baseline.")
    if theirs.step(number - 1).value("returned") != []:
        raise Mistake("The baseline is left frozen: it cannot learn any more.", "requires_grad after the update")


@check(QUESTION, look_at="policy_loss, with both of its terms, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the policy's loss, detached."""
    theirs = exam.play(scene(0.7, 2))

    def attempt(factor: float) -> None:
        due = factor * losses_of(exam.right(scene(0.7, 2, factor)))
        expect_close(losses_of(theirs), due, "losses", rtol=5e-3, atol=1e-3)

    either(attempt)
    if theirs.step(0).value("attached") is not False:
        raise Mistake("The loss that is returned is not detached.")


def losses_of(answer: Answer) -> Numbers:
    """What both updates returned, (2,)."""
    return np.array([answer.step(step).number("returned", "the loss that is returned") for step in UPDATES])
