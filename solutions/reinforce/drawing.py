"""What get_action and choose_actions drew, held against the probabilities that they should have been drawn with.

Right code may draw its noise in any way, so samples are never compared with samples. Each sampled action gets a rank
instead: with the actions of its row in the order of their probabilities, the likeliest first, it is drawn anew from the
stretch of [0, 1] that belongs to the action. Ranks of right code are independent and exactly uniform.
"""

from typing import cast

import numpy as np
import numpy.typing as npt

from autograder.judging import Answer, Mistake, Numbers
from autograder.rl.inputs import generator
from autograder.rl.noise import expect_no_agreement, strain_of_ranks, strain_of_repetition

GROUPS = 3  # of rows, from those whose likeliest action is hardly likelier than the others to nearly certain ones


def softmax(logits: Numbers) -> Numbers:
    """The probabilities (B, A) of logits (B, A)."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return cast(Numbers, powers / powers.sum(1, keepdims=True))


def sampled(answer: Answer, name: str, shape: tuple[int, ...], actions: int, what: str) -> npt.NDArray[np.int64]:
    """Actions that came back; Mistake unless they are whole numbers of that shape, from 0 on."""
    numbers = answer.array(name, shape, what)
    if not np.isin(numbers, np.arange(actions)).all():
        raise Mistake(f"Some of {what} are none of the action numbers, 0 to the number of actions less 1.")
    return numbers.astype(np.int64)


def ranks(chosen: npt.NDArray[np.int64], probabilities: Numbers, seed: int) -> Numbers:
    """The rank (B,) of each action (B,) drawn with probabilities (B, A)."""
    rows = np.arange(len(chosen))
    order = np.argsort(-probabilities, axis=1)
    upper = np.empty_like(probabilities)
    np.put_along_axis(upper, order, np.take_along_axis(probabilities, order, 1).cumsum(1), 1)
    return upper[rows, chosen] - generator(seed).uniform(size=len(rows)) * probabilities[rows, chosen]


def expect_drawn(chosen: npt.NDArray[np.int64], again: npt.NDArray[np.int64], probabilities: Numbers) -> None:
    """Raise Mistake unless the actions (B,) of two calls were drawn independently with these probabilities (B, A).

    They are tested all together, and by how likely the likeliest action of their rows is: a mixture with other ways to
    choose may be right on the whole, and wrong where one action is nearly certain or all are nearly even.
    """
    first, second = (ranks(actions, probabilities, seed) for actions, seed in ((chosen, 77), (again, 78)))
    surest = np.argsort(probabilities.max(1), kind="stable")
    for rows in (np.arange(len(chosen)), *np.array_split(surest, GROUPS)):
        for found, actions in ((first, chosen), (second, again)):
            if not strain_of_ranks(found[rows]) <= 1:
                raise Mistake(_fault(actions[rows], probabilities[rows]))
    signs = np.where(first < 0.5, -1.0, 1.0)
    if strain_of_repetition(signs)[0] > 1:
        raise Mistake("The rows of one batch share noise: their actions depend on each other.")
    expect_no_agreement(signs * np.where(second < 0.5, -1.0, 1.0), "two calls")


def _fault(chosen: npt.NDArray[np.int64], probabilities: Numbers) -> str:
    """How actions were not drawn as they should have been, in words."""
    if np.ptp(chosen) == 0:
        return "All rows get one and the same action."
    likeliest = probabilities.argmax(1)
    share, due = (chosen == likeliest).mean(), probabilities.max(1).mean()
    if share == 1:
        return "It is always the most likely action that comes back: nothing is sampled."
    if abs(share - due) > 0.05:
        return f"The most likely action comes back too {'often' if share > due else 'rarely'}."
    return "The actions are not drawn with the policy's probabilities."
