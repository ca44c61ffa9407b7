"""Which of the student's layers are the practical's, for a critic and for an actor."""

from autograder.judging import Exam, call
from autograder.rl.layers import Binding
from autograder.rl.networks import known, shapes_of

from .binding import actor_bindings, critic_bindings
from .inputs import ACTIONS, HIDDEN, OBSERVATIONS, spaces

LAYERS = "the constructor: two hidden layers of hidden_size units, then linear layers of the practical's sizes"


def bound_critic(exam: Exam) -> list[Binding]:
    """How the layers of the student's SoftQNetwork can be the practical's; Mistake if they cannot."""
    shapes = shapes_of(exam, call("SoftQNetwork", "env", HIDDEN, into="network"), spaces())
    return known(critic_bindings(shapes, OBSERVATIONS, ACTIONS, HIDDEN), "SoftQNetwork", LAYERS)


def bound_actor(exam: Exam, observations: int) -> list[Binding]:
    """How the layers of the student's Actor can be the practical's, likeliest first; Mistake if they cannot."""
    shapes = shapes_of(exam, call("Actor", "env", HIDDEN, into="network"), spaces(observations))
    return known(actor_bindings(shapes, observations, ACTIONS, HIDDEN), "Actor", LAYERS)
