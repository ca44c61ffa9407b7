"""The house: rooms import downwards only, the core does without its annexes, and the engine knows no practical."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

from small_course import CORPUS, KIT, hand_in, small_course

ENGINE = KIT / "autograder"
FLOORS = (  # from the ground up: a room imports from its own floor and from those below it
    ("errors", "records", "files", "annexes", ""),
    ("course", "notebook"),
    ("student", "sandbox"),
    ("judging",),
    ("grading", "reports"),
    (
        *("authoring", "repair", "hints", "likeness", "verification", "doctor", "nbgrader", "confined", "publishing"),
        *("mutants", "rl", "term", "platforms", "cluster"),
    ),
    ("cli", "__main__", "nbgrader_plugin"),
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
ANNEXES = FLOORS[5]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ENGINE.rglob("*.py"))}


def name_of(path: Path) -> str:
    """The module's name within the engine, such as course.limits; a room's own is the folder's."""
    return ".".join(path.relative_to(ENGINE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


def room_of(name: str) -> str:
    return name.split(".")[0]


def imported(tree: ast.Module) -> set[str]:
    """The full names of all that a file imports, inside its functions too; what types alone need is left out."""
    every = list(ast.walk(tree))
    typing = [node for node in every if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"]
    left_out = {inner for node in typing for inner in ast.walk(node)}
    nodes = [node for node in every if isinstance(node, ast.Import | ast.ImportFrom) and node not in left_out]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {f"{node.module}.{a.name}" for node in nodes if isinstance(node, ast.ImportFrom) for a in node.names}


MODULES = {name_of(path): tree for path, tree in TREES.items()}


def modules_of(tree: ast.Module) -> set[str]:
    """The engine's own modules that a file imports: of autograder.<room>.<name> the longest that is a module."""
    found = set()
    for full in imported(tree):
        parts = full.split(".")[1:] if full.startswith("autograder.") else []
        found |= {next(name for end in range(len(parts), -1, -1) if (name := ".".join(parts[:end])) in MODULES)}
    return found - {""}


IMPORTS = {name: modules_of(tree) for name, tree in MODULES.items()}


def test_rooms_import_downwards_only() -> None:
    assert {room_of(name) for name in MODULES} == FLOOR_OF.keys()
    assert not [
        (name, other)
        for name, others in IMPORTS.items()
        for other in others
        if FLOOR_OF[room_of(other)] > FLOOR_OF[room_of(name)]
    ]


def test_the_core_imports_no_annex() -> None:
    core = [name for name in MODULES if room_of(name) not in ANNEXES and name != "nbgrader_plugin"]
    assert not [name for name in core if any(room_of(other) in ANNEXES for other in IMPORTS[name])]


def test_no_modules_import_each_other() -> None:
    TopologicalSorter(IMPORTS).prepare()  # raises CycleError, which names them


def test_the_engine_knows_no_practical() -> None:
    practicals = "|".join(path.parent.name for path in KIT.glob("solutions/*/practical.toml"))
    for path, tree in TREES.items():
        assert not {name for name in imported(tree) if name.startswith(("solutions", "tests", "benchmarks"))}
        assert not re.search(rf"\b({practicals})\b", path.read_text(encoding="utf-8"), re.IGNORECASE), path


def test_reinforcement_learning_is_spoken_of_in_its_own_room_alone() -> None:
    field = r"""reinforcement|episod\w*|replay|critics?|actors?|polic(?:y|ies)|rewards?|entropy|gymnasium|pendulums?
        |get_action|log_prob|log_std|environment\ steps?"""
    for path in [*TREES, *ENGINE.rglob("templates/*")]:
        if room_of(name_of(path)) != "rl":
            found = re.search(rf"\b(?:{field})\b", path.read_text(encoding="utf-8"), re.IGNORECASE | re.VERBOSE)
            assert not found, (path, found)


def test_what_the_sandbox_sees_imports_nothing_of_the_kit_but_its_own_folder() -> None:
    for path in sorted((ENGINE / "student").glob("*.py")):
        assert not {name for name in imported(TREES[path]) if name.startswith("autograder")}, path


def test_no_two_classes_have_one_name() -> None:
    nodes = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert not [name for name, count in Counter(node.name for node in nodes).items() if count > 1]


def test_the_top_is_small_and_every_room_says_what_belongs_there() -> None:
    assert len(list(ENGINE.glob("*.py"))) <= 8
    for path in ENGINE.glob("*/__init__.py"):
        assert ast.get_docstring(TREES[path]), path


def run_without(rooms: tuple[str, ...], folder: Path, *words: str) -> tuple[int, str]:
    """The exit code and the output of a command of a kit from which these rooms were taken out."""
    shutil.copytree(ENGINE, folder / "kit/autograder", ignore=shutil.ignore_patterns("__pycache__", *rooms))
    # an installed kit would be found where the copy lacks a room
    alone = "import sys; sys.meta_path = [each for each in sys.meta_path if 'Editable' not in str(each)]"
    command = [sys.executable, "-c", f"{alone}; from autograder.cli import main; main()", *words]
    done = subprocess.run(command, cwd=folder / "kit", capture_output=True, text=True, check=False)
    return done.returncode, done.stdout or done.stderr


def test_without_annexes_a_submission_is_marked_all_the_same(tmp_path: Path) -> None:
    course = small_course(tmp_path / "course")
    hand_in(course, "alice")
    hand_in(course, "bob", double="3 * x")
    code, said = run_without(ANNEXES, tmp_path, "grade", str(course), "--jobs", "1", "--json")
    assert code == 0, said
    assert {item["student"]: item["points"] for item in json.loads(said)["results"]} == {"alice": 5, "bob": 3}
    assert not (course / "gradebook.db").exists()


def test_a_command_whose_annex_was_taken_out_says_so(tmp_path: Path) -> None:
    course = small_course(tmp_path / "course", files={"variants/all.toml": CORPUS})
    code, said = run_without(("hints",), tmp_path, "verify", "--course", str(course))
    assert code == 2
    assert "autograder.hints has been taken out of this kit" in " ".join(said.split())


def test_every_room_is_installed_with_the_kit() -> None:
    installed = tomllib.loads((KIT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    assert sorted(installed) == sorted(
        ".".join(path.parent.relative_to(KIT).parts) for path in ENGINE.rglob("__init__.py")
    )
