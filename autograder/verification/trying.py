"""Marks variants as submissions are marked, one after the other in copies of one student process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from nbformat import NotebookNode

from autograder.authoring import MarkedNotebook, blank, read_marked, strip_mark_schemes
from autograder.course.practical import Question
from autograder.grading.mark import Marking
from autograder.hints.recognise import Signatures
from autograder.hints.signatures import signature
from autograder.judging.judge import Heard, Paper, judge, student_process
from autograder.judging.process import StudentProcess
from autograder.notebook.extraction import Extract, extract
from autograder.records import QuestionResult
from autograder.repair import repair
from autograder.sandbox import choose_barrier
from autograder.verification.affected import ReferenceAnswers
from autograder.verification.corpus import Variant, in_place
from autograder.verification.learning import REFERENCE
from autograder.verification.outcomes import VariantResult

Asked = Literal["all", "affected", "lost"]
"""The questions that a variant is asked: all; those that see how its code differs from the reference's, while it has
the reference's results in the others; or, if it is wrong, those alone that it should lose."""


def try_variants(marking: Marking, variants: Sequence[Variant], asked: Asked = "affected") -> list[VariantResult]:
    """The results of some variants.

    They are mended by the release that the source would make as it stands, whatever stands in release/.
    """
    practical = marking.course.practical
    release = strip_mark_schemes(blank(practical.source, practical))
    released = extract(release, practical.long_running)
    with student_process(released.imports, marking.key, choose_barrier(marking.unsafe), marking.limits) as process:
        process.start()  # it imports its libraries while the notebooks are made
        series = _Series(marking, process, release, released, read_marked(practical.source, practical))
        return [series.result(variant, asked) for variant in variants]


@dataclass
class _Series:
    """Variants that are tried in one process, and what they share."""

    marking: Marking
    process: StudentProcess
    release: NotebookNode
    released: Extract
    marked: MarkedNotebook

    def result(self, variant: Variant, asked: Asked) -> VariantResult:
        """What becomes of one variant."""
        code, repairs = self._read(variant)
        known: Mapping[str, QuestionResult] = {}
        if asked == "affected" and variant.id != REFERENCE.id and not repairs:
            shared = self._reference.shared_with(code)
            known = {name: result for name, result in shared.items() if name not in variant.loses}
        lost_only = asked == "lost" and variant.verdict == "wrong"
        wanted = [item for item in self.marking.questions if not lost_only or item.name in variant.loses]
        found, heard = self._ask(code, [item for item in wanted if item.name not in known])
        results = {**known, **found}
        questions = tuple(results[item.name] for item in wanted)
        end_to_end = frozenset(item.name for item in self.marking.course.practical.questions if item.end_to_end)
        return VariantResult(variant, questions, repairs, end_to_end, _signatures(variant, heard))

    @cached_property
    def _reference(self) -> ReferenceAnswers:
        """The reference, asked once for all variants of the process."""
        code, _ = self._read(REFERENCE)
        practical = self.marking.course.practical
        asked = [item for item in self.marking.questions if not item.end_to_end]
        return ReferenceAnswers(practical, code, *self._ask(code, asked))

    def _read(self, variant: Variant) -> tuple[Extract, tuple[str, ...]]:
        """What is taken from a variant's notebook, and how that was mended."""
        practical, limits = self.marking.course.practical, self.marking.limits
        mended, repairs = repair(in_place(self.marked, variant), self.release, practical)
        return extract(mended, practical.long_running, limits, self.released), tuple(repairs)

    def _ask(
        self, code: Extract, questions: Sequence[Question]
    ) -> tuple[dict[str, QuestionResult], dict[str, Mapping[str, Heard]]]:
        """The results, by question, and what was heard for each."""
        heard: dict[str, Mapping[str, Heard]] = {}
        paper = Paper(code, self.released)
        found = judge(paper, self.marking.key, self.process, questions, hear=heard.__setitem__)
        return {result.question: result for result in found}, heard


def _signatures(variant: Variant, heard: Mapping[str, Mapping[str, Heard]]) -> dict[str, Signatures]:
    """Of the answers to the questions that the variant should lose; of the reference's to all."""
    wanted = heard.keys() if variant.id == REFERENCE.id else heard.keys() & set(variant.loses)
    return {question: {key: signature(each) for key, each in heard[question].items()} for question in wanted}
