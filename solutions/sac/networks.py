"""How the judge sets the weights of a student's own networks: whose layers are named, or else bound by size."""

from collections.abc import Callable, Sequence

from autograder.judging import Exam, Mistake
from autograder.judging.scenes import Scene, call, help_with

from .binding import Binding, Shape, actor_bindings, critic_bindings
from .inputs import ACTIONS, HIDDEN, OBSERVATIONS, spaces


def bound_critic(exam: Exam) -> list[Binding]:
    """How the layers of the student's SoftQNetwork can be the practical's; Mistake if they cannot."""
    shapes = _shapes(exam, "SoftQNetwork", OBSERVATIONS)
    return _known(critic_bindings(shapes, OBSERVATIONS, ACTIONS, HIDDEN), "SoftQNetwork")


def bound_actor(exam: Exam, observations: int) -> list[Binding]:
    """How the layers of the student's Actor can be the practical's, likeliest first; Mistake if they cannot."""
    return _known(actor_bindings(_shapes(exam, "Actor", observations), observations, ACTIONS, HIDDEN), "Actor")


def some_binding(bindings: Sequence[Binding], attempt: Callable[[Binding], None]) -> None:
    """Try one binding after the other until one makes no mistake; else the likeliest one's Mistake."""
    mistakes = []
    for binding in bindings:
        try:
            attempt(binding)
        except Mistake as mistake:
            mistakes.append(mistake)
        else:
            return
    raise mistakes[0]


def _shapes(exam: Exam, network: str, observations: int) -> list[tuple[str, Shape]]:
    """The name and the shape of each parameter of the student's network, as far as they can be read."""
    built = call(network, "env", HIDDEN, into="network")
    answer = exam.play(Scene({"env": spaces(observations)}, built, help_with("shapes", "network")))
    found = answer.step(1).value("returned")
    pairs = [pair for pair in found if isinstance(pair, list) and len(pair) == 2] if isinstance(found, list) else []
    return [(str(name), _sizes(shape)) for name, shape in pairs]


def _sizes(shape: object) -> Shape:
    return tuple(size for size in shape if isinstance(size, int)) if isinstance(shape, list) else ()


def _known(bindings: list[Binding], network: str) -> list[Binding]:
    if bindings:
        return bindings
    raise Mistake(
        f"The layers of {network} are not those of the practical, so no weights could be set.",
        "the constructor: two hidden layers of hidden_size units, then linear layers of the practical's sizes",
    )
