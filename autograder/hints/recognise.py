"""Recognises mistakes by their answers: what a student's code answers is compared with what known mistakes answer.

Answers are compared, never text: a mistake is the same however it is spelled. Some known mistakes a person wrote down,
with a hint; the others are made by machine, each of a kind and at a place. Where several explain what came back, a hint
says what is true of all of them: a person's words, or a place. Where there is no such thing, it is silent.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

from autograder.hints.places import Spot
from autograder.hints.profiles import OTHER, Profile, bare, profile
from autograder.hints.signatures import Signature, alike, says_something, signature
from autograder.hints.words import told
from autograder.judging.judge import Heard

SAME = 2e-4  # relative difference up to which two answers are one: above what machines differ by
FEWEST = 3  # operators that have to agree before mistakes of one profile explain it
MOST_OF_ALL = 0.8  # of a function's known places: a hint that covers more tells nothing

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
        for like in (near, (each for each in self._like(question, bare(wrong)) if not without(each))):
            made = [each for each in like if each.place]
            if len({each.id for each in made}) >= FEWEST:
                return self._agreed(question, made)
        return None

    def _like(self, question: str, wrong: Profile) -> Sequence[KnownMistake]:
        """The known mistakes of that profile, or, if it is bare, of all profiles that have it in common."""
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
            found.setdefault(bare(known[id(each.signatures)]), []).append(each)
        return found

    @cached_property
    def _places(self) -> Mapping[str, set[Spot]]:
        """The places of each question in which mistakes are known."""
        return {question: {each.place for each in found if each.place} for question, found in self._by_question.items()}

    def _agreed(self, question: str, found: Sequence[KnownMistake], exact: bool = False) -> Hint | None:
        """The place that all these mistakes are at or near, or two such places, as a hint; None if there are none."""
        places = {each.place for each in found if each.place}
        if not places or any(each.place is None and not exact for each in found):
            return None
        place = next(iter(places)) if len(places) == 1 and exact else self._around(question, places)
        kinds = {each.kind for each in found if each.kind} if exact else set[str]()
        return Hint(told(place, kinds), place=place) if place else None

    def _around(self, question: str, places: Collection[Spot]) -> Spot | None:
        """The known place that all these are at or near, or two of one function as one; None if there are none."""
        every = sorted(self._places[question])
        pairs = (one.joined(other) for one, other in combinations(every, 2) if one.function == other.function)
        return _telling(every, places, every) or _telling(pairs, places, every)


def _telling(candidates: Iterable[Spot], places: Collection[Spot], every: Collection[Spot]) -> Spot | None:
    """Of those that all these places are at or near the one that is nearest; None where each is near nearly all."""
    around = [each for each in candidates if all(_is_near(each, other) for other in places)]
    sizes = [(sum(_is_near(each, other) for other in every), each) for each in around]
    size, place = min(sizes, default=(len(every), None))
    return place if size <= MOST_OF_ALL * len(every) else None


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
