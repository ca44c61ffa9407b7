"""The grader, graded: every variant of the corpus through the real pipeline, and what that says of the checks."""

import math
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from autograder.assignment import Assignment
from autograder.authoring import MarkedNotebook, read_marked, read_source
from autograder.batch import Marking
from autograder.course import Course
from autograder.errors import CourseError
from autograder.judge import Paper, judge, student_process
from autograder.process import StudentProcess
from autograder.recognise import save
from autograder.records import QuestionResult
from autograder.repair import repair
from autograder.sandbox import choose_barrier
from autograder.sketches import Heard, Sketch, sketch
from autograder.verification.corpus import Variant, in_place, load_corpus
from autograder.verification.learning import (
    REFERENCE,
    Recognition,
    fingerprint,
    known_path,
    learn,
    learnt,
    load_alike,
    load_known,
    measure,
)
from autograder.verification.several import parts_of, several

TRAINING = "training"  # the one question that is end to end: a mistake anywhere may cost its marks
CHUNKS = 2  # for each process: variants of a chunk share one sandbox, since none has to be kept from another


@dataclass(frozen=True)
class Trial:
    """What became of one variant."""

    variant: Variant
    questions: tuple[QuestionResult, ...]
    repairs: tuple[str, ...]
    # question that should lose marks (of the reference, every one) -> digest of an ask -> what came of it
    sketches: Mapping[str, Mapping[str, Sketch]]

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


@dataclass(frozen=True)
class Run:
    """What is to be verified, and how. ``drawn`` submissions with several mistakes are added to the corpus."""

    course: Course
    corpus: tuple[Path, ...] = ()  # files and folders of variants; none stands for all of the course's
    training: bool = False
    drawn: int = 0
    jobs: int = 1
    unsafe: bool = False
    learn: bool = False  # the known mistakes, anew, and nothing but them

    @property
    def marking(self) -> Marking:
        """How the variants are marked."""
        return Marking(self.course, self.unsafe, frozenset() if self.training else frozenset({TRAINING}))

    def variants(self) -> tuple[Variant, ...]:
        """The variants to try, and the reference; CourseError as load_corpus and several raise it."""
        source = read_source(self.course.root, self.course.name)
        paths = self.corpus or (self.course.root / "solutions" / "variants",)
        corpus = load_corpus(paths, self.course.assignment, source)
        if self.learn:
            if self.corpus or self.training or self.drawn:
                message = "--learn takes the whole corpus, without training, and nothing else."
                raise CourseError(message, "Leave --corpus, --training and --several out.")
            return (REFERENCE, *(variant for variant in corpus if variant.verdict == "wrong"))
        return (*corpus, *several(corpus, self.course.assignment, 0, self.drawn))


def verification(run: Run, progress: Callable[[int, int], object]) -> "Verification":
    """Try all variants of a run; ``progress`` is told how many of how many are done."""
    variants, marking = run.variants(), run.marking
    found: list[Trial] = []
    for chunk in trials(marking, variants, run.jobs, everything=not run.learn):
        found.extend(chunk)
        progress(len(found), len(variants))
    order = {variant.id: number for number, variant in enumerate(variants)}
    found.sort(key=lambda trial: order[trial.variant.id])
    if run.learn:
        save(known_path(run.course), learn(found, fingerprint(run.course)))
    asked = {question.name for question in marking.assignment.questions} - {TRAINING}
    checks = tuple(f"{item.question}/{item.name}" for item in run.course.assignment.checks() if item.question in asked)
    tried = tuple(trial for trial in found if trial.variant.id != REFERENCE.id)
    return Verification(tried, run.course.assignment.blanks, checks, *_recognition(run.course, tried))


def _recognition(course: Course, tried: Sequence[Trial]) -> tuple[Recognition | None, str]:
    """What recognition does for the wrong ones of the course's own corpus; or why it does nothing, in words."""
    own = course.root / "solutions" / "variants"
    wrong = [each for each in tried if each.variant.verdict == "wrong" and _is_of(each.variant, own)]
    if not wrong:
        return None, ""
    try:
        learnt(course)
    except CourseError as error:
        return None, error.message
    return measure(load_known(course), wrong, load_alike(course.root / "solutions" / "alike.toml")), ""


def _is_of(variant: Variant, folder: Path) -> bool:
    return len(parts_of(variant)) > 1 or variant.path.resolve().is_relative_to(folder.resolve())


