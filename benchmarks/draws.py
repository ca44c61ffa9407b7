"""Try the hidden checks under many draws of their inputs: right code passes, and wrong code fails where it should.

    python -m benchmarks.draws --draws 200
    python -m benchmarks.draws --draws 2000 --question get-action --question explore
    python -m benchmarks.draws --draws 10 --corpus --share 5
    python -m benchmarks.draws --draws 20 --training

The first two ask the source's own solution, in this process, with noise of its own for each draw; so does the last one,
what is end to end. With --corpus all variants are asked, the wrong ones what they should lose, the right ones what they
change, with the noise of a student's process; with --share 5 each draw asks one variant of five in turn. Prints a table
for docs/noise.md, and on the side each failure, and each draw that is done.
"""

import argparse
import contextlib
import hashlib
import io
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autograder.authoring import blank, read_marked
from autograder.course.practical import Practical, load_practical, practicals_in
from autograder.judging.answer_key import AnswerKey
from autograder.judging.draws import FIXED, Draw
from autograder.judging.faults import mistake_in
from autograder.judging.judge import Paper, judge
from autograder.judging.proof import LocalExam
from autograder.mutants.local import LocalProcess, same_noise
from autograder.notebook.extraction import extract
from autograder.verification.corpus import Variant, in_place, load_corpus

ROOT = Path(__file__).resolve().parents[1]
LENGTH = 16  # bytes of a draw
SECONDS = 20.0  # of processor time, for one ask of a variant


def draw_of(number: int) -> Draw:
    """A draw by its number; 0 is the fixed one."""
    return Draw(number, hashlib.sha256(f"draw {number}".encode()).digest()[:LENGTH]) if number else FIXED


def forget(key: AnswerKey) -> None:
    """Let go of the practical's modules, which are imported once for every draw."""
    package = key._package
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


def set_noise(number: int) -> None:
    """Begin all noise anew."""
    random.seed(number)
    np.random.seed(number)
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(number)


def asked_of(practical: Practical, wanted: Sequence[str], end_to_end: bool) -> list[str]:
    """The questions that are asked, of those wanted or of all: those that are end to end, or the others."""
    found = [each.name for each in practical.questions if each.end_to_end == end_to_end]
    return [name for name in found if not wanted or name in wanted]


def failures_of_solution(practical: Practical, questions: Sequence[str], number: int) -> Iterator[tuple[str, str]]:
    """The checks that the source's own solution fails under a draw, with what they say; first all, with nothing."""
    key = AnswerKey(practical, draw_of(number))
    exams = {name: LocalExam(key) for name in questions}
    for check in key.checks:
        if check.question in exams:
            set_noise(number)
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                mistake = mistake_in(check, exams[check.question])
            yield f"{check.question}: {check.name}", f"draw {number}: {mistake}" if mistake else ""
    for name, exam in exams.items():
        if practical.question(name).end_to_end:
            more = len(exam.asked) > 1
            yield f"{name}: one run is enough", f"draw {number}: {len(exam.asked)} runs" if more else ""
    forget(key)


class Corpus:
    """The variants of a practical that are no matter of reading the notebook, ready to be asked."""

    def __init__(self, practical: Practical, share: int = 1) -> None:
        self.practical = practical
        self.share = share  # each draw asks one variant of so many
        marked = read_marked(practical.source, practical)
        released = extract(blank(practical.source, practical), practical.long_running)
        found = load_corpus([practical.folder / "variants"], practical, practical.source)
        self.papers: list[tuple[Variant, Paper]] = [
            (each, Paper(extract(in_place(marked, each), practical.long_running, release=released), released))
            for each in found
            if not each.extra_cells
        ]

    def failures(self, questions: Sequence[str], number: int) -> Iterator[tuple[str, str]]:
        """The verdict on each variant, and what of it does not hold under a draw."""
        key = AnswerKey(self.practical, draw_of(number))
        _ = key.checks
        with LocalProcess(same_noise(self.practical), SECONDS) as process:
            for variant, paper in self.papers[number % self.share :: self.share]:
                names = variant.loses if variant.verdict == "wrong" else self._changed(variant)
                asked = [self.practical.question(name) for name in names if name in questions]
                if not asked:
                    continue
                with contextlib.redirect_stdout(io.StringIO()):
                    results = judge(paper, key, process, asked)
                lost = {each.question for each in results if each.points < each.max_points}
                due = {each.name for each in asked} if variant.verdict == "wrong" else set()
                wrong = f"draw {number}: {variant.id}: {sorted(lost ^ due)}" if lost != due else ""
                yield f"{variant.verdict} answers", wrong
        forget(key)

    def _changed(self, variant: Variant) -> list[str]:
        """The questions of the cells that a variant changes."""
        cells = {*variant.cells, *(self.practical.blanks[each] for each in variant.fills)}
        return [question.name for question in self.practical.questions if question.cell in cells]


def tried(
    numbers: Sequence[int], failures: Callable[[int], Iterator[tuple[str, str]]], name: str
) -> tuple[Counter[str], Counter[str]]:
    """How often each thing was tried, and how often it failed; failures are printed as they come."""
    count, failed = Counter[str](), Counter[str]()
    for number in numbers:
        for what, words in failures(number):
            count[what] += 1
            if words:
                failed[what] += 1
                print(f"{name}: {what}: {words}", file=sys.stderr, flush=True)
        print(f"{name}: draw {number} is done", file=sys.stderr, flush=True)
    return count, failed


def main() -> None:
    """Try and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--first", type=int, default=1, help="the number of the first draw; 0 is the fixed one")
    parser.add_argument("--practical", action="append", default=[])
    parser.add_argument("--question", action="append", default=[])
    parser.add_argument("--corpus", action="store_true")
    parser.add_argument("--share", type=int, default=1, help="of how many variants each draw asks one")
    parser.add_argument("--training", action="store_true", help="ask what is end to end instead of all else")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # students' code may warn
    numbers = range(given.first, given.first + given.draws)
    print("| practical | what | tried | failed |", "|---|---|---|---|", sep="\n")
    for name in given.practical or practicals_in(ROOT):
        practical = load_practical(ROOT, name)
        if questions := asked_of(practical, given.question, given.training):
            solution = partial(failures_of_solution, practical, questions)
            failures = partial(Corpus(practical, given.share).failures, questions) if given.corpus else solution
            count, failed = tried(numbers, failures, name)
            print(*(f"| {name} | {what} | {count[what]} | {failed[what]} |" for what in count), sep="\n", flush=True)


if __name__ == "__main__":
    main()
