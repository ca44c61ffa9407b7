"""Hidden checks of ``get-action``: Actor.get_action.

The student's forward is replaced by one whose mean and log_std the judge chose, so that a mistake there costs nothing
here. A get_action that never calls forward is asked again with weights set such that a right network makes the same
mean and log_std. Of the noise, only what came back is known: u = atanh((action - bias) / scale).
"""

from collections.abc import Callable, Mapping
from math import erfc, sqrt

import numpy as np

from autograder.judging import Exam, Mistake, Numbers, Unreached, check, expect_close
from autograder.rl import noise

from . import sampling
from .inputs import ACTIONS
from .sampling import MANY, Draw, drawn

QUESTION = "get-action"
BOUNDS = (1.02, 2.02, 3.02)  # standard deviations; beside the whole numbers, at which noise may have been cut


@check(
    QUESTION, weight=2, look_at="the std that belongs to log_std, sampling from Normal(mean, std), and the squashing"
)
def the_noise_is_gaussian(exam: Exam) -> None:
    """Actions are tanh-squashed samples of a Gaussian with the given mean and standard deviation, for any log_std.

    Noisy: with 2,400 rows to a regime, two dimensions and four tests (three regimes, and all together), the
    Dvoretzky-Kiefer-Wolfowitz bound at a level of 1e-7 each, and Chernoff's for three tails, keep false failures below
    7e-7.
    """
    draw = drawn(exam, MANY)
    if sampling.standing(draw):
        _expect_a_draw(draw)
    try:
        _expect_gaussian(draw)
    except Mistake as mistake:
        if sampling.repeated(draw):  # then these tests do not hold, and what they would say is not true
            raise Unreached from mistake
        raise


def _expect_a_draw(draw: Draw) -> None:
    """Raise Mistake for a standing sample: without any noise, or, as the other check tells, with one for all."""
    here, again = (np.median(z[draw.readable()]) for z in (draw.z, (draw.again - draw.location) / np.exp(draw.log_std)))
    if abs(here - again) > sampling.SAME:
        raise Unreached
    where = "at its mean" if abs(here) < sampling.SAME else f"{here:.2g} standard deviations from its mean"
    raise Mistake(f"Nothing is drawn: every sample lies {where}, in every call.", "how the sample is drawn")


def _expect_gaussian(draw: Draw) -> None:
    ranks = draw.ranks()
    noise.expect_uniform(ranks, "The sampled actions")
    for regime, rows in sampling.REGIMES.items():
        noise.expect_uniform(ranks[rows], f"Where the standard deviation is {regime}, the sampled actions")
    for bound in BOUNDS:
        beyond, number = sampling.tails(draw, bound)
        words = f"further than {bound} standard deviations from the mean"
        noise.expect_tails(beyond, number, erfc(bound / sqrt(2)), words)


@check(QUESTION, look_at="the noise's shape: a fresh number for every row, every dimension and every call")
def the_noise_is_fresh(exam: Exam) -> None:
    """Each row, each action dimension and each call has noise of its own.

    Noisy: means of products of independent signs, for two calls and for all distances within a batch together, each
    bounded by Hoeffding's inequality at a level of 1e-7, keep false failures below 2e-7.
    """
    draw = drawn(exam, MANY)
    if sampling.standing(draw):
        _expect_noise_of_its_own(draw)
    try:
        _expect_gaussian(draw)
    except Mistake:  # the other check tells; here only what repeats itself number for number is wrong
        if who := sampling.repeated(draw):
            raise Mistake(f"{who} share noise: the same numbers are used again.") from None
        return
    first, again = sampling.signs(draw, draw.u), sampling.signs(draw, draw.again)
    noise.expect_no_agreement((first * again).ravel(), "two calls")
    strain, lag, mirrored = noise.strain_of_repetition(first.ravel())
    if strain > 1:
        raise Mistake(f"{sampling.pairs_of(lag, mirrored)} share noise: their samples depend on each other.")


def _expect_noise_of_its_own(draw: Draw) -> None:
    try:
        _expect_a_draw(draw)
    except Unreached:
        words = "All samples of a batch lie equally far from their means, measured in standard deviations"
        raise Mistake(f"{words}: they share one noise.") from None
    except Mistake:  # there is no noise
        raise Unreached from None


