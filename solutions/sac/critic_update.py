"""Hidden checks of ``critic-update``: update_critics.

Half of the squared error, or the mean over both critics, is as right as their sum: what is compared is parameters
after plain SGD steps, up to one positive scale of the loss that is common to both critics and all updates.
"""

from autograder.judging import Answer, Exam, Mistake, Scene, Step, Thing, call, check, fitting_seed, help_with
from autograder.judging.scenes import sgd, tensor
from autograder.rl.inputs import generator, normal
from autograder.rl.updates import (
    LOSS,
    SLACK,
    STEP,
    Taken,
    Twice,
    common_scale,
    in_words,
    left_behind,
    step_of,
)

from .inputs import LARGE, batch, critic, valued

QUESTION = "critic-update"
SIZE, FEW = 10, 7
RATE, SMALL_RATE = 0.05, 1e-3
SCALES = (0.25, 1.0)  # of the loss: the least and the largest that is a convention
EVERYONE = "both critics"
GRADIENT = "the gradient of the mean squared error to the target"


def given(number: int, size: int = SIZE, scale: float = 3.0) -> dict[str, Thing]:
    """The batch of an update and its targets; some of these are so far off that a Huber loss would show."""
    data = batch(41 + number, size, dones=(0, 1, 0))
    return {f"data {number}": data, f"target {number}": tensor(normal(generator(45 + number), size, scale=scale))}


def critic_fits(seed: int) -> bool:
    """Whether its value of a batch of one is far enough from the target for a step that is more than rounding."""
    data, target = (each.values for each in given(6, 1).values())
    return bool(abs(valued(seed, data["observations"], data["actions"]) - target["value"]).min() > 0.3)


SEEDS = (fitting_seed(31, critic_fits), fitting_seed(32, critic_fits))
CRITICS = {name: critic(seed) for name, seed in zip(("qf1", "qf2"), SEEDS, strict=True)}
# values of the size that returns of the pendulum have; the rate is smaller, since such errors make gradients large
LARGE_CRITICS = {"qf1 large": critic(33, plus=2 * LARGE), "qf2 large": critic(34, plus=-2 * LARGE)}


def update(number: int, ending: str = "") -> Step:
    """The call of an update."""
    return call("update_critics", f"data {number}", f"target {number}", *(f"{n}{ending}" for n in ORDER))


ORDER = ("qf1", "qf2", "optimizer")
LARGE_UPDATE, UPDATE_WITH_ONE = 3, 4  # steps of the scene
ONCE = Scene(
    {
        **CRITICS,
        **LARGE_CRITICS,
        "qf1 one": CRITICS["qf1"],
        "qf2 one": CRITICS["qf2"],
        "optimizer": sgd("qf1", "qf2", rate=RATE),
        "optimizer large": sgd(*LARGE_CRITICS, rate=SMALL_RATE),
        "optimizer one": sgd("qf1 one", "qf2 one", rate=RATE),
        **given(0),
        **given(5, FEW, scale=3 * LARGE),
        **given(6, 1),
    },
    update(0),
    *(help_with("gradients_in", name) for name in CRITICS),
    update(5, " large"),
    update(6, " one"),
)


def twice(scale: float = 1.0) -> Twice:
    """Two updates, between which gradients are left behind; the learning rate is multiplied by ``scale``."""
    left = {name: left_behind(network, 49 + i) for i, (name, network) in enumerate(CRITICS.items())}
    return Twice(CRITICS, {**given(0), **given(1)}, RATE * scale, update, left)


def scale_of(exam: Exam) -> float:
    """The scale of the student's loss, measured at an update; Mistake unless both critics take the right step."""
    theirs, right = exam.play(ONCE), exam.right(ONCE)
    steps = {name: step_of(ONCE, name, theirs, right, 0) for name in CRITICS}
    _expect_movement(steps, theirs)
    scale = common_scale(steps, EVERYONE, GRADIENT, SCALES)
    for ending, number, when in ((" large", LARGE_UPDATE, "large errors"), (" one", UPDATE_WITH_ONE, "a batch of one")):
        others = {name: step_of(ONCE, f"{name}{ending}", theirs, right, number) for name in CRITICS}
        other = common_scale(others, EVERYONE, GRADIENT, SCALES, f"With {when}: ")
        if not abs(other - scale) <= SLACK:
            words = f"With {when} the steps are {other / scale:.3g} times as long as otherwise"
            raise Mistake(f"{words}, compared with what they should be.", LOSS)
    return scale


def _expect_movement(steps: dict[str, Taken], theirs: Answer) -> None:
    """Raise Mistake unless both critics moved, and each by itself."""
    reached = {name: theirs.step(step).value("returned") for step, name in enumerate(CRITICS, start=1)}
    held = {name: each if isinstance(each, list) else [] for name, each in reached.items()}
    still = [name for name, step in steps.items() if not step.taken.any()]
    if len(still) == len(CRITICS):
        raise Mistake(f"Neither critic changed{in_words([*held['qf1'], *held['qf2']])}.", STEP)
    for name in still:
        raise Mistake(f"{name} did not change{in_words(held[name])}.", STEP)
    now = [theirs.step(0).now(name) for name in CRITICS]
    parts = CRITICS["qf1"].values["weights"]
    if all((now[0].array(p, w.shape, p) == now[1].array(p, w.shape, p)).all() for p, w in parts.items()):
        raise Mistake("After the update both critics hold the same numbers.", "what is done beside the step")


@check(QUESTION, weight=3, look_at="the critics' values of the batch's own actions, as (B,), and their squared error")
def the_first_update_is_the_gradient_step(exam: Exam) -> None:
    """One update moves both critics along the gradient of their mean squared error to the target."""
    scale_of(exam)


@check(QUESTION, weight=2, look_at="zero_grad: the actor's update leaves gradients in the critics too")
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone, whatever gradients were left behind before it."""
    twice().expect_own_gradient(exam, lambda: twice(scale_of(exam)), GRADIENT)


@check(QUESTION, look_at="qf_loss, the sum of both losses, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the loss of both critics, detached."""
    wrong = "What is returned is not the sum of both critics' losses."
    twice().expect_losses_back(exam, lambda: twice(scale_of(exam)), SCALES, wrong)
