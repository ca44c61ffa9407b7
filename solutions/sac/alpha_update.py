"""Hidden checks of ``alpha-update``: update_alpha.

Two losses are right: with exp(log_alpha) as in the paper, and with log_alpha itself as in many codes. Their gradients
by log_alpha are -alpha E[log pi + target entropy] and -E[log pi + target entropy].
"""

from dataclasses import dataclass
from math import exp

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
    help_with,
    needed,
)
from autograder.judging.scenes import expect_unmoved, sgd, tensor, variable
from autograder.rl.updates import CLEARED, LOSS, STEP

from .inputs import acted, actor, batch

QUESTION = "alpha-update"
SIZE = 12
RATE = 0.1
START = 0.6  # of log_alpha: far from 0, where both losses are one
FALL, RISE = -2.0, 3.0  # target entropies below and above the stand-in's entropy
MOST = 30.0  # a log_alpha above which alpha is not looked at: where the update is wrong, it may be any number


@dataclass(frozen=True)
class Update:
    """One update: of which log_alpha, from where, with which batch and target entropy; ``step`` is the scene's."""

    name: str
    start: float
    data: int
    target_entropy: float
    step: int


RISING, FALLING = Update("a", START, 0, RISE, 0), Update("d", START, 0, FALL, 5)
# temperatures as they are at a training's beginning and end, a wide gap, a batch of one
OTHERS = (
    Update("e", -7.0, 0, RISE, 6),
    Update("f", 3.0, 0, FALL, 7),
    Update("g", START, 0, -60.0, 8),
    Update("h", START, 0, 60.0, 9),
    Update("i", START, 2, RISE, 10),
)
FIRST = (RISING, FALLING, *OTHERS)
SECOND, TWIN_FIRST, TWIN_SECOND = 1, Update("b", START, 0, RISE, 2), 4  # of log_alpha a, and of its twin b


def data(number: int) -> Thing:
    """The batch of an update."""
    return batch(71 + number, 1 if number == 2 else SIZE, dones=(0, 1, 0))


def actor_fits(seed: int) -> bool:
    """Whether its entropy lies between the target entropies, is not 0, and is another one in the next batch."""
    first, second, one = (acted(seed, data(number).values["observations"])[1].mean() for number in range(3))
    between = all(1 - RISE < each < -1 - FALL + 0.5 for each in (first, second, one))
    return between and abs(first) > 0.3 and bool(abs(first - second) > 0.2)


ACTOR = actor(fitting_seed(73, actor_fits))


def asked() -> Scene:
    """All updates: first two in a row, then the same of a twin, whose gradient is taken away in between."""
    objects: dict[str, Thing] = {"actor": ACTOR, **{f"data {number}": data(number) for number in range(3)}}
    for each in (*FIRST, TWIN_FIRST):
        objects |= {each.name: variable(np.full(1, each.start)), f"optimizer {each.name}": sgd(each.name, rate=RATE)}
    steps: list[Step] = [step_with(RISING), step_with(RISING, 1)]
    steps += [step_with(TWIN_FIRST), help_with("clear_gradients", TWIN_FIRST.name), step_with(TWIN_FIRST, 1)]
    return Scene(objects, *steps, *map(step_with, FIRST[1:]))


def step_with(each: Update, number: int | None = None) -> Step:
    """The call of an update, with another batch if one is given."""
    batch_of = f"data {each.data if number is None else number}"
    return call("update_alpha", batch_of, "actor", each.name, f"optimizer {each.name}", each.target_entropy)


SCENE = asked()


def log_prob(exam: Exam, number: int) -> float:
    """The stand-in's mean log-probability for a batch."""
    x = tensor(data(number).values["observations"])
    right = exam.right(Scene({"actor": ACTOR, "x": x}, call("actor.get_action", "x"))).step(0)
    return float(right.part("returned").array("1", (len(x.values["value"]), 1), "the log-probability").mean())


def right_moves(exam: Exam, start: float, number: int, target_entropy: float) -> Numbers:
    """How far log_alpha goes in one update, for either of the two right losses, (2,)."""
    gap = log_prob(exam, number) + target_entropy
    return RATE * gap * np.array([exp(start), 1.0])


def log_alpha(answer: Answer, name: str, step: int) -> float:
    """What a log_alpha is after a step."""
    return float(answer.step(step).part("now").array(name, (1,), "log_alpha")[0])


def is_right(exam: Exam, start: float, now: float, number: int, target_entropy: float) -> bool:
    """Whether an update led from ``start`` to ``now`` as one of the right losses does, up to rounding."""
    due = right_moves(exam, start, number, target_entropy)
    return bool((np.abs(now - start - due) <= 1e-3 * np.abs(due) + 1e-6 * (1 + abs(start))).any())


