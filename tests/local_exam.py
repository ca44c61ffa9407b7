"""The judge's questions put to code in the test's own process: quick, and without a sandbox."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from autograder.authoring import blank, read_marked
from autograder.course.limits import Limits
from autograder.judging.answer_key import AnswerKey, Reference
from autograder.judging.checks import Answer, Exam, Handler, MakeHandler, Mistake, Refused, Value
from autograder.judging.judge import Paper, judge, words_for
from autograder.judging.process import Answered, Defined, Outcome, Raised, Session, StudentProcess
from autograder.notebook.extraction import extract
from autograder.records import LearningCurve, QuestionResult
from autograder.sandbox import NoBarrier
from autograder.student import wire
from autograder.student.host import Loaded, Student, described
from autograder.student.stage import Stage, plain, play
from autograder.verification.corpus import Variant, in_place


def wired(value: Any) -> Any:
    """A value after its way over the wire."""
    return wire.unpack(wire.pack(plain(value)))


def answered(
    functions: Mapping[str, Any], probes: Mapping[str, Any], probe: str, values: Mapping[str, Value], handler: Any
) -> Outcome:
    """What a student's process with these functions would answer."""

    def ask_judge(name: str, **said: Any) -> Any:
        assert handler is not None, "nobody answers"
        try:
            return handler(name, wired(said))
        except Refused as refused:
            raise RuntimeError(str(refused)) from refused

    session = SimpleNamespace(student=functions, ask_judge=ask_judge)
    scenes = partial(play, Stage(functions, probes, ask_judge))
    try:
        answer = scenes if probe == "play" else partial(probes[probe], session)
        return Answered(wired(answer(**wired(values))))
    except BaseException as error:  # whatever a student's code raises is an answer, as in the sandbox
        return Raised(**described(error))


class LocalExam(Exam):
    """Asks these functions; the reference's, defined anew for every question, where none are given."""

    def __init__(self, key: AnswerKey, functions: Mapping[str, Any] | None = None) -> None:
        self.key = key
        self.functions = functions
        self.probes = Loaded([], key.practical.probes).probes
        self.curves: list[LearningCurve] = []
        self.asked: dict[bytes, Answer | Mistake] = {}

    def ask(
        self, probe: str, /, *, handler: MakeHandler | None = None, seconds: float | None = None, **values: Value
    ) -> Answer:
        """See Exam; whatever the handler, the same values are the same question."""
        question = wire.pack([probe, values])
        if question not in self.asked:
            self.asked[question] = self._answer(probe, values, handler() if handler else None)
        answer = self.asked[question]
        if isinstance(answer, Mistake):
            raise answer
        return answer

    def _answer(self, probe: str, values: Mapping[str, Value], handler: Any) -> Answer | Mistake:
        functions = Reference(self.key.practical) if self.functions is None else self.functions
        outcome = answered(functions, self.probes, probe, values, handler)
        if isinstance(outcome, Answered):
            return Answer(outcome.values, handler)
        assert isinstance(outcome, Raised)
        mistake = Mistake(words_for(outcome))
        mistake.handler = handler
        return mistake

    def keep_curve(self, curve: LearningCurve) -> None:
        """See Exam."""
        self.curves.append(curve)


class LocalSession(Session):
    """A session in this process."""

    def __init__(self, loaded: Loaded) -> None:
        self.cell = ""
        self.loaded = loaded
        self.student = Student()

    def define(self, announce: bool = False) -> Defined:
        """Run the definitions."""
        for _, statements in self.loaded.cells:
            self.student.run(statements)
        return Defined(tuple(Raised(**fault) for fault in [*self.loaded.faults, *self.student.faults]))

    def ask(
        self, probe: str, values: Mapping[str, Value], handler: Handler | None = None, seconds: float | None = None
    ) -> Outcome:
        """The probe's answer."""
        return answered(self.student, self.loaded.probes, probe, values, handler)


class LocalProcess(StudentProcess):
    """A student's process that is this one."""

    def __init__(self) -> None:
        super().__init__(NoBarrier(), Limits())
        self.loaded = Loaded([], "")

    def start(self) -> None:
        """Nothing has to be started."""

    def load(self, cells: Sequence[tuple[str, str]], probes: str) -> None:
        """Compile the cells and the probes."""
        self.loaded = Loaded([list(cell) for cell in cells], probes)

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
            paper = Paper(extract(in_place(self.marked, variant), self.practical.long_running), self.released)
            with LocalProcess() as process, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # students' code may warn
                self.known[variant.id] = judge(paper, self.key, process, asked)
        return self.known[variant.id]
