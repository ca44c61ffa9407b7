"""Tests of noise whose rate of false failures is known: a bound, not a guess, for right code of any kind."""

from math import log, sqrt
from statistics import NormalDist

import numpy as np

from autograder.judging import Mistake, Numbers

GAUSSIAN = NormalDist()
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
    spread = np.abs(ranks - 0.5).mean() / 0.25  # 1 if uniform
    deviation = np.std([GAUSSIAN.inv_cdf(each) for each in np.clip(ranks, 1e-9, 1 - 1e-9)])
    # noise of another shape can have the right deviation, and its ranks spread as those of a wrong one do
    if min(abs(spread - 1), abs(deviation - 1)) > 0.06 and (spread > 1) == (deviation > 1):
        return f"scatter too {'widely' if spread > 1 else 'little'} for their standard deviation"
    return "do not have the shape of a Gaussian"


def expect_tails(beyond: int, number: int, share: float, what: str) -> None:
    """Raise Mistake unless as many of a number of independent samples lie so far out as should.

    ``share`` is the probability with which each does; ``what`` is as far as it goes, in words.
    """
    if strain_of_tails(beyond, number, share) <= 1:
        return
    if not beyond:
        raise Mistake(f"Not one of {number} sampled numbers lies {what}.")
    few = beyond < share * number
    raise Mistake(f"Too {'few' if few else 'many'} of {number} sampled numbers lie {what}: {beyond}.")


def strain_of_tails(beyond: int, number: int, share: float) -> float:
    """How far the number that lies so far out is from what it should be, as a share of what is allowed.

    With KL the divergence of Bernoulli distributions, the share found is as far off on its side of p as q with a
    probability of at most exp(-n KL(q, p)) (Chernoff 1952).
    """
    found = beyond / number
    terms = ((found, share), (1 - found, 1 - share))
    divergence = sum(one * log(one / other) for one, other in terms if one > 0)
    return number * divergence / log(2 / LEVEL)


FEWEST = 400  # pairs of which an agreement is looked for


def strain_of_repetition(signs: Numbers) -> tuple[float, int, bool]:
    """How hard noise repeats itself, as a share of what is allowed, and how.

    ``signs`` are independent and fair, -1 or 1, in a row. Each is compared with the one that stands ``lag`` places
    further on, and, where ``mirrored``, with the one as far from the end as it is from the beginning, ``lag`` places
    off: (strain, lag, mirrored) of what agrees or disagrees most. Products of pairs with one lag are independent and
    fair themselves, so Hoeffding's inequality holds for each of the means; the level is shared among all of them.
    """
    size = signs.size
    spectrum = np.fft.rfft(signs, 2 * size)
    sums = np.fft.irfft(np.abs(spectrum) ** 2, 2 * size)[1:size], np.fft.irfft(spectrum**2, 2 * size)[: 2 * size - 1]
    places = np.arange(2 * size - 1)
    mirrored = np.minimum(places + 1, 2 * size - 1 - places)  # every pair is met twice, an element itself once
    own = np.where(places % 2 == 0, 1.0, 0.0)  # what an element makes with itself
    pairs = (size - np.arange(1, size)).astype(float), (mirrored - own) / 2
    products = sums[0], (sums[1] - own) / 2
    found = [_strains(total, count, 3 * size) for total, count in zip(products, pairs, strict=True)]
    best = int(found[1].max() > found[0].max())
    place = int(found[best].argmax())
    return float(found[best][place]), place - size + 1 if best else place + 1, bool(best)


def _strains(totals: Numbers, pairs: Numbers, tests: int) -> Numbers:
    """The strain of each of so many means; 0 where there are too few pairs."""
    enough = pairs >= FEWEST
    count = np.where(enough, pairs, 1.0)
    allowed = np.sqrt(2 * log(2 * tests / LEVEL) / count) + ROUNDING
    strains: Numbers = np.where(enough, np.abs(totals) / count / allowed, 0.0)
    return strains


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
