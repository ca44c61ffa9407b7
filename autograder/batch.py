"""From a submission on disk to its result, one at a time or a whole class at once."""

import hashlib
import json
import shlex
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from nbformat import NotebookNode

from autograder.assignment import Assignment
from autograder.authoring import blank, read_source, strip_mark_schemes
from autograder.course import Course, Unclear
from autograder.errors import CourseError, file_fault, of_the_machine
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
from autograder.workers import done_by_workers


@dataclass(frozen=True)
class Marking:
    """How a course's submissions are marked."""

    course: Course
    unsafe: bool = False  # without a sandbox
    skip: frozenset[str] = frozenset()  # questions that are left out
    kept_in: Path | None = None  # where results are kept, if not among the course's own
    force: bool = False  # although nothing changed
    anew: frozenset[str] = frozenset()  # the questions to ask anew; the others keep their marks

    def __post_init__(self) -> None:
        """CourseError on an assignment or a question that is unknown, and on limits that cannot be."""
        known, _ = self.course.assignment, self.limits
        for name in sorted(self.skip | self.anew):
            known.question(name)
        if both := sorted(self.skip & self.anew):
            raise CourseError(f"{both[0]} is to be both left out and asked anew.", "Drop --skip or --question.")

    @property
    def assignment(self) -> Assignment:
        """The assignment without the questions that are left out."""
        asked = tuple(item for item in self.course.assignment.questions if item.name not in self.skip)
        return replace(self.course.assignment, questions=asked)

    @property
    def limits(self) -> Limits:
        """What submissions may hold and use, as the course sets it."""
        return self.course.limits

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
        except Exception as error:  # whatever one submission brings about must not stop the others
            if isinstance(error, OSError) and of_the_machine(error):
                raise file_fault(error) from error
            fault = f"{submission.path.name} cannot be graded ({type(error).__name__}: {error}). Look at it by hand."
        return SubmissionResult(submission.student, self.course.name, fault=fault)

    def _grade(self, submission: Submission) -> SubmissionResult:
        try:
            notebook = read_notebook(submission.path, self.limits.largest_notebook)
        except NotANotebookError as error:
            return SubmissionResult(submission.student, self.course.name, fault=str(error))
        except OSError as error:
            fault = f"{submission.path.name} cannot be read: {error.strerror}. Look at the file's rights."
            return SubmissionResult(submission.student, self.course.name, fault=fault)
        mended, repairs = repair(notebook, self.release, self.course.assignment)
        notes = [submission.note] if submission.note else []
        return self.grade_notebook(mended, submission.student, (*notes, *repairs))

    def grade_notebook(self, mended: NotebookNode, student: str, repairs: Sequence[str] = ()) -> SubmissionResult:
        """The result of a notebook that was repaired already; the one kept from before if nothing has changed since."""
        paper = self.paper(mended)
        fresh = SubmissionResult(student, self.course.name, (), tuple(repairs), "", "", self._fingerprint(paper))
        before = kept(self.kept_in or self.course.results, student)
        if before is None or not self._counts(before, fresh):
            return self._judge(paper, fresh, self.assignment)
        before = replace(before, repairs=tuple(repairs) or before.repairs)
        if self.anew:
            return self._ask_anew(paper, before)
        if self.force or before.fingerprint != fresh.fingerprint:
            return self._judge(paper, fresh, self.assignment)
        return before

    def _counts(self, before: SubmissionResult, fresh: SubmissionResult) -> bool:
        """Whether a kept result is of the same submission and the same questions, and may be built on.

        One that was found without a sandbox counts only where that is asked for.
        """
        trusted = self.unsafe or before.barrier != NoBarrier.name
        of_same = before.fingerprint.split(":")[0] == fresh.fingerprint.split(":")[0]
        asked = [question.name for question in self.assignment.questions]
        complete = [question.question for question in before.questions] == asked
        return of_same and complete and trusted and not before.fault

    def _ask_anew(self, paper: Paper, before: SubmissionResult) -> SubmissionResult:
        """The result with some questions asked anew.

        It keeps its fingerprint: where the others were marked by an older kit, they are not up to date now either.
        """
        asked = tuple(item for item in self.assignment.questions if item.name in self.anew)
        found = self._judge(paper, before, replace(self.assignment, questions=asked))
        fresh = {question.question: question for question in found.questions}
        return replace(found, questions=tuple(fresh.get(item.question, item) for item in before.questions))

    def paper(self, mended: NotebookNode) -> Paper:
        """A repaired notebook, ready to be judged."""
        return Paper(extract(mended, self.course.assignment, self.limits), self._release_extract)

    def _judge(self, paper: Paper, result: SubmissionResult, assignment: Assignment) -> SubmissionResult:
        """The result with what these questions earn now in place of its questions."""
        began = time.monotonic()
        barrier = choose_barrier(self.unsafe)
        with student_process(paper, assignment, barrier, self.limits) as process:
            questions = judge(paper, assignment, process, self.known.hint)
        seconds = round(time.monotonic() - began, 2)
        result = replace(result, barrier=barrier.name, weaknesses=barrier.weaknesses)
        return replace(result, questions=questions, seconds=seconds)

    @cached_property
    def known(self) -> Known:
        """The mistakes that are recognised."""
        return load_known(self.course)

    @cached_property
    def _release_extract(self) -> Extract:
        return extract(self.release, self.course.assignment)

    def _fingerprint(self, paper: Paper) -> str:
        """Of the submission, a colon, and of everything else that a mark depends on."""
        others = [paper.release.fingerprint, kit_fingerprint(), self.known.fingerprint]
        text = "\n".join([*others, json.dumps(asdict(self.limits)), *sorted(self.skip)])
        return f"{paper.extract.fingerprint}:{hashlib.sha256(text.encode()).hexdigest()}"


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


@dataclass(frozen=True)
class Lost:
    """A student whose grading the machine did not survive: nothing was found out, and nothing is to be marked."""

    student: str
    reason: str


def check_fit(marking: Marking) -> None:
    """CourseError if the course or the machine is unfit for grading, which is better met once, and first."""
    _ = marking.release, marking.known
    choose_barrier(marking.unsafe)


def grade_all(marking: Marking, submissions: Sequence[Submission], jobs: int) -> Generator[SubmissionResult | Lost]:
    """The results of many submissions, as they come, several at once in processes of their own.

    CourseError as soon as one finds the course or the machine unfit. Close the iterator if it is left early.
    """
    check_fit(marking)
    if jobs == 1 or len(submissions) == 1:
        yield from map(marking.grade, submissions)
        return
    for _, result in done_by_workers(marking.grade, submissions, jobs, lost):
        yield result


def lost(submission: Submission) -> Lost:
    """What there is to say where the grading process was killed from outside, twice."""
    return Lost(
        submission.student,
        "The process that graded this submission was killed twice, most often because the machine ran out of memory. "
        "What was kept before stays. Grade it again with fewer at once: "
        f"--student {shlex.quote(submission.student)} --jobs 1",
    )
