"""The judge: puts the hidden checks' questions to a student's process and says in marks and words what came back."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property

from autograder.course.limits import Limits
from autograder.course.practical import Question
from autograder.judging.answer_key import AnswerKey
from autograder.judging.asks import digest_of
from autograder.judging.causes import Causes, missing_name
from autograder.judging.checks import Answer, Check, Exam, Handler, MakeHandler, Mistake, Unreached, Value
from autograder.judging.contract import SCENE
from autograder.judging.draws import Draw
from autograder.judging.faults import mistake_in
from autograder.judging.given import Given
from autograder.judging.parts import listed
from autograder.judging.process import StudentProcess
from autograder.judging.session import Answered, Defined, Gone, Outcome, Raised, words_for
from autograder.notebook.extraction import Extract
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status
from autograder.sandbox import Barrier
from autograder.student import wire

MOST_CALLS = 500  # of one ask that are kept; an answer with more, such as a training run's, is kept without them
LARGEST_CALL = 16_384  # bytes of a call that are kept
MOST_FAULTS = 3  # of those met while the definitions ran that are told
LONGEST_WORDS = 500  # characters of one of them
MOST_DROPPED = 5  # statements that may hang or kill the process, before others than definitions are given up


@dataclass(frozen=True)
class Heard:
    """One ask of the student's process, what was called back meanwhile, what came of it, and what served the calls."""

    asked: Mapping[str, Value]
    outcome: Outcome
    calls: tuple[tuple[str, Mapping[str, Value]], ...] = ()
    handler: Handler | None = None
    probe: str = SCENE


Hear = Callable[[str, Mapping[str, Heard]], None]
"""Given a question's name and what was asked for it, by a digest of the ask."""
Recognise = Callable[[str, Mapping[str, Heard]], str]
"""Given the same: the hint of a known mistake, or ""."""


@dataclass(frozen=True)
class Paper:
    """One submission, ready to be judged: what was extracted from it, and from the release to compare it with."""

    extract: Extract
    release: Extract


def judge(
    paper: Paper,
    key: AnswerKey,
    process: StudentProcess,
    questions: Sequence[Question],
    recognise: Recognise = lambda *_: "",
    known_by: AnswerKey | None = None,
    hear: Hear = lambda *_: None,
) -> tuple[QuestionResult, ...]:
    """The results of these questions, in their order.

    ``hear`` is told what was asked and answered for every question that was put to the student's code; ``recognise``
    where marks were lost, and what it says becomes the question's hint. Where known mistakes were learnt with other
    inputs than the key's, ``known_by`` is the key with these: by it such a question is asked again, for the hint alone.
    CourseError if the machine or the practical is not fit.
    """
    return _Judge(paper, key, process, questions, recognise, known_by or key, hear).results()


def student_process(imports: Sequence[str], key: AnswerKey, barrier: Barrier, limits: Limits) -> StudentProcess:
    """A process for submissions of that practical: what all of them import is imported once, and not in each copy."""
    return StudentProcess(barrier, limits, key.practical.warmup, imports, key.practical.modules)


def _verdict_without_asking(question: Question, paper: Paper) -> tuple[Status, str] | None:
    """Status and remark where the notebook's text alone decides; None where the function has to be asked."""
    extract = paper.extract
    broken = [name for name in question.functions if name in extract.broken or name.split(".")[0] in extract.broken]
    if broken:
        why = extract.broken.get(broken[0]) or extract.broken[broken[0].split(".")[0]]
        return Status.WRONG, f"{broken[0]} does not parse ({why})."
    missing = [name for name in question.functions if not extract.defines(name.split(".")[0])]
    if missing:
        faults = [f"{cell} does not parse ({why})" for cell, why in extract.faults.items()]
        if faults:
            return Status.WRONG, f"{missing[0]} is not defined: {'; '.join(faults)}."
        return Status.MISSING, f"{missing[0]} was not found in what you handed in."
    untouched = [name for name in question.functions if extract.functions.get(name) == paper.release.functions[name]]
    if len(untouched) == len(question.functions):
        return Status.NOT_ATTEMPTED, f"Left as released: {listed(untouched)}."
    if question.end_to_end and (blanks := _open_blanks(question, extract)):
        return Status.WRONG, f"It cannot run while a blank is open: {blanks}."
    return None


def _open_blanks(question: Question, extract: Extract) -> str:
    return "; ".join(f"{name}: {line}" for name in question.functions for line in extract.open_blanks.get(name, ()))


