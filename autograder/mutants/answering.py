"""What mutants answer: each is asked its own question by the judge, in this process, where its code runs too."""

import warnings
from dataclasses import dataclass, replace

from autograder.authoring import blank
from autograder.course.practical import Practical
from autograder.hints.recognise import Signatures
from autograder.hints.signatures import signature
from autograder.judging.answer_key import AnswerKey
from autograder.judging.judge import Heard, Paper, judge
from autograder.mutants.equivalence import Trial, asks_of
from autograder.mutants.local import LocalProcess, same_noise
from autograder.mutants.making import Mutant
from autograder.notebook.extraction import Extract, extract

SECONDS = 2.0  # of processor time, for one ask of a mutant; those that end take milliseconds


@dataclass(frozen=True)
class Tried:
    """What became of one mutant."""

    mutant: Mutant
    caught: bool
    signatures: Signatures
    failed: tuple[str, ...]  # the checks that did not pass
    equivalent: bool = False  # whether it answered as the solution does, whatever it was asked


class Bench:
    """Asks the mutants of one practical."""

    def __init__(self, practical: Practical, key: AnswerKey, seconds: float = SECONDS) -> None:
        self.practical = practical
        self.key = key
        self.solution = extract(practical.source, practical.long_running)
        self.released = extract(blank(practical.source, practical), practical.long_running)
        _ = key.checks  # which imports the libraries
        self.process = LocalProcess(same_noise(practical), seconds)
        self._trials: dict[str, Trial] = {}

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.close()

    def tried(self, mutant: Mutant) -> Tried:
        """Ask a mutant its question, and if it passes, whether it is equivalent."""
        found = self.extracted(mutant)
        heard: dict[str, Heard] = {}
        question = self.practical.question(mutant.question)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            paper = Paper(found, self.released)
            (result,) = judge(paper, self.key, self.process, [question], hear=lambda _, each: heard.update(each))
            caught = result.points < result.max_points
            equivalent = not caught and self._trial(question.name).passes(found)
        failed = tuple(check.name for check in result.checks if not check.passed)
        signatures = {key: signature(each) for key, each in heard.items()} if caught else {}
        return Tried(mutant, caught, signatures, failed, equivalent)

    def extracted(self, mutant: Mutant) -> Extract:
        """What would be extracted from a notebook with the mutant in it."""
        cells = self.solution.cells
        places = [i for i, (label, _) in enumerate(cells) if label.endswith(f"({mutant.grade_id})")]
        new = [(label, mutant.inside(source) if i in places else source) for i, (label, source) in enumerate(cells)]
        return replace(self.solution, cells=tuple(new))

    def _trial(self, question: str) -> Trial:
        if question not in self._trials:
            asks = asks_of(self.key, question)
            self._trials[question] = Trial(self.process, asks, self.solution, self.practical.probes)
        return self._trials[question]
