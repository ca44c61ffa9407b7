"""Hidden checks of ``act``: Policy.get_action and choose_actions.

get_action is asked with the student's own Policy, whose forward is replaced by one that returns the observations as
logits, the last number first, so that a wrong forward costs nothing here. Where get_action goes past forward, the
network's weights are set so that it does the same.
"""

import numpy as np

from autograder.judging import (
    Answer,
    Array,
    Exam,
    Mistake,
    Numbers,
    Scene,
    array,
    call,
    check,
    expect_close,
    help_with,
    leaf,
    tensor,
    thing,
)
from autograder.rl.inputs import State, generator, normal

from . import networks
from .drawing import expect_drawn, sampled, softmax
from .inputs import ACTIONS, HIDDEN, OBSERVATIONS, numbered, policy, spaces

QUESTION = "act"
SOME = 12
ROWS = 6_000  # of which actions are sampled
OUTPUTS = ("action", "log_prob", "entropy")
POLICY = policy(4)
GET = 2  # which step of a scene asks get_action, and, while it samples, the one after it too


def logits_for(size: int) -> Array:
    """Logits (B, A) from nearly even to nearly certain ones."""
    rng = generator(50 + size)
    return normal(rng, size, ACTIONS, scale=2.0, around=0.5)


def given_for(size: int) -> Array:
    """Actions (B,) to ask about."""
    return numbered(np.resize(np.array([2, 0, 1, 1]), size))


def scene(size: int, given: bool, weights: State | None = None) -> Scene:
    """A policy is asked about given actions, or twice for actions of its own.

    Its logits are the observations, the last number first. Of what it says about given actions the gradients by the
    observations are asked too.
    """
    built = call("Policy", "env", HIDDEN, into="policy")
    ready = help_with("load", "policy", weights) if weights else help_with("read_logits", "policy", into="calls")
    objects = {"env": spaces(ACTIONS), "x": leaf(logits_for(size)), "actions": thing("actions", value=given_for(size))}
    if given:
        asked = [call("policy.get_action", "x", "actions", into=", ".join(OUTPUTS))]
        weigh = normal(generator(60 + size), size)
        asked += [help_with("gradients", output, weigh, ["x"]) for output in OUTPUTS[1:]]
    else:
        asked = [call("policy.get_action", "x")] * 2
    return Scene(objects, built, ready, *asked, *([] if weights else [help_with("calls_of", "calls")]))


def played(exam: Exam, size: int, given: bool) -> Answer:
    """What the student's get_action makes of it."""
    here = scene(size, given)
    answer = exam.play(here)
    if answer.step(len(here.steps) - 1).value("returned") != 0:
        return answer
    [binding, *_] = networks.bound_policy(exam, ACTIONS)
    return exam.play(scene(size, given, binding.to_student(copying_policy())))


def copying_policy() -> State:
    """Weights with which the practical's policy does so too: x = ReLU(x) - ReLU(-x)."""
    signs = np.zeros((HIDDEN, ACTIONS), np.float32)
    signs[:ACTIONS], signs[ACTIONS : 2 * ACTIONS] = np.eye(ACTIONS), -np.eye(ACTIONS)
    weights: State = {"fc1": signs, "fc2": np.eye(HIDDEN, dtype=np.float32), "fc3": signs.T[::-1].copy()}
    biases: State = {f"{name}.bias": np.zeros(len(weight), np.float32) for name, weight in weights.items()}
    return {f"{name}.weight": weight for name, weight in weights.items()} | biases


def part(answer: Answer, step: int, output: str, size: int) -> Numbers:
    """One of the three things (B,) that get_action returned."""
    what = f"the {output} for a batch of {size}"
    return answer.step(step).part("returned").array(str(OUTPUTS.index(output)), (size,), what)


def expect_output(exam: Exam, output: str, size: int) -> None:
    """Raise Mistake unless what get_action says about given actions is right."""
    theirs, right = (part(each, GET, output, size) for each in (played(exam, size, True), right_answer(exam, size)))
    expect_close(theirs, right, f"numbers of {output}")


def is_right(exam: Exam, output: str) -> bool:
    """Whether what get_action says about given actions is; where it is not, another check tells."""
    try:
        expect_output(exam, output, SOME)
    except Mistake:
        return False
    return True


def right_answer(exam: Exam, size: int) -> Answer:
    """What the reference says about given actions."""
    return exam.right(scene(size, given=True))


@check(QUESTION, weight=2, look_at="how Categorical is told logits from probabilities, and whose log-probability it is")
def the_log_probability_is_that_of_the_given_action(exam: Exam) -> None:
    """Where actions are given, they come back as they are, with their log-probabilities, for one row as for many."""
    for size in (SOME, 1):
        expect_output(exam, "action", size)
        expect_output(exam, "log_prob", size)


