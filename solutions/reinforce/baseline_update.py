"""Hidden checks of ``baseline-update``: update_baseline.

Half of the squared error is as right as the whole: what is compared is parameters after plain SGD steps, up to a scale
of the loss that is common to all updates.
"""

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
    help_with,
    moved,
    sgd,
)
from autograder.rl.inputs import generator, normal

from .inputs import baseline, batch

QUESTION = "baseline-update"
SIZE = 10
RATE = 1e-5  # errors of about 200 make gradients large
BASELINE = baseline(31)
UPDATES = (0, 2)  # which steps of a scene with two updates they are
SCALES = (0.5, 1.0)  # of the loss: half of the squared error, or the whole
SLACK = 1e-3


def scene(updates: int, scale: float = 1.0) -> Scene:
    """That many updates, between which gradients are left behind; the learning rate is multiplied by ``scale``."""
    objects = {"baseline": BASELINE, "optimizer": sgd("baseline", rate=RATE * scale)}
    steps: list[Step] = []
    for number in range(updates):
        objects[f"data {number}"] = batch(41 + number, SIZE)
        steps += [help_with("add_gradients", "baseline", left_behind())] if number else []
        steps.append(call("update_baseline", f"data {number}", "baseline", "optimizer"))
    return Scene(objects, *steps)


def left_behind() -> dict[str, Numbers]:
    """Gradients that something else leaves in the baseline."""
    rng = generator(49)
    weights = BASELINE.values["weights"]
    return {name: normal(rng, *array.shape, scale=500.0).astype(np.float64) for name, array in weights.items()}


def scale_of(exam: Exam, theirs: Answer) -> float:
    """The scale of the student's loss, measured at the first update; Mistake if no convention has it."""
    step, unit = moved(scene(1), "baseline", theirs, exam.right(scene(1)), 0)
    if not step.any():
        raise Mistake("The baseline did not change.", "the step: zero_grad, backward, step, in this order")
    scale = float(step @ unit / (unit @ unit))
    if scale < 0:
        raise Mistake("The baseline moves away from the returns.", "the sign of the loss")
    if not SCALES[0] - SLACK <= scale <= SCALES[1] + SLACK:
        raise Mistake(
            f"The step is too {'large' if scale > 1 else 'small'} for a mean squared error.",
            "the mean over the batch, and which error is squared",
        )
    return scale


def expect_update(exam: Exam, theirs: Answer, number: int) -> None:
    """Raise Mistake unless the baseline is right after an update."""
    here = scene(number + 1, scale_of(exam, theirs))
    taken, due = moved(here, "baseline", theirs, exam.right(here), UPDATES[number])
    expect_close(taken, due, "steps of the baseline's parameters", rtol=0, atol=2e-3 * abs(due).max())


@check(QUESTION, weight=3, look_at="the baseline's predictions, as (B,), and their squared error, averaged")
def the_first_update_is_the_gradient_step(exam: Exam) -> None:
    """One update moves the baseline along the gradient of its mean squared error to the returns."""
    expect_update(exam, exam.play(scene(1)), 0)


@check(QUESTION, weight=2, look_at="zero_grad: gradients add up until it is called")
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone, whatever gradients were left behind before it."""
    theirs = exam.play(scene(2))
    expect_update(exam, theirs, 0)
    try:
        expect_update(exam, theirs, 1)
    except Mistake as mistake:
        happened = f"The first update is right, the second is not: {mistake.happened}"
        raise Mistake(happened, "when old gradients are cleared: before backward, each time") from mistake


@check(QUESTION, look_at="baseline_loss, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the baseline's loss, detached."""
    theirs = exam.play(scene(2))
    losses, expected = losses_of(theirs), losses_of(exam.right(scene(2, scale_of(exam, theirs))))
    ratio, attached = losses[0] / expected[0], theirs.step(0).value("attached")
    if not SCALES[0] - SLACK <= ratio <= SCALES[1] + SLACK or attached is not False:
        raise Mistake("What is returned is not the mean squared error, detached.")
    expect_close(losses, ratio * expected, "losses", rtol=5e-3, atol=1e-3)


def losses_of(answer: Answer) -> Numbers:
    """What both updates returned, (2,)."""
    return np.array([answer.step(step).number("returned", "the loss that is returned") for step in UPDATES])
