"""Measure the ``training`` question: how surely right code passes, at what cost, and which broken code it notices.

    python -m benchmarks.training --reference 200 --tries 2 --runs runs.jsonl

trains the reference, every right variant of the corpus and the wrong ones named below in the judge's environment, one
run after the other in this process, and prints the tables of docs/training.md. Runs are kept in the file of ``--runs``
and never done twice, so it can be stopped.
"""

import argparse
import contextlib
import json
import math
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from autograder.course.practical import load_practical
from autograder.judging.answer_key import AnswerKey
from autograder.judging.checks import Mistake
from autograder.notebook.extraction import extract
from autograder.records import LearningCurve
from autograder.rl.environments import Lens, Task
from autograder.rl.training_ground import HOPELESS, SEEDS, Setting
from autograder.student.runner import Loaded, Student
from autograder.verification.corpus import Variant, load_corpus, variant_notebook
from solutions.sac.training import (
    ABOVE_CHANCE,
    CUT,
    ENVIRONMENT,
    HORIZON,
    LEARNED,
    NUM_ENVS,
    PENDULUM,
    PROFILE,
    STRETCH,
    mean_return,
    setting_with,
    the_actor_balances_longer_than_chance,
    the_actor_has_learned_to_balance,
    trained_actors,
)

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from local_exam import LocalExam  # noqa: E402 - tests are no package

SAC = load_practical(ROOT, "sac")
KEY = AnswerKey(SAC)
FIRST_SEED = 1000  # the judge's own seeds are others
REFERENCE = "the reference"
LENSES: Mapping[str, Callable[[int], Lens]] = {
    "the reference, another lens each time": lambda seed: Lens.draw(STRETCH, seed=seed),
    "the reference, the stretch alone": lambda _: Lens(np.diag(STRETCH), 1.0),
    "the reference, no lens": lambda _: Lens.clear(len(STRETCH)),
}
HARMLESS = "next_obs stored where final_obs belongs"
CHANGED: Mapping[str, tuple[str, str]] = {  # one place of the reference, in blanks or in what the notebook gives
    HARMLESS: ('real_next_obs[i] = infos["final_obs"][i]', "pass"),
    "critic target without the done mask": ("(1 - data.dones.flatten()) * gamma", "gamma"),
    "critic target without bootstrapping": ("* gamma * min_qf_next_target", "* 0 * min_qf_next_target"),
    "critic target adds the entropy term with the wrong sign": (
        "- alpha * next_state_log_pi",
        "+ alpha * next_state_log_pi",
    ),
    "critic target without the entropy term": (" - alpha * next_state_log_pi", ""),
    "critic target takes the larger critic": ("torch.min(qf1_next_target", "torch.max(qf1_next_target"),
    "one target critic looks at the current observations": (
        "qf1_target(data.next_observations",
        "qf1_target(data.observations",
    ),
    "critics never stepped": ("q_optimizer.step()", "pass"),
    "critics without zero_grad": ("q_optimizer.zero_grad()", "pass"),
    "critics see no actions": ("x = torch.cat([x, a], 1)", "x = torch.cat([x, 0 * a], 1)"),
    "actor maximises its loss": ("((alpha * log_pi) - min_qf_pi)", "(min_qf_pi - (alpha * log_pi))"),
    "actor's loss with the wrong sign of the entropy": (
        "((alpha * log_pi) - min_qf_pi)",
        "(-(alpha * log_pi) - min_qf_pi)",
    ),
    "actor's loss without the entropy": ("((alpha * log_pi) - min_qf_pi)", "(-min_qf_pi)"),
    "actor takes the larger critic": ("torch.min(qf1_pi", "torch.max(qf1_pi"),
    "actor never stepped": ("actor_optimizer.step()", "pass"),
    "actor without zero_grad": ("actor_optimizer.zero_grad()", "pass"),
    "actor samples without gradient": ("normal.rsample()", "normal.sample()"),
    "standard deviation without exp": ("std = log_std.exp()", "std = log_std.abs()"),
    "log-probability without the tanh correction": ("log_prob -= torch.log", "log_prob -= 0 * torch.log"),
    "alpha with the wrong sign": ("(-log_alpha.exp() *", "(log_alpha.exp() *"),
    "alpha never stepped": ("a_optimizer.step()", "pass"),
    "explores with the mean action": (
        "actions, _, _ = actor.get_action(torch",
        "_, _, actions = actor.get_action(torch",
    ),
    "targets never updated": ("torch._foreach_lerp_(target_params, params, tau)", "pass"),
}
# Variants of the corpus that run to the end, and of which theory says that they learn badly or not at all; what
# CHANGED has already is left out.
# fmt: off
BREAKS_LEARNING = (
    "cell-target-mask-inverted", "several-entropy-signs", "critic-step-ascent", "policy-sample-action-detached",
    "actor-heads-swapped", "critic-loss2-sign", "several-policy-of-stored-actions", "target-minimum-over-the-batch",
    "alpha-step-target-subtracted", "sample-the-mean", "critic-values-batch-mean", "cell-target-square",
    "critic-loss1-rewards-only", "critic-detaches-the-action", "next-action-forward", "explore-log-prob-as-action",
    "cell-actor-correction-sign", "actor-relu-mean", "std-inverse", "sample-standard-normal",
    "critic-values-broadcast", "policy-min-over-the-batch", "cell-target-no-discount",
    "several-target-in-the-current-state", "explore-averaged-observations", "target-entropy-without-alpha",
)
# fmt: on


