"""The figure: how much of what is rare in the one submission stands in the other, for all pairs of a class at once."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autograder.likeness.fingerprints import Fingerprints

Places = Mapping[str, Fingerprints]  # where in a notebook -> the unexplained fingerprints there
Matrix = npt.NDArray[np.float32]  # (students, students)

COMMON_SHARE = 0.2  # of a class: what more students wrote says nothing
COMMON_COUNT = 10  # students, in a class however small
AT_ONCE = 4096  # fingerprints in one product of matrices


@dataclass(frozen=True)
class Bar:
    """What it takes to report a pair."""

    share: float  # of the rarer's fingerprints that the other has too, both by weight
    material: float  # weight that must be shared, and that the rarer must have for its figure to say anything


@dataclass(frozen=True)
class Comparison:
    """A class's submissions, each compared with each by their fingerprints."""

    students: Sequence[Places]
    bar: Bar

    def reached(self) -> list[tuple[int, int]]:
        """The pairs that reach the bar, by the two students' places in the class."""
        enough = (self._shared >= self.bar.material) & (self._shared >= self.bar.share * self._rarer)
        return [(int(one), int(other)) for one, other in np.argwhere(np.triu(enough, k=1))]

    def share(self, one: int, other: int) -> float | None:
        """The share of the rarer's fingerprints that both have, 0.00 to 1.00; None where there is too little."""
        rarer = float(self._rarer[one, other])
        return round(min(1.0, float(self._shared[one, other]) / rarer), 2) if rarer >= self.bar.material else None

    def shared_weight(self, one: int, other: int) -> float:
        """The weight of what both have."""
        return float(self._shared[one, other])

    def where(self, one: int, other: int) -> list[tuple[str, str]]:
        """What is shared stands where in the one and where in the other; the places that share most come first."""
        found: dict[tuple[str, str], float] = {}
        for place, fingerprints in self.students[one].items():
            shared = {name: self._weight(fingerprints & theirs) for name, theirs in self.students[other].items()}
            best = max(shared, key=lambda name: shared[name], default="")
            if shared.get(best):
                found[place, best] = shared[best]
        return sorted(found, key=lambda places: -found[places])

    @cached_property
    def weights(self) -> Mapping[int, float]:
        """The weight of every fingerprint: 1 where one or two students have it, falling to 0 where it is common."""
        common = max(COMMON_COUNT, math.floor(COMMON_SHARE * len(self.students)))
        counts = Counter(item for fingerprints in self._fingerprints for item in fingerprints)
        scale = math.log((common + 1) / 2)
        return {item: max(0.0, math.log((common + 1) / max(2, count)) / scale) for item, count in counts.items()}

    @cached_property
    def _fingerprints(self) -> list[Fingerprints]:
        return [frozenset().union(*places.values()) for places in self.students]

    def _weight(self, fingerprints: Iterable[int]) -> float:
        return math.fsum(self.weights[item] for item in fingerprints)

    @cached_property
    def _rarer(self) -> Matrix:
        """The weight of all that the student of each two has who has less."""
        own = np.array([self._weight(fingerprints) for fingerprints in self._fingerprints], dtype=np.float32)
        return np.minimum(own[:, None], own[None, :])

    @cached_property
    def _shared(self) -> Matrix:
        """The weight that each two students share."""
        holders = defaultdict(list)
        for number, fingerprints in enumerate(self._fingerprints):
            for item in fingerprints:
                holders[item].append(number)
        several = [(self.weights[item], who) for item, who in holders.items() if len(who) > 1 and self.weights[item]]
        total: Matrix = np.zeros((len(self.students), len(self.students)), dtype=np.float32)
        for start in range(0, len(several), AT_ONCE):
            weights, holding = zip(*several[start : start + AT_ONCE], strict=True)
            has: Matrix = np.zeros((len(self.students), len(weights)), dtype=np.float32)
            for column, who in enumerate(holding):
                has[who, column] = 1
            total += (has * np.array(weights, dtype=np.float32)) @ has.T
        return total
