"""Hidden checks of ``actor-forward``: Actor.forward."""

from autograder.judging import Answer, Exam, check, expect_close
from autograder.judging.scenes import Numbers, Scene, call, help_with, tensor
from autograder.rl.inputs import State, generator, normal
from autograder.rl.layers import Binding
from autograder.rl.networks import some_binding

from . import networks
from .critic import expect_parameter_gradients
from .inputs import ACTIONS, HIDDEN, OBSERVATIONS, actor_weights, spaces

QUESTION = "actor-forward"
MANY = 12
OUTPUTS = ("mean", "log_std")
WEIGHTS = actor_weights(18)


def scene(size: int, weights: State) -> Scene:
    """Mean and log_std of an actor with these weights for a batch, and the gradients of each one's weighted sum."""
    rng = generator(40 + size)
    x, weigh = normal(rng, size, OBSERVATIONS), normal(rng, size, ACTIONS)
    return Scene(
        {"env": spaces(), "x": tensor(x)},
        call("Actor", "env", HIDDEN, into="actor"),
        help_with("load", "actor", weights),
        call("actor", "x", into="mean, log_std"),
        *(help_with("gradients", output, weigh, ["actor"]) for output in OUTPUTS),
    )


def played(exam: Exam, binding: Binding, size: int) -> tuple[Answer, Answer]:
    """What the student's actor makes of a batch of that size, and the reference's."""
    return exam.play(scene(size, binding.to_student(WEIGHTS))), exam.right(scene(size, WEIGHTS))


def output_of(answer: Answer, output: str, size: int, what: str) -> Numbers:
    """The mean or the log_std (B, A) that came back."""
    return answer.step(2).part("returned").array(str(OUTPUTS.index(output)), (size, ACTIONS), what)


def expect_values(exam: Exam, output: str, size: int) -> None:
    """Raise Mistake unless an output for a batch of that size is right."""

    def attempt(binding: Binding) -> None:
        what = f"{output} for a batch of {size}"
        theirs, right = (output_of(answer, output, size, what) for answer in played(exam, binding, size))
        expect_close(theirs, right, f"numbers of {output}", rtol=1e-3, atol=1e-4)

    some_binding(networks.bound_actor(exam, OBSERVATIONS), attempt)


@check(QUESTION, weight=2, look_at="both ReLUs and fc_mean; the mean itself is not squashed here, get_action does that")
def the_mean_is_the_heads(exam: Exam) -> None:
    """The mean is what fc_mean makes of two hidden layers with ReLU."""
    expect_values(exam, "mean", MANY)


@check(QUESTION, weight=2, look_at="the tanh on what fc_logstd makes of the hidden layers; the given line rescales it")
def the_log_std_is_squashed_and_rescaled(exam: Exam) -> None:
    """The log_std is what fc_logstd makes of the hidden layers, squashed by tanh and rescaled to [-5, 2]."""
    expect_values(exam, "log_std", MANY)


@check(QUESTION, look_at="squeezing, flattening, and anything that mixes the rows of a batch")
def a_batch_of_one_works(exam: Exam) -> None:
    """A batch of a single observation gets its mean and its log_std, both of shape (1, A)."""
    for output in OUTPUTS:
        expect_values(exam, output, 1)


@check(QUESTION, weight=2, look_at="detach, no_grad, .data or a new tensor made inside forward: they cut the graph")
def gradients_flow_through(exam: Exam) -> None:
    """The mean and the log_std can be differentiated by every parameter of their head and of the hidden layers."""

    def attempt(binding: Binding) -> None:
        both = played(exam, binding, MANY)
        for step, output in enumerate(OUTPUTS, start=3):
            output_of(both[0], output, MANY, output)
            theirs, right = (answer.step(step).part("returned").part("actor") for answer in both)
            expect_parameter_gradients(theirs, right, binding, f" of {output}")

    some_binding(networks.bound_actor(exam, OBSERVATIONS), attempt)
