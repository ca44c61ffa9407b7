"""Signatures of answers: small data, the same for two runs of the same code on any machine, and others for other code.

A signature maps every leaf of an answer, by its path, to its text or to a few numbers. An array of more than a few
numbers is reduced to its norm and some random projections: with Gaussian weights of unit variance, two arrays whose
difference has the norm d have projections that differ by d times a Gaussian, so that all of them agree by chance to a
relative 2e-4 in about one of 1e14 cases.
"""

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from autograder.judging.checks import Value
from autograder.judging.judge import Heard
from autograder.judging.session import Answered, Gone, Outcome, Raised
from autograder.student.wire import Opaque

Numbers = npt.NDArray[np.float64]
Leaf = str | tuple[float, ...]  # a text, or a norm and a few numbers
Signature = Mapping[str, Leaf]

MOST_LEAVES = 600  # of one answer; one with more is described as nothing but its size
PROJECTIONS = 4
FEW = 4  # numbers that are kept as they are
LARGEST = 1e30  # beyond this a number counts as infinite, so that sums stay finite
DIGITS = 6
AS_ASKED = " (as handed in)"  # ends the path of numbers that merely repeat some of the question


def signature(heard: Heard) -> dict[str, Leaf]:
    """The signature of what came of one question."""
    found: dict[str, Leaf] = {}
    handed_in = [array for _, value in _leaves(dict(heard.asked), "") if (array := _numbers(value)) is not None]
    for path, value in _leaves({"answer": _values(heard.outcome), "calls": _stacked(heard.calls)}, ""):
        if len(found) >= MOST_LEAVES:
            return {"too many": f"more than {MOST_LEAVES} values"}
        found.update(_leaf(path, value, handed_in))
    return found


def _values(outcome: Outcome) -> Value:
    match outcome:
        case Answered():
            return outcome.values
        case Raised():
            return f"raised {outcome.type}: {re.sub(r'0x[0-9a-f]+', '0x', outcome.message)}"
        case Gone():
            return "hung" if outcome.hung else "gone"


def _stacked(calls: tuple[tuple[str, Mapping[str, Value]], ...]) -> dict[str, Value]:
    """How often each function was called back, and with what values, in their order; arrays of one shape as one."""
    said: dict[str, list[Value]] = {}
    for name, values in calls:
        for key, value in {"": 1, **values}.items():
            said.setdefault(f"{name} {key}", []).append(value)
    return {name: _one(values) for name, values in said.items()}


def _one(values: list[Value]) -> Value:
    arrays = [array for value in values if (array := _numbers(value)) is not None]
    if len(arrays) == len(values) and len({array.shape for array in arrays}) == 1:
        return np.stack(arrays)
    return values


def _leaves(value: Value, path: str) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _leaves(value[key], f"{path}/{key}")
    elif isinstance(value, list):
        yield f"{path}/length", str(len(value))
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}/{number}")
    else:
        yield path, value


def _numbers(value: Value) -> Numbers | None:
    """The numbers of a leaf as float64; None if it holds none."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.ndarray):
        return None
    return np.asarray(value).astype(np.float64) if np.asarray(value).dtype.kind in "fiu" else None


def _leaf(path: str, value: Value, handed_in: list[Numbers]) -> dict[str, Leaf]:
    array = _numbers(value)
    if array is None:
        return {path: _text(value)}
    name = f"{path} {array.shape}"
    finite = np.isfinite(array) & (np.abs(np.nan_to_num(array)) < LARGEST)
    found: dict[str, Leaf] = {}
    if not finite.all():
        found[f"{name} not finite"] = f"{int(np.isnan(array).sum())} NaN of {int((~finite).sum())}"
        array = np.where(finite, array, 0.0)
    elif any(_repeats(array, given) for given in handed_in):
        name += AS_ASKED
    return {name: known_by(array), **found}


def _text(value: Value) -> str:
    if isinstance(value, np.ndarray):
        return str(value.tolist()) if value.size <= FEW else f"{int(value.sum())} of {value.size} true"
    return value.type_name if isinstance(value, Opaque) else f"{type(value).__name__} {str(value)[:300]}"


def _repeats(array: Numbers, given: Numbers) -> bool:
    """Whether an array holds what was handed in: the same numbers, or the one number throughout."""
    return given.shape in ((), array.shape) and bool((np.abs(array - given) < 1e-9 + 1e-6 * np.abs(given)).all())


def known_by(array: Numbers) -> tuple[float, ...]:
    """The norm of an array, and either its few numbers or its projections; all of them rounded."""
    flat = array.ravel()
    if flat.size > FEW:
        weights = np.random.default_rng([1805, flat.size]).standard_normal((PROJECTIONS, flat.size))
        flat, norm = weights @ flat, float(np.linalg.norm(flat))
    else:
        norm = float(np.linalg.norm(flat))
    return tuple(float(f"{number:.{DIGITS - 1}e}") for number in (norm, *flat))


def alike(one: Leaf, other: Leaf, tolerance: float) -> bool:
    """Whether two leaves of one path hold the same, numbers up to a tolerance relative to their norm."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    reach = tolerance * max(one[0], other[0]) + 1e-7
    return len(one) == len(other) and all(math.fabs(a - b) <= reach for a, b in zip(one, other, strict=True))


def says_something(path: str, leaf: Leaf) -> bool:
    """Whether a leaf holds numbers that are not all zero and not merely what was handed in, as after many mistakes."""
    return not isinstance(leaf, str) and leaf[0] > 1e-6 and not path.endswith(AS_ASKED)


def broke_off(signature: Signature) -> bool:
    """Whether there was no answer, since the code raised, hung or ended the process: its own words tell that."""
    said = signature.get("/answer", "")
    return isinstance(said, str) and said.startswith(("str raised ", "str hung", "str gone"))
