"""Hidden checks of ``policy-forward``: Policy.forward.

One number added to all logits of a row changes no probability, so logits are compared after each row's mean is taken
off, and the gradients are those of sums whose weights add up to nothing in each row.
"""

from autograder.judging import Answer, Exam, Mistake, Numbers, Scene, call, check, expect_close, help_with, tensor
from autograder.rl.inputs import State, enlarged, generator, normal, of_all_sizes
from autograder.rl.layers import Binding
from autograder.rl.networks import expect_alone, expect_gradients, some_binding

from . import networks
from .inputs import ACTIONS, HIDDEN, OBSERVATIONS, policy_weights, spaces

QUESTION = "policy-forward"
MANY = 12
WEIGHTS = policy_weights(18)
LARGE = enlarged(WEIGHTS, "fc3", 3)  # logits of some dozens and more
LOGITS, GRADIENTS, LARGE_LOGITS = 2, 3, 5  # steps of the scene
WAY = "the way of the gradient: a layer that is not used, detach, no_grad, .data, or a new tensor made inside forward"


def scene(size: int, weights: State, large: State) -> Scene:
    """The logits of a policy for a batch, and the gradients of their weighted sum; then large ones, of large inputs.

    A smaller batch holds the first rows of a larger one.
    """
    rng = generator(22)
    x, weigh = normal(rng, MANY, OBSERVATIONS)[:size], normal(rng, MANY, ACTIONS)[:size]
    return Scene(
        {"env": spaces(), "x": tensor(x), "large x": tensor(of_all_sizes(x))},
        call("Policy", "env", HIDDEN, into="policy"),
        help_with("load", "policy", weights),
        call("policy", "x", into="logits"),
        help_with("gradients", "logits", weigh - weigh.mean(1, keepdims=True), ["policy"]),
        help_with("load", "policy", large),
        call("policy", "large x"),
    )


def played(exam: Exam, binding: Binding, size: int) -> tuple[Answer, Answer]:
    """What the student's policy makes of a batch of that size, and the reference's."""
    theirs = scene(size, binding.to_student(WEIGHTS), binding.to_student(LARGE))
    return exam.play(theirs), exam.right(scene(size, WEIGHTS, LARGE))


def logits_of(answer: Answer, size: int, step: int = LOGITS) -> Numbers:
    """The logits (B, A) that came back, each row's mean taken off."""
    logits = answer.step(step).array("returned", (size, ACTIONS), f"what forward returns for a batch of {size}")
    centred: Numbers = logits - logits.mean(1, keepdims=True)
    return centred


def expect_logits(theirs: Answer, right: Answer) -> None:
    """Raise Mistake unless the logits of a batch of many are right, small and large."""
    expect_close(logits_of(theirs, MANY), logits_of(right, MANY), "logits")
    found, due = (logits_of(answer, MANY, LARGE_LOGITS) for answer in (theirs, right))
    expect_close(found, due, "logits for large observations", atol=5e-3, look_at="clamps, and small number types")


@check(QUESTION, weight=2, look_at="both ReLUs, and the last layer, which has no activation and no softmax")
def the_logits_are_the_networks(exam: Exam) -> None:
    """The logits are those of three layers with ReLU between them, one for each action."""
    some_binding(networks.bound_policy(exam, OBSERVATIONS), lambda binding: expect_logits(*played(exam, binding, MANY)))


@check(QUESTION, look_at="squeezing, flattening, chance, and anything that mixes the rows of a batch")
def a_batch_of_one_works(exam: Exam) -> None:
    """A batch of a single observation gets its logits too, of shape (1, A)."""

    def attempt(binding: Binding) -> None:
        (theirs, right), (among, _) = played(exam, binding, 1), played(exam, binding, MANY)
        expect_alone(logits_of(theirs, 1), logits_of(right, 1), logits_of(among, MANY), "row of logits")

    some_binding(networks.bound_policy(exam, OBSERVATIONS), attempt)


@check(QUESTION, look_at=WAY)
def gradients_flow_through(exam: Exam) -> None:
    """The logits can be differentiated by every parameter."""

    def attempt(binding: Binding) -> None:
        both = played(exam, binding, MANY)
        logits_of(both[0], MANY)
        theirs, right = (each.step(GRADIENTS).part("returned").part("policy") for each in both)
        expect_gradients(theirs, right, binding, arrival_alone=not is_right(both))

    some_binding(networks.bound_policy(exam, OBSERVATIONS), attempt)


def is_right(both: tuple[Answer, Answer]) -> bool:
    """Whether the logits are; where they are not, another check tells, and no gradient can be right."""
    try:
        expect_logits(*both)
    except Mistake:
        return False
    return True
