"""How the judge sets the weights of a student's own networks: whose layers are named, or else bound by size."""

from collections.abc import Callable, Sequence

from autograder.judging import Exam, Mistake, Scene, Step, Thing, help_with
from autograder.rl.layers import Binding, Shape


def shapes_of(exam: Exam, built: Step, spaces: Thing) -> list[tuple[str, Shape]]:
    """The name and the shape of each parameter of a student's network, as far as they can be read.

    The step ``built`` makes it for the object ``env``, which has these spaces, and calls it ``network``.
    """
    answer = exam.play(Scene({"env": spaces}, built, help_with("shapes", "network")))
    found = answer.step(1).value("returned")
    pairs = [pair for pair in found if isinstance(pair, list) and len(pair) == 2] if isinstance(found, list) else []
    return [(str(name), _sizes(shape)) for name, shape in pairs]


def _sizes(shape: object) -> Shape:
    return tuple(size for size in shape if isinstance(size, int)) if isinstance(shape, list) else ()


def known(bindings: list[Binding], network: str, look_at: str) -> list[Binding]:
    """These bindings; Mistake if there is none."""
    if bindings:
        return bindings
    raise Mistake(f"The layers of {network} are not those of the practical, so no weights could be set.", look_at)


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
