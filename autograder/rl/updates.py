"""What the checks of updates share: how far parameters went, against where they should have gone, in words.

Parameters are compared after plain gradient steps: there a loss that is multiplied by a factor moves them that much
further, and gradients that were left from before show.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
    expect_close,
    help_with,
    moved,
    needed,
    sgd,
)
from autograder.rl.inputs import generator, normal

TOLERANCE = 3e-4  # of a step's largest number: above what float32 rounds, below what smaller types do
STEP = "zero_grad, backward and step, in this order, and whether a gradient leads from the loss to the parameters"
CLEARED = "when old gradients are cleared: before backward, each time"
LOSS = "the loss: its signs, its factors, sums and means, and what it is computed from"
TWIN = " twin"
SAMPLES = 3  # of one state: asked for more often, an answer is not compared
ROUNDED = 1.2e-7  # of a parameter: what a step may lose where float32 adds it
SLACK = 1e-3  # of a loss's scale


@dataclass(frozen=True)
class Taken:
    """How far all parameters of something went in an update, and how far they should have gone, in a row."""

    taken: Numbers
    due: Numbers
    slack: float = 0.0  # how far rounding may have moved a number of what was taken

    def beyond(self, before: "Taken") -> "Taken":
        """What this step holds that another one lacks, both from the same start."""
        slack = 4e-6 * (np.abs(self.taken).max() + np.abs(before.taken).max()) + self.slack + before.slack
        return Taken(self.taken - before.taken, self.due - before.due, float(slack))

    @property
    def factor(self) -> float:
        """How much longer the step is than it should be, measured along the right direction."""
        return float(self.taken @ self.due / (self.due @ self.due))

    @property
    def is_straight(self) -> bool:
        """Whether it goes along the right direction or exactly against it, by any length."""
        return self.is_times(self.factor)

    def is_times(self, factor: float) -> bool:
        """Whether it is the right step, that many times as long."""
        return alike(self.taken, factor * self.due, self.slack)


def alike(one: Numbers, other: Numbers, slack: float = 0.0) -> bool:
    """Whether two steps are the same, up to rounding."""
    return bool(np.abs(one - other).max() <= TOLERANCE * np.abs(other).max() + slack)


def step_of(scene: Scene, name: str, theirs: Answer, right: Answer, step: int, since: int | None = None) -> Taken:
    """How far a network of the scene went in a step; ``since`` is the step of the update before, if there was one."""
    taken, due = moved(scene, name, theirs, right, step)
    slack = ROUNDED * max(float(np.abs(each).max()) for each in scene.objects[name].values["weights"].values())
    if since is None:
        return Taken(taken, due, slack)
    taken_before, due_before = moved(scene, name, theirs, right, since)
    return Taken(taken - taken_before, due - due_before, 2 * slack)


def expect_step(step: Taken, whose: str, gradient: str, reached: Sequence[object] | None = None) -> None:
    """Raise Mistake unless it is the right step: along ``gradient``, which is the words for what it should follow.

    ``reached`` are the names of the parameters that held a gradient after the update, where these were asked for.
    """
    if not step.taken.any():
        raise Mistake(f"{whose} did not change{in_words(reached)}.", STEP)
    if step.is_times(1.0):
        return
    if step.is_straight:
        way = "against" if step.factor < 0 else "along"
        size = "as far as it should" if step.is_times(-1.0) else f"{abs(step.factor):.3g} times as far as it should"
        raise Mistake(f"{whose} moves {way} {gradient}, {size}.", LOSS)
    raise Mistake(f"{whose} moves in another direction than along {gradient}.")


def in_words(reached: Sequence[object] | None) -> str:
    """Whether gradients are there after an update that changed nothing; nothing where it was not asked."""
    if reached is None:
        return ""
    if reached:
        return ": after the update its gradient is there, and no step was taken with it"
    return ": after the update it has no gradient, or one of zero"


def common_scale(
    steps: Mapping[str, Taken], everyone: str, gradient: str, scales: tuple[float, float], when: str = ""
) -> float:
    """By which scale of the loss everyone moved; Mistake unless it is one, and a convention from the least to the most.

    ``everyone`` is what all of them are called together, ``when`` begins the sentence.
    """

    def who_moves(names: Sequence[str]) -> str:
        who = everyone if len(names) == len(steps) else names[0]
        beginning = who if when or who != everyone else _as_a_beginning(who)
        return f"{when}{beginning} {'move' if len(names) == len(steps) > 1 else 'moves'}"

    if crooked := [name for name, step in steps.items() if not step.is_straight]:
        raise Mistake(f"{who_moves(crooked)} in another direction than along {gradient}.")
    still = [name for name, step in steps.items() if not step.taken.any()]
    if len(still) == len(steps):
        raise Mistake(f"{when}{everyone if when else _as_a_beginning(everyone)} did not change.", STEP)
    for name in still:
        raise Mistake(f"{when}{name} did not change.", STEP)
    if against := [name for name, step in steps.items() if step.factor < 0]:
        raise Mistake(f"{who_moves(against)} exactly against {gradient}.", "the sign of the loss")
    found = {name: step.factor for name, step in steps.items()}
    if np.ptp(list(found.values())) > SLACK * max(found.values()):
        each = " and ".join(f"{name} {scale:.3g} times" for name, scale in found.items())
        raise Mistake(f"{who_moves(list(found))} along {gradient} by different scales: {each} as far.", LOSS)
    scale = float(np.mean(list(found.values())))
    if not scales[0] - SLACK <= scale <= scales[1] + SLACK:
        words = f"{who_moves(list(steps))} along {gradient}, but {scale:.3g} times as far"
        raise Mistake(f"{words}.", "the mean over the batch, the factors, and how often the step is taken")
    return scale


def _as_a_beginning(words: str) -> str:
    return words[:1].upper() + words[1:]


def left_behind(network: Thing, seed: int, scale: float = 1.0) -> dict[str, Numbers]:
    """Gradients that something else leaves in a network."""
    rng, weights = generator(seed), network.values["weights"]
    return {name: normal(rng, *array.shape, scale=scale).astype(np.float64) for name, array in weights.items()}


@dataclass(frozen=True)
class Twice:
    """Two updates in a row, played once as they are and once with twins, whose gradients are taken away in between.

    ``learning`` are the networks that the updates move, ``update`` makes the call of an update from its number and the
    ending of the learning networks' and the optimizer's names, ``left`` the gradients that something else leaves in
    between, by network.
    """

    learning: Mapping[str, Thing]
    others: Mapping[str, Thing]
    rate: float
    update: Callable[[int, str], Step]
    left: Mapping[str, Mapping[str, Numbers]]

    @property
    def scene(self) -> Scene:
        """The scene: both updates, then both of the twins."""
        objects = dict(self.others)
        for ending in ("", TWIN):
            objects |= {f"{name}{ending}": thing for name, thing in self.learning.items()}
            objects[f"optimizer{ending}"] = sgd(*(f"{name}{ending}" for name in self.learning), rate=self.rate)
        twins = [f"{name}{TWIN}" for name in self.learning]
        between = [help_with("add_gradients", name, extra) for name, extra in self.left.items()]
        steps = [help_with("seed_noise"), self.update(0, ""), *between, self.update(1, "")]
        steps += [help_with("seed_noise"), self.update(0, TWIN), help_with("clear_gradients", *twins)]
        return Scene(objects, *steps, self.update(1, TWIN))

    @property
    def updates(self) -> tuple[int, ...]:
        """Which steps the two updates are, and those of the twins."""
        return tuple(number for number, step in enumerate(self.scene.steps) if step.what == "call")

    def expect_fresh_start(self, theirs: Answer, right: Answer) -> None:
        """Raise Mistake unless the second update is the same whether or not gradients were there before it.

        That holds whatever the updates compute. Unreached where the first one moves nothing.
        """
        first, second, twin_first, twin_second = self.updates
        still = True
        for name in self.learning:
            own = step_of(self.scene, name, theirs, right, second, first).taken
            twin = step_of(self.scene, f"{name}{TWIN}", theirs, right, twin_second, twin_first).taken
            still &= not moved(self.scene, name, theirs, right, first)[0].any()
            if not alike(own, twin):
                words = "Gradients that were there before the second update take part in it"
                raise Mistake(f"{words}: with them {name} moves otherwise than without them.", CLEARED)
        if still:
            raise Unreached

    def expect_own_gradient(self, exam: Exam, rightly: Callable[[], "Twice"], gradient: str) -> None:
        """Raise Mistake unless the second update follows its own gradient alone.

        ``rightly`` gives the updates that are right for this student's code, which may scale its loss; where that
        raises Mistake, the first update is another check's finding, and of the second one only the start is judged.
        """
        theirs = exam.play(self.scene)
        self.expect_fresh_start(theirs, exam.right(self.scene))
        try:
            right = exam.right(rightly().scene)
        except Mistake:
            return
        first, second, *_ = self.updates
        for name in self.learning:
            if not step_of(self.scene, name, theirs, right, second, first).is_times(1.0):
                words = "The first update is right, and gradients that were there before the second take no part in it"
                raise Mistake(f"{words}; yet in it {name} does not move along {gradient}.", "what is done beside it")

    def expect_losses_back(
        self, exam: Exam, rightly: Callable[[], "Twice"], scales: tuple[float, float], wrong: str
    ) -> None:
        """Raise Mistake unless both updates return their loss, and the first one detached.

        ``rightly`` is that of ``expect_own_gradient``; where it raises Mistake, only the first loss can be compared.
        ``wrong`` are the words for a loss that is the right one times no scale that is a convention.
        """
        theirs = exam.play(self.scene)
        losses, due = self._losses(theirs), self._losses(exam.right(self.scene))
        if not scales[0] - SLACK <= losses[0] / due[0] <= scales[1] + SLACK:
            with needed():
                rightly()
            raise Mistake(wrong)
        factor = losses[0] / due[0]
        try:
            due = self._losses(exam.right(rightly().scene))
        except Mistake:
            losses, due = losses[:1], due[:1]
        expect_losses(losses, factor * due, theirs.step(self.updates[0]))

    def _losses(self, answer: Answer) -> Numbers:
        """What both updates returned, (2,)."""
        found = [answer.step(step).number("returned", "the loss that is returned") for step in self.updates[:2]]
        return np.array(found)


def expect_losses(losses: Numbers, due: Numbers, first: Answer) -> None:
    """Raise Mistake unless what updates returned is right, and what came of the first one is detached."""
    expect_close(losses, due, "losses that are returned", rtol=2e-4, atol=1e-5)
    if first.value("attached") is not False:
        raise Mistake("The loss that is returned is not detached from its graph.", "detach, or item")


def expect_one_sample(found: Numbers, samples: Sequence[Numbers]) -> None:
    """Raise Mistake unless numbers come of one sample of the actor's, or are a mean of what comes of several.

    ``samples`` are the right numbers by the first sample, by the second one, and so on.
    """
    ranges = [(i, j) for i in range(len(samples)) for j in range(i + 1, len(samples) + 1)]
    if not any(alike(found, np.mean(samples[i:j], axis=0)) for i, j in ranges):
        words = "The actor is asked several times about one state, and what it samples is mixed"
        raise Mistake(f"{words}: the critics' values and the log-probability are not all of one and the same action.")


def expect_term(terms: Sequence[Taken], factors: Sequence[float], what: str, factor: str, where: str) -> None:
    """Raise Mistake unless a term of a sum is right for each value of the factor that belongs to it.

    ``what`` names the term at the beginning of a sentence, ``factor`` its factor, ``where`` what it is a part of.
    """
    if all(np.abs(term.taken).max() <= term.slack for term in terms):
        raise Mistake(f"{what} changes nothing in {where}.")
    if all(term.is_times(1.0) for term in terms):
        return
    if all(term.is_times(-1.0) for term in terms):
        raise Mistake(f"{what} has the right size and the wrong sign in {where}.")
    found = np.array([term.factor for term in terms])
    used = found * factors  # what took the factor's place
    if all(term.is_straight for term in terms) and np.ptp(used) <= 1e-2 * np.abs(used).max():
        raise Mistake(f"{what} is the same in {where} whatever {factor} is.")
    if all(term.is_straight for term in terms) and np.ptp(found) <= 1e-2 * np.abs(found).max():
        raise Mistake(f"{what} is {found.mean():.3g} times what it should be in {where}.")
    if all(term.is_straight for term in terms):
        raise Mistake(f"{what} has another factor than {factor} in {where}.")
    raise Mistake(f"{what} is not right in {where}, and not by a factor or a sign alone.")
