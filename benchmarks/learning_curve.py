"""Measure how the learning curve of right code rises, for the band that the feedback shows behind a student's own.

    python -m benchmarks.learning_curve sac --runs 40

trains the reference in the judge's setting, each time with another seed, one run after the other in this process, and
writes solutions/<practical>/learning-curve.toml. With --notebook the cell quick-run of the solved notebook is run as
often, and the band that the notebook's plot shows is printed, to be put into its cell plot. Runs are kept in build/ and
never done twice, so it can be stopped. They are those of the settings of the day: delete the file after a change.
"""

import argparse
import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import torch

from autograder.course.practical import load_practical
from autograder.files import write_atomically
from autograder.judging.answer_key import AnswerKey
from autograder.nbgrader.curves import BAND, RUNNING
from autograder.notebook.python import read_python
from autograder.records import LearningCurve
from autograder.rl.environments import Floats
from autograder.rl.training_ground import trained

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from local_exam import LocalExam  # noqa: E402 - tests are no package

FIRST_SEED = 1000  # the judge's own seeds are others
PLACES = 40  # at which the band is given
FEW_PLACES, FEW_VALUES = 16, 5  # in the notebook's plot: places, and values in the running mean that it draws
LOW, HIGH = 10, 90  # per cent of the runs


def curves(name: str, runs: int) -> list[LearningCurve]:
    """The learning curves of so many runs in the judge's setting."""
    key, training = AnswerKey(load_practical(ROOT, name)), importlib.import_module(f"solutions.{name}.training")

    def run(seed: int) -> LearningCurve:
        exam = LocalExam(key)
        torch.manual_seed(seed)
        trained(exam, training.setting_with(seed))
        return exam.curves[-1]

    return _kept(ROOT / f"build/{name}-curves.jsonl", runs, run)


def before_the_quick_run(name: str) -> tuple[dict[str, Any], str]:
    """What the solved notebook defines before the cell ``quick-run``, its checks left out; and that cell's text."""
    said: dict[str, Any] = {"__name__": "__main__"}
    for cell in nbformat.read(load_practical(ROOT, name).solved_path, as_version=4).cells:
        if cell.id == "quick-run":
            return said, cell.source
        if cell.cell_type == "code" and not cell.id.startswith("check-"):
            exec(read_python(cell.source)[0], said)  # noqa: S102 - the course's own notebook
    raise ValueError(f"{name} has no cell quick-run")


def quick_runs(name: str, runs: int) -> list[LearningCurve]:
    """The learning curves of so many quick runs of the solved notebook, each with its unfinished episodes."""
    said, quick = before_the_quick_run(name)
    train = said["train"]

    def run(seed: int) -> LearningCurve:
        said["train"] = lambda envs, hp: train(envs, replace(hp, seed=seed))
        exec(quick, said)  # noqa: S102 - the same
        steps, values = zip(*said["history"], *said["history"].unfinished, strict=True)
        return LearningCurve(tuple(map(int, steps)), tuple(map(float, values)))

    return _kept(ROOT / f"build/{name}-quick-runs.jsonl", runs, run)


def _kept(kept: Path, runs: int, run: Callable[[int], LearningCurve]) -> list[LearningCurve]:
    """The learning curves that are kept, and those that are still to be done."""
    kept.parent.mkdir(exist_ok=True)
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    found = [LearningCurve(tuple(steps), tuple(values)) for steps, values in map(json.loads, lines)]
    for seed in range(FIRST_SEED + len(found), FIRST_SEED + runs):
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):  # the progress bar's
            found.append(run(seed))
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps([found[-1].steps, found[-1].values]) + "\n")
    return found[:runs]


def band(
    found: Sequence[LearningCurve], places: int = PLACES, running: int = RUNNING
) -> tuple[list[int], list[float], list[float]]:
    """Steps, and between which running means most runs lie there: the LOW and HIGH per cent quantiles.

    It begins where every run has a running mean.
    """
    begin = max(curve.steps[running - 1] for curve in found)
    end = min(curve.steps[-1] for curve in found)
    steps = np.linspace(begin, end, places).round()
    means = np.array([_means(curve, steps, running) for curve in found])
    low, high = np.percentile(means, [LOW, HIGH], axis=0).round(1)
    return steps.astype(int).tolist(), low.tolist(), high.tolist()


def _means(curve: LearningCurve, steps: Floats, running: int) -> Floats:
    """The mean of the last so many values at each of these steps."""
    sums = np.cumsum([0.0, *curve.values])
    ends = np.searchsorted(curve.steps, steps, side="right")
    return np.asarray((sums[ends] - sums[ends - running]) / running)


def main() -> None:
    """Write the file, and say where."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("practical")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--notebook", action="store_true", help="the notebook's quick run; the band is printed")
    words = parser.parse_args()
    if words.notebook:
        found = quick_runs(words.practical, words.runs)
        for numbers in band(found, FEW_PLACES, FEW_VALUES):
            print([round(number) for number in numbers])
        return
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
