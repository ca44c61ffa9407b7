"""What runs in Gradescope's container: the one submission there is marked, and results.json is written."""

import json
import sys
from pathlib import Path
from typing import Any

from autograder.course.folders import Course, Unclear, course_in
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.grading.mark import Marking, mark
from autograder.grading.mend import HandedIn, mend
from autograder.nbgrader.cards import card_outputs
from autograder.platforms.choosing import rank
from autograder.records import QuestionResult, Status, Submission, SubmissionResult, grade_cell

STUDENT = "student"  # who handed in, where Gradescope does not say
METADATA = "submission_metadata.json"


def results_of(course: Course, submission: Path, student: str = STUDENT) -> dict[str, Any]:
    """What Gradescope reads, of the notebook in a folder. CourseError where the course or the machine is unfit."""
    marking = Marking(course)
    result = mark(marking, mend(course, _handed_in(course, submission, student))).result
    if result.fault:
        return {"score": 0, "output": f"This could not be graded. {result.fault}", "visibility": "visible", "tests": []}
    by_hand = sum(course.practical.written.values())
    words = ["Each question is marked by itself: a mistake in one function costs nothing in the next."]
    whole = [question.name for question in course.practical.questions if question.end_to_end]
    words += [f"{name} is the exception: it runs all parts together." for name in whole]
    words += [f"{by_hand:g} further points are given by hand."] * bool(by_hand)
    return {
        "score": result.points,
        "output": " ".join(words),
        "output_format": "text",
        "visibility": "visible",
        "tests": [_test(result, question, number) for number, question in enumerate(result.questions)],
        "extra_data": {
            **{"seconds": result.seconds, "barrier": result.barrier, "inputs": result.inputs},
            "repairs": list(result.repairs),
        },
    }


def student_in(metadata: Path) -> str:
    """Who handed in, by what Gradescope says of it: the student's id, or else the email; of a group, the first one's.

    By this the inputs are drawn: a student meets the same ones each time.
    """
    try:
        users = json.loads(metadata.read_text(encoding="utf-8"))["users"]
        return min(str(user.get("sid") or user["email"]) for user in users)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return STUDENT


def _handed_in(course: Course, folder: Path, student: str) -> HandedIn:
    """The notebook that counts among all files that were handed in."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    shown = [path for path in paths if not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)]
    for ending in (".ipynb", ".py"):
        if usable := [path for path in shown if path.suffix.lower() == ending]:
            return Submission(student, max(usable, key=lambda path: rank(path.name, course.name)))
    names = ", ".join(sorted(path.name for path in shown)[:5]) or "nothing"
    return Unclear(student, f"There is no notebook in what was handed in ({names}). Hand in {course.name}.ipynb.")


def _test(result: SubmissionResult, question: QuestionResult, number: int) -> dict[str, Any]:
    """One question: the findings and the curve, as the feedback shows them."""
    cell = {"grade_id": grade_cell(question.question), "points": question.max_points}
    card = card_outputs(result, cell, () if number else result.repairs)[0]
    return {
        "name": question.question,
        "score": question.points,
        "max_score": question.max_points,
        "status": "passed" if question.status is Status.RIGHT else "failed",
        "output": card.data["text/html"],
        "output_format": "html",
        "visibility": "visible",
    }


def main(home: Path) -> int:
    """Mark what stands in ``submission/``; the exit code. Nothing is written where the course is unfit."""
    try:
        found = results_of(course_in(home / "source/course"), home / "submission", student_in(home / METADATA))
    except CourseError as error:  # Gradescope then says that the autograder failed, and nobody gets a zero
        sys.stderr.write(f"{error.message}\n{error.next_step}\n")
        return 2
    write_atomically(home / "results/results.json", json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
