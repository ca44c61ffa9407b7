"""Hidden checks of ``critic-target``: critic_target.

One scene asks for the targets of the same transitions in several circumstances. Each check compares two of them, so
that it finds one kind of mistake whatever the others are: the entropy is the difference that log-probabilities make.
"""

import numpy as np

from autograder.judging import (
    Answer,
    Array,
    Exam,
    Mistake,
    Numbers,
    Scene,
    Thing,
    call,
    check,
    expect_close,
    fitting_seed,
    thing,
)
from autograder.rl.inputs import of_all_sizes
from autograder.rl.networks import expect_alone
from autograder.rl.updates import SAMPLES, Taken, expect_one_sample, expect_term

from .inputs import LARGE, NEARLY_ZERO, acted, actor, batch, critic, has_both_signs, takes_turns, valued

QUESTION = "critic-target"
MANY, FEW = 12, 7
ALPHAS = (1.7, 0.03, 25.0)
USUAL_GAMMA, GAMMA = 0.99, 0.8  # with the usual one, a discount that is fixed or forgotten hardly shows
DONES = (0, 1, 1)
APART = 3  # from one critic's seed to the other's
VALUES, ENTROPIES, ALL, LARGE_VALUES, AGAIN = 0, (1, 2, 3), 4, 5, 6  # steps of the scene
ENTROPY = "the entropy term: its sign, its factor alpha, and of which action it is"


def data_fits(seed: int) -> bool:
    """Whether rewards have both signs."""
    return has_both_signs(batch(seed, MANY).values["rewards"], by=0.1)


def actor_fits(seed: int) -> bool:
    """Whether log-probabilities have both signs."""
    return has_both_signs(acted(seed, DATA.values["next_observations"])[1], by=0.3)


def values(seed: int) -> Numbers:
    """What a critic's values of the next actions are, (B,)."""
    x = DATA.values["next_observations"]
    return valued(seed, x, acted(ACTOR, x)[0])


def critics_fit(seed: int) -> bool:
    """Whether each of two critics is the smaller in some rows, also in the first few.

    And whether values have both signs, by enough for a forgotten discount to show.
    """
    one, other = values(seed), values(seed + APART)
    signs = all(has_both_signs(each, by=0.4) for each in (one, other))
    return signs and takes_turns(one, other, rows=3) and takes_turns(one[:FEW], other[:FEW], rows=1)


DATA = batch(fitting_seed(21, data_fits), MANY)
ACTOR = fitting_seed(55, actor_fits)
ONE = fitting_seed(61, critics_fit)
OTHER = ONE + APART


def changed(data: Thing, **values: Array) -> Thing:
    """The batch with some of its parts replaced."""
    return thing("batch", **{**data.values, **{name: np.asarray(value, np.float32) for name, value in values.items()}})


def first(data: Thing, rows: slice) -> Thing:
    """Some rows of a batch."""
    return thing("batch", **{name: value[rows] for name, value in data.values.items()})


def zeros() -> Numbers:
    """Rewards of 0, (B, 1)."""
    return np.zeros((MANY, 1))


NEXT = changed(DATA, rewards=zeros())  # all transitions go on and pay nothing: the target is the next state's value
WHOLE = changed(DATA, rewards=of_all_sizes(DATA.values["rewards"]), dones=np.resize(DONES, (MANY, 1)))
OBJECTS = {
    "actor": actor(ACTOR),
    "without entropy": actor(ACTOR, entropy=False),
    "qf1": critic(ONE),
    "qf2": critic(OTHER),
    "large qf1": critic(ONE, LARGE),
    "large qf2": critic(OTHER, LARGE),
    "next": NEXT,
    "whole": WHOLE,
    "few": first(NEXT, slice(FEW)),
    "one": first(WHOLE, slice(1)),
    "one that ended": first(WHOLE, slice(1, 2)),
}
CRITICS = ("qf1", "qf2")
SCENE = Scene(
    OBJECTS,
    call("critic_target", "next", "without entropy", *CRITICS, NEARLY_ZERO, USUAL_GAMMA),
    *(call("critic_target", "next", "actor", *CRITICS, alpha, USUAL_GAMMA) for alpha in ALPHAS),
    call("critic_target", "whole", "actor", *CRITICS, ALPHAS[0], GAMMA),
    call("critic_target", "few", "without entropy", "large qf1", "large qf2", NEARLY_ZERO, USUAL_GAMMA),
    call("critic_target", "next", "without entropy", *CRITICS, NEARLY_ZERO, USUAL_GAMMA),
)
ALONE = Scene(
    OBJECTS,
    *(call("critic_target", name, "actor", *CRITICS, ALPHAS[0], GAMMA) for name in ("one", "one that ended")),
)


