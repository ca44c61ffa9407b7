"""Hidden checks of ``evaluation``: test_actor, in an environment of which the judge makes every step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from autograder.judging import Answer, Array, Exam, Mistake, Refused, Unreached, Value, check
from autograder.judging.scenes import Numbers, Scene, call, tensor, thing
from autograder.rl.inputs import generator

from .inputs import ACTIONS, HIGH, LOW, OBSERVATIONS, actor

QUESTION = "evaluation"
MOST_STEPS = 400  # of all short episodes together; right code needs fewer than 100
MOST_RESETS = 100
SECONDS = 120.0  # wall clock, for a long episode on a busy machine
LONG = 1010  # steps of a long episode: the pendulum's have up to 1000
EPISODES, DEFAULT = 6, 10
ACTOR = actor(91)


@dataclass
class Script:
    """A scripted environment: its observations, rewards and episode lengths are settled, whatever is done in it.

    Its first episode has ``long`` steps, if that is given; the others have up to 7.
    """

    seed: int
    long: int = 0
    episode: int = -1
    running: bool = False
    steps: int = 0
    fault: str = ""
    left: int = 0  # after how many steps an episode was left that had not ended
    rewards: Numbers = field(default_factory=lambda: np.zeros(0))  # of the episode, step by step
    observations: Array = field(default_factory=lambda: np.zeros((0, OBSERVATIONS)))
    paid: list[float] = field(default_factory=list)  # in the episode, until now
    ended: list[list[float]] = field(default_factory=list)  # the rewards of the episodes that ended
    seeds: list[Value] = field(default_factory=list)
    seen: list[Array] = field(default_factory=list)
    actions: list[Array] = field(default_factory=list)

    def __call__(self, verb: str, values: Mapping[str, Value]) -> Value:
        """Answer a reset or a step; Refused on a step after the end, or after too many."""
        if verb == "reset":
            return self._reset(values.get("seed"))
        self._refuse_if(not self.running, "the episode has ended: reset comes before the next step")
        most = MOST_STEPS + self.long
        words = f"more than {most} steps were taken, and {len(self.ended)} of {self.episode + 1} episodes had ended"
        self._refuse_if(self.steps >= most, words)
        action = values.get("action")
        if not isinstance(action, np.ndarray) or action.shape != (ACTIONS,):
            raise Refused("an action is an array of the action space's shape")
        self.seen.append(self.observations[len(self.paid)])
        self.actions.append(action)
        return self._advance()

    def _refuse_if(self, wrong: bool, why: str) -> None:
        if wrong:
            self.fault = self.fault or why
            raise Refused(why)

    def _reset(self, seed: Value) -> Value:
        """The next episode. Rewards and observations are of all sizes."""
        self._refuse_if(self.episode >= MOST_RESETS, f"more than {MOST_RESETS} resets")
        self.left = self.left or (len(self.paid) if self.running else 0)
        self.episode, self.running, self.paid = self.episode + 1, True, []
        self.seeds.append(seed if isinstance(seed, int | None) else "no number")
        rng = generator(10_000 + 1000 * self.seed + self.episode)
        length = self.long if self.long and not self.episode else int(rng.integers(2, 8))
        self.rewards = rng.normal(0.5, 2.0, length) * rng.choice([1.0, 1.0, 30.0], length)
        self.observations = rng.standard_normal((length + 1, OBSERVATIONS))
        self.observations *= rng.choice([0.1, 1.0, 10.0, 100.0], (length + 1, 1))
        return {"observation": self.observations[0]}

    def _advance(self) -> Value:
        """The next step of the episode; every third episode is cut short, the others end by themselves."""
        reward, truncated = float(self.rewards[len(self.paid)]), self.episode % 3 == 1
        self.paid.append(reward)
        self.steps += 1
        ended = len(self.paid) == len(self.rewards)
        if ended:
            self.running = False
            self.ended.append(self.paid)
        done = {"terminated": ended and not truncated, "truncated": ended and truncated}
        return {"observation": self.observations[len(self.paid)], "reward": reward, **done}


def run(exam: Exam, seed: int, *episodes: int, long: int = 0) -> tuple[Answer, Script]:
    """Have the student's test_actor run that many episodes (its default, if no number is given) of a script."""
    env = thing("JudgesEnvironment", observations=OBSERVATIONS, low=LOW, high=HIGH)
    scene = Scene({"actor": ACTOR, "env": env}, call("test_actor", "actor", "env", *episodes))
    answer = exam.play(scene, handler=partial(Script, seed, long), seconds=SECONDS if long else None)
    script: Script = answer.handler
    if script.fault:
        words = f"test_actor went wrong in the environment: {script.fault}."
        raise Mistake(words, "when the episode's loop ends", fault=script.fault)
    return answer.step(0), script


