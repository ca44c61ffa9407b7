"""Hidden checks of ``critic-forward``: SoftQNetwork.forward."""

from autograder.judging import Answer, Exam, Mistake, check, expect_close
from autograder.judging.scenes import Numbers, Scene, call, help_with, leaf
from autograder.rl.inputs import State, generator, normal
from autograder.rl.layers import Binding
from autograder.rl.networks import some_binding

from . import networks
from .inputs import ACTIONS, HIDDEN, OBSERVATIONS, critic_weights, spaces

QUESTION = "critic-forward"
MANY = 12
WEIGHTS = critic_weights(28)


def scene(size: int, weights: State) -> Scene:
    """The values of a critic with these weights for a batch, and the gradients of their weighted sum."""
    rng = generator(10 + size)
    x, a, weigh = (normal(rng, size, width) for width in (OBSERVATIONS, ACTIONS, 1))
    return Scene(
        {"env": spaces(), "x": leaf(x), "a": leaf(a)},
        call("SoftQNetwork", "env", HIDDEN, into="critic"),
        help_with("load", "critic", weights),
        call("critic", "x", "a", into="values"),
        help_with("gradients", "values", weigh, ["x", "a", "critic"]),
    )


def played(exam: Exam, binding: Binding, size: int) -> tuple[Answer, Answer]:
    """What the student's critic makes of a batch of that size, and the reference's."""
    return exam.play(scene(size, binding.to_student(WEIGHTS))), exam.right(scene(size, WEIGHTS))


def values_of(answer: Answer, size: int) -> Numbers:
    """The values (B, 1) that came back."""
    return answer.step(2).array("returned", (size, 1), f"what forward returns for a batch of {size}")


def expect_values(exam: Exam, size: int) -> None:
    """Raise Mistake unless the values for a batch of that size are right."""

    def attempt(binding: Binding) -> None:
        theirs, right = (values_of(answer, size) for answer in played(exam, binding, size))
        expect_close(theirs, right, "Q-values", rtol=1e-3, atol=1e-4)

    some_binding(networks.bound_critic(exam), attempt)


@check(QUESTION, weight=2, look_at="the concatenation of x and a, both ReLUs, and the last layer, which has none")
def the_values_are_the_networks(exam: Exam) -> None:
    """The critic's values are those of its three layers with ReLU between them, one for each row of the batch."""
    expect_values(exam, MANY)


@check(QUESTION, look_at="squeezing, flattening, and the dimension along which x and a are joined")
def a_batch_of_one_works(exam: Exam) -> None:
    """A batch of a single observation and action gets its value too, of shape (1, 1)."""
    expect_values(exam, 1)


@check(QUESTION, look_at="detach, no_grad, .data or a new tensor made inside forward: they cut the graph")
def gradients_flow_through(exam: Exam) -> None:
    """The values can be differentiated by the action, the observation and every parameter."""

    def attempt(binding: Binding) -> None:
        theirs, right = played(exam, binding, MANY)
        values_of(theirs, MANY)
        theirs, right = (answer.step(3).part("returned") for answer in (theirs, right))
        for name, size, by in (("a", ACTIONS, "by the action"), ("x", OBSERVATIONS, "by the observation")):
            actual, due = (answer.array(name, (MANY, size), f"the gradients {by}") for answer in (theirs, right))
            expect_close(actual, due, f"gradients {by}", rtol=1e-2, atol=1e-3)
        expect_parameter_gradients(theirs.part("critic"), right.part("critic"), binding)

    some_binding(networks.bound_critic(exam), attempt)


def expect_parameter_gradients(theirs: Answer, right: Answer, binding: Binding, of: str = "") -> None:
    """Raise Mistake unless the gradients by each parameter, the student's under the student's names, are right."""
    arrays = {name: theirs.array(name, shape, f"the gradient by {name}") for name, shape in binding.shapes.items()}
    for name, gradient in binding.to_reference(arrays).items():
        actual, expected = gradient.astype(float), right.array(name, gradient.shape, name)
        if expected.any() and not actual.any():
            raise Mistake(f"No gradient{of} reaches {name}.")
        expect_close(actual, expected, f"gradients{of} by {name}", rtol=1e-2, atol=1e-3)
