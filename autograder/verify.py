"""The grader, graded: every variant of the corpus through the real pipeline, and what that says of the checks."""

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from autograder.authoring import read_source
from autograder.batch import Marking
from autograder.corpus import Variant, variant_notebook
from autograder.judge import Paper, imports_for, judge
from autograder.process import StudentProcess
from autograder.records import QuestionResult
from autograder.repair import repair
from autograder.sandbox import choose_barrier
from autograder.sketches import Heard, Sketch, sketch

TRAINING = "training"  # the one question that is end to end: a mistake anywhere may cost its marks
CHUNK = 24  # variants that share one sandbox; the corpus is the course's own, so none has to be kept from another


@dataclass(frozen=True)
class Trial:
    """What became of one variant."""

    variant: Variant
    questions: tuple[QuestionResult, ...]
    repairs: tuple[str, ...]
    sketches: Mapping[str, Mapping[str, Sketch]]  # question -> digest of an ask -> what came of it

    @property
    def lost(self) -> frozenset[str]:
        """The questions that lost marks."""
        return frozenset(item.question for item in self.questions if item.points < item.max_points)

    @property
    def expected(self) -> frozenset[str]:
        """The questions that should have lost marks; training only where the variant names it."""
        return frozenset(self.variant.loses)

    @property
    def problem(self) -> str:
        """What is off, in words; empty if all is as it should be."""
        free = {TRAINING} if self.variant.verdict == "wrong" and TRAINING not in self.expected else set()
        asked = {item.question for item in self.questions}
        extra, short = self.lost - self.expected - free, (self.expected & asked) - self.lost
        words = [f"{name} lost marks and should not have ({self._why(name)})" for name in sorted(extra)]
        words += [f"{name} should have lost marks and did not" for name in sorted(short)]
        words += [f"it had to be mended: {repair}" for repair in self.repairs if self.variant.verdict == "right"]
        return "; ".join(words)

    def _why(self, name: str) -> str:
        question = next(item for item in self.questions if item.question == name)
        failed = [f"{check.name}: {check.happened}" for check in question.checks if not check.passed]
        return "; ".join(failed) or question.remark

    @property
    def failed_checks(self) -> tuple[str, ...]:
        """The checks that did not pass, as question/check; those of training apart."""
        return tuple(
            f"{question.question}/{check.name}"
            for question in self.questions
            for check in question.checks
            if not check.passed and question.question != TRAINING
        )


