"""The kit's hidden checks in the process that holds the student's functions, as graders without a sandbox run them."""

import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

from autograder.course.practical import load_practical
from autograder.judging import proof
from autograder.judging.answer_key import AnswerKey
from autograder.judging.faults import mistake_in
from autograder.student.stage import plain

ROOT = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=1)
def answer_key(name: str) -> AnswerKey:
    """The checks and the reference of a practical."""
    key = AnswerKey(load_practical(ROOT, name))
    _ = key.checks
    return key


def points(name: str, question: str, functions: Mapping[str, Any] | None = None) -> float:
    """What these functions earn for a question, as the judge counts; the reference's own if there are none.

    Nothing is packed for another process, nothing is forked.
    """
    key = answer_key(name)
    exam = proof.LocalExam(key, functions)
    checks = [check for check in key.checks if check.question == question]
    with warnings.catch_warnings(), mock.patch.object(proof, "_wired", plain):
        warnings.simplefilter("ignore")
        passed = [mistake_in(check, exam) is None for check in checks]
    weights = [check.weight for check in checks]
    share = sum(weight for weight, fine in zip(weights, passed, strict=True) if fine) / sum(weights)
    return round(share * key.practical.question(question).points, 2)
