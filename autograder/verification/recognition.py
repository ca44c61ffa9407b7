"""What is told for mistakes: true hints, false ones, and silence; the figures, and how they are told."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

TRUE, FALSE, UNREAD, SILENT, RAISED = "true", "false", "unread", "silent", "raised"  # what is told, all in all


@dataclass(frozen=True, order=True)
class Attribution:
    """A hint that a variant is told, and that is false, or of which neither person nor machine knows whether it is."""

    variant: str
    question: str
    claimed: str  # what the hint says, in short
    outcome: str
    apart: bool  # whether it is told only while the variant's own file is left out


@dataclass(frozen=True)
class Recognition:
    """What is told for mistakes: how many true hints, false ones, and so on."""

    whole: Mapping[str, int]  # for the corpus's wrong variants, with all that is known
    apart: Mapping[str, int]  # the same, while each one's own file is left out
    mutants: Mapping[str, int]  # for the mutants, while all that one operator made is left out
    attributions: tuple[Attribution, ...]

    @property
    def misleading(self) -> tuple[Attribution, ...]:
        """The false hints that a student would read."""
        return tuple(each for each in self.attributions if each.outcome == FALSE and not each.apart)

    def words(self) -> list[RenderableType]:
        """The figures as a table, and what is to be read."""
        kinds = (TRUE, FALSE, UNREAD, SILENT, RAISED)
        table = Table("hints for mistakes that are caught", *kinds, "true of all", title="Hints")
        for name, counts in (
            ("corpus, all known", self.whole),
            ("corpus, its own file left out", self.apart),
            ("mutants, their operator left out", self.mutants),
        ):
            total = max(sum(counts.values()), 1)
            row = [str(counts.get(kind, 0)) for kind in kinds]
            table.add_row(name, *row, f"{counts.get(TRUE, 0) / total:.0%}")
        lines: list[RenderableType] = [table, Text(EXPLAINED, style="dim")]
        for each in self.attributions:
            left_out = ", its own file left out" if each.apart else ""
            said = f"{each.outcome}: {each.variant} is told on {each.question}{left_out}: {each.claimed}"
            lines.append(Text(said, style="red" if each in self.misleading else "yellow"))
        return lines


EXPLAINED = (
    "A hint that names a place is true if a line that was changed is that place, one from which its values come, one"
    " that uses its value, the step before or after it, or the one that returns the result. A person's hint is true for"
    " its own variant, and both for what stands in alike.toml, which a person read. unread: a machine cannot tell which"
    " lines were changed. raised: the code breaks off, and its error says where."
)
