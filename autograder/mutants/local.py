"""A student's process that is this one: for code that is the course's own, such as mutants. It takes a moment.

What it answers is what the sandbox answers: the definitions are new for each ask, and the noise begins anew.
"""

import contextlib
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.course.limits import Limits
from autograder.course.practical import Practical
from autograder.judging.checks import Handler, Value
from autograder.judging.faults import alarm
from autograder.judging.process import StudentProcess
from autograder.judging.proof import answered
from autograder.judging.session import (
    TOO_SLOW,
    Answered,
    Defined,
    Gone,
    Outcome,
    Place,
    Raised,
    Session,
    place_in,
    raised_in,
)
from autograder.sandbox import NoBarrier
from autograder.student.quiet import NotRunWhenMarked
from autograder.student.runner import Clock, Loaded, Student, described


class TooLate(BaseException):
    """The time allowed is over. No code of the course's own catches it."""


class LocalSession(Session):
    """New definitions in this process."""

    def __init__(self, loaded: Loaded, seconds: float) -> None:
        self.place = Place("")
        self.loaded = loaded
        self.seconds = seconds
        self.student = Student(NotRunWhenMarked)

    def define(self, announce: bool = False, seconds: float = 0) -> Defined | Gone:
        """Run the definitions."""
        clock = Clock(seconds) if announce and seconds else None
        for statement in self.loaded.statements:
            self.student.run(statement, clock)
        faults = [*self.loaded.faults, *self.student.faults]
        return Defined(tuple(map(raised_in, faults)), tuple(place_in(each.get("statement")) for each in faults))

    def ask(
        self, probe: str, values: Mapping[str, Value], handler: Handler | None = None, seconds: float | None = None
    ) -> Outcome:
        """The probe's answer; the time limit is this session's own."""
        try:
            with alarm(self.seconds, TooLate):
                return Answered(answered(self.student, self.loaded.probes, probe, values, handler))
        except TooLate:
            return Gone(TOO_SLOW, hung=True)
        except BaseException as error:  # whatever the code raises is an answer, as in the sandbox
            return Raised(**described(error))


class LocalProcess(StudentProcess):
    """A student's process that is this one. ``begin`` sets the noise before every session."""

    def __init__(self, begin: Callable[[], object] = lambda: None, seconds: float = 0.0) -> None:
        super().__init__(NoBarrier(), Limits())
        self.begin = begin
        self.seconds = seconds  # of processor time, for one ask; 0 stands for no limit
        self.loaded = Loaded([], "")

    def start(self) -> None:
        """Nothing has to be started."""

    def load(
        self,
        cells: Sequence[tuple[str, str]],
        probes: str,
        without: Iterable[tuple[str, int]] = (),
        definitions: bool = False,
    ) -> None:
        """Compile the cells and the probes."""
        self.loaded = Loaded([list(cell) for cell in cells], probes, [list(each) for each in without], definitions)

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """New definitions."""
        self.begin()
        yield LocalSession(self.loaded, self.seconds)


def same_noise(practical: Practical) -> Callable[[], None]:
    """What sets the noise to the state in which the practical's student process begins every ask.

    Where the practical sets none, every ask begins with the state of now.
    """
    for name, source in [*practical.modules, ("warmup", practical.warmup)]:
        exec(compile(source, name, "exec"), {"__name__": name})  # noqa: S102 - the course's own
    torch: Any = sys.modules.get("torch")
    states = random.getstate(), np.random.get_state(), torch.get_rng_state() if torch else None

    def begin() -> None:
        random.setstate(states[0])
        np.random.set_state(states[1])
        if states[2] is not None:
            torch.set_rng_state(states[2])

    return begin