@dataclass(frozen=True)
class Run:
    """One training: who, with which seed, what its actor achieves in either check, and processor seconds in all.

    The rest are environment steps (all environments together): those taken, and those after which an episode of the
    training had first lasted ABOVE_CHANCE and LEARNED steps; None where none had, or where it was not kept.
    """

    name: str
    seed: int
    cut_return: float = 0.0
    mean_return: float = 0.0
    seconds: float = 0.0
    note: str = ""
    steps: int | None = None
    above_chance_at: float | None = None
    learned_at: float | None = None


Job = tuple[str, int]
Tables = Sequence[Sequence[object]]


def from_reference(name: str) -> dict[str, Any]:
    """The reference's definitions, changed as CHANGED has it under that name."""
    cells = [list(cell) for cell in extract(SAC.source, SAC.long_running).cells]
    if name in CHANGED:
        old, new = CHANGED[name]
        assert sum(source.count(old) for _, source in cells) == 1, f"{name}: {old!r} should stand in the source once"
        cells = [[label, source.replace(old, new)] for label, source in cells]
    return defined(cells)


def from_notebook(variant: Variant) -> dict[str, Any]:
    """The definitions of a notebook with the variant's fills."""
    return defined([list(cell) for cell in extract(variant_notebook(SAC.source, SAC, variant), SAC.long_running).cells])


def defined(cells: list[list[str]]) -> dict[str, Any]:
    """What these cells define, run as in the student's process; their progress bars are never shown."""
    student = Student()
    for statement in Loaded(cells, "").statements:
        student.run(statement)
    student.module.__dict__["tqdm"] = partial(tqdm, disable=True)
    return student.module.__dict__


def reached(curve: LearningCurve, lasting: float) -> float | None:
    """The environment steps after which an episode had first lasted so many steps; None if none did."""
    ends = zip(curve.steps, curve.values, strict=True)
    return min((end - NUM_ENVS * (value - lasting) for end, value in ends if value >= lasting), default=None)


def train_once(run: Run, definitions: dict[str, Any]) -> Run:
    """Train and evaluate as the judge does, but within this process; of an actor's readings the best one counts."""
    task = Task(ENVIRONMENT, LENSES[run.name](run.seed)) if run.name in LENSES else PENDULUM
    setting, start = Setting(task, {**PROFILE, "seed": run.seed}, NUM_ENVS), time.process_time()
    exam = LocalExam(KEY, definitions)
    try:
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            actors = trained_actors(exam, setting)
        cut, whole = (max(mean_return(actor, setting, horizon) for actor in actors) for horizon in (CUT, HORIZON))
        run = replace(run, cut_return=cut, mean_return=whole)
    except Mistake as mistake:  # what a wrong variant may raise is part of the measurement
        run = replace(run, note=mistake.happened)
    curve = exam.curves[0] if exam.curves else LearningCurve((), ())
    run = replace(run, above_chance_at=reached(curve, ABOVE_CHANCE), learned_at=reached(curve, LEARNED))
    return replace(run, seconds=time.process_time() - start, steps=max(curve.steps, default=0))


