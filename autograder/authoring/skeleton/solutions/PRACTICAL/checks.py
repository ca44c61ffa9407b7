"""The hidden checks of PRACTICAL: they decide the marks, and students never see them.

TO CHANGE: one check or more for each question. Its docstring is the sentence that the student reads.
"""

import numpy as np

from autograder.judging import Exam, Scene, array, call, check, expect_close, generator

# TO CHANGE: inputs in which every plausible mistake shows, such as more rows than columns, and no two numbers alike;
# what generator makes is the same each time, and other numbers in another course
X = array(generator(1).normal(size=(4, 2)))
Y = array(generator(2).normal(size=4))
WEIGHTS = array(np.array([0.8, -0.6]))


def compare(exam: Exam, scene: Scene, shape: tuple[int, ...], what: str) -> None:
    """Compare what the student's function returns with what the source notebook's own solution returns."""
    theirs, right = (
        played.step(0).array("returned", shape, f"the {what}") for played in (exam.play(scene), exam.right(scene))
    )
    expect_close(theirs, right, what)


@check("predict", look_at="the axis along which the sum runs")
def it_predicts(exam: Exam) -> None:
    """Each row of x gets its own prediction."""
    compare(exam, Scene({"x": X, "weights": WEIGHTS}, call("predict", "x", "weights")), (4,), "predictions")


@check("gradient", look_at="the derivative of a square, and the mean over the rows")
def it_is_the_gradient(exam: Exam) -> None:
    """The gradient is that of the mean squared error, with one number for each weight."""
    scene = Scene({"x": X, "y": Y, "weights": WEIGHTS}, call("gradient", "x", "y", "weights"))
    compare(exam, scene, (2,), "numbers of the gradient")
