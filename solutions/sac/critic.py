"""Hidden checks of ``critic-forward``: SoftQNetwork.forward."""

import numpy as np

from autograder.judging import Answer, Array, Exam, Mistake, check, expect_close, fitting_seed
from autograder.judging.scenes import Numbers, Scene, call, help_with, leaf
from autograder.rl.inputs import State, enlarged, generator, normal, of_all_sizes
from autograder.rl.layers import Binding
from autograder.rl.networks import expect_alone, expect_arrival, expect_gradients, some_binding

from . import networks
from .inputs import ACTIONS, HIDDEN, OBSERVATIONS, critic_weights, has_both_signs, layered, spaces

QUESTION = "critic-forward"
MANY = 12
VALUES, GRADIENTS, LARGE_VALUES = 2, 3, 5  # steps of the scene
WAY = "the way of the gradient: a layer that is not used, detach, no_grad, .data, or a new tensor made inside forward"


def rows() -> tuple[Array, Array, Array]:
    """Observations (B, O), actions (B, A) and weights for the sum of values (B, 1), of many rows."""
    rng = generator(22)
    x, a, weigh = (normal(rng, MANY, width) for width in (OBSERVATIONS, ACTIONS, 1))
    return x, a, weigh


def larger(weights: State) -> State:
    """The weights of a critic whose values are some hundreds and more."""
    return enlarged(weights, "fc3", 30)


def weights_fit(seed: int) -> bool:
    """Whether values have both signs, small and large: else what is done to negative ones would not show."""
    (x, a, _), weights = rows(), critic_weights(seed)
    small = layered(weights, np.concatenate([x, a], 1), "fc1", "fc2", "fc3")
    large = layered(larger(weights), np.concatenate([of_all_sizes(x), a], 1), "fc1", "fc2", "fc3")
    return has_both_signs(small, by=0.3) and has_both_signs(large, by=100.0)


WEIGHTS = critic_weights(fitting_seed(28, weights_fit))
LARGE = larger(WEIGHTS)


def scene(size: int, weights: State, large: State) -> Scene:
    """The values of a critic for a batch and the gradients of their weighted sum; then large values, of large inputs.

    A smaller batch holds the first rows of a larger one.
    """
    x, a, weigh = (each[:size] for each in rows())
    return Scene(
        {"env": spaces(), "x": leaf(x), "a": leaf(a), "large x": leaf(of_all_sizes(x)), "large a": leaf(a)},
        call("SoftQNetwork", "env", HIDDEN, into="critic"),
        help_with("load", "critic", weights),
        call("critic", "x", "a", into="values"),
        help_with("gradients", "values", weigh, ["x", "a", "critic"]),
        help_with("load", "critic", large),
        call("critic", "large x", "large a"),
    )


def played(exam: Exam, binding: Binding, size: int) -> tuple[Answer, Answer]:
    """What the student's critic makes of a batch of that size, and the reference's."""
    theirs = scene(size, binding.to_student(WEIGHTS), binding.to_student(LARGE))
    return exam.play(theirs), exam.right(scene(size, WEIGHTS, LARGE))


def values_of(answer: Answer, size: int, step: int = VALUES) -> Numbers:
    """The values (B, 1) that came back."""
    return answer.step(step).array("returned", (size, 1), f"what forward returns for a batch of {size}")


def expect_values(theirs: Answer, right: Answer) -> None:
    """Raise Mistake unless the values of a batch of many are right, small and large."""
    expect_close(values_of(theirs, MANY), values_of(right, MANY), "Q-values")
    found, due = (values_of(answer, MANY, LARGE_VALUES) for answer in (theirs, right))
    expect_close(found, due, "large Q-values", atol=1e-2, look_at="clamps, small number types, and other than ReLUs")


@check(QUESTION, weight=2, look_at="the concatenation of x and a, both ReLUs, and the last layer, which has none")
def the_values_are_the_networks(exam: Exam) -> None:
    """The critic's values are those of its three layers with ReLU between them, one for each row of the batch."""
    some_binding(networks.bound_critic(exam), lambda binding: expect_values(*played(exam, binding, MANY)))


@check(QUESTION, look_at="squeezing, flattening, chance, and anything that mixes the rows of a batch")
def a_batch_of_one_works(exam: Exam) -> None:
    """A batch of a single observation and action gets its value too, of shape (1, 1)."""

    def attempt(binding: Binding) -> None:
        theirs, right = played(exam, binding, 1)
        among = values_of(played(exam, binding, MANY)[0], MANY)
        expect_alone(values_of(theirs, 1), values_of(right, 1), among, "Q-value")

    some_binding(networks.bound_critic(exam), attempt)


@check(QUESTION, look_at=WAY)
def gradients_flow_through(exam: Exam) -> None:
    """The values can be differentiated by the action, the observation and every parameter."""

    def attempt(binding: Binding) -> None:
        theirs, right = played(exam, binding, MANY)
        values_of(theirs, MANY)
        found, due = (answer.step(GRADIENTS).part("returned") for answer in (theirs, right))
        by_inputs = {"a": ("the action", ACTIONS), "x": ("the observation", OBSERVATIONS)}
        pairs = {
            whose: tuple(each.array(name, (MANY, size), f"the gradients by {whose}") for each in (found, due))
            for name, (whose, size) in by_inputs.items()
        }
        for whose, (actual, expected) in pairs.items():
            expect_arrival(actual, expected, "", whose)
        try:
            expect_values(theirs, right)
        except Mistake:  # which another check tells: no gradient can be right here
            expect_gradients(found.part("critic"), due.part("critic"), binding, arrival_alone=True)
            return
        for whose, (actual, expected) in pairs.items():
            expect_close(actual, expected, f"gradients by {whose}", rtol=1e-3, atol=1e-4)
        expect_gradients(found.part("critic"), due.part("critic"), binding)

    some_binding(networks.bound_critic(exam), attempt)
