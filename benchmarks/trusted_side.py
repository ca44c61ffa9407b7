"""Attacks on the grader's own stages: what reads, mends, takes apart, compares, renders, collects and reports.

    python -m benchmarks.trusted_side [--barrier bubblewrap | confined]

One class of the small practical hands all of them in, between two students whose answers are right; it is graded with
gradebook, feedback and likeness, and reported. Zips, rosters and parcels are tried one by one. Prints what came of
each, and the most memory that a process held. Exit code 1 if anything did not hold.
"""

import argparse
import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.cluster.parcels import Parcel, unpacked
from autograder.course.roster import read_roster
from autograder.errors import CourseError
from autograder.platforms.archives import Archive, UnpackError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from small_course import NAME, hand_in, handed_in, run, small_course

Notebook = dict[str, Any]
RIGHT, MOST_MEMORY = 5, 700  # points, MiB of one process


@dataclass(frozen=True)
class Attack:
    """One submission: ``edit`` changes a right one, or gives another file's text. ``told`` must be said of it."""

    stage: str
    does: str
    edit: Callable[[Notebook], str | None]
    points: float = RIGHT
    told: str = ""


@dataclass(frozen=True)
class Trial:
    """One file that the kit is given by others; ``holds`` says what came of it, AssertionError if it did harm."""

    stage: str
    does: str
    holds: Callable[[Path], str]


def cell(notebook: Notebook, name: str) -> dict[str, Any]:
    """The cell of that id."""
    return next(each for each in notebook["cells"] if each["id"] == name)


def own(notebook: Notebook, *sources: str, kind: str = "code") -> None:
    """Add cells of the student's own at the end."""
    rest: dict[str, Any] = {"outputs": [], "execution_count": None} if kind == "code" else {}
    notebook["cells"] += [
        {"cell_type": kind, "id": f"own{n}", "metadata": {}, "source": text, **rest} for n, text in enumerate(sources)
    ]


def long_number(notebook: Notebook) -> str:
    """A number of a million digits, which takes Python hours to read as one."""
    return json.dumps(notebook).replace('"nbformat": 4', f'"nbformat": {"4" * 1_000_000}', 1)


def repeated_keys(notebook: Notebook) -> str:
    """A million times the key "cells"; the last one holds what was handed in."""
    return "{" + '"cells": [],' * 1_000_000 + json.dumps(notebook)[1:]


def halves_and_nulls(notebook: Notebook) -> None:
    """Halves of surrogate pairs and null characters in every field."""
    cell(notebook, "prose")["source"] = cell(notebook, "why")["source"] = "\ud800\x00\udfff"
    notebook["metadata"]["\ud800"] = cell(notebook, "prose")["metadata"]["tags"] = ["\udc80\x00"]
    own(notebook, "\ud800 = 1", "x = '\x00'")


def ids_that_are_no_ids(notebook: Notebook) -> None:
    """Ids that are tables, numbers and texts of a megabyte."""
    own(notebook, "1", "2", "3")
    for each, name in zip(notebook["cells"][-3:], ({"a": []}, 7, "i" * 1_000_000), strict=True):
        each["id"] = name


def claims_the_grade_cell(notebook: Notebook) -> None:
    """A cell that says it is the test cell, worth a billion points, before the real one."""
    role = {"grade_id": "check-double", "grade": True, "locked": False, "points": 1e9, "solution": False}
    copy = {**cell(notebook, "check-double"), "id": "mine", "source": "10**9", "metadata": {"nbgrader": role}}
    notebook["cells"].insert(0, copy)


def nearly_the_release(notebook: Notebook) -> None:
    """Nine hundred cells that each resemble every cell of the release."""
    texts = "\n".join(str(each["source"]) for each in notebook["cells"])
    own(notebook, *(f"{texts}\n# {number}"[:400] for number in range(900)))


def merged_again_and_again(notebook: Notebook) -> None:
    """All cells merged into one, fifty times over."""
    texts = "\n\n".join(str(each["source"]) for each in notebook["cells"] if each["cell_type"] == "code")
    own(notebook, *[texts] * 50)


def nested_functions(notebook: Notebook) -> None:
    """Ninety functions in one another, and two thousand names for the outermost."""
    lines = [" " * depth + f"def f{depth}(a={depth}):" for depth in range(90)]
    own(notebook, "\n".join([*lines, " " * 90 + "return double"] + [f"g{n} = f0" for n in range(2_000)]))


def stars_of_everything(notebook: Notebook) -> None:
    """A thousand imports of everything, and as many of names that are not there."""
    own(notebook, "\n".join(f"from nowhere{n} import *\nimport a{n}.b{n}.c{n} as d{n}" for n in range(1_000)))


