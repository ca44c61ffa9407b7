"""Hidden checks of ``actor-forward``: Actor.forward."""

import numpy as np

from autograder.judging import Answer, Array, Exam, Mistake, check, expect_close, fitting_seed
from autograder.judging.scenes import Numbers, Scene, call, help_with, tensor
from autograder.rl.inputs import State, enlarged, generator, normal, of_all_sizes
from autograder.rl.layers import Binding
from autograder.rl.networks import expect_alone, expect_gradients, some_binding

from . import networks
from .critic import WAY
from .inputs import ACTIONS, HIDDEN, OBSERVATIONS, actor_weights, has_both_signs, layered, spaces

QUESTION = "actor-forward"
MANY = 12
OUTPUTS = ("mean", "log_std")
USUAL, GRADIENTS, LARGEST = 2, 3, 6  # steps of the scene


def rows() -> tuple[Array, Array]:
    """Observations (B, O), and weights for the sums of outputs (B, A), of many rows."""
    rng = generator(52)
    return normal(rng, MANY, OBSERVATIONS), normal(rng, MANY, ACTIONS)


def larger(weights: State) -> State:
    """The weights of an actor whose means are some hundreds."""
    return enlarged(weights, "fc_mean", 10)


def weights_fit(seed: int) -> bool:
    """Whether means have both signs, small and large, and what is squashed shows: far from 0, and not at the ends."""
    (x, _), weights = rows(), actor_weights(seed)
    mean, raw = (layered(weights, x, "fc1", "fc2", head) for head in ("fc_mean", "fc_logstd"))
    large = layered(larger(weights), of_all_sizes(x), "fc1", "fc2", "fc_mean")
    shows = (np.abs(raw) > 0.3) & (np.abs(raw) < 3)
    signs = has_both_signs(mean, by=0.5) and has_both_signs(large, by=100.0) and has_both_signs(raw, by=0.3)
    return signs and bool(shows.any(0).all())


WEIGHTS = actor_weights(fitting_seed(18, weights_fit))
LARGE = larger(WEIGHTS)


def scene(size: int, weights: State, large: State) -> Scene:
    """Mean and log_std of an actor for a batch, and the gradients of each one's weighted sum; then of large inputs.

    A smaller batch holds the first rows of a larger one.
    """
    x, weigh = (each[:size] for each in rows())
    return Scene(
        {"env": spaces(), "x": tensor(x), "large x": tensor(of_all_sizes(x))},
        call("Actor", "env", HIDDEN, into="actor"),
        help_with("load", "actor", weights),
        call("actor", "x", into="mean, log_std"),
        *(help_with("gradients", output, weigh, ["actor"]) for output in OUTPUTS),
        help_with("load", "actor", large),
        call("actor", "large x", into="mean, log_std"),
    )


def played(exam: Exam, binding: Binding, size: int) -> tuple[Answer, Answer]:
    """What the student's actor makes of a batch of that size, and the reference's."""
    theirs = scene(size, binding.to_student(WEIGHTS), binding.to_student(LARGE))
    return exam.play(theirs), exam.right(scene(size, WEIGHTS, LARGE))


def output_of(answer: Answer, output: str, size: int, step: int = USUAL) -> Numbers:
    """The mean or the log_std (B, A) that came back."""
    what = f"the {output} for a batch of {size}"
    return answer.step(step).part("returned").array(str(OUTPUTS.index(output)), (size, ACTIONS), what)


def expect_output(theirs: Answer, right: Answer, output: str) -> None:
    """Raise Mistake unless an output for a batch of many is right, for small inputs and for large ones."""
    found, due = (output_of(each, output, MANY) for each in (theirs, right))
    expect_close(found, due, f"numbers of {output}")
    found, due = (output_of(each, output, MANY, LARGEST) for each in (theirs, right))
    expect_close(found, due, f"numbers of {output} for large observations", atol=5e-3 if output == "mean" else 1e-4)


def expect_output_of_some_binding(exam: Exam, output: str) -> None:
    """Raise Mistake unless an output is right, however the student's layers are to be read."""

    def attempt(binding: Binding) -> None:
        expect_output(*played(exam, binding, MANY), output)

    some_binding(networks.bound_actor(exam, OBSERVATIONS), attempt)


@check(QUESTION, weight=2, look_at="both ReLUs and fc_mean; the mean itself is not squashed here, get_action does that")
def the_mean_is_the_heads(exam: Exam) -> None:
    """The mean is what fc_mean makes of two hidden layers with ReLU."""
    expect_output_of_some_binding(exam, "mean")


@check(QUESTION, weight=2, look_at="the tanh on what fc_logstd makes of the hidden layers; the given line rescales it")
def the_log_std_is_squashed_and_rescaled(exam: Exam) -> None:
    """The log_std is what fc_logstd makes of the hidden layers, squashed by tanh and rescaled to [-5, 2]."""
    expect_output_of_some_binding(exam, "log_std")


@check(QUESTION, look_at="squeezing, flattening, chance, and anything that mixes the rows of a batch")
def a_batch_of_one_works(exam: Exam) -> None:
    """A batch of a single observation gets its mean and its log_std, both of shape (1, A)."""

    def attempt(binding: Binding) -> None:
        (theirs, right), (among, _) = played(exam, binding, 1), played(exam, binding, MANY)
        for output in OUTPUTS:
            alone, due = output_of(theirs, output, 1), output_of(right, output, 1)
            expect_alone(alone, due, output_of(among, output, MANY), output)

    some_binding(networks.bound_actor(exam, OBSERVATIONS), attempt)


@check(QUESTION, weight=2, look_at=WAY)
def gradients_flow_through(exam: Exam) -> None:
    """The mean and the log_std can be differentiated by every parameter of their head and of the hidden layers."""

    def attempt(binding: Binding) -> None:
        both = played(exam, binding, MANY)
        for step, output in enumerate(OUTPUTS, start=GRADIENTS):
            output_of(both[0], output, MANY)
            theirs, right = (answer.step(step).part("returned").part("actor") for answer in both)
            expect_gradients(theirs, right, binding, f" of {output}", arrival_alone=not is_right(both, output))

    some_binding(networks.bound_actor(exam, OBSERVATIONS), attempt)


def is_right(both: tuple[Answer, Answer], output: str) -> bool:
    """Whether the values of an output are; where they are not, another check tells, and no gradient can be right."""
    try:
        expect_output(*both, output)
    except Mistake:
        return False
    return True