def trials(marking: Marking, variants: Sequence[Variant], jobs: int, everything: bool = True) -> Iterator[list[Trial]]:
    """All variants' trials, in chunks as they come. CourseError if the course or the machine is unfit.

    Without ``everything`` a wrong variant is asked those questions alone that it should lose.
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


def try_variants(marking: Marking, variants: Sequence[Variant], everything: bool = True) -> list[Trial]:
    """The trials of some variants, one after the other in copies of one student process."""
    barrier = choose_barrier(marking.unsafe)
    with student_process(marking.paper(marking.release), marking.assignment, barrier, marking.limits) as process:
        process.start()  # it imports its libraries while the notebooks are made
        marked = read_marked(read_source(marking.course.root, marking.course.name), marking.course.assignment)
        papers = [_paper(marking, marked, variant) for variant in variants]
        return [
            _trial(_asked(marking.assignment, variant, everything), variant, paper, repairs, process)
            for variant, (paper, repairs) in zip(variants, papers, strict=True)
        ]


def _asked(assignment: Assignment, variant: Variant, everything: bool) -> Assignment:
    if everything or variant.verdict == "right":
        return assignment
    return replace(assignment, questions=tuple(each for each in assignment.questions if each.name in variant.loses))


def _trial(
    assignment: Assignment, variant: Variant, paper: Paper, repairs: tuple[str, ...], process: StudentProcess
) -> Trial:
    sketches: dict[str, dict[str, Sketch]] = {}

    def listen(question: str, heard: Mapping[str, Heard]) -> str:
        if question in variant.loses or variant.id == REFERENCE.id:
            sketches[question] = {key: sketch(each) for key, each in heard.items()}
        return ""

    questions = judge(paper, assignment, process, listen)
    return Trial(variant, questions, repairs, sketches)


def _paper(marking: Marking, marked: MarkedNotebook, variant: Variant) -> tuple[Paper, tuple[str, ...]]:
    mended, repairs = repair(in_place(marked, variant), marking.release, marking.course.assignment)
    return marking.paper(mended), tuple(repairs)


@dataclass(frozen=True)
class Verification:
    """What the whole corpus says of the grader."""

    trials: tuple[Trial, ...]
    blanks: Mapping[str, str]  # the assignment's: blank id -> cell
    checks: tuple[str, ...]  # question/check, of all checks that were asked
    recognition: Recognition | None = None  # None where no known mistakes could be used
    unlearnt: str = ""  # why not, in words

    def _of(self, verdict: str) -> list[Trial]:
        single = [trial for trial in self.trials if len(parts_of(trial.variant)) == 1]
        return [trial for trial in single if trial.variant.verdict == verdict]

    @property
    def _drawn(self) -> list[Trial]:
        return [trial for trial in self.trials if len(parts_of(trial.variant)) > 1]

    @property
    def failed(self) -> bool:
        """Whether anything is off: a verdict, or a hint that misleads."""
        return bool(self.problems or (self.recognition and self.recognition.misleading))

    @property
    def problems(self) -> list[Trial]:
        """The trials in which something was off."""
        return [trial for trial in self.trials if trial.problem]

    @property
    def figures(self) -> dict[str, tuple[int, int]]:
        """Right kept, wrong caught and blame exact, each as (how many, of how many)."""
        right, wrong, drawn = self._of("right"), self._of("wrong"), self._drawn
        figures = {
            "right kept": (sum(not trial.problem for trial in right), len(right)),
            "wrong caught": (sum(bool(trial.lost & trial.expected) for trial in wrong), len(wrong)),
            "blame exact": (sum(not trial.problem for trial in wrong), len(wrong)),
        }
        if drawn:
            figures["several mistakes, blame exact"] = (sum(not trial.problem for trial in drawn), len(drawn))
        if self.recognition:
            recognised, silent = self.recognition.recognised, self.recognition.silent
            figures["wrong recognised"] = (len(recognised), len(recognised) + len(silent))
            figures["misleading hints"] = (len(self.recognition.misleading), len(self.recognition.attributions))
        return figures

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
            "recognition": asdict(self.recognition) if self.recognition else None,
            "unlearnt": self.unlearnt,
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
        for each in self.recognition.misleading if self.recognition else ():
            told = f"{each.variant} is told the hint of {each.named} on {each.question}."
            lines.append(Text(f"{told} Does it fit? Then say so in solutions/alike.toml.", style="red"))
        if self.unlearnt:
            told = f"No mistake was recognised: {self.unlearnt}. Run autograder verify --learn."
            lines.append(Text(told, style="yellow"))
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
