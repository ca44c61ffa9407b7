"""Hidden checks of ``baseline-update``: update_baseline.

Half of the squared error is as right as the whole: what is compared is parameters after plain SGD steps, up to a scale
of the loss that is common to all updates.
"""

from autograder.judging import Answer, Exam, Mistake, Scene, Step, Thing, call, check, fitting_seed, help_with, sgd
from autograder.rl.updates import (
    LOSS,
    SLACK,
    STEP,
    Twice,
    common_scale,
    in_words,
    left_behind,
    step_of,
)
from autograder.student.stage import Stage

from .inputs import baseline, batch
from .probes import StandInBaseline

QUESTION = "baseline-update"
SIZE = 10
RATE = 1e-5  # errors of about 200 make gradients large
SMALL = 3  # the step of the scene with small errors
SCALES = (0.5, 1.0)  # of the loss: half of the squared error, or the whole
GRADIENT = "the gradient of the mean squared error to the returns"


def given(number: int, size: int = SIZE) -> dict[str, Thing]:
    """The batch of an update."""
    return {f"data {number}": batch(41 + number, size)}


def baseline_fits(seed: int) -> bool:
    """Whether its prediction for a batch of one is far enough from the return for a step that is more than rounding."""
    stage, one = Stage({}, {}, dtype="float64"), batch(47, 1).values
    predicted = StandInBaseline(stage, **baseline(seed).values)(stage.tensor(one["observations"])).item()
    return bool(abs(predicted - one["returns"][0]) > 30)


BASELINE = baseline(fitting_seed(31, baseline_fits))


def update(number: int, ending: str = "") -> Step:
    """The call of an update."""
    return call("update_baseline", f"data {number}", f"baseline{ending}", f"optimizer{ending}")


ONCE = Scene(
    {
        "baseline": BASELINE,
        "baseline one": BASELINE,
        "optimizer": sgd("baseline", rate=RATE),
        "optimizer one": sgd("baseline one", rate=RATE),
        "baseline small": baseline(32, 0.0, 1.0),
        "optimizer small": sgd("baseline small", rate=RATE),
        "data 7": batch(48, SIZE, 0.0, 1.0),
        **given(0),
        **given(6, 1),
    },
    update(0),
    help_with("gradients_in", "baseline"),
    update(6, " one"),
    update(7, " small"),
)


def twice(scale: float = 1.0) -> Twice:
    """Two updates, between which gradients are left behind; the learning rate is multiplied by ``scale``."""
    left = {"baseline": left_behind(BASELINE, 49, 500.0)}
    return Twice({"baseline": BASELINE}, {**given(0), **given(1)}, RATE * scale, update, left)


def scale_of(exam: Exam) -> float:
    """The scale of the student's loss, measured at an update; Mistake unless the baseline takes the right step."""
    theirs, right = exam.play(ONCE), exam.right(ONCE)
    step = step_of(ONCE, "baseline", theirs, right, 0)
    if not step.taken.any():
        reached = theirs.step(1).value("returned")
        raise Mistake(f"The baseline did not change{in_words(reached if isinstance(reached, list) else [])}.", STEP)
    scale = common_scale({"baseline": step}, "the baseline", GRADIENT, SCALES)
    alone = {"baseline": step_of(ONCE, "baseline one", theirs, right, 2)}
    if not abs(common_scale(alone, "the baseline", GRADIENT, SCALES, "With a batch of one ") - scale) <= SLACK:
        raise Mistake("With a batch of one the step is another part of what it should be than otherwise.", LOSS)
    return scale


@check(QUESTION, weight=3, look_at="the baseline's predictions, as (B,), and their squared error, averaged")
def the_first_update_is_the_gradient_step(exam: Exam) -> None:
    """One update moves the baseline along the gradient of its mean squared error to the returns."""
    scale_of(exam)


@check(QUESTION, weight=2, look_at="zero_grad: gradients add up until it is called")
def the_second_update_starts_afresh(exam: Exam) -> None:
    """A second update follows its own gradient alone, whatever gradients were left behind before it."""
    twice().expect_own_gradient(exam, lambda: twice(scale_of(exam)), GRADIENT)


@check(QUESTION, look_at="baseline_loss, detached from its graph")
def the_loss_comes_back(exam: Exam) -> None:
    """What is returned is the baseline's loss, detached."""
    wrong = "What is returned is not the mean squared error."
    twice().expect_losses_back(exam, lambda: twice(scale_of(exam)), SCALES, wrong)
    found, due = (each.step(SMALL).number("returned", "the loss that is returned") for each in _both(exam))
    if not any(abs(found - scale * due) <= SLACK * due for scale in SCALES):
        raise Mistake("Where errors are small, what is returned is not the mean squared error.")


def _both(exam: Exam) -> tuple[Answer, Answer]:
    return exam.play(ONCE), exam.right(ONCE)
