"""Measure likeness: how often honest classes give a pair, which disguised copies are found, how long a class takes.

    python -m benchmarks.likeness --seeds 10

Honest students are drawn from half of the corpus, blank by blank, while the other half explains what is common; copies
are of students who each have something of their own. Prints the tables of docs/likeness.md.
"""

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nbformat import NotebookNode

from autograder.authoring import MarkedNotebook, read_marked
from autograder.course.folders import Course
from autograder.likeness.explained import Explained, Profile, explained_by
from autograder.likeness.findings import CODE
from autograder.likeness.pairs import Bar, Comparison
from autograder.verification.corpus import Variant, load_corpus
from benchmarks.disguise import DISGUISES, all_at_once

ROOT = Path(__file__).resolve().parents[1]
SIZES = (12, 30, 60, 300)

HELPERS = """
def squash_correction(pre_tanh, scale):
    folded = math.log(2.0) - pre_tanh - F.softplus(-2.0 * pre_tanh)
    return 2.0 * folded + scale.log()


def clipped_pair(first, second, rows):
    stacked = torch.stack([first, second], dim=-1)
    lowest, position = stacked.min(dim=-1)
    assert position.numel() == rows
    return lowest
"""
OWN_WAYS: Mapping[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
    "a helper": ({"target.min_q": "clipped_pair(qf1_next_target, qf2_next_target, len(data.rewards))"}, (HELPERS,)),
    "wrong formulas": (
        {
            "target.min_q": "0.75 * torch.min(qf1_next_target, qf2_next_target)"
            " + 0.25 * torch.max(qf1_next_target, qf2_next_target) - alpha * next_state_log_pi.clamp(-20, 2)",
            "critic.loss1": "F.smooth_l1_loss(qf1_a_values, next_q_value, beta=0.3) + 1e-3 * qf1_a_values.mean()",
            "get_action.std": "(log_std.clamp(-4, 1.5).exp() + 0.05).sqrt()",
        },
        (),
    ),
    "another structure": (
        {
            "critic.values": """
values = {}
for name, critic in zip(("first", "second"), (qf1, qf2)):
    values[name] = critic(data.observations, data.actions).squeeze(-1)
qf1_a_values, qf2_a_values = values["first"], values["second"]
""",
            "critic.step": """
params = [p for group in q_optimizer.param_groups for p in group["params"]]
for p in params:
    p.grad = None
grads = torch.autograd.grad(qf_loss, params)
for p, g in zip(params, grads):
    p.grad = g
q_optimizer.step()
""",
        },
        (),
    ),
    "dead code": (
        {
            "alpha.step": """
entropy_gap = (log_pi + target_entropy).abs().mean().item()
if entropy_gap > 1e6:
    log_alpha.data.fill_(float(np.clip(entropy_gap, 0.0, 1.0)))
a_optimizer.zero_grad()
alpha_loss.backward()
a_optimizer.step()
history_of_gap = [entropy_gap * 0.5 for _ in range(3)]
"""
        },
        (),
    ),
}


@dataclass(frozen=True)
class Habits:
    """How honest students are drawn."""

    wrong: float = 0.0  # share of blanks that are filled from a wrong variant
    reference: float = 0.4  # share of the others that are filled as in the source
    whole: float = 0.0  # chance that a cell is one of the corpus's whole cells


HABITS = {
    "right fills": Habits(),
    "right fills, never the reference": Habits(reference=0.0),
    "15 % wrong fills": Habits(wrong=0.15),
    "15 % wrong fills, 15 % whole cells": Habits(wrong=0.15, whole=0.15),
}


def seeded(seed: int) -> random.Random:
    """Chance that comes out the same every time."""
    return random.Random(seed)  # noqa: S311 - a sample, not a secret