STATISTICS: Mapping[str, Callable[[Numbers], float]] = {
    "mean return": lambda returns: float(returns.mean()),
    "std return": lambda returns: float(returns.std()),
}
INSTEAD: Mapping[str, Callable[[Numbers], float]] = {  # of the returns; what is tried to say what was reported
    "their median": lambda returns: float(np.median(returns)),
    "their sum": lambda returns: float(returns.sum()),
    "the largest": lambda returns: float(returns.max()),
    "their mean": lambda returns: float(returns.mean()),
    "their standard deviation": lambda returns: float(returns.std()),
    "their variance": lambda returns: float(returns.var()),
    "their standard deviation with n - 1 for n": lambda returns: float(returns.std(ddof=1)) if len(returns) > 1 else 0,
    "their standard error": lambda returns: float(returns.std() / len(returns) ** 0.5),
}
PARTS: Mapping[str, Callable[[list[float]], float]] = {  # of an episode's rewards; tried for the same purpose
    "numbers of steps": len,
    "last rewards": lambda paid: paid[-1],
    "first rewards": lambda paid: paid[0],
    "rewards without the last one": lambda paid: sum(paid[:-1]),
    "mean rewards": lambda paid: sum(paid) / len(paid),
    "rewards cut to [-1, 1]": lambda paid: float(np.clip(paid, -1, 1).sum()),
}


def _same(actual: float, due: float) -> bool:
    return abs(actual - due) <= 1e-3 + 1e-4 * abs(due)


def expect_statistics(answer: Answer, script: Script) -> None:
    """Raise Mistake unless mean and standard deviation of the returns of the episodes that ended were reported."""
    if not isinstance(answer.value("returned"), dict):
        words = f"test_actor returned a {answer.value('type')}, not a dict of mean and standard deviation."
        raise Mistake(words, fault=words)
    if not script.ended:
        raise Mistake("No episode was played to its end.")
    said = {name: answer.part("returned").number(name, f"the {name!r} that is reported") for name in STATISTICS}
    returns = np.array([sum(paid) for paid in script.ended])
    wrong = [name for name, statistic in STATISTICS.items() if not _same(said[name], statistic(returns))]
    if not wrong:
        return
    for words, part in PARTS.items():
        parts = np.array([part(paid) for paid in script.ended])
        if len(parts) > 1 and all(_same(said[name], statistic(parts)) for name, statistic in STATISTICS.items()):
            raise Mistake(f"What is reported is about the episodes' {words}, not about their returns.")
    instead = [words for words, what in INSTEAD.items() if _same(said[wrong[0]], what(returns))]
    is_right = "; the other number is right" if len(wrong) == 1 else ""
    if not any(said.values()):
        raise Mistake("Both numbers that are reported are 0.", "what is added up")
    if len(returns) > 1 and instead:
        words = f"The {wrong[0]!r} of the returns is not reported, but {instead[0]}{is_right}."
        raise Mistake(words, "what is made of the list of returns")
    raise Mistake(f"The {wrong[0]!r} is not that of the episodes that were played{is_right}.")


def right_actions(exam: Exam, script: Script) -> tuple[Numbers, Numbers]:
    """The actor's sampled and its mean actions (steps, A) for the observations of a run."""
    seen = np.array(script.seen)
    right = exam.right(Scene({"actor": ACTOR, "x": tensor(seen)}, call("actor.get_action", "x"))).step(0)
    both = [right.part("returned").array(name, (len(seen), ACTIONS), "an action") for name in ("0", "2")]
    return both[0], both[1]


@check(QUESTION, weight=2, look_at="the reward of every step, added to its own episode's return, and what is reported")
def the_returns_are_added_up(exam: Exam) -> None:
    """What is reported is the mean and the standard deviation of the returns of the episodes."""
    expect_statistics(*run(exam, 1, EPISODES))


@check(QUESTION, look_at="num_episodes, and its default")
def ten_episodes_unless_told_otherwise(exam: Exam) -> None:
    """As many episodes are played as are asked for, and ten without a number."""
    for seed, given, due in ((1, (EPISODES,), EPISODES), (3, (), DEFAULT)):
        _, script = run(exam, seed, *given)
        started = script.episode + 1
        if started < due or len(script.ended) > due:
            asked = f"{due} were asked for" if given else f"no number was given, which stands for {due}"
            raise Mistake(f"The environment was reset {started} times, where {asked}.")


@check(QUESTION, weight=2, look_at="the observation the actor is shown: the current one, as a batch of one")
def the_actor_acts(exam: Exam) -> None:
    """Every action is the actor's own for the current observation: its sample, or its mean action, but one of them."""
    _, script = run(exam, 1, EPISODES)
    if not script.actions:
        raise Mistake("The environment was never stepped.")
    actual = np.array(script.actions, np.float64)
    errors = [np.abs(actual - right).max(1) for right in right_actions(exam, script)]
    if not any((error <= 1e-3).all() for error in errors):
        wrong = int(min((~(error <= 1e-3)).sum() for error in errors))
        raise Mistake(f"{wrong} of {len(actual)} actions are not the actor's for the current observation.")


@check(QUESTION, look_at="when an episode is left, and what reset is called with")
def episodes_are_whole_and_each_is_another(exam: Exam) -> None:
    """Every episode is played to its end, however long it is, and no two start from the same seed."""
    answer, script = run(exam, 1, EPISODES)
    _expect_whole(script)
    seeds = [seed for seed in script.seeds if seed is not None]
    if len(set(map(str, seeds))) < len(seeds):
        raise Mistake("Several episodes were reset with the same seed: they would all be one and the same.")
    try:
        expect_statistics(answer, script)
    except Mistake:  # which another check tells; a long episode takes long, and is asked for where all else is right
        if not script.ended:
            raise Unreached from None
    else:
        _expect_whole(run(exam, 5, 1, long=LONG)[1])


def _expect_whole(script: Script) -> None:
    left = script.left or (len(script.paid) if script.running else 0)
    if left or script.running:
        raise Mistake(f"An episode was left after {left} step{'s' * (left != 1)}, before it had ended.")
