"""Hidden checks of ``critic-forward``: SoftQNetwork.forward."""

import torch

from autograder.checks import Answer, Exam, Mistake, check, expect_close
from autograder.sac import networks, probes, worlds
from autograder.sac.binding import Binding
from autograder.sac.worlds import ACTIONS, HIDDEN, OBSERVATIONS, Numbers, State
from solutions import sac as reference

QUESTION = "critic-forward"
MANY = 12


def inputs(size: int) -> State:
    """Observations (B, O), actions (B, A) and the weights (B, 1) of the sum of which gradients are taken."""
    rng = worlds.generator(10 + size)
    return {
        "x": worlds.normal(rng, size, OBSERVATIONS),
        "a": worlds.normal(rng, size, ACTIONS),
        "weigh": worlds.normal(rng, size, 1),
    }


def ask(exam: Exam, binding: Binding, size: int) -> Answer:
    """What the student's critic makes of a batch of that size, the judge's weights set."""
    weights, given = binding.to_student(worlds.critic(28)), inputs(size)
    return exam.ask(
        "critic_forward",
        spaces=worlds.spaces(),
        hidden=HIDDEN,
        weights=worlds.sent(weights),
        inputs=worlds.sent(given),
    )


def expected(size: int) -> tuple[Numbers, dict[str, Numbers]]:
    """The right values (B, 1), and the gradients of their weighted sum by x, by a and by each parameter."""
    spaces = probes.Spaces(OBSERVATIONS, worlds.LOW, worlds.HIGH)
    critic = worlds.exact(reference.SoftQNetwork(spaces, HIDDEN), worlds.critic(28))
    x, a, weigh = (worlds.tensor(array) for array in inputs(size).values())
    leaves = {"x": x.requires_grad_(), "a": a.requires_grad_(), **dict(critic.named_parameters())}
    values = critic(x, a)
    found = torch.autograd.grad((values * weigh).sum(), list(leaves.values()))
    return worlds.numbers(values), {name: worlds.numbers(each) for name, each in zip(leaves, found, strict=True)}


def values_of(answer: Answer, size: int) -> Numbers:
    """The values (B, 1) that came back."""
    return answer.array("values", (size, 1), f"what forward returns for a batch of {size}")


@check(QUESTION, weight=2, look_at="the concatenation of x and a, both ReLUs, and the last layer, which has none")
def the_values_are_the_networks(exam: Exam) -> None:
    """The critic's values are those of its three layers with ReLU between them, one for each row of the batch."""

    def attempt(binding: Binding) -> None:
        expect_close(values_of(ask(exam, binding, MANY), MANY), expected(MANY)[0], "Q-values", rtol=1e-3, atol=1e-4)

    networks.some_binding(networks.bound_critic(exam), attempt)


@check(QUESTION, look_at="squeezing, flattening, and the dimension along which x and a are joined")
def a_batch_of_one_works(exam: Exam) -> None:
    """A batch of a single observation and action gets its value too, of shape (1, 1)."""

    def attempt(binding: Binding) -> None:
        expect_close(values_of(ask(exam, binding, 1), 1), expected(1)[0], "Q-values", rtol=1e-3, atol=1e-4)

    networks.some_binding(networks.bound_critic(exam), attempt)


@check(QUESTION, look_at="detach, no_grad, .data or a new tensor made inside forward: they cut the graph")
def gradients_flow_through(exam: Exam) -> None:
    """The values can be differentiated by the action, the observation and every parameter."""

    def attempt(binding: Binding) -> None:
        answer = ask(exam, binding, MANY)
        values_of(answer, MANY)
        right = expected(MANY)[1]
        for name, size in (("a", ACTIONS), ("x", OBSERVATIONS)):
            what = {"a": "gradients by the action", "x": "gradients by the observation"}[name]
            actual = answer.array(f"by {name}", (MANY, size), f"the {what}")
            expect_close(actual, right[name], what, rtol=1e-2, atol=1e-3)
        expect_parameter_gradients(answer.part("by parameter"), binding, right)

    networks.some_binding(networks.bound_critic(exam), attempt)


def expect_parameter_gradients(answer: Answer, binding: Binding, right: dict[str, Numbers], of: str = "") -> None:
    """Raise Mistake unless the gradients by each parameter, under the student's names, are right."""
    arrays = {name: answer.array(name, shape, f"the gradient by {name}") for name, shape in binding.shapes.items()}
    for name, gradient in binding.to_reference(arrays).items():
        actual = gradient.astype(float)
        if right[name].any() and not actual.any():
            raise Mistake(f"No gradient{of} reaches {name}.")
        expect_close(actual, right[name], f"gradients{of} by {name}", rtol=1e-2, atol=1e-3)