class Honest:
    """Draws students who choose for every blank by themselves among the same variants."""

    def __init__(self, marked: MarkedNotebook, variants: Sequence[Variant]) -> None:
        self.marked = marked
        self.fills: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.cells: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        for variant in variants:
            for name, text in variant.fills.items() if variant.parses else ():
                self.fills[name, variant.verdict].append(text)
            for name, text in variant.cells.items() if variant.parses else ():
                self.cells[name].append((text, variant.extra_cells))

    def draw(self, rng: random.Random, habits: Habits) -> NotebookNode:
        """One student's notebook."""
        cells: dict[str, str] = {}
        extra: list[str] = []
        for name in [name for name in self.marked.practical.defines if name in self.cells]:
            if rng.random() < habits.whole:
                cells[name], more = rng.choice(self.cells[name])
                extra.extend(more)
        return self.marked.fill(dict(self._fills(rng, habits, cells)), cells, extra)

    def _fills(self, rng: random.Random, habits: Habits, cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, cell in self.marked.practical.blanks.items():
            wrong = rng.random() < habits.wrong
            choices = self.fills[name, "wrong" if wrong else "right"]
            if cell not in cells and choices and (wrong or rng.random() >= habits.reference):
                yield name, rng.choice(choices)


class Laboratory:
    """The kit's own source and corpus, and halves of it."""

    def __init__(self) -> None:
        course = Course(ROOT, "sac")
        self.practical = course.practical
        self.marked = read_marked(self.practical.source, self.practical)
        self.release = course.release
        self.variants = load_corpus([self.practical.folder / "variants"], self.practical)

    @lru_cache  # noqa: B019 - there is one laboratory, and it lives as long as the program
    def halves(self, seed: int) -> tuple[Explained, Honest]:
        """What one half of the corpus explains, and students drawn from the other."""
        mixed = seeded(seed).sample(self.variants, len(self.variants))
        middle = len(mixed) // 2
        return explained_by(self.release, self.marked, mixed[:middle]), Honest(self.marked, mixed[middle:])

    def honest_class(self, seed: int, size: int, habits: Habits) -> list[Profile]:
        """The profiles of honest students."""
        explained, honest = self.halves(seed)
        rng = seeded(seed)
        return [explained.profile(honest.draw(rng, habits), self.practical) for _ in range(size)]


def honest_rates(laboratory: Laboratory, seeds: int) -> Iterator[str]:
    """How many pairs are reported although all are honest."""
    yield "| honest students | class | classes | pairs | reported | most shared at such a share |"
    yield "|---|---|---|---|---|---|"
    for name, habits in HABITS.items():
        for size in SIZES:
            reported, most = 0, 0.0
            for seed in range(seeds):
                places = [profile.code for profile in laboratory.honest_class(seed, size, habits)]
                reported += len(Comparison(places, CODE).reached())
                loose = Comparison(places, Bar(CODE.share, 1.0))
                most = max([most, *(loose.shared_weight(*pair) for pair in loose.reached())])
            yield f"| {name} | {size} | {seeds} | {seeds * size * (size - 1) // 2} | {reported} | {most:.1f} |"


def found_copies(laboratory: Laboratory, seeds: int, size: int = 60) -> Iterator[str]:
    """Which copies are found among honest students, and the least share that one of them comes to."""
    disguises = {**DISGUISES, "all": all_at_once}
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for seed in range(seeds):
        explained, _ = laboratory.halves(seed)
        others = [profile.code for profile in laboratory.honest_class(seed, size - 2, Habits(wrong=0.15))]
        for name, (fills, extra) in OWN_WAYS.items():
            original = laboratory.marked.fill(fills, {}, extra)
            for how, disguise in disguises.items():
                two = [original, disguise(original, laboratory.release, seeded(seed))]
                places = [explained.profile(notebook, laboratory.practical).code for notebook in two]
                comparison = Comparison([*places, *others], CODE)
                if (0, 1) in comparison.reached():
                    found[name, how].append(comparison.share(0, 1) or 0.0)
    yield "| what the copied student has of their own | " + " | ".join(disguises) + " |"
    yield "|---" * (len(disguises) + 1) + "|"
    for name in OWN_WAYS:
        shares = [found[name, how] for how in disguises]
        cells = [f"{len(each)}/{seeds} ({min(each, default=0):.2f})" for each in shares]
        yield f"| {name} | " + " | ".join(cells) + " |"


def speed(laboratory: Laboratory, size: int = 300) -> Iterator[str]:
    """How long a class takes, in seconds of one core."""
    began = time.process_time()
    explained = explained_by(laboratory.release, laboratory.marked, laboratory.variants)
    yield f"corpus read as fingerprints: {time.process_time() - began:.2f} s"
    honest, rng = Honest(laboratory.marked, laboratory.variants), seeded(0)
    students = [honest.draw(rng, HABITS["15 % wrong fills, 15 % whole cells"]) for _ in range(size)]
    began = time.process_time()
    profiles = [explained.profile(student, laboratory.practical) for student in students]
    yield f"{size} repaired submissions read as fingerprints: {time.process_time() - began:.2f} s"
    began = time.process_time()
    Comparison([profile.code for profile in profiles], CODE).reached()
    yield f"{size * (size - 1) // 2} pairs compared: {time.process_time() - began:.2f} s"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    own = Laboratory()
    for part in (speed(own), honest_rates(own, seeds), found_copies(own, seeds)):
        for line in part:
            print(line, flush=True)
