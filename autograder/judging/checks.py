"""What a hidden check is: a function whose docstring is the sentence that the student reads.

    @check("double", weight=2, look_at="the factor")
    def it_doubles(exam: Exam) -> None:
        '''Twice the number comes back.'''
        scene = Scene({"x": array(np.arange(3.0))}, call("double", "x"))
        theirs, right = (each.step(0) for each in (exam.play(scene), exam.right(scene)))
        expect_close(theirs.array("returned", (3,), "it"), right.array("returned", (3,), "it"), "numbers")

A check ends quietly when the student's answer is right and raises ``Mistake`` when it is not. A scene (scenes.py) is
played by the student's process and by the judge with the reference's functions. What comes back from the student's
process is data, never trusted.
"""

import inspect
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograder.errors import CheckError
from autograder.records import CheckResult, LearningCurve
from autograder.student.wire import Opaque

if TYPE_CHECKING:
    from autograder.judging.answer_key import AnswerKey
    from autograder.judging.scenes import Scene

Array = npt.NDArray[np.generic]
Value = None | bool | int | float | str | Array | Opaque | list["Value"] | dict[str, "Value"]
Handler = Callable[[str, Mapping[str, Value]], Value]
"""Answers what the student's process asks back while it works, such as one step of a simulation: (verb, values)."""
MakeHandler = Callable[[], Handler]


class Refused(Exception):
    """Raised by a handler: the call makes no sense, and the student's code is told so in these words."""


class Mistake(Exception):
    """What a check found wrong, in words for the student: never a hidden input or an expected value."""

    def __init__(self, happened: str, look_at: str = "", fault: str = "") -> None:
        super().__init__(happened)
        self.happened = happened
        self.look_at = look_at
        self.fault = fault  # a name for what it came of: a question tells of each once, where it first meets it
        self.handler: Any = None  # of the ask that this came of, with its record; None where nothing served one


class Unreached(Mistake):
    """What a check is about could not be judged: what another check of its question found stands in the way."""

    def __init__(self) -> None:
        super().__init__("Not reached: another finding of this question stands in the way.")


@contextmanager
def needed() -> Iterator[None]:
    """What is found wrong in this block is another check's finding: this one says only that it was not reached."""
    try:
        yield
    except Mistake as mistake:
        raise Unreached from mistake


class Answer:
    """What a probe brought back: named values of unknown worth. Accessors raise Mistake on what is not as asked."""

    def __init__(self, values: Value, handler: Any = None) -> None:
        if isinstance(values, list):
            values = {str(number): value for number, value in enumerate(values)}
        self._values: dict[str, Value] = values if isinstance(values, dict) else {}
        self.handler = handler  # what served the calls of this ask, with its record; None where nothing did

    @property
    def names(self) -> list[str]:
        """The names of its values."""
        return list(self._values)

    def step(self, number: int) -> "Answer":
        """What came of one step of a scene: its values are ``returned``, ``type``, ``attached`` and ``now``."""
        return Answer(self._values.get(str(number)))

    def now(self, name: str) -> "Answer":
        """What an object of the scene held after this step."""
        return self.part("now").part(name)

    def value(self, name: str) -> Value:
        """The raw value; None if there is none."""
        return self._values.get(name)

    def part(self, name: str) -> "Answer":
        """The values in a dict or, by their numbers, in a list among the values; empty if there is neither."""
        return Answer(self._values.get(name))

    def array(
        self, name: str, shape: tuple[int, ...], what: str, *, rows: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.float64]:
        """A finite array of numbers of exactly that shape, as float64; ``what`` names it to the student.

        With ``rows``, only those rows have to be finite; in others, what is not finite comes back as 0.
        """
        raw, what, fault = self._values.get(name), _as_a_beginning(what), _without_digits(what)
        if isinstance(raw, bool | int | float):
            raw = np.asarray(raw)
        if not isinstance(raw, np.ndarray):
            raise Mistake(f"{what} should be a tensor of shape {shape}, but {_kind(raw)} came back.", fault=fault)
        if raw.dtype.kind not in "fiub":
            raise Mistake(f"{what} should hold real numbers, but its type is {raw.dtype}.", fault=fault)
        if raw.shape != shape:
            raise Mistake(f"{what} should have the shape {shape}, but has {raw.shape}.", fault=fault)
        numbers = raw.astype(np.float64)
        if rows is not None:
            numbers[~rows] = np.nan_to_num(numbers[~rows], nan=0.0, posinf=0.0, neginf=0.0)
        broken = int((~np.isfinite(numbers)).sum())
        if broken:
            said = f"{broken} of {numbers.size} numbers are" if numbers.ndim else "the number is"
            raise Mistake(f"{what}: {said} NaN or infinite.", fault=fault)
        return numbers

    def number(self, name: str, what: str) -> float:
        """One finite number, from a plain number or a tensor that holds just one."""
        raw = self._values.get(name)
        shape = raw.shape if isinstance(raw, np.ndarray) else ()
        if math.prod(shape) != 1:
            words = f"{_as_a_beginning(what)} should be a single number, but a tensor of shape {shape} came back."
            raise Mistake(words, fault=_without_digits(what))
        if not isinstance(raw, bool | int | float | np.ndarray):
            words = f"{_as_a_beginning(what)} should be a number, but {_kind(raw)} came back."
            raise Mistake(words, fault=_without_digits(what))
        return float(self.array(name, shape, what).item())