def other_spelling(notebook: Notebook) -> None:
    """The function's name in letters that Python takes for the same."""
    cell(notebook, "double")["source"] = "def ｄｏｕｂｌｅ(x):\n    y = 2 * x\n    return y"  # noqa: RUF001 - meant


def a_constant_that_is_long(notebook: Notebook) -> None:
    """A constant of five thousand digits, which no program prints."""
    own(notebook, f"BIG = 0x{'f' * 5_000}\nSMALL = -BIG ** -BIG")


def thousands_of_small_functions(notebook: Notebook) -> None:
    """Functions by the thousand, each unlike the others, that hide what was copied."""
    own(notebook, "\n".join(f"def h{n}(x): return x[{n}] + {n} * {n * n}" for n in range(3_000)))


def brackets_in_brackets(notebook: Notebook) -> None:
    """Fifty thousand brackets that may each begin a link."""
    cell(notebook, "why")["source"] = "![" * 12_000 + "](" * 12_000


def quotes_in_quotes(notebook: Notebook) -> None:
    """Block quotes and lists that are nested as deep as a line is long."""
    cell(notebook, "why")["source"] = ">" * 10_000 + "x\n" + "- " * 10_000 + "y"


def rows_of_ticks(notebook: Notebook) -> None:
    """Runs of back ticks, each longer than the last, so that none is closed; and as many dollars."""
    cell(notebook, "why")["source"] = " ".join("`" * n for n in range(1, 280)) + "$" * 5_000 + " $" * 5_000


def a_wide_table(notebook: Notebook) -> None:
    """A table of two thousand columns, and stars and lines that may begin emphasis."""
    cell(notebook, "why")["source"] = "|a" * 2_000 + "|\n" + "|-" * 2_000 + "|\n\n" + "*_" * 10_000 + "a"


SUBMISSIONS = (
    Attack("reading", "a number of a million digits in the file", long_number, 0, "a number of too many digits"),
    Attack("reading", "a million times the same key in the file", repeated_keys),
    Attack("reading", "halves of surrogate pairs and null characters in every field", halves_and_nulls),
    Attack("reading", "ids that are tables, numbers, and a megabyte long", ids_that_are_no_ids),
    Attack("mending", "a cell that claims to be the test cell, worth a billion points", claims_the_grade_cell),
    Attack("mending", "900 cells that each resemble all cells of the release", nearly_the_release),
    Attack("mending", "all cells merged into one, fifty times over", merged_again_and_again),
    Attack("extraction", "90 functions in one another, and 2,000 names for them", nested_functions),
    Attack("extraction", "1,000 imports of everything from nowhere", stars_of_everything),
    Attack("extraction", "the function's name in full-width letters (the same name to Python)", other_spelling),
    Attack("likeness", "a constant of 5,000 digits that no program prints", a_constant_that_is_long),
    Attack("likeness", "3,000 small functions, each unlike the others", thousands_of_small_functions),
    Attack("rendering", "24,000 brackets that may begin a link", brackets_in_brackets),
    Attack("rendering", "quotes and lists nested 10,000 deep", quotes_in_quotes),
    Attack("rendering", "280 runs of back ticks that no other closes, and 10,000 dollars", rows_of_ticks),
    Attack("rendering", "a table of 2,000 columns and 20,000 marks of emphasis", a_wide_table),
)


