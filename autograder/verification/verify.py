"""Grades the grader: marks every variant of the corpus as a submission is marked, and compares with its verdict."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from autograder.authoring import blank, read_marked, strip_mark_schemes
from autograder.course.folders import Course
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.grading.executors import outcomes
from autograder.grading.mark import Marking
from autograder.hints.known import corpus_path, fingerprint, known_path, learnt, load_known
from autograder.hints.recognise import Signatures, save
from autograder.hints.signatures import signature
from autograder.judging.judge import Heard, Paper, judge, student_process
from autograder.notebook.extraction import extract
from autograder.repair import repair
from autograder.sandbox import choose_barrier
from autograder.verification.corpus import Variant, in_place, load_corpus
from autograder.verification.learning import REFERENCE, learn, load_alike, measure
from autograder.verification.outcomes import Recognition, VariantResult, Verification
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
    practical = run.course.practical
    marking = Marking(run.course, run.unsafe, skip=frozenset() if run.end_to_end else _end_to_end(practical))
    marking.prove(run.course.results)
    variants = run.variants()
    size = max(math.ceil(len(variants) / (CHUNKS * run.jobs)), 1)
    chunks = [variants[start : start + size] for start in range(0, len(variants), size)]
    work = partial(try_variants, marking, everything=not run.learn)
    found: list[VariantResult] = []
    with closing(outcomes(work, chunks, run.jobs, _lost)) as done:
        for results in done:
            found.extend(results)
            progress(len(found), len(variants))
    order = {variant.id: number for number, variant in enumerate(variants)}
    found.sort(key=lambda result: order[result.variant.id])
    if run.learn:
        save(known_path(practical), learn(found, fingerprint(practical)))
    tried = tuple(result for result in found if result.variant.id != REFERENCE.id)
    return Verification(tried, practical.blanks, *_recognition(practical, tried))


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


def _lost(_: Sequence[Variant]) -> NoReturn:
    message = "A process that graded variants was killed twice, most often because the machine ran out of memory."
    raise CourseError(message, "Run the same command with fewer at once, such as --jobs 1.")


def try_variants(marking: Marking, variants: Sequence[Variant], everything: bool = True) -> list[VariantResult]:
    """The results of some variants, one after the other in copies of one student process.

    They are mended by the release that the source would make as it stands, whatever stands in release/. Without
    ``everything`` a wrong variant is asked only the questions that it should lose.
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
            paper = Paper(extract(mended, practical.long_running, marking.limits, released), released)
            whole = everything or variant.verdict == "right"
            asked = [item for item in marking.questions if whole or item.name in variant.loses]
            heard: dict[str, Mapping[str, Heard]] = {}
            questions = judge(paper, marking.key, process, asked, partial(_keep, heard))
            signatures = _signatures(variant, heard)
            found.append(VariantResult(variant, questions, tuple(repairs), _end_to_end(practical), signatures))
        return found


def _keep(kept: dict[str, Mapping[str, Heard]], question: str, heard: Mapping[str, Heard]) -> str:
    """Keep what was answered to a question; as no hint is wanted, none is given."""
    kept[question] = heard
    return ""


def _signatures(variant: Variant, heard: Mapping[str, Mapping[str, Heard]]) -> dict[str, Signatures]:
    """Of the answers to the questions that the variant should lose; of the reference's to all."""
    wanted = heard.keys() if variant.id == REFERENCE.id else heard.keys() & set(variant.loses)
    return {question: {key: signature(each) for key, each in heard[question].items()} for question in wanted}
