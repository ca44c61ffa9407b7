"""What get_action drew, and what follows from it: the judge's side of ``get-action``.

Source of the formulas: 1801.01290, appendix C (log-probability of a tanh-squashed Gaussian). What noise may do is said
in ``autograder/rl/noise.py``.
"""

from dataclasses import dataclass
from math import log, pi
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import torch

from autograder.judging import Answer, Array, Exam
from autograder.judging.scenes import Numbers, Scene, call, help_with
from autograder.rl.inputs import State, generator, normal
from autograder.rl.noise import strain_of_repetition

from . import networks
from .inputs import ACTIONS, BIAS, HIDDEN, SCALE, spaces

REGIME = 2400  # rows of each regime
REGIMES: Final = {name: slice(i * REGIME, (i + 1) * REGIME) for i, name in enumerate(("moderate", "small", "large"))}
MODERATE = np.arange(REGIME)
LOG_STDS: Final = {"moderate": (-1.5, 0.5), "small": (-4.99, -3.5), "large": (1.0, 1.99)}
MEANS: Final = {"moderate": 1.2, "small": 2.7, "large": 1.2}  # the largest of a regime
MANY = 3 * REGIME
SAME = 0.003  # standard deviations: samples that are as close are one and the same
REPEATED = 0.2  # the share of all noise above which it is no accident
SMALL = (1, ACTIONS)  # a batch of one, and one as large as the action, where a sum over the wrong dimension fits
SATURATED = 4.0  # beyond this |u| a float32 action no longer tells u
ROUNDED = 1e-6  # what float32 may do to tanh(u)
READABLE = 3.0  # up to this |u| log-probabilities and gradients are compared


@dataclass(frozen=True)
class Draw:
    """One batch of answers, with the mean and the log_std (B, A) that belong to it; everything is float64."""

    location: Numbers
    log_std: Numbers
    squashed: Numbers  # (action - bias) / scale, (B, A)
    again: Numbers  # u of the second call
    answer: Answer  # with the rest of what came back
    between: Numbers  # (B, 2 A): what the gradients that came back are divided by
    weigh_action: Numbers  # (B, A)
    weigh_log_prob: Numbers  # (B, 1)

    @property
    def log_prob(self) -> Numbers:
        """The log-probability (B, 1) that came back.

        At the very ends of the action space a correction without a small constant is the logarithm of 0.
        """
        what = f"the log-probability for a batch of {len(self.u)}"
        return self.answer.array("log_prob", (len(self.u), 1), what, rows=within(self.u, SATURATED))

    @property
    def mean_action(self) -> Numbers:
        """The mean action (B, A) that came back."""
        return self.answer.array("mean", self.u.shape, f"the mean action for a batch of {len(self.u)}")

    @property
    def action_gradient(self) -> Numbers:
        """The gradient (B, 2 A) of the weighted sum of actions, by mean and by log_std."""
        return self._gradient("action gradient", "the action's gradient")

    @property
    def log_prob_gradient(self) -> Numbers:
        """The gradient (B, 2 A) of the weighted sum of log-probabilities, by mean and by log_std."""
        return self._gradient("log_prob gradient", "the log-probability's gradient")

    def _gradient(self, name: str, what: str) -> Numbers:
        found = self.answer.array(name, self.between.shape, what, rows=within(self.u, SATURATED))
        return found / self.between

    @property
    def u(self) -> Numbers:
        """The sample before the squashing, (B, A)."""
        return unsquashed(self.squashed * SCALE + BIAS)

    def readable(self) -> npt.NDArray[np.bool_]:
        """The rows (B,) whose u is known well in both dimensions."""
        return within(self.u, READABLE)

    def ranks(self) -> Numbers:
        """Where each u stands in its Gaussian, (B, A): uniform in [0, 1] if u is its sample.

        Beyond ``SATURATED`` only the side is known: there the rank is drawn anew from what is left on that side, which
        leaves it exactly uniform.
        """
        low, high = (self.rank_of(bound) for bound in (-SATURATED, SATURATED))
        noise = generator(77).uniform(size=self.u.shape)
        rank = np.where(self.u < -SATURATED, noise * low, self.rank_of(np.clip(self.u, -SATURATED, SATURATED)))
        return np.where(self.u > SATURATED, high + noise * (1 - high), rank)

    def rank_of(self, u: float | Numbers) -> Numbers:
        """The Gaussian's distribution function at u."""
        z = (u - self.location) / np.exp(self.log_std)
        return cast(Numbers, torch.special.ndtr(torch.from_numpy(np.asarray(z))).numpy())

    def right_mean_action(self) -> Numbers:
        """The squashed and rescaled mean (B, A)."""
        return np.tanh(self.location) * SCALE + BIAS

    @property
    def z(self) -> Numbers:
        """How many standard deviations each sample lies above its mean, (B, A)."""
        return (self.u - self.location) / np.exp(self.log_std)

    @property
    def gaussian(self) -> Numbers:
        """The Gaussian's part of the log-probability of the action that came back, (B, A)."""
        return -0.5 * self.z**2 - self.log_std - 0.5 * log(2 * pi)

    @property
    def correction(self) -> Numbers:
        """What the squashing and the scale take from it, (B, A)."""
        return cast(Numbers, np.log(SCALE * (1 - np.tanh(self.u) ** 2)))

    def right_log_prob(self) -> Numbers:
        """The log-probability (B, 1) of the action that came back."""
        return cast(Numbers, (self.gaussian - self.correction).sum(1, keepdims=True))

    def log_prob_tolerance(self) -> Numbers:
        """How far a right log-probability (B, 1) may be off, since float32 rounds the action that it is read from."""
        slope = 1 - np.tanh(self.u) ** 2
        by_u = (np.abs(self.z) / np.exp(self.log_std) + 2) * ROUNDED / slope
        return cast(Numbers, 1e-3 + (by_u + 2e-6 / slope).sum(1, keepdims=True))  # the usual 1e-6 beside the slope

    def right_action_gradient(self) -> Numbers:
        """With u = mean + std noise: daction/du = scale (1 - tanh(u)^2), du/dmean = 1, du/dlog_std = u - mean."""
        by_u = self.weigh_action * SCALE * (1 - self.squashed**2)
        return np.concatenate([by_u, by_u * (self.u - self.location)], 1)

    def right_log_prob_gradient(self) -> Numbers:
        """The noise held, the Gaussian's part is -log_std and the correction's derivative by u is 2 tanh(u)."""
        by_u = 2 * self.squashed
        parts = [by_u, by_u * (self.u - self.location) - 1]
        return self.weigh_log_prob * np.concatenate(parts, 1)


