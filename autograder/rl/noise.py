"""Tests of noise whose rate of false failures is known: a bound, not a guess, for right code of any kind."""

from math import log, sqrt

import numpy as np

from autograder.judging import Mistake, Numbers

LEVEL = 1e-7  # false failures of one test
ROUNDING = 0.003  # what float32 actions may shift a rank by


def expect_uniform(ranks: Numbers, what: str) -> None:
    """Raise Mistake unless independent ranks are uniform in [0, 1], as far as their number tells."""
    if not strain_of_ranks(ranks) <= 1:
        raise Mistake(f"{what} {_fault(np.sort(ranks.ravel()))}.")


def strain_of_ranks(ranks: Numbers) -> float:
    """How far the ranks are from uniform, as a share of what is allowed.

    With n ranks the distance D of their empirical distribution function from the diagonal exceeds d with a probability
    of at most 2 exp(-2 n d^2) (Dvoretzky, Kiefer and Wolfowitz 1956; the constant is Massart's, 1990).
    """
    ordered = np.sort(ranks.ravel())
    steps = np.arange(ordered.size + 1) / ordered.size
    distance = max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max())
    return float(distance / (sqrt(log(2 / LEVEL) / (2 * ordered.size)) + ROUNDING))


def _fault(ranks: Numbers) -> str:
    """How ranks that should be uniform are not, in words."""
    lower, upper = (ranks < 0.5).mean(), (ranks > 0.5).mean()
    if abs(upper - lower) > 0.2:
        return f"lie {'above' if upper > lower else 'below'} their mean too often"
    spread = np.abs(ranks - 0.5).mean()  # 1/4 if uniform
    if abs(spread - 0.25) > 0.02:
        return f"scatter too {'widely' if spread > 0.25 else 'little'} for their standard deviation"
    return "do not have the shape of a Gaussian"


def expect_no_agreement(products: Numbers, what: str) -> None:
    """Raise Mistake unless products of independent fair signs average to nothing, as far as their number tells."""
    if not strain_of_products(products) <= 1:
        raise Mistake(f"The noise of {what} is not independent.")


def strain_of_products(products: Numbers) -> float:
    """How far the products' mean is from nothing, as a share of what is allowed.

    The mean of n of them exceeds d in size with a probability of at most 2 exp(-n d^2 / 2) (Hoeffding 1963). That a
    sample very close to its mean counts as above it, and that z is rounded, shifts the mean by less than ``ROUNDING``.
    """
    return float(abs(products.mean()) / (sqrt(2 * log(2 / LEVEL) / products.size) + ROUNDING))
