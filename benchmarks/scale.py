"""What one more submission costs in processor time, in bytes, and in a scheduler's time.

    python -m benchmarks.scale --assignment sac --students 6 --tasks 2000

Grades a class of one and a class of so many right submissions, each by commands of their own, and takes the difference:
so start-up counts for nothing. Compares made-up submissions with each other; and passes tasks of a submission's size
through a scheduler to a worker that does nothing. Prints one table and one JSON object.
"""

import argparse
import asyncio
import json
import multiprocessing
import shutil
import tempfile
import time
import tracemalloc
from multiprocessing.connection import Connection
from pathlib import Path

import nbformat
import numpy as np
from rich.console import Console
from rich.table import Table

from autograder.authoring import fill
from autograder.cluster.parcels import Parcel, digest_of_practical, packed_practical
from autograder.course.folders import Course, course_in
from autograder.grading.mark import Marking
from autograder.likeness.pairs import Bar, Comparison, Places
from benchmarks import watching

ROOT = Path(__file__).resolve().parents[1]
FINGERPRINTS = 4  # of a submission
LINES = 50  # tasks under way at once, as with so many workers
Figures = dict[str, float]


def course_with(folder: Path, name: str, students: int) -> Course:
    """The practical in a course of its own, in which so many students handed in right answers."""
    for part in ("source", "release", "solutions"):
        shutil.copytree(ROOT / part / name, folder / part / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    course = course_in(folder, name)
    text = nbformat.writes(fill(course.practical.source, course.practical, {}))
    for number in range(students):
        path = folder / f"submitted/s{number:05}/{name}/{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return course


def processor_seconds(course: Course, *words: str) -> float:
    """What one run of ``autograder grade`` takes, in all of its processes, the sandboxes' too."""
    return watching.grading(course.root, *words).processor


def grading(name: str, students: int) -> Figures:
    """Processor seconds that one more student costs, step by step."""
    with tempfile.TemporaryDirectory() as folder:
        one, many = (course_with(Path(folder) / str(number), name, number) for number in (1, students))
        long = [f"--skip={each.name}" for each in one.practical.questions if each.end_to_end]
        steps = {
            "graded without the questions end to end": [*long, "--no-gradebook"],
            "graded with all questions": ["--no-gradebook", "--force"],
            "confirmed (nothing has changed)": ["--no-gradebook"],
            "published (gradebook and feedback are new)": [],
        }
        costs = {step: [processor_seconds(each, *words) for each in (one, many)] for step, words in steps.items()}
        found = {step: (most - least) / (students - 1) for step, (least, most) in costs.items()}
        found["published (gradebook and feedback are new)"] -= found["confirmed (nothing has changed)"]
        return found


def sizes(name: str) -> tuple[Figures, bytes, int]:
    """Bytes that travel or are kept for one student, a parcel, and the length of an answer."""
    with tempfile.TemporaryDirectory() as folder:
        course = course_with(Path(folder), name, 1)
        processor_seconds(course)
        practical = packed_practical(Marking(course))
        content = next(course.submitted.glob("*/*/*.ipynb")).read_bytes()
        parcel = Parcel(digest_of_practical(practical), "s00000", f"{name}.ipynb", content).packed()
        kept = sum(path.stat().st_size for path in course.results.glob("*/s00000.*"))
        published = sum(
            path.stat().st_size for part in ("autograded", "feedback") for path in (course.root / part).rglob("*.*")
        )
        gradebook = (course.root / "gradebook.db").stat().st_size
        found: Figures = {
            "the practical, once a worker": len(practical),
            "a submission to a worker": len(parcel),
            "its result back, and kept": kept,
            "autograded notebook and feedback page": published,
            "gradebook with one student": gradebook,
        }
        return found, parcel, kept


def comparing(students: int) -> Figures:
    """The memory that it takes to compare each submission with each, for each of all pairs."""
    draw = np.random.default_rng(0)
    drawn = draw.integers(0, 50 * students, size=(students, FINGERPRINTS))  # most of them rare, as in a class
    places: list[Places] = [{"cell": frozenset(map(int, row))} for row in drawn]
    tracemalloc.start()
    Comparison(places, Bar(0.5, 10.0)).reached()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {f"bytes of memory a pair, in a class of {students:,}": most / students**2}


def schedule(said: Connection) -> None:
    """Be a scheduler; its address is said."""
    from distributed import Scheduler

    async def run() -> None:
        async with Scheduler(host="127.0.0.1", port=0, dashboard_address=":0") as scheduler:
            said.send(scheduler.address)
            await scheduler.finished()

    asyncio.run(run())


def work(address: str) -> None:
    """Be a worker."""
    from distributed import Worker

    async def run() -> None:
        async with Worker(address, nthreads=1, memory_limit=0) as worker:
            await worker.finished()

    asyncio.run(run())


def answered(packed: bytes, size: int) -> bytes:
    """What the worker does: nothing, and returns as many bytes as a result has."""
    return bytes(size if packed else 0)


async def passed(address: str, tasks: int, parcel: bytes, size: int) -> float:
    """How many tasks a second go to a worker and come back, handed out as ``grade --scheduler`` does it."""
    from distributed import Client

    async with Client(address, asynchronous=True, set_as_default=False) as client:
        await client.wait_for_workers(1)
        (worker,) = await client.nthreads()
        left = iter(range(tasks))

        async def hand_out() -> None:
            for number in left:
                await client.submit(answered, parcel, size, key=f"task-{number}", workers=[worker], pure=False)

        began = time.perf_counter()
        await asyncio.gather(*(hand_out() for _ in range(LINES)))
        return tasks / (time.perf_counter() - began)


def tasks_a_second(tasks: int, parcel: bytes, size: int) -> Figures:
    """The same, and the processor time that scheduler and worker have used for each task."""
    context = multiprocessing.get_context("spawn")
    hears, says = context.Pipe(duplex=False)
    scheduler = context.Process(target=schedule, args=(says,))
    scheduler.start()
    address = hears.recv()
    worker = context.Process(target=work, args=(address,))
    worker.start()
    try:
        asyncio.run(passed(address, LINES, parcel, size))  # everything is imported
        before = watching.processor_of(scheduler.pid or 0)
        rate = asyncio.run(passed(address, tasks, parcel, size))
        return {
            "tasks a second": rate,
            "the scheduler's processor seconds a task": (watching.processor_of(scheduler.pid or 0) - before) / tasks,
        }
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.join()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assignment", default="sac")
    parser.add_argument("--students", type=int, default=6)
    parser.add_argument("--tasks", type=int, default=2000)
    given = parser.parse_args()
    bytes_of, parcel, answer = sizes(given.assignment)
    found = {
        "processor seconds a student": grading(given.assignment, given.students),
        "bytes": bytes_of,
        "the comparison of submissions": comparing(4000),
        "the scheduler": tasks_a_second(given.tasks, parcel, answer),
    }
    table = Table("", "", title=f"One more student of {given.assignment}")
    for part, figures in found.items():
        table.add_row(part, "")
        for words, figure in figures.items():
            table.add_row(f"  {words}", f"{figure:,.4g}" if figure < 1000 else f"{figure:,.0f}")
    Console(markup=False).print(table)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
