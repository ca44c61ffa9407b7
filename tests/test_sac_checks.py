"""The hidden checks' own ground: worlds in which mistakes show, noise bounds, and words."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from local_exam import REFERENCE, LocalExam

from autograder.checks import Answer, Check, Mistake, Refused
from autograder.sac import (
    ASSIGNMENT,
    actor,
    actor_update,
    alpha_update,
    checks,
    critic,
    evaluation,
    explore,
    noise,
    probes,
    sampling,
    target,
    worlds,
)
from solutions import sac as reference

MARGIN = 2e-3  # how far from a kink a float32 computation must stay to take the same side as the judge's


def spaces() -> probes.Spaces:
    return probes.Spaces(worlds.OBSERVATIONS, worlds.LOW, worlds.HIGH)


def hidden_layers(network: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    first = network.get_submodule("fc1")(x)
    return torch.cat([first, network.get_submodule("fc2")(first.relu())], 1)


def smaller_values(
    data: worlds.State, observations: str, policy: int, critics: tuple[int, int]
) -> set[tuple[int, bool]]:
    """Which critic is clearly the smaller with a positive, and which with a negative value, in some row of a batch."""
    x = worlds.tensor(data[observations])
    action = worlds.exact_actor(worlds.stand_in_actor(policy)).get_action(x)[0]
    both = torch.cat([worlds.exact_critic(worlds.stand_in_critic(seed))(x, action) for seed in critics], 1).detach()
    assert (both[:, 0] - both[:, 1]).abs().min() > MARGIN
    return {(int(row.argmin()), bool(row.min() > 0)) for row in both}


@pytest.mark.parametrize("size", [1, critic.MANY])
def test_the_critics_hidden_units_stay_clear_of_their_kinks(size: int) -> None:
    network = worlds.exact(reference.SoftQNetwork(spaces(), worlds.HIDDEN), worlds.critic(28))
    x, a, _ = (worlds.tensor(array) for array in critic.inputs(size).values())
    assert hidden_layers(network, torch.cat([x, a], 1)).abs().min() > MARGIN


def test_the_critics_values_have_both_signs() -> None:
    values, _ = critic.expected(critic.MANY)
    assert 3 <= (values > 0).sum() <= critic.MANY - 3


@pytest.mark.parametrize("size", [1, actor.MANY])
def test_the_actors_hidden_units_stay_clear_of_their_kinks(size: int) -> None:
    network = worlds.exact(reference.Actor(spaces(), worlds.HIDDEN), worlds.actor(18))
    assert hidden_layers(network, worlds.tensor(actor.inputs(size)["x"])).abs().min() > MARGIN


def test_the_actors_log_std_is_where_tanh_differs_from_a_clamp_and_from_nothing() -> None:
    network = worlds.exact(reference.Actor(spaces(), worlds.HIDDEN), worlds.actor(18))
    x = worlds.tensor(actor.inputs(actor.MANY)["x"])
    raw = network.fc_logstd(network.fc2(network.fc1(x).relu()).relu())
    assert (raw > 1.5).any()
    assert (raw < -1.5).any()
    assert (raw.abs() < 1).any()


EITHER_OF_EITHER_SIGN = {(0, False), (0, True), (1, False), (1, True)}


@pytest.mark.parametrize("seed", [21, 24 + target.MANY])
def test_each_target_critic_is_the_smaller_in_rows_of_either_sign(seed: int) -> None:
    data, critics = worlds.transitions(seed, target.MANY), (target.ONE, target.OTHER)
    assert smaller_values(data, "next_observations", target.ACTOR, critics) == EITHER_OF_EITHER_SIGN


@pytest.mark.parametrize("number", [0, 1])
def test_each_critic_is_the_smaller_in_rows_of_either_sign_when_the_actor_is_updated(number: int) -> None:
    case = actor_update.Case(alpha=0.37, updates=2)
    assert smaller_values(case.batches[number], "observations", 53, case.critics) == EITHER_OF_EITHER_SIGN


def test_the_log_probabilities_of_the_targets_have_both_signs() -> None:
    policy = worlds.exact_actor(worlds.stand_in_actor(target.ACTOR))
    log_pi = policy.get_action(worlds.tensor(worlds.transitions(22, target.MANY)["next_observations"]))[1]
    assert 2 <= (log_pi > 0).sum() <= target.MANY - 2


def test_one_target_entropy_makes_alpha_fall_and_the_other_makes_it_rise() -> None:
    for path in alpha_update.paths(alpha_update.FALL, 1):
        assert path[0] < alpha_update.START - 0.1
    for path in alpha_update.paths(alpha_update.RISE, 1):
        assert path[0] > alpha_update.START + 0.1


def test_some_explored_actions_lie_beyond_one() -> None:
    obs = worlds.generator(80 + explore.MANY).standard_normal((explore.MANY, worlds.OBSERVATIONS))
    sampled, _, mean = worlds.exact_actor(worlds.stand_in_actor(4)).get_action(worlds.tensor(obs))
    assert (sampled > 1).any()
    assert (sampled - mean).abs().max() > 0.5


def test_an_episodes_script_holds_both_kinds_of_ends_and_refuses_a_step_after_one() -> None:
    script, ends = evaluation.Script(1), set()
    for _ in range(4):
        script("reset", {})
        said: dict[str, object] = {"terminated": False, "truncated": False}
        while not (said["terminated"] or said["truncated"]):
            answer = script("step", {"action": np.zeros(worlds.ACTIONS)})
            assert isinstance(answer, dict)
            said = dict(answer)
        ends.add("terminated" if said["terminated"] else "truncated")
    assert ends == {"terminated", "truncated"}
    assert len(script.returns) == 4
    with pytest.raises(Refused, match="ended"):
        script("step", {"action": np.zeros(worlds.ACTIONS)})


def honest_draw() -> sampling.Draw:
    return sampling.drawn(LocalExam(REFERENCE), sampling.MANY)


def test_noise_a_little_too_wide_or_too_narrow_is_told_from_the_right_one() -> None:
    draw = honest_draw()
    noise.expect_uniform(draw.ranks(), "right noise")
    for factor in (0.85, 1.2):
        other = replace(draw, log_std=draw.log_std + np.log(factor))
        with pytest.raises(Mistake, match=r"scatter|shape"):
            noise.expect_uniform(other.ranks(), "other noise")


def test_ranks_of_saturated_actions_stay_uniform() -> None:
    draw = honest_draw()
    large = sampling.REGIMES["large"]
    assert (np.abs(draw.u[large]) > sampling.SATURATED).mean() > 0.1
    noise.expect_uniform(draw.ranks()[large], "right noise")


def test_the_actor_that_copies_its_observation_makes_the_heads_that_were_asked_for() -> None:
    network = reference.Actor(probes.Spaces(2 * worlds.ACTIONS, worlds.LOW, worlds.HIGH), worlds.HIDDEN)
    exact = worlds.exact(network, sampling.copying_actor() | worlds.rescaling())
    x = torch.linspace(-2, 2, 4 * 5, dtype=torch.float64).reshape(5, 4)
    mean, log_std = exact(x)
    assert torch.allclose(mean, x[:, :2])
    assert torch.allclose(log_std, -1.5 + 3.5 * torch.tanh(x[:, 2:]))


def test_every_question_of_the_practical_has_checks_and_no_others_are_asked() -> None:
    assert {check.question for check in checks.CHECKS} == {question.name for question in ASSIGNMENT.questions}


def test_no_two_checks_of_a_question_bear_one_name() -> None:
    names = [(check.question, check.name) for check in checks.CHECKS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: f"{check.question}-{check.name}")
def test_a_check_speaks_in_one_sentence_and_says_where_to_look(check: Check) -> None:
    assert re.fullmatch(r"[A-Z`].*\.", check.sentence)
    assert check.look_at
    assert not check.look_at.endswith(".")
    assert check.weight > 0


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: f"{check.question}-{check.name}")
def test_an_empty_answer_passes_no_check(check: Check) -> None:
    class Silent(LocalExam):
        def _put(self, *_: object) -> Answer:
            return Answer({})

    with pytest.raises(Mistake):
        check.run(Silent(REFERENCE))


def test_the_probes_hold_no_part_of_an_answer() -> None:
    text = Path(str(probes.__file__)).read_text(encoding="utf-8")
    pieces = ("relu", "rsample", "tanh", "Normal", "mse", "zero_grad", ".backward(", "minimum", ".min(", ".exp(")
    assert [piece for piece in pieces if piece in text] == []
