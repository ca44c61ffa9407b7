"""The stage mark: one mended notebook becomes one result. It takes no lock, and writes nothing but what it is asked to.

A result that was kept is built on: what a question's marks depend on is kept with them, and only those questions are
asked whose dependencies changed. Weights and sentences are applied again without asking.
"""

import contextlib
import json
import time
import weakref
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.annexes import annex
from autograder.course.folders import Course
from autograder.course.limits import Limits
from autograder.course.practical import Question
from autograder.course.secret import VERSIONS
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.grading.dependencies import Dependencies, dependencies, digest
from autograder.grading.mend import Mended
from autograder.grading.reading import Reader, extracted
from autograder.judging.answer_key import AnswerKey
from autograder.judging.draws import FIXED, Draw
from autograder.judging.judge import Paper, judge, points_of, student_process
from autograder.judging.parts import pointing_to_parts
from autograder.judging.process import StudentProcess
from autograder.judging.proof import prove
from autograder.notebook.extraction import Extract, extract
from autograder.records import SAME_INPUTS, Depends, QuestionResult, SubmissionResult
from autograder.sandbox import NoBarrier, choose_barrier


@dataclass(frozen=True)
class Marking:
    """How a course's submissions are marked."""

    course: Course
    unsafe: bool = False  # without a sandbox
    skip: frozenset[str] = frozenset()  # questions that are left out
    force: bool = False  # although nothing changed
    again: frozenset[str] = frozenset()  # the questions to ask again; the others keep their marks

    def __post_init__(self) -> None:
        """CourseError on a practical or a question that is unknown, on limits that cannot be, on a broken secret."""
        known, _, _ = self.course.practical, self.limits, self.course.key
        for name in sorted(self.skip | self.again):
            known.question(name)
        if both := sorted(self.skip & self.again):
            raise CourseError(f"{both[0]} is to be both left out and asked again.", "Drop --skip or --question.")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Sent to another process without what was read meanwhile."""
        return Marking, (self.course, self.unsafe, self.skip, self.force, self.again)

    @property
    def questions(self) -> tuple[Question, ...]:
        """The practical's questions without those that are left out."""
        return tuple(item for item in self.course.practical.questions if item.name not in self.skip)

    @property
    def limits(self) -> Limits:
        """What submissions may hold and use, as the course sets it."""
        return self.course.limits

    @cached_property
    def key(self) -> AnswerKey:
        """The hidden checks and the reference under the fixed draw, by which known mistakes were learnt."""
        return AnswerKey(self.course.practical)

    @cached_property
    def _keys(self) -> dict[Draw, AnswerKey]:
        return {FIXED: self.key}

    def key_of(self, draw: Draw) -> AnswerKey:
        """The hidden checks and the reference under a draw, made once."""
        if draw not in self._keys:
            self._keys[draw] = AnswerKey(self.course.practical, draw)
        return self._keys[draw]

    def draw_of(self, student: str) -> Draw:
        """The draw of a student's inputs: one of the course's few; the fixed one where it has no secret."""
        key = self.course.key
        return FIXED if key is None else self._version(key.version_of(student))

    def _version(self, number: int) -> Draw:
        assert self.course.key
        return Draw(number, self.course.key.bits_of(number))

    @property
    def draws(self) -> tuple[Draw, ...]:
        """All draws that are in use: the fixed one, and the course's own versions if it has a secret."""
        numbers = range(1, VERSIONS + 1) if self.course.key else ()
        return (FIXED, *map(self._version, numbers))

    @cached_property
    def process(self) -> StudentProcess:
        """A student's process for one submission after the other. It ends with this record, and with this process."""
        process = student_process(self.release.imports, self.key, choose_barrier(self.unsafe), self.limits)
        weakref.finalize(self, process.close)
        return process

    def end_process(self) -> None:
        """End the student's process, if there is one here, before what else is to be done takes its time."""
        if process := vars(self).pop("process", None):
            process.close()

    @cached_property
    def known(self) -> Any:  # hints.recognise.Known, of an annex that the core does not import
        """The known mistakes; None where the annex is not there."""
        hints = annex("hints.known")
        return hints.load_known(self.course.practical) if hints else None

    @property
    def knows(self) -> bool:
        """Whether any mistake is known."""
        return self.known is not None and bool(self.known.mistakes)

    @cached_property
    def dependencies(self) -> Dependencies:
        """What every question depends on besides the submission."""
        return dependencies(self.course.practical)

    @cached_property
    def release(self) -> Extract:
        """What the students' version holds, to tell what was left as released."""
        return extract(self.course.release, self.course.practical.long_running)

    def prove(self, folder: Path) -> None:
        """CourseError unless the checks load, and those of these questions pass with the source's own solution.

        What was proven is noted in the folder of results, if there is one, and not loaded and tried again.
        """
        path, of = folder / ".proven", self.dependencies
        what = [f"{each.name} {of.asked[each.name]} {of.told[each.name]}" for each in self.questions]
        now = digest(*what, *(draw.digest for draw in self.draws))
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8") == now:
                return
        for draw in self.draws:
            prove(self.key_of(draw), self.questions)
        if folder.is_dir():
            with contextlib.suppress(OSError):  # it is proven all the same
                write_atomically(path, now)

    def paper(self, mended: Mended) -> Paper:
        """A mended notebook, ready to be judged."""
        return Paper(mended.extract or extracted(Reader.of(self.course), mended.notebook), self.release)

    @cached_property
    def _limits_text(self) -> str:
        return json.dumps(asdict(self.limits))

    def depends(self, question: Question, paper: Paper, draw: Draw) -> Depends:
        """What a question's marks, words and hint depend on."""
        name = question.name
        released = [self.release.functions.get(function, "") for function in question.functions]
        released += [source for _, source in self.release.cells] if question.end_to_end else []  # what is given
        asked = (
            paper.extract.fingerprint,
            *released,
            *self.release.imports,
            self.dependencies.asked[name],
            self._limits_text,
            draw.digest,
        )
        hinted = self.known.digests.get(name, "") if self.known else ""
        return Depends(digest(*asked), self.dependencies.told[name], hinted)


