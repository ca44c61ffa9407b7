"""An exam in the test's own process: quick, and without a sandbox."""

import copy
import types
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import torch

from autograder.checks import Answer, Check, Handler, Mistake, Refused, Value
from autograder.records import LearningCurve
from autograder.sac import probes
from solutions import sac as reference

REFERENCE = Path(str(reference.__file__)).read_text(encoding="utf-8")


class LocalSession:
    """What a probe works with."""

    def __init__(self, student: Mapping[str, Any], handler: Handler | None) -> None:
        self.student = student
        self.handler = handler

    def ask_judge(self, name: str, **values: Value) -> Value:
        """The handler's answer; RuntimeError if it refuses."""
        assert self.handler is not None, "nobody answers"
        try:
            return self.handler(name, values)
        except Refused as refusal:
            raise RuntimeError(str(refusal)) from refusal


class LocalExam:
    """Asks a student's source text; each question meets freshly run definitions."""

    def __init__(self, source: str) -> None:
        self.code = compiled(source)
        self.known: dict[str, Answer | Mistake] = {}
        self.curves: list[LearningCurve] = []

    def ask(
        self, probe: str, /, *, handler: Handler | None = None, seconds: float | None = None, **values: Value
    ) -> Answer:
        """What the probe of that name answers; the same question is put only once."""
        assert seconds is None or seconds > 0
        question = probe + repr([(name, _fingerprint(value)) for name, value in values.items()])
        if question not in self.known:
            self.known[question] = self._put(probe, handler, values)
        answer = self.known[question]
        if isinstance(answer, Mistake):
            raise answer
        return answer

    def _put(self, probe: str, handler: Handler | None, values: Mapping[str, Value]) -> Answer | Mistake:
        module = types.ModuleType("student")
        exec(self.code, module.__dict__)
        session = LocalSession(module.__dict__, handler)
        try:
            return Answer(plain(getattr(probes, probe)(session, **copy.deepcopy(dict(values)))))
        except Exception as error:
            return Mistake(f"{type(error).__name__}: {error}")

    def keep_curve(self, curve: LearningCurve) -> None:
        """Keep a learning curve."""
        self.curves.append(curve)


@cache
def compiled(source: str) -> CodeType:
    """The source's code."""
    return compile(source, "student", "exec", dont_inherit=True)


def _fingerprint(value: Value) -> object:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return [(name, _fingerprint(item)) for name, item in value.items()]
    return [_fingerprint(item) for item in value] if isinstance(value, list) else value


def plain(value: object) -> Any:
    """Tensors as arrays, through lists, tuples and dicts."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value.detach().numpy() if isinstance(value, torch.Tensor) else value


def failures(source: str, checks: tuple[Check, ...]) -> dict[str, str]:
    """Which checks (``question/name``) find what wrong with a student's source text."""
    exam = LocalExam(source)
    found = {}
    for check in checks:
        try:
            check.run(exam)
        except Mistake as mistake:
            found[f"{check.question}/{check.name}"] = mistake.happened
    return found