def sampling(sample: int = 0) -> Scene:
    """Targets of an actor that samples another action each time that it is asked; ``sample`` is the first one's."""
    values, whole = (actor(ACTOR, entropy, sample) for entropy in (False, True))
    objects = {**OBJECTS, "actor": whole, "without entropy": values}
    return Scene(objects, *SCENE.steps[: ENTROPIES[0] + 1])


def targets(answer: Answer, step: int, size: int = MANY) -> Numbers:
    """The targets (B,) of one circumstance."""
    return answer.step(step).array("returned", (size,), f"next_q_value for a batch of {size}")


@check(QUESTION, weight=2, look_at="the smaller of the two target critics, row by row, at the next observation")
def the_smaller_critic_counts(exam: Exam) -> None:
    """Each transition takes the smaller of both target critics' values, of the actor's action at the next observation.

    Without entropy, rewards and finished episodes; whether the discount is there is another check's affair.
    """
    both = exam.play(SCENE), exam.right(SCENE)
    theirs, right = (targets(each, VALUES) for each in both)
    expect_close(theirs * discount(theirs, right), right, "targets", atol=1e-4)
    theirs, right = (targets(each, LARGE_VALUES, FEW) for each in both)
    theirs = theirs * discount(theirs, right)
    expect_close(theirs, right, "targets of large values", atol=1e-2, look_at="clamps, and small number types")
    expect_nothing_kept(exam)
    expect_samples(exam, VALUES)


def expect_nothing_kept(exam: Exam) -> None:
    """Raise Mistake unless the same call gives the same again."""
    theirs = exam.play(SCENE)
    if not np.allclose(targets(theirs, AGAIN), targets(theirs, VALUES), rtol=1e-4, atol=1e-4):
        words = "Called again with the same arguments, critic_target returns other targets"
        raise Mistake(f"{words}.", "what is kept from one call to the next, or drawn anew in each", fault="kept")


def expect_samples(exam: Exam, step: int) -> None:
    """Raise Mistake unless targets come of one sample of each state."""
    samples = [targets(exam.right(sampling(sample)), step) for sample in range(SAMPLES)]
    theirs = targets(exam.play(sampling()), step)
    expect_one_sample(theirs * discount(theirs, samples[0]), samples)


def discount(theirs: Numbers, right: Numbers) -> float:
    """The usual discount where it was forgotten, which another check tells; else 1."""
    return USUAL_GAMMA if Taken(theirs, right).is_times(1 / USUAL_GAMMA) else 1.0


@check(QUESTION, weight=2, look_at=ENTROPY)
def the_entropy_counts(exam: Exam) -> None:
    """The value of the next state includes the entropy term, weighted by alpha.

    What the actions' log-probabilities change in the targets is compared, whatever the rest of them is.
    """
    theirs, right = exam.play(SCENE), exam.right(SCENE)

    def added(answer: Answer, step: int) -> Numbers:
        return targets(answer, step) - targets(answer, VALUES)

    pairs = [(added(theirs, step), added(right, step)) for step in ENTROPIES]
    terms = [Taken(term * discount(term, due), due) for term, due in pairs]
    expect_nothing_kept(exam)
    expect_term(terms, ALPHAS, "The entropy term", "alpha", "the targets")
    try:
        expect_samples(exam, VALUES)
    except Mistake:  # another check tells; and then it cannot be said of which action the log-probability is
        return
    expect_samples(exam, ENTROPIES[0])


@check(QUESTION, weight=2, look_at="rewards and dones: where dones is 1 nothing follows, elsewhere the next state does")
def a_finished_episode_adds_nothing(exam: Exam) -> None:
    """Where an episode has ended the target is the reward alone; elsewhere the next state's value is added, discounted.

    The next state's value is the one that the same code gives where there are no rewards and ends.
    """
    theirs = exam.play(SCENE)
    expect_nothing_kept(exam)
    actual, following = targets(theirs, ALL), targets(theirs, ENTROPIES[0])
    rewards, ended = (np.ravel(WHOLE.values[name]).astype(np.float64) for name in ("rewards", "dones"))
    due = rewards + (1 - ended) * GAMMA / USUAL_GAMMA * following
    for rows, which in ((ended == 1, "finished episodes"), (ended == 0, "transitions that go on")):
        expect_close(actual[rows], due[rows], f"targets of {which}", atol=1e-4)


@check(QUESTION, look_at="squeezing and shapes: (B, 1) against (B,) makes (B, B), and one row stays a batch")
def a_batch_of_one_works(exam: Exam) -> None:
    """A batch of a single transition gets the target that the same transition gets among many, of shape (1,)."""
    expect_nothing_kept(exam)
    theirs, right, among = exam.play(ALONE), exam.right(ALONE), targets(exam.play(SCENE), ALL)
    for row in (0, 1):
        alone, due = (targets(each, row, 1) for each in (theirs, right))
        expect_alone(alone, due, among[row:], "target")
