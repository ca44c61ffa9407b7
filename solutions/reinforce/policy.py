"""Hidden checks of ``policy-forward``: Policy.forward.

One number added to all logits of a row changes no probability, so logits are compared after each row's mean is taken
off, and the gradients are those of sums whose weights add up to nothing in each row.
"""

from autograder.judging import Answer, Exam, Mistake, Numbers, Scene, call, check, expect_close, help_with, tensor
from autograder.rl.inputs import State, generator, normal
from autograder.rl.layers import Binding
from autograder.rl.networks import some_binding

from . import networks
from .inputs import ACTIONS, HIDDEN, OBSERVATIONS, policy_weights, spaces

QUESTION = "policy-forward"
MANY = 12
WEIGHTS = policy_weights(18)


def scene(size: int, weights: State) -> Scene:
    """The logits of a policy with these weights for a batch, and the gradients of their weighted sum."""
    rng = generator(10 + size)
    x, weigh = normal(rng, size, OBSERVATIONS), normal(rng, size, ACTIONS)
    return Scene(
        {"env": spaces(), "x": tensor(x)},
        call("Policy", "env", HIDDEN, into="policy"),
        help_with("load", "policy", weights),
        call("policy", "x", into="logits"),
        help_with("gradients", "logits", weigh - weigh.mean(1, keepdims=True), ["policy"]),
    )


def played(exam: Exam, binding: Binding, size: int) -> tuple[Answer, Answer]:
    """What the student's policy makes of a batch of that size, and the reference's."""
    return exam.play(scene(size, binding.to_student(WEIGHTS))), exam.right(scene(size, WEIGHTS))


def logits_of(answer: Answer, size: int) -> Numbers:
    """The logits (B, A) that came back, each row's mean taken off."""
    logits = answer.step(2).array("returned", (size, ACTIONS), f"what forward returns for a batch of {size}")
    centred: Numbers = logits - logits.mean(1, keepdims=True)
    return centred


def expect_logits(exam: Exam, size: int) -> None:
    """Raise Mistake unless the logits for a batch of that size are right."""

    def attempt(binding: Binding) -> None:
        theirs, right = (logits_of(answer, size) for answer in played(exam, binding, size))
        expect_close(theirs, right, "logits", rtol=1e-3, atol=1e-4)

    some_binding(networks.bound_policy(exam, OBSERVATIONS), attempt)


@check(QUESTION, weight=2, look_at="both ReLUs, and the last layer, which has no activation and no softmax")
def the_logits_are_the_networks(exam: Exam) -> None:
    """The logits are those of three layers with ReLU between them, one for each action."""
    expect_logits(exam, MANY)


@check(QUESTION, look_at="squeezing, flattening, and anything that mixes the rows of a batch")
def a_batch_of_one_works(exam: Exam) -> None:
    """A batch of a single observation gets its logits too, of shape (1, A)."""
    expect_logits(exam, 1)


@check(QUESTION, look_at="detach, no_grad, .data or a new tensor made inside forward: they cut the graph")
def gradients_flow_through(exam: Exam) -> None:
    """The logits can be differentiated by every parameter."""

    def attempt(binding: Binding) -> None:
        theirs, right = played(exam, binding, MANY)
        logits_of(theirs, MANY)
        expect_gradients(theirs.step(3).part("returned").part("policy"), right, binding)

    some_binding(networks.bound_policy(exam, OBSERVATIONS), attempt)


def expect_gradients(theirs: Answer, right: Answer, binding: Binding) -> None:
    """Raise Mistake unless the gradients by each parameter, the student's under the student's names, are right."""
    due = right.step(3).part("returned").part("policy")
    arrays = {name: theirs.array(name, shape, f"the gradient by {name}") for name, shape in binding.shapes.items()}
    for name, gradient in binding.to_reference(arrays).items():
        actual, expected = gradient.astype(float), due.array(name, gradient.shape, name)
        if expected.any() and not actual.any():
            raise Mistake(f"No gradient reaches {name}.")
        expect_close(actual, expected, f"gradients by {name}", rtol=1e-2, atol=1e-3)
