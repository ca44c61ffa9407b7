"""Hidden checks of ``evaluation``: test_actor, in an environment of which the judge makes every step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from autograder.judging import Answer, Array, Exam, Mistake, Refused, Value, check
from autograder.judging.scenes import Numbers, Scene, call, tensor, thing
from autograder.rl.inputs import generator

from .inputs import ACTIONS, HIGH, LOW, OBSERVATIONS, actor

QUESTION = "evaluation"
MOST_STEPS = 400  # of all episodes together; right code needs fewer than 100
ACTOR = actor(91)


@dataclass
class Script:
    """A scripted environment: its observations, rewards and episode lengths are settled, whatever is done in it."""

    seed: int
    episode: int = -1
    step: int = 0
    running: bool = False
    steps: int = 0
    fault: str = ""
    observation: Array = field(default_factory=lambda: np.zeros(OBSERVATIONS))
    returns: list[float] = field(default_factory=list)  # of the episodes that ended
    gathered: float = 0.0
    seen: list[Array] = field(default_factory=list)
    actions: list[Array] = field(default_factory=list)

    def __call__(self, verb: str, values: Mapping[str, Value]) -> Value:
        """Answer a reset or a step; Refused on a step after the end, or after too many."""
        if verb == "reset":
            self.episode, self.step, self.gathered, self.running = self.episode + 1, 0, 0.0, True
            return {"observation": self._observe()}
        self._refuse_if(not self.running, "the episode has ended: reset comes before the next step")
        self._refuse_if(self.steps >= MOST_STEPS, f"more than {MOST_STEPS} steps: test_actor does not come to an end")
        action = values.get("action")
        if not isinstance(action, np.ndarray) or action.shape != (ACTIONS,):
            raise Refused("an action is an array of the action space's shape")
        self.seen.append(self.observation)
        self.actions.append(action)
        return self._advance()

    def _refuse_if(self, wrong: bool, why: str) -> None:
        if wrong:
            self.fault = self.fault or why
            raise Refused(why)

    def _advance(self) -> Value:
        """The next step of the episode; every third episode is cut short, the others end by themselves."""
        rng = generator(10_000 + 1000 * self.seed + 37 * self.episode)
        length, truncated = int(rng.integers(1, 8)), self.episode % 3 == 1
        rewards = rng.normal(0.5, 2.0, length)
        reward = float(rewards[self.step])
        self.step, self.steps, self.gathered = self.step + 1, self.steps + 1, self.gathered + reward
        ended = self.step == length
        if ended:
            self.running = False
            self.returns.append(self.gathered)
        done = {"terminated": ended and not truncated, "truncated": ended and truncated}
        return {"observation": self._observe(), "reward": reward, **done}

    def _observe(self) -> Array:
        rng = generator(20_000 + 1000 * self.seed + 37 * self.episode + self.step)
        self.observation = rng.standard_normal(OBSERVATIONS)
        return self.observation


def run(exam: Exam, seed: int, *episodes: int) -> tuple[Answer, Script]:
    """Have the student's test_actor run that many episodes (its default, if no number is given) of a script."""
    env = thing("JudgesEnvironment", observations=OBSERVATIONS, low=LOW, high=HIGH)
    scene = Scene({"actor": ACTOR, "env": env}, call("test_actor", "actor", "env", *episodes))
    answer = exam.play(scene, handler=partial(Script, seed))
    script: Script = answer.handler
    if script.fault:
        raise Mistake(f"test_actor went wrong in the environment: {script.fault}.", "when the episode's loop ends")
    return answer.step(0), script


def expect_statistics(answer: Answer, script: Script, episodes: int) -> None:
    """Raise Mistake unless the report is about as many whole episodes, and about their returns."""
    if not isinstance(answer.value("returned"), dict):
        raise Mistake(f"test_actor returned a {answer.value('type')}, not a dict of mean and standard deviation.")
    if len(script.returns) != episodes:
        raise Mistake(f"{len(script.returns)} episodes were played to their end, where {episodes} were asked for.")
    right = {"mean return": np.mean(script.returns), "std return": np.std(script.returns)}
    for name, value in right.items():
        actual = answer.part("returned").number(name, f"the {name!r} of what test_actor returns")
        if not abs(actual - value) <= 1e-3 + 1e-4 * abs(value):
            raise Mistake(f"The {name!r} is not that of the episodes that were played.", "how rewards are added up")


def right_actions(exam: Exam, script: Script) -> tuple[Numbers, Numbers]:
    """The actor's sampled and its mean actions (steps, A) for the observations of a run."""
    seen = np.array(script.seen)
    right = exam.right(Scene({"actor": ACTOR, "x": tensor(seen)}, call("actor.get_action", "x"))).step(0)
    both = [right.part("returned").array(name, (len(seen), ACTIONS), "an action") for name in ("0", "2")]
    return both[0], both[1]


@check(QUESTION, weight=2, look_at="the reward of every step, added to its own episode's return")
def the_returns_are_added_up(exam: Exam) -> None:
    """What is reported is the mean and the standard deviation of the returns of whole episodes."""
    expect_statistics(*run(exam, 1, 4), 4)


@check(QUESTION, look_at="num_episodes, and its default")
def ten_episodes_unless_told_otherwise(exam: Exam) -> None:
    """Without a number of episodes, ten are played."""
    expect_statistics(*run(exam, 3), 10)


@check(QUESTION, weight=2, look_at="the observation the actor is shown: the current one, as a batch of one")
def the_actor_acts(exam: Exam) -> None:
    """Every action is the actor's own for the current observation: its sample, or its mean action, but one of them."""
    _, script = run(exam, 4, 6)
    if not script.actions:
        raise Mistake("The environment was never stepped.")
    actual = np.array(script.actions, np.float64)
    errors = [np.abs(actual - right).max(1) for right in right_actions(exam, script)]
    if not any((error <= 1e-3).all() for error in errors):
        wrong = int(min((~(error <= 1e-3)).sum() for error in errors))
        raise Mistake(f"{wrong} of {len(actual)} actions are not the actor's for the current observation.")
