"""Hidden checks of ``actor-forward``: Actor.forward."""

import torch

from autograder.checks import Answer, Exam, check, expect_close
from autograder.sac import networks, probes, worlds
from autograder.sac.binding import Binding
from autograder.sac.critic import expect_parameter_gradients
from autograder.sac.worlds import ACTIONS, HIDDEN, OBSERVATIONS, Numbers, State
from solutions import sac as reference

QUESTION = "actor-forward"
MANY = 12
OUTPUTS = ("mean", "log_std")


def inputs(size: int) -> State:
    """Observations (B, O) and the weights (B, A) of the sum of which gradients are taken."""
    rng = worlds.generator(40 + size)
    return {"x": worlds.normal(rng, size, OBSERVATIONS), "weigh": worlds.normal(rng, size, ACTIONS)}


def ask(exam: Exam, binding: Binding, size: int) -> Answer:
    """What the student's actor makes of a batch of that size, the judge's weights set."""
    weights, given = binding.to_student(worlds.actor(18)), inputs(size)
    return exam.ask(
        "actor_forward",
        spaces=worlds.spaces(),
        hidden=HIDDEN,
        weights=worlds.sent(weights),
        inputs=worlds.sent(given),
    )


def expected(size: int, output: str) -> tuple[Numbers, dict[str, Numbers]]:
    """The right mean or log_std (B, A), and the gradients of its weighted sum by each parameter."""
    spaces = probes.Spaces(OBSERVATIONS, worlds.LOW, worlds.HIGH)
    actor = worlds.exact(reference.Actor(spaces, HIDDEN), worlds.actor(18))
    x, weigh = (worlds.tensor(array) for array in inputs(size).values())
    right = actor(x)[OUTPUTS.index(output)]
    leaves = dict(actor.named_parameters())
    found = torch.autograd.grad((right * weigh).sum(), list(leaves.values()), allow_unused=True)
    none = [torch.zeros_like(leaf) if each is None else each for leaf, each in zip(leaves.values(), found, strict=True)]
    return worlds.numbers(right), {name: worlds.numbers(each) for name, each in zip(leaves, none, strict=True)}


def expect_values(exam: Exam, output: str, size: int) -> None:
    """Raise Mistake unless an output for a batch of that size is right."""

    def attempt(binding: Binding) -> None:
        actual = ask(exam, binding, size).array(output, (size, ACTIONS), f"{output} for a batch of {size}")
        expect_close(actual, expected(size, output)[0], f"numbers of {output}", rtol=1e-3, atol=1e-4)

    networks.some_binding(networks.bound_actor(exam, OBSERVATIONS), attempt)


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
        answer = ask(exam, binding, MANY)
        for output in OUTPUTS:
            answer.array(output, (MANY, ACTIONS), output)
            right = expected(MANY, output)[1]
            expect_parameter_gradients(answer.part(f"{output} by parameter"), binding, right, f" of {output}")

    networks.some_binding(networks.bound_actor(exam, OBSERVATIONS), attempt)