def expect_first(exam: Exam) -> None:
    """Raise Mistake unless every first update is right; it says what all wrong ones have in common."""
    theirs = exam.play(SCENE)
    now = {each.name: log_alpha(theirs, each.name, each.step) for each in FIRST}
    wrong = [each for each in FIRST if not is_right(exam, each.start, now[each.name], each.data, each.target_entropy)]
    if not wrong:
        return
    which = "" if len(wrong) == len(FIRST) else _which(wrong)
    if all(now[each.name] == np.float32(each.start) for each in wrong):
        raise Mistake(f"log_alpha did not change{which}.", LOSS if which else STEP)
    ends = sorted({round(now[each.name], 5) for each in wrong})
    if len(wrong) > len(ends) and len({abs(end) for end in ends}) == 1:
        numbers = " and ".join(f"{end:.3g}" for end in ends)
        raise Mistake(f"Several updates end where they should not, and all at the same: log_alpha is {numbers}.", LOSS)
    factors = np.array([_factors(exam, each, now[each.name]) for each in wrong])
    if (factors < 0).all():
        raise Mistake(f"log_alpha moves in the wrong direction{which}.", "the signs in the loss")
    for common in factors.T:
        if len(wrong) > 1 and np.ptp(common) <= 1e-2 * np.abs(common).max():
            raise Mistake(f"log_alpha moves {common[0]:.3g} times as far as it should{which}.", LOSS)
    raise Mistake(f"log_alpha moves by another amount than it should{which}.", LOSS)


def _factors(exam: Exam, each: Update, now: float) -> Numbers:
    """How many times as far an update went as each of the right losses makes it go, (2,)."""
    return (now - each.start) / right_moves(exam, each.start, each.data, each.target_entropy)


def _which(wrong: list[Update]) -> str:
    """When it is that updates are wrong, in words; nothing where no word fits all."""
    kinds = {
        " where it should rise": [each for each in FIRST if each.target_entropy > 0],
        " where it should fall": [each for each in FIRST if each.target_entropy < 0],
        " with a batch of one": [each for each in FIRST if each.data],
        " with a batch of many": [each for each in FIRST if not each.data],
        " where alpha is far from 1": [each for each in OTHERS if each.start != START],
    }
    return next((words for words, those in kinds.items() if all(each in those for each in wrong)), "")


@check(QUESTION, weight=2, look_at="zero_grad, backward on alpha_loss and step, of a_optimizer")
def one_update_follows_the_gradient(exam: Exam) -> None:
    """One update moves log_alpha along its loss's gradient: up where entropy is short, down where there is enough."""
    expect_first(exam)


@check(QUESTION, look_at=CLEARED)
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone."""
    theirs = exam.play(SCENE)
    _expect_movement(theirs)
    with needed():  # an actor that moves has other log-probabilities in the second update, and so does its twin
        expect_unmoved(SCENE, "actor", theirs, exam.right(SCENE), "the actor's")
    after = log_alpha(theirs, RISING.name, RISING.step)
    second, twin = log_alpha(theirs, RISING.name, SECOND), log_alpha(theirs, TWIN_FIRST.name, TWIN_SECOND)
    if not abs(second - twin) <= 1e-4:
        raise Mistake("The gradient that was there before the second update takes part in it.")
    try:
        expect_first(exam)
    except Mistake:  # which another check tells
        return
    if not is_right(exam, after, second, 1, RISE):
        raise Mistake("The first update is right, the second is not, and the old gradient takes no part in it.", LOSS)


@check(QUESTION, look_at="when alpha is computed: after the step, as exp(log_alpha), a plain number")
def the_new_alpha_comes_back(exam: Exam) -> None:
    """What is returned is alpha after the update, exp(log_alpha), without a graph, and the actor is as it was."""
    theirs = exam.play(SCENE)
    expect_unmoved(SCENE, "actor", theirs, exam.right(SCENE), "the actor's")
    if theirs.step(RISING.step).value("attached") is not False:
        raise Mistake("The alpha that is returned is not detached: its graph leads back to log_alpha.")
    _expect_movement(theirs)
    for each in FIRST:
        now = log_alpha(theirs, each.name, each.step)
        if abs(now) < MOST and now != np.float32(each.start):
            _expect_alpha(theirs, each, now)


def _expect_alpha(theirs: Answer, each: Update, now: float) -> None:
    alpha = theirs.step(each.step).number("returned", "what update_alpha returns")
    if not abs(alpha - exp(now)) <= 1e-3 * exp(now):
        of = {exp(each.start): "alpha before the update", now: "log_alpha itself", each.start: "the old log_alpha"}
        said = [words for value, words in of.items() if abs(alpha - value) <= 1e-4 * abs(value)]
        raise Mistake(f"What is returned is {said[0] if said else 'not exp(log_alpha) after the update'}.")


def _expect_movement(theirs: Answer) -> None:
    """Unreached where no log_alpha moves: then old and new are one."""
    if all(log_alpha(theirs, each.name, each.step) == np.float32(each.start) for each in FIRST):
        raise Unreached
