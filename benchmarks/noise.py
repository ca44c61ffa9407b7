"""Measure the margin of the noisy checks: how close right code comes to failing them, over many seeds.

    python -m benchmarks.noise --seeds 200

Asks the corpus's right ways of sampling, in the sandbox, with another seed of torch each time. A strain of 1 would
fail; the bounds behind it allow that once in ten million. Prints a table for docs/noise.md.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from autograder.authoring import read_source
from autograder.batch import Marking
from autograder.checks import Answer, Handler, Mistake, Value
from autograder.course import Course
from autograder.judge import student_process
from autograder.process import Answered, StudentProcess
from autograder.records import LearningCurve
from autograder.sac import noise, sampling
from autograder.sandbox import choose_barrier
from autograder.verification.corpus import Variant, load_corpus, variant_notebook

ROOT = Path(__file__).resolve().parents[1]


class SandboxExam:
    """An Exam without memory: every ask is put to a fresh copy of the process."""

    def __init__(self, process: StudentProcess) -> None:
        self.process = process

    def ask(
        self, probe: str, /, *, handler: Handler | None = None, seconds: float | None = None, **values: Value
    ) -> Answer:
        """See autograder.checks.Exam."""
        with self.process.session() as session:
            session.define()
            outcome = session.ask(probe, values, handler, seconds)
        if not isinstance(outcome, Answered):
            raise Mistake(str(outcome))
        return Answer(outcome.values)

    def keep_curve(self, curve: LearningCurve) -> None:
        """See autograder.checks.Exam."""


def strains(process: StudentProcess) -> dict[str, float]:
    """How hard one draw of right code strains each noisy test."""
    draw = sampling.drawn(SandboxExam(process), sampling.MANY)
    ranks = draw.ranks()
    found = {"Gaussian, all rows": noise.strain_of_ranks(ranks)}
    for regime, rows in sampling.REGIMES.items():
        found[f"Gaussian, {regime} deviations"] = noise.strain_of_ranks(ranks[rows])
    for what, products in noise.products_of_signs(draw).items():
        found[f"independence of {what}"] = noise.strain_of_products(products)
    return found


def samplers(marking: Marking) -> Iterator[Variant]:
    """The right variants that write get_action's sampling, or the whole actor, in their own way."""
    source = read_source(ROOT, "sac")
    for variant in load_corpus([ROOT / "solutions" / "variants"], marking.course.assignment, source):
        if variant.verdict == "right" and ("get_action.sample" in variant.fills or "actor" in variant.cells):
            yield variant


def measured(seeds: int) -> Iterator[dict[str, float]]:
    """The strains of every draw: the seeds are dealt out to the variants in turn."""
    marking = Marking(Course(ROOT, "sac"))
    source = read_source(ROOT, "sac")
    papers = [marking.paper(variant_notebook(source, marking.assignment, variant)) for variant in samplers(marking)]
    with student_process(papers[0], marking.assignment, choose_barrier(), marking.limits) as process:
        for seed in range(seeds):
            cells = papers[seed % len(papers)].extract.cells
            process.load([*cells, ("seed", f"import torch\ntorch.manual_seed({seed})")], marking.assignment.probes)
            yield strains(process)


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
