"""The judge's questions put to code in the test's own process: quick, and without a sandbox."""

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from autograder.authoring import blank, read_marked
from autograder.course.limits import Limits
from autograder.judging.answer_key import AnswerKey
from autograder.judging.checks import Handler, Value
from autograder.judging.judge import Paper, judge
from autograder.judging.process import (
    Answered,
    Defined,
    Outcome,
    Place,
    Raised,
    Session,
    StudentProcess,
    place_in,
    raised_in,
)
from autograder.judging.proof import LocalExam, answered
from autograder.notebook.extraction import extract
from autograder.records import QuestionResult
from autograder.sandbox import NoBarrier
from autograder.student.runner import Clock, Loaded, Student, described
from autograder.verification.corpus import Variant, in_place

__all__ = ["LocalExam", "LocalJudge"]


def outcome_of(
    functions: Mapping[str, Any], probes: Mapping[str, Any], probe: str, values: Mapping[str, Value], handler: Any
) -> Outcome:
    """What a student's process with these functions would come to."""
    try:
        return Answered(answered(functions, probes, probe, values, handler))
    except BaseException as error:  # whatever a student's code raises is an answer, as in the sandbox
        return Raised(**described(error))


class LocalSession(Session):
    """A session in this process."""

    def __init__(self, loaded: Loaded) -> None:
        self.place = Place("")
        self.loaded = loaded
        self.student = Student()

    def define(self, announce: bool = False, seconds: float = 0) -> Defined:
        """Run the definitions."""
        clock = Clock(Limits().seconds_per_statement)
        for statement in self.loaded.statements:
            self.student.run(statement, clock)
        faults = [*self.loaded.faults, *self.student.faults]
        return Defined(tuple(map(raised_in, faults)), tuple(place_in(each.get("statement")) for each in faults))

    def ask(
        self, probe: str, values: Mapping[str, Value], handler: Handler | None = None, seconds: float | None = None
    ) -> Outcome:
        """The probe's answer."""
        return outcome_of(self.student, self.loaded.probes, probe, values, handler)


class LocalProcess(StudentProcess):
    """A student's process that is this one."""

    def __init__(self) -> None:
        super().__init__(NoBarrier(), Limits())
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
        yield LocalSession(self.loaded)


class LocalJudge:
    """Judges variants of one practical, whose student code runs in this process."""

    def __init__(self, key: AnswerKey) -> None:
        self.key = key
        self.practical = key.practical
        self.marked = read_marked(self.practical.source, self.practical)
        self.released = extract(blank(self.practical.source, self.practical), self.practical.long_running)
        self.known: dict[str, tuple[QuestionResult, ...]] = {}

    def results(self, variant: Variant) -> tuple[QuestionResult, ...]:
        """What a variant gets for the questions of the cells that it changes, of all if it changes none of them.

        What is end to end, such as training, is left out. The other questions see none of what it changes.
        """
        if variant.id not in self.known:
            changed = {*variant.cells, *(self.practical.blanks[blank] for blank in variant.fills)}
            asked = [item for item in self.practical.questions if not item.end_to_end]
            asked = [item for item in asked if item.cell in changed or item.name in variant.loses] or asked
            paper = Paper(
                extract(in_place(self.marked, variant), self.practical.long_running, release=self.released),
                self.released,
            )
            with LocalProcess() as process, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # students' code may warn
                self.known[variant.id] = judge(paper, self.key, process, asked)
        return self.known[variant.id]
