"""A class of sixty with every fault in it, and a grader that is killed again and again.

    python -m benchmarks.class_of_sixty --students 60 --kills 10

Hands in the faults of tests/hostile, some files that are no notebooks, and right submissions for the rest of the class;
grades it (without training, and so without the gradebook), killing the grader's process group after drawn numbers of
results; then lets it come to its end. Prints what each kind of student got, and whether anybody innocent lost a mark.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from rich.console import Console
from rich.table import Table

from autograder.authoring import read_marked
from autograder.course.practical import load_practical

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from hostile_class import SAC_PLACES, Fault, hand_in, handed_in, load_faults, seated  # noqa: E402 - tests are no package

SAC = load_practical(ROOT, "sac")
LIMITS = "c = get_config()\nc.Limits.seconds_per_ask = 4\nc.Limits.seconds_to_define = 4\n"
NO_NOTEBOOKS: Mapping[str, bytes] = {
    "is empty": b"",
    "is text": b"def f(): pass",
    "is UTF-16": "{}".encode("utf-16"),
    "is half": b'{"cells": [',
    "is another format": b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}',
}
Results = dict[str, dict[str, Any]]


@dataclass
class Class:
    """Who handed in what."""

    course: Path
    hostile: dict[str, list[Fault]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    right: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.hostile) + len(self.broken) + len(self.right)


def make_class(course: Path, students: int) -> Class:
    """A course in that folder, and its class's submissions."""
    for part in ("source", "release", "solutions"):
        shutil.copytree(ROOT / part / "sac", course / part / "sac", ignore=shutil.ignore_patterns("__pycache__"))
    (course / "nbgrader_config.py").write_text(LIMITS, encoding="utf-8")
    marked = read_marked(SAC.source, SAC)
    places = {"course": str(course), "kit": str(ROOT), "port": "9", "secret": "none", "practical": "sac"}
    faults = [fault.at(places) for fault in load_faults().values() if not fault.of_training]
    made = Class(course, seated(faults, SAC_PLACES))
    for student, own in made.hostile.items():
        hand_in(course / "submitted" / student, handed_in(marked, own), own)
    for name, content in NO_NOTEBOOKS.items():
        path = course / "submitted" / name / "sac/sac.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        made.broken.add(name)
    for number in range(max(students - len(made), 0)):
        name = f"right {number:02}"
        path = course / "submitted" / name / "sac/sac.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(marked.fill({}, {}, []), path)
        made.right.add(name)
    return made


def kept(course: Path) -> dict[str, tuple[int, bytes]]:
    """Each result that is kept: when it was written, and what it says."""
    files = (course / "results/sac/students").glob("[!.]*.json")
    return {file.stem: (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


def run(course: Path, jobs: int, until: Callable[[], bool]) -> int:
    """The exit code of a grader that is killed, with its process group, as soon as ``until`` holds."""
    words = ["grade", str(course), "--skip", "training", "--no-gradebook", "--jobs", str(jobs)]
    with tempfile.TemporaryFile() as said:
        command = [sys.executable, "-m", "autograder", *words]
        grader = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)  # noqa: S603 - our own
        while grader.poll() is None:
            if until():
                os.killpg(grader.pid, signal.SIGKILL)
                return grader.wait()
            time.sleep(0.02)
        said.seek(0)
        if grader.returncode > 1:
            raise SystemExit(said.read().decode())
    return grader.returncode


def grade(made: Class, kills: int, jobs: int, draw: random.Random) -> tuple[int, int]:
    """Grade with so many kills; how many took place, and how many results were written more than once."""
    seen: dict[str, tuple[int, bytes]] = {}
    done = again = 0
    for left in range(kills, -1, -1):
        enough = len(seen) + draw.randint(0, 2 * (len(made) - len(seen)) // (left + 1)) if left else len(made) + 1
        code = run(made.course, jobs, lambda enough=enough: len(kept(made.course)) >= enough)  # type: ignore[misc]
        now = kept(made.course)
        again += sum(now.get(name) != entry for name, entry in seen.items())
        seen, done = now, done + (code == -signal.SIGKILL)
    return done, again


def lost(result: dict[str, Any]) -> set[str]:
    """The questions that a student lost marks on."""
    return {item["question"] for item in result["questions"] if item["points"] < item["max_points"]}


def amiss(made: Class, results: Results) -> list[str]:
    """Whoever did not get what is due, in words."""
    found = [f"{name} has no result" for name in {*made.hostile, *made.broken, *made.right} - results.keys()]
    for name, result in results.items():
        due = {question for fault in made.hostile.get(name, []) for question in fault.attacked}
        may = {question for fault in made.hostile.get(name, []) for question in fault.questions}
        if name in made.broken:
            found += [] if result["fault"] and not result["questions"] else [f"{name} was graded"]
        elif result["fault"]:
            found.append(f"{name}: {result['fault']}")
        elif not due <= lost(result) <= may:
            found.append(f"{name} lost {sorted(lost(result))}, and should have lost {sorted(due)}")
    return found


def main() -> int:
    """Run the benchmark; 1 if anything is amiss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = make_class(Path(folder) / "course", given.students)
        began = time.monotonic()
        kills, again = grade(made, given.kills, given.jobs, random.Random(given.seed))  # noqa: S311 - no secret
        minutes = (time.monotonic() - began) / 60
        whole = json.loads((made.course / "results/sac/results.json").read_text(encoding="utf-8"))
    results = {result["student"]: result for result in whole}
    wrong = amiss(made, results)
    faults = sum(map(len, made.hostile.values()))
    table = Table("", "students", "points", title=f"A class of {len(made)}, seed {given.seed}")
    groups = ((f"{faults} faults of tests/hostile", made.hostile), ("no notebook", made.broken), ("right", made.right))
    for words, names in groups:
        points = [results[name]["points"] for name in names if name in results]
        table.add_row(words, str(len(names)), f"{min(points):g} to {max(points):g}" if points else "none")
    console = Console(markup=False)
    console.print(table)
    console.print(f"{minutes:.1f} minutes, {given.jobs} at once; killed {kills} times; {again} results written twice.")
    console.print(*wrong or ["Everybody got what is due."], sep="\n")
    return 1 if wrong or again else 0


if __name__ == "__main__":
    sys.exit(main())
