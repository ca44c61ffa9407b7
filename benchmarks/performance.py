"""What grading costs: one submission, a mixed class, other graders, a growing class, and SAC itself.

    python -m benchmarks.performance [one] [mixed] [compared] [sizes] [speed] [--json FILE]

runs these parts, or all, and prints one table; the same figures go as JSON to FILE. What is compared is measured in one
run, in turns, so that ratios hold on a machine that does other work as well. What is measured several times is shown by
its median. Processor seconds are those of all processes together.

``compared`` installs otter-grader from the internet, in a folder that --otter can keep for the next run. ``speed`` runs
CleanRL's SAC as well, if --cleanrl names a copy of its repository.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import nbformat
import torch
from rich.console import Console
from rich.table import Table

from autograder.authoring import fill, generate
from autograder.course.folders import Course, course_in
from autograder.course.limits import MIB
from autograder.grading.mark import Marking, mark
from autograder.grading.mend import mend
from autograder.records import Submission
from autograder.verification.corpus import Variant, load_corpus, variant_notebook
from benchmarks import sac_speed
from benchmarks.bare import ROOT, points
from benchmarks.class_compared import compared
from benchmarks.learning_curve import before_the_quick_run
from benchmarks.scale import course_with
from benchmarks.watching import grading, memory_of_tree, processor_of_tree
from solutions.sac.training import NUM_ENVS, PROFILE

NAME = "sac"
JOBS = 2
Figures = Mapping[str, float | str]


def one(rounds: int) -> Iterator[tuple[str, Figures]]:
    """One right submission in a warm grader, and the same work in one process without a sandbox."""
    course = Course(ROOT, NAME)
    questions = course.practical.questions
    long = frozenset(each.name for each in questions if each.end_to_end)
    short = frozenset(each.name for each in questions) - long
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{NAME}.ipynb"
        nbformat.write(fill(course.practical.source, course.practical, {}), path)
        yield "right, without training", graded(path, Marking(course, skip=long), rounds, lambda: bare_checks(short))
        yield "the training question alone", graded(path, Marking(course, skip=short), rounds, bare_training)


def graded(path: Path, marking: Marking, rounds: int, bare: Callable[[], float]) -> Figures:
    """What it takes to grade that submission, and in turns with it what ``bare`` takes."""

    def mark_once() -> None:
        result = mark(marking, mend(marking.course, Submission("anna", path))).result
        assert all(each.points == each.max_points for each in result.questions), result

    found: list[tuple[float, float, float]] = []
    try:
        for number in range(rounds + 1):
            less, began, used = bare(), time.monotonic(), processor_of_tree()
            mark_once()
            wall, used = time.monotonic() - began, processor_of_tree() - used
            found += [(wall, used, less)] if number else []  # at first everything is imported
        with most_memory() as most:
            mark_once()
    finally:
        marking.end_process()
    return one_row(found, most[0])


def one_row(found: Sequence[tuple[float, float, float]], memory: float) -> Figures:
    """The medians of rounds: seconds, processor seconds, and those of the same work without the kit."""
    wall, processor, bare = (statistics.median(column) for column in zip(*found, strict=True))
    return {
        "seconds": wall,
        "processor seconds": processor,
        "of these the same work in one process": bare,
        "the kit's own": statistics.median(used - less for _, used, less in found),
        "as a share of the same work": statistics.median(used / less - 1 for _, used, less in found),
        "MiB": memory,
    }


def bare_checks(names: Collection[str]) -> float:
    """Processor seconds of the hidden checks with the reference's own functions, in this process."""
    began = time.process_time()
    for name in names:
        points(NAME, name)
    return time.process_time() - began


def bare_training() -> float:
    """Processor seconds of the notebook's ``train`` in the judge's settings, in this process and plain pendulums."""
    torch.set_num_threads(1)
    said, _ = before_the_quick_run(NAME)
    settings = said["Hyperparameters"](**{**PROFILE, "seed": 1})
    began = time.process_time()
    with sac_speed.quiet():
        said["train"](said["make_envs"](NUM_ENVS), settings)
    return time.process_time() - began


@contextlib.contextmanager
def most_memory() -> Iterator[list[float]]:
    """The most MiB that this process and those that came of it hold meanwhile; the list has it at the end."""
    done, most = threading.Event(), [0.0]

    def look() -> None:
        while not done.wait(0.05):
            most[0] = max(most[0], memory_of_tree(os.getpid()) / MIB)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        done.set()
        looking.join()


def mixed(students: int) -> Iterator[tuple[str, Figures]]:
    """Submissions from all over the corpus, right and wrong."""
    with tempfile.TemporaryDirectory() as folder:
        course = course_with(Path(folder), NAME, 0)
        practical = course.practical
        corpus = load_corpus([practical.folder / "variants"], practical, practical.source)
        for variant in spread(corpus, students):
            path = course.submitted / variant.id / NAME / f"{NAME}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(variant_notebook(practical.source, practical, variant), path)
        used = grading(course.root, "--skip", "training", "--no-gradebook", jobs=JOBS)
        yield (
            f"{students} of the corpus, without training, {JOBS} at once",
            {
                "seconds": used.wall,
                "processor seconds": used.processor,
                "processor seconds a submission": used.processor / students,
                "cores at work": used.processor / used.wall,
                "MiB": used.memory,
            },
        )


