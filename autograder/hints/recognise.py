"""Recognises mistakes by their answers: what a student's code answers is compared with what known mistakes answer.

Answers are compared, never text: a mistake is the same however it is spelled. Some known mistakes a person wrote down,
with a hint; the others are made by machine, each of a kind and at a place. Where several explain what came back, a hint
says what is true of all of them: a person's words, or a place. Where there is no such thing, it is silent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from autograder.hints.places import Spot
from autograder.hints.profiles import OTHER, Profile, profile
from autograder.hints.signatures import Signature, alike, says_something, signature
from autograder.hints.words import told
from autograder.judging.judge import Heard

SAME = 2e-4  # relative difference up to which two answers are one: above what machines differ by
FEWEST = 3  # operators that have to agree before mistakes of one profile explain it
MOST_OF_ALL = 0.75  # of a function's known places: a hint that covers more tells nothing

Signatures = Mapping[str, Signature]  # digest of an ask -> what came of it


@dataclass(frozen=True)
class KnownMistake:
    """A mistake, and the signatures of what code with this mistake answers when one question is asked.

    Either a person wrote its hint, or it was made by machine: of a kind, at a place.
    """

    id: str  # of the variant; of what was made by machine, the operator that made it
    question: str
    hint: str
    fills: int  # how many blanks and cells it fills: the fewer, the simpler
    signatures: Signatures
    kind: str = ""
    place: Spot | None = None
    alike: tuple[str, ...] = ()  # variants of which a person read that this hint is true, too


@dataclass(frozen=True)
class Hint:
    """What a student is told, and what it claims: a person's known mistake, or a place."""

    text: str
    named: KnownMistake | None = None
    place: Spot | None = None


@dataclass(frozen=True)
class Known:
    """All known mistakes in the corpus's order, and the right answers to the same asks by question."""

    right: Mapping[str, Signatures]
    mistakes: tuple[KnownMistake, ...]
    fingerprint: str = ""  # of what the signatures were made from
    digests: Mapping[str, str] = field(default_factory=dict)  # of what is known of each question, as it is kept

    def hint(self, question: str, heard: Mapping[str, Heard]) -> str:
        """The hint for a student whose code gave these answers; empty where there is none that is certain."""
        if not self._of(question):
            return ""
        found = self.explained(question, {key: signature(each) for key, each in heard.items()})
        return found.text if found else ""

    @cached_property
    def _by_question(self) -> Mapping[str, list[KnownMistake]]:
        found: dict[str, list[KnownMistake]] = {}
        for each in self.mistakes:
            found.setdefault(each.question, []).append(each)
        return found

    def _of(self, question: str) -> list[KnownMistake]:
        return self._by_question.get(question, [])

    def explained(
        self, question: str, signatures: Signatures, without: Callable[[KnownMistake], bool] = lambda _: False
    ) -> Hint | None:
        """What all known mistakes say that give these answers; where none does, those that are wrong in the same way.

        Those for which ``without`` is true are left out.
        """
        right = self.right.get(question, {})
        wrong = profile(signatures, right)
        near = [each for each in self._like(question, wrong) if not without(each)]
        if exact := [each for each in near if same(each.signatures, signatures)]:
            by_person = _by_person(exact) if is_telling(signatures, right) else None
            return by_person or self._agreed(question, exact, exact=True)
        made = [each for each in near if each.place]
        return self._agreed(question, made) if len({each.id for each in made}) >= FEWEST else None

    def _like(self, question: str, wrong: Profile) -> Sequence[KnownMistake]:
        if question not in self._by_profile:
            self._by_profile[question] = self._profiled(question)
        return self._by_profile[question].get(wrong, ()) if wrong else ()

    @cached_property
    def _by_profile(self) -> dict[str, Mapping[Profile, list[KnownMistake]]]:
        """By question; one at a time, when it is first asked about."""
        return {}

    def _profiled(self, question: str) -> Mapping[Profile, list[KnownMistake]]:
        found: dict[Profile, list[KnownMistake]] = {}
        known: dict[int, Profile] = {}  # many mistakes share one record of their answers
        for each in self._of(question):
            if id(each.signatures) not in known:
                known[id(each.signatures)] = profile(each.signatures, self.right.get(question, {}))
            found.setdefault(known[id(each.signatures)], []).append(each)
        return found

    @cached_property
    def _places(self) -> Mapping[str, set[Spot]]:
        """The places of each question in which mistakes are known."""
        return {question: {each.place for each in found if each.place} for question, found in self._by_question.items()}

    def _agreed(self, question: str, found: Sequence[KnownMistake], exact: bool = False) -> Hint | None:
        """The one place that all these mistakes are at or near, as a hint; None if there is none."""
        places = {each.place for each in found if each.place}
        if not places or any(each.place is None and not exact for each in found):
            return None
        if len(places) == 1 and exact:
            place = next(iter(places))
        else:
            every = self._places[question]
            around = [each for each in every if all(_is_near(each, other) for other in places)]
            sizes = {each: sum(_is_near(each, other) for other in every) for each in around}
            telling = [each for each in around if sizes[each] <= MOST_OF_ALL * len(every)]
            if not telling:
                return None
            place = min(telling, key=lambda each: (sizes[each], each))
        return Hint(told(place, {each.kind for each in found if each.kind} if exact else ()), place=place)


def _is_near(place: Spot, other: Spot) -> bool:
    return place.function == other.function and other.line in place.area


def _by_person(found: Sequence[KnownMistake]) -> Hint | None:
    """A person's words, where all that persons wrote is true of each, and what machines made is of one kind."""
    written = [each for each in found if each.hint]
    if not written or len({each.kind for each in found if each.kind}) > 1:
        return None
    simplest = min(written, key=lambda each: each.fills)
    agree = all(each.hint == simplest.hint or each.id in simplest.alike for each in written)
    return Hint(simplest.hint, named=simplest) if agree else None


def same(one: Signatures, other: Signatures) -> bool:
    """Whether the same was asked, and the same answered, number for number and text for text."""
    return one is other or (one.keys() == other.keys() and all(_same_answer(one[key], other[key]) for key in one))


def _same_answer(one: Signature, other: Signature) -> bool:
    return one.keys() == other.keys() and all(alike(one[path], other[path], SAME) for path in one)


def is_telling(signatures: Signatures, right: Signatures) -> bool:
    """Whether some number in the answers is neither right nor one that many different mistakes lead to."""
    return any(
        says_something(path, leaf) and (path not in right[key] or not alike(leaf, right[key][path], OTHER))
        for key in signatures.keys() & right.keys()
        for path, leaf in signatures[key].items()
    )
