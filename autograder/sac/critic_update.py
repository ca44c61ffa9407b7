"""Hidden checks of ``critic-update``: update_critics.

Half of the squared error, or the mean over both critics, is as right as their sum: what is compared is parameters
after plain SGD steps, up to one positive scale of the loss that is common to both critics and all updates.
"""

from collections.abc import Sequence

import numpy as np
import torch

from autograder.checks import Answer, Array, Exam, Mistake, check, expect_close
from autograder.sac import worlds
from autograder.sac.worlds import Numbers, State
from solutions import sac as reference

QUESTION = "critic-update"
SIZE = 10
RATE = 0.05
SEEDS = (31, 32)
CRITICS = ("qf1", "qf2")
SCALES = (0.25, 1.0)  # of the loss: the least and the largest that is a convention
SLACK = 1e-3


def batches(count: int) -> tuple[list[State], list[Array]]:
    """Batches and their targets (B,), some of them so far off that a Huber loss would show."""
    data = [worlds.transitions(41 + number, SIZE, dones=(0, 1, 0)) for number in range(count)]
    return data, [worlds.normal(worlds.generator(45 + number), SIZE, scale=3.0) for number in range(count)]


def critics() -> list[State]:
    """The critics' parameters before the first update."""
    return [worlds.stand_in_critic(seed) for seed in SEEDS]


def ask(exam: Exam, count: int) -> Answer:
    """What the student's function does in that many updates, between which gradients are left behind."""
    data, targets = batches(count)
    rng = worlds.generator(49)
    left_over = [{name: worlds.normal(rng, *array.shape) for name, array in state.items()} for state in critics()]
    return exam.ask(
        "critic_update",
        batches=worlds.all_sent(data),
        targets=list(targets),
        critics=worlds.all_sent(critics()),
        left_over=worlds.all_sent(left_over),
        learning_rate=RATE,
    )


def right(count: int, scale: float) -> tuple[list[dict[str, Numbers]], list[float]]:
    """Each critic's parameters after that many updates of a loss of that scale, and the losses at scale 1."""
    networks = [worlds.exact_critic(state) for state in critics()]
    parameters = [parameter for network in networks for parameter in network.parameters()]
    optimizer = torch.optim.SGD(parameters, RATE * scale)
    losses = []
    for data, target in zip(*batches(count), strict=True):
        sample, goal = worlds.exact_transitions(data), worlds.tensor(target)
        losses.append(float(reference.update_critics(sample, goal, networks[0], networks[1], optimizer)))
    after = [{name: worlds.numbers(each) for name, each in network.named_parameters()} for network in networks]
    return after, losses


def after(answer: Answer, number: int) -> list[dict[str, Numbers]]:
    """Each critic's parameters after an update, as they came back."""
    return [
        {name: answer.part(f"{critic} {number}").array(name, array.shape, name) for name, array in state.items()}
        for critic, state in zip(CRITICS, critics(), strict=True)
    ]


def steps(states: Sequence[dict[str, Numbers]]) -> Numbers:
    """How far all parameters of both critics went since the start, in a row."""
    return np.concatenate([worlds.step(state, old) for state, old in zip(states, critics(), strict=True)])


def scale_of(answer: Answer) -> float:
    """The scale of the student's loss, as the first update tells it; Mistake if it is none that is a convention."""
    step, unit = steps(after(answer, 0)), steps(right(1, 1.0)[0])
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


def expect_update(answer: Answer, number: int) -> None:
    """Raise Mistake unless both critics are right after an update."""
    scale = scale_of(answer)
    states, _ = right(number + 1, scale)
    before = critics()
    for name, actual, expected, old in zip(CRITICS, after(answer, number), states, before, strict=True):
        taken, due = worlds.step(actual, old), worlds.step(expected, old)
        if not taken.any():
            raise Mistake(f"{name} did not change.", "whether both losses reach the step")
        expect_close(taken, due, f"steps of {name}'s parameters", rtol=0, atol=2e-3 * abs(due).max())


@check(QUESTION, weight=3, look_at="the critics' values of the batch's own actions, as (B,), and their squared error")
def the_first_update_is_the_gradient_step(exam: Exam) -> None:
    """One update moves both critics along the gradient of their mean squared error to the target."""
    expect_update(ask(exam, 1), 0)


@check(QUESTION, weight=2, look_at="zero_grad: the actor's update leaves gradients in the critics too")
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone, whatever gradients were left behind before it."""
    answer = ask(exam, 2)
    expect_update(answer, 0)
    try:
        expect_update(answer, 1)
    except Mistake as mistake:
        happened = f"The first update is right, the second is not: {mistake.happened}"
        raise Mistake(happened, "when old gradients are cleared: before backward, each time") from mistake


@check(QUESTION, look_at="qf_loss, the sum of both losses, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the loss of both critics, detached."""
    answer = ask(exam, 2)
    losses = [answer.number(f"loss {number}", "the loss that is returned") for number in range(2)]
    expected = right(2, scale_of(answer))[1]
    ratio = losses[0] / expected[0]
    if not SCALES[0] - SLACK <= ratio <= SCALES[1] + SLACK or answer.value("attached 0") is not False:
        raise Mistake("What is returned is not the sum of both critics' losses, detached.")
    expect_close(np.array(losses), ratio * np.array(expected), "losses", rtol=5e-3, atol=1e-3)
