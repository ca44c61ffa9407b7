"""The pairs of a class that are alike, for the instructor: as data for a program, and as a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from autograder.likeness.explained import Profile
from autograder.likeness.pairs import Bar, Comparison
from autograder.reports.tables import named, plain

CODE = Bar(share=0.75, material=16)  # docs/likeness.md says how these were chosen
ANSWERS = Bar(share=0.5, material=12)
MEANING = "A reason to look, not a finding; nothing is done about it."
MOST_SHOWN = 20  # pairs in the table
MOST_PLACES = 5  # of one pair in the table


@dataclass(frozen=True)
class Pair:
    """Two students whose submissions are alike: 0 to 1, or None where there is too little to tell by."""

    students: tuple[str, str]
    code: float | None
    answers: float | None
    where: tuple[str, ...]  # grade_ids of cells, or numbers of cells in the one's and in the other's notebook


@dataclass(frozen=True)
class Findings:
    """What came of comparing a class; ``fault`` says why it could not be compared."""

    pairs: Sequence[Pair] = ()
    compared: int = 0  # submissions
    fault: str = ""
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)  # student -> what was not compared, in words

    def data(self) -> dict[str, Any]:
        """All of it for a program."""
        return {"meaning": MEANING, **asdict(self)}

    def words(self) -> list[RenderableType]:
        """All of it for people: nothing where nothing was found."""
        if self.fault:
            return [plain(f"The submissions were not compared with each other: {self.fault}", "yellow")]
        left = len(self.pairs) - MOST_SHOWN
        more = [plain(f"{left} more pairs stand in alike.json.")] if left > 0 else []
        found: list[RenderableType] = (
            [_table(self.pairs[:MOST_SHOWN]), *more, plain(MEANING, "dim")] if self.pairs else []
        )
        said = f"Compared in part or not at all, as alike.json says: {named(list(self.left_out))}."
        return [*found, plain(said, "yellow")] if self.left_out else found


def compared(profiles: Mapping[str, Profile]) -> Findings:
    """What comes of comparing a class, by student."""
    names, taken = list(profiles), list(profiles.values())
    code = Comparison([profile.code for profile in taken], CODE)
    answers = Comparison([profile.answers for profile in taken], ANSWERS)
    found = []
    for one, other in sorted({*code.reached(), *answers.reached()}):
        where = [*code.where(one, other), *answers.where(one, other)]
        told = tuple(" = ".join(dict.fromkeys(places)) for places in where)
        found.append(Pair((names[one], names[other]), code.share(one, other), answers.share(one, other), told))
    left_out = {name: profile.left_out for name, profile in profiles.items() if profile.left_out}
    return Findings(sorted(found, key=lambda pair: -max(pair.code or 0, pair.answers or 0)), len(taken), "", left_out)


def _table(pairs: Iterable[Pair]) -> Table:
    table = Table(title="Alike beyond what is common")
    for name in ("one", "other"):
        table.add_column(name, overflow="fold")
    for name in ("code", "answers"):
        table.add_column(name, justify="right", style="bold", no_wrap=True)
    table.add_column("where")
    for pair in pairs:
        more = len(pair.where) - MOST_PLACES
        where = ", ".join(pair.where[:MOST_PLACES]) + (f" and {more} more" if more > 0 else "")
        figures = ("-" if share is None else f"{share:.2f}" for share in (pair.code, pair.answers))
        table.add_row(*map(plain, (*pair.students, *figures, where)))
    return table
