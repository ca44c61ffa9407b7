"""Hidden checks of the question ``training``: the student's own ``train``, run in an environment that the judge steps.

The student's process gets a proxy; what it learns from, and the learning curve, come from the judge's pendulums alone.
What counts in the end is how long the returned actor's mean action, computed here from the network's weights, keeps
pendulums upright that the student's process never sees. docs/training.md holds what the settings were chosen by.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import torch

from autograder.checks import Answer, Array, Exam, Mistake, Refused, Value, check
from autograder.records import LearningCurve
from autograder.sac.binding import bind_actor
from autograder.sac.pendulum import HORIZON, Floats, Lens, Pendulums, balanced_steps
from solutions.sac import Actor, Hyperparameters

PROFILE = Hyperparameters(
    total_timesteps=1_150,
    buffer_size=20_000,
    gamma=0.99,
    tau=0.1,
    learning_starts=150,
    batch_size=256,
    policy_lr=3e-3,
    q_lr=1e-2,
    policy_frequency=2,
    target_network_frequency=1,
    hidden_size=64,
)
NUM_ENVS = 8
SEEDS = (1, 2)  # the second is tried only where the first does not get there
SECONDS = 120.0
ABOVE_CHANCE = 60.0
SOLVED = 475.0
EPISODES = 5
EVALUATION_SEED = 90_001
MOST_READINGS = 4  # ways to read an actor's layers that are tried


@dataclass(frozen=True)
class Setting:
    """One training run as the judge sets it up."""

    hyperparameters: Hyperparameters = PROFILE
    num_envs: int = NUM_ENVS
    lens: Lens = field(default_factory=Lens.draw)


class TrainingGround:
    """The handler behind the student's proxy: steps the judge's pendulums and keeps the learning curve.

    It refuses actions that are not finite or not of the shape (n, A), and more steps than the run is meant to have.
    """

    def __init__(self, setting: Setting) -> None:
        self._pendulums = Pendulums(setting.num_envs, 1000 * setting.hyperparameters.seed, setting.lens)
        # a rewritten loop may reset once more or run over a little; a whole second training it may not have
        self._calls_left = setting.hyperparameters.total_timesteps * 5 // 4
        self._steps = 0
        self._running = np.zeros(setting.num_envs)
        self._curve: list[tuple[int, float]] = []

    @property
    def bounds(self) -> dict[str, Floats]:
        """The lowest and the highest action, (A,) each."""
        return {"low": self._pendulums.low, "high": self._pendulums.high}

    @property
    def curve(self) -> LearningCurve:
        """What was seen so far; steps are those of all environments together."""
        return LearningCurve(tuple(steps for steps, _ in self._curve), tuple(value for _, value in self._curve))

    def __call__(self, verb: str, values: Mapping[str, Value]) -> Value:
        """Answer "reset" and "step" (actions: (n, A))."""
        if self._calls_left == 0:
            raise Refused("train goes on for more steps than hp.total_timesteps asks for")
        self._calls_left -= 1
        if verb == "reset":
            self._running[:] = 0.0
            return {"observations": self._pendulums.reset()}
        if verb == "step":
            return self._step(values.get("actions"))
        raise Refused("the environments know reset and step only")

    def _step(self, raw: Value) -> Value:
        actions = self._legal(raw)
        step = self._pendulums.step(actions)
        self._steps += self._pendulums.number
        self._running += step.rewards
        for i in np.flatnonzero(step.ended):
            self._curve.append((self._steps, float(self._running[i])))
            self._running[i] = 0.0
        return {
            "observations": step.observations,
            "rewards": step.rewards,
            "terminations": step.terminations,
            "truncations": step.truncations,
            "final_observations": step.final_observations,
        }

    def _legal(self, raw: Value) -> Floats:
        if not self._pendulums.started:
            raise Refused("the environments must be reset before they are stepped")
        shape = (self._pendulums.number, *self._pendulums.low.shape)
        if not isinstance(raw, np.ndarray) or raw.dtype.kind not in "fiu" or raw.shape != shape:
            raise Refused(f"actions should be an array of real numbers of shape {shape}")
        actions = raw.astype(np.float64)
        if not np.isfinite(actions).all():
            raise Refused("an action is NaN or infinite: somewhere the training has diverged")
        return actions

    def close(self) -> None:
        """Release the simulations."""
        self._pendulums.close()


def trained_actor(exam: Exam, setting: Setting) -> list[Actor]:
    """Have the student's ``train`` run in that setting; the actor it returns, in each way its layers can be read."""
    ground = TrainingGround(setting)
    try:
        answer = exam.ask(
            "training",
            handler=ground,
            seconds=SECONDS,
            hyperparameters=asdict(setting.hyperparameters),
            num_envs=setting.num_envs,
            **ground.bounds,
            observations=setting.lens.mixing.shape[0],
        )
    finally:
        if ground.curve.steps:  # an answer from memory had its curve kept when it was first given
            exam.keep_curve(ground.curve)
        ground.close()
    return read_actors(answer, setting)