def trials(marking: Marking, variants: Sequence[Variant], jobs: int) -> Iterator[list[Trial]]:
    """All variants' trials, in chunks as they come. CourseError if the course or the machine is unfit."""
    chunks = [list(variants[start : start + CHUNK]) for start in range(0, len(variants), CHUNK)]
    if jobs == 1 or len(chunks) == 1:
        yield from (try_variants(marking, chunk) for chunk in chunks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        futures = [pool.submit(try_variants, marking, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()


def try_variants(marking: Marking, variants: Sequence[Variant]) -> list[Trial]:
    """The trials of some variants, one after the other in copies of one student process."""
    papers = [_paper(marking, variant) for variant in variants]
    imports = imports_for(papers[0][0], marking.assignment)
    with StudentProcess(choose_barrier(marking.unsafe), marking.limits, imports) as process:
        return [
            _trial(marking, variant, paper, repairs, process)
            for variant, (paper, repairs) in zip(variants, papers, strict=True)
        ]


def _trial(
    marking: Marking, variant: Variant, paper: Paper, repairs: tuple[str, ...], process: StudentProcess
) -> Trial:
    sketches: dict[str, dict[str, Sketch]] = {}

    def listen(question: str, heard: Mapping[str, Heard]) -> str:
        sketches[question] = {key: sketch(each) for key, each in heard.items()}
        return ""

    questions = judge(paper, marking.assignment, process, listen)
    return Trial(variant, questions, repairs, sketches)


def _paper(marking: Marking, variant: Variant) -> tuple[Paper, tuple[str, ...]]:
    source = read_source(marking.course.root, marking.course.name)
    handed_in = variant_notebook(source, marking.course.assignment, variant)
    mended, repairs = repair(handed_in, marking.release, marking.course.assignment)
    return marking.paper(mended), tuple(repairs)


@dataclass(frozen=True)
class Verification:
    """What the whole corpus says of the grader."""

    trials: tuple[Trial, ...]
    blanks: Mapping[str, str]  # the assignment's: blank id -> cell
    checks: tuple[str, ...]  # question/check, of all checks that were asked

    def _of(self, verdict: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.variant.verdict == verdict]

    @property
    def problems(self) -> list[Trial]:
        """The trials in which something was off."""
        return [trial for trial in self.trials if trial.problem]

    @property
    def figures(self) -> dict[str, tuple[int, int]]:
        """Right kept, wrong caught and blame exact, each as (how many, of how many)."""
        right, wrong = self._of("right"), self._of("wrong")
        return {
            "right kept": (sum(not trial.problem for trial in right), len(right)),
            "wrong caught": (sum(bool(trial.lost & trial.expected) for trial in wrong), len(wrong)),
            "blame exact": (sum(not trial.problem for trial in wrong), len(wrong)),
        }

    @property
    def caught_alone(self) -> dict[str, list[str]]:
        """For every check the wrong variants that no other check notices."""
        alone: dict[str, list[str]] = {name: [] for name in self.checks}
        for trial in self._of("wrong"):
            if len(trial.failed_checks) == 1:
                alone.setdefault(trial.failed_checks[0], []).append(trial.variant.id)
        return alone

    @property
    def per_blank(self) -> dict[str, tuple[int, int]]:
        """For every blank how many right and wrong variants fill it."""
        counts = {
            verdict: Counter(blank for trial in self._of(verdict) for blank in trial.variant.fills)
            for verdict in ("right", "wrong")
        }
        return {blank: (counts["right"][blank], counts["wrong"][blank]) for blank in self.blanks}

    def data(self) -> dict[str, Any]:
        """All of it for a program."""
        return {
            "figures": {name: {"count": count, "total": total} for name, (count, total) in self.figures.items()},
            "problems": {trial.variant.id: trial.problem for trial in self.problems},
            "caught_alone": self.caught_alone,
            "per_blank": {blank: {"right": r, "wrong": w} for blank, (r, w) in self.per_blank.items()},
            "variants": {
                trial.variant.id: {
                    "verdict": trial.variant.verdict,
                    "expected": sorted(trial.expected),
                    "lost": sorted(trial.lost),
                    "failed": list(trial.failed_checks),
                }
                for trial in self.trials
            },
        }

    def words(self) -> list[RenderableType]:
        """All of it for people, the verdict last."""
        lines: list[RenderableType] = [_alone_table(self.caught_alone), _blank_table(self.per_blank)]
        lines += [Text(f"{name}: {count} / {total}", style="bold") for name, (count, total) in self.figures.items()]
        for trial in self.problems:
            lines.append(Text(f"{trial.variant.path.name}: {trial.variant.id} ({trial.variant.verdict})", style="red"))
            lines.append(Text(f"  expected to lose marks: {', '.join(sorted(trial.expected)) or 'nowhere'}"))
            lines.append(Text(f"  {trial.problem}"))
        return lines


def _alone_table(alone: Mapping[str, Sequence[str]]) -> Table:
    table = Table("check", "alone catches", title="Wrong variants that one check alone catches")
    for name, ids in alone.items():
        shown = ", ".join(ids[:4]) + (f" and {len(ids) - 4} more" if len(ids) > 4 else "")
        table.add_row(name, shown or Text("none", style="dim"))
    return table


def _blank_table(per_blank: Mapping[str, tuple[int, int]]) -> Table:
    table = Table("blank", "right", "wrong", title="Variants that fill each blank")
    for blank, (right, wrong) in per_blank.items():
        table.add_row(blank, str(right), str(wrong))
    return table
