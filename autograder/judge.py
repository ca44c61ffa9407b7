"""The judge: puts the hidden checks' questions to a student's process and says in marks and words what came back."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from autograder.assignment import Assignment, Question
from autograder.checks import Answer, Check, Handler, Mistake, Value
from autograder.extraction import Extract
from autograder.limits import Limits
from autograder.process import Answered, Gone, Outcome, Raised, StudentProcess
from autograder.records import CheckResult, LearningCurve, QuestionResult, Status
from autograder.sandbox import Barrier
from autograder.sketches import Heard
from autograder.student import wire

Recognise = Callable[[str, Mapping[str, Heard]], str]
"""Given a question's name and what was asked for it (by a digest of the ask): the hint of a known mistake, or ""."""

MOST_CALLS = 500  # of one ask that are kept; an answer with more, such as a training run's, is kept without them
LARGEST_CALL = 16_384  # bytes of a call that are kept
MOST_FAULTS = 5  # of those met while the definitions ran that are told
LONGEST_WORDS = 500  # characters of one of them
MOST_DROPPED = 5  # cells that may hang or kill the process by being defined, before the rest is given up


@dataclass(frozen=True)
class Paper:
    """One submission, ready to be judged: what was extracted from it, and from the release to compare it with."""

    extract: Extract
    release: Extract


def judge(
    paper: Paper, assignment: Assignment, process: StudentProcess, recognise: Recognise = lambda *_: ""
) -> tuple[QuestionResult, ...]:
    """Every question's result, in the assignment's order. CourseError if the machine is not fit for it.

    ``recognise`` hears what was asked and answered for every question that was put to the student's code; what it
    says becomes the question's hint where marks were lost.
    """
    if _anything_to_ask(paper, assignment):
        process.start()
        assignment.checks()  # the libraries are imported here while the student process imports its own
    return _Judge(paper, assignment, process, recognise).results()


def student_process(paper: Paper, assignment: Assignment, barrier: Barrier, limits: Limits) -> StudentProcess:
    """A process for submissions of that assignment: what all of them import is imported once, not anew in each copy."""
    return StudentProcess(barrier, limits, assignment.warmup, paper.release.imports)


def _anything_to_ask(paper: Paper, assignment: Assignment) -> bool:
    return any(not _verdict_without_asking(question, paper) for question in assignment.questions)


def _verdict_without_asking(question: Question, paper: Paper) -> tuple[Status, str] | None:
    """Status and remark where the notebook's text alone decides; None where the function has to be asked."""
    extract = paper.extract
    missing = [name for name in question.functions if name.split(".")[0] not in extract.names]
    if missing:
        broken = [f"{cell} does not parse ({why})" for cell, why in extract.faults.items()]
        if broken:
            return Status.WRONG, f"{missing[0]} is not defined: {'; '.join(broken)}."
        return Status.MISSING, f"{missing[0]} was not found in what you handed in."
    untouched = [name for name in question.functions if extract.functions.get(name) == paper.release.functions[name]]
    if len(untouched) == len(question.functions):
        return Status.NOT_ATTEMPTED, f"Left as released: {_listed(untouched)}."
    if len(question.functions) > 1 and (blanks := _open_blanks(question, extract)):
        return Status.WRONG, f"It cannot run while a blank is open: {blanks}."
    return None


def _open_blanks(question: Question, extract: Extract) -> str:
    return "; ".join(f"{name}: {line}" for name in question.functions for line in extract.open_blanks.get(name, ()))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class _Judge:
    """One sitting: all questions of one submission."""

    def __init__(self, paper: Paper, assignment: Assignment, process: StudentProcess, recognise: Recognise) -> None:
        self.paper = paper
        self.assignment = assignment
        self.process = process
        self.recognise = recognise
        self.cells = list(paper.extract.cells)
        self.faults: list[str] = []  # what went wrong while the definitions ran
        self.answers: dict[str, Heard] = {}
        self.endless: set[str] = set()  # functions that did not come to an end

    def results(self) -> tuple[QuestionResult, ...]:
        """Every question's result. What depends on many functions (training) comes last, whatever its place."""
        decided = {q.name: _verdict_without_asking(q, self.paper) for q in self.assignment.questions}
        if not all(decided.values()):
            self._rehearse()
        in_turn = sorted(self.assignment.questions, key=lambda question: len(question.functions))
        results = {question.name: self._result(question, decided[question.name]) for question in in_turn}
        return tuple(results[question.name] for question in self.assignment.questions)

    def _result(self, question: Question, decided: tuple[Status, str] | None) -> QuestionResult:
        if decided:
            return QuestionResult(question.name, 0.0, question.points, *decided)
        endless = [name for name in question.functions if name in self.endless]
        if endless and len(question.functions) > 1:
            return QuestionResult(
                question.name, 0.0, question.points, Status.WRONG, f"It was not run: {_listed(endless)} never ends."
            )
        exam = _Exam(self)
        checks = tuple(_run(item, exam) for item in self.assignment.checks() if item.question == question.name)
        if exam.endless:
            self.endless.update(question.functions)
        blanks = _open_blanks(question, self.paper.extract)
        result = marked(question, checks, f"Still open: {blanks}." if blanks else "")
        hint = self.recognise(question.name, exam.heard)
        return replace(result, curve=exam.curve, hint=hint if result.points < result.max_points else "")

    def _rehearse(self) -> None:
        """Run the definitions once; a cell that hangs or kills the process is left out from then on."""
        for _ in range(MOST_DROPPED):
            self.process.load(self.cells, self.assignment.probes)
            with self.process.session() as session:
                outcome = session.define(announce=True)
            if not isinstance(outcome, Gone):
                self.faults.extend(shortened(words_for(fault)) for fault in outcome.faults[:MOST_FAULTS])
                return
            self.faults.append(f"{session.cell or 'a cell'} was left out: running its definitions {outcome.how}.")
            self.cells = [cell for cell in self.cells if cell[0] != session.cell]
        self.process.load([], self.assignment.probes)

    def answer(
        self, probe: str, values: Mapping[str, Value], handler: Handler | None, seconds: float | None
    ) -> tuple[str, Heard]:
        """A digest of one ask, and what came of it, from memory where it was asked before."""
        key = hashlib.sha256(wire.pack([probe, dict(values)])).hexdigest()
        if key not in self.answers:
            calls: list[tuple[str, Mapping[str, Value]]] = []
            outcome = self._outcome(probe, values, handler and _overheard(handler, calls), seconds)
            self.answers[key] = Heard(values, outcome, tuple(calls) if len(calls) <= MOST_CALLS else ())
        return key, self.answers[key]

    def _outcome(
        self, probe: str, values: Mapping[str, Value], handler: Handler | None, seconds: float | None
    ) -> Outcome:
        with self.process.session() as session:
            defined = session.define()
            return defined if isinstance(defined, Gone) else session.ask(probe, values, handler, seconds)


