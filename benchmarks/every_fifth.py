"""A class in which every fifth student hands in what is long to read, mend or render, against the class without them.

    python -m benchmarks.every_fifth --students 60

The attackers take turns with the submissions of ``benchmarks.trusted_side`` and the kinds of text of
``benchmarks.reading``, at the largest size that is allowed. Both classes of the tests' small practical are graded and
published whole. Says whether everyone else got all points and a feedback page, and what either class took.
Exit code 1 if somebody did not, or if a process of the grader's own held more memory than it may.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from autograder.course.folders import course_in
from benchmarks.reading import KINDS, submission
from benchmarks.trusted_side import MOST_MEMORY, RIGHT, SUBMISSIONS
from benchmarks.watching import Used, grading

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from small_course import NAME, hand_in, handed_in, small_course

PATIENT = "c.Limits.time_factor = 3\n"  # who shares the machine with others


def attacks(root: Path, wanted: int) -> Iterator[str]:
    """So many files, from all over both lists."""
    course = course_in(root, NAME)
    for number in range(wanted):
        if number % 2:
            yield submission(course, list(KINDS)[number * len(KINDS) // wanted], 1.0).decode()
        else:
            notebook = json.loads(json.dumps(handed_in(root, answer=f"The answer of attacker {number}.")))
            text = SUBMISSIONS[number * len(SUBMISSIONS) // wanted].edit(notebook)
            yield json.dumps(notebook) if text is None else text


def made(root: Path, students: int, attacked: bool) -> list[str]:
    """Hand in; the students who attack nothing."""
    small_course(root)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(PATIENT)
    honest = [f"student {number:03}" for number in range(students) if number % 5 != 4]
    for name in honest:
        hand_in(root, name, answer=f"The answer of {name}, in words of their own.")
    for number, text in enumerate(attacks(root, students // 5 if attacked else 0)):
        hand_in(root, f"student {5 * number + 4:03}", text)
    return honest


def amiss(root: Path, honest: list[str]) -> list[str]:
    """Who of these students has not got all points, or no feedback page."""
    said = json.loads((root / "results" / NAME / "results.json").read_text(encoding="utf-8"))
    points = {each["student"]: each["points"] for each in said}
    return [
        name
        for name in honest
        if points.get(name) != RIGHT or not (root / "feedback" / name / NAME / f"{NAME}.html").exists()
    ]


def main() -> int:
    """Grade both classes and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    used: dict[str, Used] = {}
    wrong: list[str] = []
    print("| class | seconds | processor seconds | MiB, the grader's largest process | MiB, all processes |")
    print("|---|---|---|---|---|")
    for words, attacked in (("every fifth attacks", True), ("the others alone", False)):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "course"
            honest = made(root, given.students, attacked)
            found = used[words] = grading(root, jobs=given.jobs)
            wrong += amiss(root, honest)
        print(f"| {words} | {found.wall:.0f} | {found.processor:.0f} | {found.largest:.0f} | {found.memory:.0f} |")
    too_much = max(each.largest for each in used.values()) > MOST_MEMORY
    print(f"\n{len(honest)} students attack nothing; of these not at their marks: {', '.join(wrong) or 'none'}.")
    return 1 if wrong or too_much else 0


if __name__ == "__main__":
    sys.exit(main())
