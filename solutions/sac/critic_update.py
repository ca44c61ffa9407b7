"""Hidden checks of ``critic-update``: update_critics.

Half of the squared error, or the mean over both critics, is as right as their sum: what is compared is parameters
after plain SGD steps, up to one positive scale of the loss that is common to both critics and all updates.
"""

import numpy as np

from autograder.judging import Answer, Exam, Mistake, check, expect_close
from autograder.judging.scenes import Numbers, Scene, Step, call, help_with, moved, sgd, tensor
from autograder.rl.inputs import generator, normal

from .inputs import batch, critic

QUESTION = "critic-update"
SIZE = 10
RATE = 0.05
CRITICS = {"qf1": critic(31), "qf2": critic(32)}
UPDATES = (0, 3)  # which steps of a scene with two updates they are
SCALES = (0.25, 1.0)  # of the loss: the least and the largest that is a convention
SLACK = 1e-3


def scene(updates: int, scale: float = 1.0) -> Scene:
    """That many updates, between which gradients are left behind; the learning rate is multiplied by ``scale``.

    Some of the targets are so far off that a Huber loss would show.
    """
    objects = {**CRITICS, "optimizer": sgd(*CRITICS, rate=RATE * scale)}
    steps: list[Step] = []
    for number in range(updates):
        objects[f"data {number}"] = batch(41 + number, SIZE, dones=(0, 1, 0))
        objects[f"target {number}"] = tensor(normal(generator(45 + number), SIZE, scale=3.0))
        steps += left_behind() if number else []
        steps.append(call("update_critics", f"data {number}", f"target {number}", "qf1", "qf2", "optimizer"))
    return Scene(objects, *steps)


def left_behind() -> list[Step]:
    """Something else leaves gradients in both critics."""
    rng, steps = generator(49), []
    for name, network in CRITICS.items():
        extra = {part: normal(rng, *array.shape) for part, array in network.values["weights"].items()}
        steps.append(help_with("add_gradients", name, extra))
    return steps


def steps_of(theirs: Answer, right: Answer, step: int, *names: str) -> tuple[Numbers, Numbers]:
    """How far all parameters of these critics went until after a step, in the student's and in the right answer."""
    pairs = [moved(scene(2), name, theirs, right, step) for name in names]
    return np.concatenate([their for their, _ in pairs]), np.concatenate([our for _, our in pairs])


def scale_of(exam: Exam, theirs: Answer) -> float:
    """The scale of the student's loss, measured at the first update; Mistake if no convention has it."""
    step, unit = steps_of(theirs, exam.right(scene(1)), 0, *CRITICS)
    if not step.any():
        raise Mistake("Neither critic changed.", "the step: zero_grad, backward, step, in this order")
    scale = float(step @ unit / (unit @ unit))
    if scale < 0:
        raise Mistake("The critics move away from the target.", "the sign of the loss")
    if not SCALES[0] - SLACK <= scale <= SCALES[1] + SLACK:
        raise Mistake(
            f"The step is too {'large' if scale > 1 else 'small'} for a mean squared error.",
            "the mean over the batch, and which error is squared",
        )
    return scale


def expect_update(exam: Exam, theirs: Answer, number: int) -> None:
    """Raise Mistake unless both critics are right after an update."""
    right = exam.right(scene(number + 1, scale_of(exam, theirs)))
    for name in CRITICS:
        taken, due = steps_of(theirs, right, UPDATES[number], name)
        if not taken.any():
            raise Mistake(f"{name} did not change.", "whether both losses reach the step")
        expect_close(taken, due, f"steps of {name}'s parameters", rtol=0, atol=2e-3 * abs(due).max())


@check(QUESTION, weight=3, look_at="the critics' values of the batch's own actions, as (B,), and their squared error")
def the_first_update_is_the_gradient_step(exam: Exam) -> None:
    """One update moves both critics along the gradient of their mean squared error to the target."""
    expect_update(exam, exam.play(scene(1)), 0)


@check(QUESTION, weight=2, look_at="zero_grad: the actor's update leaves gradients in the critics too")
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone, whatever gradients were left behind before it."""
    theirs = exam.play(scene(2))
    expect_update(exam, theirs, 0)
    try:
        expect_update(exam, theirs, 1)
    except Mistake as mistake:
        happened = f"The first update is right, the second is not: {mistake.happened}"
        raise Mistake(happened, "when old gradients are cleared: before backward, each time") from mistake


@check(QUESTION, look_at="qf_loss, the sum of both losses, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the loss of both critics, detached."""
    theirs = exam.play(scene(2))
    losses = losses_of(theirs)
    expected = losses_of(exam.right(scene(2, scale_of(exam, theirs))))
    ratio, attached = losses[0] / expected[0], theirs.step(0).value("attached")
    if not SCALES[0] - SLACK <= ratio <= SCALES[1] + SLACK or attached is not False:
        raise Mistake("What is returned is not the sum of both critics' losses, detached.")
    expect_close(losses, ratio * expected, "losses", rtol=5e-3, atol=1e-3)


def losses_of(answer: Answer) -> Numbers:
    """What both updates returned, (2,)."""
    return np.array([answer.step(step).number("returned", "the loss that is returned") for step in UPDATES])