def parameters(size: int) -> tuple[Numbers, Numbers]:
    """The means and the log_stds (B, A) of a batch: all three regimes, or a few moderate rows."""
    rng = generator(60 + size)
    if size != MANY:
        return rng.uniform(-0.3, 0.3, (size, ACTIONS)), rng.uniform(-1.5, -1.0, (size, ACTIONS))
    means = [rng.uniform(-most, most, (REGIME, ACTIONS)) for most in MEANS.values()]
    log_stds = [rng.uniform(low, high, (REGIME, ACTIONS)) for low, high in LOG_STDS.values()]
    return np.concatenate(means), np.concatenate(log_stds)


def drawn(exam: Exam, size: int) -> Draw:
    """What get_action returns for a batch of that size."""
    location, log_std = parameters(size)
    heads = np.concatenate([location, log_std], 1).astype(np.float32)
    answer = _asked(exam, heads, {})
    if answer.value("forward was called") is True:
        return _read(answer, heads, np.ones_like(heads, np.float64))
    return _drawn_by_weights(exam, location, log_std)


def _drawn_by_weights(exam: Exam, location: Numbers, log_std: Numbers) -> Draw:
    """The same, of a get_action that does not call forward: here its network's weights are set instead."""
    high, low = exam.reference.LOG_STD_MAX, exam.reference.LOG_STD_MIN
    middle, half = (high + low) / 2, (high - low) / 2
    x = np.concatenate([location, np.arctanh((log_std - middle) / half)], 1).astype(np.float32)
    squashed = np.tanh(x[:, ACTIONS:].astype(np.float64))
    heads = np.concatenate([x[:, :ACTIONS], middle + half * squashed], 1)
    # the gradients come back by the observation: what lies between it and the log_std is divided out
    between = np.concatenate([np.ones_like(squashed), half * (1 - squashed**2)], 1)
    draws = []
    for binding in networks.bound_actor(exam, 2 * ACTIONS):
        draws.append(_read(_asked(exam, x, binding.to_student(copying_actor())), heads, between))
        if np.allclose(draws[-1].mean_action, draws[-1].right_mean_action(), rtol=1e-3, atol=1e-3):
            return draws[-1]
    return draws[0]


def copying_actor() -> State:
    """Weights with which the practical's actor returns the observation's halves: x = ReLU(x) - ReLU(-x)."""
    inputs = 2 * ACTIONS
    signs = np.zeros((HIDDEN, inputs), np.float32)
    signs[:inputs], signs[inputs : 2 * inputs] = np.eye(inputs), -np.eye(inputs)
    weights: State = {"fc1": signs, "fc2": np.eye(HIDDEN, dtype=np.float32)}
    weights |= {"fc_mean": signs.T[:ACTIONS].copy(), "fc_logstd": signs.T[ACTIONS:].copy()}
    biases: State = {f"{name}.bias": np.zeros(weight.shape[0], np.float32) for name, weight in weights.items()}
    return {f"{name}.weight": weight for name, weight in weights.items()} | biases


