"""Layers of rewritten networks are recognised by size, and an actor's heads by name or in both orders."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.rl.layers import Shape
from solutions.sac import inputs
from solutions.sac.binding import actor_bindings, bind_actor, critic_bindings

KINDS = ("weight", "bias")
ACTOR = inputs.actor_weights(18)


@pytest.mark.parametrize(
    ("rename", "readings"),
    [
        (lambda name: name, 1),
        (lambda name: name.replace("fc_mean", "mu").replace("fc_logstd", "sigma"), 1),
        (lambda name: name.replace("fc_mean", "a").replace("fc_logstd", "b"), 2),
    ],
)
def test_an_actors_heads_are_known_by_name_or_read_both_ways(rename: Callable[[str], str], readings: int) -> None:
    found = bind_actor([(rename(name), array) for name, array in ACTOR.items()])
    assert len(found) == readings
    assert all((found[0][name] == ACTOR[name]).all() for name in ACTOR)


def test_an_actors_single_head_is_read_in_every_order() -> None:
    for order in (("fc_mean", "fc_logstd"), ("fc_logstd", "fc_mean")):
        both = [(f"out.{kind}", np.concatenate([ACTOR[f"{name}.{kind}"] for name in order])) for kind in KINDS]
        hidden = [(name, ACTOR[name]) for name in ACTOR if name[:3] in ("fc1", "fc2")]
        found = bind_actor([*hidden, *both])
        assert any(all((each[name] == ACTOR[name]).all() for name in ACTOR) for each in found)


def test_buffers_among_an_actors_arrays_do_no_harm() -> None:
    buffers = [(name, np.ones(inputs.ACTIONS)) for name in ("action_scale", "action_bias")]
    assert len(bind_actor([*buffers, *ACTOR.items()])) == 1


def test_layers_of_other_sizes_are_not_bound() -> None:
    assert bind_actor([("fc1.weight", np.zeros((16, 3))), ("fc1.bias", np.zeros(16))]) == []
    assert bind_actor([]) == []
    assert critic_bindings([("fc1.weight", (16, 5)), ("fc1.bias", (16,))], 3, 2, 16) == []


SHAPES: list[list[tuple[str, Shape]]] = [
    [
        *(("net.0.weight", (16, 5)), ("net.0.bias", (16,)), ("net.2.weight", (16, 16)), ("net.2.bias", (16,))),
        *(("net.4.weight", (1, 16)), ("net.4.bias", (1,))),
    ],
    [("w1", (5, 16)), ("b1", (16,)), ("w2", (16, 16)), ("b2", (16,)), ("w3", (16, 1)), ("b3", (1,))],
    [("w1", (5, 16)), ("w2", (16, 16)), ("w3", (16, 1)), ("b1", (1, 16)), ("b2", (1, 16)), ("b3", (1, 1))],
    [
        *(("a.weight", (16, 2)), ("a.bias", (16,)), ("x.weight", (16, 3)), ("h.weight", (16, 16)), ("h.bias", (16,))),
        *(("q.weight", (1, 16)), ("q.bias", (1,))),
    ],
]


@pytest.mark.parametrize("shapes", SHAPES, ids=["sequential", "bare", "columns", "two inputs"])
def test_what_is_set_in_a_rewritten_critic_is_what_is_read_from_it(shapes: list[tuple[str, Shape]]) -> None:
    (binding,) = critic_bindings(shapes, 3, 2, 16)
    state = inputs.critic_weights(28)
    arrays = binding.to_student(state)
    assert {name: array.shape for name, array in arrays.items()} == dict(shapes) == binding.shapes
    assert all((array == state[name]).all() for name, array in binding.to_reference(arrays).items())


SIZES = st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 16]), max_size=3).map(tuple)
NAMES = st.sampled_from(["a.weight", "a.bias", "b.weight", "b.bias", "mean.weight", ".weight", "weight", ""])


@given(st.lists(st.tuples(NAMES | st.text(max_size=9), SIZES), max_size=12))
def test_shapes_of_any_kind_are_bound_or_not_without_a_crash(shapes: list[tuple[str, Shape]]) -> None:
    for binding in [*critic_bindings(shapes, 3, 2, 16), *actor_bindings(shapes, 3, 2, 16)]:
        assert binding.shapes
    bind_actor([(name, np.zeros(shape)) for name, shape in shapes])
