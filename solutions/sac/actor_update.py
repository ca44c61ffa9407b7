"""Hidden checks of ``actor-update``: update_actor. Parameters are compared after plain SGD steps.

Each check finds one kind of mistake whatever the others are: the critics' part is asked of an actor whose
log-probabilities are 0, and the entropy's part is the difference that log-probabilities make.
"""

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
    fitting_seed,
    needed,
)
from autograder.judging.scenes import expect_unmoved, help_with, sgd
from autograder.rl.updates import (
    SAMPLES,
    Taken,
    Twice,
    expect_losses,
    expect_one_sample,
    expect_step,
    expect_term,
    step_of,
)

from .inputs import LARGE, NEARLY_ZERO, acted, actor, batch, critic, has_both_signs, takes_turns, valued

QUESTION = "actor-update"
SIZE, FEW = 12, 7
RATE = 0.1
CRITICS = ("qf1", "qf2")
ALPHAS = (1.6, 0.03, 25.0)
CLIMB = "the gradient of the smaller critic's value"
ENTROPY = "log_pi: of which action it is, its sign and its factor alpha"
USUAL, AROUND, BIG, ALONE, ENTROPIES = 0, 2, 3, 4, (5, 6, 7)  # steps of the scene
APART = 4  # from one critic's seed to the other's
MOST_NEGATIVE = -2.5  # of large values, before something is added that makes them positive
DATA, SOME = batch(61, SIZE, dones=(0, 1, 0)), batch(63, FEW)


def actor_fits(seed: int) -> bool:
    """Whether log-probabilities have both signs."""
    return has_both_signs(acted(seed, DATA.values["observations"])[1], by=0.3)


def values(seed: int, data: Thing) -> Numbers:
    """What a critic's values of the actor's actions are, (B,)."""
    x = data.values["observations"]
    return valued(seed, x, acted(ACTOR, x)[0])


def critics_fit(seed: int) -> bool:
    """Whether each of two critics is the smaller in some rows of both batches, the first one on average.

    And whether large values are positive once something is added to them.
    """
    (one, other), (few, others) = ([values(each, data) for each in (seed, seed + APART)] for data in (DATA, SOME))
    positive = min(few.min(), others.min()) > MOST_NEGATIVE and one.mean() < other.mean() - 0.2
    return bool(positive) and takes_turns(one, other, rows=3) and takes_turns(few, others, rows=1)


ACTOR = fitting_seed(53, actor_fits)
FIRST = fitting_seed(68, critics_fit)
SEEDS = (FIRST, FIRST + APART)  # of the critics


def asked(sample: int | None = None) -> Scene:
    """An update of each of several actors: of one whose critics matter alone in four ways, of one with entropy.

    Each has critics of its own, so that what an update does to these changes no other's. With ``sample`` the actors
    sample another action each time that they are asked; it is the first one's number.
    """
    objects: dict[str, Thing] = {"data": DATA, "few": SOME, "one": batch(64, 1)}
    steps: list[Step] = []
    ways = [
        ("data", SEEDS, 1.0, NEARLY_ZERO),
        ("data", SEEDS[::-1], 1.0, NEARLY_ZERO),
        ("few", SEEDS, LARGE, NEARLY_ZERO),
        ("one", SEEDS, 1.0, NEARLY_ZERO),
        *(("data", SEEDS, 1.0, alpha) for alpha in ALPHAS),
    ]
    for number, (data, seeds, times, alpha) in enumerate(ways):
        names = [f"{name} {number}" for name in ("actor", *CRITICS, "optimizer")]
        objects[names[0]] = actor(ACTOR, alpha != NEARLY_ZERO, sample)
        plus = 3 * times if times != 1 else 0.0  # large values are positive ones, so that the loss is negative there
        objects |= {name: critic(seed, times, plus) for name, seed in zip(names[1:3], seeds, strict=True)}
        objects[names[3]] = sgd(names[0], rate=RATE / times)
        steps.append(call("update_actor", data, *names, alpha))
        steps += [] if number else [help_with("gradients_in", names[0])]
    return Scene(objects, *steps, help_with("frozen", "qf1 0", "qf2 0"))


SCENE = asked()


def update(number: int, ending: str = "") -> Step:
    """The call of one of two updates in a row."""
    return call("update_actor", f"data {number}", f"actor{ending}", *CRITICS, f"optimizer{ending}", 0.37)


TWICE = Twice(
    {"actor": actor(ACTOR)},
    {
        **{name: critic(seed) for name, seed in zip(CRITICS, SEEDS[::-1], strict=True)},
        **{f"data {number}": batch(61 + number, SIZE, dones=(0, 1, 0)) for number in range(2)},
    },
    RATE,
    update,
    {},
)


def step_at(exam: Exam, number: int, sample: int | None = None) -> Taken:
    """How far the actor of a step of the scene went in it; ``sample`` is the one by which it should have gone."""
    name = f"actor {number - 1 if number > USUAL else 0}"
    theirs = exam.play(SCENE if sample is None else asked(0))
    right = exam.right(SCENE if sample is None else asked(sample))
    return step_of(SCENE, name, theirs, right, number)