class Runs:
    """All runs done so far, in memory and in a file; what is missing is done when it is asked for."""

    def __init__(self, kept: Path, variants: Mapping[str, Variant]) -> None:
        self._kept = kept
        self._variants = variants
        lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
        self._done = {(run.name, run.seed): run for run in (Run(**json.loads(line)) for line in lines)}

    def run(self, job: Job) -> Run:
        """The run of that name and seed."""
        if job not in self._done:
            name = job[0]
            variant = self._variants.get(name)
            definitions = from_notebook(variant) if variant else from_reference(name)
            self._done[job] = train_once(Run(*job), definitions)
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            with self._kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(self._done[job])) + "\n")
            print(self._done[job], file=sys.stderr)
        return self._done[job]

    def submission(self, name: str, tries: int) -> list[Run]:
        """At least so many tries of a variant, and then further ones while the judge would make them."""
        first = FIRST_SEED + 1000 + zlib.crc32(name.encode()) % 100_000  # the variant's own, whatever others there are
        runs: list[Run] = []
        while len(runs) < tries or not settled(runs):
            runs.append(self.run((name, first + len(runs))))
        return runs


def untrained(number: int) -> list[float]:
    """What freshly made actors achieve in the first check: chance."""
    setting, returns = setting_with(0), []
    for seed in range(number):
        torch.manual_seed(seed)
        with setting.environments(1, 0) as pendulums:
            returns.append(mean_return(KEY.reference.Actor(pendulums.spaces, PROFILE["hidden_size"]), setting, CUT))
    return returns


# ---- what the judge makes of tries -------------------------------------------------------------------------------


def no_more(returns: Sequence[float], enough: float) -> bool:
    """Whether the judge, who looks for that return, tries no further seed."""
    best, tried = max(returns, default=0.0), len(returns)
    return best >= enough or tried >= len(SEEDS) or (tried >= HOPELESS and best < ABOVE_CHANCE)


def settled(runs: Sequence[Run]) -> bool:
    """Whether neither check needs another try."""
    cut, whole = [run.cut_return for run in runs], [run.mean_return for run in runs]
    return no_more(cut, ABOVE_CHANCE) and no_more(whole, LEARNED)


def found(returns: Sequence[float], enough: float) -> bool:
    """Whether the judge comes to that return before giving up."""
    made = next(n for n in range(1, len(returns) + 1) if n == len(returns) or no_more(returns[:n], enough))
    return max(returns[:made]) >= enough


def points(runs: Sequence[Run]) -> float:
    """The points that a submission gets whose trainings go like these."""
    low, high = the_actor_balances_longer_than_chance.weight, the_actor_has_learned_to_balance.weight
    share = low * found([run.cut_return for run in runs], ABOVE_CHANCE)
    share += high * found([run.mean_return for run in runs], LEARNED)
    return SAC.question("training").points * share / (low + high)


# ---- tables ------------------------------------------------------------------------------------------------------


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided confidence interval of a share (Clopper and Pearson 1934)."""
    tail = (1 - confidence) / 2

    def at_most(k: int, p: float) -> float:
        return sum(math.comb(trials, i) * p**i * (1 - p) ** (trials - i) for i in range(k + 1))

    def solve(above: bool) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            p = (low + high) / 2
            beyond = 1 - at_most(successes - 1, p) < tail if above else at_most(successes, p) > tail
            low, high = (p, high) if beyond else (low, p)
        return low

    return (solve(True) if successes else 0.0, solve(False) if successes < trials else 1.0)


def at_most_below(runs: Sequence[Run], enough: float) -> float:
    """The upper end of the 95 % interval of the share of runs whose return is below that."""
    return clopper_pearson(sum(run.mean_return < enough for run in runs), len(runs))[1]


def markdown(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table."""
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *rows))


