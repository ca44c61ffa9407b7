"""Mutants, tried on the checks: how many each question catches, and which survive."""

import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.grading.executors import outcomes
from autograder.judging.answer_key import AnswerKey
from autograder.mutants.answering import Bench, Tried
from autograder.mutants.making import Maker, Mutant
from autograder.verification.corpus import Variant

PAIRS = 40  # mutants with two mistakes, drawn for each question
SAMPLE = 16  # mutants that are marked as submissions are, too
CHUNKS = 8  # for each process
STANDS_IN = Path("mutants")  # the file of a mutant that is marked as a variant is


@dataclass(frozen=True)
class Score:
    """What became of a question's mutants of one sort."""

    question: str
    sort: str  # "blanks", "given lines" or "two mistakes"
    made: int
    caught: int
    equivalent: int  # answered as the solution does, whatever they were asked
    named: int  # a person found that they are no mistakes
    survivors: tuple[str, ...]  # in words

    @property
    def share(self) -> float:
        """The mutation score: what was caught of all that are mistakes; 1 where there is none."""
        mistakes = self.made - self.equivalent - self.named
        return self.caught / mistakes if mistakes else 1.0


@dataclass(frozen=True)
class Mutation:
    """What became of all mutants, and whether the sandbox came to the same for some of them."""

    scores: tuple[Score, ...]
    marked_alike: int  # of the sample, how many lost the same checks when they were marked as submissions are
    sample: int

    def data(self) -> dict[str, Any]:
        """All of it for a program."""
        scores = [{**asdict(each), "score": round(each.share, 4)} for each in self.scores]
        return {"scores": scores, "marked_alike": self.marked_alike, "sample": self.sample}

    def words(self) -> list[RenderableType]:
        """The table, and the survivors."""
        table = Table("question", "in", "mutants", "equivalent", "named", "caught", "score", title="Mutation score")
        for each in self.scores:
            counts = (each.made, each.equivalent, each.named, each.caught)
            table.add_row(each.question, each.sort, *map(str, counts), f"{each.share:.1%}")
        lines: list[RenderableType] = [table]
        lines.append(Text(f"marked the same in the sandbox: {self.marked_alike} / {self.sample} of a sample"))
        lines += [Text(f"survives {each.question}: {text}") for each in self.scores for text in each.survivors]
        return lines


def mutants_of(practical: Practical, pairs: int = PAIRS) -> list[Mutant]:
    """All mutants with one mistake, and so many with two for each question that is not end to end."""
    maker = Maker(practical)
    asked = [question for question in practical.questions if not question.end_to_end]
    return [mutant for each in asked for mutant in (*maker.singles(each), *maker.pairs(each, pairs))]


def tried_mutants(
    practical: Practical, mutants: Sequence[Mutant], jobs: int, progress: Callable[[int], object] = id
) -> list[Tried]:
    """What becomes of mutants, in their order; ``progress`` hears how many are done."""
    step = max(min(CHUNKS * jobs, len(mutants)), 1)
    chunks = [mutants[start::step] for start in range(step)] if jobs > 1 else [mutants]
    found: list[Tried] = []
    with closing(outcomes(partial(_try, practical), chunks, jobs, _lost)) as done:
        for tried in done:
            found.extend(tried)
            progress(len(found))
    order = {mutant.id: number for number, mutant in enumerate(mutants)}
    return sorted(found, key=lambda each: order[each.mutant.id])


def _try(practical: Practical, mutants: Sequence[Mutant]) -> list[Tried]:
    with Bench(practical, AnswerKey(practical)) as bench:
        return [bench.tried(mutant) for mutant in mutants]


def _lost(_: Sequence[Mutant]) -> NoReturn:
    message = "A process that tried mutants was killed twice, most often because the machine ran out of memory."
    raise CourseError(message, "Run the same command with fewer at once, such as --jobs 1.")


def scores_of(tried: Sequence[Tried], named: Mapping[str, str]) -> tuple[Score, ...]:
    """The scores by question and sort; ``named`` holds the mutants, in words, that a person found to be no mistakes."""
    groups: dict[tuple[str, str], list[Tried]] = {}
    for each in tried:
        groups.setdefault((each.mutant.question, sort_of(each.mutant)), []).append(each)
    return tuple(_score(question, sort, each, named) for (question, sort), each in groups.items())


def sort_of(mutant: Mutant) -> str:
    """How the table calls mutants of this sort."""
    if len(mutant.slips) > 1:
        return "two mistakes"
    return "given lines" if mutant.given else "blanks"


def _score(question: str, sort: str, tried: Sequence[Tried], named: Mapping[str, str]) -> Score:
    left = [each for each in tried if not each.caught and not each.equivalent]
    survivors = [each.mutant.text for each in left if f"{question}: {each.mutant.text}" not in named]
    return Score(
        question,
        sort,
        made=len(tried),
        caught=sum(each.caught for each in tried),
        equivalent=sum(each.equivalent for each in tried),
        named=len(left) - len(survivors),
        survivors=tuple(survivors),
    )


def load_equivalent(path: Path) -> dict[str, str]:
    """Mutants that a person found to be no mistakes, with the reason; none without the file.

    CourseError if it is not of that form.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["equivalent"]
        return {str(mutant): str(entry["reason"]) for entry in entries for mutant in entry["mutants"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        step = "It holds a list of [[equivalent]] entries, each with a reason and a list of mutants."
        raise CourseError(f"{path} cannot be read: {error!r}.", step) from error


def sample_of(tried: Sequence[Tried], practical: Practical, count: int = SAMPLE) -> list[tuple[Tried, Variant]]:
    """Some mutants, drawn with a seed, each with the variant by which it is marked as a submission is."""
    cells = {cell.grade_id: cell.source for cell in Maker(practical).marked.cells}
    rng = random.Random(0)  # noqa: S311 - a sample, not a secret
    drawn = rng.sample(list(tried), min(count, len(tried)))
    return [(each, _as_variant(each.mutant, cells)) for each in drawn]


def _as_variant(mutant: Mutant, cells: Mapping[str, str]) -> Variant:
    whole = {mutant.grade_id: mutant.inside(cells[mutant.grade_id])}
    return Variant(mutant.id, "wrong", mutant.text, STANDS_IN, cells=whole, loses=(mutant.question,))