def _as_a_beginning(what: str) -> str:
    """The words as a sentence begins; a name, such as next_q_value, keeps its small letters."""
    return what[:1].upper() + what[1:] if re.match(r"[a-z]+(?: |$)", what) else what


def _without_digits(what: str) -> str:
    return re.sub(r"\d+", "", what)


def _kind(value: Value) -> str:
    names = {type(None): "nothing (None)", str: "a string", list: "a list or tuple", dict: "a dict"}
    if isinstance(value, Opaque):
        return f"an object of type {value.type_name}"
    return names.get(type(value), "something else")


class Exam(ABC):
    """The judge's side of one student's process."""

    key: "AnswerKey"

    @property
    def reference(self) -> Any:
        """What the source notebook's own solution defines, by name: ``exam.reference.double``."""
        return self.key.reference

    def play(self, scene: "Scene", *, handler: MakeHandler | None = None, seconds: float | None = None) -> Answer:
        """What the student's functions make of a scene; asked and answered as by ``ask``."""
        self.key.require(scene)
        return self.ask("play", handler=handler, seconds=seconds, **scene.sent())

    def right(self, scene: "Scene") -> Answer:
        """What the reference's functions make of it, in float64."""
        return self.key.right(scene)

    @abstractmethod
    def ask(
        self, probe: str, /, *, handler: MakeHandler | None = None, seconds: float | None = None, **values: Value
    ) -> Answer:
        """What the probe of that name (a function in the practical's probes.py) answers to these values.

        The same question is put only once, to a fresh copy of the process: its answer is kept. If the student's code
        raises, hangs or dies meanwhile, Mistake says so in words, and every check that asks the same fails with it.
        ``seconds`` is for what takes longer than the usual limit.

        ``handler`` makes what does the process's calls meanwhile, such as ``partial(Script, seed=1)``. It is a part of
        the question: asked again with the same one, the answer is the same, and so is its ``handler`` with the record
        of what was called. A handler that is a context manager is entered before and left afterwards.
        """

    @abstractmethod
    def keep_curve(self, curve: LearningCurve) -> None:
        """Keep a learning curve for the feedback on the question that is being judged."""


@dataclass(frozen=True)
class Check:
    """One hidden check. ``weight`` is its share of the question's points, relative to the question's other checks."""

    name: str
    question: str
    sentence: str
    look_at: str
    weight: float
    run: Callable[[Exam], None]

    def reworded(self, found: CheckResult) -> CheckResult:
        """An earlier finding of this check with its sentence, weight and advice of today."""
        told = replace(found, sentence=self.sentence, weight=self.weight)
        return replace(told, look_at=self.look_at) if found.usual and not found.passed else told

    @property
    def place(self) -> str:
        """File and line."""
        code = self.run.__code__
        return f"{code.co_filename}, line {code.co_firstlineno}"


