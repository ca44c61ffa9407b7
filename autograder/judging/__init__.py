"""Judging: what a hidden check is, the scenes that it plays, the student's process, and the judge who asks it.

What the author of a check needs can be imported from here.
"""

from autograder.judging.checks import Answer, Array, Check, Exam, Mistake, Refused, Value, check, expect_close
from autograder.judging.scenes import (
    Numbers,
    Scene,
    Step,
    Thing,
    array,
    call,
    expect_unmoved,
    help_with,
    leaf,
    moved,
    sgd,
    tensor,
    thing,
    variable,
)
from autograder.records import LearningCurve

__all__ = [
    "Answer",
    "Array",
    "Check",
    "Exam",
    "LearningCurve",
    "Mistake",
    "Numbers",
    "Refused",
    "Scene",
    "Step",
    "Thing",
    "Value",
    "array",
    "call",
    "check",
    "expect_close",
    "expect_unmoved",
    "help_with",
    "leaf",
    "moved",
    "sgd",
    "tensor",
    "thing",
    "variable",
]
