"""The proof of the hidden checks: each passes with the source notebook's own solution before a student is asked.

So a check that cannot be passed, a scene that cannot be played and a probe that fails are found as faults of the
course, with file and line. The solution is the course's own code, and runs in this process.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import SimpleNamespace
from typing import Any

from autograder.course.practical import Practical, Question
from autograder.errors import CourseError
from autograder.judging.answer_key import AnswerKey
from autograder.judging.asks import digest_of
from autograder.judging.checks import Answer, Check, Exam, Handler, MakeHandler, Mistake, Refused, Unreached, Value
from autograder.judging.contract import SCENE
from autograder.judging.faults import mistake_in, place_of
from autograder.judging.session import YOURS, Raised, words_for
from autograder.records import LearningCurve
from autograder.student import wire
from autograder.student.host import RefusedError
from autograder.student.runner import described
from autograder.student.stage import Stage, plain, play


def prove(key: AnswerKey, questions: Sequence[Question]) -> None:
    """CourseError, with file and line, if a check of these questions does not pass with the source's own solution.

    Likewise where it asks nothing. Questions that are end to end take too long; ``autograder verify --end-to-end`` asks
    them.
    """
    for _ in _proven(key, questions):
        pass


def prove_steady(practical: Practical, questions: Sequence[Question]) -> None:
    """The same twice, and CourseError if a check asks something else the second time, as noise without a seed does."""
    both = (_proven(AnswerKey(practical, edition=edition), questions) for edition in ("", "again"))
    for (check, first), (_, second) in zip(*both, strict=True):
        if first != second:
            message = f"{check.place} ({check.name}): the check asks something else each time it is run."
            raise CourseError(message, "Draw its numbers from autograder.judging's generator(1), which has a seed.")


def _proven(key: AnswerKey, questions: Sequence[Question]) -> Iterator[tuple[Check, str]]:
    """Each check that passes, and what it asked first: what it asks later may depend on an answer."""
    exams = {question.name: LocalExam(key) for question in questions if not question.end_to_end}
    for check in key.checks:
        if check.question in exams:
            exams[check.question].first = ""
            _prove(check, exams[check.question])
            yield check, exams[check.question].first


def _prove(check: Check, exam: "LocalExam") -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they tell nothing of whether it passes
        mistake = mistake_in(check, exam)
    source = exam.key.practical.source_path
    if mistake is not None:
        while isinstance(mistake, Unreached) and isinstance(mistake.__cause__, Mistake):
            mistake = mistake.__cause__  # what stands in the way
        said = mistake.happened.rstrip(".")
        if isinstance(mistake.__cause__, Exception) and said.startswith(YOURS):
            said = f"{source} raises{said.removeprefix(YOURS)}"
        message = (
            f"{place_of(mistake, check)}: the check does not pass with the source notebook's own solution: {said}."
        )
        raise CourseError(message, f"Correct the check, or the solution in {source}.")
    if not exam.first:
        message = f"{check.place} ({check.name}): the check asks the student's functions nothing, so it cannot fail."
        raise CourseError(message, "Play a scene with them: exam.play(scene).")


class LocalExam(Exam):
    """An Exam in this process, for code that is trusted: the reference's, or what is given.

    As in a student's process nothing is left from one ask to the next: the reference is defined again for each.
    """

    def __init__(self, key: AnswerKey, functions: Mapping[str, Any] | None = None) -> None:
        self.key = key
        self.functions = functions
        self.curves: list[LearningCurve] = []
        self.asked: dict[str, Answer | Mistake] = {}
        self.first = ""  # the digest of what a check asked first

    def ask(
        self, probe: str, /, *, handler: MakeHandler | None = None, seconds: float | None = None, **values: Value
    ) -> Answer:
        """See Exam; ``seconds`` are not counted."""
        self.key.require_probe(probe)
        digest = digest_of(probe, values, handler)
        self.first = self.first or digest
        if digest not in self.asked:
            self.asked[digest] = self._answer(probe, values, handler)
        answer = self.asked[digest]
        if isinstance(answer, Mistake):
            raise answer
        return answer

    def _answer(self, probe: str, values: Mapping[str, Value], make: MakeHandler | None) -> Answer | Mistake:
        functions = self.key.reference.anew() if self.functions is None else self.functions
        handler = make() if make else None
        with handler if isinstance(handler, AbstractContextManager) else nullcontext():
            try:
                return Answer(answered(functions, self.key.own, probe, values, handler), handler)
            except (Exception, SystemExit) as error:
                mistake = Mistake(words_for(Raised(**described(error))))
                mistake.__cause__, mistake.handler = error, handler
                return mistake

    def keep_curve(self, curve: LearningCurve) -> None:
        """See Exam."""
        self.curves.append(curve)


def answered(
    functions: Mapping[str, Any],
    own: Mapping[str, Any],
    probe: str,
    values: Mapping[str, Value],
    handler: Handler | None,
) -> Any:
    """What a student's process with these functions and these probes would answer; whatever they raise is raised."""

    def ask_judge(name: str, **said: Any) -> Any:
        if handler is None:
            raise RefusedError("nobody answers here")
        try:
            return _wired(handler(name, _wired(said)))
        except Refused as refused:
            raise RefusedError(str(refused)) from refused

    if probe == SCENE:
        ask = partial(play, Stage(functions, own, ask_judge))
    else:
        ask = partial(own[probe], SimpleNamespace(student=functions, ask_judge=ask_judge))
    return _wired(ask(**_wired(values)))


def _wired(value: Any) -> Any:
    """A value after its way over the wire."""
    return wire.unpack(wire.pack(plain(value)))
