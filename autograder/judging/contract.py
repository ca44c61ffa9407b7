"""Holds a practical's hidden checks to its contract: every question has one, and what they ask for is there."""

import ast
import types
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from autograder.course.practical import CONTRACT, Practical
from autograder.errors import CheckError, CourseError, did_you_mean
from autograder.files import read_own
from autograder.judging.checks import Check
from autograder.judging.scenes import Scene
from autograder.student.stage import HELPERS, KINDS

SCENE = "play"  # what every student's process can be asked, beside the practical's own probes


def check_questions(practical: Practical, checks: Sequence[Check]) -> None:
    """CourseError, naming file and line, on a check of no question, one whose name is taken, a question without one."""
    known = [question.name for question in practical.questions]
    places: dict[tuple[str, str], str] = {}
    for check in checks:
        if check.question not in known:
            step = f"{did_you_mean(check.question, known)}The questions are: {', '.join(known)}."
            raise CourseError(f"{check.place}: {check.name} is a check of no question, {check.question!r}.", step)
        if (key := (check.question, check.name)) in places:
            message = f"{check.place}: {check.question!r} has a check {check.name} already, in {places[key]}."
            raise CourseError(message, "Give every check of a question a name of its own.")
        places[key] = check.place
    for name in known:
        if not any(check.question == name for check in checks):
            step = f'Write one, "@check({name!r}, ...)", in a file of {practical.folder}.'
            raise CourseError(f"{practical.folder / CONTRACT}: the question {name!r} has no check.", step)


def check_probes(module: types.ModuleType, probes: Collection[str]) -> None:
    """CourseError, naming file and line, where a module asks for a probe by a constant name that is none of these."""
    path = Path(str(module.__file__))
    for line, name in _asked(ast.parse(read_own(path)), vars(module)):
        if name not in probes:
            step = f"{did_you_mean(name, probes)}Write it in {path.parent / 'probes.py'}, or correct the name."
            raise CourseError(f"{path}, line {line}: there is no probe {name!r} to ask.", step)


def check_scene(scene: Scene, folder: Path, own: Collection[str]) -> None:
    """CheckError on a kind of object or a helper that is neither the kit's nor among the practical's own."""
    needed = [("kind of object", thing.kind, KINDS) for thing in scene.objects.values()]
    needed += [("helper", step.function, HELPERS) for step in scene.steps if step.what == "help"]
    for what, name, common in needed:
        if name not in common and name not in own:
            step = f"{did_you_mean(name, [*common, *own])}Write it in {folder / 'probes.py'}, or correct the name."
            raise CheckError(f"there is no {what} {name!r}.", step)


def _asked(tree: ast.Module, constants: dict[str, object]) -> Iterator[tuple[int, str]]:
    """Line and name of each probe that is asked for with ``exam.ask``, as far as the text tells the name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) == "exam.ask":
            first = node.args[0]
            name: object = first.value if isinstance(first, ast.Constant) else None
            name = constants.get(first.id) if isinstance(first, ast.Name) else name
            if isinstance(name, str):
                yield node.lineno, name
