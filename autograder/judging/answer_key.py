"""The answer key of a practical: its hidden checks, and the reference, which is the source notebook's own solution."""

import ast
import copy
import hashlib
import importlib
import sys
import types
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from autograder.course.practical import Practical
from autograder.errors import CheckError, CourseError, did_you_mean
from autograder.judging.checks import Answer, Check
from autograder.judging.contract import SCENE, check_probes, check_questions, check_scene
from autograder.judging.draws import FIXED, Draw
from autograder.judging.faults import line_in, reason_of
from autograder.judging.scenes import Scene
from autograder.notebook.extraction import extract
from autograder.notebook.python import bound_names, global_names, read_python
from autograder.student import wire
from autograder.student.stage import Stage, plain, play

NO_CHECKS = ("__init__", "probes", "warmup")  # modules without checks; the last two are sent to the student's process


class AnswerKey:
    """What a practical's answers are compared with under one draw of its inputs; made once for many submissions."""

    def __init__(self, practical: Practical, draw: Draw = FIXED, edition: str = "") -> None:
        self.practical = practical
        self.draw = draw
        self._edition = edition  # the practical's modules are imported once for each, and once for each draw
        self._right: dict[str, Answer] = {}

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The hidden checks, question by question; those of one question in the order in which their file has them.

        CourseError names file and line of a check of no question, of a question that has no check, and of a probe that
        is asked for and not there.
        """
        if (self.practical.folder / "warmup.py").exists():
            self.module("warmup")  # the judge works in one thread too, and has no use for what that leaves out
        stems = [path.stem for path in sorted(self.practical.folder.glob("*.py"))]
        modules = [self.module(stem) for stem in stems if stem not in NO_CHECKS]
        found = [check for module in modules for check in _checks_in(module)]
        check_questions(self.practical, found)
        for module in modules:
            check_probes(module, self._probes)
        known = [question.name for question in self.practical.questions]
        return tuple(sorted(found, key=lambda check: known.index(check.question)))

    def require_probe(self, name: str) -> None:
        """CheckError if the student's process cannot be asked that, which a check may find out only while it runs."""
        if name not in self._probes:
            near, path = did_you_mean(name, self._probes), self.practical.folder / "probes.py"
            raise CheckError(f"there is no probe {name!r} to ask.", f"{near}Write it in {path}, or correct the name.")

    @cached_property
    def _probes(self) -> Collection[str]:
        return [SCENE, *(name for name, value in self.own.items() if callable(value))]

    def module(self, stem: str) -> types.ModuleType:
        """One of the practical's modules; CourseError names file and line where it cannot be imported."""
        with self._told(stem), self.draw.in_use():
            return importlib.import_module(f"{self._package}.{stem}")

    @contextmanager
    def _told(self, stem: str) -> Iterator[None]:
        """Tell what running a file of the practical raises, whatever it is."""
        try:
            yield
        except (Exception, SystemExit) as error:
            if isinstance(error, CourseError) and not isinstance(error, CheckError):
                raise  # it names its file
            where = line_in(self.practical.folder, error) or str(self.practical.folder / f"{stem}.py")
            step = getattr(error, "next_step", "Correct the file.")
            if isinstance(error, ModuleNotFoundError) and error.name:
                own = error.name.removeprefix(f"{self._package}.")
                step = f"Correct the name, or install it: pip install {error.name.split('.')[0]}"
                step = step if own == error.name else f"Correct the name, or write {self.practical.folder / own}.py."
            elif stem in NO_CHECKS and isinstance(error, ImportError):
                step = f"{stem}.py is sent to the sandbox: let it import installed libraries only, or autograder.rl."
            raise CourseError(f"{where}: {reason_of(error)}.", step) from error

    @cached_property
    def _package(self) -> str:
        """The name under which the folder is imported: another one once a file has changed, as in a server."""
        folder = self.practical.folder
        parts = [str(folder.resolve()).encode(), *(path.read_bytes() for path in sorted(folder.glob("*.py")))]
        digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
        name = f"practical_{digest[:12]}{self.draw.digest[:12]}{self._edition}"
        if name not in sys.modules:
            package = types.ModuleType(name)
            package.__path__ = [str(folder)]
            sys.modules[name] = package
        return name

    @cached_property
    def reference(self) -> "Reference":
        """The source notebook's own solution."""
        return Reference(self.practical)

    @cached_property
    def own(self) -> Mapping[str, Any]:
        """The probes, kinds of objects and helpers of the practical's own, made as in the student's process: alone."""
        names: dict[str, Any] = {"__name__": "probes"}
        with self._told("probes"):
            path = str(self.practical.folder / "probes.py")
            exec(compile(self.practical.probes, path, "exec"), names)  # noqa: S102 - the course's own
        return names

    def require(self, scene: Scene) -> None:
        """CheckError if a kind of object, a helper or a function that the scene needs is not there."""
        check_scene(scene, self.practical.folder, self._probes)
        for name in scene.functions:
            _ = self.reference[name]  # this imports what it needs, such as PyTorch, before the scene is played

    def right(self, scene: Scene) -> Answer:
        """What the reference's functions make of a scene, in float64: computed once. CheckError if they raise."""
        self.require(scene)
        sent: dict[str, Any] = scene.sent()
        key = hashlib.sha256(wire.pack(sent)).hexdigest()
        if key not in self._right:
            try:
                with _float64():
                    self._right[key] = Answer(plain(play(Stage(self.reference, self.own, dtype="float64"), **sent)))
            except Exception as error:
                called = ", ".join(step.function for step in scene.steps)
                message = f"the scene ({called}) fails with the source notebook's own solution: {reason_of(error)}."
                raise CheckError(message, "Correct the scene, or the notebook.") from error
        return self._right[key]