def right_table(groups: Mapping[str, Sequence[Run]]) -> str:
    """What right code achieves in one training, and what it costs; a column for each group of runs."""
    measures: Mapping[str, Callable[[Sequence[Run]], object]] = {
        "runs, each with a seed of its own": len,
        f"learned (mean return of at least {LEARNED:.0f})": lambda runs: sum(r.mean_return >= LEARNED for r in runs),
        "share learned, 95 % interval (Clopper and Pearson)": interval,
        f"no better than chance (below {ABOVE_CHANCE:.0f})": lambda runs: sum(
            r.mean_return < ABOVE_CHANCE for r in runs
        ),
        f"mean return of {HORIZON}, the most there is": lambda runs: sum(r.mean_return == HORIZON for r in runs),
        "950 to 999 · 300 to 949 · 100 to 299": lambda runs: " · ".join(
            str(sum(low <= r.mean_return < high for r in runs)) for low, high in ((950, 1000), (300, 950), (100, 300))
        ),
        "5 %, 2 % and 1 % quantile of the mean return": lambda runs: quantiles(
            [r.mean_return for r in runs], (0.05, 0.02, 0.01), ".0f"
        ),
        "processor seconds: mean": lambda runs: f"{mean(r.seconds for r in runs):.1f}",
        "processor seconds: 5 %, 50 %, 95 % quantile": lambda runs: quantiles(
            [r.seconds for r in runs], (0.05, 0.5, 0.95), ".1f"
        ),
        "the longest run, relative to the median": lambda runs: (
            f"{max(r.seconds for r in runs) / median(r.seconds for r in runs):.1f}"
        ),
    }
    return markdown(["what", *groups], ([what, *map(of, groups.values())] for what, of in measures.items()))


def interval(runs: Sequence[Run]) -> str:
    """The share of runs that learned, as an interval."""
    low, high = clopper_pearson(sum(run.mean_return >= LEARNED for run in runs), len(runs))
    return f"{low:.4f} to {high:.4f}"


def quantiles(values: Sequence[float], shares: Sequence[float], form: str) -> str:
    """These quantiles of the values."""
    return ", ".join(format(value, form) for value in np.quantile(values, shares))


def steps_table(runs: Sequence[Run]) -> str:
    """When the pole first stayed up during training, where that was kept: environment steps and updates."""
    runs = [run for run in runs if run.steps is not None]
    kinds = {ABOVE_CHANCE: [r.above_chance_at for r in runs], LEARNED: [r.learned_at for r in runs]}
    taken = quantiles([run.steps or 0 for run in runs], (0.05, 0.5, 0.95), ".0f")
    rows: list[list[object]] = [["environment steps taken in all", len(runs), taken, ""]]
    for lasting, moments in kinds.items():
        steps = [moment for moment in moments if moment is not None]
        updates = [max(step / NUM_ENVS - PROFILE["learning_starts"], 0) for step in steps]
        shown = [quantiles(each, (0.05, 0.5, 0.95), ".0f") for each in (steps, updates)]
        rows.append([f"an episode has first lasted {lasting:.0f} steps", len(steps), *shown])
    return markdown(["what", f"runs (of {len(runs)})", "environment steps: 5 %, 50 %, 95 %", "updates"], rows)


def choice_table(runs: Sequence[Run]) -> str:
    """How often right code may fail at most, and what it costs, for other thresholds and numbers of tries."""
    rows = []
    for threshold in (100, 200, 300, 500, 950):
        below = sum(run.mean_return < threshold for run in runs) / len(runs)
        for tries in (1, 2, 3):
            trainings = sum(below**earlier for earlier in range(tries))
            seconds = trainings * mean(run.seconds for run in runs)
            fails = [f"{at_most_failing(runs, threshold, tries, chance):.1e}" for chance in (0, ABOVE_CHANCE)]
            rows.append([threshold, tries, f"{below:.3f}", *fails, f"{trainings:.3f}", f"{seconds:.2f}"])
    fails = ["right code fails, at most", f"the same, if two below {ABOVE_CHANCE:.0f} end it"]
    return markdown(["threshold", "tries", "share below", *fails, "trainings, on average", "seconds"], rows)


def at_most_failing(runs: Sequence[Run], threshold: float, tries: int, chance: float) -> float:
    """The share of submissions that stay below the threshold in all tries, or below chance before giving up."""
    given_up = at_most_below(runs, chance) ** HOPELESS if chance and tries > HOPELESS else 0.0
    return at_most_below(runs, threshold) ** tries + given_up


def retried_table(submissions: Mapping[str, Sequence[Run]]) -> str:
    """The right submissions whose first training did not get there."""
    rows = [
        [name, ", ".join(f"{run.mean_return:.0f}" for run in runs), f"{points(runs):g}"]
        for name, runs in submissions.items()
        if len(runs) > 1
    ]
    return markdown(["right variant", "mean return of each try", "points"], rows)


