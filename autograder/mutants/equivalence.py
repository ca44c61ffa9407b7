"""Which mutants that pass all checks are no mistakes: those that answer as the solution does, whatever they are asked.

What a question's checks ask is asked again many times with other numbers: arrays are mixed, stretched by up to thirty
times or shrunk, numbers likewise. A mutant that answers the same each time counts as equivalent.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.hints.recognise import same
from autograder.hints.signatures import Signature, signature
from autograder.judging.answer_key import AnswerKey
from autograder.judging.checks import Answer, MakeHandler, Mistake, Value
from autograder.judging.faults import mistake_in
from autograder.judging.judge import Heard
from autograder.judging.proof import LocalExam
from autograder.mutants.local import LocalProcess
from autograder.notebook.extraction import Extract

ROUNDS = 12  # how often each ask is put with other numbers
MOST_STRETCHED = 30.0  # times


@dataclass(frozen=True)
class Ask:
    """One ask of a question's checks."""

    probe: str
    values: Mapping[str, Value]
    make: MakeHandler | None


class _Noted(LocalExam):
    """The exam of the reference, which notes what is asked."""

    def __init__(self, key: AnswerKey) -> None:
        super().__init__(key)
        self.noted: list[Ask] = []

    def _answer(self, probe: str, values: Mapping[str, Value], make: MakeHandler | None) -> Answer | Mistake:
        self.noted.append(Ask(probe, values, make))
        return super()._answer(probe, values, make)


def asks_of(key: AnswerKey, question: str) -> list[Ask]:
    """All that the checks of a question ask of right code."""
    exam = _Noted(key)
    for check in key.checks:
        if check.question == question:
            mistake_in(check, exam)
    return exam.noted


class Trial:
    """Asks code the asks of one question with other numbers each time."""

    def __init__(self, process: LocalProcess, asks: Sequence[Ask], solution: Extract, probes: str) -> None:
        self.process = process
        self.probes = probes
        self.asks = [
            Ask(ask.probe, _other(dict(ask.values), np.random.default_rng([number, i])), ask.make)
            for number in range(ROUNDS)
            for i, ask in enumerate(asks)
        ]
        self.right = list(self._answers(solution))

    def passes(self, code: Extract) -> bool:
        """Whether code answers as the solution does, ask by ask."""
        return all(map(same, self._answers(code), self.right))

    def _answers(self, code: Extract) -> Iterator[dict[str, Signature]]:
        self.process.load(code.cells, self.probes)
        return ({"": signature(self._heard(ask))} for ask in self.asks)

    def _heard(self, ask: Ask) -> Heard:
        calls: list[tuple[str, Mapping[str, Value]]] = []
        handler = ask.make() if ask.make else None

        def noted(name: str, values: Mapping[str, Value]) -> Value:
            calls.append((name, values))
            return handler(name, values) if handler else None

        entered = handler if isinstance(handler, AbstractContextManager) else nullcontext()
        with entered, self.process.session() as session:
            session.define()
            outcome = session.ask(ask.probe, ask.values, noted if handler else None)
        return Heard(ask.values, outcome, tuple(calls))


def _other(value: Any, noise: np.random.Generator) -> Any:
    """The same with other numbers: rows are mixed, and each array and each number is stretched or shrunk."""
    if isinstance(value, dict):
        return {key: _other(item, noise) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_other(item, noise) for item in value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 1:
        mixed = value[noise.permutation(len(value))] if value.ndim > 1 else value
        is_flag = bool(np.isin(value, (0, 1)).all())
        return mixed if is_flag else (mixed * _factor(noise)).astype(value.dtype)
    return value * float(noise.uniform(0.2, 1.0)) if isinstance(value, float) else value


def _factor(noise: np.random.Generator) -> float:
    return float(np.exp(noise.uniform(np.log(1 / 3), np.log(MOST_STRETCHED))))
