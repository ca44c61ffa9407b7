"""The same class, graded by the kit, by stock nbgrader and by otter-grader, all with the kit's checks and training."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
KIT = "this kit"
Figures = Mapping[str, float | str]


def compared(students: int, trained: int, otter: Path | None) -> Iterator[tuple[str, Figures]]:
    """What each grader needs for a class without training and for another one with it; none of less than two."""
    with tempfile.TemporaryDirectory() as folder:
        program = other_graders.otter_environment((otter or Path(folder) / "otter").absolute())
        for words, number in (("without", students), ("with", trained)):
            if number < 2:
                continue
            few, many = (graded(Path(folder) / f"{words} {n}", words == "with", n, program) for n in (1, number))
            for name, found in many.items():
                row = _row(found, many[KIT], few[name].used, few[KIT].used)
                yield f"{number} submissions {words} training: {name}", row


@dataclass(frozen=True)
class Graded:
    """A class, graded: what it took, and everyone's marks."""

    used: Used
    marks: Points


def graded(folder: Path, training: bool, number: int, program: Path) -> dict[str, Graded]:
    """The same class, graded by each grader, by its name."""
    course = course_with(folder / "kit", NAME, 0)
    questions = [each for each in course.practical.questions if training or not each.end_to_end]
    texts = _handed_in(course, number)
    students, stock, other = list(texts), folder / "nbgrader", folder / "otter"
    other_graders.nbgrader_course(stock, texts, questions)
    other_graders.otter_course(other, texts, questions, program)
    kit = grading(course.root, *(() if training else ("--skip", "training", "--no-gradebook")), jobs=JOBS)
    nbgrader = used_by([sys.executable, "-m", "nbgrader", "autograde", NAME], cwd=stock, env=PLACES)
    words = [sys.executable, "-m", other_graders.__name__, str(program), str(other), str(JOBS), *students]
    otter = used_by(words, env=PLACES)
    return {
        KIT: Graded(kit, _points(course, questions)),
        "stock nbgrader": Graded(nbgrader, other_graders.nbgrader_points(stock, students)),
        "otter-grader": Graded(otter, other_graders.otter_points(other, students)),
    }


def _row(found: Graded, kit: Graded, one: Used, one_of_kit: Used) -> Figures:
    used, number = found.used, len(kit.marks)
    same = sum(points == found.marks[name][each] for name, given in kit.marks.items() for each, points in given.items())
    more, more_of_kit = (
        (many.processor - few.processor) / (number - 1) for many, few in ((used, one), (kit.used, one_of_kit))
    )
    return {
        "seconds": used.wall,
        "processor seconds": used.processor,
        "times this kit's": used.processor / kit.used.processor,
        "processor seconds for one more submission": more,
        "times this kit's for one more": more / more_of_kit,
        "MiB": used.memory,
        "questions with this kit's marks": f"{same} of {sum(map(len, kit.marks.values()))}",
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
