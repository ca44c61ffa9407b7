"""How the judge sets the weights of a student's own networks: whose layers are named, or else bound by size."""

from collections.abc import Callable, Sequence

import numpy as np

from autograder.judging import Answer, Exam, Mistake, Numbers, Scene, Step, Thing, Unreached, expect_close, help_with
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
    words = f"The layers of {network} are not those of the practical, so no weights could be set."
    raise Mistake(words, look_at, fault=words)


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


def expect_gradients(
    theirs: Answer, right: Answer, binding: Binding, of: str = "", arrival_alone: bool = False
) -> None:
    """Raise Mistake unless the gradients by each parameter, the student's under the student's names, are right.

    ``of`` says of what they are, such as " of the mean". With ``arrival_alone`` only missing ones are wrong.
    """
    arrays = {name: theirs.array(name, shape, f"the gradient{of} by {name}") for name, shape in binding.shapes.items()}
    for name, gradient in binding.to_reference(arrays).items():
        whose = name if name in binding.shapes else f"what stands for {name}"
        actual, expected = gradient.astype(float), right.array(name, gradient.shape, name)
        expect_arrival(actual, expected, of, whose)
        if not arrival_alone:
            expect_close(actual, expected, f"gradients{of} by {whose}", rtol=1e-3, atol=1e-4)


def expect_arrival(actual: Numbers, expected: Numbers, of: str, whose: str) -> None:
    """Raise Mistake if no gradient arrives where one should."""
    if expected.any() and not actual.any():
        raise Mistake(f"No gradient{of} reaches {whose}.")


def expect_alone(alone: Numbers, right: Numbers, among: Numbers, what: str) -> None:
    """Raise Mistake unless what a single row (1, N) gets is right, or what it gets as the first of many (B, N).

    Unreached where all the many get the same, which no network makes of them.
    """
    if np.allclose(alone, right, rtol=1e-4, atol=1e-5):
        return
    if np.ptp(among, axis=0).max() < 1e-9:
        raise Unreached
    if not np.allclose(alone, among[:1], rtol=1e-4, atol=1e-5):
        raise Mistake(f"A single row alone gets another {what} than it gets among {len(among)}.")