def packed(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    """A zip at that path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for info, content in members:
            file.writestr(info, content)
    return path


def refused(path: Path) -> str:
    """Why what a student packed, in a class's zip, is refused."""
    archive = Archive(packed(path.with_name("class.zip"), (f"a/{path.name}", path.read_bytes())))
    try:
        for member in archive.inside(archive.members()[0]):
            archive.content(member)
    except UnpackError as error:
        return str(error)
    raise AssertionError(f"{path} was unpacked")


def one_member_many_times(folder: Path) -> str:
    """A zip whose list names one member of a megabyte 400 times."""
    path = packed(folder / "again.zip", ("hw-1.ipynb", os.urandom(2**20)))
    content, count = path.read_bytes(), 400
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    sizes = count.to_bytes(2, "little") * 2 + ((end - start) * count).to_bytes(4, "little")
    path.write_bytes(
        content[:start] + content[start:end] * count + content[end : end + 8] + sizes + content[end + 16 :]
    )
    return refused(path)


def says_that_it_is_small(folder: Path) -> str:
    """A member whose header says 10 bytes and that unpacks to 16 MiB."""
    path = packed(folder / "small.zip", ("hw-1.ipynb", bytes(2**24)))
    content = path.read_bytes()
    path.write_bytes(content.replace((2**24).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    return refused(path)


def ids_that_lead_elsewhere(folder: Path) -> str:
    """Rosters whose ids are paths, hidden names, turned text, or endless."""
    said = []
    for name in ("../../etc", ".git", "a\u202eb", "x" * 5_000, "a\x00b", "__pycache__", "a\\..\\b"):
        path = folder / "roster.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["id", "first name"], [name, "=cmd|' /C calc'!A0"]])
        try:
            read_roster(path)
        except CourseError as error:
            said.append(str(error))
    assert len(said) == 7
    return "every one is refused, with its line"


def formulas_for_any_separator(folder: Path) -> str:
    """Names that are formulas behind every separator, in the tables that the kit writes."""
    root = small_course(folder / "formulas")
    names = [f"a{sign}=1+1" for sign in (",", ";", "\t", "|", "\n", '"', '";')] + ["=1", "+1", "-1", "@a", "\t=1"]
    for name in names:
        hand_in(root, name, "no notebook")
    run("grade", "--course", root, "--no-gradebook", "--jobs", "1")
    text = (root / "results" / NAME / "results.csv").read_text(encoding="utf-8")
    for separator in ",;\t|":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            assert not [field for field in row if field.lstrip('" ').startswith(("=", "+", "@"))], separator
    return f"no field of {len(names)} students begins a formula"


def parcels_of_odd_names(_: Path) -> str:
    """Names that are no text and contents that are messages themselves go to a worker and come back as they are."""
    parcel = Parcel("d" * 32, "a\udce9/../b", "caf\udce9.ipynb", Parcel("e", "eve", "x", b"y").packed() * 100)
    assert unpacked(parcel.packed()) == parcel
    return "as it was"


TRIALS = (
    Trial("collecting", "a zip whose list names one member of a megabyte 400 times", one_member_many_times),
    Trial("collecting", "a member that says it has 10 bytes and unpacks to 16 MiB", says_that_it_is_small),
    Trial("roster", "ids that are paths, hidden, turned round or endless", ids_that_lead_elsewhere),
    Trial("tables", "names that are formulas, behind every separator", formulas_for_any_separator),
    Trial("cluster", "a parcel of names that are no text, full of other parcels", parcels_of_odd_names),
)


def make_class(root: Path) -> dict[str, Attack]:
    """Hand everything in; the attackers by name."""
    small_course(root)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write("c.Limits.time_factor = 3\n")  # who shares the machine with others
    hand_in(root, "anna")
    hand_in(root, "zoe", answer="Another answer, of zoe's own.")
    attackers = {f"eve {number:02}": attack for number, attack in enumerate(SUBMISSIONS, start=1)}
    for name, attack in attackers.items():
        notebook = json.loads(json.dumps(handed_in(root, answer=f"The answer of {name}.")))
        text = attack.edit(notebook)
        hand_in(root, name, json.dumps(notebook) if text is None else text)
    return attackers


def amiss(root: Path, attackers: dict[str, Attack], said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What came of each attacker, and what is wrong with it, if anything."""
    results = {result["student"]: result for result in said["results"]}
    for name in ("anna", "zoe"):
        assert results[name]["points"] == RIGHT, f"{name}: {results[name]}"
    for name, attack in attackers.items():
        result, why = results[name], said["unpublished"].get(name, "")
        page = (root / "feedback" / name / NAME / f"{NAME}.html").exists()
        outcome = result["fault"] or f"{result['points']:g} of {result['max_points']}"
        outcome += f"; {why}" if why else ""
        held = (result["points"], attack.told in outcome, page, why) == (attack.points, True, True, "")
        yield outcome, "" if held else f"{name} ({attack.does}): {outcome}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--barrier", default="")
    given = parser.parse_args()
    wrong: list[str] = []
    print("| stage | attack | what came of it |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for trial in TRIALS:
            print(f"| {trial.stage} | {trial.does} | {trial.holds(Path(folder))} |")
        root = Path(folder) / "course"
        attackers = make_class(root)
        environment = {**os.environ, **({"AUTOGRADER_BARRIER": given.barrier} if given.barrier else {})}
        command = [sys.executable, "-m", "autograder", "grade", str(root), "--jobs", "1", "--json"]
        began = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
        seconds = time.monotonic() - began
        if done.returncode > 1:
            raise SystemExit(done.stderr)
        for attack, (outcome, fault) in zip(SUBMISSIONS, amiss(root, attackers, json.loads(done.stdout)), strict=True):
            print(f"| {attack.stage} | {attack.does} | {outcome} |")
            wrong += [fault] if fault else []
        if run("report", "--course", root).exit_code:
            wrong.append("there is no report")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    count = len(SUBMISSIONS) + len(TRIALS)
    print(f"\n{count} attacks; {seconds:.0f} s for the class; {most:.0f} MiB at most in a process.")
    wrong += [f"a process held {most:.0f} MiB"] if most > MOST_MEMORY else []
    print(*(wrong or ["All held."]), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