def check(question: str, *, weight: float = 1.0, look_at: str = "") -> Callable[[Callable[[Exam], None]], Check]:
    """Make a function into a check; the first paragraph of its docstring is what the student reads.

    CheckError where it has none, where the question, ``look_at`` or the argument ``exam`` is missing, where its name is
    taken, or where the weight is not above 0.
    """
    if not isinstance(question, str) or not isinstance(look_at, str) or not look_at:
        message = "@check needs the question, and look_at: what a student is to look at where the check fails."
        raise CheckError(message, 'Write @check("question", look_at="the axis") above the function.')

    def decorate(function: Callable[[Exam], None]) -> Check:
        name, doc = function.__name__, inspect.getdoc(function)
        if not doc:
            step = 'Write what has to hold, as its first line: """Twice the number comes back."""'
            raise CheckError(f"{name} needs a docstring: it is the sentence that the student reads.", step)
        if not _takes_one(function):
            raise CheckError(f"{name} does not take one argument.", f"Write: def {name}(exam: Exam) -> None:")
        if not isinstance(weight, int | float) or not 0 < weight < math.inf:
            raise CheckError(f"{name} has the weight {weight!r}.", "A weight is a number above 0; the usual one is 1.")
        if isinstance(function.__globals__.get(name), Check):
            raise CheckError(f"{name} is the name of an earlier check too.", "Give each check a name of its own.")
        sentence = " ".join(doc.split("\n\n")[0].split())
        return Check(name, question, sentence, look_at, weight, function)

    return decorate


def _takes_one(function: Callable[[Exam], None]) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    return True


def expect_close(
    actual: npt.NDArray[np.float64] | float,
    expected: npt.NDArray[np.float64] | float,
    what: str,
    *,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    look_at: str = "",
) -> None:
    """Raise Mistake unless two arrays of one shape, or two numbers, agree.

    The words count the differences and name their pattern. ``what`` says what is compared: "numbers", or "the loss".
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        message = f"expect_close is handed {what} of the shapes {actual.shape} and {expected.shape}."
        raise CheckError(message, 'Ask for one shape first: answer.array("returned", shape, "the result").')
    wrong = ~(np.abs(actual - expected) <= atol + rtol * np.abs(expected))
    if wrong.any():
        raise Mistake(f"{_differ(what, wrong)}{_pattern(actual, expected, wrong)}.", look_at)


def _differ(what: str, wrong: npt.NDArray[np.bool_]) -> str:
    """That so many of these numbers differ: of several things, or of one thing that has a name ("the loss")."""
    if not what.startswith("the "):
        return f"{int(wrong.sum())} of {wrong.size} {what} differ"
    if wrong.ndim == 0:
        return f"{_as_a_beginning(what)} differs"
    return f"{int(wrong.sum())} of {wrong.size} numbers of {what} differ"


def _pattern(actual: npt.NDArray[np.float64], expected: npt.NDArray[np.float64], wrong: npt.NDArray[np.bool_]) -> str:
    """A remark on how the wrong numbers are wrong, if one thing holds for all of them."""
    a, e = actual[wrong], expected[wrong]
    if not a.any():
        return ": they are all zero"
    if np.allclose(a, -e, rtol=1e-3):
        return ": they have the right size and the wrong sign"
    if a.size > 1 and np.ptp(np.abs(a)) < 1e-6 * np.abs(a).max() and (np.sign(a) * e > np.abs(a)).all():
        return f": they are cut off at {' and '.join(f'{each:.4g}' for each in sorted({a.min(), a.max()}))}"
    if a.size > 1 and np.ptp(a) < 1e-9 < np.ptp(e):
        return ": they are all the same number"
    if a.size > 2 and np.ptp(a - e) <= 1e-3 * np.abs(a - e).mean():
        return ": all by the same amount"
    if a.size > 2 and e.all() and np.ptp(a / e) <= 1e-3 * np.abs(a / e).mean() < np.abs(a / e - 1).mean():
        return ": all by the same factor"
    return ""
