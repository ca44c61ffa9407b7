"""Hidden checks of ``actor-update``: update_actor. Parameters are compared after plain SGD steps."""

from dataclasses import dataclass

import numpy as np
import torch

from autograder.checks import Answer, Exam, Mistake, check, expect_close
from autograder.sac import worlds
from autograder.sac.worlds import Numbers, State
from solutions import sac as reference

QUESTION = "actor-update"
SIZE = 12
RATE = 0.1
CRITICS = (68, 72)  # seeds: each is the smaller in some rows, the first one on average
OTHER_WAY_ROUND = (72, 68)  # tells the smaller critic of each row from the critic that is smaller on average


@dataclass(frozen=True)
class Case:
    """What an actor's update starts from; ``critics`` are seeds."""

    alpha: float
    critics: tuple[int, int] = CRITICS
    updates: int = 1

    @property
    def batches(self) -> list[State]:
        """One batch for each update."""
        return [worlds.transitions(61 + number, SIZE, dones=(0, 1, 0)) for number in range(self.updates)]

    @property
    def critic_states(self) -> list[State]:
        """The critics' parameters."""
        return [worlds.stand_in_critic(seed) for seed in self.critics]

    @property
    def actor_state(self) -> State:
        """The actor's parameters and buffers before the first update."""
        return worlds.stand_in_actor(53)

    def ask(self, exam: Exam) -> Answer:
        """What the student's function does."""
        return exam.ask(
            "actor_update",
            batches=worlds.all_sent(self.batches),
            actor=worlds.sent(self.actor_state),
            critics=worlds.all_sent(self.critic_states),
            alpha=self.alpha,
            learning_rate=RATE,
        )

    def right(self) -> tuple[list[dict[str, Numbers]], list[float]]:
        """The actor's parameters after each update, and the losses."""
        actor, (qf1, qf2) = worlds.exact_actor(self.actor_state), map(worlds.exact_critic, self.critic_states)
        optimizer = torch.optim.SGD(actor.parameters(), RATE)
        states, losses = [], []
        for data in self.batches:
            sample = worlds.exact_transitions(data)
            losses.append(float(reference.update_actor(sample, actor, qf1, qf2, optimizer, self.alpha)))
            states.append({name: worlds.numbers(each).copy() for name, each in actor.named_parameters()})
        return states, losses


def expect_actor(answer: Answer, case: Case, number: int) -> None:
    """Raise Mistake unless the actor is right after an update."""
    expected, before = case.right()[0][number], case.actor_state
    part = answer.part(f"actor {number}")
    actual = {name: part.array(name, array.shape, name) for name, array in expected.items()}
    taken, right = worlds.step(actual, before), worlds.step(expected, before)
    if not taken.any():
        raise Mistake("The actor did not change.", "whether a gradient gets from the loss back to the actor")
    if number == 0 and taken @ right < -0.5 * (right @ right):
        raise Mistake("The actor moves in the wrong direction.", "the signs in the loss: it is made small")
    expect_close(taken, right, "steps of the actor's parameters", rtol=0, atol=2e-3 * abs(right).max())


@check(QUESTION, weight=2, look_at="the smaller of both critics' values, row by row, of the action sampled now")
def the_actor_climbs_the_smaller_critic(exam: Exam) -> None:
    """The actor moves so that the smaller of the two critics' values of its own actions grows.

    Without entropy (alpha = 0).
    """
    case = Case(alpha=0.0)
    expect_actor(case.ask(exam), case, 0)


@check(QUESTION, weight=2, look_at="log_pi: of which action it is, its sign and its factor alpha")
def the_actor_keeps_its_entropy(exam: Exam) -> None:
    """The entropy term counts in the actor's loss, weighted by alpha.

    Both critics are the same here, so that it does not matter which one is taken.
    """
    case = Case(alpha=1.6, critics=(68, 68))
    expect_actor(case.ask(exam), case, 0)


@check(QUESTION, look_at="what the optimiser steps on, and that no gradient is left from the update before")
def two_updates_touch_the_actor_alone(exam: Exam) -> None:
    """Two updates in a row are right, and leave the critics as they were."""
    case = Case(alpha=0.37, critics=OTHER_WAY_ROUND, updates=2)
    answer = case.ask(exam)
    for number in range(2):
        expect_actor(answer, case, number)
    critics = answer.value("critics")
    for part, state in zip(critics if isinstance(critics, list) else [None, None], case.critic_states, strict=True):
        for name, array in state.items():
            actual = Answer(part).array(name, array.shape, name)
            expect_close(actual, array.astype(np.float64), f"parameters in a critic's {name}", rtol=0, atol=1e-7)
    if answer.value("frozen") != []:
        raise Mistake("The critics are left frozen: they cannot learn any more.", "requires_grad after the update")


@check(QUESTION, look_at="actor_loss, the mean over the batch, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the actor's loss, detached."""
    case = Case(alpha=0.37, critics=OTHER_WAY_ROUND, updates=2)
    answer, losses = case.ask(exam), case.right()[1]
    actual = [answer.number(f"loss {number}", "the loss that is returned") for number in range(2)]
    expect_close(np.array(actual), np.array(losses), "losses", rtol=5e-3, atol=1e-3)
    if answer.value("attached 0") is not False:
        raise Mistake("The loss that is returned is not detached.")
