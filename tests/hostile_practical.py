"""A small NumPy practical that most hostile submissions are handed in with: asking all of it takes a moment."""

from pathlib import Path

from hostile_class import Place
from nbformat.v4 import new_notebook
from small_course import GRADE, cell, small_course

NAME = "numbers"
FORMULAS = {
    "double": "2 * x",
    "halve": "x / 2",
    "square": "x**2",
    "cube": "x**3",
    "negate": "-x",
    "shift": "x + 1",
    "lower": "x - 1",
    "order": "np.sort(x)",
    "turn": "x[::-1].copy()",
}
WALK = """
def walk(env):
    env.reset()
    total = sum(env.step() for _ in range(9))  ### SOLUTION walk.body
    return total
""".strip()
PLACES = (*(Place(name, name) for name in FORMULAS), Place("walk", "walk", talks=True))
CONTRACT = "kit = 2\n\n[questions]\n" + "".join(f'{place.question} = "{place.function}"\n' for place in PLACES)
PROBES = """
class Steps:
    def __init__(self, stage):
        self.unwrapped, self.session = self, stage
    def reset(self):
        self.session.ask_judge("reset")
    def step(self):
        return self.session.ask_judge("step")["pays"]
""".lstrip()
BEGINNING = '''
"""Hidden checks."""

import numpy as np

from autograder.judging import Refused, Scene, array, call, check, expect_close, thing


class Walk:
    """Nine steps; the next pays one more."""

    def __init__(self):
        self.steps = 0

    def __call__(self, verb, values):
        if verb == "reset":
            self.steps = 0
        elif verb != "step" or self.steps == 9:
            raise Refused("nine steps are taken, after a reset")
        else:
            self.steps += 1
        return {"pays": float(self.steps)}


@check("walk", look_at="the sum")
def what_the_steps_pay_is_added_up(exam):
    """The sum of what nine steps pay comes back."""
    answer = exam.play(Scene({"env": thing("Steps")}, call("walk", "env")), handler=Walk)
    expect_close(answer.step(0).number("returned", "the sum"), 45.0, "the sum")


def compare(exam, function, numbers):
    scene = Scene({"x": array(numbers)}, call(function, "x"))
    theirs, right = (each.step(0) for each in (exam.play(scene), exam.right(scene)))
    expect_close(theirs.array("returned", (2,), "it"), right.array("returned", (2,), "it"), "numbers")
'''.lstrip()
TWO_CHECKS = '''

@check("{name}", weight=3, look_at="the formula")
def {name}_of_positive_numbers(exam):
    """The right numbers come back."""
    compare(exam, "{name}", np.array([2.9, 1.7]))


@check("{name}", weight=1, look_at="the sign")
def {name}_of_negative_numbers(exam):
    """The right numbers come back where they are negative."""
    compare(exam, "{name}", np.array([-1.3, -3.1]))
'''


def numbers_course(root: Path, config: str) -> Path:
    """A course with that practical in a new folder; ``config`` are its settings."""
    root.mkdir(parents=True)
    sources = {
        name: f"def {name}(x):\n    y = {formula}  ### SOLUTION {name}.body\n    return y"
        for name, formula in FORMULAS.items()
    }
    cells = [cell("code", "setup", "import math\n\nimport numpy as np", locked=True)]
    for name, source in {**sources, "walk": WALK}.items():
        cells += [
            cell("code", name, source, solution=True),
            cell("code", f"check-{name}", f"callable({name})", points=2, **GRADE),
        ]
    checks = BEGINNING + "".join(TWO_CHECKS.format(name=name) for name in FORMULAS)
    files = {"practical.toml": CONTRACT, "checks.py": checks, "probes.py": PROBES}
    small_course(root, new_notebook(cells=cells), NAME, files)
    (root / "nbgrader_config.py").write_text(config, encoding="utf-8")
    return root
