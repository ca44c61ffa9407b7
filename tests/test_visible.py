"""The check cells that students see are tried on the corpus: verify --visible says where verdicts differ."""

import json
import re
from pathlib import Path

from small_course import CORPUS, cell, notebook, run, small_course

ODD = """
[[variant]]
id = "ends-the-process"
verdict = "wrong"
summary = "ends the process"
fills = { "double.body" = "__import__('os')._exit(0)" }
loses = ["double"]

[[variant]]
id = "magics"
verdict = "right"
summary = "a line for the shell in a cell of its own, and a global counter"
extra_cells = ['''
!touch written-by-the-shell
CALLS = []''']
fills = { "double.body" = "CALLS.append(x) or 2 * x" }

[[variant]]
id = "fails-on-the-way"
verdict = "right"
summary = "a line above the function fails, and a notebook runs no further"
cells = { double = '''
1 / 0
def double(x):
    return 2 * x''' }

[[variant]]
id = "uses-what-is-given"
verdict = "right"
summary = "reads a name that the cell of a run sets, and asks for plots in a window"
fills = { "double.body" = "get_ipython().run_line_magic('matplotlib', 'inline') or FACTOR * x" }

[[variant]]
id = "noisy"
verdict = "right"
summary = "prints much"
fills = { "double.body" = "print('points' * 10**5) or 2 * x" }
"""
DOUBLE = 'assert double(1) == 2, "Twice one is two."'
SHIFT = 'assert abs(shift(1)) <= 2, "Too far."'  # lets a wrong one pass
# refuses a right one
STRICT = 'import inspect\nassert "* x" in inspect.getsource(double), "Not written like the solution."'


def found(course: Path, code: int = 0) -> dict[str, dict[str, dict[str, int]]]:
    done = run("verify", "--course", course, "--jobs", "1", "--visible", "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def course_of(folder: Path, **checks: str) -> Path:
    made = notebook(points=2, **checks)
    made.cells.insert(2, cell("code", "run", "FACTOR = 2\ntime.sleep(1000)"))  # of which only what is short is run
    return small_course(folder / "my course", made, files={"variants/all.toml": CORPUS + ODD})


def test_wrong_variants_that_pass_are_counted_question_by_question(tmp_path: Path) -> None:
    course = course_of(tmp_path, check_double=DOUBLE, check_shift=SHIFT)
    agreement = found(course)
    assert agreement["figures"] == {
        "wrong, and pass all visible checks": {"count": 1, "total": 3},
        "right, and refused by a visible check": {"count": 0, "total": 5},
        "right, but a notebook stops in their own cells": {"count": 1, "total": 5},
    }
    assert agreement["per_question"] == {
        "double": {"wrong": 2, "pass": 0, "right refused": 0},
        "shift": {"wrong": 1, "pass": 1, "right refused": 0},
    }
    assert "Twice one is two." in str(agreement["variants"]["triples"]["double"])
    assert not list(course.rglob("written-by-the-shell"))
    assert not Path("written-by-the-shell").exists()


def test_a_right_variant_that_is_refused_is_named_with_what_it_was_shown(tmp_path: Path) -> None:
    course = course_of(tmp_path, check_double=STRICT, check_shift=SHIFT)
    assert found(course, code=1)["figures"]["right, and refused by a visible check"]["count"] == 1
    done = run("verify", "--course", course, "--jobs", "2", "--visible")
    words = re.sub(r"\s+", " ", done.stdout)
    assert "all.toml: adds is right, and refused: double: " in words
    assert "Not written like the solution." in words
    assert "shifts-down passes: subtracts" in words


def test_a_check_cell_that_the_source_s_own_solutions_fail_is_a_fault_of_the_course(tmp_path: Path) -> None:
    course = course_of(tmp_path, check_shift="assert shift(1) == 3")
    done = run("verify", "--course", course, "--visible")
    assert done.exit_code == 2
    assert "do not pass its visible check cell 'shift'" in re.sub(r"\s+", " ", done.stderr)