def _overheard(handler: Handler, calls: list[tuple[str, Mapping[str, Value]]]) -> Handler:
    """The handler, its calls kept up to one more than are of use."""

    def answer(name: str, values: Mapping[str, Value]) -> Value:
        if len(calls) <= MOST_CALLS:
            # what is kept must not fill the judge's memory: the calls that any check asks for are small
            calls.append((name, values if len(wire.pack(dict(values))) <= LARGEST_CALL else {}))
        return handler(name, values)

    return answer


@dataclass
class _Exam:
    """The Exam of one question; see autograder.checks.Exam."""

    judge: _Judge
    endless: bool = False
    curve: LearningCurve | None = field(default=None)
    heard: dict[str, Heard] = field(default_factory=dict)

    def ask(
        self, probe: str, /, *, handler: Handler | None = None, seconds: float | None = None, **values: Value
    ) -> Answer:
        """See autograder.checks.Exam."""
        if self.endless:
            raise Mistake("Your code did not come to an end when it was asked before, and was not asked again.")
        key, heard = self.judge.answer(probe, values, handler, seconds)
        self.heard[key], outcome = heard, heard.outcome
        if isinstance(outcome, Answered):
            return Answer(outcome.values)
        if isinstance(outcome, Gone):
            self.endless = outcome.hung
            raise Mistake(f"Your code {outcome.how}.", "loops that never end, and calls that end the process")
        faults = f" Meanwhile: {' '.join(self.judge.faults)}" if self.judge.faults and _names_missing(outcome) else ""
        raise Mistake(words_for(outcome) + faults)

    def keep_curve(self, curve: LearningCurve) -> None:
        """See autograder.checks.Exam."""
        self.curve = curve


def _names_missing(raised: Raised) -> bool:
    return raised.type in ("MissingDefinitionError", "NameError")


def shortened(words: str, times: int = 1) -> str:
    """Words in which a student's own may be any number, cut to what somebody will read."""
    longest = LONGEST_WORDS * times
    return words if len(words) <= longest else f"{words[:longest]} …"


def words_for(raised: Raised) -> str:
    """What the student's code raised, and where, as a sentence."""
    if raised.type == "MissingDefinitionError":
        return f"{raised.message[:1].upper()}{raised.message[1:]}."
    if raised.type == "NotImplementedError" and "YOUR CODE HERE" in raised.message:
        return f"A blank is still open: {raised.message}."
    said = f"{raised.type}: {raised.message}" if raised.message else raised.type
    where = f" in {raised.cell}, line {raised.line}: {raised.code}" if raised.cell else ""
    return f"Your code raised {said}{where}."


def _run(check: Check, exam: _Exam) -> CheckResult:
    try:
        check.run(exam)
    except Mistake as mistake:
        look_at = mistake.look_at or check.look_at
        return CheckResult(check.name, check.sentence, check.weight, False, shortened(mistake.happened, 5), look_at)
    return CheckResult(check.name, check.sentence, check.weight, True)


def marked(question: Question, checks: Sequence[CheckResult], remark: str = "") -> QuestionResult:
    """The question's points: its checks' weights that passed, as a share of all, rounded to hundredths."""
    total = sum(check.weight for check in checks)
    passed = sum(check.weight for check in checks if check.passed)
    share = passed / total if total else 0.0
    status = Status.RIGHT if share == 1 else Status.PARTLY if share else Status.WRONG
    return QuestionResult(
        question.name, round(share * question.points, 2), question.points, status, remark, tuple(checks)
    )