def wrong_table(submissions: Mapping[str, Sequence[Run]]) -> str:
    """What submissions achieve and what points they get; "none" where no actor came back."""
    rows = []
    for name, runs in sorted(submissions.items(), key=lambda item: points(item[1])):
        above, learned = (sum(r.cut_return >= ABOVE_CHANCE for r in runs), sum(r.mean_return >= LEARNED for r in runs))
        returns = ", ".join("none" if run.note else f"{run.mean_return:.0f}" for run in runs)
        rows.append([name, len(runs), above, learned, returns, f"{points(runs):g}"])
    return markdown(["what is changed", "tries", "above chance", "learned", "mean return of each try", "points"], rows)


def noticed(submissions: Mapping[str, Sequence[Run]]) -> str:
    """How many wrong submissions lose points, in words."""
    most = SAC.question("training").points
    got = [points(runs) for runs in submissions.values()]
    firsts = [runs[0] for runs in submissions.values()]
    return (
        f"{sum(value < most for value in got)} of {len(got)} lose points, {got.count(0)} of them all; "
        f"{sum(run.mean_return < LEARNED for run in firsts)} of the {len(firsts)} did not learn in the first try."
    )


def main() -> None:
    """Measure what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=int, default=200, help="runs of the reference")
    parser.add_argument("--right", type=int, help="right variants, one run each; all if not given")
    parser.add_argument("--wrong", type=int, help="wrong variants of the corpus; all if not given")
    parser.add_argument("--tries", type=int, default=2, help="runs of each wrong variant, at least")
    parser.add_argument("--untrained", type=int, default=300, help="untrained actors")
    parser.add_argument("--runs", type=Path, default=ROOT / "build" / "training-runs.jsonl", help="where runs are kept")
    options = parser.parse_args()
    torch.set_num_threads(1)
    variants = {variant.id: variant for variant in load_corpus([SAC.folder / "variants"], SAC)}
    for table in tables(Runs(options.runs, variants), variants, options):
        print(table, end="\n\n")
    chance = np.array(untrained(options.untrained))
    lucky = f"{(chance >= ABOVE_CHANCE).mean():.1%} at least {ABOVE_CHANCE:.0f}"
    print(f"{len(chance)} untrained actors: median {np.median(chance):.0f}, best {chance.max():.0f}, {lucky}.")


def tables(runs: Runs, variants: Mapping[str, Variant], numbers: argparse.Namespace) -> Iterator[str]:
    """The tables, one after the other, each as soon as its runs are there."""
    own = [runs.run((REFERENCE, FIRST_SEED + i)) for i in range(numbers.reference)]
    right = {variant.id: runs.submission(variant.id, 1) for variant in right_variants(variants)[: numbers.right]}
    firsts = [tried[0] for tried in right.values()]
    yield right_table({REFERENCE: own, "right variants": firsts, "together": [*own, *firsts]})
    yield steps_table([*own, *firsts])
    yield choice_table([*own, *firsts])
    yield retried_table(right)
    wrong: dict[str, list[Run]] = {}
    for least in range(1, numbers.tries + 1):  # one try of each, before the second of any
        wrong = {name: runs.submission(name, least) for name in BREAKS_LEARNING[: numbers.wrong]}
    changed = {name: [runs.run((name, FIRST_SEED + i)) for i in range(len(SEEDS))] for name in (*CHANGED, *LENSES)}
    wrong |= {name: changed[name] for name in CHANGED if name != HARMLESS}
    yield wrong_table(wrong)
    yield noticed(wrong)
    yield wrong_table({name: changed[name] for name in (HARMLESS, *LENSES)})


def right_variants(variants: Mapping[str, Variant]) -> list[Variant]:
    """Those that change anything that is trained: whole cells first, then in an order that mixes the corpus's files."""

    def changes(variant: Variant) -> set[str]:
        return {*variant.cells, *(SAC.blanks[blank] for blank in variant.fills)}

    right = [
        variant for variant in variants.values() if variant.verdict == "right" and changes(variant) != {"evaluate"}
    ]
    return sorted(right, key=lambda variant: (not variant.cells, zlib.crc32(variant.id.encode())))


if __name__ == "__main__":
    main()
