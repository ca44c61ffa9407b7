"""The judge's questions put to code in the test's own process: quick, and without a sandbox."""

import warnings

from autograder.authoring import blank, read_marked
from autograder.judging.answer_key import AnswerKey
from autograder.judging.judge import Paper, judge
from autograder.judging.proof import LocalExam
from autograder.mutants.local import LocalProcess
from autograder.notebook.extraction import extract
from autograder.records import QuestionResult
from autograder.verification.corpus import Variant, in_place

__all__ = ["LocalExam", "LocalJudge"]


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
