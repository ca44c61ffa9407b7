"""Measure how the learning curve of right code rises, for the band that the feedback shows behind a student's own.

    python -m benchmarks.learning_curve sac --runs 40

trains the reference in the judge's setting, each time with another seed, one run after the other in this process, and
writes solutions/<practical>/learning-curve.toml. Runs are kept in build/ and never done twice, so it can be stopped.
They are those of the settings of the day: delete the file after a change of these.
"""

import argparse
import contextlib
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from autograder.course.practical import load_practical
from autograder.files import write_atomically
from autograder.judging.answer_key import AnswerKey
from autograder.nbgrader.curves import BAND, RUNNING
from autograder.records import LearningCurve
from autograder.rl.environments import Floats
from autograder.rl.training_ground import trained

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from local_exam import LocalExam  # noqa: E402 - tests are no package

FIRST_SEED = 1000  # the judge's own seeds are others
PLACES = 40  # at which the band is given
LOW, HIGH = 10, 90  # per cent of the runs


def curves(name: str, runs: int) -> list[LearningCurve]:
    """The learning curves of so many runs: those that are kept, and those that are still to be done."""
    kept = ROOT / f"build/{name}-curves.jsonl"
    kept.parent.mkdir(exist_ok=True)
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    found = [LearningCurve(tuple(steps), tuple(values)) for steps, values in map(json.loads, lines)]
    key, training = AnswerKey(load_practical(ROOT, name)), importlib.import_module(f"solutions.{name}.training")
    for seed in range(FIRST_SEED + len(found), FIRST_SEED + runs):
        exam = LocalExam(key)
        torch.manual_seed(seed)
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):  # the progress bar's
            trained(exam, training.setting_with(seed))
        found.append(exam.curves[-1])
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps([found[-1].steps, found[-1].values]) + "\n")
    return found[:runs]


def band(found: Sequence[LearningCurve]) -> tuple[list[int], list[float], list[float]]:
    """Steps, and between which running means most runs lie there: the LOW and HIGH per cent quantiles.

    It begins where every run has a running mean.
    """
    begin = max(curve.steps[RUNNING - 1] for curve in found)
    end = min(curve.steps[-1] for curve in found)
    steps = np.linspace(begin, end, PLACES).round()
    means = np.array([_means(curve, steps) for curve in found])
    low, high = np.percentile(means, [LOW, HIGH], axis=0).round(1)
    return steps.astype(int).tolist(), low.tolist(), high.tolist()


def _means(curve: LearningCurve, steps: Floats) -> Floats:
    """The mean of the last RUNNING values at each of these steps."""
    sums = np.cumsum([0.0, *curve.values])
    ends = np.searchsorted(curve.steps, steps, side="right")
    return np.asarray((sums[ends] - sums[ends - RUNNING]) / RUNNING)


def main() -> None:
    """Write the file, and say where."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("practical")
    parser.add_argument("--runs", type=int, default=40)
    words = parser.parse_args()
    steps, low, high = band(curves(words.practical, words.runs))
    head = f"""\
# Between which values the learning curve of right code lies: the {LOW} % and {HIGH} % quantiles of the mean of the last
# {RUNNING} values, of trainings of the reference with seeds of their own, made by
#     python -m benchmarks.learning_curve {words.practical} --runs {words.runs}
"""
    path = ROOT / "solutions" / words.practical / BAND
    write_atomically(path, f"{head}runs = {words.runs}\nsteps = {steps}\nlow = {low}\nhigh = {high}\n")
    print(f"Wrote {path}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