def _weighing(size: int) -> tuple[Array, Array]:
    """The weights of the sums of which gradients are taken: of the actions (B, A), of the log-probabilities (B, 1)."""
    rng = generator(70 + size)
    return normal(rng, size, ACTIONS), normal(rng, size, 1)


def _asked(exam: Exam, x: Array, weights: State) -> Answer:
    """What get_action makes of observations; without weights, forward reads mean and log_std off the observations."""
    setting = [help_with("load", "actor", weights)] if weights else []
    built = call("Actor", "env", HIDDEN, into="actor")
    drawing = help_with("draw", "actor", x, *_weighing(len(x)), not weights)
    scene = Scene({"env": spaces(2 * ACTIONS)}, built, *setting, drawing)
    return exam.play(scene).step(len(scene.steps) - 1).part("returned")


def _read(answer: Answer, heads: Array, between: Numbers) -> Draw:
    """The draw in an answer; ``heads`` (B, 2 A) are mean and log_std, ``between`` what the gradients are divided by."""
    size = len(heads)
    location, log_std = np.hsplit(heads.astype(np.float64), 2)
    weigh_action, weigh_log_prob = (array.astype(np.float64) for array in _weighing(size))
    actions = answer.array("action", (size, ACTIONS), f"the action for a batch of {size}")
    again = answer.array("action again", (size, ACTIONS), f"the action for a batch of {size}")
    return Draw(
        location=location,
        log_std=log_std,
        squashed=(actions - BIAS) / SCALE,
        again=unsquashed(again),
        answer=answer,
        between=between,
        weigh_action=weigh_action,
        weigh_log_prob=weigh_log_prob,
    )


def within(u: Numbers, bound: float) -> npt.NDArray[np.bool_]:
    """The rows (B,) of which no number is larger than the bound in size."""
    return cast(npt.NDArray[np.bool_], (np.abs(u) <= bound).all(1))


def unsquashed(actions: Numbers) -> Numbers:
    """atanh((action - bias) / scale), with what lies on or beyond a bound pulled just inside."""
    edge = 1 - 1e-12
    return np.arctanh(np.clip((actions - BIAS) / SCALE, -edge, edge))


def signs(draw: Draw, u: Numbers) -> Numbers:
    """On which side of its mean each sample (B, A) lies, -1 or 1; a sample at its mean counts as above it."""
    z = (u - draw.location) / np.exp(draw.log_std)
    return np.where(z > -0.002, 1.0, -1.0)


def tails(draw: Draw, bound: float) -> tuple[int, int]:
    """How many samples lie further than ``bound`` standard deviations from their mean, of those of which it shows."""
    shows = np.abs(draw.location) + bound * np.exp(draw.log_std) <= SATURATED
    return int((np.abs(draw.z[shows]) > bound).sum()), int(shows.sum())


def standing(draw: Draw) -> bool:
    """Whether every sample of a batch lies equally far from its mean, as if one number had been drawn, or none."""
    z = draw.z[draw.readable()]
    return bool(z.size and np.quantile(z, 0.95) - np.quantile(z, 0.05) < SAME)


def repeated(draw: Draw) -> str:
    """What of the noise is used several times, number for number, in words; nothing where none is."""
    readable = draw.readable()[:, None]
    z, again = np.where(readable, draw.z, np.nan), (draw.again - draw.location) / np.exp(draw.log_std)
    # where the deviation is moderate: elsewhere a wrong mean or deviation may make unequal noise nearly equal
    moderate = np.where(np.isin(np.arange(MANY), MODERATE)[:, None], z, np.nan)
    if _equal(moderate, again):
        return "Two calls"
    centred = np.where(draw.z > np.nanmedian(z), 1.0, -1.0).ravel()
    _, lag, mirrored = strain_of_repetition(centred)
    flat = z.ravel()
    other = flat[::-1] if mirrored else flat
    shifted = np.roll(other, lag) if mirrored else np.roll(other, -lag)
    first = moderate.ravel()
    return pairs_of(lag, mirrored) if _equal(first, shifted) or _equal(first, -shifted) else ""


def _equal(one: Numbers, other: Numbers) -> bool:
    """Whether a good part of the noise is the same in both, where it can be read."""
    both = np.isfinite(one) & np.isfinite(other)
    return bool(both.any() and (np.abs(one - other)[both] < SAME).mean() > REPEATED)


def pairs_of(lag: int, mirrored: bool) -> str:
    """Whose noise it is that stands ``lag`` numbers further on in a batch's actions, in words."""
    return "The dimensions of one action" if lag == 1 and not mirrored else "Rows of one batch"
