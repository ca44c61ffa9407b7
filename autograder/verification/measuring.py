"""How well mistakes are recognised that nobody listed: each is asked for while what is like it is left out.

Of the corpus, a whole file is left out at once; of the mutants, all that one operator made. A hint that names a place
is true if a line that was changed is in its area (see ``Spot``), or if a person read that it is. A person's hint is
true for its own variant, and for those of which a person read that it is (``alike.toml`` holds both).
"""

import ast
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from autograder.course.practical import Practical
from autograder.hints.recognise import Hint, Known, KnownMistake, Signatures
from autograder.hints.signatures import broke_off
from autograder.mutants.making import Maker
from autograder.mutants.places import lines_between
from autograder.notebook.cells import cells_of
from autograder.notebook.python import functions_in, tree_of
from autograder.verification.corpus import Variant, in_place
from autograder.verification.learning import Alike
from autograder.verification.outcomes import VariantResult
from autograder.verification.recognition import FALSE, RAISED, SILENT, TRUE, UNREAD, Attribution, Recognition
from autograder.verification.several import parts_of


def measure(known: Known, tried: Sequence[VariantResult], alike: Alike, practical: Practical) -> Recognition:
    """What is told for the wrong variants that were caught, with all that is known and with their own file left out."""
    lines = Lines(practical)
    single = [each for each in tried if len(parts_of(each.variant)) == 1]
    files = {each.variant.id: each.variant.path.name for each in single}
    whole, apart, attributions = Counter[str](), Counter[str](), set[Attribution]()
    for each in tried:
        asked = {question: each.signatures[question] for question in each.lost & each.signatures.keys()}
        if not asked:
            continue
        own = parts_of(each.variant)
        left_out = partial(_is_of, files, files.get(own[0], ""))
        for counter, without in ((whole, _never), (apart, left_out)):
            found = {question: known.explained(question, it, without) for question, it in asked.items()}
            judged = {question: _of(each, question, hint, alike, lines) for question, hint in found.items() if hint}
            if len(own) == 1:
                counter[_whole(each, asked, judged.values())] += 1
            attributions |= {
                Attribution(each.variant.id, question, _claimed(hint), judged[question], without is left_out)
                for question, hint in found.items()
                if hint and judged[question] in (FALSE, UNREAD)
            }
    return Recognition(dict(whole), dict(apart), _mutants(known), tuple(sorted(attributions)))


def _never(_: KnownMistake) -> bool:
    return False


def _is_of(files: Mapping[str, str], file: str, known: KnownMistake) -> bool:
    """Whether a person's known mistake stands in that file of the corpus."""
    return known.place is None and files.get(known.id, file) == file


def _claimed(hint: Hint) -> str:
    if hint.named:
        return f"the hint of {hint.named.id}"
    return f"{hint.place.function}, {hint.place.words}" if hint.place else ""


def _whole(tried: VariantResult, asked: Mapping[str, Signatures], judged: Iterable[str]) -> str:
    """What a student reads all in all: one false hint makes it false."""
    found = set(judged)
    for outcome in (FALSE, UNREAD, TRUE):
        if outcome in found:
            return outcome
    raised = all(any(map(broke_off, signatures.values())) for signatures in asked.values())
    return RAISED if raised else SILENT


def _of(tried: VariantResult, question: str, hint: Hint, alike: Alike, lines: "Lines") -> str:
    """Whether a hint is true of a variant."""
    own = parts_of(tried.variant)
    if hint.named:
        named = hint.named.id
        return TRUE if named in own or any({one, named} <= group for group in alike.groups for one in own) else FALSE
    if any((one, _claimed(hint)) in alike.read for one in own):
        return TRUE
    changed = lines.changed(tried.variant, question)
    if hint.place is None or not changed:
        return UNREAD
    return TRUE if any((hint.place.function, line) in changed for line in hint.place.area) else FALSE


class Lines:
    """Which lines of a question's functions a variant changes."""

    def __init__(self, practical: Practical) -> None:
        self.maker = Maker(practical)

    def changed(self, variant: Variant, question: str) -> set[tuple[str, int]]:
        """(function, line) of what it changes; nothing where that cannot be told."""
        notebook = in_place(self.maker.marked, variant)
        sources = {cell.grade_id: cell.source for cell in cells_of(notebook) if cell.is_code}
        found: set[tuple[str, int]] = set()
        for name in self.maker.practical.question(question).functions:
            cell, function, blanks = self.maker.home(name)
            theirs = _function(sources.get(cell.grade_id, ""), name)
            lines = set(lines_between(function, theirs)) if theirs else set()
            filled = [range(first, last + 1) for blank, first, last in blanks if blank in variant.fills]
            lines = lines or {line for line in self.maker.places(name) if any(line in rows for rows in filled)}
            found |= {(name, line) for line in lines}
        return found


def _function(source: str, name: str) -> ast.FunctionDef | None:
    tree = tree_of(source)
    found = functions_in(tree).values() if tree else ()
    return next((names[name] for names in found if name in names), None)


def _mutants(known: Known) -> dict[str, int]:
    """What is told for the mutants, while all that one operator made is left out, and all that persons wrote."""
    counter = Counter[str]()
    for each in known.mistakes:
        if each.place is not None:
            hint = known.explained(each.question, each.signatures, partial(_is_like, each.id))
            counter[_of_mutant(each, hint)] += 1
    return dict(counter)


def _is_like(operator: str, known: KnownMistake) -> bool:
    return known.place is None or known.id == operator


def _of_mutant(mutant: KnownMistake, hint: Hint | None) -> str:
    if hint is None or hint.place is None or mutant.place is None:
        return SILENT
    is_near = hint.place.function == mutant.place.function and mutant.place.line in hint.place.area
    return TRUE if is_near else FALSE