@contextmanager
def _float64() -> Iterator[None]:
    """PyTorch's default dtype is float64 meanwhile, where PyTorch is in use."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Reference(Mapping[str, Any]):
    """What the source notebook defines, by name, as attributes too.

    Of its cells only that is run on which a name that is asked for depends. CheckError if the notebook does not define
    the name, CourseError if its definition raises.
    """

    def __init__(self, practical: Practical) -> None:
        self._practical = practical
        self._statements = [
            (label, node, bound_names(node), global_names(node))
            for label, source in extract(practical.source, practical.long_running).cells
            for node in read_python(source)[1].body
        ]
        self._begin()

    def _begin(self) -> None:
        self._module = types.ModuleType("reference")
        self._run: set[int] = set()

    def anew(self) -> "Reference":
        """The same notebook, of which nothing was run yet: what was read of it is not read again."""
        other = copy.copy(self)
        other._begin()
        return other

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        if name not in vars(self._module):
            self._define(name)
        return vars(self._module)[name]

    def __iter__(self) -> Iterator[str]:
        return iter({name for _, _, names, _ in self._statements for name in names})

    def __len__(self) -> int:
        return len(set(self))

    def _define(self, name: str) -> None:
        """Run the statements that give a name its meaning, and those on which they depend, in their order."""
        if name not in set(self):
            step = f"{did_you_mean(name, self)}Correct the name, or define it in the source notebook."
            raise CheckError(f"{self._practical.source_path} does not define {name!r}, which is asked for here.", step)
        for i in sorted(self._needed({name}) - self._run):
            label, node, _, _ = self._statements[i]
            try:
                exec(compile(ast.Module([node], []), label, "exec"), vars(self._module))  # noqa: S102 - the course's own
            except Exception as error:
                where = f"{self._practical.source_path}, {label}, line {getattr(node, 'lineno', 1)}"
                message = f"{where}: {type(error).__name__}: {error}."
                raise CourseError(message, "Correct the source notebook.") from error
            self._run.add(i)

    def _needed(self, names: set[str]) -> set[int]:
        chosen: set[int] = set()
        wanted: set[str] = set()
        while names:
            wanted |= names
            new = {i for i, (_, _, bound, _) in enumerate(self._statements) if bound & names} - chosen
            chosen |= new
            names = {used for i in new for used in self._statements[i][3]} - wanted
        return chosen


# ---- the practical's modules ---------------------------------------------------------------------------------------


def _checks_in(module: types.ModuleType) -> list[Check]:
    found = [value for value in vars(module).values() if isinstance(value, Check)]
    return [check for check in found if check.run.__module__ == module.__name__]
