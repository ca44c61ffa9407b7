"""The hidden checks' own ground: inputs by which mistakes show, noise bounds, and words."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from conftest import KIT
from local_exam import LocalExam

from autograder.course.practical import load_practical
from autograder.judging.answer_key import AnswerKey
from autograder.judging.checks import Answer, Check, Mistake, Refused
from autograder.judging.scenes import Scene, Step, Thing, call, help_with, tensor
from autograder.rl import noise
from autograder.rl.inputs import State
from solutions.sac import (
    actor,
    actor_update,
    alpha_update,
    critic,
    evaluation,
    explore,
    inputs,
    sampling,
    target,
)

MARGIN = 2e-3  # how far from a kink a float32 computation must stay to take the same side as the judge's
KEY = AnswerKey(load_practical(KIT, "sac"))
CHECKS = pytest.mark.parametrize("check", KEY.checks, ids=lambda check: f"{check.question}-{check.name}")

Numbers = npt.NDArray[np.float64]


def computed(objects: Mapping[str, Thing], *steps: Step) -> list[Answer]:
    """What came of each step, in float64."""
    answer = KEY.right(Scene(objects, *steps))
    return [answer.step(number) for number in range(len(steps))]


def numbers(step: Answer, *shape: int) -> Numbers:
    """The array that a step returned."""
    return step.array("returned", shape, "it")


def layers_of(network: str, weights: State, x: Numbers, head: str) -> tuple[Numbers, Numbers]:
    """Both hidden layers' units before their ReLU, (B, 2 H), and what a head makes of them."""
    _, _, first, _, second, _, output = computed(
        {"env": inputs.spaces(), "x": tensor(x)},
        call(network, "env", inputs.HIDDEN, into="network"),
        help_with("load", "network", weights),
        call("network.fc1", "x", into="first"),
        call("first.relu", into="h"),
        call("network.fc2", "h", into="second"),
        call("second.relu", into="features"),
        call(f"network.{head}", "features"),
    )
    units = np.hstack([numbers(each, len(x), inputs.HIDDEN) for each in (first, second)])
    return units, numbers(output, len(x), len(weights[f"{head}.bias"]))


def critics_layers(size: int) -> tuple[Numbers, Numbers]:
    objects = critic.scene(size, critic.WEIGHTS, critic.LARGE).objects
    x = np.hstack([objects[name].values["value"] for name in ("x", "a")])
    return layers_of("SoftQNetwork", critic.WEIGHTS, x, "fc3")


def actors_layers(size: int, head: str) -> tuple[Numbers, Numbers]:
    return layers_of(
        "Actor", actor.WEIGHTS, actor.scene(size, actor.WEIGHTS, actor.LARGE).objects["x"].values["value"], head
    )


