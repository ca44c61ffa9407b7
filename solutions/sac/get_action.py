"""Hidden checks of ``get-action``: Actor.get_action.

The student's forward is replaced by one whose mean and log_std the judge chose, so that a mistake there costs nothing
here. A get_action that never calls forward is asked again with weights set such that a right network makes the same
mean and log_std. Of the noise, only what came back is known: u = atanh((action - bias) / scale).
"""

import numpy as np

from autograder.judging import Exam, Mistake, Numbers, check, expect_close
from autograder.rl import noise

from . import sampling
from .inputs import ACTIONS
from .sampling import MANY, Draw, drawn

QUESTION = "get-action"


@check(QUESTION, weight=2, look_at="the std that belongs to log_std, and sampling from Normal(mean, std)")
def the_noise_is_gaussian(exam: Exam) -> None:
    """Actions are tanh-squashed samples of a Gaussian with the given mean and standard deviation, for any log_std.

    Noisy: with 2,000 rows to a regime, two dimensions and four tests (three regimes, and all together), the
    Dvoretzky-Kiefer-Wolfowitz bound at a level of 1e-7 each keeps false failures below 4e-7.
    """
    draw = drawn(exam, MANY)
    ranks = draw.ranks()
    noise.expect_uniform(ranks, "The sampled actions")
    for regime, rows in sampling.REGIMES.items():
        noise.expect_uniform(ranks[rows], f"Where the standard deviation is {regime}, the sampled actions")


@check(QUESTION, look_at="the noise's shape: a fresh number for every row, every dimension and every call")
def the_noise_is_fresh(exam: Exam) -> None:
    """Each row, each action dimension and each call has noise of its own.

    Noisy: three means of products of independent signs, each bounded by Hoeffding's inequality at a level of 1e-7,
    keep false failures below 3e-7.
    """
    for what, products in sampling.products_of_signs(drawn(exam, MANY)).items():
        noise.expect_no_agreement(products, what)


@check(QUESTION, weight=2, look_at="the sample's log-density, the correction for the squashing, a sum over dimensions")
def the_log_prob_is_the_actions(exam: Exam) -> None:
    """The log-probability (B, 1) is that of the returned action: Gaussian, corrected for tanh and scale, summed."""
    for size in (MANY, *sampling.SMALL):
        draw = drawn(exam, size)
        rows = draw.readable()
        if not rows.any():
            raise Mistake("All sampled actions lie at the very ends of the action space.")
        expect_close(draw.log_prob[rows], draw.right_log_prob()[rows], "log-probabilities", rtol=1e-3, atol=5e-3)


@check(QUESTION, weight=2, look_at="how the sample is drawn: a gradient must get from the action back to mean and std")
def the_gradients_are_reparameterised(exam: Exam) -> None:
    """Action and log-probability can be differentiated by mean and log_std, through the sample."""
    draw = drawn(exam, MANY)
    rows = draw.readable() & np.isin(np.arange(MANY), sampling.MODERATE)
    expect_gradients(draw.action_gradient[rows], draw.right_action_gradient()[rows], "the action")
    expect_gradients(draw.log_prob_gradient[rows], draw.right_log_prob_gradient()[rows], "the log-probability")


@check(QUESTION, look_at="the third value: tanh of the mean, times action_scale, plus action_bias")
def the_mean_action_and_the_bounds(exam: Exam) -> None:
    """The third value is the squashed and rescaled mean, and no sampled action leaves the action space."""
    for size in (MANY, *sampling.SMALL):
        draw = drawn(exam, size)
        expect_close(draw.mean_action, draw.right_mean_action(), "mean actions", rtol=1e-4, atol=1e-4)
        expect_inside(draw)


def expect_inside(draw: Draw) -> None:
    """Raise Mistake if an action leaves the action space by more than rounding."""
    outside = int((np.abs(draw.squashed) > 1 + 1e-4).sum())
    if outside:
        raise Mistake(f"{outside} of {draw.squashed.size} numbers of the sampled actions are out of bounds.")


def expect_gradients(actual: Numbers, right: Numbers, of: str) -> None:
    """Raise Mistake unless gradients (B, 2 A) by mean and log_std are right."""
    for name, columns in (("mean", slice(0, ACTIONS)), ("log_std", slice(ACTIONS, 2 * ACTIONS))):
        if not actual[:, columns].any():
            raise Mistake(f"No gradient of {of} reaches the {name}.")
        what = f"gradients of {of} by the {name}"
        expect_close(actual[:, columns], right[:, columns], what, rtol=2e-2, atol=2e-2)
