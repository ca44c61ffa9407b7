"""Measure the ``training`` question of the practical reinforce: how surely right code passes, and at what cost.

    python -m benchmarks.reinforce_training --runs 100

trains the reference in the judge's environment, each time with another seed and behind another lens, one run after the
other in this process, and prints the table of docs/training.md. Runs are kept in build/ and never done twice, so it can
be stopped. They are those of the settings of the day: delete the file after a change of these.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from autograder.course.practical import load_practical
from autograder.judging.answer_key import AnswerKey
from autograder.rl.environments import Lens, Task
from autograder.rl.training_ground import Setting
from solutions.reinforce.training import (
    ABOVE_CHANCE,
    CART_POLE,
    HORIZON,
    LEARNED,
    NUM_ENVS,
    PROFILE,
    STRETCH,
    mean_return,
    trained_policies,
)

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from local_exam import LocalExam  # noqa: E402 - tests are no package

KEPT = ROOT / "build/reinforce-training-runs.jsonl"
FIRST_SEED = 1000  # the judge's own seeds are others
ORDERS = ((1, 0), (0, 1))
KEY = AnswerKey(load_practical(ROOT, "reinforce"))


@dataclass(frozen=True)
class Run:
    """One training: its seed, what the trained and the untrained policy achieve, and processor seconds in all."""

    seed: int
    trained: float
    untrained: float
    seconds: float


def run(seed: int) -> Run:
    """Train the reference with that seed, behind a lens of its own."""
    lens = Lens.draw(STRETCH, ORDERS[seed % 2], seed)
    setting = Setting(Task(CART_POLE.environment, lens), {**PROFILE, "seed": seed}, NUM_ENVS)
    torch.manual_seed(seed)
    with setting.environments(1, 0) as environments:
        untrained = mean_return(KEY.reference.Policy(environments.spaces, PROFILE["hidden_size"]), setting)
    began = time.process_time()
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):  # the progress bar's
        [policy] = trained_policies(LocalExam(KEY), setting)
    return Run(seed, mean_return(policy, setting), untrained, time.process_time() - began)


def runs(number: int) -> list[Run]:
    """So many runs: those that are kept, and those that are still to be done."""
    KEPT.parent.mkdir(exist_ok=True)
    lines = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else []
    found = [Run(**json.loads(line)) for line in lines]
    for seed in range(FIRST_SEED + len(found), FIRST_SEED + number):
        found.append(run(seed))
        with KEPT.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(found[-1])) + "\n")
    return found[:number]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=100)
    found = runs(parser.parse_args().runs)
    trained, untrained, seconds = (np.array([getattr(each, name) for each in found]) for name in ROWS)
    rows = {
        "runs, each with its own seed and lens": len(found),
        f"learned (mean return of at least {LEARNED:.0f})": int((trained >= LEARNED).sum()),
        f"no better than chance (below {ABOVE_CHANCE:.0f})": int((trained < ABOVE_CHANCE).sum()),
        f"mean return of {HORIZON}, the most there is": int((trained == HORIZON).sum()),
        "the lowest mean returns": ", ".join(f"{value:.0f}" for value in np.sort(trained)[:8]),
        "untrained policies: median, highest": f"{np.median(untrained):.0f}, {untrained.max():.0f}",
        "processor seconds: mean, highest": f"{seconds.mean():.1f}, {seconds.max():.1f}",
    }
    print("| what | |\n| --- | --- |")
    print("\n".join(f"| {what} | {value} |" for what, value in rows.items()))


ROWS = ("trained", "untrained", "seconds")

if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