def read_actors(answer: Answer, setting: Setting) -> list[Actor]:
    """The reference's Actor with the weights that came back; Mistake if they are none of its kind."""
    names, values = answer.value("names"), answer.value("values")
    if not isinstance(names, list) or not isinstance(values, list) or len(names) != len(values):
        raise Mistake("What train returned does not hold the weights of an actor.")
    named: list[tuple[str, Array]] = []
    for name, value in zip(names, values, strict=True):
        if isinstance(name, str) and isinstance(value, np.ndarray) and value.dtype.kind == "f":
            named.append((name, value))
    if not all(np.isfinite(value).all() for _, value in named):
        raise Mistake("Weights of the trained actor are NaN or infinite.", "whether a loss explodes")
    actors = [_actor(state, setting) for state in bind_actor(named)[:MOST_READINGS]]
    read = [actor for actor in actors if actor is not None]
    if not read:
        raise Mistake(
            "The layers of the actor that train returned are not the practical's.",
            "whether the actor has two hidden layers and one head each for mean and log_std",
        )
    return read


def _actor(state: Mapping[str, Array], setting: Setting) -> Actor | None:
    """The reference's Actor with these weights; None if they are of other sizes. Its action bounds are the judge's."""
    with Pendulums(1, 0, setting.lens) as pendulums:
        actor = Actor(pendulums.spaces, setting.hyperparameters.hidden_size)
    own = actor.state_dict()
    weights = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in state.items()}
    if {name: value.shape for name, value in weights.items()} != {
        name: value.shape for name, value in own.items() if name in weights
    }:
        return None
    actor.load_state_dict({**own, **weights})
    return actor


def mean_return(actor: Actor, setting: Setting, horizon: int = HORIZON, episodes: int = EPISODES) -> float:
    """How many steps the actor's mean action keeps pendulums upright, on average, in episodes of ``horizon`` steps."""

    def policy(observations: Floats) -> Floats:
        with torch.no_grad():
            _, _, mean = actor.get_action(torch.from_numpy(observations.astype(np.float32)))
        return mean.numpy().astype(np.float64)

    with Pendulums(episodes, EVALUATION_SEED, setting.lens) as pendulums:
        return float(balanced_steps(policy, pendulums, horizon).mean())


def best_return(exam: Exam, enough: float, horizon: int = HORIZON) -> float:
    """The best mean return of an actor that the student's ``train`` makes; later seeds run only below ``enough``."""
    best = 0.0
    for seed in SEEDS:
        setting = Setting(replace(PROFILE, seed=seed))
        best = max(best, *(mean_return(actor, setting, horizon) for actor in trained_actor(exam, setting)))
        if best >= enough:
            break
    return best


@check("training", weight=1, look_at="the learning curve: do the returns rise, or do they stay where random play is?")
def the_actor_balances_longer_than_chance(exam: Exam) -> None:
    """`train` returns an actor that keeps the pole up for much longer than an untrained one does."""
    best = best_return(exam, ABOVE_CHANCE, horizon=int(2 * ABOVE_CHANCE))
    if best < ABOVE_CHANCE:
        raise Mistake(f"After a short training the actor drops the pole after {best:.0f} steps on average.")


@check("training", weight=2, look_at="the signs, the minimum and the entropy term of the losses")
def the_actor_has_solved_the_task(exam: Exam) -> None:
    """After a short training the actor's mean action keeps the pole up through almost whole episodes of 1000 steps."""
    best = best_return(exam, SOLVED)
    if best < SOLVED:
        raise Mistake(f"After a short training the actor balances for {best:.0f} of {HORIZON} steps on average.")


CHECKS = (the_actor_balances_longer_than_chance, the_actor_has_solved_the_task)
