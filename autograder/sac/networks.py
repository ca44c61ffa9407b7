"""How the judge sets the weights of a student's own networks: whose layers are named, or else bound by size."""

from collections.abc import Callable, Sequence

from autograder.checks import Answer, Exam, Mistake
from autograder.sac import worlds
from autograder.sac.binding import Binding, Shape, actor_bindings, critic_bindings


def bound_critic(exam: Exam) -> list[Binding]:
    """How the layers of the student's SoftQNetwork can be the practical's; Mistake if they cannot."""
    shapes = _shapes(exam, "SoftQNetwork", worlds.OBSERVATIONS)
    return _known(critic_bindings(shapes, worlds.OBSERVATIONS, worlds.ACTIONS, worlds.HIDDEN), "SoftQNetwork")


def bound_actor(exam: Exam, observations: int) -> list[Binding]:
    """How the layers of the student's Actor can be the practical's, likeliest first; Mistake if they cannot."""
    shapes = _shapes(exam, "Actor", observations)
    return _known(actor_bindings(shapes, observations, worlds.ACTIONS, worlds.HIDDEN), "Actor")


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
    answer = exam.ask("layers", network=network, spaces=worlds.spaces(observations), hidden=worlds.HIDDEN)
    return [(name, shape) for name, shape in zip(_names(answer), _sizes(answer), strict=False)]


def _names(answer: Answer) -> list[str]:
    names = answer.value("names")
    return [str(name) for name in names] if isinstance(names, list) else []


def _sizes(answer: Answer) -> list[Shape]:
    shapes = answer.value("shapes")
    lists = [shape if isinstance(shape, list) else [] for shape in shapes] if isinstance(shapes, list) else []
    return [tuple(size for size in shape if isinstance(size, int)) for shape in lists]


def _known(bindings: list[Binding], network: str) -> list[Binding]:
    if bindings:
        return bindings
    raise Mistake(
        f"The layers of {network} are not those of the practical, so no weights could be set.",
        "the constructor: two hidden layers of hidden_size units, then linear layers of the practical's sizes",
    )