@dataclass
class _Judge:
    """One sitting: all that is asked of one submission."""

    paper: Paper
    key: AnswerKey
    process: StudentProcess
    questions: Sequence[Question]
    recognise: Recognise
    known_by: AnswerKey
    hear: Hear
    causes: Causes = field(init=False)  # of what goes wrong because of a statement that was not run, or raised
    answers: dict[tuple[Draw, str], Heard] = field(default_factory=dict)
    endless: set[str] = field(default_factory=set)  # functions that did not come to an end
    # the submission's cells, the statements of them that are left out, and whether only definitions are run
    loaded: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, int]], bool] = ((), (), False)

    def __post_init__(self) -> None:
        self.causes = Causes(self.paper.extract)

    def results(self) -> tuple[QuestionResult, ...]:
        """Every question's result. What is end to end (training) comes last, whatever its place."""
        decided = {q.name: _verdict_without_asking(q, self.paper) for q in self.questions}
        if not all(decided.values()):
            self.process.start()
            _ = self.key.checks  # the libraries are imported here while the student process imports its own
            self._rehearse()
        results: dict[str, QuestionResult] = {}
        for question in sorted(self.questions, key=lambda question: question.end_to_end):
            results[question.name] = self._result(question, decided[question.name])
        return tuple(results[question.name] for question in self.questions)

    def _result(self, question: Question, decided: tuple[Status, str] | None) -> QuestionResult:
        endless = [name for name in question.functions if name in self.endless]
        if endless and question.end_to_end and not decided:
            decided = Status.WRONG, f"It was not run: {listed(endless)} never ends."
        if decided:
            return QuestionResult(question.name, 0.0, question.points, *decided)
        if question.end_to_end:
            cells, without, definitions = self.loaded
            self.process.load([*cells, *self.given.cells], self.key.practical.probes, without, definitions)
        exam = _Exam(self.key, self)
        checks = _found([item for item in self.key.checks if item.question == question.name], exam)
        if exam.endless:
            self.endless.update(question.functions)
        blanks = _open_blanks(question, self.paper.extract)
        told = [f"Still open: {blanks}."] if blanks else []
        if not all(check.passed for check in checks):
            told += map(shortened, self.causes.of_functions(question.functions))
        if question.end_to_end and (given := self._given()):
            told.append(given)
        result = points_of(question, checks, " ".join(told))
        self.hear(question.name, exam.heard)
        hint = self._hint(question, exam) if result.points < result.max_points else ""
        return replace(result, curve=exam.curve, hint=hint)

    def _hint(self, question: Question, exam: "_Exam") -> str:
        """The hint of a known mistake. What took long, or cost a sandbox, is not asked again for it."""
        if self.known_by is not self.key:
            if question.end_to_end or exam.given_up:
                return ""
            exam = _Exam(self.known_by, self)
            _found([item for item in self.known_by.checks if item.question == question.name], exam)
        return self.recognise(question.name, exam.heard)

    @cached_property
    def given(self) -> Given:
        """What the release gives."""
        return Given(self.key.practical, self.paper.release)

    def _given(self) -> str:
        """Which given definitions the submission changed, in words; nothing where it changed none."""
        changed = self.given.changed_in(self.paper.extract)
        if not changed:
            return ""
        are = "is given, and was" if len(changed) == 1 else "are given, and were"
        return f"{listed(changed)} {are} changed in what you handed in: here the notebook's own was run."

    def _rehearse(self) -> None:
        """Run the cells once; a statement that hangs, takes too long or kills the process is left out from then on.

        After too many of them only definitions are run.
        """
        cells, probes, without = self.paper.extract.cells, self.key.practical.probes, list[tuple[str, int]]()
        for attempt in range(2 * MOST_DROPPED):
            definitions = attempt >= MOST_DROPPED
            self.process.load(cells, probes, without, definitions)
            with self.process.session() as session:
                outcome = session.define(announce=True, seconds=self.process.limits.seconds_per_statement)
            if isinstance(outcome, Defined):
                self.causes.note_faults(outcome)
                late = [place for place, fault in outcome.met if fault.type == "TooLongError"]
                if late:
                    without += [(place.cell, place.number) for place in late]
                    self.process.load(cells, probes, without, definitions)
                self.loaded = cells, without, definitions
                return
            self.causes.note(session.place, f"was left out: it {outcome.how}")
            without.append((session.place.cell, session.place.number))
        self.process.load([], probes)

    def answer(
        self, draw: Draw, probe: str, values: Mapping[str, Value], make: MakeHandler | None, seconds: float | None
    ) -> tuple[str, Heard]:
        """A digest of one ask, and what came of it, from memory where it was asked before.

        What a handler says depends on the draw too.
        """
        key = digest_of(probe, values, make)
        if (draw, key) not in self.answers:
            self.answers[draw, key] = self._heard(probe, values, make, seconds)
        return key, self.answers[draw, key]

    def _heard(self, probe: str, values: Mapping[str, Value], make: MakeHandler | None, seconds: float | None) -> Heard:
        calls: list[tuple[str, Mapping[str, Value]]] = []
        handler = make() if make else None
        entered = handler if isinstance(handler, AbstractContextManager) else nullcontext()
        with entered, self.process.session() as session:
            outcome: Outcome | Defined = session.define()
            if isinstance(outcome, Defined):
                outcome = session.ask(probe, values, _overheard(handler, calls) if handler else None, seconds)
        return Heard(values, outcome, tuple(calls) if len(calls) <= MOST_CALLS else (), handler, probe)