INSTEAD: Mapping[str, Callable[[Draw], Numbers]] = {  # of the right log-probability; tried to say what came back
    "They are right without the correction for the squashing": lambda draw: draw.gaussian.sum(1, keepdims=True),
    "They are right with the correction for the squashing added, not subtracted": lambda draw: (
        draw.gaussian + draw.correction
    ).sum(1, keepdims=True),
    "They are right with the correction for the squashing taken twice": lambda draw: (
        draw.gaussian - 2 * draw.correction
    ).sum(1, keepdims=True),
    "They are right but for the scale of the action": lambda draw: (
        draw.gaussian - np.log(1 - np.tanh(draw.u) ** 2)
    ).sum(1, keepdims=True),
    "They are averaged over the dimensions": lambda draw: (draw.gaussian - draw.correction).mean(1, keepdims=True),
    "In them the correction for the squashing is averaged over the dimensions": lambda draw: (
        draw.gaussian.sum(1, keepdims=True) - draw.correction.mean(1, keepdims=True)
    ),
    "They are those of the squashed mean": lambda draw: (
        -draw.log_std - 0.5 * np.log(2 * np.pi) - np.log(np.abs(1 - np.tanh(draw.location) ** 2))
    ).sum(1, keepdims=True),
}


def expect_log_prob(draw: Draw) -> None:
    """Raise Mistake unless the log-probabilities are those of the actions that came back."""
    rows = draw.readable()
    if not rows.any():
        raise Mistake("All sampled actions lie at the very ends of the action space.")
    allowed = draw.log_prob_tolerance()

    def is_off(due: Numbers) -> Numbers:
        return (np.abs(draw.log_prob - due) > allowed)[rows].astype(float)

    off = is_off(draw.right_log_prob())
    if off.any():
        said = next((f" {words}." for words, due in INSTEAD.items() if not is_off(due(draw)).any()), "")
        raise Mistake(f"{int(off.sum())} of {off.size} log-probabilities are not those of the actions.{said}")


@check(QUESTION, weight=2, look_at="the sample's log-density, the correction for the squashing, a sum over dimensions")
def the_log_prob_is_the_actions(exam: Exam) -> None:
    """The log-probability (B, 1) is that of the returned action: Gaussian, corrected for tanh and scale, summed."""
    for size in (MANY, *sampling.SMALL):
        expect_log_prob(drawn(exam, size))


@check(QUESTION, weight=2, look_at="how the sample is drawn: a gradient must get from the action back to mean and std")
def the_gradients_are_reparameterised(exam: Exam) -> None:
    """Action and log-probability can be differentiated by mean and log_std, through the sample."""
    draw = drawn(exam, MANY)
    rows = draw.readable() & np.isin(np.arange(MANY), sampling.MODERATE)
    is_drawn = _holds(_expect_gaussian, draw) and not sampling.standing(draw)
    expect_gradients(draw.action_gradient[rows], draw.right_action_gradient()[rows], "the action", is_drawn)
    _ = draw.log_prob  # its shape: of another one no gradient is taken
    theirs, due = draw.log_prob_gradient[rows], draw.right_log_prob_gradient()[rows]
    expect_gradients(theirs, due, "the log-probability", _holds(expect_log_prob, draw))


def _holds(expect: Callable[[Draw], None], draw: Draw) -> bool:
    """Whether what another check expects is there: where it is not, no gradient can be right."""
    try:
        expect(draw)
    except Mistake:
        return False
    return True


def expect_gradients(actual: Numbers, right: Numbers, of: str, values_are_right: bool) -> None:
    """Raise Mistake unless gradients (B, 2 A) by mean and log_std are right; of wrong values, some must arrive."""
    if not values_are_right and actual.any():
        return
    for name, columns in (("mean", slice(0, ACTIONS)), ("log_std", slice(ACTIONS, 2 * ACTIONS))):
        if not actual[:, columns].any():
            raise Mistake(f"No gradient of {of} reaches the {name}.")
        what = f"gradients of {of} by the {name}"
        expect_close(actual[:, columns], right[:, columns], what, rtol=5e-3, atol=5e-3)


@check(QUESTION, look_at="the third value: tanh of the mean, times action_scale, plus action_bias")
def the_mean_action_and_the_bounds(exam: Exam) -> None:
    """The third value is the squashed and rescaled mean, and no sampled action leaves the action space."""
    for size in (MANY, *sampling.SMALL):
        draw = drawn(exam, size)
        expect_close(draw.mean_action, draw.right_mean_action(), "mean actions", rtol=1e-5, atol=1e-5)
        expect_inside(draw)


def expect_inside(draw: Draw) -> None:
    """Raise Mistake if an action leaves the action space by more than rounding."""
    outside = int((np.abs(draw.squashed) > 1 + 1e-4).sum())
    if outside:
        raise Mistake(f"{outside} of {draw.squashed.size} numbers of the sampled actions are out of bounds.")
