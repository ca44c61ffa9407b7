"""Measure the margin of the noisy checks: how close right code comes to failing them, over many seeds.

    python -m benchmarks.noise --seeds 200

Asks the corpus's right ways of sampling, in the sandbox, with another seed of torch each time. A strain of 1 would
fail; the bounds behind it allow that once in ten million. Prints a table for docs/noise.md.
"""

import argparse
from collections.abc import Iterator, Sequence
from math import erfc, sqrt
from pathlib import Path
from statistics import median

from autograder.course.folders import Course
from autograder.grading.mark import Marking
from autograder.grading.mend import Mended
from autograder.judging import Answer, Exam, Mistake, Value
from autograder.judging.answer_key import AnswerKey
from autograder.judging.checks import MakeHandler
from autograder.judging.judge import student_process
from autograder.judging.process import StudentProcess
from autograder.judging.session import Answered
from autograder.records import LearningCurve
from autograder.rl import noise
from autograder.sandbox import choose_barrier
from autograder.verification.corpus import Variant, load_corpus, variant_notebook

ROOT = Path(__file__).resolve().parents[1]


class SandboxExam(Exam):
    """An exam without memory: every ask is put to a fresh copy of the process."""

    def __init__(self, process: StudentProcess, key: AnswerKey) -> None:
        self.process = process
        self.key = key

    def ask(
        self, probe: str, /, *, handler: MakeHandler | None = None, seconds: float | None = None, **values: Value
    ) -> Answer:
        """See Exam."""
        with self.process.session() as session:
            session.define()
            outcome = session.ask(probe, values, handler and handler(), seconds)
        if not isinstance(outcome, Answered):
            raise Mistake(str(outcome))
        return Answer(outcome.values)

    def keep_curve(self, curve: LearningCurve) -> None:
        """See Exam."""


def strains(process: StudentProcess, key: AnswerKey) -> dict[str, float]:
    """How hard one draw of right code strains each noisy test."""
    sampling, get_action = key.module("sampling"), key.module("get_action")
    draw = sampling.drawn(SandboxExam(process, key), sampling.MANY)
    ranks, first, again = draw.ranks(), sampling.signs(draw, draw.u), sampling.signs(draw, draw.again)
    found = {"Gaussian, all rows": noise.strain_of_ranks(ranks)}
    for regime, rows in sampling.REGIMES.items():
        found[f"Gaussian, {regime} deviations"] = noise.strain_of_ranks(ranks[rows])
    for bound in get_action.BOUNDS:
        beyond, number = sampling.tails(draw, bound)
        found[f"samples beyond {bound} deviations"] = noise.strain_of_tails(beyond, number, erfc(bound / sqrt(2)))
    found["independence within a batch"] = noise.strain_of_repetition(first.ravel())[0]
    found["independence of two calls"] = noise.strain_of_products((first * again).ravel())
    return found


def samplers(marking: Marking) -> Iterator[Variant]:
    """The right variants that write get_action's sampling, or the whole actor, in their own way."""
    practical = marking.course.practical
    for variant in load_corpus([practical.folder / "variants"], practical, practical.source):
        if variant.verdict == "right" and ("get_action.sample" in variant.fills or "actor" in variant.cells):
            yield variant


def measured(seeds: int) -> Iterator[dict[str, float]]:
    """The strains of every draw: the seeds are dealt out to the variants in turn."""
    marking = Marking(Course(ROOT, "sac"))
    practical = marking.course.practical
    notebooks = [variant_notebook(practical.source, practical, variant) for variant in samplers(marking)]
    papers = [marking.paper(Mended("right", notebook)) for notebook in notebooks]
    with student_process(marking.release.imports, marking.key, choose_barrier(), marking.limits) as process:
        for seed in range(seeds):
            cells = papers[seed % len(papers)].extract.cells
            process.load([*cells, ("seed", f"import torch\ntorch.manual_seed({seed})")], practical.probes)
            yield strains(process, marking.key)


def table(draws: Sequence[dict[str, float]]) -> Iterator[str]:
    """Rows of Markdown: each test's median and largest strain."""
    yield "| test | draws | median strain | largest strain |"
    yield "|---|---|---|---|"
    for name in draws[0]:
        values = [draw[name] for draw in draws]
        yield f"| {name} | {len(values)} | {median(values):.2f} | {max(values):.2f} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    draws = list(measured(parser.parse_args().seeds))
    print(*table(draws), sep="\n")


if __name__ == "__main__":
    main()
