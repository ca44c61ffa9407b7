"""Hidden checks of ``critic-target``: critic_target."""

import numpy as np

from autograder.judging import Exam, Numbers, Scene, Thing, call, check, expect_close

from .inputs import actor, batch, critic

QUESTION = "critic-target"
MANY = 12
ACTOR = 55  # the seed of an actor whose log-probabilities have both signs
ONE, OTHER = 61, 64  # seeds of two critics; each is the smaller in some rows, with values of both signs


def targets(
    exam: Exam, data: Thing, alpha: float, gamma: float, critics: tuple[int, int] = (ONE, OTHER)
) -> tuple[Numbers, Numbers]:
    """The student's targets (B,) of a batch, and the right ones; ``critics`` are seeds."""
    objects = {"data": data, "actor": actor(ACTOR), "qf1": critic(critics[0]), "qf2": critic(critics[1])}
    scene = Scene(objects, call("critic_target", "data", "actor", "qf1", "qf2", alpha, gamma))
    size = len(data.values["rewards"])
    what = f"next_q_value for a batch of {size}"
    theirs, right = (each.step(0).array("returned", (size,), what) for each in (exam.play(scene), exam.right(scene)))
    return theirs, right


@check(QUESTION, weight=2, look_at="the smaller of the two target critics, row by row, at the next observation")
def the_smaller_critic_counts(exam: Exam) -> None:
    """Each transition takes the smaller of both target critics' values, of the actor's action at the next observation.

    Without entropy (alpha = 0), and without finished episodes.
    """
    expect_close(*targets(exam, batch(21, MANY), alpha=0.0, gamma=0.6), "targets", rtol=1e-3, atol=1e-3)


@check(QUESTION, weight=2, look_at="the entropy term: its sign, its factor alpha, and of which action it is")
def the_entropy_counts(exam: Exam) -> None:
    """The value of the next state includes the entropy term, weighted by alpha.

    Both critics are the same here, so that it does not matter which one is taken.
    """
    both = targets(exam, batch(22, MANY), alpha=1.7, gamma=0.9, critics=(ONE, ONE))
    expect_close(*both, "targets", rtol=1e-3, atol=1e-3)


@check(QUESTION, weight=1, look_at="rewards and dones: where dones is 1 nothing follows, elsewhere the next state does")
def a_finished_episode_adds_nothing(exam: Exam) -> None:
    """Where an episode has ended the target is the reward alone; elsewhere the next state's value is added."""
    data = batch(23, MANY, dones=(0, 1, 1))
    actual, right = targets(exam, data, alpha=0.0, gamma=0.8, critics=(ONE, ONE))
    ended = np.ravel(data.values["dones"]) == 1
    expect_close(actual[ended], right[ended], "targets of finished episodes", rtol=1e-3, atol=1e-3)
    expect_close(actual[~ended], right[~ended], "targets of transitions that go on", rtol=1e-3, atol=1e-3)


@check(
    QUESTION,
    weight=1,
    look_at="what failed above; if nothing did, shapes: (B, 1) against (B,) makes (B, B), and one row stays a batch",
)
def all_of_it_together(exam: Exam) -> None:
    """Everything at once: a batch with both critics, entropy and finished episodes, and a batch of one transition."""
    for size in (MANY, 1):
        both = targets(exam, batch(24 + size, size, dones=(0, 1)), alpha=0.4, gamma=0.95)
        expect_close(*both, "targets", rtol=1e-3, atol=1e-3)
