"""Hidden checks of ``returns``: returns_to_go."""

import numpy as np

from autograder.judging import Array, Exam, Mistake, Numbers, Scene, call, check, expect_close, tensor
from autograder.rl.inputs import generator, normal

QUESTION = "returns"
STEPS, ENVIRONMENTS = 14, 5
GAMMA = 0.9
LARGE = 400.0  # what may come after a rollout
# rows in which an episode ends, by environment: the first, the last, two in a row, none, all but one
ENDS = ((0, 6), (3, 13), (7, 8), (), tuple(row for row in range(STEPS) if row != 5))


def rollout(seed: int, steps: int = STEPS, environments: int = ENVIRONMENTS) -> Array:
    """Rewards (T, N) of all sizes and of both signs."""
    return normal(generator(30 + seed), steps, environments, scale=20.0, around=10.0)


def ends(steps: int = STEPS, environments: int = ENVIRONMENTS) -> Array:
    """Dones (T, N): 1 where an episode ended."""
    dones = np.zeros((STEPS, ENVIRONMENTS), np.float32)
    for environment, rows in enumerate(ENDS):
        dones[list(rows), environment] = 1
    return dones[:steps, :environments]


def returns(
    exam: Exam, rewards: Array, dones: Array | None = None, after: float = 0.0, gamma: float = GAMMA
) -> tuple[Numbers, Numbers]:
    """The student's returns (T, N), and the right ones; ``after`` is about what the baseline predicts at the end."""
    last = normal(generator(39), rewards.shape[1], scale=after / 4, around=after)
    things = {"rewards": rewards, "dones": np.zeros_like(rewards) if dones is None else dones, "last_values": last}
    objects = {name: tensor(value) for name, value in things.items()}
    scene = Scene(objects, call("returns_to_go", *objects, gamma))
    theirs, right = exam.play(scene).step(0), exam.right(scene).step(0)
    if theirs.value("type") == "ndarray":
        words = "returns_to_go returned a NumPy array, but the updates need a tensor."
        raise Mistake(words, fault=words)
    what = f"what returns_to_go returns for {len(rewards)} step(s) of {rewards.shape[1]} environment(s)"
    found, due = (each.array("returned", rewards.shape, what) for each in (theirs, right))
    return found, due


@check(QUESTION, weight=2, look_at="which rewards a return adds up, and how often each of them is discounted")
def later_rewards_are_discounted(exam: Exam) -> None:
    """Each return is the step's reward plus the discounted rewards that follow it.

    No episode ends here, and nothing comes after the rollout.
    """
    expect_close(*returns(exam, rollout(1)), "returns", rtol=1e-3, atol=1e-2)


@check(QUESTION, weight=2, look_at="dones: it is 1 in the step with which an episode ends, and nothing of it follows")
def an_episode_is_paid_for_itself_alone(exam: Exam) -> None:
    """Where an episode ends, the rewards of the next one do not count, in any environment.

    Nothing comes after the rollout here.
    """
    expect_close(*returns(exam, rollout(2), ends()), "returns", rtol=1e-3, atol=1e-2)


@check(QUESTION, look_at="last_values: what follows the last row, unless the episode ended in it")
def what_comes_after_the_rollout_counts(exam: Exam) -> None:
    """An episode that is still under way at the end of the rollout goes on with the baseline's prediction.

    What the predictions change in the returns is compared, whatever the rest of them is.
    """
    for dones in (None, ends()):
        with_it, without = (returns(exam, rollout(3), dones, after) for after in (LARGE, 0.0))
        found, due = (one - other for one, other in zip(with_it, without, strict=True))
        expect_close(found, due, "parts of the returns that come from last_values", rtol=1e-3, atol=1e-2)


@check(QUESTION, look_at="what failed above; if nothing did, numbers or shapes that are taken for granted")
def any_rollout_will_do(exam: Exam) -> None:
    """A single step, a single environment and other discount factors make no difference."""
    for steps, environments, gamma in ((1, ENVIRONMENTS, 0.5), (STEPS, 1, 1.0), (1, 1, 0.99), (STEPS, 2, 0.0)):
        rewards, dones = rollout(4, steps, environments), ends(steps, environments)
        expect_close(*returns(exam, rewards, dones, LARGE, gamma), "returns", rtol=1e-3, atol=1e-2)
