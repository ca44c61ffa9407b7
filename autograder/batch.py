"""From a submission on disk to its result, one at a time or a whole class at once."""

import hashlib
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

from nbformat import NotebookNode

from autograder.assignment import Assignment
from autograder.authoring import blank, read_source, strip_mark_schemes
from autograder.course import Course, Unclear
from autograder.errors import CourseError
from autograder.extraction import Extract, extract
from autograder.judge import Paper, judge, student_process
from autograder.limits import Limits
from autograder.notebooks import NotANotebookError, read_notebook
from autograder.recognise import Known
from autograder.records import Submission, SubmissionResult
from autograder.repair import repair
from autograder.results import kept
from autograder.sandbox import NoBarrier, choose_barrier
from autograder.verification.learning import load_known


@dataclass(frozen=True)
class Marking:
    """How a course's submissions are marked."""

    course: Course
    unsafe: bool = False  # without a sandbox
    skip: frozenset[str] = frozenset()  # questions that are left out
    limits: Limits = field(default_factory=Limits)
    kept_in: Path | None = None  # where results are kept, if not among the course's own

    def __post_init__(self) -> None:
        """CourseError on an assignment, or a question to leave out, that is unknown."""
        known = self.course.assignment
        for name in self.skip:
            known.question(name)

    @property
    def assignment(self) -> Assignment:
        """The assignment without the questions that are left out."""
        asked = tuple(item for item in self.course.assignment.questions if item.name not in self.skip)
        return replace(self.course.assignment, questions=asked)

    @cached_property
    def release(self) -> NotebookNode:
        """The students' version, made from the source as it stands."""
        source = read_source(self.course.root, self.course.name)
        return strip_mark_schemes(blank(source, self.course.assignment))

    def grade(self, submission: Submission) -> SubmissionResult:
        """The result of one submission on disk. What cannot be graded is a result too, with the reason."""
        try:
            return self._grade(submission)
        except CourseError:
            raise
        except NotANotebookError as error:
            fault = str(error)
        except OSError as error:
            fault = f"{submission.path.name} cannot be read: {error.strerror}. Look at the file's rights."
        except Exception as error:  # whatever one submission brings about must not stop the others
            fault = f"{submission.path.name} cannot be graded ({type(error).__name__}: {error}). Look at it by hand."
        return SubmissionResult(submission.student, self.course.name, fault=fault)

    def _grade(self, submission: Submission) -> SubmissionResult:
        notebook = read_notebook(submission.path)
        mended, repairs = repair(notebook, self.release, self.course.assignment)
        notes = [submission.note] if submission.note else []
        return self.grade_notebook(mended, submission.student, (*notes, *repairs))

    def grade_notebook(self, mended: NotebookNode, student: str, repairs: Sequence[str] = ()) -> SubmissionResult:
        """The result of a notebook that was repaired already; the one kept from before if nothing has changed since."""
        paper = self.paper(mended)
        fingerprint = self._fingerprint(paper)
        before = kept(self.kept_in or self.course.results, student)
        if before is not None and self._still_holds(before, fingerprint):
            return replace(before, repairs=tuple(repairs) or before.repairs)
        return self._judge(paper, SubmissionResult(student, self.course.name, (), tuple(repairs), "", "", fingerprint))

    def _still_holds(self, before: SubmissionResult, fingerprint: str) -> bool:
        """Whether a kept result says what would be found now; one without a sandbox only where that is asked."""
        trusted = self.unsafe or before.barrier != NoBarrier.name
        return before.fingerprint == fingerprint and not before.fault and trusted

    def paper(self, mended: NotebookNode) -> Paper:
        """A repaired notebook, ready to be judged."""
        return Paper(extract(mended, self.course.assignment), self._release_extract)

    def _judge(self, paper: Paper, blank_result: SubmissionResult) -> SubmissionResult:
        began = time.monotonic()
        barrier = choose_barrier(self.unsafe)
        with student_process(paper, self.assignment, barrier, self.limits) as process:
            questions = judge(paper, self.assignment, process, self.known.hint)
        return replace(
            blank_result, questions=questions, barrier=barrier.name, seconds=round(time.monotonic() - began, 2)
        )

    @cached_property
    def known(self) -> Known:
        """The mistakes that are recognised."""
        return load_known(self.course)

    @cached_property
    def _release_extract(self) -> Extract:
        return extract(self.release, self.course.assignment)

    def _fingerprint(self, paper: Paper) -> str:
        judged = [paper.extract.fingerprint, paper.release.fingerprint, kit_fingerprint(), self.known.fingerprint]
        return hashlib.sha256("\n".join([*judged, *sorted(self.skip)]).encode()).hexdigest()


@lru_cache
def kit_fingerprint() -> str:
    """Of everything that a mark depends on besides the submission: the kit's code and the reference."""
    here = Path(__file__).parent
    code = [*sorted(here.rglob("*.py")), *sorted((here.parent / "solutions").glob("*.py"))]
    return hashlib.sha256(b"\n".join(path.read_bytes() for path in code)).hexdigest()


def result_for(notebook: NotebookNode, assignment_name: str, course_root: Path, student: str) -> SubmissionResult:
    """The result of a repaired notebook: the one that was kept if it was judged before, else judged on the spot."""
    return Marking(Course(course_root, assignment_name)).grade_notebook(notebook, student)


def unclear_result(unclear: Unclear, course: Course) -> SubmissionResult:
    """The result of a student whose submission could not be told."""
    return SubmissionResult(unclear.student, course.name, fault=unclear.reason)


def grade_all(marking: Marking, submissions: Sequence[Submission], jobs: int) -> Iterator[SubmissionResult]:
    """The results of many submissions, as they come, several at once in processes of their own.

    CourseError as soon as one finds the course or the machine unfit.
    """
    _ = marking.release, marking.known  # a fault of the course is better met once, and first
    choose_barrier(marking.unsafe)
    if jobs == 1 or len(submissions) == 1:
        yield from map(marking.grade, submissions)
        return
    # a fresh interpreter each: torch's threads do not survive a fork
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(submissions)), mp_context=context, initializer=_one_thread) as pool:
        futures = [pool.submit(marking.grade, submission) for submission in submissions]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
