"""Where a submission trains: the judge's environments behind a proxy, and how what was trained comes back.

The student's process gets a proxy; what it learns from, and the learning curve, come from the judge's environments
alone. docs/training.md holds the measurements by which the settings of each practical were chosen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograder.judging import Array, Exam, LearningCurve, Mistake, Refused, Value
from autograder.rl.environments import Environments, Task

SECONDS = 300.0  # wall clock, for one training on a busy machine
WORDS = ("environment steps", "episodic return", "episodes")  # what a learning curve shows, in feedback
SEEDS = (1, 2, 3)  # a later one is tried only where those before did not get there
HOPELESS = 2  # so many results no better than chance, and no other seed is tried


@dataclass(frozen=True)
class Setting:
    """One training run as the judge sets it up: the hyperparameters by the notebook's names, among them ``seed`` and
    ``total_timesteps``, which counts steps of all environments together.
    """

    task: Task
    hyperparameters: Mapping[str, Any]
    num_envs: int

    def environments(self, number: int, seed: int) -> Environments:
        """So many environments of this setting's task."""
        return Environments(self.task, number, seed)

    @property
    def question(self) -> dict[str, Value]:
        """The values that the probe ``training`` is asked with."""
        with self.environments(1, 0) as environments:
            told = environments.described
        return {"num_envs": self.num_envs, "hyperparameters": dict(self.hyperparameters), **told}


class TrainingGround:
    """The handler behind the student's proxy: steps the judge's environments and keeps the learning curve.

    It refuses actions that are none of the environment's, and more steps than the run is meant to have.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._environments = setting.environments(setting.num_envs, 1000 * setting.hyperparameters["seed"])
        # a rewritten loop may reset once more or run over a little; a whole second training it may not have
        self._calls_left = setting.hyperparameters["total_timesteps"] * 5 // 4
        self._steps = 0
        self._running = np.zeros(setting.num_envs)
        self._curve: list[tuple[int, float]] = []

    def __enter__(self) -> "TrainingGround":
        return self

    def __exit__(self, *_: object) -> None:
        self._environments.close()

    @property
    def curve(self) -> LearningCurve:
        """What was seen so far; steps are those of all environments together.

        Episodes that still run stand at the end with what they have: the longest ones, once the agent does well.
        """
        episodes = [*self._curve, *((self._steps, float(value)) for value in self._running if value)]
        steps, returns = tuple(steps for steps, _ in episodes), tuple(value for _, value in episodes)
        return LearningCurve(steps, returns, *WORDS)

    def __call__(self, verb: str, values: Mapping[str, Value]) -> Value:
        """Answer "reset" and "step" (actions: (n, A), or (n,) where they are numbered)."""
        if self._calls_left == 0:
            raise Refused("train goes on for more steps than hp.total_timesteps asks for")
        self._calls_left -= 1
        if verb == "reset":
            self._running[:] = 0.0
            return {"observations": self._environments.reset()}
        if verb == "step":
            return self._step(values.get("actions"))
        raise Refused("the environments know reset and step only")

    def _step(self, actions: Value) -> Value:
        if not self._environments.started:
            raise Refused("the environments must be reset before they are stepped")
        if fault := self._environments.legal(actions):
            raise Refused(fault)
        assert isinstance(actions, np.ndarray)
        step = self._environments.step(actions)
        self._steps += self._environments.number
        self._running += step.rewards
        for i in np.flatnonzero(step.ended):
            self._curve.append((self._steps, float(self._running[i])))
            self._running[i] = 0.0
        return dict(vars(step))


def trained(exam: Exam, setting: Setting) -> list[tuple[str, Array]]:
    """Have the student's ``train`` run in that setting; the named arrays of the network that it returns first.

    The learning curve is kept. Mistake if train fails, or if what came back are no finite numbers.
    """
    ground: TrainingGround | None = None
    try:
        answer = exam.ask("training", handler=partial(TrainingGround, setting), seconds=SECONDS, **setting.question)
        ground = answer.handler
    except Mistake as mistake:
        ground = mistake.handler
        raise
    finally:
        if ground and ground.curve.steps:
            exam.keep_curve(ground.curve)
    return named_arrays(answer.value("names"), answer.value("values"))


def named_arrays(names: Value, values: Value) -> list[tuple[str, Array]]:
    """A network's parameters and buffers of real numbers, by name; Mistake if one is not finite, or has no name."""
    if not isinstance(names, list) or not isinstance(values, list) or len(names) != len(values):
        raise Mistake("What train returned does not hold the weights of a network.")
    pairs = zip(names, values, strict=True)
    named = [(n, v) for n, v in pairs if isinstance(n, str) and isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    if not all(np.isfinite(value).all() for _, value in named):
        raise Mistake("Weights of the trained network are NaN or infinite.", "whether a loss explodes")
    return named


def best_of(seeds: Sequence[int], returns: Callable[[int], Iterable[float]], enough: float, chance: float) -> float:
    """The best mean return of trainings with these seeds, each of which may be read in several ways.

    A later seed is tried only while the best is below ``enough``, and none after ``HOPELESS`` below ``chance``.
    """
    best = 0.0
    for tried, seed in enumerate(seeds):
        if best >= enough or (tried >= HOPELESS and best < chance):
            break
        best = max(best, *returns(seed))
    return best
