"""Grades the grader: marks every variant of the corpus as a submission is marked, and compares with its verdict."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from autograder.course.folders import Course
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.grading.executors import outcomes
from autograder.grading.mark import Marking
from autograder.hints.known import corpus_path, fingerprint, known_path, learnt, load_known
from autograder.hints.storage import save
from autograder.mutants.answering import Tried
from autograder.verification.corpus import Variant, load_corpus
from autograder.verification.learning import REFERENCE, Alike, learn, load_alike
from autograder.verification.measuring import measure
from autograder.verification.mutation import (
    PAIRS,
    Mutation,
    load_equivalent,
    mutants_of,
    sample_of,
    scores_of,
    tried_mutants,
)
from autograder.verification.outcomes import VariantResult, Verification
from autograder.verification.recognition import Recognition
from autograder.verification.several import parts_of, several
from autograder.verification.trying import try_variants

CHUNKS = 2  # for each process: variants of a chunk share one sandbox, since none has to be kept from another


@dataclass(frozen=True)
class Run:
    """What is to be verified, and how. ``drawn`` submissions with several mistakes are added to the corpus."""

    course: Course
    corpus: tuple[Path, ...] = ()  # files and folders of variants; none stands for the practical's own corpus
    end_to_end: bool = False  # whether the questions that are end to end are asked too
    drawn: int = 0
    jobs: int = 1
    unsafe: bool = False
    learn: bool = False  # only the known mistakes are learnt again
    mutants: bool = False  # whether mutants are tried too

    def variants(self) -> tuple[Variant, ...]:
        """The variants to try, and the reference; CourseError as load_corpus and several raise it."""
        practical = self.course.practical
        if self.learn and (self.corpus or self.end_to_end or self.drawn):
            message = "--learn uses the whole corpus of the practical, without the questions that are end to end."
            raise CourseError(message, "Leave out --corpus, --end-to-end and --several.")
        if not self.corpus and not corpus_path(practical).is_dir():
            message = f"{practical.name} has no corpus: there is no folder {corpus_path(practical)}."
            step = "Write right and wrong answers there (docs/writing-a-practical.md), or name others with --corpus."
            raise CourseError(message, step)
        corpus = load_corpus(self.corpus or (corpus_path(practical),), practical, practical.source)
        if self.learn:
            return (REFERENCE, *(variant for variant in corpus if variant.verdict == "wrong"))
        return (*corpus, *several(corpus, practical, 0, self.drawn))


def _end_to_end(practical: Practical) -> frozenset[str]:
    return frozenset(question.name for question in practical.questions if question.end_to_end)


def verification(run: Run, progress: Callable[[int, int], object]) -> Verification:
    """Try all variants of a run, chunk by chunk; ``progress`` hears how many of how many are done.

    CourseError if the course or the machine is unfit, or as ``Run.variants`` raises it.
    """
    practical, seconds = run.course.practical, Stopwatch()
    marking = Marking(run.course, run.unsafe, skip=frozenset() if run.end_to_end else _end_to_end(practical))
    marking.prove(run.course.results)
    variants = run.variants()
    mutants = mutants_of(practical, PAIRS if run.mutants else 0) if run.learn or run.mutants else []
    total = len(variants) + len(mutants)
    found = _graded(run, marking, variants, lambda done: progress(done, total))
    seconds.stop("corpus")
    tried_on = tried_mutants(practical, mutants, run.jobs, lambda done: progress(len(variants) + done, total))
    if mutants:
        seconds.stop("mutants")
    alike = load_alike(practical.folder / "alike.toml")
    if run.learn:
        save(known_path(practical), learn(found, tried_on, fingerprint(practical), alike))
    tried = tuple(result for result in found if result.variant.id != REFERENCE.id)
    recognition, unlearnt = _recognition(practical, tried, alike)
    seconds.stop("hints")
    mutation = _mutation(run, marking, tried_on) if run.mutants else None
    return Verification(
        tried, practical.blanks, recognition, unlearnt, mutation, seconds.found, not (run.corpus or run.learn)
    )


def _graded(
    run: Run, marking: Marking, variants: Sequence[Variant], progress: Callable[[int], object]
) -> list[VariantResult]:
    """The variants' results in their order."""
    count = min(CHUNKS * run.jobs, len(variants))
    chunks = [variants[first::count] for first in range(count)]  # each gets some of the files that take long
    work = partial(try_variants, marking, asked="lost" if run.learn else "affected")
    found: list[VariantResult] = []
    with closing(outcomes(work, chunks, run.jobs, _lost)) as done:
        for results in done:
            found.extend(results)
            progress(len(found))
    order = {variant.id: number for number, variant in enumerate(variants)}
    return sorted(found, key=lambda result: order[result.variant.id])


def _mutation(run: Run, marking: Marking, tried: Sequence[Tried]) -> Mutation:
    """The scores; and how many of a sample come to the same where they are marked as submissions are."""
    practical = run.course.practical
    sample = sample_of(tried, practical)
    results = try_variants(marking, [variant for _, variant in sample], "lost") if sample else []
    same = [
        tuple(name.partition("/")[2] for name in result.failed_checks) == each.failed
        for (each, _), result in zip(sample, results, strict=True)
    ]
    named = load_equivalent(practical.folder / "equivalent.toml")
    return Mutation(scores_of(tried, named), sum(same), len(same))


class Stopwatch:
    """What took how long, in seconds."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self._last = time.monotonic()

    def stop(self, name: str) -> None:
        """Note the time since the last stop under a name."""
        now = time.monotonic()
        self.found[name], self._last = now - self._last, now


def _recognition(practical: Practical, tried: Sequence[VariantResult], alike: Alike) -> tuple[Recognition | None, str]:
    """How the wrong ones of the practical's own corpus are recognised; or why none is, in words."""
    own = corpus_path(practical)
    wrong = [each for each in tried if each.variant.verdict == "wrong" and _is_of(each.variant, own)]
    if not wrong:
        return None, ""
    try:
        learnt(practical)
    except CourseError as error:
        return None, f"{error.message} {error.next_step}"
    return measure(load_known(practical), wrong, alike, practical), ""


def _is_of(variant: Variant, folder: Path) -> bool:
    return len(parts_of(variant)) > 1 or variant.path.resolve().is_relative_to(folder.resolve())


def _lost(_: Sequence[Variant]) -> NoReturn:
    message = "A process that graded variants was killed twice, most often because the machine ran out of memory."
    raise CourseError(message, "Run the same command with fewer at once, such as --jobs 1.")