def spread(corpus: Sequence[Variant], wanted: int) -> list[Variant]:
    """So many variants, at even distances."""
    return [corpus[number * len(corpus) // wanted] for number in range(min(wanted, len(corpus)))]


def sizes(classes: Sequence[int]) -> Iterator[tuple[str, Figures]]:
    """Growing classes of right submissions to the practical without its training question, and their publication."""
    for students in classes:
        with tempfile.TemporaryDirectory() as folder:
            course = without_training(Path(folder), students)
            used = grading(course.root, "--no-gradebook", jobs=JOBS)
            published, confirmed = (grading(course.root, *words) for words in ((), ("--no-gradebook",)))
            publishing = published.processor - confirmed.processor
            yield (
                f"a class of {students}, without training, {JOBS} at once",
                {
                    "seconds": used.wall,
                    "processor seconds": used.processor,
                    "processor seconds a submission": used.processor / students,
                    "to publish a submission, processor seconds": publishing / students,
                    "publishing as a share": publishing / used.processor,
                    "MiB": used.memory,
                    "MiB while publishing": published.memory,
                },
            )


def without_training(folder: Path, students: int) -> Course:
    """A course whose practical has no training question; nbgrader's gradebook needs all questions graded."""
    course = course_with(folder, NAME, students)
    contract = folder / f"solutions/{NAME}/practical.toml"
    text = contract.read_text(encoding="utf-8")
    rest, _, question = text.partition("[questions.training]")
    kept = rest + question.partition("\n[")[2]
    points = sum(each.points for each in course.practical.questions if each.end_to_end)
    total = int(next(line for line in text.splitlines() if line.startswith("points = ")).split()[2])
    kept = kept.replace(f"points = {total}", f"points = {total - points:g}", 1)
    contract.write_text(kept, encoding="utf-8")
    (folder / f"solutions/{NAME}/training.py").unlink()
    for path in (course.practical.source_path, *course.submitted.glob("*/*/*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        role = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in notebook["cells"]]
        del notebook["cells"][role.index("check-training")]
        path.write_text(json.dumps(notebook), encoding="utf-8")
    generate(folder, NAME)
    return course_in(folder, NAME)


def speed(rounds: int, steps: int, cleanrl: Path | None) -> Iterator[tuple[str, Figures]]:
    """SAC's full run, against other implementations."""
    for name, found in sac_speed.measured(rounds, steps, cleanrl).items():
        yield f"SAC's steps: {name}", found


def parts(given: argparse.Namespace) -> Iterator[tuple[str, Figures]]:
    """The rows of all parts that are asked for."""
    made: Mapping[str, Callable[[], Iterator[tuple[str, Figures]]]] = {
        "one": lambda: one(given.rounds),
        "mixed": lambda: mixed(given.mixed),
        "compared": lambda: compared(given.students, given.trained, given.otter),
        "sizes": lambda: sizes(given.sizes),
        "speed": lambda: speed(given.rounds, given.steps, given.cleanrl),
    }
    for name in given.part or made:
        yield from made[name]()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=[[], "one", "mixed", "compared", "sizes", "speed"])
    parser.add_argument("--rounds", type=int, default=5, help="of one and speed")
    parser.add_argument("--mixed", type=int, default=40, help="submissions of the mixed class")
    parser.add_argument("--students", type=int, default=10, help="of the class that all graders grade without training")
    parser.add_argument("--trained", type=int, default=8, help="of the class that they grade with it")
    parser.add_argument("--sizes", type=int, nargs="*", default=[50, 200, 1000], help="of the growing class")
    parser.add_argument("--steps", type=int, default=1500, help="of SAC, a round")
    parser.add_argument("--otter", type=Path, help="a folder for otter-grader's environment")
    parser.add_argument("--cleanrl", type=Path, help="a copy of https://github.com/vwxyzjn/cleanrl")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    given = parser.parse_args()
    found = dict[str, Figures]()
    for row, figures in parts(given):
        found[row] = figures
        print(row, dict(figures), file=sys.stderr, flush=True)  # each as soon as it is there
        if given.json:
            given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    Console(markup=False).print(table(found))
    return 0


def table(found: Mapping[str, Figures]) -> Table:
    """All figures, one a row."""
    made = Table("what", "figure", "")
    for row, figures in found.items():
        for place, (name, value) in enumerate(figures.items()):
            shown = value if isinstance(value, str) else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            made.add_row("" if place else row, name, shown, end_section=place == len(figures) - 1)
    return made


if __name__ == "__main__":
    sys.exit(main())