def acted(seed: int, x: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """A stand-in actor's actions (B, A), their log-probabilities (B, 1) and its mean actions (B, A)."""
    (step,) = computed({"actor": inputs.actor(seed), "x": tensor(x)}, call("actor.get_action", "x"))
    returned, size = step.part("returned"), len(x)
    widths = (inputs.ACTIONS, 1, inputs.ACTIONS)
    action, log_prob, mean = (returned.array(str(i), (size, width), "it") for i, width in enumerate(widths))
    return action, log_prob, mean


def smaller_values(x: Numbers, policy: int, critics: tuple[int, int]) -> set[tuple[int, bool]]:
    """Which critic is clearly the smaller with a positive, and which with a negative value, in some row of a batch."""
    objects = {"x": tensor(x), "action": tensor(acted(policy, x)[0])}
    objects |= {f"qf{number}": inputs.critic(seed) for number, seed in enumerate(critics)}
    values = computed(objects, call("qf0", "x", "action"), call("qf1", "x", "action"))
    both = np.hstack([numbers(each, len(x), 1) for each in values])
    assert abs(both[:, 0] - both[:, 1]).min() > MARGIN
    return {(int(row.argmin()), bool(row.min() > 0)) for row in both}


# --- inputs by which mistakes show


@pytest.mark.parametrize("size", [1, critic.MANY])
def test_the_critics_hidden_units_stay_clear_of_their_kinks(size: int) -> None:
    assert abs(critics_layers(size)[0]).min() > MARGIN


def test_the_critics_values_have_both_signs() -> None:
    _, values = critics_layers(critic.MANY)
    assert 3 <= (values > 0).sum() <= critic.MANY - 3


@pytest.mark.parametrize("size", [1, actor.MANY])
def test_the_actors_hidden_units_stay_clear_of_their_kinks(size: int) -> None:
    assert abs(actors_layers(size, "fc_mean")[0]).min() > MARGIN


def test_the_actors_log_std_is_where_tanh_differs_from_a_clamp_and_from_nothing() -> None:
    _, raw = actors_layers(actor.MANY, "fc_logstd")
    assert (raw > 1.5).any()
    assert (raw < -1.5).any()
    assert (abs(raw) < 1).any()


EITHER_OF_EITHER_SIGN = {(0, False), (0, True), (1, False), (1, True)}


def test_each_target_critic_is_the_smaller_in_rows_of_either_sign() -> None:
    x = target.DATA.values["next_observations"]
    assert smaller_values(x, target.ACTOR, (target.ONE, target.OTHER)) == EITHER_OF_EITHER_SIGN


@pytest.mark.parametrize("seeds", [actor_update.SEEDS, actor_update.SEEDS[::-1]])
def test_each_critic_is_the_smaller_in_rows_of_either_sign_when_the_actor_is_updated(seeds: tuple[int, int]) -> None:
    x = actor_update.SCENE.objects["data"].values["observations"]
    assert smaller_values(x, actor_update.ACTOR, seeds) == EITHER_OF_EITHER_SIGN


def test_the_log_probabilities_of_the_targets_have_both_signs() -> None:
    _, log_pi, _ = acted(target.ACTOR, target.DATA.values["next_observations"])
    assert 2 <= (log_pi > 0).sum() <= target.MANY - 2


def sizes(values: Numbers) -> set[str]:
    """How large some of these numbers are."""
    return {name for name, (low, high) in SIZES.items() if ((low < abs(values)) & (abs(values) < high)).any()}


SIZES = {"small": (0, 5), "usual": (5, 50), "as the pendulum's": (50, 500), "beyond": (500, np.inf)}


def test_what_networks_and_targets_are_asked_for_is_of_all_sizes() -> None:
    exam = LocalExam(KEY)
    critics = exam.right(critic.scene(critic.MANY, critic.WEIGHTS, critic.LARGE))
    values = [critic.values_of(critics, critic.MANY, step) for step in (critic.VALUES, critic.LARGE_VALUES)]
    assert sizes(np.concatenate(values)) == SIZES.keys()
    actors = exam.right(actor.scene(actor.MANY, actor.WEIGHTS, actor.LARGE))
    means = [actor.output_of(actors, "mean", actor.MANY, step) for step in (actor.USUAL, actor.LARGEST)]
    assert sizes(np.concatenate(means)) >= {"small", "usual", "as the pendulum's"}
    log_stds = actor.output_of(actors, "log_std", actor.MANY, actor.LARGEST)
    assert [log_stds.min(), log_stds.max()] == pytest.approx([-5, 2], abs=1e-3)
    steps = {target.VALUES: target.MANY, target.LARGE_VALUES: target.FEW}
    targets = [target.targets(exam.right(target.SCENE), step, size) for step, size in steps.items()]
    assert sizes(np.concatenate(targets)) >= {"small", "as the pendulum's", "beyond"}


def test_one_target_entropy_makes_alpha_fall_and_the_other_makes_it_rise() -> None:
    exam, start = LocalExam(KEY), alpha_update.START
    assert (alpha_update.right_moves(exam, start, 0, alpha_update.FALL) < -0.1).all()
    assert (alpha_update.right_moves(exam, start, 0, alpha_update.RISE) > 0.1).all()


def test_some_explored_actions_lie_beyond_one() -> None:
    sampled, _, mean = acted(4, explore.observations(explore.MANY))
    assert (sampled > 1).any()
    assert abs(sampled - mean).max() > 0.5


def test_an_episodes_script_holds_both_kinds_of_ends_and_refuses_a_step_after_one() -> None:
    script, ends = evaluation.Script(1), set()
    for _ in range(4):
        script("reset", {})
        said: dict[str, object] = {"terminated": False, "truncated": False}
        while not (said["terminated"] or said["truncated"]):
            answer = script("step", {"action": np.zeros(inputs.ACTIONS)})
            assert isinstance(answer, dict)
            said = dict(answer)
        ends.add("terminated" if said["terminated"] else "truncated")
    assert ends == {"terminated", "truncated"}
    assert len(script.ended) == 4
    with pytest.raises(Refused, match="ended"):
        script("step", {"action": np.zeros(inputs.ACTIONS)})


# --- noise


@pytest.fixture(scope="module")
def draw() -> sampling.Draw:
    """What the reference draws."""
    return sampling.drawn(LocalExam(KEY), sampling.MANY)


def test_noise_a_little_too_wide_or_too_narrow_is_told_from_the_right_one(draw: sampling.Draw) -> None:
    noise.expect_uniform(draw.ranks(), "right noise")
    for factor in (0.85, 1.2):
        other = replace(draw, log_std=draw.log_std + np.log(factor))
        with pytest.raises(Mistake, match=r"scatter|shape"):
            noise.expect_uniform(other.ranks(), "other noise")


def test_ranks_of_saturated_actions_stay_uniform(draw: sampling.Draw) -> None:
    large = sampling.REGIMES["large"]
    assert (np.abs(draw.u[large]) > sampling.SATURATED).mean() > 0.1
    noise.expect_uniform(draw.ranks()[large], "right noise")


def test_the_actor_that_copies_its_observation_makes_the_heads_that_were_asked_for() -> None:
    x = np.linspace(-2, 2, 4 * 5).reshape(5, 4)
    *_, outputs = computed(
        {"env": inputs.spaces(2 * inputs.ACTIONS), "x": tensor(x)},
        call("Actor", "env", inputs.HIDDEN, into="actor"),
        help_with("load", "actor", sampling.copying_actor()),
        call("actor", "x"),
    )
    mean, log_std = (outputs.part("returned").array(name, (5, 2), "it") for name in ("0", "1"))
    assert np.allclose(mean, x[:, :2])
    assert np.allclose(log_std, -1.5 + 3.5 * np.tanh(x[:, 2:]))


@pytest.mark.parametrize("bound", [1.0, 2.0, 3.0])
def test_noise_that_was_cut_is_told_from_the_right_one(draw: sampling.Draw, bound: float) -> None:
    cut = np.clip(draw.z, -bound, bound) * np.exp(draw.log_std) + draw.location
    other = replace(draw, squashed=np.tanh(cut))
    beyond, number = sampling.tails(other, bound + 0.02)
    assert beyond == 0
    with pytest.raises(Mistake, match="Not one"):
        noise.expect_tails(beyond, number, math.erfc((bound + 0.02) / math.sqrt(2)), "further out")


REPEATS: Mapping[str, Callable[[Numbers], Numbers]] = {
    "half the batch": lambda z: np.concatenate([z[: len(z) // 2]] * 2),
    "a quarter of it": lambda z: np.concatenate([z[: len(z) // 4]] * 4),
    "every row twice": lambda z: np.repeat(z[::2], 2, 0),
    "backwards": lambda z: np.concatenate([z[: len(z) // 2], z[: len(z) // 2][::-1]]),
    "with the other sign": lambda z: np.concatenate([z[: len(z) // 2], -z[: len(z) // 2]]),
    "both dimensions": lambda z: np.repeat(z[:, :1], 2, 1),
}


@pytest.mark.parametrize("repeat", REPEATS.values(), ids=REPEATS)
def test_noise_that_is_used_again_is_told_from_the_right_one(
    draw: sampling.Draw, repeat: Callable[[Numbers], Numbers]
) -> None:
    signs = sampling.signs(draw, draw.u)
    assert noise.strain_of_repetition(signs.ravel())[0] < 1
    assert noise.strain_of_repetition(repeat(signs).ravel())[0] > 1
    again = replace(draw, squashed=np.tanh(repeat(draw.z) * np.exp(draw.log_std) + draw.location))
    assert sampling.repeated(again)
    assert not sampling.repeated(draw)


# --- what every check keeps to


def test_no_two_checks_of_a_question_have_one_name() -> None:
    names = [(check.question, check.name) for check in KEY.checks]
    assert len(names) == len(set(names))


@CHECKS
def test_a_check_speaks_in_one_sentence_and_says_where_to_look(check: Check) -> None:
    assert re.fullmatch(r"[A-Z`].*\.", check.sentence)
    assert check.look_at
    assert not check.look_at.endswith(".")
    assert check.weight > 0


class SilentExam(LocalExam):
    """One whose student never answers anything."""

    def ask(self, *_: object, **__: object) -> Answer:
        """Nothing; a handler that nobody called."""
        handler = __.get("handler")
        return Answer({}, handler() if callable(handler) else None)


@CHECKS
def test_an_empty_answer_passes_no_check(check: Check) -> None:
    with pytest.raises(Mistake):
        check.run(SilentExam(KEY))


def test_the_probes_hold_no_part_of_an_answer() -> None:
    pieces = ("relu", "rsample", "tanh", "Normal", "mse", "zero_grad", ".backward(", "minimum", ".min(", ".exp(")
    assert [piece for piece in pieces if piece in KEY.practical.probes] == []
