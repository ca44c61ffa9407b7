"""Grades the grader: marks every variant of the corpus as a submission is marked, and compares with its verdict."""

import math
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring import blank, read_marked, strip_mark_schemes
from autograder.course.folders import Course
from autograder.course.practical import Practical, Question
from autograder.errors import CourseError
from autograder.grading.mark import Marking
from autograder.hints.known import corpus_path, fingerprint, known_path, learnt, load_known
from autograder.hints.recognise import save
from autograder.hints.signatures import Signature, signature
from autograder.judging.judge import Heard, Paper, judge, student_process
from autograder.judging.process import StudentProcess
from autograder.notebook.extraction import extract
from autograder.repair import repair
from autograder.sandbox import choose_barrier
from autograder.verification.corpus import Variant, in_place, load_corpus
from autograder.verification.learning import REFERENCE, Recognition, learn, load_alike, measure
from autograder.verification.outcomes import VariantResult, Verification
from autograder.verification.several import parts_of, several

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

    @property
    def marking(self) -> Marking:
        """How the variants are marked."""
        skipped = frozenset() if self.end_to_end else _end_to_end(self.course.practical)
        return Marking(self.course, self.unsafe, skipped)

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
    """Try all variants of a run; ``progress`` hears how many of how many are done."""
    marking, practical = run.marking, run.course.practical
    asked = {question.name for question in marking.questions} - _end_to_end(practical)
    checks = tuple(f"{item.question}/{item.name}" for item in marking.key.checks if item.question in asked)
    variants = run.variants()
    found: list[VariantResult] = []
    for chunk in variant_results(marking, variants, run.jobs, everything=not run.learn):
        found.extend(chunk)
        progress(len(found), len(variants))
    order = {variant.id: number for number, variant in enumerate(variants)}
    found.sort(key=lambda result: order[result.variant.id])
    if run.learn:
        save(known_path(practical), learn(found, fingerprint(practical)))
    tried = tuple(result for result in found if result.variant.id != REFERENCE.id)
    return Verification(tried, practical.blanks, checks, *_recognition(practical, tried))


def _recognition(practical: Practical, tried: Sequence[VariantResult]) -> tuple[Recognition | None, str]:
    """How the wrong ones of the practical's own corpus are recognised; or why none is, in words."""
    own = corpus_path(practical)
    wrong = [each for each in tried if each.variant.verdict == "wrong" and _is_of(each.variant, own)]
    if not wrong:
        return None, ""
    try:
        learnt(practical)
    except CourseError as error:
        return None, f"{error.message} {error.next_step}"
    return measure(load_known(practical), wrong, load_alike(practical.folder / "alike.toml")), ""


def _is_of(variant: Variant, folder: Path) -> bool:
    return len(parts_of(variant)) > 1 or variant.path.resolve().is_relative_to(folder.resolve())


def variant_results(
    marking: Marking, variants: Sequence[Variant], jobs: int, everything: bool = True
) -> Iterator[list[VariantResult]]:
    """The results of all variants, in chunks as they come. CourseError if the course or the machine is unfit.

    Without ``everything`` a wrong variant is asked only the questions that it should lose.
    """
    size = max(math.ceil(len(variants) / (CHUNKS * jobs)), 1)
    chunks = [list(variants[start : start + size]) for start in range(0, len(variants), size)]
    if jobs == 1 or len(chunks) == 1:
        yield from (try_variants(marking, chunk, everything) for chunk in chunks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        futures = [pool.submit(try_variants, marking, chunk, everything) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()


def try_variants(marking: Marking, variants: Sequence[Variant], everything: bool = True) -> list[VariantResult]:
    """The results of some variants, one after the other in copies of one student process.

    They are mended by the release that the source would make as it stands, whatever stands in release/.
    """
    practical, barrier = marking.course.practical, choose_barrier(marking.unsafe)
    release = strip_mark_schemes(blank(practical.source, practical))
    released = extract(release, practical.long_running)
    with student_process(released.imports, marking.key, barrier, marking.limits) as process:
        process.start()  # it imports its libraries while the notebooks are made
        marked = read_marked(practical.source, practical)
        found = []
        for variant in variants:
            mended, repairs = repair(in_place(marked, variant), release, practical)
            paper = Paper(extract(mended, practical.long_running, marking.limits), released)
            asked = [item for item in marking.questions if everything or item.name in variant.loses]
            asked = list(marking.questions) if variant.verdict == "right" else asked
            found.append(_result(marking, variant, paper, tuple(repairs), asked, process))
        return found


def _result(
    marking: Marking,
    variant: Variant,
    paper: Paper,
    repairs: tuple[str, ...],
    asked: Sequence[Question],
    process: StudentProcess,
) -> VariantResult:
    signatures: dict[str, dict[str, Signature]] = {}

    def listen(question: str, heard: Mapping[str, Heard]) -> str:
        if question in variant.loses or variant.id == REFERENCE.id:
            signatures[question] = {key: signature(each) for key, each in heard.items()}
        return ""

    questions = judge(paper, marking.key, process, asked, listen)
    return VariantResult(variant, questions, repairs, _end_to_end(marking.course.practical), signatures)