def expect_samples(exam: Exam, number: int) -> None:
    """Raise Mistake unless the step comes of one sample of each state."""
    steps = [step_at(exam, number, sample) for sample in range(SAMPLES)]
    expect_one_sample(steps[0].taken, [step.due for step in steps])


@check(QUESTION, weight=2, look_at="the smaller of both critics' values, row by row, of the action sampled now")
def the_actor_climbs_the_smaller_critic(exam: Exam) -> None:
    """The actor moves so that the smaller of the two critics' values of its own actions grows.

    Without entropy: the actions' log-probabilities are 0.
    """
    reached = exam.play(SCENE).step(1).value("returned")
    expect_step(step_at(exam, USUAL), "The actor", CLIMB, reached if isinstance(reached, list) else [])
    expect_step(step_at(exam, AROUND), "With the two critics exchanged, the actor", CLIMB)
    expect_step(step_at(exam, BIG), "With Q-values of some hundreds, the actor", CLIMB)
    expect_step(step_at(exam, ALONE), "With a batch of one, the actor", CLIMB)
    expect_samples(exam, USUAL)


def are_cut(exam: Exam) -> bool:
    """Whether several steps are too short, and all of these as long as the same norm of a gradient makes them."""
    rates = {USUAL: RATE, AROUND: RATE, BIG: RATE / LARGE, **dict.fromkeys(ENTROPIES, RATE)}
    short = [(step, rate) for number, rate in rates.items() if not (step := step_at(exam, number)).is_times(1.0)]
    norms = [np.linalg.norm(step.taken) / rate for step, rate in short if step.is_straight and 0 < step.factor < 1]
    return 1 < len(short) == len(norms) and bool(np.ptp(norms) <= 1e-3 * max(norms))


@check(QUESTION, weight=2, look_at=ENTROPY)
def the_actor_keeps_its_entropy(exam: Exam) -> None:
    """The entropy term counts in the actor's loss, weighted by alpha.

    What the actions' log-probabilities change in the actor's step is compared, whatever the rest of it is.
    """
    without = step_at(exam, USUAL)
    if not any(step_at(exam, number).taken.any() for number in (USUAL, *ENTROPIES)):
        raise Unreached
    if are_cut(exam):  # and so is what the log-probabilities change
        raise Unreached
    terms = [step_at(exam, number).beyond(without) for number in ENTROPIES]
    expect_term(terms, ALPHAS, "The entropy term", "alpha", "the actor's step")
    if _is_of_one_sample(exam):  # else another check tells, and it is unknown of which action log_pi is
        expect_samples(exam, ENTROPIES[0])
    try:
        plain, losses = (np.array([loss(each, USUAL) for each in _both(exam)]), _terms(exam))
    except Mistake:  # no number comes back, as another check tells
        return
    if _close(*plain) and not np.allclose(*losses, rtol=2e-3, atol=1e-3):
        raise Mistake("The step holds the right entropy term, and the loss that is returned does not.")


def _terms(exam: Exam) -> tuple[Numbers, Numbers]:
    """What the log-probabilities change in the losses that are returned, and what they should change."""
    found, due = (np.array([loss(each, n) - loss(each, USUAL) for n in ENTROPIES]) for each in _both(exam))
    return found, due


def _is_of_one_sample(exam: Exam) -> bool:
    try:
        expect_samples(exam, USUAL)
    except Mistake:
        return False
    return True


def _both(exam: Exam) -> tuple[Answer, Answer]:
    return exam.play(SCENE), exam.right(SCENE)


def loss(answer: Answer, step: int) -> float:
    """What an update returned."""
    return answer.step(step).number("returned", "the loss that is returned")


@check(QUESTION, look_at="what the optimiser steps on, and that no gradient is left from the update before")
def two_updates_touch_the_actor_alone(exam: Exam) -> None:
    """A second update follows its own gradient alone, and both leave the critics as they were."""
    theirs, right = exam.play(TWICE.scene), exam.right(TWICE.scene)
    for name in CRITICS:
        expect_unmoved(TWICE.scene, name, theirs, right, f"{name}'s")
    frozen = exam.play(SCENE).step(len(SCENE.steps) - 1).value("returned")
    if frozen != []:
        raise Mistake("The critics are left frozen: they cannot learn any more.", "requires_grad after the update")
    TWICE.expect_own_gradient(exam, lambda: _of_a_right_first_update(theirs, right), "the gradient of its loss")


def _of_a_right_first_update(theirs: Answer, right: Answer) -> Twice:
    """The two updates; Mistake if the first one is not right."""
    expect_step(step_of(TWICE.scene, "actor", theirs, right, TWICE.updates[0]), "The actor", CLIMB)
    return TWICE


@check(QUESTION, look_at="actor_loss, the mean over the batch, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the actor's loss, detached.

    Without entropy: the actions' log-probabilities are 0.
    """
    theirs, right = _both(exam)
    losses, due = (np.array([loss(each, number) for number in (USUAL, BIG, ALONE)]) for each in (theirs, right))
    if not _close(losses, due):
        with needed():
            the_actor_climbs_the_smaller_critic.run(exam)
    expect_losses(losses, due, theirs.step(USUAL))


def _close(one: Numbers, other: Numbers) -> bool:
    return bool(np.allclose(one, other, rtol=2e-4, atol=1e-5))
