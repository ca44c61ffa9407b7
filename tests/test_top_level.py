"""What stands at a notebook's top level means what it means in Jupyter, and costs no more than what depends on it."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from nbformat.v4 import new_code_cell
from small_course import cell_of, hand_in, handed_in, run, small_course

HANGS = "while True:\n    try:\n        pass\n    except BaseException:\n        pass\n"
OPEN = "def double(x):\n    y = ...  # YOUR CODE HERE\n    return y"
RIGHT = {  # student -> a cell of their own, and the cell double
    "fails": ("1 / 0\nassert False\nraise SystemExit\nexit()\nquit()\nnowhere.append(1)", ""),
    "ends": ("import os\ngetattr(os, '_exit')(3)\ngetattr(os, 'abort')()", ""),
    "hangs": (f"while True: pass\n{HANGS}", ""),
    "asks": ("name = input('?')\nimport pdb; pdb.set_trace()", ""),
    "table": ("T = {}\nfor k in range(3):\n    T[k] = k", "def double(x): return T[2] * x"),
    "counts": ("N = 0", "def double(x):\n    global N\n    N += 1\n    return 2 * x"),
    "wraps": ("def twice(f): return lambda x: 2 * f(x)", "def double(x): return x\ndouble = twice(double)"),
    "assigns": ("", f"{OPEN}\ndouble = lambda x: 2 * x"),
    "calls": ("", "def make():\n    global double\n    def double(x): return 2 * x\nmake()"),
    "varies": ("", f"{OPEN}\nvars()['double'] = lambda x: 2 * x"),
    "sets": ("", f"{OPEN}\nglobals()['double'] = lambda x: 2 * x"),
    "awaits": ("import asyncio\nasync def two():\n    await asyncio.sleep(0)\n    return 2\nTWO = await two()",
               "def double(x): return TWO * x"),
    "magics": ("%%time\n%%capture\n%time TWO = 2",
               "def double(x):\n    !ls\n    %timeit 1\n    get_ipython().system('ls')\n    return TWO * x"),
    "logs": ("import wandb\nrun = wandb.init()\nT = {}\nfor k in range(3):\n    T[k] = k\n    wandb.log({k: k})",
             "@wandb.trace\ndef double(x):\n    with run as r: r.log(len(wandb.config['x']))\n    return T[2] * x"),
    "logs within": ("import mlflow\nwith (mlflow.start_run() as run,\n      open('a', 'w') as f):\n    TWO = 2\n"
                    "match 1:\n    case 1:\n        run, other = mlflow.a(), 1\n        ONE = 1\n        mlflow.b(\n1)",
                    "def double(x):\n    run.log_metric('x', TWO)\n    return TWO * ONE * x"),
    "logs elsewhere": ("if 1:\n    from comet_ml import Experiment\n    log = Experiment()\nlog = log.sub\n"
                       "*_, (bars,) = log[0].bars()",
                       "def double(x):\n    log.metric(bars.x)\n    return 2 * x"),
    "writes": ("%%time\n%%writefile 'own.py'\n'\\n'\nTWO = 2",
               "from own import TWO\n%run own.py\ndef double(x): return TWO * x"),
    "annotates": ("from __future__ import annotations", "def double(x: nowhere) -> nothing: return 2 * x"),
    "separates": ("", "S = 'a\u2028b\x0cc\x85d'\n\x0c\ndef double(x):\n    # \u2028 x\n    return 2 * x"),
}  # fmt: skip
WRONG = {  # student -> a cell of their own, the cell double, and what is said at that question
    "long": ("T = [len(str(i)) for i in range(10**9)]", "def double(x): return T[0] * x",
             "T is set in cell 3, line 1, which was left out: it takes longer than 0.2 seconds."),
    "late": ("x = 1\nT = str(\n  1 / 0)", "def double(x): return int(T) * x",
             "T is set in cell 3, line 2, which raised ZeroDivisionError: division by zero."),
    "left": ("name = input()\nTWO = name * 2", "def double(x): return TWO * x",
             "name is set in cell 3, line 1, which is not run when code is marked: it waits for an answer."),
    "shows": ("import wandb\nTWO = wandb.init().two", "def double(x): return TWO * x",
              "TWO is set or changed in cell 3, line 2, which is not run when code is marked: it plots or"),
    "config": ("import wandb", "def double(x): return x * wandb.config.two", "'NotRunWhenMarked'"),
    "partly": ("T = []\nT.append(1 / 0)", "def double(x): return T[0] * x",
               "T is set or changed in cell 3, line 2, which raised ZeroDivisionError: division by zero."),
    "newer": ("", "def double(x):\n    return x +* 2\ndef other(x): return 1",
              "double does not parse (cell 3 (double), line 2: invalid syntax, as Python 3."),
    "deep": ("", f"def double(x):\n    return {'+'.join(['x'] * 9_000)}", "cannot be read as Python (RecursionError)"),
}  # fmt: skip


@dataclass(frozen=True)
class Graded:
    """What came of the class, by student."""

    results: dict[str, dict[str, Any]]

    def question(self, student: str, name: str) -> dict[str, Any]:
        """One question's result."""
        return next(each for each in self.results[student]["questions"] if each["question"] == name)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    course = small_course(tmp_path_factory.mktemp("course"))
    for student, (own, double, *_) in (RIGHT | WRONG).items():
        made = handed_in(course)
        cell_of(made, "double").source = double or cell_of(made, "double").source
        if own:
            made.cells.insert(2, new_code_cell(own, id="own"))
        hand_in(course, student, made)
    with (course / "nbgrader_config.py").open("a") as file:
        file.write("\nc.Limits.seconds_per_statement = 0.2\n")
    done = run("grade", "--course", course, "--json", "--jobs", "1", "--no-gradebook")
    return Graded({each["student"]: each for each in json.loads(done.stdout)["results"]})


@pytest.mark.parametrize("student", RIGHT)
def test_what_passes_in_jupyter_keeps_its_marks(graded: Graded, student: str) -> None:
    question = graded.question(student, "double")
    assert question["points"] == question["max_points"], question


@pytest.mark.parametrize("student", WRONG)
def test_where_a_question_suffers_from_it_the_statement_is_named(graded: Graded, student: str) -> None:
    question = graded.question(student, "double")
    assert question["points"] < question["max_points"]
    assert WRONG[student][2] in " ".join([question["remark"], *(each["happened"] for each in question["checks"])])


@pytest.mark.parametrize("student", [*RIGHT, *WRONG])
def test_it_costs_no_other_question(graded: Graded, student: str) -> None:
    question = graded.question(student, "shift")
    assert question["points"] == question["max_points"], question