@dataclass(frozen=True)
class Marked:
    """A result, and the questions that were asked for it; the others were known already."""

    result: SubmissionResult
    asked: tuple[str, ...] = ()


def mark(marking: Marking, mended: Mended, before: SubmissionResult | None = None, draw: Draw | None = None) -> Marked:
    """The result of a mended submission; of one that was kept before, as much is kept as is still true.

    Its inputs are those of the student, unless another draw is given.
    """
    name = marking.course.name
    if mended.fault:
        return Marked(SubmissionResult(mended.student, name, fault=mended.fault))
    began = time.monotonic()
    paper = marking.paper(mended)
    draw = marking.draw_of(mended.student) if draw is None else draw
    key = marking.key_of(draw)
    now = {question.name: marking.depends(question, paper, draw) for question in marking.questions}
    known = _still_true(marking, before, now, key) if before else {}
    result = before if before and known else SubmissionResult(mended.student, name)
    ask = [question for question in marking.questions if question.name not in known or question.name in marking.again]
    if ask:
        process = marking.process
        try:
            known_by, recognise = (marking.key, marking.known.hint) if marking.knows else (key, lambda *_: "")
            found = judge(paper, key, process, ask, recognise, known_by)
        finally:
            process.leave()
        known |= {item.question: replace(item, depends=now[item.question]) for item in found}
        seconds = round(time.monotonic() - began, 2)
        result = replace(result, barrier=process.barrier.name, weaknesses=process.barrier.weaknesses, seconds=seconds)
    known = pointing_to_parts(marking.course.practical, known, lambda: key.checks)
    result = replace(result, assignment=name, repairs=mended.repairs, fingerprint=paper.extract.fingerprint)
    result = replace(result, inputs=f"version {draw.version} of {VERSIONS}" if draw.version else SAME_INPUTS)
    result = replace(result, questions=tuple(known[question.name] for question in marking.questions))
    return Marked(result, tuple(question.name for question in ask))


def _still_true(
    marking: Marking, before: SubmissionResult, now: Mapping[str, Depends], key: AnswerKey
) -> dict[str, QuestionResult]:
    """The questions of a kept result that need not be asked again, in today's words and weights.

    What was found without a sandbox counts only where that is asked for; what is to be asked again keeps its old
    marks here until it is.
    """
    if before.fault or marking.force or (before.barrier == NoBarrier.name and not marking.unsafe):
        return {}
    found: dict[str, QuestionResult] = {}
    for item in before.questions:
        depends = now.get(item.question)
        if depends is None or item.depends is None:
            continue
        same = item.depends.asked == depends.asked
        if same and (item.points == item.max_points or item.depends.hinted == depends.hinted):
            found[item.question] = _told_again(marking, item, depends, key)
    return found


def _told_again(marking: Marking, item: QuestionResult, depends: Depends, key: AnswerKey) -> QuestionResult:
    """The same findings with today's points, weights and sentences."""
    question = marking.course.practical.question(item.question)
    assert item.depends is not None
    if item.depends.told == depends.told and item.max_points == question.points:
        return item
    checks = item.checks
    if item.depends.told != depends.told:
        today = {check.name: check for check in key.checks if check.question == item.question}
        checks = tuple(today[each.name].reworded(each) for each in checks)
    again = points_of(question, checks, item.remark)
    if not checks:  # decided by the notebook's text alone
        again = replace(item, points=0.0, max_points=question.points)
    return replace(again, curve=item.curve, hint=item.hint, depends=depends)
