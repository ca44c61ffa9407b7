"""Measure the ``training`` question: how surely right code passes, at what cost, and which broken code it notices.

    python -m benchmarks.training --right 200 --wrong 8 --runs runs.jsonl

trains the reference and mutants of it in the judge's environment, one run after the other in this process, and prints
the tables of docs/training.md. Runs are kept in the file of ``--runs`` and never done twice, so it can be stopped.
"""

import argparse
import json
import math
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from autograder.checks import Answer, Mistake, Value
from autograder.sac import probes
from autograder.sac.pendulum import HORIZON, STRETCH, Lens
from autograder.sac.training import (
    ABOVE_CHANCE,
    CUT,
    LEARNED,
    SEEDS,
    mean_return,
    read_actors,
)
from autograder.sac.training_ground import PROFILE, Setting, TrainingGround
from solutions.sac import Actor

ROOT = Path(__file__).resolve().parents[1]
FIRST_SEED = 1000  # the judge's own seeds are others
RIGHT = "the reference"
LENSES: Mapping[str, Callable[[int], Lens]] = {
    "the reference, another lens each time": Lens.draw,
    "the reference, the stretch alone": lambda _: Lens(np.diag(STRETCH), 1.0),
    "the reference, no lens": lambda _: Lens.clear(),
}
HARMLESS: Mapping[str, tuple[str, str]] = {
    "next_obs stored where final_obs belongs": ('real_next_obs[i] = infos["final_obs"][i]', "pass"),
    "half the squared error": ("qf_loss = qf1_loss + qf2_loss", "qf_loss = (qf1_loss + qf2_loss) / 2"),
    "alpha's loss with log_alpha for alpha": ("(-log_alpha.exp() *", "(-log_alpha *"),
}
WRONG: Mapping[str, tuple[str, str]] = {
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
    "targets never updated": ("tau * param.data + (1 - tau) * target_param.data", "target_param.data"),
}
CHANGED = {**HARMLESS, **WRONG}


@dataclass(frozen=True)
class Run:
    """One training: who, with which seed, what its actor achieves in either check, and processor seconds in all."""

    name: str
    seed: int
    cut_return: float = 0.0
    mean_return: float = 0.0
    seconds: float = 0.0
    note: str = ""


def student(name: str) -> dict[str, Any]:
    """The reference's definitions, changed as the mutant of that name is."""
    source = (ROOT / "solutions" / "sac.py").read_text(encoding="utf-8")
    if name in CHANGED:
        old, new = CHANGED[name]
        assert source.count(old) == 1, f"{name}: {old!r} should stand in the reference once"
        source = source.replace(old, new)
    module = types.ModuleType("mutant")
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - the reference itself, or a mutant of it
    module.__dict__["tqdm"] = partial(tqdm, disable=True)
    return module.__dict__


def train_once(name: str, seed: int) -> Run:
    """Train and evaluate as the judge does, but within this process."""
    setting = Setting(replace(PROFILE, seed=seed), lens=LENSES[name](seed) if name in LENSES else Lens.draw())
    run, start = Run(name, seed), time.process_time()
    with TrainingGround(setting) as ground:
        session: Any = types.SimpleNamespace(
            student=student(name), ask_judge=lambda verb, **values: ground(verb, values)
        )
        try:
            question: dict[str, Any] = {**ground.question}
            report = probes.training(session, **question)
            plain: list[Value] = [value.detach().numpy() for value in report["values"]]
            actor = read_actors(Answer({"names": report["names"], "values": plain}), setting)[0]
            run = replace(run, cut_return=mean_return(actor, setting, CUT), mean_return=mean_return(actor, setting))
        except Mistake as mistake:
            run = replace(run, note=mistake.happened)
        except Exception as error:  # what a mutant may raise is part of the measurement
            run = replace(run, note=f"{type(error).__name__}: {error}")
    return replace(run, seconds=time.process_time() - start)


def untrained(number: int) -> list[float]:
    """What freshly made actors achieve in the first check: chance."""
    setting, returns = Setting(), []
    for seed in range(number):
        torch.manual_seed(seed)
        with setting.pendulums(1, 0) as pendulums:
            returns.append(mean_return(Actor(pendulums.spaces, PROFILE.hidden_size), setting, CUT))
    return returns


def measured(jobs: Iterable[tuple[str, int]], kept: Path) -> Iterator[Run]:
    """The runs of these jobs, from the file where they were done before."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    done = {(run.name, run.seed): run for run in (Run(**json.loads(line)) for line in lines)}
    for job in jobs:
        if job not in done:
            done[job] = train_once(*job)
            kept.parent.mkdir(parents=True, exist_ok=True)
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(done[job])) + "\n")
        print(done[job], file=sys.stderr)
        yield done[job]


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


def right_table(runs: list[Run]) -> str:
    """What right code achieves, and what it costs."""
    returns, seconds = [run.mean_return for run in runs], [run.seconds for run in runs]
    learned = sum(value >= LEARNED for value in returns)
    low, high = clopper_pearson(learned, len(runs))
    others = [round(value) for value in sorted(returns) if value < HORIZON]
    quick, slow = np.quantile(seconds, (0.05, 0.95))
    rows = [
        ("runs, each with a seed of its own", f"{len(runs)}"),
        (f"learned (mean return of at least {LEARNED:.0f})", f"{learned}"),
        ("share learned, 95 % interval (Clopper and Pearson)", f"{low:.4f} to {high:.4f}"),
        (f"all of {len(SEEDS)} tries fail, upper bound", f"{(1 - low) ** len(SEEDS):.1e}"),
        (f"returns of {HORIZON}, the most there is", f"{sum(value == HORIZON for value in returns)}"),
        ("other returns", ", ".join(map(str, others)) or "none"),
        ("processor seconds, nine runs in ten", f"{quick:.1f} to {slow:.1f}"),
        ("the longest run, relative to the median", f"{max(seconds) / median(seconds):.1f}"),
    ]
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)])


def wrong_table(runs: list[Run]) -> str:
    """How often each mutant gets past each of the two checks; the harmless ones come first."""
    lines = ["| what is changed | runs | above chance | learned | median return |", "|---|---|---|---|---|"]
    for name in (*LENSES, *CHANGED):
        own = [run for run in runs if run.name == name]
        if own:
            above, learned = (
                sum(run.cut_return >= ABOVE_CHANCE for run in own),
                sum(run.mean_return >= LEARNED for run in own),
            )
            lines.append(
                f"| {name} | {len(own)} | {above} | {learned} | {median(run.mean_return for run in own):.0f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--right", type=int, default=20, help="runs of the reference")
    parser.add_argument("--wrong", type=int, default=3, help="runs of each mutant")
    parser.add_argument("--untrained", type=int, default=200, help="untrained actors")
    parser.add_argument("--runs", type=Path, default=ROOT / "build" / "training-runs.jsonl", help="where runs are kept")
    options = parser.parse_args()
    torch.set_num_threads(1)
    right = list(measured(((RIGHT, FIRST_SEED + i) for i in range(options.right)), options.runs))
    wrong = list(
        measured(((name, FIRST_SEED + i) for i in range(options.wrong) for name in (*LENSES, *CHANGED)), options.runs)
    )
    chance = np.array(untrained(options.untrained))
    print(right_table(right), wrong_table(wrong), sep="\n\n")
    lucky = f"{(chance >= ABOVE_CHANCE).mean():.1%} at least {ABOVE_CHANCE:.0f}"
    print(f"\n{len(chance)} untrained actors: median {np.median(chance):.0f}, best {chance.max():.0f}, {lucky}.")


if __name__ == "__main__":
    main()
