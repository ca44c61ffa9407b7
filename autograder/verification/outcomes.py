"""What came of running the corpus: for each variant, and for the grader as a whole."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from autograder.hints.signatures import Signature
from autograder.records import QuestionResult
from autograder.verification.corpus import Variant, Verdict
from autograder.verification.mutation import Mutation
from autograder.verification.recognition import FALSE, TRUE, Recognition
from autograder.verification.several import parts_of


@dataclass(frozen=True)
class VariantResult:
    """What became of one variant."""

    variant: Variant
    questions: tuple[QuestionResult, ...]
    repairs: tuple[str, ...]
    end_to_end: frozenset[str]  # questions in which a mistake anywhere may cost marks
    # question that should lose marks (of the reference, every one) -> digest of an ask -> what came of it
    signatures: Mapping[str, Mapping[str, Signature]]

    @property
    def lost(self) -> frozenset[str]:
        """The questions that lost marks."""
        return frozenset(item.question for item in self.questions if item.points < item.max_points)

    @property
    def expected(self) -> frozenset[str]:
        """The questions that should have lost marks."""
        return frozenset(self.variant.loses)

    @property
    def problem(self) -> str:
        """What is off, in words; empty if all is as it should be."""
        free = self.end_to_end if self.variant.verdict == "wrong" else frozenset()
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
        """The checks that did not pass, as question/check, without those of questions that are end to end."""
        return tuple(
            f"{question.question}/{check.name}"
            for question in self.questions
            for check in question.checks
            if not check.passed and question.question not in self.end_to_end
        )


@dataclass(frozen=True)
class Verification:
    """What the whole corpus says of the grader."""

    results: tuple[VariantResult, ...]
    blanks: Mapping[str, str]  # the practical's: blank id -> cell
    recognition: Recognition | None = None  # None where no known mistakes could be used
    unlearnt: str = ""  # why not, in words
    mutation: Mutation | None = None  # None where no mutants were tried
    seconds: Mapping[str, float] = field(default_factory=dict)  # what took how long
    whole: bool = False  # whether the practical's whole corpus was tried

    def _of(self, verdict: Verdict, drawn: bool = False) -> list[VariantResult]:
        """The results of the corpus's own variants of that verdict; or of those that were drawn from several."""
        of_verdict = [result for result in self.results if result.variant.verdict == verdict]
        return [result for result in of_verdict if (len(parts_of(result.variant)) > 1) == drawn]

    @property
    def failed(self) -> bool:
        """Whether anything is off: a verdict, or a hint that misleads."""
        return bool(self.problems or (self.recognition and self.recognition.misleading))

    @property
    def problems(self) -> list[VariantResult]:
        """The results in which something was off."""
        return [result for result in self.results if result.problem]

    @property
    def figures(self) -> dict[str, tuple[int, int]]:
        """Right kept, wrong caught and blame exact, each as (how many, of how many)."""
        wrong, drawn = self._of("wrong"), self._of("wrong", drawn=True)
        figures = {
            "right kept": _as_they_should_be(self._of("right")),
            "wrong caught": (sum(bool(result.lost & result.expected) for result in wrong), len(wrong)),
            "blame exact": _as_they_should_be(wrong),
        }
        if drawn:
            figures["several mistakes, blame exact"] = _as_they_should_be(drawn)
        if self.recognition:
            for name in ("whole", "apart", "mutants"):
                counts = getattr(self.recognition, name)
                total = sum(counts.values())
                figures |= {f"hints {kind}, {name}": (counts.get(kind, 0), total) for kind in (TRUE, FALSE)}
        if self.mutation:
            caught = sum(score.caught for score in self.mutation.scores)
            figures["mutants caught"] = caught, caught + sum(len(score.survivors) for score in self.mutation.scores)
        return figures

    @property
    def idle(self) -> list[str]:
        """The checks that no answer of the whole corpus fails, as question/check: nothing says that they find any."""
        checks = [
            (f"{question.question}/{check.name}", not check.passed and bool(check.look_at))  # not only not reached
            for result in self.results
            for question in result.questions
            for check in (question.checks if question.question not in result.end_to_end else ())
        ]
        failed = {name for name, fails in checks if fails}
        return [name for name in dict.fromkeys(name for name, _ in checks) if name not in failed and self.whole]

    @property
    def per_blank(self) -> dict[str, tuple[int, int]]:
        """For every blank how many right and wrong variants fill it."""
        right, wrong = _fills(self._of("right")), _fills(self._of("wrong"))
        return {blank: (right[blank], wrong[blank]) for blank in self.blanks}

    def data(self) -> dict[str, Any]:
        """All of it for a program."""
        return {
            "figures": {name: {"count": count, "total": total} for name, (count, total) in self.figures.items()},
            "recognition": asdict(self.recognition) if self.recognition else None,
            "mutation": self.mutation.data() if self.mutation else None,
            "seconds": {name: round(seconds, 1) for name, seconds in self.seconds.items()},
            "unlearnt": self.unlearnt,
            "idle": self.idle,
            "problems": {result.variant.id: result.problem for result in self.problems},
            "per_blank": {blank: {"right": r, "wrong": w} for blank, (r, w) in self.per_blank.items()},
            "variants": {
                result.variant.id: {
                    "verdict": result.variant.verdict,
                    "expected": sorted(result.expected),
                    "lost": sorted(result.lost),
                    "failed": list(result.failed_checks),
                }
                for result in self.results
            },
        }

    def words(self) -> list[RenderableType]:
        """All of it for people, the verdict last."""
        lines: list[RenderableType] = [_blank_table(self.per_blank)]
        lines += [Text(f"{name}: {count} / {total}", style="bold") for name, (count, total) in self.figures.items()]
        for result in self.problems:
            variant, expected = result.variant, ", ".join(sorted(result.expected)) or "nowhere"
            lines.append(Text(f"{variant.path.name}: {variant.id} ({variant.verdict})", style="red"))
            lines.append(Text(f"  expected to lose marks: {expected}\n  {result.problem}"))
        if self.idle:
            idle = f"no wrong answer fails these checks: {', '.join(self.idle)}. Add one that does, or take them out."
            lines.append(Text(idle, style="yellow"))
        lines += self.recognition.words() if self.recognition else []
        lines += self.mutation.words() if self.mutation else []
        if self.unlearnt:
            lines.append(Text(self.unlearnt, style="yellow"))
        lines += [Text(f"{name}: {seconds:.0f} s", style="dim") for name, seconds in self.seconds.items()]
        return lines


def _as_they_should_be(results: Sequence[VariantResult]) -> tuple[int, int]:
    return sum(not result.problem for result in results), len(results)


def _fills(results: Sequence[VariantResult]) -> Counter[str]:
    return Counter(blank for result in results for blank in result.variant.fills)


def _blank_table(per_blank: Mapping[str, tuple[int, int]]) -> Table:
    table = Table("blank", "right", "wrong", title="Variants that fill each blank")
    for name, (right, wrong) in per_blank.items():
        table.add_row(name, str(right), str(wrong))
    return table