@check(QUESTION, look_at="the entropy of each row's distribution, not averaged, and its sign")
def the_entropy_is_that_of_each_distribution(exam: Exam) -> None:
    """Every row comes with the entropy of its own distribution."""
    for size in (SOME, 1):
        expect_output(exam, "entropy", size)


@check(QUESTION, look_at="the way of the gradient: detach, no_grad or .item() in get_action")
def gradients_flow_through(exam: Exam) -> None:
    """Log-probability and entropy can be differentiated by the logits."""
    theirs, right = played(exam, SOME, True), right_answer(exam, SOME)
    for step, output in enumerate(OUTPUTS[1:], start=GET + 1):
        part(theirs, GET, output, SOME)
        shape, what = (SOME, ACTIONS), f"the gradients of {output}"
        found, due = (each.step(step).part("returned").array("x", shape, what) for each in (theirs, right))
        if not found.any():
            raise Mistake(f"No gradient leads from {output} to the logits.")
        if is_right(exam, output):
            expect_close(found, due, f"gradients of {output}", rtol=1e-3, atol=1e-4)


@check(QUESTION, weight=2, look_at="what is sampled, and from which distribution")
def actions_are_sampled(exam: Exam) -> None:
    """Where no action is given, one is drawn with the policy's probabilities, and its log-probability comes with it.

    Noisy: ten tests of ``autograder/rl/noise.py``, each of which fails right code less than once in ten million.
    """
    for output in OUTPUTS:  # a wrong shape is told of few rows: many could make more numbers than are sent
        part(played(exam, SOME, False), GET, output, SOME)
    answer, logits = played(exam, ROWS, False), logits_for(ROWS)[:, ::-1].astype(np.float64)
    drawn = []
    for step in (GET, GET + 1):
        returned = answer.step(step).part("returned")
        drawn.append(sampled(returned, "0", (ROWS,), ACTIONS, f"the actions for a batch of {ROWS}"))
        due, theirs = np.log(softmax(logits))[np.arange(ROWS), drawn[-1]], part(answer, step, "log_prob", ROWS)
        if is_right(exam, "log_prob"):
            expect_close(theirs, due, "log-probabilities of sampled actions", atol=1e-3)
    expect_drawn(drawn[0], drawn[1], softmax(logits))


def chosen(exam: Exam, num_envs: int, calls: int) -> list[Answer]:
    """What choose_actions returned in so many calls, with a stand-in policy."""
    obs = observations(num_envs)
    objects = {"policy": POLICY, "obs": array(obs), "device": thing("device")}
    answer = exam.play(Scene(objects, *[call("choose_actions", "policy", "obs", "device")] * calls))
    steps = [answer.step(number) for number in range(calls)]
    if steps[0].value("type") != "ndarray":
        raise Mistake(
            f"choose_actions returned a {steps[0].value('type')}, but the environments take a NumPy array.",
            "the way from a tensor to NumPy: cpu, numpy",
        )
    return steps


def observations(num_envs: int) -> Array:
    """Observations (num_envs, O) as the environments give them, float32."""
    return normal(generator(80 + num_envs), num_envs, OBSERVATIONS)


@check(QUESTION, weight=2, look_at="which of get_action's three values is the sample, and obs as a float32 tensor")
def each_environment_gets_a_sampled_action(exam: Exam) -> None:
    """choose_actions samples an action from the policy for each environment's observation.

    Noisy: ten tests of ``autograder/rl/noise.py``, each of which fails right code less than once in ten million.
    """
    what = f"the actions for {ROWS} environments"
    first, second = (sampled(step, "returned", (ROWS,), ACTIONS, what) for step in chosen(exam, ROWS, 2))
    right = exam.right(Scene({"policy": POLICY, "x": tensor(observations(ROWS))}, call("policy", "x"))).step(0)
    expect_drawn(first, second, softmax(right.array("returned", (ROWS, ACTIONS), "the logits")))


@check(QUESTION, look_at="squeezing and indexing, and the type of the numbers: actions are whole")
def one_environment_is_enough(exam: Exam) -> None:
    """With a single environment its action comes back as an array of the shape (1,), of whole numbers."""
    [answer] = chosen(exam, 1, 1)
    sampled(answer, "returned", (1,), ACTIONS, "the actions for 1 environment")
    raw = answer.value("returned")
    if not isinstance(raw, np.ndarray) or raw.dtype.kind not in "iu":
        raise Mistake("The environments take whole numbers as actions; these are of another type.")