def _overheard(handler: Handler, calls: list[tuple[str, Mapping[str, Value]]]) -> Handler:
    """The handler, which also notes its calls, until they are more than can be of use."""

    def answer(name: str, values: Mapping[str, Value]) -> Value:
        if len(calls) <= MOST_CALLS:
            # what is kept must not fill the judge's memory: the calls that any check asks for are small
            calls.append((name, values if len(wire.pack(dict(values))) <= LARGEST_CALL else {}))
        return handler(name, values)

    return answer


@dataclass
class _Exam(Exam):
    """The exam of one question."""

    key: AnswerKey
    judge: _Judge
    endless: bool = False
    given_up: str = ""  # why nothing more is asked for this question, in words
    curve: LearningCurve | None = None
    heard: dict[str, Heard] = field(default_factory=dict)

    def ask(
        self, probe: str, /, *, handler: MakeHandler | None = None, seconds: float | None = None, **values: Value
    ) -> Answer:
        if self.given_up:
            words = f"Your code {self.given_up} when it was asked before, and was not asked again."
            raise Mistake(words, fault=self.given_up)
        self.key.require_probe(probe)
        key, heard = self.judge.answer(self.key.draw, probe, values, handler, seconds)
        self.heard[key], outcome = heard, heard.outcome
        if isinstance(outcome, Answered):
            return Answer(outcome.values, heard.handler)
        mistake = self._mistake(outcome)
        mistake.handler = heard.handler
        raise mistake

    def _mistake(self, outcome: Raised | Gone) -> Mistake:
        """Why there is no answer; after what took long or cost a sandbox nothing more is asked for this question."""
        if isinstance(outcome, Gone):
            self.endless = outcome.hung
            if outcome.hung or outcome.lost:
                self.given_up = "did not come to an end" if outcome.hung else outcome.how
            words = f"Your code {outcome.how}."
            return Mistake(words, "loops that never end, and calls that end the process", self.given_up or outcome.how)
        words = words_for(outcome)
        if name := missing_name(outcome):
            causes = self.judge.causes
            why = causes.of_name(name) or " ".join(causes.of_definitions(MOST_FAULTS))
            words = f"{words} {shortened(why)}".strip()
        return Mistake(words, fault=f"{outcome.type} {outcome.cell} {outcome.line or outcome.message}")

    def keep_curve(self, curve: LearningCurve) -> None:
        self.curve = curve


def shortened(words: str, times: int = 1) -> str:
    """Words in which a student's own may be any number, cut to what somebody will read."""
    longest = LONGEST_WORDS * times
    return words if len(words) <= longest else f"{words[:longest]} …"


def _found(checks: Sequence[Check], exam: _Exam) -> tuple[CheckResult, ...]:
    """What the checks of one question find, in their order. What comes of one fault is told once, where it is met."""
    results, told = [], set[str]()
    for check in checks:
        mistake = mistake_in(check, exam)
        if mistake is not None and mistake.fault in told:
            mistake = Unreached()
        elif mistake is not None and mistake.fault:
            told.add(mistake.fault)
        results.append(_result_of(check, mistake))
    return tuple(results)


def _result_of(check: Check, mistake: Mistake | None) -> CheckResult:
    if mistake is None:
        return CheckResult(check.name, check.sentence, check.weight, True)
    found = CheckResult(check.name, check.sentence, check.weight, False, shortened(mistake.happened, 5))
    if isinstance(mistake, Unreached):
        return replace(found, usual=False)
    return replace(found, look_at=mistake.look_at or check.look_at, usual=not mistake.look_at)


def points_of(question: Question, checks: Sequence[CheckResult], remark: str = "") -> QuestionResult:
    """The question's result: its checks' weights that passed, as a share of all, rounded to hundredths."""
    total = sum(check.weight for check in checks)
    passed = sum(check.weight for check in checks if check.passed)
    share = passed / total if total else 0.0
    status = Status.RIGHT if share == 1 else Status.PARTLY if share else Status.WRONG
    return QuestionResult(
        question.name, round(share * question.points, 2), question.points, status, remark, tuple(checks)
    )
