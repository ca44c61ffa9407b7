"""The same class, graded by the kit, by stock nbgrader and by otter-grader, all with the kit's checks and training."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import nbformat

from autograder.course.folders import Course
from autograder.course.practical import Question
from autograder.notebook.extraction import extract
from autograder.verification.corpus import Variant, load_corpus, variant_notebook
from benchmarks import other_graders
from benchmarks.other_graders import NAME, PLACES, Points
from benchmarks.scale import course_with
from benchmarks.watching import Used, grading, used_by

JOBS = 2
Figures = Mapping[str, float | str]


def compared(students: int, trained: int, otter: Path | None) -> Iterator[tuple[str, Figures]]:
    """What each grader needs for a class without training, and for another one with it."""
    with tempfile.TemporaryDirectory() as folder:
        program = other_graders.otter_environment((otter or Path(folder) / "otter").absolute())
        for training, number in ((False, students), (True, trained)):
            if number:
                yield from _graded(Path(folder) / f"training {training}", training, number, program)


def _graded(folder: Path, training: bool, number: int, program: Path) -> Iterator[tuple[str, Figures]]:
    course = course_with(folder / "kit", NAME, 0)
    questions = [each for each in course.practical.questions if training or not each.end_to_end]
    texts = _handed_in(course, number)
    stock, other = folder / "nbgrader", folder / "otter"
    other_graders.nbgrader_course(stock, texts, questions)
    other_graders.otter_course(other, texts, questions, program)
    words = () if training else ("--skip", "training", "--no-gradebook")
    used = {
        "this kit": grading(course.root, *words, jobs=JOBS),
        "stock nbgrader": used_by([sys.executable, "-m", "nbgrader", "autograde", NAME], cwd=stock, env=PLACES),
        "otter-grader": used_by(
            [sys.executable, "-m", other_graders.__name__, str(program), str(other), str(JOBS), *texts], env=PLACES
        ),
    }
    marks = {
        "this kit": _points(course, questions),
        "stock nbgrader": other_graders.nbgrader_points(stock, list(texts)),
        "otter-grader": other_graders.otter_points(other, list(texts)),
    }
    ours = used["this kit"]
    for name, each in used.items():
        with_it = "with" if training else "without"
        yield (
            f"{number} submissions {with_it} training: {name}",
            _row(each, ours, number, marks[name], marks["this kit"]),
        )


def _row(used: Used, ours: Used, number: int, marks: Points, right: Points) -> Figures:
    full = sum(points == marks[student][name] for student, given in right.items() for name, points in given.items())
    return {
        "seconds": used.wall,
        "processor seconds": used.processor,
        "processor seconds a submission": used.processor / number,
        "times this kit's seconds": used.wall / ours.wall,
        "times this kit's processor seconds": used.processor / ours.processor,
        "MiB": used.memory,
        "questions with this kit's marks": f"{full} of {sum(map(len, right.values()))}",
    }


def _handed_in(course: Course, number: int) -> dict[str, str]:
    """Hand in so many variants, every other one right; the definitions in each, by student."""
    practical, texts = course.practical, dict[str, str]()
    corpus = load_corpus([practical.folder / "variants"], practical, practical.source)
    kinds = [[each for each in corpus if each.verdict == kind and each.parses] for kind in ("right", "wrong")]
    for place in range(number):
        kind = kinds[place % 2]
        variant: Variant = kind[place * len(kind) // number]
        notebook = variant_notebook(practical.source, practical, variant)
        path = course.submitted / variant.id / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
        texts[variant.id] = "\n\n".join(source for _, source in extract(notebook, practical.long_running).cells)
    return texts


def _points(course: Course, questions: Sequence[Question]) -> Points:
    results = json.loads((course.results / "results.json").read_text(encoding="utf-8"))
    names = {each.name for each in questions}
    return {
        each["student"]: {item["question"]: item["points"] for item in each["questions"] if item["question"] in names}
        for each in results
    }
