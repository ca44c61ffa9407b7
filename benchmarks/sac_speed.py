"""How fast SAC itself trains: the notebook's loop, the same as it was before, two other ones, and bare products.

    python -m benchmarks.performance speed --rounds 5 --cleanrl FOLDER

Each round trains each of them once, one after the other in this process on one thread, with the full run's settings:
one environment, two hidden layers of 256 units, batches of 256, one update of the critics a step. Figures are medians
over the rounds, of processor milliseconds a step with its updates; the time before the first update is taken off.

``as before`` is the notebook's loop with Adam's plain loop over parameters and a target update of one parameter after
the other. CleanRL's SAC is its own script, run as it is but for its log, with these settings. ``products`` are the
matrix products alone that a step's updates cannot do without, forwards and backwards.
"""

import contextlib
import os
import statistics
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from stable_baselines3 import SAC

from benchmarks.learning_curve import before_the_quick_run

RANDOM = 300  # steps before the first update; they take almost no time
UNITS = BATCH = 256
ENVIRONMENT = "InvertedPendulum-v5"
Run = Callable[[int, int], float]  # steps with updates, seed -> seconds


def ours(said: dict[str, Any]) -> Run:
    """The notebook's ``train``."""

    def run(steps: int, seed: int) -> float:
        settings = said["Hyperparameters"](total_timesteps=RANDOM, learning_starts=RANDOM, seed=seed)
        without = _seconds(lambda: said["train"](said["make_envs"](1), settings))
        settings = replace(settings, total_timesteps=RANDOM + steps)
        return _seconds(lambda: said["train"](said["make_envs"](1), settings)) - without

    return run


def as_before() -> Run:
    """The same without what makes it fast."""
    said, _ = before_the_quick_run("sac")
    adam = torch.optim.Adam

    class Plain:
        """``torch.optim`` with an Adam that loops over its parameters."""

        @staticmethod
        def Adam(parameters: Any, lr: float, **_: Any) -> torch.optim.Adam:  # noqa: N802 - the library's name
            return adam(parameters, lr=lr, foreach=False, fused=False)

    def update_targets(qf1: Any, qf2: Any, qf1_target: Any, qf2_target: Any, tau: float) -> None:
        for network, target in ((qf1, qf1_target), (qf2, qf2_target)):
            for parameter, other in zip(network.parameters(), target.parameters(), strict=True):
                other.data.copy_(tau * parameter.data + (1 - tau) * other.data)

    said |= {"optim": Plain, "update_targets": update_targets}
    return ours(said)


def stable_baselines(said: dict[str, Any]) -> Run:
    """stable-baselines3's SAC with the same network, batches and one update a step."""

    def run(steps: int, seed: int) -> float:
        envs = said["gym"].make(said["ENV_ID"])
        policy = {"net_arch": [UNITS, UNITS]}
        settings: dict[str, Any] = {"batch_size": BATCH, "learning_starts": RANDOM, "policy_kwargs": policy}
        agent = SAC("MlpPolicy", envs, train_freq=1, gradient_steps=1, seed=seed, device="cpu", **settings)
        without = _seconds(lambda: agent.learn(RANDOM))
        agent = SAC("MlpPolicy", envs, train_freq=1, gradient_steps=1, seed=seed, device="cpu", **settings)
        return _seconds(lambda: agent.learn(RANDOM + steps)) - without

    return run


def products(said: dict[str, Any]) -> Run:
    """The matrix products of a step: those of the target, the critics, the actor through the critics, and alpha."""
    envs = said["make_envs"](1)
    observations, actions = envs.single_observation_space.shape[0], envs.single_action_space.shape[0]
    critic = [(observations + actions, UNITS), (UNITS, UNITS), (UNITS, 1)]
    actor = [(observations, UNITS), (UNITS, UNITS), (UNITS, 2 * actions)]
    forward = [*actor, *critic * 2, *critic * 2, *actor, *critic * 2, *actor]  # target, critics, actor, temperature
    backward = [*critic * 2, *critic * 2, *actor]  # two products each: for the weights, and for what goes in
    inputs = {
        shape: (torch.randn(BATCH, shape[0]), torch.randn(shape), torch.randn(BATCH, shape[1])) for shape in forward
    }

    def run(steps: int, seed: int) -> float:
        torch.manual_seed(seed)

        def work() -> None:
            for _ in range(steps):
                for shape in forward:
                    x, weight, _ = inputs[shape]
                    x @ weight
                for shape in backward:
                    x, weight, out = inputs[shape]
                    x.T @ out
                    out @ weight.T

        return _seconds(work)

    return run


def cleanrl(repository: Path) -> Run:
    """CleanRL's script, from a copy of its repository; what it would write to a log is dropped."""
    path = repository / "cleanrl/sac_continuous_action.py"
    code = compile(path.read_text(encoding="utf-8"), path, "exec")
    log, arguments = types.ModuleType("torch.utils.tensorboard"), types.ModuleType("tyro")
    vars(log)["SummaryWriter"] = mock.MagicMock()

    def of(steps: int, seed: int) -> float:
        asked = {"seed": seed, "env_id": ENVIRONMENT, "cuda": False, "learning_starts": RANDOM, "buffer_size": 10_000}
        vars(arguments)["cli"] = lambda kind: kind(total_timesteps=RANDOM + steps, **asked)
        modules = {"torch.utils.tensorboard": log, "tyro": arguments}
        path_to_it = [*sys.path, str(repository)]
        with mock.patch.dict(sys.modules, modules), mock.patch.object(sys, "path", path_to_it):
            return _seconds(lambda: exec(code, {"__name__": "__main__", "__file__": str(path)}))  # noqa: S102 - theirs

    return lambda steps, seed: of(steps, seed) - of(0, seed)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing is printed, progress bars neither."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        contextlib.redirect_stdout(nowhere),
    ):
        yield


def _seconds(work: Callable[[], object]) -> float:
    with quiet():
        began = time.process_time()
        work()
        return time.process_time() - began


def measured(rounds: int, steps: int, repository: Path | None = None) -> dict[str, dict[str, float]]:
    """Each one's milliseconds a step, steps a second, and times as long as the notebook's."""
    torch.set_num_threads(1)
    said, _ = before_the_quick_run("sac")
    runs = {
        "the notebook": ours(said),
        "as before": as_before(),
        "stable-baselines3": stable_baselines(said),
        **({"CleanRL": cleanrl(repository)} if repository else {}),
        "products": products(said),
    }
    for run in runs.values():
        run(10, 0)  # what is used first loads much
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for seed in range(rounds):
        for name, run in runs.items():
            taken[name].append(1000 * run(steps, seed) / steps)
    found = dict[str, dict[str, float]]()
    for name, times in taken.items():
        middle = statistics.median(times)
        ratio = statistics.median(a / b for a, b in zip(times, taken["the notebook"], strict=True))
        found[name] = {"ms a step": middle, "steps a second": 1000 / middle, "times the notebook's": ratio}
    return found
