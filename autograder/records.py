"""The records that flow through the kit: what was handed in, what each check found, what it earned. All frozen."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

SAME_INPUTS = "the same in every course"  # what a result says of the fixed draw
_GRADE_CELL = "check-"  # what the grade_id of a question's grade cell begins with


def grade_cell(question: str) -> str:
    """The grade_id of a question's grade cell."""
    return f"{_GRADE_CELL}{question}"


def question_in(grade_id: str) -> str:
    """The question of a grade cell; of a written answer, which is a question by itself, its grade_id."""
    return grade_id.removeprefix(_GRADE_CELL)


class Status(StrEnum):
    """What became of one question."""

    RIGHT = "right"
    PARTLY = "partly right"
    WRONG = "wrong"
    NOT_ATTEMPTED = "not attempted"
    MISSING = "missing"  # the cell could not be found in what was handed in


@dataclass(frozen=True)
class Submission:
    """One student's notebook on disk. ``note`` is what the instructor should know about how it was found."""

    student: str
    path: Path
    note: str = ""


@dataclass(frozen=True)
class CheckResult:
    """What one hidden check found. ``happened`` and ``look_at`` are empty where it passed."""

    name: str
    sentence: str
    weight: float
    passed: bool
    happened: str = ""
    look_at: str = ""
    usual: bool = True  # whether look_at is the check's usual advice, and not the one for this mistake


@dataclass(frozen=True)
class LearningCurve:
    """What a training run reached while it went on, point by point, and what the feedback calls all that."""

    steps: tuple[int, ...]  # since the run began, for each point
    values: tuple[float, ...]
    step_name: str = "steps"
    value_name: str = "value"
    point_name: str = "points"


@dataclass(frozen=True)
class Depends:
    """Digests of what a question's result depends on."""

    asked: str  # the submission, the checks and what they use, the reference, the limits, the libraries
    told: str  # the checks' weights and sentences
    hinted: str  # the mistakes that are known of the question


@dataclass(frozen=True)
class QuestionResult:
    """One question's marks and the checks behind them."""

    question: str
    points: float
    max_points: float
    status: Status
    remark: str = ""  # a sentence about the question as a whole, such as which blank is still open
    checks: tuple[CheckResult, ...] = ()
    curve: LearningCurve | None = None
    hint: str = ""  # what was probably written, where the answers are those of a known mistake
    depends: Depends | None = None


@dataclass(frozen=True)
class SubmissionResult:
    """Everything that was found out about one submission."""

    student: str
    assignment: str
    questions: tuple[QuestionResult, ...] = ()
    repairs: tuple[str, ...] = ()  # what had to be mended before it could be graded, in words
    fault: str = ""  # why nothing could be graded, in words; empty where it was graded
    barrier: str = ""  # what stood between the student's code and the machine
    fingerprint: str = ""  # of what was judged: the same fingerprint earns the same marks
    seconds: float = field(default=0.0, compare=False)
    weaknesses: tuple[str, ...] = ()  # where the barrier is weaker than the strongest, each a sentence
    inputs: str = ""  # which numbers the checks asked with: whose, in words; empty where nothing was asked

    @property
    def points(self) -> float:
        """Points by machine."""
        return round(sum(question.points for question in self.questions), 2)

    @property
    def max_points(self) -> float:
        """Points that the machine could have given."""
        return sum(question.max_points for question in self.questions)
