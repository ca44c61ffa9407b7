"""Why a name is missing, or is not what it is in Jupyter: the statement that sets it was not run, or raised."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from autograder.judging.session import Defined, Place, Raised
from autograder.notebook.definitions import Loose
from autograder.notebook.extraction import Extract

DEEPEST = 3  # causes of causes that are told


@dataclass
class Causes:
    """What became of one notebook's statements when they were run."""

    extract: Extract
    # what a statement did instead, as in "was left out"
    happened: list[tuple[Place, str]] = field(default_factory=list)
    missing: dict[Place, str] = field(default_factory=dict)  # the name that a statement did not find

    def note(self, place: Place, what: str) -> None:
        """Note what a statement did instead of what it should."""
        self.happened.append((place, what))

    def note_faults(self, defined: Defined) -> None:
        """Note what the statements raised."""
        for place, fault in defined.met:
            said = f"raised {fault.type}: {fault.message}" if fault.message else f"raised {fault.type}"
            late = fault.type == "TooLongError"
            self.note(place, f"was left out: {fault.message}" if late else said)
            if name := missing_name(fault):
                self.missing[place] = name

    def of_name(self, name: str, depth: int = DEEPEST) -> str:
        """Why that name has no meaning, in a sentence or a few; empty if that is not known."""
        found = [(loose, told, place) for loose, told, place in self._failed() if name in loose.names]
        if not found or not depth:
            return ""
        loose, told, place = found[-1]
        before = self.missing.get(place, "") if place else ""
        deeper = self.of_name(before, depth - 1) if before not in ("", name) else ""
        return f"{name} is set in {loose.cell}, line {loose.line}, which {told}. {deeper}".strip()

    def of_definitions(self, most: int) -> list[str]:
        """What went wrong while definitions were run, in sentences."""
        found = [(place, what) for place, what in self.happened if not place.loose]
        return [f"{place.words[:1].upper()}{place.words[1:]} {what}." for place, what in found[:most]]

    def of_functions(self, functions: Iterable[str], most: int = 2) -> list[str]:
        """What these functions use and a statement should have set or changed that was not run, or raised."""
        roots = {function.split(".")[0] for function in functions}
        used, waiting = set(roots), list(roots)
        while waiting:
            new = set(self.extract.uses.get(waiting.pop(), ())) - used
            used |= new
            waiting.extend(new)
        found: dict[str, None] = {}
        for loose, told, _ in self._failed():
            for name in sorted(used.intersection(loose.names) - self.extract.functions.keys()):
                found[f"{name} is set or changed in {loose.cell}, line {loose.line}, which {told}."] = None
        return list(found)[:most]

    def _failed(self) -> Iterator[tuple[Loose, str, Place | None]]:
        """The statements that did not do what they do in Jupyter, and what they did instead."""
        for loose in self.extract.loose:
            if loose.why:
                yield loose, f"is not run when code is marked: {loose.why}", None
            for place, what in self.happened:
                if place.cell == loose.cell and place.line <= loose.line and loose.last <= place.last:
                    yield loose, what, place


def missing_name(raised: Raised) -> str:
    """The name that was not found, if that is what was raised."""
    if raised.type == "NameError":
        return raised.message.removeprefix("name '").partition("'")[0]
    return raised.message.rpartition(" ")[2] if raised.type == "MissingDefinitionError" else ""
